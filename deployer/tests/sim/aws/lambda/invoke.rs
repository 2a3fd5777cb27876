//! Invoke, and the application inside a function.

use base64::Engine as _;
use serde_json::{Value, json};

use super::asked::Asked;
use super::refusal::Refusal;
use super::{Lambda, Logged};
use crate::aws::wire::{Moment, Reply};

/// What the code of functions does.
pub(crate) trait App {
    fn run(&mut self, call: &Call) -> Ran;

    /// What the code logs while it runs.
    fn logs(&self, _: &Call) -> Vec<u8> {
        Vec::new()
    }
}

/// One execution of a version.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) function: String,
    /// The number, or `$LATEST`.
    pub(crate) version: String,
    /// The digest of its zip, base64.
    pub(crate) code_sha256: String,
    pub(crate) event: Value,
    /// The names of its environment variables.
    pub(crate) environment: Vec<String>,
}

/// How an execution ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ran {
    Payload(Value),
    /// The function failed, as `Runtime.ExitError`.
    FunctionError {
        kind: String,
        message: String,
    },
}

impl Lambda {
    /// One execution of a version that [`Lambda::route`] gave; nothing if it has gone since.
    pub(crate) fn call(&self, function: &str, version: &str, event: Value) -> Option<Call> {
        let found = self.functions.get(function)?.facts.version(version)?;
        // While an update is in progress the old code runs on.
        let (configuration, code) = found.running();
        let names = configuration.environment.iter().flat_map(|variables| variables.keys().cloned());
        Some(Call {
            function: function.to_owned(),
            version: found.version.clone(),
            code_sha256: code.sha256.clone(),
            event,
            environment: names.collect(),
        })
    }

    pub(super) fn invoke(
        &mut self,
        asked: &Asked<'_>,
        moment: &mut Moment,
        app: &mut dyn App,
    ) -> Result<Reply, Refusal> {
        let body = &asked.request.body;
        if body.len() > self.rules.payload {
            let (size, limit) = (body.len(), self.rules.payload);
            let message = format!(
                "{size} byte payload is too large for the RequestResponse invocation type (limit {limit} bytes)"
            );
            return Err(Refusal::new(413, "RequestTooLargeException", &message));
        }
        let event = match body.is_empty() {
            true => json!({}),
            false => serde_json::from_slice(body).map_err(|error| {
                let message =
                    format!("Could not parse request body into json: Could not parse payload into json: {error}");
                Refusal::new(400, "InvalidRequestContentException", &message)
            })?,
        };
        let version = self.route(&asked.function, &asked.qualifier, moment).map_err(|error| error.refusal())?;
        let kind = asked.request.header("x-amz-invocation-type").unwrap_or("RequestResponse");
        if kind == "DryRun" {
            return Ok(Reply::empty(204));
        }
        let missing = || Refusal::no_function(&self.arn(&asked.function, &version));
        let call = self.call(&asked.function, &version, event).ok_or_else(missing)?;
        let ran = app.run(&call);
        if matches!(&ran, Ran::Payload(payload) if payload["statusCode"] == 200 || payload["statusCode"] == "200") {
            self.log.push(Logged::Passed(call.function.clone(), call.version.clone()));
        }
        if kind == "Event" {
            return Ok(Reply::empty(202));
        }
        let reply = match &ran {
            Ran::Payload(payload) => Reply::json(200, payload),
            Ran::FunctionError { kind, message } => {
                let payload = json!({ "errorType": kind, "errorMessage": message });
                Reply::json(200, &payload).with("x-amz-function-error", "Unhandled")
            }
        };
        let reply = reply.with("x-amz-executed-version", &version);
        Ok(match asked.request.header("x-amz-log-type") {
            Some("Tail") => reply.with("x-amz-log-result", &log(&version, &ran, app.logs(&call), &self.ids.next())),
            _ => reply,
        })
    }
}

/// The last 4 KB of the invocation's log, base64.
fn log(version: &str, ran: &Ran, logged: Vec<u8>, id: &str) -> String {
    let said = match ran {
        Ran::Payload(_) => String::new(),
        Ran::FunctionError { kind, message } => format!("[ERROR] {kind}: {message}\n"),
    };
    let mut text = format!("START RequestId: {id} Version: {version}\n").into_bytes();
    text.extend(logged);
    let end = format!(
        "{said}END RequestId: {id}\nREPORT RequestId: {id}\tDuration: 1.00 ms\t\
         Billed Duration: 1 ms\tMemory Size: 128 MB\tMax Memory Used: 20 MB\n"
    );
    text.extend(end.into_bytes());
    let tail = text.len().saturating_sub(4096);
    base64::engine::general_purpose::STANDARD.encode(&text[tail..])
}
