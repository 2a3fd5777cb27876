//! Checks by Invoke: of a new version before any traffic, and of an alias where a check cannot go through the URL.

use std::borrow::Cow;
use std::time::Duration;

use serde_json::Value;

use super::event::{Gateways, Returns};
use super::failed::Mismatch;
use super::log::{shown, shown_value};
use super::response::missing;
use super::url::Expected;
use super::{Blame, Failed, Log, Response, TRIES};
use crate::aws::{Invocation, Kind, Reader, Readiness, VersionState, patiently};
use crate::backoff::{Backoff, Pace};
use crate::config::{Check, Config, Request, Sent};
use crate::ledger::{CheckRecord, Contract, FunctionResource};

/// Invokes the functions of a stack with the events that its stage would send.
#[derive(Debug, Clone)]
pub struct Invoker {
    reader: Reader,
    contract: Contract,
    /// What the functions are behind.
    gateways: Gateways,
    /// The header by which a response names its version, if it does.
    header: Option<String>,
    in_a_row: u32,
    pub(super) timeout: Duration,
}

/// What is invoked, and which version has to run.
struct Target<'a> {
    qualifier: &'a str,
    version: Option<&'a str>,
    in_a_row: u32,
    identity_only: bool,
}

impl Invoker {
    /// For the functions of `contract`, behind these gateways.
    pub fn new(config: &Config, reader: &Reader, contract: &Contract, gateways: Gateways) -> Self {
        Self {
            reader: reader.clone(),
            contract: contract.clone(),
            gateways,
            header: config.marks.version.clone(),
            in_a_row: config.verify.in_a_row,
            timeout: Duration::from_secs(config.verify.timeout_seconds),
        }
    }

    /// Sends the read-only checks of a function to one version of it. No traffic sees it.
    ///
    /// # Errors
    /// The first check that fails.
    pub async fn before_traffic(&self, checks: &[&Check], version: &str) -> Result<Vec<CheckRecord>, Box<Failed>> {
        let target = Target { qualifier: version, version: Some(version), in_a_row: 1, identity_only: false };
        let mut records = Vec::new();
        for check in checks.iter().filter(|check| !check.writes) {
            records.push(self.until_right(check, &target, None, "before traffic").await?);
        }
        Ok(records)
    }

    /// Sends a check to the version that is expected, while the alias splits its traffic.
    pub(super) async fn during_shift(
        &self,
        check: &Check,
        expected: &Expected,
        phase: &str,
    ) -> Result<CheckRecord, Box<Failed>> {
        let version = expected.versions.get(&check.function).map(String::as_str);
        let alias = &self.resource(check).alias;
        let target = Target { qualifier: version.unwrap_or(alias), version, in_a_row: 1, identity_only: false };
        self.until_right(check, &target, expected.deployment.as_deref(), phase).await
    }

    /// Sends a check to the alias, until enough responses in a row pass.
    pub(super) async fn after_switch(
        &self,
        check: &Check,
        expected: &Expected,
        phase: &str,
    ) -> Result<CheckRecord, Box<Failed>> {
        let target = Target {
            qualifier: &self.resource(check).alias,
            version: expected.versions.get(&check.function).map(String::as_str),
            in_a_row: self.in_a_row,
            identity_only: expected.marks_only,
        };
        self.until_right(check, &target, expected.deployment.as_deref(), phase).await
    }

    /// See [`crate::world::World::pause`].
    pub(super) async fn pause(&self, what: &str, time: Duration) {
        self.reader.world.pause(what, time).await;
    }

    fn resource(&self, check: &Check) -> &FunctionResource {
        &self.contract.functions[&check.function]
    }

