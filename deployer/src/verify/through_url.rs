//! Checks through the URL, after a switch: repeated until so many answers in a row carry the new marks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use anyhow::Result;

use super::{Answer, Blame, Failed, TRIES};
use crate::aws::{Http, NoResponse};
use crate::config::{Access, Check, Config, Environment, Marks, REQUESTS, Verify};
use crate::failure::Failure;
use crate::ledger::{CheckRecord, Contract};
use crate::observe::Observed;
use crate::world::World;

/// How checks introduce themselves.
pub(super) const USER_AGENT: &str = concat!("deployer/", env!("CARGO_PKG_VERSION"));

/// What API Gateway calls a route that a deployment does not have, and what its firewall answers.
const NO_ROUTE: &str = "MissingAuthenticationTokenException";
const FIREWALL: &str = "ForbiddenException";
/// While traffic is split, so many requests of a check look for an answer of the new version.
const GLIMPSES: u32 = 5;
const ANSWER: Duration = Duration::from_secs(15);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// Where a stage answers.
#[derive(Debug)]
pub struct Url {
    http: Http,
    base: String,
    marks: Marks,
    patience: Verify,
    spent: AtomicU32,
    /// Why the checks of these names cannot be sent.
    obstacles: BTreeMap<String, String>,
}

/// The marks that answers must carry.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// The versions by function.
    pub versions: BTreeMap<String, String>,
    /// The deployment; not judged if absent.
    pub deployment: Option<String>,
    /// The stage still serves an older definition: a route that is new in this release is not there yet.
    pub older_definition: bool,
    /// Only who answers is judged, not what.
    pub marks_only: bool,
    /// The most requests for one check; all that are left if absent.
    pub share: Option<u32>,
}

/// What one request showed.
enum Seen {
    Right(String),
    /// The route is not in the deployment that the stage serves.
    NoRoute(String),
    Wrong(Blame, String),
}

