//! What caches between the server and its clients may keep.

use crate::http::{Answer, ask};
use crate::test_server::{TestFolder, TestServer};

const PRIVATE: &str = "private, no-cache";
const VARY: &str = "authorization, x-api-key, cookie, accept, accept-encoding, origin";

fn get(server: &TestServer, path: &str, key: &str, more: &[(&str, &str)]) -> Answer {
    let bearer = format!("Bearer {key}");
    let headers = [&[("authorization", bearer.as_str()), ("origin", "https://shop.example.com")], more].concat();
    ask(server.address, "GET", path, &headers, b"").unwrap()
}

#[test]
fn a_cache_may_keep_flags_for_one_key_and_nothing_else() {
    let (server, keys) = TestFolder::new().serve_with_keys(&["--origin", "https://shop.example.com"]);
    let flags = get(&server, "/flags", &keys[2], &[]).expect(200);
    let etag = flags.header("etag").unwrap().to_owned();
    let unchanged = get(&server, "/flags", &keys[2], &[("if-none-match", &etag)]).expect(304);
    for answer in [flags, unchanged] {
        assert_eq!(answer.all("cache-control"), [PRIVATE], "{answer:?}");
        assert_eq!(answer.all("vary"), [VARY], "{answer:?}");
    }
    for path in ["/trips", "/revisions", "/audit", "/metrics", "/openapi.json", "/healthz", "/readyz", "/nowhere"] {
        assert_eq!(get(&server, path, &keys[2], &[]).all("cache-control"), ["no-store"], "{path}");
    }
    let refused = [
        get(&server, "/flags", "flcm_admin_guess", &[]).expect(401),
        get(&server, "/flags", &keys[2], &[("accept", "text/html")]).expect(406),
        get(&server, "/audit", &keys[0], &[]).expect(403),
        ask(server.address, "POST", "/ofrep/v1/evaluate/flags", &[], b"{}").unwrap().expect(401),
    ];
    for answer in refused {
        assert_eq!(answer.all("cache-control"), ["no-store"], "{answer:?}");
    }
}
