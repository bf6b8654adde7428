//! When to try again: back-off with jitter, and `Retry-After`.

use std::time::{Duration, UNIX_EPOCH};

use axum::http::{HeaderMap, header};

/// A receiver that asks for a longer pause is asked again after this one nevertheless.
const LONGEST_ASKED: Duration = Duration::from_hours(1);

/// The waits after failed attempts: they double from the first to the longest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BackOff {
    pub(crate) first: Duration,
    pub(crate) longest: Duration,
}

impl BackOff {
    /// How long to wait after so many doublings, and at least as long as the receiver has asked for; up to a fifth more
    /// by chance, so that many who wait do not come at once.
    pub(crate) fn wait(self, doublings: u32, asked: Option<Duration>) -> Duration {
        let doubled = self.first.saturating_mul(1 << doublings.min(16)).min(self.longest);
        let asked = asked.unwrap_or_default().min(LONGEST_ASKED);
        doubled.max(asked).mul_f64(rand::random_range(1.0..1.2))
    }
}

/// What `Retry-After` asks for: a number of seconds, or a date, which is compared with `now` in milliseconds since
/// 1970.
pub(crate) fn retry_after(headers: &HeaderMap, now: u64) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(until.saturating_sub(Duration::from_millis(now)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::{HeaderMap, HeaderValue, header};

    use super::{BackOff, LONGEST_ASKED, retry_after};

    #[test]
    fn waits_double_up_to_the_longest_and_are_as_long_as_asked() {
        let (first, longest) = (Duration::from_secs(1), Duration::from_mins(5));
        let about = |doublings, asked, expected: Duration| {
            let wait = BackOff { first, longest }.wait(doublings, asked);
            assert!(wait >= expected && wait <= expected.mul_f64(1.2), "{doublings} {asked:?}: {wait:?}");
        };
        about(0, None, first);
        about(1, None, first * 2);
        about(3, None, first * 8);
        about(u32::MAX, None, longest);
        about(1, Some(first * 30), first * 30);
        about(1, Some(Duration::MAX), LONGEST_ASKED);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let asked = |text: &str| {
            let headers = HeaderMap::from_iter([(header::RETRY_AFTER, HeaderValue::from_str(text).unwrap())]);
            retry_after(&headers, 784_111_777_000).map(|wait| wait.as_secs())
        };
        assert_eq!(asked("17"), Some(17));
        assert_eq!(asked("Sun, 06 Nov 1994 08:50:37 GMT"), Some(60));
        assert_eq!(asked("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!([asked("soon"), asked("-5")], [None; 2]);
        assert_eq!(retry_after(&HeaderMap::new(), 0), None);
    }
}
