//! Which pages may call the server: by `Origin`, and without keys by `Host`.

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, header};

use crate::state::App;

/// Whether a page of this origin may call the server.
pub(super) fn may_ask(app: &App, origin: &HeaderValue) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    let is_listed = app.origins.iter().any(|listed| listed == "*" || listed == origin);
    let host = origin.split_once("://").map_or("", |(_, host)| host);
    is_listed || app.keys.is_empty() && app.origins.is_empty() && is_local(host)
}

/// Whether `Host` is a name of this machine. Without keys, this alone protects against DNS rebinding: a page whose own
/// host name was made to resolve to this machine.
pub(super) fn is_of_this_machine(headers: &HeaderMap) -> bool {
    headers.get(header::HOST).is_none_or(|host| host.to_str().is_ok_and(is_local))
}

/// Sets the header `Host` of a request of HTTP/2, which has the host only in its target.
pub(super) fn name_host(request: &mut Request) {
    let host = request.uri().authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
    if let Some(host) = host {
        request.headers_mut().entry(header::HOST).or_insert(host);
    }
}

fn is_local(host: &str) -> bool {
    let authority: Option<Authority> = host.parse().ok();
    authority.is_some_and(|authority| {
        let name = authority.host().trim_start_matches('[').trim_end_matches(']');
        name == "localhost" || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::extract::Request;

    use super::{is_local, is_of_this_machine, name_host};

    #[test]
    fn the_host_of_http_2_counts_like_that_of_http_1() {
        for (target, is_ours) in [("http://evil.example/trips", false), ("http://localhost/trips", true)] {
            let mut request = Request::builder().uri(target).body(Body::empty()).unwrap();
            name_host(&mut request);
            assert_eq!(is_of_this_machine(request.headers()), is_ours, "{target}");
        }
    }

    #[test]
    fn names_of_this_machine_differ_from_those_that_lead_here() {
        for local in ["localhost", "localhost:8787", "127.0.0.1:80", "[::1]:8787", "127.8.8.8"] {
            assert!(is_local(local), "{local}");
        }
        for foreign in ["evil.example", "localhost.evil.example", "10.0.0.1", "", "127.0.0.1.evil.example:80"] {
            assert!(!is_local(foreign), "{foreign}");
        }
    }
}