    /// The event that a check sends: its own, or the one that the API would make of its request.
    fn event<'c>(&self, check: &'c Check, deployment: Option<&str>) -> Result<(Cow<'c, Value>, Returns), String> {
        match &check.sent {
            Sent::Event(event) => {
                let content = event.content.as_ref().map_err(|why| format!("event {} {why}", event.file.display()))?;
                Ok((Cow::Borrowed(content), Returns::Anything))
            }
            Sent::Request(request, _) => {
                let function = (&self.contract, check.function.as_str());
                let proxied = self.gateways.event(function, request, deployment, &self.reader.world);
                let proxied = proxied?;
                Ok((Cow::Owned(proxied.event), proxied.returns))
            }
        }
    }

    async fn until_right(
        &self,
        check: &Check,
        target: &Target<'_>,
        deployment: Option<&str>,
        phase: &str,
    ) -> Result<CheckRecord, Box<Failed>> {
        let (event, returns) = match self.event(check, deployment) {
            Ok(event) => event,
            Err(why) => {
                let record = super::record(check, phase, false, why, 0);
                return Err(Failed::new(check, record, (Blame::Gateway, None)));
            }
        };
        let function = &self.resource(check).name;
        let (mut requests, mut right, mut wrong) = (0, 0, 0);
        let mut backoff = Backoff::new(&self.reader.world, Pace::RETRY)
            .waiting_for(format!("check `{}` of `{function}` to pass", check.name));
        loop {
            requests += 1;
            let record = |passed, response| super::record(check, phase, passed, response, requests);
            let mut log = Log::default();
            let seen =
                match patiently(&self.reader.world, || self.reader.lambda.invoke(function, target.qualifier, &event))
                    .await
                {
                    Ok(invocation) => {
                        log = Log::of_tail(&invocation.log);
                        self.compare((check, returns), target, &invocation)
                    }
                    Err(error) if error.kind == Kind::Denied && !error.is_about_a_key() => {
                        Err((Blame::Permission, error.to_string().into()))
                    }
                    Err(error) if error.kind == Kind::Throttled => Err((Blame::Concurrency, error.to_string().into())),
                    Err(error) => Err((Blame::Dependency, error.to_string().into())),
                };
            let (blame, mismatch) = match seen {
                Ok(response) if right + 1 == target.in_a_row => return Ok(record(true, response)),
                Ok(_) => {
                    (right, wrong) = (right + 1, 0);
                    continue;
                }
                Err(wrong) => wrong,
            };
            right = 0;
            wrong += u32::from(blame != Blame::Propagation);
            let pause = backoff.pause();
            if wrong == TRIES || blame == Blame::Permission || !backoff.wait_for(pause, self.timeout).await {
                let failed = Failed::new(check, record(false, mismatch.words), (blame, mismatch.difference));
                return Err(Box::new(Failed { log, ..*failed }));
            }
        }
    }

    /// An invocation passes if the expected version ran without an error, names itself, and responds as declared.
    fn compare(
        &self,
        (check, returns): (&Check, Returns),
        target: &Target<'_>,
        invocation: &Invocation,
    ) -> Result<String, (Blame, Mismatch)> {
        let sent = format!("{} -> ", check.sent);
        let wrong = |why: Mismatch| (Blame::Application, why.to(&sent));
        let executed = invocation.executed_version.as_deref().unwrap_or("unknown");
        if let Some(version) = target.version.filter(|version| *version != executed) {
            let words = format!("{sent}version {executed} ran, not {version}");
            return Err((Blame::Propagation, words.into()));
        }
        if let Some(error) = &invocation.function_error {
            return Err((Blame::Exception, function_failed(error, &invocation.payload).to(&sent)));
        }
        if target.identity_only {
            return Ok(format!("{sent}version {executed} ran"));
        }
        let declared = match &check.sent {
            Sent::Request(_, declared) => declared,
            Sent::Event(event) => {
                let missing = event.payload.as_ref().and_then(|wanted| missing(wanted, &invocation.payload));
                return missing.map_or_else(
                    || Ok(format!("{sent}version {executed} ran as declared")),
                    |missing| Err(wrong(missing.mismatch("payload"))),
                );
            }
        };
        let response = Response::of_payload(&invocation.payload, returns).ok_or_else(|| {
            let values = ("an object with a `statusCode`".to_owned(), shown_value("", &invocation.payload));
            wrong(Mismatch::new("not a response for the gateway", "returned value", values))
        })?;
        if let Some(header) = self.header.as_ref().filter(|header| response.header(header) != Some(executed)) {
            let words = format!("{}, its `{header}` does not name version {executed}", response.status);
            let got = response.header(header).map_or_else(|| "absent".to_owned(), shown);
            return Err(wrong(Mismatch::new(words, &format!("header `{header}`"), (executed.to_owned(), got))));
        }
        response.compare(declared).map(|()| format!("{sent}{}", response.status)).map_err(wrong)
    }
}

/// The function failed: the record has the kind of its error, the screen its message too.
fn function_failed(error: &str, payload: &Value) -> Mismatch {
    let kind = payload["errorType"].as_str().unwrap_or("no type given");
    let message = payload["errorMessage"].as_str().map(|message| format!(": {}", shown(message))).unwrap_or_default();
    let got = format!("{error} ({}){message}", shown(kind));
    let timed_out = kind == "Sandbox.Timedout" || message.contains("Task timed out after");
    let what = if timed_out { "the function timed out" } else { "the function failed" };
    Mismatch::new(format!("{what}: {error} ({kind})"), "", ("a response".to_owned(), got))
}

/// Why there is no URL or API for the request of a check.
pub(crate) fn without_api(check: &Check, request: &Request) -> String {
    format!(
        "check `{}` sends `{request}`, but `{}` is behind no API and has no Function URL",
        check.name, check.function
    )
}

/// Wakes an idle version by an invocation, which fails.
pub async fn wake(reader: &Reader, function: &str, version: &str) {
    let _ = reader.lambda.invoke(function, version, &serde_json::Value::Null).await;
}

/// Wakes an idle version and waits until it can be invoked.
///
/// # Errors
/// It cannot be read, or does not wake in time.
pub async fn awake(reader: &Reader, function: &str, version: &str) -> anyhow::Result<VersionState> {
    let mut backoff = Backoff::new(&reader.world, Pace::READY);
    loop {
        let found = reader.lambda.version(function, version).await?;
        match found.readiness {
            Readiness::Ready | Readiness::Failed(_) => return Ok(found),
            Readiness::Idle => wake(reader, function, version).await,
            Readiness::Pending => {}
        }
        backoff.wait_until(|| format!("`{function}:{version}` to wake")).await?;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_timeout_is_not_called_a_wrong_response() {
        let words = |kind: &str, message: &str| {
            function_failed("Unhandled", &json!({"errorType": kind, "errorMessage": message})).words
        };
        assert_eq!(words("Sandbox.Timedout", "x"), "the function timed out: Unhandled (Sandbox.Timedout)");
        assert!(words("no", "2026 Task timed out after 3.00 seconds").starts_with("the function timed out: "));
        let failed = words("Runtime.HandlerError", "x");
        assert_eq!(failed, "the function failed: Unhandled (Runtime.HandlerError)");

        let record = CheckRecord {
            name: "c".to_owned(),
            phase: "before traffic".to_owned(),
            passed: false,
            response: failed,
            requests: 3,
            by_invoke: None,
        };
        let failed =
            Failed { record, function: "f".to_owned(), blame: Blame::Exception, difference: None, log: Log::default() };
        let expected = "check `c` failed before traffic: the function failed: Unhandled (Runtime.HandlerError)";
        assert_eq!(failed.to_string(), expected);
    }
}
