//! Peers: the addresses that requests come from, and the networks that these belong to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use flcm_flags_host::Network;

mod turns;

pub(crate) use turns::{Turn, Turns};

/// A network that usually belongs to one party: the first 24 bits of an IPv4 address, or the first 56 of an IPv6
/// address. Whoever has one address of it can have any other, so limits count networks.
///
/// The number has the version of IP in its highest byte, and these bits below it.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct AddressPrefix(u64);

impl AddressPrefix {
    pub(crate) fn of(address: IpAddr) -> Self {
        // An IPv4 address may be written as an IPv6 one.
        match address.to_canonical() {
            IpAddr::V4(address) => Self(4 << 56 | u64::from(address.to_bits() >> 8)),
            IpAddr::V6(address) => Self(6 << 56 | u64::try_from(address.to_bits() >> 72).unwrap_or_default()),
        }
    }

    /// The network by which the outcomes of pages are weighed.
    pub(crate) fn network(self) -> Network {
        let bits = self.0 & ((1 << 56) - 1);
        match (self.0 >> 56, u32::try_from(bits << 8)) {
            (4, Ok(address)) => Ipv4Addr::from_bits(address).into(),
            _ => Ipv6Addr::from_bits(u128::from(bits) << 72).into(),
        }
    }

    /// The number, to be stored.
    pub(crate) const fn to_bits(self) -> u64 {
        self.0
    }

    /// The prefix of a stored number.
    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use flcm_flags_host::Network;

    use super::AddressPrefix;

    fn prefix(address: &str) -> AddressPrefix {
        AddressPrefix::of(address.parse().expect("an address"))
    }

    #[test]
    fn addresses_of_one_network_have_one_prefix() {
        for (one, other) in [
            ("192.0.2.1", "192.0.2.254"),
            ("192.0.2.1", "::ffff:192.0.2.77"),
            ("2001:db8:1:100::1", "2001:db8:1:1ff:ffff::1"),
        ] {
            assert_eq!(prefix(one), prefix(other), "{one} {other}");
        }
        for (one, other) in [
            ("192.0.2.1", "192.0.3.1"),
            ("2001:db8:1:100::", "2001:db8:1:200::"),
            ("0.0.0.0", "::"),
            ("::1", "::1:0:0:0:0:0"),
        ] {
            assert_ne!(prefix(one), prefix(other), "{one} {other}");
        }
        for address in ["192.0.2.1", "2001:db8:1:100::1", "::ffff:192.0.2.77"] {
            let address: IpAddr = address.parse().expect("an address");
            assert_eq!(AddressPrefix::of(address).network(), Network::from(address), "{address}");
        }
        let stored = prefix("2001:db8::1");
        assert_eq!(AddressPrefix::from_bits(stored.to_bits()), stored);
    }
}
