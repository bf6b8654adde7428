//! Connections that are refused, with a reason.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::{MEDIA_TYPE, Problem};

/// So many refused connections at a time get a response with the reason; more are only closed. (Each needs a file
/// descriptor, of which the command line keeps some free.)
const MOST: usize = 192;

/// Refuses connections.
#[derive(Clone, Debug)]
pub(super) struct Refusals(Arc<Semaphore>);

impl Default for Refusals {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MOST)))
    }
}

impl Refusals {
    pub(super) fn refuse(&self, stream: TcpStream, problem: &Problem) {
        if let Ok(turn) = Arc::clone(&self.0).try_acquire_owned() {
            tokio::spawn(respond(stream, problem.to_json(), turn));
        }
    }
}

/// Responds with the reason, and waits a moment until the peer has read it.
async fn respond(mut stream: TcpStream, body: String, _turn: OwnedSemaphorePermit) {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\ncache-control: no-store\r\n\
         content-type: {MEDIA_TYPE}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    let response = async {
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body.as_bytes()).await?;
        stream.shutdown().await?;
        let mut rest = [0; 1024];
        while stream.read(&mut rest).await? > 0 {}
        std::io::Result::Ok(())
    };
    let _ = tokio::time::timeout(Duration::from_secs(1), response).await;
}
