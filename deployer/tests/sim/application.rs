//! The behaviour of the functions' code, by the digest of its package.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::aws::lambda::{App, Call, Ran};

/// What a version's code does with every request.
#[derive(Clone, Debug, Copy, PartialEq, Eq, Default)]
pub(crate) enum Behavior {
    /// Passes its checks.
    #[default]
    Right,
    /// Passes its checks by Invoke, and fails for visitors.
    WrongForVisitors,
    /// The status of its responses is text.
    StatusInAString,
    /// Passes its checks by Invoke, and crashes for visitors.
    CrashesForVisitors,
    /// Needs the event that API Gateway sends with a request to `/f1/7?q=a%20b`.
    ReadsItsEvent,
    /// Returns something that is not a response, which some triggers use as a body.
    ReturnsJsonAlone,
    /// Responds with status 500.
    Wrong,
    /// The same, after it has logged what nobody should print.
    LogsSecrets,
    /// Crashes.
    Crashes,
}

/// The placeholder's response.
pub(crate) const NOTHING_YET: &str = "nothing deployed yet";

/// The code of every package.
#[derive(Clone, Debug, Default)]
pub(crate) struct Application {
    packages: BTreeMap<String, Behavior>,
}

impl Application {
    pub(crate) fn knows(&mut self, sha256: &str, behavior: Behavior) {
        self.packages.insert(sha256.to_owned(), behavior);
    }

    /// What the code of a package does; the placeholder's is not an application at all.
    pub(crate) fn behavior(&self, sha256: &str) -> Option<Behavior> {
        self.packages.get(sha256).copied()
    }
}

/// Whether an event has the route, its parameter, the query and the host, each as the function's trigger sends it.
fn is_whole(event: &Value) -> bool {
    if event["version"] == "2.0" {
        let of_url = event["routeKey"] == "$default" && event["requestContext"]["accountId"] == "anonymous";
        return (of_url || event["routeKey"] == "GET /f1/{id}" && event["pathParameters"]["id"] == "7")
            && event["rawPath"] == "/f1/7"
            && event["queryStringParameters"]["q"] == "a b"
            && event["headers"]["host"] == event["requestContext"]["domainName"];
    }
    event["resource"] == "/f1/{id}"
        && event["pathParameters"]["id"] == "7"
        && event["queryStringParameters"]["q"] == "a b"
        && event["headers"]["Host"].as_str().is_some_and(|host| host.contains(".execute-api."))
}

/// A line of 1 MB, secrets in several forms, control characters, bytes that are not UTF-8, and a reason.
fn log_with_secrets() -> Vec<u8> {
    let mut log = vec![b'x'; 1024 * 1024];
    log.extend(b"password=hunter2canary\n");
    log.extend(b"\x1b[31mconnecting\x1b[0m to postgres://ada:hunter2canary@db/shop \x07\xff\n");
    log.extend(br#"{"level":"ERROR","message":"no table `orders`","errorType":"NotFound","apiKey":"hunter2canary"}"#);
    log.extend(b"\nAuthorization: Bearer hunter2canary\n");
    log
}

impl App for Application {
    fn logs(&self, call: &Call) -> Vec<u8> {
        match self.behavior(&call.code_sha256) {
            Some(Behavior::LogsSecrets) => log_with_secrets(),
            _ => Vec::new(),
        }
    }

    fn run(&mut self, call: &Call) -> Ran {
        let context = &call.event["requestContext"];
        let checked = context["resourceId"] == "check" || context["http"]["sourceIp"] == "192.0.2.1";
        let status = match self.behavior(&call.code_sha256) {
            Some(behavior) if behavior == Behavior::Crashes || behavior == Behavior::CrashesForVisitors && !checked => {
                let (kind, message) = ("Runtime.ExitError".to_owned(), "exit status 1".to_owned());
                return Ran::FunctionError { kind, message };
            }
            Some(Behavior::Wrong | Behavior::LogsSecrets) => 500,
            Some(Behavior::WrongForVisitors) if !checked => 500,
            Some(Behavior::ReadsItsEvent) if !is_whole(&call.event) => 500,
            Some(Behavior::ReturnsJsonAlone) => return Ran::Payload(json!({"status": "ok"})),
            // The placeholder.
            None => 503,
            _ => 200,
        };
        let deployment = &call.event["stageVariables"]["deployment"];
        let status = match self.behavior(&call.code_sha256) {
            Some(Behavior::StatusInAString) => json!(status.to_string()),
            _ => json!(status),
        };
        Ran::Payload(json!({
            "statusCode": status,
            "headers": {"x-function-version": call.version, "x-api-deployment": deployment},
            "body": if self.behavior(&call.code_sha256).is_none() { NOTHING_YET } else { "{}" },
        }))
    }
}
