//! Checks of what has switched: through the URL, as far as the requests of a release go and the gateway lets them
//! through; by Invoke where they do not.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use futures::future::{join, join_all};

use super::budget::Budget;
use super::event::Gateways;
use super::invoke::Invoker;
use super::through_url::ThroughUrl;
use super::url::{Expected, Urls, reachable};
use super::{Blame, Failed, record};
use crate::aws::Reader;
use crate::config::{Check, Config, Environment};
use crate::failure::Failure;
use crate::ledger::CheckRecord;
use crate::observe::{Observed, ObservedApi};

/// How long a switch of the stage may take to show, where old code must not meet the newer definition. Where no check goes
/// through the URL, the wait is this long.
const SEEN_WITHIN: Duration = Duration::from_secs(3);

/// Sends the checks of one release.
#[derive(Debug)]
pub struct Verifier {
    /// None where no function has a URL.
    through_url: Option<ThroughUrl>,
    /// Where the API responds.
    base: Option<String>,
    invoker: Invoker,
    /// Why the checks of these names cannot be sent through the URL.
    obstacles: BTreeMap<String, String>,
    /// Why none can.
    unreachable: Option<String>,
}

/// Where the traffic is when checks are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// Some of it goes to what is checked.
    Split,
    /// All of it does.
    Switched,
}

impl Verifier {
    /// For the checks of an environment: under the custom domain where the API does not respond under its own name.
    ///
    /// # Errors
    /// The contract's URL is not a URL.
    pub fn new(config: &Config, environment: &Environment, observed: &Observed, reader: &Reader) -> Result<Self> {
        let contract = &observed.ledger.contract;
        let unreachable = observed.api.as_ref().and_then(unreachable);
        let obstacles = config.checks_in(environment).filter_map(|check| {
            let why = obstacle(observed, check, unreachable.as_deref())?;
            Some((check.name.clone(), why))
        });
        let obstacles = obstacles.collect();
        let custom = observed.api.as_ref().and_then(custom);
        let urls = Urls::open((config, environment), contract, custom, &reader.world)?;
        let through_url = urls.map(|urls| ThroughUrl {
            urls,
            patience: config.verify.clone(),
            budget: Budget::new(config.verify.requests),
            world: reader.world.clone(),
        });
        let base = contract.front().map(|url| reachable(environment, custom.unwrap_or(url))).transpose()?;
        let invoker = Invoker::new(config, reader, contract, Gateways::of(observed));
        Ok(Self { through_url, base, invoker, obstacles, unreachable })
    }

    /// The same, but giving up after `longest`.
    #[must_use]
    pub fn patient_for(mut self, longest: Duration) -> Self {
        if let Some(through_url) = &mut self.through_url {
            let seconds = &mut through_url.patience.timeout_seconds;
            *seconds = longest.as_secs().min(*seconds);
        }
        self.invoker.timeout = longest.min(self.invoker.timeout);
        self
    }

    /// The URL of the API, else the first Function URL, without a slash at the end; none without both.
    pub fn base(&self) -> Option<&str> {
        self.base.as_deref()
    }

    /// How many responses through the URL came from each version so far, by function and version, where they name it.
    pub fn responses(&self) -> BTreeMap<(String, String), u32> {
        self.through_url.as_ref().map(|through_url| through_url.urls.tally.counts()).unwrap_or_default()
    }

    /// What sends checks by Invoke.
    pub fn invoker(&self) -> &Invoker {
        &self.invoker
    }

    /// Why no check can be sent through the URL, if none can.
    pub fn unreachable(&self) -> Option<&str> {
        self.unreachable.as_deref()
    }

    /// Makes sure that a new release can be seen through the URL.
    ///
    /// # Errors
    /// The API responds only under a custom domain, and the contract names none.
    pub fn refuse_unreachable(&self) -> Result<()> {
        let Some(why) = &self.unreachable else { return Ok(()) };
        Err(Failure::refused(why.clone())
            .hint(
                "write the custom domain's URL into the contract, or enable the default endpoint; nothing was changed",
            )
            .into())
    }

    /// How many requests of the release are kept where another switch follows.
    pub fn kept_for_next(&self) -> u32 {
        self.through_url.as_ref().map_or(0, |through_url| through_url.budget.all() / 2)
    }

