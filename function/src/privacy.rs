//! From a visitor's address to what may be remembered of it.
//!
//! In: the address as API Gateway saw it, a secret, a moment. Out: a [`Pseudonym`], the same for all
//! visits from one address on one day (UTC), and another the next day. Neither an address nor the
//! secret can be shown: they have no `Display`, and their `Debug` shows nothing.
//!
//! A plain hash would be no secret: there are few enough IPv4 addresses to hash them all in minutes.
//! So a pseudonym is `HMAC(HMAC(secret, "YYYY-MM-DD"), address)` with HMAC-SHA256, where the address
//! is the 4 octets of IPv4 or the first 8 of IPv6. Of it the first 128 bits are kept, as 32 lower-case
//! hexadecimal digits: that two addresses share one by chance takes more visitors than there are.

use std::{
    fmt::{self, Debug, Formatter},
    net::IpAddr,
};

use hmac::{Hmac, KeyInit as _, Mac as _, digest::Key};
use jiff::Timestamp;
use sha2::Sha256;

/// The shortest text that is taken for a secret, in bytes.
pub const SECRET_MINIMUM: usize = 32;

/// How much of a MAC is kept, in bytes.
const KEPT: usize = 16;

/// Used for an address that is not known, or cannot be hashed.
const UNKNOWN: &str = "unknown";

/// Where a visitor came from, as far as it matters: an IPv4 address, or the /64 of an IPv6 address,
/// because the rest is the visitor's own to change.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Octets);

#[derive(Clone, PartialEq, Eq)]
enum Octets {
    V4([u8; 4]),
    V6([u8; 8]),
}

impl Address {
    /// Reads an address; none where `text` is not one. An IPv4 address mapped into IPv6 is the IPv4
    /// address.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let octets = match text.parse::<IpAddr>().ok()?.to_canonical() {
            IpAddr::V4(address) => Octets::V4(address.octets()),
            IpAddr::V6(address) => {
                let [a, b, c, d, e, f, g, h, ..] = address.octets();
                Octets::V6([a, b, c, d, e, f, g, h])
            }
        };
        Some(Self(octets))
    }

    /// 4 octets or 8, so that no IPv4 address is ever taken for an IPv6 one.
    fn octets(&self) -> &[u8] {
        match &self.0 {
            Octets::V4(octets) => octets,
            Octets::V6(octets) => octets,
        }
    }
}

impl Debug for Address {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("Address(..)")
    }
}

/// What addresses are hashed with. With it the addresses can be found again.
pub struct Secret(Hmac<Sha256>);

impl Secret {
    /// The secret in `text`; none where that is shorter than [`SECRET_MINIMUM`], spaces round it not
    /// counted.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let long_enough = text.trim().len() >= SECRET_MINIMUM;
        let mac = Hmac::new_from_slice(text.as_bytes()).ok()?;
        long_enough.then_some(Self(mac))
    }

    /// Who `address` is on the day of `at`.
    #[must_use]
    pub fn pseudonym(&self, address: &Address, at: Timestamp) -> Pseudonym {
        let mac = self.of_the_day(at).chain_update(address.octets()).finalize().into_bytes();
        let kept = mac.iter().take(KEPT).fold(0_u128, |kept, byte| kept << 8 | u128::from(*byte));
        Pseudonym(format!("{kept:0digits$x}", digits = 2 * KEPT))
    }

    /// A MAC with the key of the day of `at`, UTC.
    fn of_the_day(&self, at: Timestamp) -> Hmac<Sha256> {
        let day = at.strftime("%Y-%m-%d").to_string();
        let derived = self.0.clone().chain_update(day).finalize().into_bytes();
        // HMAC itself fills a key up to its block with zeros; a whole block cannot have a wrong length.
        let mut key = Key::<Hmac<Sha256>>::default();
        key.iter_mut().zip(derived).for_each(|(to, from)| *to = from);
        Hmac::new(&key)
    }
}

impl Debug for Secret {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

/// What is stored of a visitor's address: 32 hexadecimal digits, or `unknown`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pseudonym(String);

impl Pseudonym {
    /// Of a visitor whose address is not known, or cannot be hashed.
    #[must_use]
    pub fn unknown() -> Self {
        Self(UNKNOWN.to_owned())
    }

    /// As it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "a secret of no less than 32 bytes, for tests";
    const NOON: &str = "2026-01-02T12:00:00Z";

    fn pseudonym(address: &str, at: &str) -> String {
        let address = Address::read(address).unwrap();
        Secret::new(SECRET).unwrap().pseudonym(&address, at.parse().unwrap()).0
    }

