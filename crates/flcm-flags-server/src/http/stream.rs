//! `GET /flags/stream`: says at once what has changed.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use tokio::sync::watch;

use super::access::{Authorized, Client};
use super::{Context, Problem};
use crate::serving::News;
use crate::state::App;

/// Something is sent at least so often, so that hosts and proxies see that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// One stream. It keeps no queue: what is said is whole, so one that is slow is told the latest when it can take it.
struct Listener {
    app: Arc<App>,
    news: watch::Receiver<News>,
    /// What was said last.
    told: News,
}

/// News, as they happen.
///
/// Server-sent events: `snapshot {digest, revision}` and `trips {epoch, sequence, flags}`, both at once after connecting, and a comment
/// every 15 s.
#[utoipa::path(get, path = "/flags/stream", tag = "hosts", responses(
    (status = 200, description = "Events without end", content_type = "text/event-stream"),
    (status = 401, body = Problem), (status = 403, body = Problem), (status = 429, body = Problem),
))]
pub(super) async fn open(_: Authorized<Client>, State(app): Context) -> Result<Response, Problem> {
    app.shared.counters.streams.add(1);
    let news = app.shared.news.subscribe();
    let listener = Box::new(Listener { app, news, told: News::default() });
    let events = stream::unfold(listener, |mut listener| async {
        let said = listener.next().await?;
        Some((Ok::<_, std::convert::Infallible>(said), listener))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache, no-transform"),
        // Proxies that gather answers are to pass this one on as it comes.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, Body::from_stream(events)).into_response())
}

impl Listener {
    /// What is to be said next, in memory that all streams share; nothing when the server goes away.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            let News { snapshot, trips, closing } = self.news.borrow_and_update().clone();
            if closing {
                return None;
            }
            for (told, news) in [(&mut self.told.snapshot, snapshot), (&mut self.told.trips, trips)] {
                if *told != news {
                    told.clone_from(&news);
                    return Some(news);
                }
            }
            match tokio::time::timeout(HEARTBEAT, self.news.changed()).await {
                Err(_) => return Some(Bytes::from_static(b": beat\n\n")),
                Ok(changed) => changed.ok()?,
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.app.shared.counters.streams.subtract(1);
    }
}
