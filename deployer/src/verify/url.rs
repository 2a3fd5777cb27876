//! Where a stage responds: one request to it, and what the response shows.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;

use super::{Answer, Blame};
use crate::aws::{Http, NoResponse};
use crate::config::{Access, Check, Config, Environment, Marks, Request, Response, Sent};
use crate::failure::Failure;
use crate::world::World;

/// How checks introduce themselves.
pub(super) const USER_AGENT: &str = concat!("deployer/", env!("CARGO_PKG_VERSION"));

/// What API Gateway calls a route that a deployment does not have, and what its firewall responds.
const NO_ROUTE: &str = "MissingAuthenticationTokenException";
const FIREWALL: &str = "ForbiddenException";
const RESPONSE: Duration = Duration::from_secs(15);

/// Where a stage responds.
#[derive(Debug, Clone)]
pub struct Url {
    http: Http,
    base: String,
    marks: Marks,
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
    Wrong(Blame, String),
}

impl Url {
    /// The URL of an environment. Where the environment is local, the host is the local AWS whatever the contract
    /// says: nothing local ever leaves the loopback interface, by a proxy neither.
    ///
    /// # Errors
    /// The contract's `api.url` is not a URL.
    pub fn open(config: &Config, environment: &Environment, stage: &str, world: &World) -> Result<Self> {
        let mut base =
            url::Url::parse(stage).ok().filter(|url| matches!(url.scheme(), "http" | "https")).ok_or_else(|| {
                Failure::refused(format!("the contract's `api.url` is {stage:?}, not the URL of a stage"))
                    .hint("write the contract again, with your infrastructure code (apply Terraform of this checkout) or `deployer contract write`")
            })?;
        if let Access::Local(local) = &environment.access {
            // Not joined: a path that begins with two slashes would be taken for another host.
            let path = base.path().to_owned();
            base = url::Url::parse(&local.endpoint())?;
            base.set_path(&path);
        }
        Ok(Self {
            http: Http::new(world, environment.access.proxy(), RESPONSE),
            base: base.as_str().trim_end_matches('/').to_owned(),
            marks: config.marks.clone(),
        })
    }

    #[cfg(test)]
    pub(super) fn at(base: String, marks: Marks) -> Self {
        Self { http: Http::new(&World::real(), crate::world::Proxy::None, RESPONSE), base, marks }
    }

    /// The URL, without a slash at the end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Sends the request of a check once.
    pub(super) async fn send(&self, check: &Check, expected: &Expected) -> Seen {
        let Sent::Request(request, declared) = &check.sent else {
            return Seen::Wrong(Blame::Gateway, format!("{} cannot be sent through the URL", check.sent));
        };
        let sent = format!("{request} -> ");
        match self.response(request).await {
            // What API Gateway responds for a route that a deployment does not have.
            Ok(answer) if answer.status == 403 && answer.header("x-amzn-errortype") == Some(NO_ROUTE) => {
                Seen::NoRoute(format!("{sent}403, not in the deployment that is live"))
            }
            Ok(answer) if answer.status == 429 || answer.header("x-amzn-errortype") == Some(FIREWALL) => {
                Seen::Wrong(Blame::Limits, format!("{sent}{}, too many requests or the firewall", answer.status))
            }
            Ok(answer) => match self.compare((&check.function, declared), expected, &answer) {
                Ok(()) => Seen::Right(format!("{sent}{}", answer.status)),
                Err((blame, why)) => Seen::Wrong(blame, format!("{sent}{why}")),
            },
            Err(error) => Seen::Wrong(Blame::Gateway, format!("{sent}{error}")),
        }
    }

    async fn response(&self, request: &Request) -> Result<Answer, NoResponse> {
        let url = format!("{}{}", self.base, request.path);
        let headers = [("accept", "*/*"), ("user-agent", USER_AGENT)];
        let response = self.http.send(&request.method, &url, &headers).await?;
        let headers = response.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Ok(Answer::new(response.status, headers, String::from_utf8_lossy(&response.body).into_owned()))
    }

    /// Who responded comes before what the response is: an old version's says nothing of the new one.
    fn compare(
        &self,
        (function, declared): (&str, &Response),
        expected: &Expected,
        answer: &Answer,
    ) -> Result<(), (Blame, String)> {
        let status = answer.status;
        let Some(version) = answer.header(&self.marks.version) else {
            let blame = if matches!(status, 502..=504) { Blame::Crash } else { Blame::Gateway };
            return Err((blame, format!("{status} without `{}`", self.marks.version)));
        };
        if let Some(wanted) = expected.versions.get(function).filter(|wanted| *wanted != version) {
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
        answer.compare(declared).map_err(|why| (blame, why))
    }
}
