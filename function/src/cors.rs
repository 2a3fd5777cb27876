//! Which web pages may read a response.
//!
//! In: the list of allowed origins, and a request's `Origin`. Out: the CORS headers. An origin is
//! compared as a whole or not at all: there is no suffix match, no `*`, no `null`.

use std::{fmt, str::FromStr};

/// The origins that may read responses, in the order of the configuration; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedOrigins {
    first: String,
    others: Vec<String>,
}

/// Entry number `.0`, counted from 1, is not an origin as a browser sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub struct NotAnOrigin(pub usize);

impl fmt::Display for NotAnOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {} is not an origin", self.0)
    }
}

impl FromStr for AllowedOrigins {
    type Err = NotAnOrigin;

    /// Reads a comma-separated list of `https://host[:port]`, and of `http://` for this machine; spaces around an
    /// entry are dropped.
    fn from_str(list: &str) -> Result<Self, NotAnOrigin> {
        let mut entries = (1..)
            .zip(list.split(',').map(str::trim))
            .map(|(number, entry)| if is_origin(entry) { Ok(entry.to_owned()) } else { Err(NotAnOrigin(number)) });
        let first = entries.next().unwrap_or(Err(NotAnOrigin(1)))?;
        let others = entries.collect::<Result<_, _>>()?;
        Ok(Self { first, others })
    }
}

impl AllowedOrigins {
    /// The CORS headers for a request that carried `origin`.
    #[must_use]
    pub fn headers(&self, origin: Option<&str>) -> [(&'static str, &str); 4] {
        [
            ("Access-Control-Allow-Origin", self.allowed(origin)),
            ("Access-Control-Allow-Methods", "GET, OPTIONS"),
            ("Access-Control-Allow-Headers", "Content-Type"),
            // Or a cache would hand the response for one origin to a page of another.
            ("Vary", "Origin"),
        ]
    }

    /// `origin` where it is in the list, else the first of the list, which the browser will refuse.
    fn allowed(&self, origin: Option<&str>) -> &str {
        let mut others = self.others.iter();
        others.find(|other| Some(other.as_str()) == origin).unwrap_or(&self.first)
    }
}

/// Whether `text` is an origin in the form in which browsers send it: lower case, without user, path, slash at
/// the end or default port. Anything else would silently never match. Plain `http` is for a browser on the same
/// machine. Terraform has the same rule, in `terraform/modules/backend/origin.json`.
fn is_origin(text: &str) -> bool {
    let (rest, default, is_allowed): (_, _, fn(&str) -> bool) = match text.split_once("://") {
        Some(("https", rest)) => (rest, 443, is_host),
        Some(("http", rest)) => (rest, 80, is_loopback),
        _ => return false,
    };
    match rest.rsplit_once(':') {
        Some((host, port)) if !rest.ends_with(']') => {
            is_allowed(host) && port_of(port).is_some_and(|port| port != default)
        }
        _ => is_allowed(rest),
    }
}

fn is_loopback(host: &str) -> bool {
    ["localhost", "127.0.0.1", "[::1]"].contains(&host)
}

/// A host whose last label begins with a digit is an IPv4 address to a browser, or nothing.
fn is_host(host: &str) -> bool {
    let top = host.rsplit('.').next().unwrap_or_default();
    match top.as_bytes().first() {
        Some(b'0'..=b'9') => host.parse::<std::net::Ipv4Addr>().is_ok(),
        _ => host.len() <= 253 && host.split('.').all(is_label),
    }
}

fn is_label(label: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    (1..=63).contains(&label.len()) && label.bytes().all(allowed) && !label.starts_with('-') && !label.ends_with('-')
}

/// The port that `text` is, as a browser writes it: without zeros in front.
fn port_of(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| digits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn origins(list: &str) -> AllowedOrigins {
        list.parse().unwrap()
    }

    #[test]
    fn one_origin_is_returned_to_every_caller() {
        let one = origins("https://www.example.com");
        for origin in [None, Some("https://evil.example"), Some("null"), Some("*")] {
            assert_eq!(one.allowed(origin), "https://www.example.com");
        }
    }

    #[test]
    fn an_allowed_origin_is_echoed_and_others_get_the_first() {
        let several = origins("https://a.example, http://localhost:8080,http://[::1]:3000");
        assert_eq!(several.allowed(Some("http://localhost:8080")), "http://localhost:8080");
        assert_eq!(several.allowed(Some("http://[::1]:3000")), "http://[::1]:3000");
        assert_eq!(several.allowed(Some("https://evil.example")), "https://a.example");
        assert_eq!(several.allowed(None), "https://a.example");
    }

    #[test]
    fn a_near_miss_of_an_allowed_origin_is_a_stranger() {
        let several = origins("https://first.example,https://b.example");
        for near in [
            "https://evil.b.example",
            "https://b.example.evil.test",
            "https://evilb.example",
            "http://b.example",
            "https://b.example:8443",
            "https://B.example",
            "https://b.example/",
            "null",
        ] {
            assert_eq!(several.allowed(Some(near)), "https://first.example", "{near}");
        }
    }

    /// The cases that Terraform's tests read too: an origin that Terraform takes and a function refuses would stop
    /// that function at its next start.
    #[test]
    fn origins_are_those_of_the_table_that_terraform_is_tested_with() {
        let table: serde_json::Value = serde_json::from_str(include_str!("../tests/origins.json")).unwrap();
        let cases = |name: &str| -> Vec<String> { serde_json::from_value(table[name].clone()).unwrap() };
        let (accepted, refused) = (cases("accepted"), cases("refused"));
        assert!(accepted.len() >= 20 && refused.len() >= 50, "{} and {}", accepted.len(), refused.len());
        assert_eq!(accepted.iter().filter(|origin| !is_origin(origin)).collect::<Vec<_>>(), [""; 0]);
        assert_eq!(refused.iter().filter(|origin| is_origin(origin)).collect::<Vec<_>>(), [""; 0]);
    }

    #[test]
    fn the_entry_that_is_wrong_is_named_by_its_number() {
        let refused = "https://a.example,,https://b.example".parse::<AllowedOrigins>();
        assert_eq!(refused, Err(NotAnOrigin(2)));
    }

    proptest! {
        #[test]
        fn an_origin_outside_the_list_is_never_returned(origin in ".*") {
            let list = ["https://a.example", "https://b.example"];
            let several = origins(&list.join(","));
            prop_assert!(list.contains(&several.allowed(Some(&origin))));
        }
    }
}
