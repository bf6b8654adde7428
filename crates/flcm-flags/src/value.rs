//! Values: what flags serve, and what the attributes of a context contain.
//!
//! Both borrow their text: a flag's from the snapshot, an attribute's from the caller. Objects and arrays stay
//! canonical JSON text, because the core needs no JSON code that way, and each host has a parser of its own.
//!
//! Integers are hashed as their decimal text, so that the number 42 and the text "42" of another client put a user into
//! the same bucket. The digits are taken from the bits of the float: a cast would round or saturate.

/// A value that a flag serves. All values of a flag have the same type.
///
/// ```
/// use flcm_flags::Value;
/// assert_eq!(Value::Number(12.0).as_number(), Some(12.0));
/// assert_eq!(Value::String("dark").as_bool(), None);
/// assert_eq!(Value::Json(r#"{"a":1}"#).as_json(), Some(r#"{"a":1}"#));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'s> {
    /// `true` or `false`.
    Bool(bool),
    /// An object or array, as canonical JSON text: keys are sorted, and there is no white space.
    Json(&'s str),
    /// A finite number.
    Number(f64),
    /// Text.
    String(&'s str),
}

impl<'s> Value<'s> {
    /// The boolean, if it is one.
    #[must_use]
    pub const fn as_bool(self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(value) } else { None }
    }

    /// The number, if it is one.
    #[must_use]
    pub const fn as_number(self) -> Option<f64> {
        if let Self::Number(value) = self { Some(value) } else { None }
    }

    /// The text, if it is text.
    #[must_use]
    pub const fn as_str(self) -> Option<&'s str> {
        if let Self::String(value) = self { Some(value) } else { None }
    }

    /// The JSON text, if it is an object or array.
    #[must_use]
    pub const fn as_json(self) -> Option<&'s str> {
        if let Self::Json(value) = self { Some(value) } else { None }
    }
}

/// The value of an attribute in a context. Leave an absent attribute out of the context.
///
/// ```
/// use flcm_flags::AttributeValue;
/// assert_eq!(AttributeValue::from("DE"), AttributeValue::Text("DE"));
/// assert_eq!(AttributeValue::from(&["beta", "staff"]), AttributeValue::List(&["beta", "staff"]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AttributeValue<'a> {
    /// `true` or `false`.
    Bool(bool),
    /// A list of strings.
    List(&'a [&'a str]),
    /// A number. One that is not finite counts as absent.
    Number(f64),
    /// Text.
    Text(&'a str),
}

impl From<bool> for AttributeValue<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f64> for AttributeValue<'_> {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<i32> for AttributeValue<'_> {
    fn from(value: i32) -> Self {
        Self::Number(value.into())
    }
}

impl<'a> From<&'a str> for AttributeValue<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a [&'a str]> for AttributeValue<'a> {
    fn from(value: &'a [&'a str]) -> Self {
        Self::List(value)
    }
}

impl<'a, const N: usize> From<&'a [&'a str; N]> for AttributeValue<'a> {
    fn from(value: &'a [&'a str; N]) -> Self {
        Self::List(value)
    }
}

/// `number` as an integer, if it is one of magnitude below 2^53.
#[expect(clippy::as_conversions, clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::float_cmp)]
fn integer(number: f64) -> Option<i64> {
    // A cast rounds and saturates, and then the number is another one.
    let whole = number as i64;
    (whole as f64 == number && whole.unsigned_abs() < 1 << 53).then_some(whole)
}

/// Passes the text of `number` to `look`, if it is an integer of magnitude below 2^53. Zero has no sign.
#[expect(clippy::as_conversions, reason = "a digit")]
pub(crate) fn with_decimal<R>(number: f64, look: impl FnOnce(&[u8]) -> R) -> Option<R> {
    let whole = integer(number)?;
    let mut rest = whole.unsigned_abs();
    // 2^53 has 16 digits. The byte in front of them is a sign already.
    let mut bytes = [b'-'; 17];
    let mut start = 17_usize;
    for digit in bytes.iter_mut().rev() {
        *digit = (rest % 10) as u8 | b'0';
        rest /= 10;
        start = start.wrapping_sub(1);
        if rest == 0 {
            break;
        }
    }
    bytes.get(start.wrapping_sub(usize::from(whole < 0))..).map(look)
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::with_decimal;

    #[test]
    fn integers_below_two_to_the_53_have_a_text() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-1.0, "-1"),
            (42.0, "42"),
            (1e15, "1000000000000000"),
            (9_007_199_254_740_991.0, "9007199254740991"),
            (-9_007_199_254_740_991.0, "-9007199254740991"),
        ] {
            assert_eq!(with_decimal(number, |digits| Vec::from(digits)), Some(Vec::from(text)));
        }
        for number in [0.5, -1.5, 9_007_199_254_740_992.0, 1e300, 5e-324, f64::NAN, f64::INFINITY] {
            assert!(with_decimal(number, |_| ()).is_none(), "{number}");
        }
    }
}
