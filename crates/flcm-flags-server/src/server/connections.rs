//! Connections: as many as there may be, none for longer than it is used, and the others refused politely.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;

use crate::http::{Kind, MEDIA_TYPE, Problem};
use crate::state::App;

/// The head of a request, or the handshake before it, must be there within so long.
const HEAD: Duration = Duration::from_secs(10);

/// What was sent must be taken within so long, else the connection is given up.
const STALLED: Duration = Duration::from_secs(30);

/// So many at a time are told why they are refused; more are only closed. (They need files, of which those who start a server keep some.)
const REFUSALS: usize = 192;

/// How connections are taken.
#[derive(Clone)]
pub(super) struct Connections {
    free: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
    tls: Option<TlsAcceptor>,
}

impl std::fmt::Debug for Connections {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Connections {{ free: {}, tls: {} }}", self.free.available_permits(), self.tls.is_some())
    }
}

impl Connections {
    pub(super) fn new(most: usize, tls: Option<TlsAcceptor>) -> Self {
        Self { free: Arc::new(Semaphore::new(most)), refusals: Arc::new(Semaphore::new(REFUSALS)), tls }
    }

    /// Takes connections until `stop` is done, then waits for the answers that have begun.
    pub(super) async fn serve(
        &self,
        listener: &TcpListener,
        router: Router,
        app: &Arc<App>,
        stop: impl Future<Output = ()>,
        drain: u64,
    ) {
        let graceful = GracefulShutdown::new();
        tokio::pin!(stop);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = &mut stop => break,
            };
            match accepted {
                Ok((stream, _)) => self.take(stream, &router, app, &graceful),
                // Too many open files, or a peer that has gone: neither is a reason to spin.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    tracing::error!(%error, "cannot take a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        tracing::info!("going away: what has begun may end");
        app.close();
        let drained = tokio::time::timeout(Duration::from_secs(drain), graceful.shutdown());
        tokio::pin!(drained);
        loop {
            tokio::select! {
                Ok((stream, _)) = listener.accept() => self.refuse(stream, &Problem::closing()),
                ended = &mut drained => {
                    if ended.is_err() {
                        tracing::warn!("some answers did not end in time");
                    }
                    break;
                }
            }
        }
    }

    fn refuse(&self, stream: TcpStream, problem: &Problem) {
        if let Ok(turn) = Arc::clone(&self.refusals).try_acquire_owned() {
            tokio::spawn(refuse(stream, problem.to_json(), turn));
        }
    }

    fn take(&self, stream: TcpStream, router: &Router, app: &Arc<App>, graceful: &GracefulShutdown) {
        let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() else {
            app.shared.counters.refused_connections.add(1);
            let detail = "the server has as many connections as it may have";
            self.refuse(stream, &Problem::new(Kind::TooManyConnections, detail, "try again later"));
            return;
        };
        let _ = stream.set_nodelay(true);
        limit_stall(&stream);
        let watcher = graceful.watcher();
        let (router, app, tls) = (router.clone(), Arc::clone(app), self.tls.clone());
        tokio::spawn(async move {
            app.shared.counters.connections.add(1);
            match tls {
                None => serve_connection(TokioIo::new(stream), false, router, watcher, permit).await,
                // On the heap, because most connections have nothing of it.
                Some(tls) => Box::pin(tls_handshake(tls, stream, router, watcher, permit)).await,
            }
            app.shared.counters.connections.subtract(1);
        });
    }
}

/// Agrees on keys first.
async fn tls_handshake(
    tls: TlsAcceptor,
    stream: TcpStream,
    router: Router,
    watcher: Watcher,
    permit: OwnedSemaphorePermit,
) {
    if let Ok(Ok(stream)) = tokio::time::timeout(HEAD, tls.accept(stream)).await {
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        serve_connection(TokioIo::new(stream), is_http2, router, watcher, permit).await;
    }
}

/// Answers what one connection asks.
async fn serve_connection<S>(
    stream: TokioIo<S>,
    is_http2: bool,
    router: Router,
    watcher: Watcher,
    _permit: OwnedSemaphorePermit,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = TowerToHyperService::new(router);
    // What ends a connection is the peer's business: it is told nothing more.
    if is_http2 {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.timer(TokioTimer::new()).keep_alive_interval(HEAD).max_concurrent_streams(100);
        // On the heap, so that connections of the other kind are not as large.
        let _ = Box::pin(watcher.watch(builder.serve_connection(stream, service))).await;
    } else {
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(64 << 10);
        let _ = watcher.watch(builder.serve_connection(stream, service)).await;
    }
}

/// Says no to a connection, and waits a moment until that was read.
async fn refuse(mut stream: TcpStream, body: String, _turn: OwnedSemaphorePermit) {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\ncontent-type: {MEDIA_TYPE}\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n"
    );
    let said = async {
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body.as_bytes()).await?;
        stream.shutdown().await?;
        let mut rest = [0; 1024];
        while tokio::io::AsyncReadExt::read(&mut stream, &mut rest).await? > 0 {}
        std::io::Result::Ok(())
    };
    let _ = tokio::time::timeout(Duration::from_secs(1), said).await;
}

/// Lets the system end a connection whose peer takes nothing of what it was sent.
fn limit_stall(stream: &TcpStream) {
    #[cfg(target_os = "linux")]
    let _ = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(STALLED));
    let alive = socket2::TcpKeepalive::new().with_time(STALLED);
    let _ = socket2::SockRef::from(stream).set_tcp_keepalive(&alive);
}
