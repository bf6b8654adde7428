//! Tidiness of the repository's own sources: layers, length, paths, words, and that vectors are JSON.

use std::path::{Path, PathBuf};

use flcm_flags_conformance::sources::{files_below, read_text};
use flcm_flags_conformance::vectors::root;
use regex::Regex;

mod layers;

use layers::{CLIENT, CORE, Layers, SERVER};

/// The most lines of code in a file.
const LONGEST: usize = 400;

/// The most columns of a line: of prose, of tables and of code.
const WIDEST: usize = 120;

/// Words that no source and no document uses, as patterns, and what to write instead. A pattern matches whole words in
/// any case; a name such as `isTold` or `is_told` is two words. The design is in the field's words, which readers know.
const REFUSED_WORDS: &[(&str, &str)] = &[
    ("asker", "`ContextInput`, or the caller"),
    ("bells?", "notify, wake"),
    ("couriers?", "`WebhookDispatcher`"),
    ("doors?", "binding, function, entry point"),
    ("gatherer", "`AttributeReader`"),
    ("hastens?|hastened", "`no_later_than`"),
    ("heard|unheard", "received, last seen"),
    ("letters?", "tag (of a type), delivery (of a webhook), character (of a text)"),
    ("news", "transition, change, event"),
    ("obey|obeys|obeyed|obeying", "apply, follow"),
    ("said", "set, sent, reported, logged"),
    ("take down|takes down|taken down", "persist"),
    ("take up|takes up|taken up", "recover"),
    ("tellers?", "reporter"),
    ("told|untold", "recorded, reported, sent, notified"),
];

/// The same for names and codes, which match in this spelling only.
const REFUSED_NAMES: &[(&str, &str)] = &[
    (r"\bFOREIGN_HOST\b", "`HOST_NOT_ALLOWED`"),
    (r"\bIMPOSSIBLE\b", "`INVALID_STATE`"),
    (r#"["'`]LATE["'`]"#, "`TIMEOUT`"),
    (r"\bMATCH_REQUIRED\b", "`PRECONDITION_REQUIRED`"),
    (r"\bWhom\b", "`ContextOrUserId`"),
    (r"\bheld off\b", "`off`"),
    (r"\b(?:newWay|new_way)\b", "`enabled`"),
    (r"\b(?:oldWay|old_way)\b", "`fallback`"),
];

/// The alphabet, which is no private word.
const ALPHABET: [&str; 2] = ["letters, digits", "letters and digits"];

/// Lines of code: without comments, blank lines and the tests at the foot.
fn code(text: &str) -> Vec<&str> {
    let lines = text.lines().take_while(|line| *line != "#[cfg(test)]" || !text.contains("\nmod tests {"));
    lines.filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with("//")).collect()
}

/// The module that a file of a crate belongs to: `snapshot` for `snapshot/wire.rs`.
fn module(path: &Path, source: &Path) -> String {
    let inner = path.strip_prefix(source).expect("a file of the crate");
    let first = inner.components().next().expect("a name").as_os_str().to_str().expect("a name");
    first.trim_end_matches(".rs").to_owned()
}

/// Fails where a module of a crate imports one that its table does not allow; answers how many imports there are.
fn check_layers(name: &str, layers: Layers) -> usize {
    let import = Regex::new(r"\bcrate::([a-z_]+|\{)").expect("a pattern");
    let folder = format!("crates/{name}/src");
    let (source, mut edges) = (root().join(&folder), 0);
    // What a test needs may stand higher.
    for path in files_below(&folder, &["rs"]).into_iter().filter(|path| !path.ends_with("tests.rs")) {
        let module = module(&path, &source);
        let row = layers.iter().find(|(name, _)| *name == module);
        let (_, allowed) = row.unwrap_or_else(|| panic!("give `{module}` a row in the table of layers of {name}"));
        for line in code(&read_text(&path)) {
            for found in import.captures_iter(line) {
                let (imported, place) = (&found[1], format!("{}: {line}", path.display()));
                assert!(imported != "{", "import each module in a line of its own: {place}");
                let is_allowed = imported == module || allowed.contains(&imported);
                assert!(is_allowed, "`{module}` must not import `{imported}`: {place}");
                edges += 1;
            }
        }
    }
    edges
}

