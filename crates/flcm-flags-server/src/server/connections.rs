//! Connections: their number and their times are limited, and those beyond the limit are refused with a reason.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulConnection, GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

use crate::admission::{Admission, Connection, Peer};
use crate::http::{Kind, Problem};
use crate::peer::AddressPrefix;
use crate::proxies::is_proxy;
use crate::state::App;
use crate::tls::Tls;

mod refusal;
mod strict_heads;

use refusal::Refusals;
use strict_heads::StrictHeads;

/// The time limit for the head of a request, and for the TLS handshake.
const HEAD: Duration = Duration::from_secs(10);

/// A peer must acknowledge what it was sent within this time, or the connection is closed.
const STALLED: Duration = Duration::from_secs(30);

/// Accepts connections.
#[derive(Debug)]
pub(super) struct Connections {
    admission: Arc<Admission>,
    refusals: Refusals,
    tls: Option<Arc<Tls>>,
    router: Router,
    app: Arc<App>,
}

/// What a connection is served with.
struct Served {
    router: Router,
    connection: Connection,
    /// `None` for one that came after the shutdown had begun: it gets one response.
    watcher: Option<Watcher>,
}

impl Connections {
    pub(super) fn new(most: usize, tls: Option<Arc<Tls>>, router: Router, app: Arc<App>) -> Self {
        Self { admission: Admission::new(most), refusals: Refusals::default(), tls, router, app }
    }

    /// Serves connections until `stop` is done, and for `delay` after that; then waits up to `drain` for the responses
    /// that have begun.
    pub(super) async fn serve(&self, listener: &TcpListener, stop: impl Future, [delay, drain]: [Duration; 2]) {
        let graceful = GracefulShutdown::new();
        self.accept_until(listener, stop, Some(&graceful)).await;
        self.app.drain();
        if !delay.is_zero() {
            tracing::info!("shutting down in {} s: not ready, and still serving", delay.as_secs());
            self.accept_until(listener, tokio::time::sleep(delay), Some(&graceful)).await;
        }
        tracing::info!("shutting down: waiting for responses that have begun");
        self.app.close();
        let drained = async {
            if tokio::time::timeout(drain, graceful.shutdown()).await.is_err() {
                tracing::warn!("some responses did not end in time");
            }
        };
        // Health checks are answered until the end, everything else is refused.
        self.accept_until(listener, drained, None).await;
    }

    async fn accept_until(&self, listener: &TcpListener, end: impl Future, graceful: Option<&GracefulShutdown>) {
        tokio::pin!(end);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = &mut end => return,
            };
            match accepted {
                Ok(accepted) => self.take(accepted, graceful.map(GracefulShutdown::watcher)),
                // Too many open files: waits, so that the loop does not spin.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    tracing::error!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    fn peer(&self, address: IpAddr) -> Peer {
        if self.app.keys.load().is_empty() {
            Peer::Trusted
        } else if is_proxy(&self.app.proxies, address) {
            Peer::Proxy
        } else {
            Peer::Stranger
        }
    }

    fn take(&self, (stream, address): (TcpStream, SocketAddr), watcher: Option<Watcher>) {
        // An IPv4 address that a socket for both versions reports is an IPv4 address.
        let address = address.ip().to_canonical();
        let Some(place) = self.admission.admit(AddressPrefix::of(address), self.peer(address)) else {
            self.app.shared.counters.refused_connections.add(1);
            let detail = "the server has as many connections as `--max-connections` allows";
            return self.refusals.refuse(stream, &Problem::new(Kind::TooManyConnections, detail, "try again later"));
        };
        let _ = stream.set_nodelay(true);
        limit_stall(&stream);
        let connection = Connection { address, place: Arc::new(place) };
        let served = Served { router: self.router.clone(), connection, watcher };
        let (app, tls) = (Arc::clone(&self.app), self.tls.clone());
        tokio::spawn(async move {
            app.shared.counters.connections.add(1);
            let place = Arc::clone(&served.connection.place);
            let serving = async {
                match tls {
                    None => serve_connection(stream, false, served).await,
                    // On the heap, so that connections without TLS take less memory.
                    Some(tls) => Box::pin(tls_handshake(tls, stream, served)).await,
                }
            };
            tokio::select! {
                () = serving => {}
                () = place.ended() => {}
            }
            app.shared.counters.connections.subtract(1);
        });
    }
}

/// Serves a connection after the TLS handshake.
async fn tls_handshake(tls: Arc<Tls>, stream: TcpStream, served: Served) {
    if let Ok(Ok(stream)) = tokio::time::timeout(HEAD, tls.acceptor().accept(stream)).await {
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        serve_connection(stream, is_http2, served).await;
    }
}

/// Serves the requests of a connection.
async fn serve_connection<S>(stream: S, is_http2: bool, served: Served)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let Served { router, connection, watcher } = served;
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(connection.clone());
        router.call(request)
    });
    let stream = TokioIo::new(StrictHeads::new(stream, !is_http2));
    if is_http2 {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.timer(TokioTimer::new()).keep_alive_interval(HEAD).max_concurrent_streams(100);
        // On the heap, so that connections of HTTP/1 take less memory.
        Box::pin(watch(builder.serve_connection(stream, service), watcher)).await;
    } else {
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(64 << 10);
        builder.keep_alive(watcher.is_some());
        watch(builder.serve_connection(stream, service), watcher).await;
    }
}

/// Serves a connection until it ends. An error ends it; there is nobody to report it to.
async fn watch(connection: impl GracefulConnection, watcher: Option<Watcher>) {
    let _ = match watcher {
        Some(watcher) => watcher.watch(connection).await,
        None => connection.await,
    };
}

/// Has the system close a connection whose peer acknowledges nothing.
fn limit_stall(stream: &TcpStream) {
    #[cfg(target_os = "linux")]
    let _ = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(STALLED));
    let alive = socket2::TcpKeepalive::new().with_time(STALLED);
    let _ = socket2::SockRef::from(stream).set_tcp_keepalive(&alive);
}
