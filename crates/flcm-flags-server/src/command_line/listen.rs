//! The address of `--listen`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Parses an address and a port. A name other than `localhost` is refused: it may mean several addresses, or change.
pub(super) fn parse(text: &str) -> Result<SocketAddr, String> {
    if let Some(port) = text.strip_prefix("localhost:").and_then(|port| port.parse().ok()) {
        return Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
    }
    text.parse().map_err(|_| {
        "write an IP address and a port: 127.0.0.1:8787 or localhost:8787 for this machine, 0.0.0.0:8787 for all \
         networks, [::]:8787 for IPv6 as well"
            .to_owned()
    })
}
