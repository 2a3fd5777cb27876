//! Checks through the URL, repeated until enough responses in a row carry the new marks, within the requests that a release may make.

use std::time::Duration;

use super::budget::Budget;
use super::failed::Mismatch;
use super::url::{Expected, Seen, Urls};
use super::{Blame, Failed, TRIES, record};
use crate::backoff::{Backoff, Pace};
use crate::config::{Check, Verify};
use crate::ledger::CheckRecord;
use crate::notices::Until;
use crate::world::World;

/// While traffic is split, how many requests of a check look for a response of the new version.
const LOOKS: u32 = 5;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
/// How long after a switch the old parts may still respond here and there.
const SEEN_BY_ALL: Duration = Duration::from_secs(10);
/// The requests of a release are few: the pauses between them soon grow.
const PACE: Pace = Pace { steady: Duration::ZERO, longest: Duration::from_secs(8), ..Pace::READY };

/// The URLs, and the requests that may be sent to it.
#[derive(Debug)]
pub(super) struct ThroughUrl {
    pub(super) urls: Urls,
    pub(super) patience: Verify,
    pub(super) budget: Budget,
    pub(super) world: World,
}

/// What requests through the URL showed; `None` if there were too few of them to show anything.
pub(super) type Shown = Option<Result<CheckRecord, Box<Failed>>>;

impl ThroughUrl {
    /// Sends a read-only check until enough responses in a row are right and carry the expected marks, `share` times at most.
    /// When the requests are used up, what was seen so far decides.
    pub(super) async fn in_a_row(&self, check: &Check, expected: &Expected, share: u32, phase: &str) -> Shown {
        let (mut requests, mut right, mut wrong, mut limited) = (0, 0, 0, 0);
        let (mut last, mut was_right) = (None, false);
        let mut backoff = Backoff::new(&self.world, PACE);
        let timeout = Duration::from_secs(self.patience.timeout_seconds);
        let record = |passed, response, requests| record(check, phase, passed, response, requests);
        let what = format!("{} responses in a row that pass check `{}`", self.patience.in_a_row, check.name);
        let _shown = self.world.waiting(what, Until::AtMost(timeout));
        while requests < share && self.budget.take(self.budget.all()) {
            requests += 1;
            let (blame, why) = match self.urls.send(check, expected).await {
                Seen::Right(response) if right + 1 == self.patience.in_a_row => {
                    return Some(Ok(record(true, response, requests)));
                }
                Seen::NoRoute(response) if expected.older_definition => {
                    return Some(Ok(record(true, response, requests)));
                }
                Seen::NoRoute(response) => (Blame::Gateway, Mismatch::from(response)),
                Seen::Right(response) => {
                    (right, wrong, was_right, last) = (right + 1, 0, true, Some((None, response.into())));
                    continue;
                }
                Seen::Wrong(blame, why) => (blame, why),
            };
            right = 0;
            limited += u32::from(blame == Blame::Limits);
            // Only the new version's own wrong responses speak against it, and that there is none because it crashes;
            // everything else is waited out.
            wrong = if speaks_against(blame) { wrong + 1 } else { 0 };
            let enough = if blame == Blame::Application { TRIES } else { 2 * TRIES };
            let (pause, left) = (backoff.pause(), timeout.saturating_sub(backoff.elapsed()));
            let out_of_time = pause > left;
            // A response that does not name its version may come from the old parts for a while.
            let known = self.urls.shows(&check.function, expected) || backoff.elapsed() >= SEEN_BY_ALL;
            if (wrong >= enough && known) || out_of_time {
                // Where the gateway's limits stopped most of the requests, nothing is known.
                let blame = if wrong < enough && limited * 2 > requests { Blame::Limits } else { blame };
                let record = record(false, why.words, requests);
                return Some(Err(Failed::new(check, record, (blame, why.difference))));
            }
            last = Some((Some(blame), why));
            // The last requests are spread over the time that is left: a switch may take so long to be seen. With only these few from the
            // start, the switch was seen before by other means: then this was one of the last old responses.
            let more = share.min(requests + self.budget.left()) - requests;
            let is_scarce = (1..=self.patience.in_a_row).contains(&more);
            let longest = if Budget::is_enough(share, 1, self.patience.in_a_row) { left } else { SEEN_BY_ALL };
            tokio::time::sleep(if is_scarce { pause.max((left / more).min(longest)) } else { pause }).await;
        }
        let (blame, Mismatch { words, difference }) = last?;
        let response = format!("{words}; {}", self.used_up());
        Some(match blame {
            None => Ok(record(true, response, requests)),
            // It would have been waited out: the last of a few requests met a part of the stage that had not switched.
            Some(Blame::Propagation | Blame::Gateway) if was_right => return None,
            // Nothing is known where the gateway's limits stopped the requests.
            Some(blame) if blame == Blame::Limits || limited * 2 > requests => return None,
            Some(blame) => Err(Failed::new(check, record(false, response, requests), (blame, difference))),
        })
    }