/// Fails where a table lets a module import one that does not stand above it.
fn check_table(layers: Layers) {
    for (row, (module, allowed)) in layers.iter().enumerate() {
        for name in *allowed {
            let below = layers[..row].iter().any(|(lower, _)| lower == name);
            assert!(below, "`{module}` may import `{name}`, which does not stand above it");
        }
    }
}

#[test]
fn layers_of_the_core_only_go_down() {
    check_table(CORE);
    let edges = check_layers("flcm-flags", CORE);
    assert!(edges > 40, "imports were looked at: {edges}");
}

#[test]
fn layers_of_the_client_only_go_down() {
    check_table(CLIENT);
    let edges = check_layers("flcm-flags-client", CLIENT);
    assert!(edges > 40, "imports were looked at: {edges}");
}

#[test]
fn layers_of_the_server_only_go_down() {
    check_table(SERVER);
    let edges = check_layers("flcm-flags-server", SERVER);
    assert!(edges > 60, "imports were looked at: {edges}");
}

#[test]
fn files_are_at_most_400_lines_of_code_long() {
    let sources = ["crates", "bindings", "examples", "tests"].map(|folder| files_below(folder, &["rs"])).concat();
    assert!(sources.len() > 30, "sources were found");
    for path in sources {
        let length = code(&read_text(&path)).len();
        assert!(length <= LONGEST, "{}: {length} lines of code", path.display());
    }
}

#[test]
fn no_file_names_a_path_of_this_machine() {
    let absolute = Regex::new(r"(?:^|[^A-Za-z0-9_./:}~-])/(?:home|root|work|Users|tmp|usr/local)/").expect("a pattern");
    let extensions = ["rs", "toml", "md", "json", "yaml", "yml", "ts", "js", "mjs", "sh"];
    let folders = ["crates", "bindings", "pkg", "tests", "examples", "docs", ".flcm-core"];
    let mut files: Vec<PathBuf> = folders.into_iter().flat_map(|folder| files_below(folder, &extensions)).collect();
    files.retain(|path| !path.ends_with("tests/it/tidy.rs"));
    for path in files {
        for (number, line) in read_text(&path).lines().enumerate() {
            assert!(!absolute.is_match(line), "{}:{}: {line}", path.display(), number + 1);
        }
    }
}

#[test]
fn paths_in_the_documents_at_the_root_exist() {
    let path = Regex::new(r"`((?:\.ci|\.flcm-core|bindings|crates|docs|examples|pkg|schema|tests|xtask)/[\w./-]+)`");
    let path = path.expect("a pattern");
    // Made by recipes.
    let made = |path: &str| path.contains("/dist");
    let mut paths = 0;
    for document in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"] {
        for found in path.captures_iter(&read_text(&root().join(document))) {
            let path = &found[1];
            assert!(made(path) || root().join(path).exists(), "{document} names `{path}`, which is not there");
            paths += 1;
        }
    }
    assert!(paths > 60, "paths were found: {paths}");
}

#[test]
fn lines_of_the_documents_at_the_root_are_at_most_120_columns_wide() {
    for document in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"] {
        for (number, line) in read_text(&root().join(document)).lines().enumerate() {
            let columns = line.chars().count();
            assert!(columns <= WIDEST, "{document}:{}: {columns} columns", number + 1);
        }
    }
}

/// A line with the parts of its names as words: `is_told`, `isTold` and `IS_TOLD` become two words each.
fn words_of(line: &str) -> String {
    let line = ALPHABET.into_iter().fold(line.to_owned(), |line, phrase| line.replace(phrase, ""));
    let mut words = String::with_capacity(line.len());
    let mut was_lower = false;
    for character in line.chars() {
        if was_lower && character.is_uppercase() {
            words.push(' ');
        }
        was_lower = character.is_lowercase();
        words.push(if character == '_' { ' ' } else { character });
    }
    words
}

/// Sources without their tests, documents, and the READMEs of packages; vectors and the change log are not among them.
fn texts() -> Vec<PathBuf> {
    let rust = files_below("crates", &["rs", "sql"]).into_iter().filter(|path| path.iter().any(|part| part == "src"));
    let bindings =
        files_below("bindings", &["rs", "ts"]).into_iter().filter(|path| !path.iter().any(|part| part == "tests"));
    let folders = [("xtask/src", "rs"), (".flcm-core/features", "ts"), ("pkg", "ts"), ("docs", "md")];
    let others = folders.into_iter().flat_map(|(folder, extension)| files_below(folder, &[extension]));
    let readmes = ["crates", "bindings", "pkg", ".flcm-core", "examples"];
    let readmes = readmes.into_iter().flat_map(|folder| files_below(folder, &["md"]));
    let documents = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"].map(|name| root().join(name));
    rust.chain(bindings).chain(others).chain(readmes).chain(documents).collect()
}

