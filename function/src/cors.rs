//! Which web pages may read an answer.
//!
//! In: the list of allowed origins, and a request's `Origin`. Out: the CORS headers. An origin is
//! compared as a whole or not at all: there is no suffix match, no `*`, no `null`.

use std::{fmt, str::FromStr};

/// The origins that may read answers, in the order of the configuration; never empty.
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

    /// Reads a comma-separated list of `http(s)://host[:port]`; spaces round an entry are dropped.
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
            // Or a cache would hand the answer for one origin to a page of another.
            ("Vary", "Origin"),
        ]
    }

    /// `origin` where it is in the list, else the first of the list, which the browser will refuse.
    fn allowed(&self, origin: Option<&str>) -> &str {
        let mut others = self.others.iter();
        others.find(|other| Some(other.as_str()) == origin).unwrap_or(&self.first)
    }
}

/// Whether `text` is `http(s)://host[:port]` in the form in which browsers send it: lower case,
/// without user, path or slash at the end. Anything else would silently never match.
fn is_origin(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| match rest.rsplit_once(':') {
        Some((host, port)) if !rest.ends_with(']') => is_host(host) && is_port(port),
        _ => is_host(rest),
    })
}

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.len() <= 253 && host.split('.').all(is_label),
    }
}

fn is_label(label: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    (1..=63).contains(&label.len()) && label.bytes().all(allowed) && !label.starts_with('-') && !label.ends_with('-')
}

fn is_port(port: &str) -> bool {
    port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn origins(list: &str) -> AllowedOrigins {
        list.parse().unwrap()
    }

    #[test]
    fn one_origin_is_answered_whoever_asks() {
        let one = origins("https://www.example.com");
        for asked in [None, Some("https://evil.example"), Some("null"), Some("*")] {
            assert_eq!(one.allowed(asked), "https://www.example.com");
        }
    }

    #[test]
    fn of_several_origins_the_asking_one_is_echoed_and_strangers_get_the_first() {
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

    #[test]
    fn what_a_browser_never_sends_as_an_origin_is_refused() {
        for bad in [
            "",
            "*",
            "null",
            "example.com",
            "https://",
            "ftp://a.example",
            "https://a.example/",
            "https://a.example/path",
            "https://a.example?x",
            "https://user@a.example",
            "https://a.example:",
            "https://a.example:0",
            "https://a.example:65536",
            "https://a.example:+80",
            "https://*.example",
            "https://A.example",
            "https://.example",
            "https://a..example",
            "https://a.example.",
            "https://-a.example",
            "https://a b.example",
            "https://[::1",
            "https://[nonsense]",
            "HTTPS://a.example",
            "https://a.example\r\nx: y",
        ] {
            assert_eq!(bad.parse::<AllowedOrigins>(), Err(NotAnOrigin(1)), "{bad:?}");
        }
    }

    #[test]
    fn the_entry_that_is_wrong_is_named_by_its_number() {
        let refused = "https://a.example,,https://b.example".parse::<AllowedOrigins>();
        assert_eq!(refused, Err(NotAnOrigin(2)));
    }

    proptest! {
        #[test]
        fn no_origin_outside_the_list_is_ever_answered(origin in ".*") {
            let list = ["https://a.example", "https://b.example"];
            let several = origins(&list.join(","));
            prop_assert!(list.contains(&several.allowed(Some(&origin))));
        }
    }
}
