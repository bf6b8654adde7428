//! TypeScript types of JSON values: all objects become one type, and all lists become one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::text::property;

/// The type of several values that occur at the same position.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// TypeScript's names of the primitive types.
    plain: BTreeSet<&'static str>,
    /// The type of the items of lists, if there are lists.
    items: Option<Box<Shape>>,
    object: Option<Object>,
}

/// The type of several objects.
#[derive(Debug, Default)]
struct Object {
    count: usize,
    /// How many objects have each key, and the type of its values.
    entries: BTreeMap<String, (usize, Shape)>,
}

impl Shape {
    pub(super) fn add(&mut self, value: &Json) {
        let plain = match value {
            Json::Array(items) => {
                let shape = self.items.get_or_insert_default();
                for item in items {
                    shape.add(item);
                }
                return;
            }
            Json::Object(entries) => return self.object.get_or_insert_default().add(entries),
            Json::Bool(_) => "boolean",
            Json::Null => "null",
            Json::Number(_) => "number",
            Json::String(_) => "string",
        };
        self.plain.insert(plain);
    }

    /// The members of the union, each once.
    pub(super) fn types(&self) -> Vec<String> {
        let plain = self.plain.iter().map(|name| (*name).to_owned());
        let lists = self.items.as_ref().map(|items| list(&items.types()));
        let objects = self.object.as_ref().map(Object::declaration);
        plain.chain(lists).chain(objects).collect()
    }
}

impl Object {
    fn add(&mut self, entries: &Map<String, Json>) {
        self.count += 1;
        for (key, value) in entries {
            let (count, shape) = self.entries.entry(key.clone()).or_default();
            *count += 1;
            shape.add(value);
        }
    }

    fn declaration(&self) -> String {
        if self.entries.is_empty() {
            // `{}` would be anything but `null`.
            return "Record<string, never>".to_owned();
        }
        let entry = |(key, (count, shape)): (&String, &(usize, Shape))| {
            let mark = if *count < self.count { "?" } else { "" };
            format!("readonly {}{mark}: {}", property(key), shape.types().join(" | "))
        };
        let entries: Vec<String> = self.entries.iter().map(entry).collect();
        format!("{{ {} }}", entries.join("; "))
    }
}

/// `readonly` and `[]` bind tighter than a union, and `readonly` may not stand before another.
fn list(items: &[String]) -> String {
    match items {
        [] => "readonly never[]".to_owned(),
        [item] if !item.starts_with("readonly ") => format!("readonly {item}[]"),
        _ => format!("readonly ({})[]", items.join(" | ")),
    }
}