#[test]
fn sources_and_documents_use_the_words_of_the_field() {
    let pattern = |pattern: &str| Regex::new(pattern).expect("a pattern");
    let words = REFUSED_WORDS.iter().map(|(word, instead)| (pattern(&format!(r"(?i)\b(?:{word})\b")), *instead));
    let words: Vec<(Regex, &str)> = words.collect();
    let names: Vec<(Regex, &str)> = REFUSED_NAMES.iter().map(|(name, instead)| (pattern(name), *instead)).collect();
    let files = texts();
    assert!(files.len() > 300, "files were found: {}", files.len());
    let mut refused = Vec::new();
    for path in files {
        let text = read_text(&path);
        for (number, line) in (1..).zip(text.lines()) {
            let parts = words_of(line);
            let in_words = words.iter().filter_map(|(word, instead)| Some((word.find(&parts)?, instead)));
            let in_names = names.iter().filter_map(|(name, instead)| Some((name.find(line)?, instead)));
            for (found, instead) in in_words.chain(in_names) {
                let (old, path) = (found.as_str(), path.strip_prefix(root()).unwrap_or(&path).display());
                refused.push(format!("{path}:{number}: `{old}`: write {instead}: {}", line.trim()));
            }
        }
    }
    assert!(refused.is_empty(), "{} words to replace:\n{}", refused.len(), refused.join("\n"));
}

#[test]
fn names_are_searched_by_their_parts() {
    assert_eq!(words_of("isTold, is_told, IS_TOLD"), "is Told, is told, IS TOLD");
    assert_eq!(words_of("ASCII letters, digits and `-`"), "ASCII  and `-`");
}

#[test]
fn every_vector_is_json_and_says_what_it_is_about() {
    let vectors = files_below("tests/vectors", &["json"]);
    assert!(vectors.len() > 30, "vectors were found");
    for path in vectors {
        let value: serde_json::Value =
            serde_json::from_str(&read_text(&path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(value["about"].as_str().is_some_and(|about| about.ends_with('.')), "{}: `about`", path.display());
    }
}

#[test]
fn exported_functions_of_bindings_are_at_most_12_lines_long() {
    let mut functions = 0;
    for path in ["wasm", "compile", "node"].map(|binding| root().join("bindings").join(binding).join("src/lib.rs")) {
        let text = read_text(&path);
        let lines: Vec<&str> = text.lines().collect();
        for (start, line) in lines.iter().enumerate().filter(|(_, line)| line.trim_start().starts_with("pub fn ")) {
            let close = format!("{}}}", &line[..line.len() - line.trim_start().len()]);
            let length = lines[start..].iter().position(|line| *line == close).expect("the end of a function") + 1;
            assert!(length <= 12, "{}:{}: {length} lines", path.display(), start + 1);
            functions += 1;
        }
    }
    assert!(functions > 35, "functions were found: {functions}");
}

#[test]
fn only_the_core_knows_the_words_of_decisions() {
    let outcomes = (0..=10).map(|code: u64| flcm_flags::PackedDecision::from_bits(code << 48).reason());
    let words: Vec<&str> = outcomes
        .flat_map(|reason| [Some(reason.as_str()), reason.error_code().map(flcm_flags::ErrorCode::as_str)])
        .flatten()
        .collect();
    assert!(words.contains(&"TARGETING_MATCH") && words.contains(&"FLAG_NOT_FOUND"));
    // The code of an error that is thrown as well.
    let words: Vec<&str> = words.into_iter().filter(|word| *word != "INVALID_CONTEXT").collect();
    let bindings = files_below("bindings", &["rs", "ts"]);
    let packages = files_below("pkg/web/src", &["ts"]).into_iter().chain(files_below("pkg/node/src", &["ts"]));
    for path in bindings.into_iter().chain(packages) {
        for line in code(&read_text(&path)) {
            let quoted =
                |word: &&&str| ['"', '\'', '`'].iter().any(|quote| line.contains(&format!("{quote}{word}{quote}")));
            let is_comment = line.trim_start().starts_with(['*', '/']);
            assert_eq!(words.iter().find(quoted).filter(|_| !is_comment), None, "{}: {line}", path.display());
        }
    }
}
