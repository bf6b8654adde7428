//! Which pages may call the server: by `Origin`, and without keys by `Host`.

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Version, header};

use super::Problem;
use crate::state::App;

/// Whether a page of this origin may call the server.
pub(super) fn may_ask(app: &App, origin: &HeaderValue) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    let is_listed = app.origins.iter().any(|listed| listed == "*" || listed == origin);
    let host = origin.split_once("://").map_or("", |(_, host)| host);
    is_listed || app.keys.load().is_empty() && app.origins.is_empty() && is_local(host)
}

/// Refuses a request that is not of a program on this machine, as far as its headers show. Without keys, `Host` alone
/// protects against DNS rebinding (a page whose own host name was made to resolve to this machine), and what proxies
/// add against a proxy on this machine, which passes on requests of everyone. nginx adds nothing of itself,
/// and names this machine in `Host`; but it speaks HTTP/1.0.
pub(super) fn expect_this_machine(version: Version, headers: &HeaderMap) -> Result<(), Problem> {
    if !headers.get(header::HOST).is_some_and(|host| host.to_str().is_ok_and(is_local)) {
        return Err(Problem::host_not_allowed());
    }
    if version < Version::HTTP_11 {
        return Err(Problem::proxy_not_allowed("HTTP/1.0"));
    }
    headers.keys().find(|name| is_of_proxy(name)).map_or(Ok(()), |name| Err(Problem::proxy_not_allowed(name.as_str())))
}

/// Whether a request that has a cookie comes from a page of this server, as browsers report it. A request that changes
/// nothing may also come from nowhere: somebody has typed the address, or it is no browser's.
pub(super) fn is_own_page(headers: &HeaderMap, is_safe: bool) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin" || is_safe && site == "none";
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return is_safe };
    let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
    authority.zip(headers.get(header::HOST)).is_some_and(|(authority, host)| host == authority)
}

fn is_of_proxy(name: &HeaderName) -> bool {
    matches!(name.as_str(), "forwarded" | "x-real-ip" | "via") || name.as_str().starts_with("x-forwarded-")
}

/// Sets the header `Host` of a request of HTTP/2, which has the host only in its target. Refuses a request with two
/// hosts, of which a proxy may have looked at the other one, and one of HTTP/1.1 without.
pub(super) fn name_host(request: &mut Request) -> Result<(), Problem> {
    let target = request.uri().authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (host, others) = (hosts.next(), hosts.next());
    let differs = host.zip(target.as_ref()).is_some_and(|(host, target)| host != target);
    let is_missing = host.is_none() && request.version() == Version::HTTP_11;
    if is_missing || differs || others.is_some() {
        let what = if is_missing { "has no `Host`" } else { "names more than one host" };
        return Err(Problem::bad_request(format!("the request {what}"), "send the header `Host` once"));
    }
    if let Some(target) = target {
        request.headers_mut().insert(header::HOST, target);
    }
    Ok(())
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
    use axum::http::{HeaderMap, HeaderName, HeaderValue, Version};

    use super::{expect_this_machine, is_local, is_own_page, name_host};

    #[test]
    fn the_host_of_http_2_counts_like_that_of_http_1() {
        for (target, is_ours) in [("http://evil.example/trips", false), ("http://localhost/trips", true)] {
            let mut request = Request::builder().uri(target).body(Body::empty()).unwrap();
            *request.version_mut() = Version::HTTP_2;
            name_host(&mut request).unwrap();
            assert_eq!(expect_this_machine(Version::HTTP_2, request.headers()).is_ok(), is_ours, "{target}");
        }
    }

    #[test]
    fn only_pages_of_the_server_itself_may_use_a_cookie() {
        for (name, value, safe, others) in [
            ("sec-fetch-site", "same-origin", true, true),
            ("sec-fetch-site", "same-site", false, false),
            ("sec-fetch-site", "cross-site", false, false),
            ("sec-fetch-site", "none", true, false),
            ("origin", "http://flags.example:8787", true, true),
            ("origin", "http://flags.example", false, false),
            ("origin", "http://evil.example", false, false),
            ("origin", "null", false, false),
            ("accept", "*/*", true, false),
        ] {
            let header = [(HeaderName::from_static(name), HeaderValue::from_static(value))];
            let mut headers: HeaderMap = header.into_iter().collect();
            headers.insert("host", HeaderValue::from_static("flags.example:8787"));
            assert_eq!([true, false].map(|is_safe| is_own_page(&headers, is_safe)), [safe, others], "{name}: {value}");
        }
    }

    #[test]
    fn http_1_0_is_that_of_a_proxy_which_adds_no_header() {
        let request = Request::builder().header("host", "127.0.0.1:8787").body(Body::empty()).unwrap();
        let allowed = [Version::HTTP_10, Version::HTTP_11, Version::HTTP_2]
            .map(|version| expect_this_machine(version, request.headers()).is_ok());
        assert_eq!(allowed, [false, true, true]);
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