impl Url {
    /// The URL of an environment. Where the environment is local, the host is the local AWS whatever the contract
    /// says: nothing local ever leaves the loopback interface, by a proxy neither.
    pub fn open(config: &Config, environment: &Environment, contract: &Contract, world: &World) -> Result<Self> {
        let mut base = url::Url::parse(&contract.api.url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .ok_or_else(|| {
            Failure::refused(format!("the contract's `api.url` is {:?}, which is no URL of a stage", contract.api.url))
                .hint("apply Terraform of this checkout: it writes the contract again")
        })?;
        if let Access::Local(local) = &environment.access {
            // Not joined: a path that begins with two slashes would be taken for another host.
            let path = base.path().to_owned();
            base = url::Url::parse(&local.endpoint())?;
            base.set_path(&path);
        }
        Ok(Self {
            http: Http::new(world, environment.access.proxy(), ANSWER),
            base: base.as_str().trim_end_matches('/').to_owned(),
            marks: config.marks.clone(),
            patience: config.verify.clone(),
            spent: AtomicU32::new(0),
            obstacles: BTreeMap::new(),
        })
    }

    /// The URL for the checks of an environment: under the custom domain where the API does not respond under its own name,
    /// and without the checks that could not reach their function.
    ///
    /// # Errors
    /// The API responds only under a custom domain, and the contract names none.
    pub fn for_checks(config: &Config, environment: &Environment, observed: &Observed, world: &World) -> Result<Self> {
        let mut contract = observed.ledger.contract.clone();
        if observed.definition.only_custom_domain {
            contract.api.url = contract.api.custom_url.clone().ok_or_else(|| {
                Failure::refused(format!(
                    "API `{}` has its default endpoint disabled, and the contract names no `api.custom_url`",
                    contract.api.rest_api_id
                ))
                .hint("write the custom domain's URL into the contract, or enable the default endpoint; nothing was changed")
            })?;
        }
        let mut url = Self::open(config, environment, &contract, world)?;
        let obstacles =
            config.checks.iter().filter_map(|check| Some((check.name.clone(), observed.obstacle(&check.request)?)));
        url.obstacles = obstacles.collect();
        Ok(url)
    }

    /// The same, but giving up after `longest`.
    #[must_use]
    pub fn patient_for(mut self, longest: Duration) -> Self {
        self.patience.timeout_seconds = self.patience.timeout_seconds.min(longest.as_secs());
        self
    }

    /// The same with no request spent yet: what goes back is looked at whatever the way there has used up.
    #[must_use]
    pub fn anew(&self) -> Self {
        Self {
            http: self.http.clone(),
            base: self.base.clone(),
            marks: self.marks.clone(),
            patience: self.patience.clone(),
            spent: AtomicU32::new(0),
            obstacles: self.obstacles.clone(),
        }
    }

    /// The URL, without a slash at the end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Sends a read-only check until enough answers in a row are right and carry the expected marks. When the requests of a
    /// release are used up, what was seen so far decides.
    pub async fn settle(&self, check: &Check, expected: &Expected, phase: &str) -> Result<CheckRecord, Failed> {
        if let Some(unsent) = self.unsent(check, phase) {
            return Ok(unsent);
        }
        let (mut requests, mut right, mut wrong, mut limited) = (0, 0, 0, 0);
        let (mut last, share) = (None, expected.share.unwrap_or(REQUESTS));
        let (started, mut pause) = (Instant::now(), FIRST_PAUSE);
        let timeout = Duration::from_secs(self.patience.timeout_seconds);
        let record = |passed, answer, requests| record(check, phase, passed, answer, requests);
        while requests < share && self.takes_one(REQUESTS) {
            requests += 1;
            let (blame, answer) = match self.ask(check, expected).await {
                Seen::Right(answer) if right + 1 == self.patience.in_a_row => {
                    return Ok(record(true, answer, requests));
                }
                Seen::NoRoute(answer) if expected.older_definition => return Ok(record(true, answer, requests)),
                Seen::NoRoute(answer) => (Blame::Gateway, answer),
                Seen::Right(answer) => {
                    (right, wrong, last) = (right + 1, 0, Some((None, answer)));
                    continue;
                }
                Seen::Wrong(blame, answer) => (blame, answer),
            };
            right = 0;
            limited += u32::from(blame == Blame::Limits);
            // Only the new version's own wrong answers speak against it, and that there is none of it because it crashes;
            // everything else is waited out.
            wrong = if speaks_against(blame) { wrong + 1 } else { 0 };
            let enough = if blame == Blame::Application { TRIES } else { 2 * TRIES };
            let left = timeout.saturating_sub(started.elapsed());
            let out_of_time = pause > left;
            if wrong >= enough || out_of_time {
                // Where most of the time the gateway's limits stood in the way, nothing was learned.
                let blame = if wrong < enough && limited * 2 > requests { Blame::Limits } else { blame };
                return Err(Failed { record: record(false, answer, requests), blame });
            }
            last = Some((Some(blame), answer));
            // The last requests are spread over the time that is left: a switch may take so long to be seen.
            let more = share.min(requests + self.left()) - requests;
            let is_scarce = (1..=self.patience.in_a_row).contains(&more);
            tokio::time::sleep(if is_scarce { pause.max(left / more) } else { pause }).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        let used_up = |answer: &str| format!("{answer}; the {REQUESTS} requests of a release are used up");
        match last {
            None => Ok(record(true, used_up(&format!("{} was not sent", check.request)), requests)),
            Some((None, answer)) => Ok(record(true, used_up(&answer), requests)),
            Some((Some(blame), answer)) => {
                let blame = if limited * 2 > requests { Blame::Limits } else { blame };
                Err(Failed { record: record(false, used_up(&answer), requests), blame })
            }
        }
    }

    /// The record of a check that cannot be sent through the URL: its Invoke before traffic is all that is known.
    fn unsent(&self, check: &Check, phase: &str) -> Option<CheckRecord> {
        let why = self.obstacles.get(&check.name)?;
        Some(record(check, phase, true, format!("{} was not sent: it {why}", check.request), 0))
    }

    /// Whether a check can be sent through the URL.
    pub fn reaches(&self, check: &Check) -> bool {
        !self.obstacles.contains_key(&check.name)
    }

    /// How many of the requests of a release are left.
    pub fn left(&self) -> u32 {
        REQUESTS.saturating_sub(self.spent.load(Ordering::Relaxed))
    }

    /// Takes one request of the `most` that may have been sent by now, if one is left.
    fn takes_one(&self, most: u32) -> bool {
        let more = |spent| (spent < most).then_some(spent + 1);
        self.spent.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    /// Looks a few times, while traffic is split, for an answer of the new version: only such a one is judged, and a
    /// wrong one of it thrice. None is no failure: a small part of the traffic is seldom met.
    pub async fn glimpse(&self, check: &Check, expected: &Expected, phase: &str) -> Result<CheckRecord, Failed> {
        if let Some(unsent) = self.unsent(check, phase) {
            return Ok(unsent);
        }
        let (mut wrong, mut wanted) = (0, GLIMPSES);
        let mut last = "no answer of the new version was met".to_owned();
        for requests in 1.. {
            if requests > wanted {
                break;
            }
            // Most of the requests that a release may make are for what comes after the switch.
            if !self.takes_one(REQUESTS / 3) {
                return Ok(record(check, phase, wrong == 0, last, requests - 1));
            }
            match self.ask(check, expected).await {
                Seen::Right(answer) => return Ok(record(check, phase, true, answer, requests)),
                Seen::Wrong(blame, answer) if speaks_against(blame) => {
                    // Looked at more closely: only some of the traffic is the new version's.
                    (wrong, wanted) = (wrong + 1, 4 * GLIMPSES);
                    if wrong == TRIES {
                        return Err(Failed { record: record(check, phase, false, answer, requests), blame });
                    }
                    last = answer;
                }
                Seen::Wrong(..) | Seen::NoRoute(_) => {}
            }
            tokio::time::sleep(FIRST_PAUSE).await;
        }
        Ok(record(check, phase, wrong == 0, last, wanted))
    }

    /// Sends a check that writes: once, whatever comes.
    pub async fn once(&self, check: &Check, expected: &Expected, phase: &str) -> Result<CheckRecord, Failed> {
        if let Some(unsent) = self.unsent(check, phase) {
            return Ok(unsent);
        }
        let record = |passed, answer| record(check, phase, passed, answer, 1);
        if !self.takes_one(REQUESTS) {
            let answer = format!("{} was not sent: the {REQUESTS} requests of a release are used up", check.request);
            return Err(Failed { record: self::record(check, phase, false, answer, 0), blame: Blame::Limits });
        }
        match self.ask(check, expected).await {
            Seen::Right(answer) => Ok(record(true, answer)),
            Seen::NoRoute(answer) => Err(Failed { record: record(false, answer), blame: Blame::Gateway }),
            Seen::Wrong(blame, answer) => Err(Failed { record: record(false, answer), blame }),
        }
    }

    async fn ask(&self, check: &Check, expected: &Expected) -> Seen {
        let asked = format!("{} -> ", check.request);
        match self.send(check).await {
            // What API Gateway answers for a route that a deployment does not have.
            Ok(answer) if answer.status == 403 && answer.header("x-amzn-errortype") == Some(NO_ROUTE) => {
                Seen::NoRoute(format!("{asked}403, not in the deployment that the stage serves"))
            }
            Ok(answer) if answer.status == 429 || answer.header("x-amzn-errortype") == Some(FIREWALL) => {
                Seen::Wrong(Blame::Limits, format!("{asked}{}, too many requests or the firewall", answer.status))
            }
            Ok(answer) => match self.judge(check, expected, &answer) {
                Ok(()) => Seen::Right(format!("{asked}{}", answer.status)),
                Err((blame, why)) => Seen::Wrong(blame, format!("{asked}{why}")),
            },
            Err(error) => Seen::Wrong(Blame::Gateway, format!("{asked}{error}")),
        }
    }

    async fn send(&self, check: &Check) -> Result<Answer, NoResponse> {
        let url = format!("{}{}", self.base, check.request.path);
        let headers = [("accept", "*/*"), ("user-agent", USER_AGENT)];
        let response = self.http.send(&check.request.method, &url, &headers).await?;
        let headers = response.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Ok(Answer::new(response.status, headers, String::from_utf8_lossy(&response.body).into_owned()))
    }

    /// Who answered is asked before what was answered: an old version's answer says nothing of the new one.
    fn judge(&self, check: &Check, expected: &Expected, answer: &Answer) -> Result<(), (Blame, String)> {
        let status = answer.status;
        let Some(version) = answer.header(&self.marks.version) else {
            let blame = if matches!(status, 502..=504) { Blame::Crash } else { Blame::Gateway };
            return Err((blame, format!("{status} without `{}`", self.marks.version)));
        };
        if let Some(wanted) = expected.versions.get(&check.function).filter(|wanted| *wanted != version) {
            return Err((Blame::Propagation, format!("{status} from version {version}, not {wanted}")));
        }
        let deployment = answer.header(&self.marks.deployment);
        if let Some(wanted) = expected.deployment.as_deref().filter(|wanted| Some(*wanted) != deployment) {
            return Err((
                Blame::Propagation,
                format!("{status} from deployment {}, not {wanted}", deployment.unwrap_or("unknown")),
            ));
        }
        if expected.marks_only {
            return Ok(());
        }
        let blame = if matches!(status, 502..=504) { Blame::Dependency } else { Blame::Application };
        answer.judge(check).map_err(|why| (blame, why))
    }
}

fn speaks_against(blame: Blame) -> bool {
    matches!(blame, Blame::Application | Blame::Dependency | Blame::Crash)
}

fn record(check: &Check, phase: &str, passed: bool, answer: String, requests: u32) -> CheckRecord {
    CheckRecord { name: check.name.clone(), phase: phase.to_owned(), passed, answer, requests }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::config::Request;
    use crate::world::Proxy;

    const RIGHT: &str = "HTTP/1.1 200 OK\r\nx-v: 7\r\nx-d: d2\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    const OLD: &str = "HTTP/1.1 200 OK\r\nx-v: 6\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    const WRONG: &str = "HTTP/1.1 500 No\r\nx-v: 7\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    const NO_ROUTE: &str = "HTTP/1.1 403 No\r\nx-amzn-errortype: MissingAuthenticationTokenException\r\n\
                            content-length: 0\r\nconnection: close\r\n\r\n";

    /// Sends the check to a stage that gives these answers in turn, the last one for ever.
    async fn settled(answers: &'static [&'static str], older_definition: bool) -> Result<CheckRecord, Failed> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            for turn in 0.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                let answer = answers[turn.min(answers.len() - 1)];
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        let url = Url {
            http: Http::new(&World::real(), Proxy::None, ANSWER),
            base,
            marks: Marks { version: "x-v".to_owned(), deployment: "x-d".to_owned() },
            patience: Verify { in_a_row: 3, timeout_seconds: 1 },
            spent: AtomicU32::new(0),
            obstacles: BTreeMap::new(),
        };
        let check = Check {
            name: "health".to_owned(),
            function: "f".to_owned(),
            request: Request::try_from("GET /health".to_owned()).unwrap(),
            status: 200,
            headers: BTreeMap::new(),
            body: None,
            writes: false,
        };
        let versions = BTreeMap::from([("f".to_owned(), "7".to_owned())]);
        url.settle(&check, &Expected { versions, older_definition, ..Expected::default() }, "after").await
    }

    #[tokio::test]
    async fn a_switch_is_seen_after_enough_right_answers_in_a_row_and_a_flip_back_starts_the_count_anew() {
        assert_eq!(settled(&[RIGHT], false).await.unwrap().requests, 3);
        assert_eq!(settled(&[OLD, RIGHT, OLD, RIGHT], false).await.unwrap().requests, 6);
    }

    #[tokio::test]
    async fn an_old_answer_that_stays_is_a_switch_not_seen_and_no_fault_of_the_function() {
        assert_eq!(settled(&[OLD], false).await.unwrap_err().blame, Blame::Propagation);
    }

    #[tokio::test]
    async fn a_wrong_answer_of_the_new_version_is_its_own_after_a_few_tries() {
        let failed = settled(&[WRONG], false).await.unwrap_err();
        assert_eq!((failed.blame, failed.record.requests), (Blame::Application, TRIES));
    }

    #[tokio::test]
    async fn a_route_that_the_older_definition_lacks_waits_for_the_stage_and_later_is_a_failure() {
        assert!(settled(&[NO_ROUTE], true).await.unwrap().answer.contains("not in the deployment"));
        assert_eq!(settled(&[NO_ROUTE], false).await.unwrap_err().blame, Blame::Gateway);
    }
}
