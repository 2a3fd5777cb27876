//! Whether the new parts answer as declared: by Invoke before traffic, through the URL after.
//!
//! Every wait is bounded, and only an answer that carries the new marks counts. Never takes "no error" for success.

mod answer;
mod event;
mod through_url;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::aws::{Invocation, Kind, Reader, Readiness, VersionState, patiently};
use crate::config::Check;
use crate::failure::{Exit, Failure};
use crate::ledger::{CheckRecord, Contract};
use crate::poll::Poll;

pub use answer::Answer;
pub use through_url::{Expected, Url};

/// A new version may meet a throttle or a dependency that hiccups; a wrong answer thrice in a row is meant.
const TRIES: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// A check that failed, with the record of it.
#[derive(Debug)]
pub struct Failed {
    /// What goes into the ledger.
    pub record: CheckRecord,
    /// Whose fault it is, as far as it can be told.
    pub blame: Blame,
}

/// Whose fault a failed check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The new version answered, and wrongly.
    Application,
    /// The new version answered that something it needs does not (502, 503, 504).
    Dependency,
    /// The deployer may not invoke the new version: it says nothing of the release.
    Permission,
    /// API Gateway responded in its place with a 502, 503 or 504: the function failed, or took too long.
    Crash,
    /// API Gateway answered in its place.
    Gateway,
    /// The gateway's limits (429) or its firewall stopped the check: it says nothing of the release.
    Limits,
    /// The old parts still answered when time ran out.
    Propagation,
}

impl std::fmt::Display for Blame {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Application => "the function answered wrongly",
            Self::Dependency => "something that the function needs does not answer",
            Self::Permission => "the deployer may not ask the function",
            Self::Crash => "the function failed, or took too long",
            Self::Gateway => "the gateway answered in the function's place",
            Self::Limits => "the gateway's limits stopped the check",
            Self::Propagation => "the switch was not seen in time",
        })
    }
}

impl std::fmt::Display for Failed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let CheckRecord { name, phase, answer, .. } = &self.record;
        write!(formatter, "check `{name}` failed {phase}: {answer} ({})", self.blame)
    }
}

impl Failed {
    /// The failure as an error of the run.
    pub fn explain(&self) -> anyhow::Error {
        let hint = match self.blame {
            Blame::Permission => "give the role the action that the message names",
            _ => "fix what the check shows and deploy again; the log group of the function tells more",
        };
        Failure::new(Exit::Reverted, self.to_string()).hint(hint).into()
    }
}

/// Sends the read-only checks of a function to one version of it, by Invoke. No traffic sees it.
pub async fn before_traffic(
    reader: &Reader,
    contract: &Contract,
    checks: &[&Check],
    version: &str,
    mark: Mark<'_>,
) -> Result<Vec<CheckRecord>, Failed> {
    let mut records = Vec::new();
    for check in checks.iter().filter(|check| !check.writes) {
        records.push(invoke_until_right(reader, contract, check, version, mark).await?);
    }
    Ok(records)
}

/// Wakes an idle version: the invocation that does so fails.
pub async fn wake(reader: &Reader, function: &str, version: &str) {
    let _ = reader.lambda.invoke(function, version, &serde_json::Value::Null).await;
}

/// Wakes an idle version and waits until it can be invoked.
///
/// # Errors
/// It cannot be read, or did not wake in time.
pub async fn awake(reader: &Reader, function: &str, version: &str) -> anyhow::Result<VersionState> {
    let mut poll = Poll::until_ready();
    loop {
        let found = reader.lambda.version(function, version).await?;
        match found.readiness {
            Readiness::Ready | Readiness::Failed(_) => return Ok(found),
            Readiness::Idle => wake(reader, function, version).await,
            Readiness::Pending => {}
        }
        poll.pause(|| format!("`{function}:{version}` to wake")).await?;
    }
}

/// What an Invoke in place of a request through the stage has to look like, and how its response names the version.
#[derive(Debug, Clone, Copy)]
pub struct Mark<'a> {
    /// The header by which an answer names its version.
    pub header: &'a str,
    /// The value of the stage variable in the event.
    pub deployment: Option<&'a str>,
    /// The routes of the API, as `GET /visits/{id}`.
    pub routes: &'a [String],
    /// The variables of the stage.
    pub variables: &'a BTreeMap<String, String>,
}

async fn invoke_until_right(
    reader: &Reader,
    contract: &Contract,
    check: &Check,
    version: &str,
    mark: Mark<'_>,
) -> Result<CheckRecord, Failed> {
    let event = event::rest_proxy(contract, &check.request, &mark, &reader.world);
    let function = &contract.functions[&check.function].name;
    let (mut requests, mut pause) = (0, FIRST_PAUSE);
    loop {
        requests += 1;
        let (blame, judged) = match patiently(|| reader.lambda.invoke(function, version, &event)).await {
            Ok(invocation) => (Blame::Application, judge_invocation(check, version, mark.header, &invocation)),
            Err(error) if error.kind == Kind::Denied => (Blame::Permission, Err(error.to_string())),
            Err(error) => (Blame::Dependency, Err(error.to_string())),
        };
        let record = |passed, answer| CheckRecord {
            name: check.name.clone(),
            phase: "before traffic".to_owned(),
            passed,
            answer,
            requests,
        };
        match judged {
            Ok(answer) => return Ok(record(true, answer)),
            Err(answer) if requests == TRIES || blame == Blame::Permission => {
                return Err(Failed { record: record(false, answer), blame });
            }
            Err(_) => tokio::time::sleep(pause).await,
        }
        pause *= 2;
    }
}

/// An invocation is right if the version asked for ran, did not fail, names itself, and answers as declared.
fn judge_invocation(check: &Check, version: &str, header: &str, invocation: &Invocation) -> Result<String, String> {
    let asked = format!("{} -> ", check.request);
    if let Some(error) = &invocation.function_error {
        let kind = invocation.payload["errorType"].as_str().unwrap_or("no type given");
        return Err(format!("{asked}the function failed: {error} ({kind})"));
    }
    if invocation.executed_version.as_deref() != Some(version) {
        return Err(format!(
            "{asked}version {:?} ran, not {version}",
            invocation.executed_version.as_deref().unwrap_or("unknown")
        ));
    }
    let answer = Answer::of_payload(&invocation.payload).ok_or_else(|| format!("{asked}no proxy response"))?;
    if answer.header(header) != Some(version) {
        return Err(format!("{asked}{}, its `{header}` does not name version {version}", answer.status));
    }
    answer.judge(check).map(|()| format!("{asked}{}", answer.status)).map_err(|why| format!("{asked}{why}"))
}
