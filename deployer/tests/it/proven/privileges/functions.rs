//! The roles of the two functions: the real binaries, run by the emulator, with the strict proxy as AWS.
//!
//! What Lambda itself does in a function's name, writing its logs and its traces, no emulator does: those actions are only
//! compared with AWS's documentation.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::{Value, json};

use super::documents::inline;
use crate::harness::{SENTENCE, block_on, client_of, signed};
use crate::promises;
use crate::stack;
use crate::strict::{Guard, Need, Policy, StrictProxy};

/// What Lambda needs to write logs (its own policy `AWSLambdaBasicExecutionRole`, without making the group), and to send
/// traces (`AWSXRayDaemonWriteAccess`, without the sampling rules, which Lambda does not ask for).
const LAMBDAS_OWN: [&str; 4] =
    ["logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTelemetryRecords", "xray:PutTraceSegments"];

const FUNCTIONS: &str = "/2015-03-31/functions";

/// A function with the code and the settings of one of dev's, behind the strict proxy.
struct Copy {
    name: String,
}

/// What became of a request.
#[derive(Debug)]
struct Reply {
    status: u64,
    body: String,
    log: String,
}

impl Reply {
    /// What was logged. Of a function that does not even start, the emulator gives the log for a response.
    fn words(&self) -> &str {
        if self.status == 0 { &self.body } else { &self.log }
    }
}

impl Copy {
    fn of(key: &str, function: &str, policy: &Policy, proxy: &StrictProxy) -> Self {
        let behind = |method: &str, path: &str, body: &Value| stack().behind("dev", method, path, None, body);
        let settings = behind("GET", &format!("{FUNCTIONS}/{function}/configuration"), &Value::Null);
        let mut variables = settings["Environment"]["Variables"].clone();
        // The emulator sets `AWS_ENDPOINT_URL` itself, regardless of the function's settings; a variable for one service has precedence.
        for service in ["DYNAMODB", "SSM"] {
            variables[format!("AWS_ENDPOINT_URL_{service}")] = json!(format!("http://127.0.0.1:{}", proxy.port));
        }
        let zip = stack().checkout.root.join(stack().checkout.artifact(SENTENCE)).join(format!("{key}.zip"));
        let zip = base64::engine::general_purpose::STANDARD.encode(std::fs::read(zip).unwrap());
        let name = format!("front-{}", uuid::Uuid::new_v4());
        let made = json!({
            "FunctionName": name, "Runtime": "provided.al2023", "Handler": "bootstrap", "Role": settings["Role"],
            "Timeout": 10, "Environment": {"Variables": variables}, "Code": {"ZipFile": zip},
        });
        behind("POST", FUNCTIONS, &made);
        let started = Instant::now();
        while behind("GET", &format!("{FUNCTIONS}/{name}/configuration"), &Value::Null)["State"] != "Active" {
            assert!(started.elapsed() < Duration::from_secs(20), "`{name}` does not become active");
            std::thread::sleep(Duration::from_millis(20));
        }
        let role = settings["Role"].as_str().unwrap();
        proxy.guard(Some(Guard::of_role(role, policy.clone())));
        Self { name }
    }

    /// Sends it a request as API Gateway would.
    fn ask(&self, method: &str, path: &str) -> Reply {
        let event = json!({
            "resource": path, "path": path, "httpMethod": method, "headers": {"User-Agent": "test"},
            "requestContext": {
                "requestId": "chosen", "extendedRequestId": uuid::Uuid::new_v4().to_string(), "resourcePath": path, "httpMethod": method,
                "stage": "dev", "identity": {"sourceIp": "192.0.2.1", "userAgent": "test"},
            },
            "body": null, "isBase64Encoded": false,
        });
        let port = stack().checkout.port("dev");
        let request = client_of(port).post(format!("http://127.0.0.1:{port}{FUNCTIONS}/{}/invocations", self.name));
        let request = request.header("authorization", signed("dev", "lambda")).header("x-amz-log-type", "Tail");
        block_on(async {
            let response = request.body(event.to_string()).send().await.unwrap();
            let log = response.headers().get("x-amz-log-result").map_or("", |log| log.to_str().unwrap()).to_owned();
            let log = base64::engine::general_purpose::STANDARD.decode(log).unwrap();
            let payload: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default();
            let body = payload["body"].as_str().map_or_else(|| payload.to_string(), str::to_owned);
            let log = String::from_utf8_lossy(&log).into_owned();
            Reply { status: payload["statusCode"].as_u64().unwrap_or_default(), body, log }
        })
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let port = stack().checkout.port("dev");
        let path = format!("http://127.0.0.1:{port}{FUNCTIONS}/{}", self.name);
        let _ = block_on(client_of(port).delete(path).header("authorization", signed("dev", "lambda")).send());
    }
}

