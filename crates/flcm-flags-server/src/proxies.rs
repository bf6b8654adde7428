//! Proxies in front of the server, which pass on from where a request came.

use std::net::IpAddr;
use std::str::FromStr;

/// A network of proxies, such as `10.0.0.0/8`, or one address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ProxyNetwork {
    address: IpAddr,
    bits: u32,
}

impl FromStr for ProxyNetwork {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address = address.parse::<IpAddr>().ok().map(|address| address.to_canonical());
        let network = address.and_then(|address| {
            let bits = bits.map_or(Some(size(address)), |bits| bits.parse().ok())?;
            (bits <= size(address)).then_some(Self { address, bits })
        });
        network.ok_or_else(|| "write an address such as 127.0.0.1, or a network such as 10.0.0.0/8".to_owned())
    }
}

impl ProxyNetwork {
    fn contains(self, address: IpAddr) -> bool {
        let unused = size(self.address) - self.bits;
        let [own, other] = [self.address, address].map(|address| bits(address).checked_shr(unused).unwrap_or(0));
        size(self.address) == size(address) && own == other
    }
}

/// Whether an address is that of a proxy.
pub(crate) fn is_proxy(proxies: &[ProxyNetwork], address: IpAddr) -> bool {
    proxies.iter().any(|network| network.contains(address))
}

/// The address that a request came from: the last one of `X-Forwarded-For` that is no proxy's. What stands before it
/// was written by whoever sent the request, and is not believed; nor is any of it if the peer is no proxy.
pub(crate) fn origin<'h>(
    proxies: &[ProxyNetwork],
    peer: IpAddr,
    forwarded: impl DoubleEndedIterator<Item = &'h str>,
) -> IpAddr {
    if !is_proxy(proxies, peer) {
        return peer;
    }
    let mut last = peer;
    for text in forwarded.rev().flat_map(|list| list.rsplit(',')) {
        let Ok(address) = text.trim().parse::<IpAddr>() else { return last };
        last = address.to_canonical();
        if !is_proxy(proxies, last) {
            return last;
        }
    }
    last
}

const fn size(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{ProxyNetwork, is_proxy, origin};

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_network_has_the_addresses_with_its_first_bits() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("127.0.0.1", "127.0.0.1", "127.0.0.2"),
            ("0.0.0.0/0", "192.0.2.1", "::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("::/0", "2001:db8::1", "192.0.2.1"),
        ] {
            let networks = [network.parse().expect("a network")];
            assert!(is_proxy(&networks, address(inside)) && !is_proxy(&networks, address(outside)), "{network}");
        }
        for wrong in ["", "10.0.0.0/33", "10.0.0/8", "proxy.example.com", "::/129", "10.0.0.0/-1"] {
            assert!(wrong.parse::<ProxyNetwork>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_what_proxies_have_written_is_believed() {
        let proxies = ["127.0.0.1", "10.0.0.0/8"].map(|text| text.parse().expect("a network"));
        for (peer, forwarded, expected) in [
            ("192.0.2.1", &["198.51.100.1"][..], "192.0.2.1"),
            ("127.0.0.1", &[], "127.0.0.1"),
            ("127.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("127.0.0.1", &["6.6.6.6, 198.51.100.1, 10.1.1.1"], "198.51.100.1"),
            ("127.0.0.1", &["6.6.6.6", "198.51.100.1"], "198.51.100.1"),
            ("127.0.0.1", &["10.0.0.1, unknown, 10.2.2.2"], "10.2.2.2"),
            ("127.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1"),
        ] {
            let found = origin(&proxies, address(peer), forwarded.iter().copied());
            assert_eq!(found, address(expected), "{peer} {forwarded:?}");
        }
    }
}
