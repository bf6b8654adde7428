//! Fixes of diagnostics, applied to the text.

use flcm_flags_config::check;

/// The text with all fixes applied, until nothing changes.
fn fixed(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..10 {
        let (_, diagnostics) = check(&text);
        let next = diagnostics.fix(&text).text;
        if next == text {
            return text;
        }
        text = next;
    }
    panic!("the fixes do not end: {text}");
}

#[track_caller]
fn mends(wrong: &str, right: &str) {
    assert_eq!(fixed(wrong), right);
    let (config, diagnostics) = check(right);
    assert!(config.is_some(), "{}", diagnostics.render("fixed", right, false));
}

#[test]
fn a_misspelt_key_is_respelt_in_its_quotes() {
    mends("flags: { a: { rolout: { percentag: 10 } } }", "flags: { a: { rollout: { percentage: 10 } } }");
    mends(r#"{"flags":{"ä":{"rolout":{"percentage":10}}}}"#, r#"{"flags":{"ä":{"rollout":{"percentage":10}}}}"#);
    mends("flags:\n  a:\n    'rolout': { percentage: 5 }\n", "flags:\n  a:\n    'rollout': { percentage: 5 }\n");
}

#[test]
fn a_key_that_is_there_already_is_not_given_twice() {
    let text = "flags: { a: { rollout: { percentage: 10, percentag: 20 } } }";
    assert_eq!(fixed(text), text);
}

#[test]
fn of_fixes_that_overlap_the_first_is_applied() {
    let text = "flags: { a: { rolout: { percentag: 10 } } }";
    let (_, diagnostics) = check(text);
    let fix = diagnostics.fix(text);
    assert_eq!((fix.applied.len(), fix.left.len()), (1, 0), "what is below an unknown key is not read");
}