    /// Sends read-only checks, each with what it expects: side by side, if there are requests enough for each to wait for the
    /// switch. Else the first one waits until the switch is seen, so that the others spend no requests on that. `kept` requests are
    /// not for now.
    pub async fn all(
        &self,
        checks: &[(&Check, Expected)],
        traffic: Traffic,
        kept: u32,
        phase: &str,
    ) -> Vec<Result<CheckRecord, Box<Failed>>> {
        let Some(through_url) = &self.through_url else {
            return join_all(checks.iter().map(|entry| self.by_invoke(entry, traffic, phase))).await;
        };
        let (mut sent, unsent): (Vec<_>, Vec<_>) = checks.iter().partition(|(check, _)| self.reaches(check));
        // Only what is behind a stage shows its switch.
        sent.sort_by_key(|(check, _)| !through_url.urls.has_stage(&check.function));
        let left = || through_url.budget.left().saturating_sub(kept);
        let in_a_row = through_url.patience.in_a_row;
        let (mut results, mut rest, mut fitting) = (Vec::new(), &*sent, sent.len());
        let side_by_side = traffic == Traffic::Switched && Budget::is_enough(left(), sent.len(), in_a_row);
        if let Some((first, others)) = sent.split_first().filter(|_| !side_by_side) {
            let shares = Budget::share(left(), others.len(), in_a_row);
            results.push(self.one(through_url, first, traffic, shares.first, phase).await);
            (rest, fitting) = (others, if traffic == Traffic::Split { others.len() } else { shares.others });
        }
        if results.iter().any(Result::is_err) {
            return results;
        }
        let (others, rest) = rest.split_at(fitting);
        let share = left() / u32::try_from(others.len()).unwrap_or(1).max(1);
        let others = others.iter().map(|entry| self.one(through_url, entry, traffic, share, phase));
        // An Invoke shows which version an alias has, and nothing of the stage.
        let invoked = rest.iter().chain(&unsent).filter(|(_, expected)| !expected.versions.is_empty());
        let invoked = invoked.map(|entry| self.by_invoke(entry, traffic, phase));
        let (others, invoked) = join(join_all(others), join_all(invoked)).await;
        results.extend(others.into_iter().chain(invoked));
        if results.is_empty() {
            self.invoker.pause("the switch to be seen everywhere", SEEN_WITHIN).await;
        }
        results
    }

    /// One check, through the URL if it gets enough requests.
    async fn one(
        &self,
        through_url: &ThroughUrl,
        entry: &(&Check, Expected),
        traffic: Traffic,
        share: u32,
        phase: &str,
    ) -> Result<CheckRecord, Box<Failed>> {
        let (check, expected) = entry;
        let names_version = through_url.urls.names_version();
        let shown = match traffic {
            // While traffic is split, a response without the name of its version shows nothing.
            Traffic::Split if !names_version => None,
            Traffic::Split => through_url.a_few_times(check, expected, phase).await,
            Traffic::Switched => {
                // With few requests none is left to wait for the switch: after an old response the next ones would have to be far
                // apart.
                let shows_switch = names_version && Budget::is_enough(share, 1, through_url.patience.in_a_row);
                self.switch_seen(entry, shows_switch, phase).await?;
                through_url.in_a_row(check, expected, share, phase).await
            }
        };
        match shown {
            Some(result) => result,
            None => self.by_invoke(entry, traffic, phase).await,
        }
    }

    /// Waits until a switch is seen that responses do not show: the alias's by Invoke, which says who ran, and the stage's as
    /// long as it may take.
    async fn switch_seen(
        &self,
        (check, expected): &(&Check, Expected),
        shows_version: bool,
        phase: &str,
    ) -> Result<(), Box<Failed>> {
        let hides = |urls: &Urls| urls.has_stage(&check.function) && !urls.names_deployment();
        if expected.deployment.is_some() && self.through_url.as_ref().is_some_and(|url| hides(&url.urls)) {
            self.invoker.pause("the stage's switch to be seen everywhere", SEEN_WITHIN).await;
        }
        if shows_version || !expected.versions.contains_key(&check.function) {
            return Ok(());
        }
        let identity = Expected { marks_only: true, ..expected.clone() };
        self.invoker.after_switch(check, &identity, phase).await.map(drop)
    }

    /// One check by Invoke alone, and why.
    async fn by_invoke(
        &self,
        (check, expected): &(&Check, Expected),
        traffic: Traffic,
        phase: &str,
    ) -> Result<CheckRecord, Box<Failed>> {
        let why = self.why_by_invoke(check, traffic);
        let with_reason = |record: CheckRecord| CheckRecord { by_invoke: why, ..record };
        let invoked = match traffic {
            Traffic::Split => self.invoker.during_shift(check, expected, phase).await,
            Traffic::Switched => self.invoker.after_switch(check, expected, phase).await,
        };
        match invoked {
            Ok(record) => Ok(with_reason(record)),
            Err(mut failed) => {
                failed.record = with_reason(failed.record);
                Err(failed)
            }
        }
    }

