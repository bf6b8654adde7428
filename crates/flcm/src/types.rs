//! `flcm types`: TypeScript types for the flags of a document.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flcm_flags_config::config::{Config, Flag, Value};
use serde_json::Value as Json;

use crate::failure::Failure;
use crate::source;
use crate::style::shown;

mod openfeature;
mod shape;
mod text;

use shape::Shape;
use text::{property, quoted};

/// Print TypeScript types for the flags of a document
#[derive(Debug, clap::Args)]
#[command(after_help = "\
For each flag the output has the names of its variants, and the type of what it may serve: the default, `on`, and the \
values of its variants. Changing a rollout, a rule or a weight changes no type.

With `--for openfeature` the output has the flag keys that OpenFeature's JavaScript clients may request, by the type \
of what the flags may serve. Write it to a file that ends in `.d.ts`, and turn on the compiler option `skipLibCheck`.

Examples:
  flcm types feature-flags.yaml > flags.d.ts
  flcm types feature-flags.yaml --for openfeature > openfeature.d.ts")]
pub(crate) struct Options {
    /// The document, YAML or JSON
    #[arg(value_name = "DOC")]
    document: PathBuf,
    /// The client whose calls are checked
    #[arg(long = "for", value_name = "CLIENT", default_value = "features")]
    client: Client,
}

/// The client that uses the types.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Client {
    /// `createFeatures` of `@flcm/features`
    Features,
    /// The SDKs of `OpenFeature` for servers, browsers and React
    Openfeature,
}

pub(crate) fn run(options: &Options) -> Result<bool, Failure> {
    let text = source::read_document(&options.document)?;
    let config = source::accept(&options.document, &text, |_| {})?;
    // Without its folder, so that the text is the same wherever the repository lies.
    let name = source::display(options.document.file_name().map_or(&options.document, Path::new));
    let declarations = match options.client {
        Client::Features => declarations(&config),
        Client::Openfeature => openfeature::declarations(&config),
    };
    let head = format!("// Made by `flcm types` from {name}: run it again when the document changes.\n\n");
    std::io::stdout().write_all((head + &declarations).as_bytes())?;
    Ok(true)
}

/// What stands above the flags: when a decision has neither, as `Decision` of the contract says it.
const HEAD: &str = "\
/**
 * What each flag serves: for `createFeatures<Flags>`. A decision that serves the default names no variant, and a flag
 * without variants never does. A decision with an error has no value.
 */
export interface Flags {
";

// Writing to a string cannot fail: the errors of `writeln!` are dropped below.
fn declarations(config: &Config) -> String {
    let mut text = HEAD.to_owned();
    for (key, flag) in &config.flags {
        comment(&mut text, flag.description.as_deref().unwrap_or_default());
        let (key, variant, value) = (property(key), variant(flag), value(flag));
        let _ = writeln!(text, "  readonly {key}: {{ readonly variant: {variant}; readonly value: {value} }};");
    }
    text.push_str("}\n");
    text
}

/// A description, which must not end the comment that it stands in.
fn comment(text: &mut String, description: &str) {
    let description = description.replace("*/", "*\\/");
    let lines: Vec<String> = description.trim().lines().map(|line| shown(line.trim_end())).collect();
    if let [line] = lines.as_slice() {
        let _ = writeln!(text, "  /** {line} */");
    } else if !lines.is_empty() {
        text.push_str("  /**\n");
        for line in lines {
            let _ = writeln!(text, "   *{}{line}", if line.is_empty() { "" } else { " " });
        }
        text.push_str("   */\n");
    }
}

/// The names of the variants.
fn variant(flag: &Flag) -> String {
    let names: Vec<String> = flag.variants.iter().map(|variant| quoted(&variant.name)).collect();
    if names.is_empty() { "never".to_owned() } else { names.join(" | ") }
}

/// The type of what is served. Texts that are served as they are, not within an object or list, are named: all of them
/// stand in the document.
fn value(flag: &Flag) -> String {
    let mut shape = Shape::default();
    let mut texts: Vec<String> = Vec::new();
    for value in served(flag) {
        match value {
            Value::Bool(value) => shape.add(&Json::Bool(*value)),
            // Canonical text of the compiler: it is JSON.
            Value::Json(text) => shape.add(&serde_json::from_str(text).unwrap_or_default()),
            Value::Number(value) => shape.add(&Json::from(*value)),
            Value::String(text) => texts.push(quoted(text)),
        }
    }
    let mut types = shape.types();
    for text in texts {
        if !types.contains(&text) {
            types.push(text);
        }
    }
    types.join(" | ")
}

/// Everything that a flag can serve, whatever its rules, weights and kill switch say: those are turned without anybody
/// compiling an application again. A variant is drawn where there are some, so `on` itself is for those without a
/// value.
fn served(flag: &Flag) -> impl Iterator<Item = &Value> {
    let variants = &flag.variants;
    let is_on_served = variants.is_empty() || variants.iter().any(|variant| variant.value.is_none());
    let on = flag.on.iter().filter(move |_| is_on_served);
    std::iter::once(&flag.default).chain(on).chain(variants.iter().filter_map(|variant| variant.value.as_ref()))
}
