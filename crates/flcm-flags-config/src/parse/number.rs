//! Numbers of YAML's core schema. All numbers are floats; one that a float cannot keep is not changed without a word.

/// Up to here each integer is a float of its own. JavaScript's safe integers end one earlier.
const EXACT: u64 = 1 << 53;

/// Digits that a float always keeps.
const SAFE_DIGITS: usize = 15;

/// Reads an unquoted scalar, if it is a number: what a float makes of it, and whether it keeps it.
pub(super) fn read(text: &str) -> Option<(f64, bool)> {
    if !text.starts_with(|first: char| first.is_ascii_digit() || "-+.".contains(first)) {
        return None;
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            return u64::from_str_radix(digits, radix).ok().map(integer);
        }
    }
    match text.trim_start_matches(['-', '+']) {
        ".inf" | ".Inf" | ".INF" => Some((f64::INFINITY, true)),
        ".nan" | ".NaN" | ".NAN" => Some((f64::NAN, true)),
        _ => decimal(text),
    }
}

/// Whether a float keeps a decimal number: so that nobody who reads the float again could tell the difference.
#[must_use]
pub fn keeps(text: &str) -> bool {
    decimal(text).is_none_or(|(_, is_kept)| is_kept)
}

#[expect(clippy::cast_precision_loss, reason = "what is lost is reported")]
fn integer(whole: u64) -> (f64, bool) {
    (whole as f64, whole <= EXACT)
}

fn decimal(text: &str) -> Option<(f64, bool)> {
    // Rust also parses `inf` and `nan`, which are text in YAML.
    let numeric = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    let value: f64 = if numeric { text.parse().ok()? } else { return None };
    Some((value, is_kept(text, value)))
}

fn is_kept(text: &str, value: f64) -> bool {
    let exponent = text.contains(['e', 'E']);
    if text.len() <= SAFE_DIGITS && !exponent {
        return true;
    }
    // Beyond 2^53 the neighbours of an integer are lost. With an exponent, a size is meant rather than an id.
    #[expect(clippy::cast_precision_loss, reason = "2^53 is a float")]
    let is_large = value.fract() == 0.0 && value.abs() > EXACT as f64;
    value.is_finite() && (exponent || !is_large) && significant(text) == significant(&format!("{value:e}"))
}

/// The digits of a decimal number without zeros around them, and the power of ten of the last one.
fn significant(text: &str) -> (String, i64) {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{}{fraction}", whole.trim_start_matches(['-', '+']));
    let trimmed = digits.trim_end_matches('0');
    let zeros = digits.len() - trimmed.len();
    let digits = trimmed.trim_start_matches('0');
    // An exponent beyond these is refused as infinite, or belongs to zero.
    let exponent = exponent.parse().unwrap_or(i64::MIN);
    let power = exponent.saturating_add(size(zeros)).saturating_sub(size(fraction.len()));
    (digits.to_owned(), if digits.is_empty() { 0 } else { power })
}

fn size(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_number_is_kept_or_reported() {
        for kept in
            ["0", "-0.0", "0e999999999999999999999", "007", "+1.50", ".5", "5.", "1E+20", "5e-324", "9007199254740992"]
        {
            assert!(matches!(read(kept), Some((_, true))), "{kept}");
        }
        assert!(matches!(read("0e9223372036854775807"), Some((_, true))));
        for lost in [
            "0.5e-9223372036854775808",
            "9007199254740993",
            "1e400",
            "1e-400",
            "0x20000000000001",
            "9007199254740994.0",
            "0.10000000000000000001",
        ] {
            assert!(matches!(read(lost), Some((_, false))), "{lost}");
        }
        for text in ["", "-", ".", "1_000", "inf", "nan", "1.2.3", "e5", "0x", "0xg", "10%"] {
            assert!(read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn each_float_is_kept_as_it_is_written_shortest() {
        let mut rng = fastrand::Rng::with_seed(1);
        for _ in 0..100_000 {
            let number = f64::from_bits(rng.u64(..));
            let text = format!("{number:e}");
            assert!(!number.is_finite() || matches!(read(&text), Some((_, true))), "{text}");
        }
    }
}
