//! Connections: their number and their times are limited, and those beyond the limit are refused with a reason.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;

use crate::http::{Kind, MEDIA_TYPE, Problem};
use crate::peer::PeerAddress;
use crate::state::App;

/// The time limit for the head of a request, and for the TLS handshake.
const HEAD: Duration = Duration::from_secs(10);

/// A peer must acknowledge what it was sent within this time, or the connection is closed.
const STALLED: Duration = Duration::from_secs(30);

/// So many refused connections at a time get a response with the reason; more are only closed. (Each needs a file
/// descriptor, of which the command line keeps some free.)
const REFUSALS: usize = 192;

/// Accepts connections.
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

    /// Accepts connections until `stop` is done, then waits for the responses that have begun.
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
                Ok(accepted) => self.take(accepted, &router, app, &graceful),
                // Too many open files: waits, so that the loop does not spin.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    tracing::error!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        tracing::info!("shutting down: waiting for responses that have begun");
        app.close();
        let drained = tokio::time::timeout(Duration::from_secs(drain), graceful.shutdown());
        tokio::pin!(drained);
        loop {
            tokio::select! {
                Ok((stream, _)) = listener.accept() => self.refuse(stream, &Problem::closing()),
                ended = &mut drained => {
                    if ended.is_err() {
                        tracing::warn!("some responses did not end in time");
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

    fn take(
        &self,
        (stream, address): (TcpStream, SocketAddr),
        router: &Router,
        app: &Arc<App>,
        graceful: &GracefulShutdown,
    ) {
        let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() else {
            app.shared.counters.refused_connections.add(1);
            let detail = "the server has as many connections as `--max-connections` allows";
            self.refuse(stream, &Problem::new(Kind::TooManyConnections, detail, "try again later"));
            return;
        };
        let _ = stream.set_nodelay(true);
        limit_stall(&stream);
        let (watcher, peer) = (graceful.watcher(), PeerAddress(address.ip()));
        let (router, app, tls) = (router.clone(), Arc::clone(app), self.tls.clone());
        tokio::spawn(async move {
            app.shared.counters.connections.add(1);
            match tls {
                None => serve_connection(TokioIo::new(stream), false, (router, peer), watcher, permit).await,
                // On the heap, so that connections without TLS take less memory.
                Some(tls) => Box::pin(tls_handshake(tls, stream, (router, peer), watcher, permit)).await,
            }
            app.shared.counters.connections.subtract(1);
        });
    }
}

/// Serves a connection after the TLS handshake.
async fn tls_handshake(
    tls: TlsAcceptor,
    stream: TcpStream,
    routes: (Router, PeerAddress),
    watcher: Watcher,
    permit: OwnedSemaphorePermit,
) {
    if let Ok(Ok(stream)) = tokio::time::timeout(HEAD, tls.accept(stream)).await {
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        serve_connection(TokioIo::new(stream), is_http2, routes, watcher, permit).await;
    }
}

/// Serves the requests of a connection.
async fn serve_connection<S>(
    stream: TokioIo<S>,
    is_http2: bool,
    (router, peer): (Router, PeerAddress),
    watcher: Watcher,
    _permit: OwnedSemaphorePermit,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        router.call(request)
    });
    // An error ends the connection; there is nobody to report it to.
    if is_http2 {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.timer(TokioTimer::new()).keep_alive_interval(HEAD).max_concurrent_streams(100);
        // On the heap, so that connections of HTTP/1 take less memory.
        let _ = Box::pin(watcher.watch(builder.serve_connection(stream, service))).await;
    } else {
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(64 << 10);
        let _ = watcher.watch(builder.serve_connection(stream, service)).await;
    }
}

/// Refuses a connection with a reason, and waits a moment until the peer has read it.
async fn refuse(mut stream: TcpStream, body: String, _turn: OwnedSemaphorePermit) {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\ncontent-type: {MEDIA_TYPE}\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n"
    );
    let response = async {
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body.as_bytes()).await?;
        stream.shutdown().await?;
        let mut rest = [0; 1024];
        while tokio::io::AsyncReadExt::read(&mut stream, &mut rest).await? > 0 {}
        std::io::Result::Ok(())
    };
    let _ = tokio::time::timeout(Duration::from_secs(1), response).await;
}

/// Has the system close a connection whose peer acknowledges nothing.
fn limit_stall(stream: &TcpStream) {
    #[cfg(target_os = "linux")]
    let _ = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(STALLED));
    let alive = socket2::TcpKeepalive::new().with_time(STALLED);
    let _ = socket2::SockRef::from(stream).set_tcp_keepalive(&alive);
}
