//! Semantic versions, by the crate `semver`.

use std::cmp::Ordering;

use semver::Version;

/// Orders two versions by precedence; `None` when either is no semantic version. Build metadata is ignored.
///
/// `semver` keeps major, minor and patch in 64 bits and refuses what is larger; the contract sets no bound. So the three
/// numbers are compared here, by length and digits, and `semver` judges what follows them.
#[must_use]
pub fn compare(left: &str, right: &str) -> Option<Ordering> {
    let (left_numbers, left_rest) = parse(left)?;
    let (right_numbers, right_rest) = parse(right)?;
    let sizes = |numbers: &[String]| -> Vec<(usize, String)> {
        numbers.iter().map(|digits| (digits.len(), digits.clone())).collect()
    };
    let by_numbers = sizes(&left_numbers).cmp(&sizes(&right_numbers));
    Some(by_numbers.then(left_rest.cmp_precedence(&right_rest)))
}

/// The three numbers as digits, and the version with zeros in their place.
fn parse(text: &str) -> Option<(Vec<String>, Version)> {
    let end = text.find(['-', '+']).unwrap_or(text.len());
    let (core, rest) = text.split_at(end);
    let numbers: Vec<String> = core.split('.').map(str::to_owned).collect();
    let valid = |digits: &String| {
        digits == "0"
            || (!digits.is_empty() && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit()))
    };
    if numbers.len() != 3 || !numbers.iter().all(valid) {
        return None;
    }
    Some((numbers, Version::parse(&format!("0.0.0{rest}")).ok()?))
}
