//! Where functions respond: one request to one of them, and what the response shows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;

use super::failed::Mismatch;
use super::log::shown;
use super::{Blame, Response};
use crate::aws::{Http, NoResponse};
use crate::config::{Access, Check, Config, Environment, ExpectedResponse, Marks, Request, Sent};
use crate::failure::Failure;
use crate::ledger::Contract;
use crate::world::World;

/// How checks introduce themselves.
pub(super) const USER_AGENT: &str = concat!("deployer/", env!("CARGO_PKG_VERSION"));

/// What API Gateway calls a route that a deployment does not have, and what its firewall responds.
const NO_ROUTE: &str = "MissingAuthenticationTokenException";
const FIREWALL: &str = "ForbiddenException";
const RESPONSE: Duration = Duration::from_secs(15);

/// Where the functions of an environment respond.
#[derive(Debug, Clone)]
pub(super) struct Urls {
    http: Http,
    /// By function, each without a slash at the end.
    bases: BTreeMap<String, String>,
    /// The functions that respond at a URL of their own: no stage is in front of them.
    without_stage: BTreeSet<String>,
    marks: Marks,
    /// Whether an HTTP API or a Function URL responds with 500, where REST has 502.
    crash_is_500: bool,
    /// How many responses came from each version.
    pub(super) tally: Tally,
}

/// Responses by function and version.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally(Arc<Mutex<BTreeMap<(String, String), u32>>>);

impl Tally {
    pub(super) fn count(&self, function: &str, version: &str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((function.to_owned(), version.to_owned())).or_default() += 1;
    }

    pub(super) fn counts(&self) -> BTreeMap<(String, String), u32> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What responses must carry.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// The versions by function.
    pub versions: BTreeMap<String, String>,
    /// The deployment; any if absent.
    pub deployment: Option<String>,
    /// The stage is still at an older definition: a route that is new in this release is not there yet.
    pub older_definition: bool,
    /// Only who responds counts, not what.
    pub marks_only: bool,
}

/// What one request showed.
pub(super) enum Seen {
    Right(String),
    /// The route is not in the deployment that is live.
    NoRoute(String),
    Wrong(Blame, Mismatch),
}

/// Whether API Gateway or Lambda responded in the function's place: both name their errors in a header, but for HTTP APIs, whose
/// own bodies are these.
fn is_of_gateway(response: &Response) -> bool {
    const MESSAGES: [&str; 6] =
        ["Not Found", "Forbidden", "Unauthorized", "Internal Server Error", "Service Unavailable", "Too Many Requests"];
    let of_http_api = || {
        response.header("apigw-requestid").is_some()
            && MESSAGES.iter().any(|message| response.is_json(&serde_json::json!({ "message": message })))
    };
    response.status >= 400 && (response.header("x-amzn-errortype").is_some() || of_http_api())
}

/// Why the gateway's response is not what the function was to return.
fn not_declared(words: String, declared: &ExpectedResponse, response: &Response) -> Mismatch {
    Mismatch::new(words, "status", (declared.status.to_string(), response.with_body()))
}

/// A URL of the contract without a slash at the end. Where the environment is local, the host is the local AWS whatever the
/// contract says: nothing local ever leaves the loopback interface, by a proxy neither.
///
/// # Errors
/// It is not a URL.
pub fn reachable(environment: &Environment, named: &str) -> Result<String> {
    let mut base =
        url::Url::parse(named).ok().filter(|url| matches!(url.scheme(), "http" | "https")).ok_or_else(|| {
            Failure::refused(format!("the stack contract has an invalid URL: {named:?}"))
                .hint("write the contract again, with your infrastructure code or `deployer contract write`")
        })?;
    if let Access::Local(local) = &environment.access {
        // Not joined: a path that begins with two slashes would be taken for another host.
        let path = base.path().to_owned();
        base = url::Url::parse(&local.endpoint())?;
        base.set_path(&path);
    }
    Ok(base.as_str().trim_end_matches('/').to_owned())
}

impl Urls {
    /// Those that requests to the functions go to; `custom` is the one of an API that does not respond under its own name.
    /// None if there are none.
    ///
    /// # Errors
    /// One of the contract is not a URL.
    pub(super) fn open(
        (config, environment): (&Config, &Environment),
        contract: &Contract,
        custom: Option<&str>,
        world: &World,
    ) -> Result<Option<Self>> {
        let bases = contract.functions.iter().filter_map(|(key, function)| {
            let named = function.url.as_deref().or(custom).or_else(|| contract.url())?;
            Some(reachable(environment, named).map(|base| (key.clone(), base)))
        });
        let bases: BTreeMap<_, _> = bases.collect::<Result<_>>()?;
        let own = contract.functions.iter().filter(|(_, function)| function.url.is_some());
        Ok((!bases.is_empty()).then(|| Self {
            http: Http::new(world, environment.access.proxy(), RESPONSE),
            bases,
            without_stage: own.map(|(key, _)| key.clone()).collect(),
            marks: config.marks.clone(),
            crash_is_500: contract.rest().is_none(),
            tally: Tally::default(),
        }))
    }