    /// Computed with Python:
    ///
    /// ```python
    /// import hmac, ipaddress
    /// mac = lambda key, text: hmac.new(key, text, "sha256").digest()
    /// def pseudonym(secret, day, address):
    ///     return mac(mac(secret.encode(), day.encode()), ipaddress.ip_address(address).packed[:8]).hex()[:32]
    /// ```
    #[test]
    fn pseudonyms_are_those_that_another_implementation_computes() {
        for (address, at, expected) in [
            ("203.0.113.77", NOON, "ad99ed5f5c3c247f34962b73aa403a81"),
            ("203.0.113.77", "2026-01-03T12:00:00Z", "c7759b6c51c36a11b6dd957174dee84d"),
            ("2001:db8:1:2:3:4:5:6", NOON, "285f0a65ebdfb228ca0b56972dcceda3"),
        ] {
            assert_eq!(pseudonym(address, at), expected, "{address} at {at}");
        }
        let long = Secret::new(&"long secret ".repeat(10)).unwrap(); // longer than a block of SHA-256
        let at = NOON.parse().unwrap();
        assert_eq!(
            long.pseudonym(&Address::read("203.0.113.77").unwrap(), at).as_str(),
            "b12eb8746d5265b4dc1087629319e107"
        );
    }

    #[test]
    fn the_same_address_is_someone_else_from_midnight_utc_on() {
        let at = |moment| pseudonym("203.0.113.77", moment);
        assert_eq!(at("2026-01-02T00:00:00Z"), at("2026-01-02T23:59:59.999Z"));
        assert_ne!(at("2026-01-02T23:59:59.999Z"), at("2026-01-03T00:00:00Z"));
    }

    #[test]
    fn addresses_of_one_64_are_one_visitor_and_those_of_two_are_two() {
        let one = pseudonym("2001:db8:1:2::1", NOON);
        assert_eq!(pseudonym("2001:DB8:1:2:ffff:ffff:ffff:ffff", NOON), one);
        assert_ne!(pseudonym("2001:db8:1:3::1", NOON), one);
    }

    #[test]
    fn an_ipv4_address_mapped_into_ipv6_is_the_ipv4_address() {
        let plain = pseudonym("203.0.113.77", NOON);
        assert_eq!(pseudonym("::ffff:203.0.113.77", NOON), plain);
        assert_eq!(pseudonym("::ffff:cb00:714d", NOON), plain);
        assert_ne!(pseudonym("::203.0.113.77", NOON), plain);
    }

    #[test]
    fn every_single_ipv4_address_is_a_visitor() {
        assert_ne!(pseudonym("203.0.113.77", NOON), pseudonym("203.0.113.78", NOON));
    }

    #[test]
    fn other_text_than_an_address_is_none() {
        for text in ["", "unknown", "203.0.113", "203.0.113.77:80", "203.0.113.077", " 203.0.113.77", "fe80::1%eth0"] {
            assert_eq!(Address::read(text), None, "{text}");
        }
    }

    #[test]
    fn a_secret_has_at_least_32_bytes_of_text() {
        assert!(Secret::new(&"s".repeat(32)).is_some());
        for short in ["".to_owned(), "s".repeat(31), " ".repeat(40), format!("{}  \n", "s".repeat(31))] {
            assert!(Secret::new(&short).is_none(), "{short:?}");
        }
    }

    #[test]
    fn a_secret_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new(SECRET)), "Some(Secret(..))");
    }

    fn any_address() -> impl Strategy<Value = IpAddr> {
        let v4 = any::<u32>().prop_map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits)));
        let v6 = any::<u128>().prop_map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits)));
        prop_oneof![v4, v6]
    }

    proptest! {
        #[test]
        fn no_output_ever_contains_the_address(ip in any_address(), second in 0..4_102_444_800_i64) {
            let text = ip.to_string();
            let address = Address::read(&text).unwrap();
            let secret = Secret::new(SECRET).unwrap();
            let pseudonym = secret.pseudonym(&address, Timestamp::from_second(second).unwrap());
            prop_assert_eq!(pseudonym.as_str().len(), 2 * KEPT);
            prop_assert!(pseudonym.as_str().bytes().all(|byte| b"0123456789abcdef".contains(&byte)));
            let octets: String = address.octets().iter().map(|octet| format!("{octet:02x}")).collect();
            for shown in [pseudonym.as_str(), &format!("{pseudonym:?}{address:?}{secret:?}")] {
                prop_assert!(!shown.contains(&text) && !shown.contains(&octets), "{}", shown);
            }
        }

        #[test]
        fn no_text_makes_reading_fail(text in ".*|[0-9a-f:.%]{0,45}") {
            let _ = Address::read(&text);
        }
    }
}