    /// Looks a few times, while traffic is split, for a response of the new version: only such a one counts, and only three
    /// wrong ones fail. Seeing none is not a failure: a small share of the traffic is seldom met.
    pub(super) async fn a_few_times(&self, check: &Check, expected: &Expected, phase: &str) -> Shown {
        let (mut wrong, mut wanted, mut requests) = (0, LOOKS, 0);
        // Most of the requests that a release may make are for what comes after the switch.
        while requests < wanted && self.budget.take(self.budget.all() / 3) {
            requests += 1;
            match self.urls.send(check, expected).await {
                Seen::Right(response) => return Some(Ok(record(check, phase, true, response, requests))),
                Seen::Wrong(blame, why) if speaks_against(blame) => {
                    // Looked at more closely: only some of the traffic is the new version's.
                    (wrong, wanted) = (wrong + 1, 4 * LOOKS);
                    if wrong == TRIES {
                        let record = record(check, phase, false, why.words, requests);
                        return Some(Err(Failed::new(check, record, (blame, why.difference))));
                    }
                }
                Seen::Wrong(..) | Seen::NoRoute(_) => {}
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        let not_met = "no response of the new version was met".to_owned();
        (requests > 0 && wrong == 0).then(|| Ok(record(check, phase, true, not_met, requests)))
    }

    /// Sends a check once, whatever comes.
    pub(super) async fn once(&self, check: &Check, expected: &Expected, phase: &str) -> Shown {
        if !self.budget.take(self.budget.all()) {
            return None;
        }
        let record = |passed, response| record(check, phase, passed, response, 1);
        Some(match self.urls.send(check, expected).await {
            Seen::Right(response) => Ok(record(true, response)),
            Seen::NoRoute(response) => Err(Failed::new(check, record(false, response), (Blame::Gateway, None))),
            Seen::Wrong(blame, why) => Err(Failed::new(check, record(false, why.words), (blame, why.difference))),
        })
    }

    /// The same with no request spent yet.
    pub(super) fn anew(&self) -> Self {
        let Self { urls, patience, budget, world } = self;
        let (urls, patience, world) = (urls.clone(), patience.clone(), world.clone());
        Self { urls, patience, budget: Budget::new(budget.all()), world }
    }

    /// Why no further request is sent.
    pub(super) fn used_up(&self) -> String {
        format!("the {} requests of a release are used up", self.budget.all())
    }
}

fn speaks_against(blame: Blame) -> bool {
    matches!(blame, Blame::Application | Blame::Exception | Blame::Dependency | Blame::Crash)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use std::collections::BTreeMap;

    use super::*;
    use crate::config::{ExpectedResponse, Marks, Request, Sent};

    const RIGHT: &str = "HTTP/1.1 200 OK\r\nx-v: 7\r\nx-d: d2\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    const OLD: &str = "HTTP/1.1 200 OK\r\nx-v: 6\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    const WRONG: &str = "HTTP/1.1 500 No\r\nx-v: 7\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    const LIMITED: &str = "HTTP/1.1 429 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    const NO_ROUTE: &str = "HTTP/1.1 403 No\r\nx-amzn-errortype: MissingAuthenticationTokenException\r\n\
                            content-length: 0\r\nconnection: close\r\n\r\n";

    /// Sends the check to a stage that gives these responses in turn, the last one for ever.
    async fn sent(responses: &'static [&'static str], older_definition: bool, share: u32) -> Shown {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            for turn in 0.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                let response = responses[turn.min(responses.len() - 1)];
                let _ = stream.write_all(response.as_bytes()).await;
            }
        });
        let urls = Urls::at(base, Marks { version: Some("x-v".to_owned()), deployment: Some("x-d".to_owned()) });
        let patience = Verify { in_a_row: 3, timeout_seconds: 1, ..Verify::default() };
        let through_url = ThroughUrl { urls, patience, budget: Budget::new(40), world: World::real() };
        let check = Check {
            name: "health".to_owned(),
            function: "f".to_owned(),
            sent: Sent::Request(
                Request::try_from("GET /health".to_owned()).unwrap(),
                ExpectedResponse { status: 200, ..ExpectedResponse::default() },
            ),
            writes: false,
        };
        let versions = BTreeMap::from([("f".to_owned(), "7".to_owned())]);
        let expected = Expected { versions, older_definition, ..Expected::default() };
        through_url.in_a_row(&check, &expected, share, "after").await
    }

    async fn after_a_switch(
        responses: &'static [&'static str],
        older_definition: bool,
    ) -> Result<CheckRecord, Box<Failed>> {
        sent(responses, older_definition, 40).await.unwrap()
    }

    async fn shown(responses: &'static [&'static str], share: u32) -> Shown {
        sent(responses, false, share).await
    }

    #[tokio::test]
    async fn a_switch_shows_after_enough_right_responses_in_a_row() {
        assert_eq!(after_a_switch(&[RIGHT], false).await.unwrap().requests, 3);
        assert_eq!(after_a_switch(&[OLD, RIGHT, OLD, RIGHT], false).await.unwrap().requests, 6);
    }

    #[tokio::test]
    async fn an_old_response_after_right_ones_shows_nothing() {
        assert!(shown(&[RIGHT, RIGHT, OLD], 3).await.is_none());
        assert!(shown(&[OLD, RIGHT], 3).await.unwrap().unwrap().response.contains("are used up"));
        assert_eq!(shown(&[OLD], 3).await.unwrap().unwrap_err().blame, Blame::Propagation);
    }

    #[tokio::test]
    async fn the_limits_of_the_gateway_show_nothing() {
        assert!(shown(&[RIGHT, RIGHT, LIMITED], 3).await.is_none());
        assert_eq!(shown(&[LIMITED, OLD], 3).await.unwrap().unwrap_err().blame, Blame::Propagation);
    }

    #[tokio::test]
    async fn an_old_response_that_stays_is_a_switch_that_does_not_show() {
        assert_eq!(after_a_switch(&[OLD], false).await.unwrap_err().blame, Blame::Propagation);
    }

    #[tokio::test]
    async fn three_wrong_responses_of_the_new_version_fail() {
        let failed = after_a_switch(&[WRONG], false).await.unwrap_err();
        assert_eq!((failed.blame, failed.record.requests), (Blame::Application, TRIES));
    }

    #[tokio::test]
    async fn a_route_that_is_missing_fails_once_the_stage_has_moved() {
        assert!(after_a_switch(&[NO_ROUTE], true).await.unwrap().response.contains("not in the deployment"));
        assert_eq!(after_a_switch(&[NO_ROUTE], false).await.unwrap_err().blame, Blame::Gateway);
    }
}