    #[cfg(test)]
    pub(super) fn at(base: String, marks: Marks) -> Self {
        let http = Http::new(&World::real(), crate::world::Proxy::None, RESPONSE);
        let bases = [("f".to_owned(), base)].into();
        Self { http, bases, without_stage: BTreeSet::new(), marks, crash_is_500: false, tally: Tally::default() }
    }

    /// Where a function responds.
    pub(super) fn of(&self, function: &str) -> Option<&str> {
        self.bases.get(function).map(String::as_str)
    }

    /// Whether a stage is in front of a function.
    pub(super) fn has_stage(&self, function: &str) -> bool {
        !self.without_stage.contains(function)
    }

    /// Whether a function's responses show by themselves whether the switch that is waited for has been seen.
    pub(super) fn shows(&self, function: &str, expected: &Expected) -> bool {
        let of_version = self.marks.version.is_some() || expected.versions.is_empty();
        let no_switch = expected.deployment.is_none() || !self.has_stage(function);
        of_version && (self.marks.deployment.is_some() || no_switch)
    }

    /// Whether a response names the version that made it.
    pub(super) fn names_version(&self) -> bool {
        self.marks.version.is_some()
    }

    /// Whether a response names the deployment that it came through.
    pub(super) fn names_deployment(&self) -> bool {
        self.marks.deployment.is_some()
    }

    /// Sends the request of a check once.
    pub(super) async fn send(&self, check: &Check, expected: &Expected) -> Seen {
        let (Sent::Request(request, declared), Some(base)) = (&check.sent, self.of(&check.function)) else {
            return Seen::Wrong(Blame::Gateway, format!("{} cannot be sent through the URL", check.sent).into());
        };
        let sent = format!("{request} -> ");
        let response = self.response(base, request).await;
        let named = |response: &Response| Some(response.header(self.marks.version.as_ref()?)?.to_owned());
        if let Some(version) = response.as_ref().ok().and_then(named) {
            self.tally.count(&check.function, &version);
        }
        match response {
            // What API Gateway responds for a route that a deployment does not have.
            Ok(response) if response.status == 403 && response.header("x-amzn-errortype") == Some(NO_ROUTE) => {
                Seen::NoRoute(format!("{sent}403, not in the deployment that is live"))
            }
            Ok(response) if response.status == 429 || response.header("x-amzn-errortype") == Some(FIREWALL) => {
                let words = format!("{sent}{}, too many requests or the firewall", response.status);
                Seen::Wrong(Blame::Limits, words.into())
            }
            Ok(response) => match self.compare((&check.function, declared), expected, &response) {
                Ok(()) => Seen::Right(format!("{sent}{}", response.status)),
                Err((blame, why)) => Seen::Wrong(blame, why.to(&sent)),
            },
            Err(error) => Seen::Wrong(Blame::Gateway, format!("{sent}{error}").into()),
        }
    }

    async fn response(&self, base: &str, request: &Request) -> Result<Response, NoResponse> {
        let url = format!("{base}{}", request.path);
        let headers = [("accept", "*/*"), ("user-agent", USER_AGENT)];
        let response = self.http.send(&request.method, &url, &headers).await?;
        let headers = response.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Ok(Response::new(response.status, headers, String::from_utf8_lossy(&response.body).into_owned()))
    }

    /// Who responded comes before what the response is: an old version's says nothing of the new one.
    fn compare(
        &self,
        (function, declared): (&str, &ExpectedResponse),
        expected: &Expected,
        response: &Response,
    ) -> Result<(), (Blame, Mismatch)> {
        let status = response.status;
        if self.marks.version.is_none() && is_of_gateway(response) {
            let words = format!("{status} from the gateway");
            return Err((self.blame_of_gateway(status), not_declared(words, declared, response)));
        }
        if let Some(header) = &self.marks.version {
            let Some(version) = response.header(header) else {
                let words = format!("{status} without `{header}`");
                return Err((self.blame_of_gateway(status), not_declared(words, declared, response)));
            };
            if let Some(wanted) = expected.versions.get(function).filter(|wanted| *wanted != version) {
                let version = shown(version);
                return Err((Blame::Propagation, format!("{status} from version {version}, not {wanted}").into()));
            }
        }
        let deployment = self.marks.deployment.as_ref().map(|header| response.header(header));
        let wanted = expected.deployment.as_deref().filter(|_| self.has_stage(function));
        if let (Some(found), Some(wanted)) = (deployment, wanted)
            && found != Some(wanted)
        {
            let found = shown(found.unwrap_or("unknown"));
            return Err((Blame::Propagation, format!("{status} from deployment {found}, not {wanted}").into()));
        }
        if expected.marks_only {
            // Without its name a version shows by no more than that it responds.
            return match status {
                502..=504 if self.marks.version.is_none() => Err((Blame::Dependency, status.to_string().into())),
                _ => Ok(()),
            };
        }
        let blame = if matches!(status, 502..=504) { Blame::Dependency } else { Blame::Application };
        response.compare(declared).map_err(|why| (blame, why))
    }

    /// Whose fault a response is that no function has made.
    fn blame_of_gateway(&self, status: u16) -> Blame {
        match status {
            502..=504 => Blame::Crash,
            500 if self.crash_is_500 => Blame::Crash,
            _ => Blame::Gateway,
        }
    }
}