    /// Why a check does not go through the URL that its function has; nothing where it has none.
    fn why_by_invoke(&self, check: &Check, traffic: Traffic) -> Option<String> {
        if let Some(obstacle) = self.obstacles.get(&check.name) {
            return Some(obstacle.clone());
        }
        let through_url = self.through_url.as_ref().filter(|_| self.reaches(check))?;
        Some(match traffic {
            Traffic::Split if !through_url.urls.names_version() => "responses do not name their version".to_owned(),
            _ => through_url.used_up(),
        })
    }

    /// Waits until the stage is seen at `deployment`, as far as that can be seen soon. Spends none of the requests of the
    /// release: what goes back is looked at whatever the way there has used up.
    pub async fn stage_seen<'a>(&self, checks: impl IntoIterator<Item = &'a Check>, deployment: &str) {
        let expected = Expected { deployment: Some(deployment.to_owned()), marks_only: true, ..Expected::default() };
        let look = async {
            let behind =
                |check: &&Check| self.through_url.as_ref().is_some_and(|url| url.urls.has_stage(&check.function));
            let seen = checks.into_iter().filter(behind).find(|check| !check.writes && self.reaches(check));
            match (seen, &self.through_url) {
                (Some(check), Some(through_url)) if through_url.urls.names_deployment() => {
                    let again = through_url.anew();
                    drop(again.in_a_row(check, &expected, again.budget.all(), "on the way back").await);
                }
                _ => std::future::pending().await,
            }
        };
        let _ = tokio::time::timeout(SEEN_WITHIN, look).await;
    }

    /// Sends a check once through the URL, whatever comes: one that writes is never sent by Invoke. An event is, it never writes.
    pub async fn once(&self, check: &Check, expected: &Expected, phase: &str) -> Result<CheckRecord, Box<Failed>> {
        if check.request().is_none() {
            return self.invoker.during_shift(check, expected, phase).await;
        }
        let why = match (self.obstacles.get(&check.name), &self.through_url) {
            (Some(obstacle), _) => obstacle.clone(),
            (None, None) => "the stack has no URL".to_owned(),
            (None, Some(_)) if !self.reaches(check) => format!("`{}` has no URL", check.function),
            (None, Some(through_url)) => match through_url.once(check, expected, phase).await {
                Some(result) => return result,
                None => through_url.used_up(),
            },
        };
        let response = format!("{} was not sent: {why}", check.sent);
        Err(Failed::new(check, record(check, phase, false, response, 0), (Blame::Limits, None)))
    }

    /// Whether the check goes through a URL.
    fn reaches(&self, check: &Check) -> bool {
        let has_url =
            self.through_url.as_ref().is_some_and(|through_url| through_url.urls.of(&check.function).is_some());
        has_url && !self.obstacles.contains_key(&check.name)
    }
}

/// Why a check says nothing of the function through the URL, if so.
fn obstacle(observed: &Observed, check: &Check, unreachable: Option<&str>) -> Option<String> {
    let function = observed.functions.get(&check.function);
    let url = function.and_then(|function| function.url.as_ref());
    let Some(request) = check.request() else {
        // Without a URL it is not expected to go through one.
        let has_url = observed.ledger.contract.url_of(&check.function).is_some();
        return has_url.then(|| "it sends an event".to_owned());
    };
    match url {
        Some(Ok(url)) => return url.needs_signature.then(|| "the Function URL needs an IAM signature".to_owned()),
        Some(Err(why)) => return Some(why.clone()),
        None => {}
    }
    let of_api = observed.api.as_ref().and_then(|api| api.obstacle(request));
    let of_http_api = || match observed.http_api.as_ref()? {
        Ok(api) => api.obstacle(request),
        Err(why) => Some(why.clone()),
    };
    unreachable.map(str::to_owned).or(of_api).or_else(of_http_api)
}

/// Where a REST API responds if it does not under its own name.
fn custom(api: &ObservedApi) -> Option<&str> {
    api.resource.custom_url.as_deref().filter(|_| api.definition.only_custom_domain)
}

/// Why no request reaches the API through a URL that the contract names.
fn unreachable(api: &ObservedApi) -> Option<String> {
    let id = &api.resource.id;
    (api.definition.only_custom_domain && api.resource.custom_url.is_none())
        .then(|| format!("API `{id}` has its default endpoint disabled, and the contract names no `api.custom_url`"))
}
