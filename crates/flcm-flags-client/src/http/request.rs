//! Requests that end in time, whatever the other side does.

use std::future::Future;
use std::time::{Duration, UNIX_EPOCH};

use flcm_flags::Millis;
use futures_util::StreamExt;
use reqwest::header::RETRY_AFTER;
use reqwest::{Response, StatusCode, Url};

use crate::clock::Clock;
use crate::error::{Code, Error, message_of};

/// An hour: a server that asks for more is wrong, or somebody else.
const LONGEST_RETRY: Duration = Duration::from_hours(1);

/// Gives a request up that takes longer, the body included.
pub(crate) async fn timed<T>(
    clock: &dyn Clock,
    timeout: Duration,
    request: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    tokio::select! {
        answer = request => answer,
        () = clock.sleep(timeout) => {
            Err(Error::new(Code::Timeout, format!("no whole answer within {} ms", timeout.as_millis())))
        }
    }
}

/// No answer, or a broken one.
pub(crate) fn failed(url: &Url, error: reqwest::Error) -> Error {
    Error::new(Code::FetchFailed, format!("{url}: {}", message_of(&error.without_url())))
}

/// The whole body, unless it is larger than it may be.
pub(crate) async fn body_of(response: Response, max_bytes: usize) -> Result<Vec<u8>, Error> {
    let url = response.url().clone();
    let mut body = Vec::new();
    let mut parts = response.bytes_stream();
    while let Some(part) = parts.next().await {
        let part = part.map_err(|error| failed(&url, error))?;
        if body.len() + part.len() > max_bytes {
            return Err(Error::new(Code::TooLarge, format!("the body has more than {max_bytes} bytes")));
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

/// What a status other than 200 means.
pub(crate) fn status_error(response: &Response, now: Millis) -> Error {
    let status = response.status();
    let help = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ": check `key`",
        StatusCode::NOT_FOUND => ": check the URL",
        StatusCode::TOO_MANY_REQUESTS => ": the server asks for patience",
        _ => "",
    };
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    Error {
        code: Code::HttpStatus,
        message: format!("{} answered {status}{help}", response.url()),
        retry_after: retry_after.and_then(|text| retry_after_of(text, now)),
    }
}

/// What `Retry-After` asks for: seconds, or a date.
fn retry_after_of(text: &str, now: Millis) -> Option<Duration> {
    let asked = if let Ok(seconds) = text.parse() {
        Duration::from_secs(seconds)
    } else {
        let until = httpdate::parse_http_date(text).ok()?;
        until.duration_since(UNIX_EPOCH).ok()?.saturating_sub(Duration::from_millis(now.0))
    };
    Some(asked.min(LONGEST_RETRY))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use flcm_flags::Millis;

    use super::retry_after_of;

    #[test]
    fn retry_after_is_seconds_or_a_date_and_at_most_an_hour() {
        let now = Millis(784_111_777_000);
        let seconds = |text| retry_after_of(text, now).map(|wait| wait.as_secs());
        assert_eq!(seconds("17"), Some(17));
        assert_eq!(seconds("31536000"), Some(3600));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:50:37 GMT"), Some(60));
        assert_eq!(seconds("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!([seconds("soon"), seconds("-5"), seconds("1e9")], [None; 3]);
        assert_eq!(retry_after_of("0", now), Some(Duration::ZERO));
    }
}
