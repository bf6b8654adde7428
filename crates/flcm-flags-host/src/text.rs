//! Numbers and trip states as text, without `core::fmt`: formatting would be a tenth of the wasm module.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use flcm_flags::TripState;

/// The state of a trip as its keyword, with a cap's percentage.
#[must_use]
pub fn trip(state: TripState) -> String {
    let mut text = state.as_str().to_owned();
    if let TripState::Capped(cap) = state {
        text.push(' ');
        text.push_str(&decimal(cap.into()));
    }
    text
}

/// Decimal digits.
#[must_use]
pub fn decimal(number: u64) -> String {
    let digits = core::iter::successors(Some(number), |rest| (*rest > 9).then_some(rest / 10));
    let digits: Vec<char> = digits.map(digit).collect();
    digits.iter().rev().collect()
}

/// The last decimal digit of a number.
fn digit(number: u64) -> char {
    char::from(b'0' + (number % 10).to_le_bytes()[0])
}

/// Two hexadecimal digits for each byte.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|half| char::from(hex_digit(half))).collect()
}

/// The bytes of [`to_hex`]; `None` for what is none.
#[must_use]
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let half = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let byte = |pair: &[u8]| Some(half(*pair.first()?)? << 4 | half(*pair.get(1)?)?);
    text.as_bytes().chunks(2).map(byte).collect()
}

/// Base64url without padding.
#[must_use]
pub fn to_base64url(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | u32::from(*group.get(at).unwrap_or(&0)));
        let sextet = |at: usize| bits >> (18 - 6 * at) & 63;
        text.extend((0..=group.len()).map(|at| char::from(BASE64URL[sextet(at) as usize])));
    }
    text
}

/// The bytes of [`to_base64url`]; `None` for anything that it does not write.
#[must_use]
pub fn from_base64url(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for group in text.as_bytes().chunks(4) {
        let mut bits = 0;
        for at in 0..4 {
            let value = group.get(at).map_or(Some(0), |digit| BASE64URL.iter().position(|known| known == digit));
            bits = bits << 6 | u32::try_from(value?).ok()?;
        }
        bytes.extend_from_slice(bits.to_be_bytes().get(1..group.len())?);
    }
    // One character alone is none, and unused bits are zero.
    (to_base64url(&bytes) == text).then_some(bytes)
}

/// 16 hexadecimal digits.
#[must_use]
pub fn hex(number: u64) -> String {
    let mut digits = [0; 16];
    for (index, digit) in (0_u32..).zip(digits.iter_mut().rev()) {
        *digit = hex_digit(number.rotate_right(4 * index).to_le_bytes()[0] & 15);
    }
    core::str::from_utf8(&digits).unwrap_or_default().to_owned()
}

const fn hex_digit(value: u8) -> u8 {
    value + if value < 10 { b'0' } else { b'a' - 10 }
}

const BASE64URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

#[cfg(test)]
mod tests {
    use super::{decimal, from_base64url, from_hex, hex, to_base64url, to_hex};

    #[test]
    fn bytes_come_back_from_base64url() {
        let bytes: std::vec::Vec<u8> = (0..=255).collect();
        for length in 0..bytes.len() {
            assert_eq!(from_base64url(&to_base64url(&bytes[..length])).as_deref(), Some(&bytes[..length]));
        }
        assert_eq!(to_base64url(&[0xfb, 0xff, 0xfe]), "-__-");
        assert_eq!(to_base64url(&[0xff]), "_w");
        for other in ["A", "AAAAA", "+//+", "_x", "_w==", "A A", "é"] {
            assert_eq!(from_base64url(other), None, "{other}");
        }
    }

    #[test]
    fn bytes_come_back_from_hexadecimal_digits() {
        let bytes: std::vec::Vec<u8> = (0..=255).collect();
        assert_eq!(from_hex(&to_hex(&bytes)), Some(bytes));
        assert_eq!(to_hex(&[0, 0xaf]), "00af");
        for damaged in ["0", "0g", "000"] {
            assert_eq!(from_hex(damaged), None, "{damaged}");
        }
    }

    #[test]
    fn hexadecimal_digits_are_those_of_the_standard_library() {
        for number in [0, 1, 0x0123_4567_89ab_cdef, u64::MAX] {
            assert_eq!(hex(number), std::format!("{number:016x}"));
        }
    }

    #[test]
    fn decimal_digits_are_those_of_the_standard_library() {
        for number in [0, 9, 10, 12_500, 100_000, u64::MAX] {
            assert_eq!(decimal(number), std::format!("{number}"));
        }
    }
}
