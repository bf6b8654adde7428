//! The modules of the crate form layers.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules from low to high. Each uses only modules above it in this list, as the documentation of the crate says.
const LAYERS: [&str; 13] = [
    "limits",
    "diagnostics",
    "context",
    "parse",
    "edit",
    "config",
    "check",
    "outline",
    "compile",
    "explain",
    "diff",
    "workbench",
    "simulate",
];

#[test]
fn a_module_uses_only_lower_modules() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut uses = 0;
    for file in files_below(&source) {
        let inner = file.strip_prefix(&source).unwrap().display().to_string();
        let module = inner.split(['/', '\\', '.']).next().unwrap();
        let Some(layer) = LAYERS.iter().position(|name| *name == module) else {
            assert_eq!(module, "lib", "{inner} has no layer");
            continue;
        };
        for used in modules_used(&fs::read_to_string(&file).unwrap()) {
            let lower = LAYERS.iter().position(|name| *name == used);
            assert!(lower.is_none_or(|lower| lower <= layer), "{inner} uses `{used}`, which is a higher layer");
            uses += usize::from(lower.is_some());
        }
    }
    assert!(uses > 60, "uses were found: {uses}");
}

/// What follows `crate::` in code: comments and unit tests do not count.
fn modules_used(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let name = |part: &str| part.chars().take_while(|letter| letter.is_ascii_lowercase() || *letter == '_').collect();
    lines.flat_map(|line| line.split("crate::").skip(1)).map(name).collect()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}
