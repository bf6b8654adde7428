//! Documents are read by one of two readers. Both come to the same configuration and the same diagnostics: a line with
//! three dots at the end of a text changes nothing, but takes the reader that knows all of YAML.

use fastrand::Rng;
use flcm_flags_config::check;
use flcm_flags_conformance::generate::Document;
use flcm_flags_conformance::vectors::format::Diagnostics;
use flcm_flags_conformance::vectors::{files, read};

/// Codes of texts that cannot be read, where the dots may change what is said.
const UNREADABLE: [&str; 3] = ["limit-nesting", "wrong-key", "yaml-syntax"];

/// Whether anything could be compared, and had problems.
fn compare(text: &str) -> bool {
    let (config, found) = check(text);
    let (other_config, other) = check(&format!("{text}\n...\n"));
    if [&found, &other].iter().any(|found| found.iter().any(|problem| UNREADABLE.contains(&problem.code))) {
        return false;
    }
    assert_eq!(found, other, "{text}");
    assert_eq!(config, other_config, "{text}");
    !found.is_empty()
}

/// The text with one word of it, or a mark, in the place of another.
fn misspelt(text: &str, rng: &mut Rng) -> String {
    let is_inner = |character: char| !character.is_ascii_alphanumeric() && character != '_';
    let words: Vec<&str> = text.split(is_inner).filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return text.to_owned();
    }
    let (old, new) = (words[rng.usize(..words.len())], words[rng.usize(..words.len())]);
    let start = old.as_ptr().addr() - text.as_ptr().addr();
    let new = if rng.u8(..4) == 0 { ["{}", "[]", "1e400", "-1", "flags", "'<<'"][rng.usize(..6)] } else { new };
    format!("{}{new}{}", &text[..start], &text[start + old.len()..])
}

#[test]
fn both_readers_come_to_the_same_diagnostics() {
    let mut rng = Rng::with_seed(1);
    let vectors = files("diagnostics").into_iter().flat_map(|path| read::<Diagnostics>(&path).cases);
    let mut texts: Vec<String> = vectors.map(|case| case.document.text()).filter(|text| text.len() < 20_000).collect();
    texts.extend((0..60).map(|_| Document::random(&mut rng).text));
    let mut compared = 0;
    for text in texts {
        compared += usize::from(compare(&text));
        for _ in 0..8 {
            compared += usize::from(compare(&misspelt(&text, &mut rng)));
        }
    }
    assert!(compared > 1_000, "{compared} texts had problems");
}