/// Every grant but Lambda's own has to cover something that the code did; Lambda's own are all there.
fn unused(policy: &Policy, needs: &[Need]) -> Vec<String> {
    let (lambdas, codes): (Vec<_>, Vec<_>) =
        policy.grants().into_iter().partition(|grant| LAMBDAS_OWN.contains(&grant.action.as_str()));
    let idle = codes.iter().filter(|grant| !needs.iter().any(|need| grant.covers(need)));
    let mut violations: Vec<_> =
        idle.map(|grant| format!("never used: {} on {}", grant.action, grant.resource)).collect();
    let found: BTreeSet<_> = lambdas.iter().map(|grant| grant.action.as_str()).collect();
    if found != BTreeSet::from(LAMBDAS_OWN) {
        violations.push(format!("Lambda needs {LAMBDAS_OWN:?}, and may {found:?}"));
    }
    violations
}

const COUNTER: &str = "resume-visitor-counter-dev";

/// What the counter does with every one of its routes. Returns how many calls that were, and what it needed.
fn counter(proxy: &StrictProxy, policy: &Policy, violations: &mut Vec<String>) -> (usize, Vec<Need>) {
    proxy.take();
    let whole = Copy::of("counter", COUNTER, policy, proxy);
    for path in ["/health", "/count", "/count"] {
        let response = whole.ask("GET", path);
        if response.status != 200 {
            violations.push(format!("under its whole policy {path} returns {response:?}"));
        }
    }
    let calls = proxy.take();
    let refused = calls.iter().filter_map(|call| call.refused.as_ref());
    violations.extend(refused.map(|need| format!("refused: {} on {}", need.action, need.resource)));
    (calls.len(), calls.into_iter().flat_map(|call| call.needs).collect())
}

/// Without each action that it needed. Returns how many those are.
fn counter_without(proxy: &StrictProxy, policy: &Policy, needs: &[Need], violations: &mut Vec<String>) -> usize {
    let actions: BTreeSet<&str> = needs.iter().map(|need| need.action.as_str()).collect();
    for action in &actions {
        let less = Copy::of("counter", COUNTER, &policy.without(action, None), proxy);
        let responses = ["/health", "/count"].map(|path| less.ask("GET", path));
        // What fails is a 500 with a sentence of the counter's own, or no start at all; the log says why.
        let failed = responses.iter().filter(|response| response.status != 200).count();
        let named = responses.iter().filter(|response| response.words().contains(action)).count();
        let leaks = responses.iter().any(|response| response.status != 0 && response.body.contains("not authorized"));
        if failed == 0 || named < failed || leaks {
            violations.push(format!("without {action}: {responses:?}"));
        }
        proxy.take();
    }
    actions.len()
}

/// The preflight function asks AWS for nothing.
fn preflight(proxy: &StrictProxy, violations: &mut Vec<String>) -> usize {
    let policy = Policy::of([&inline("dev", "options-dev", "function")]);
    proxy.take();
    let copy = Copy::of("preflight", "resume-visitor-counter-options-dev", &policy, proxy);
    let response = copy.ask("OPTIONS", "/count");
    let calls = proxy.take();
    if response.status != 200 || !calls.is_empty() {
        violations.push(format!("the preflight returns {response:?}, with the calls {calls:?}"));
    }
    violations.extend(unused(&policy, &[]));
    1 + policy.grants().len()
}

pub(crate) fn each_function_needs_all_its_rights_and_logs_a_missing_one() {
    let began = Instant::now();
    let proxy = StrictProxy::before(stack().checkout.port("dev"));
    let mut violations = Vec::new();
    let policy = Policy::of([&inline("dev", "dev", "function")]);
    let (calls, needs) = counter(&proxy, &policy, &mut violations);
    let cases = calls + counter_without(&proxy, &policy, &needs, &mut violations);
    violations.extend(unused(&policy, &needs));
    let cases = cases + preflight(&proxy, &mut violations) + policy.grants().len();
    promises::kept(
        "each function works under exactly its role's policy, uses all of it, and its log names an action that is missing",
        "the real binaries behind the strict proxy, under the whole policy and without each of its actions",
        cases,
        &violations,
        began,
    );
}
