//! One visit, as it is remembered.
//!
//! In: a request, a pseudonym, a moment. Out: what the store writes. It never has an
//! address, and never a text longer than [`TEXT_LIMIT`] or with a control character in it.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{privacy::Pseudonym, request::Request};

/// The longest text that is stored of what a visitor sent, in characters.
pub const TEXT_LIMIT: usize = 256;

/// How long a visit is kept, in seconds: 90 days.
const KEPT: i64 = 90 * 24 * 60 * 60;

/// Used for a text that the visitor did not send.
const UNKNOWN: &str = "unknown";

/// Under which a visit's id is made from API Gateway's id of the request: any UUID would do, but always the same.
const NAMESPACE: Uuid = Uuid::from_u128(0x5b0f_9d3c_6a1e_4c8b_9f27_d10c_e47a_3b56);

/// One visit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// Its key, the same whenever the same request comes.
    pub id: Uuid,
    /// When it came.
    pub at: Timestamp,
    /// Who came, as far as may be remembered.
    pub visitor_ip: Pseudonym,
    /// What the browser calls itself, sanitised.
    pub user_agent: String,
    /// The requested path, sanitised.
    pub path: String,
}

impl Visit {
    /// The visit that `visitor_ip` makes with `request`, `at` this moment.
    #[must_use]
    pub fn new(request: &Request, visitor_ip: Pseudonym, at: Timestamp) -> Self {
        let id = Uuid::new_v5(&NAMESPACE, request.gateway_id.as_bytes());
        let user_agent = sanitise(request.user_agent.as_deref().unwrap_or_default());
        Self { id, at, visitor_ip, user_agent, path: sanitise(&request.path) }
    }

    /// The moment in ISO 8601, UTC, always of the same length, so that it sorts as text.
    #[must_use]
    pub fn timestamp(&self) -> String {
        format!("{:.3}", self.at)
    }

    /// The day in ISO 8601, UTC: the key of the index of visits.
    #[must_use]
    pub fn day(&self) -> String {
        self.at.strftime("%Y-%m-%d").to_string()
    }

    /// When the visit may be deleted, in seconds since 1970.
    #[must_use]
    pub fn expiration_time(&self) -> i64 {
        self.at.as_second() + KEPT
    }
}

/// The first [`TEXT_LIMIT`] characters of `text`, without control characters; `unknown` if none.
fn sanitise(text: &str) -> String {
    let clean: String = text.chars().filter(|c| !c.is_control()).take(TEXT_LIMIT).collect();
    if clean.is_empty() { UNKNOWN.to_owned() } else { clean }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn visit(at: &str) -> Visit {
        Visit::new(&Request::default(), Pseudonym::unknown(), at.parse().unwrap())
    }

    #[test]
    fn a_timestamp_has_milliseconds_even_where_they_are_zero() {
        assert_eq!(visit("2026-01-02T03:04:05Z").timestamp(), "2026-01-02T03:04:05.000Z");
        assert_eq!(visit("2026-01-02T03:04:05.678901Z").timestamp(), "2026-01-02T03:04:05.678Z");
    }

    #[test]
    fn a_visit_expires_ninety_days_on() {
        let expires = visit("2026-01-01T00:00:00Z").expiration_time();
        assert_eq!(Timestamp::from_second(expires).unwrap().to_string(), "2026-04-01T00:00:00Z");
    }

    #[test]
    fn a_request_is_the_same_visit_whenever_it_comes() {
        let visit = |gateway_id: &str, at: &str| {
            let request = Request { gateway_id: gateway_id.to_owned(), ..Request::default() };
            Visit::new(&request, Pseudonym::unknown(), at.parse().unwrap())
        };
        let id = visit("c6af9ac6-7b61-11e6-9a41-93e8deadbeef", "2026-01-01T00:00:00Z").id;
        // Computed with Python: uuid.uuid5(uuid.UUID("5b0f9d3c-6a1e-4c8b-9f27-d10ce47a3b56"), "c6af…beef").
        assert_eq!(id.to_string(), "3ee45402-3cb6-5e31-afb2-85a5ecac7b19");
        assert_eq!(visit("c6af9ac6-7b61-11e6-9a41-93e8deadbeef", "2026-01-02T00:00:00Z").id, id);
        assert_ne!(visit("another", "2026-01-01T00:00:00Z").id, id);
    }

    #[test]
    fn what_was_not_sent_is_unknown() {
        let visit = visit("2026-01-01T00:00:00Z");
        assert_eq!((visit.user_agent.as_str(), visit.path.as_str()), ("unknown", "unknown"));
        assert_eq!(sanitise("\r\n\u{7f}\u{85}"), "unknown");
    }

    #[test]
    fn a_long_text_is_cut_between_characters_not_bytes() {
        let cut = sanitise(&"é".repeat(300));
        assert_eq!(cut, "é".repeat(256));
    }

    #[test]
    fn control_characters_are_dropped_and_do_not_count() {
        assert_eq!(sanitise("Mozilla\r\nX-Evil: 1\0"), "MozillaX-Evil: 1");
        assert_eq!(sanitise(&format!("{}{}", "\t".repeat(500), "a".repeat(300))), "a".repeat(256));
    }

    proptest! {
        #[test]
        fn no_text_is_ever_too_long_or_has_a_control_character(text in "\\PC*|.*|[\\x00-\\x20]*") {
            let clean = sanitise(&text);
            prop_assert!((1..=TEXT_LIMIT).contains(&clean.chars().count()));
            prop_assert!(!clean.contains(char::is_control));
        }
    }
}
