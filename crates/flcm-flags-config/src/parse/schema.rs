//! The JSON Schema of documents, for editors. It is generated from the types that the parser fills.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use serde_json::Value;

use crate::parse::document::Document;

/// The JSON Schema (draft 2020-12) of a document, as pretty-printed text that ends in a line feed.
#[must_use]
pub fn schema() -> String {
    let mut generator = SchemaSettings::draft2020_12().with_transform(NoNull).into_generator();
    let mut schema = generator.root_schema_for::<Document>();
    schema.insert("$comment".to_owned(), "made by `flcm schema`; regenerate with `just schema`".into());
    let text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text + "\n"
}

/// Removes `null` from the schema: documents leave a key out instead, and `null` is an error.
#[derive(Clone)]
struct NoNull;

impl Transform for NoNull {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        if let Some(Value::Array(types)) = schema.get_mut("type") {
            types.retain(|kind| kind != "null");
            if let [kind] = types.as_slice() {
                let kind = kind.clone();
                schema.insert("type".to_owned(), kind);
            }
        }
        if let Some(Value::Array(keywords)) = schema.get_mut("enum") {
            keywords.retain(|keyword| !keyword.is_null());
        }
        if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
            choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
            if let [Value::Object(only)] = choices.as_slice() {
                let only = only.clone();
                schema.remove("anyOf");
                only.into_iter().for_each(|(key, value)| drop(schema.insert(key, value)));
            }
        }
    }
}
