//! Provisioned and reserved concurrency, policies, and failures of invocations.

use serde_json::{Value, json};

use super::Act::{Alias, Policy, Provision, Reserve, Rule};
use super::Step::{self, Do, Wait};
use super::{Expected, Sequence, call, get, invoke, publish, put_alias, put_code};

const MISSING: &str = "ResourceNotFoundException";

fn provisioned(function: &str, qualifier: &str) -> Expected {
    let path = format!("/2019-09-30/functions/{function}/provisioned-concurrency?Qualifier={qualifier}");
    call("GET", &path, Value::Null)
}

fn concurrency() -> Expected {
    call("GET", "/2019-09-30/functions/f/concurrency", Value::Null)
}

impl Expected {
    fn counts(self, there: i32, status: &str) -> Step {
        self.has("/RequestedProvisionedConcurrentExecutions", json!(1))
            .has("/AllocatedProvisionedConcurrentExecutions", json!(there))
            .has("/AvailableProvisionedConcurrentExecutions", json!(there))
            .has("/Status", json!(status))
            .ok()
    }
}

pub(super) fn all() -> Vec<Sequence> {
    [provisioning(), warming(), reserving(), invoking()].into_iter().flatten().collect()
}

fn provisioning() -> Vec<Sequence> {
    const NONE: &str = "ProvisionedConcurrencyConfigNotFoundException";
    vec![
        Sequence {
            name: "provisioned concurrency that does not exist has several messages",
            steps: vec![
                publish(json!({})).ok(),
                provisioned("f", "1").refused(404, NONE, "No Provisioned Concurrency Config found for this function"),
                provisioned("g", "none").refused(404, MISSING, "Cannot find alias arn: ARNg:none"),
                provisioned("f", "none").refused(404, MISSING, "Cannot find alias arn: ARNf:none"),
                provisioned("f", "10").refused(404, MISSING, "Function not found: ARNf:10"),
                provisioned("f", "$LATEST").refused(
                    400,
                    "InvalidParameterValueException",
                    "The function resource provided must be an alias or a published version.",
                ),
            ],
        },
        Sequence {
            name: "provisioned concurrency is in progress, then ready",
            steps: vec![
                publish(json!({})).revision("/RevisionId", 1).ok(),
                Do(Alias("live", "1")),
                Do(Provision("live")),
                provisioned("f", "live").counts(0, "IN_PROGRESS"),
                Wait(2),
                provisioned("f", "live").counts(1, "READY"),
                // The revision of the version moves.
                get("f?Qualifier=live").revision("/Configuration/RevisionId", 2).ok(),
            ],
        },
    ]
}

fn warming() -> Vec<Sequence> {
    vec![
        Sequence {
            name: "provisioned concurrency moves with its alias",
            steps: vec![
                publish(json!({})).ok(),
                Do(Alias("live", "1")),
                Do(Provision("live")),
                put_code(json!({ "ZipFile": "zip:b" })).ok(),
                Wait(2),
                publish(json!({})).ok(),
                put_alias("live", json!({ "FunctionVersion": "2" }))
                    .has("/FunctionVersion", json!("2"))
                    .lacks("/RoutingConfig")
                    .ok(),
                provisioned("f", "live").counts(1, "IN_PROGRESS"),
                // Meanwhile AWS itself keeps the old version at 1.
                get("f/aliases/live").has("/RoutingConfig/AdditionalVersionWeights", json!({ "1": 1.0 })).ok(),
                invoke("f?Qualifier=live").has("/version", json!("1")).ok(),
                Wait(2),
                get("f/aliases/live").has("/FunctionVersion", json!("2")).lacks("/RoutingConfig").ok(),
                provisioned("f", "live").counts(1, "READY"),
                invoke("f?Qualifier=live").has("/version", json!("2")).ok(),
            ],
        },
        Sequence {
            name: "provisioned concurrency fails with a reason",
            steps: vec![
                publish(json!({})).ok(),
                Do(Alias("live", "1")),
                Do(Rule(|rules| rules.provisioning_fails = Some("FUNCTION_ERROR_INIT_FAILURE".to_owned()))),
                Do(Provision("live")),
                provisioned("f", "live").counts(0, "IN_PROGRESS"),
                Wait(2),
                provisioned("f", "live").has("/StatusReason", json!("FUNCTION_ERROR_INIT_FAILURE")).counts(0, "FAILED"),
            ],
        },
    ]
}

fn reserving() -> Vec<Sequence> {
    vec![
        Sequence {
            name: "reserved concurrency is shown, and 0 lets nothing run",
            steps: vec![
                concurrency().lacks("/ReservedConcurrentExecutions").ok(),
                get("f").lacks("/Concurrency").ok(),
                Do(Reserve(Some(3))),
                concurrency().has("/ReservedConcurrentExecutions", json!(3)).ok(),
                get("f").has("/Concurrency/ReservedConcurrentExecutions", json!(3)).ok(),
                invoke("f").ok(),
                Do(Reserve(Some(0))),
                invoke("f").has("/Reason", json!("ReservedFunctionConcurrentInvocationLimitExceeded")).refused(
                    429,
                    "TooManyRequestsException",
                    "Rate Exceeded.",
                ),
                Do(Reserve(None)),
                concurrency().lacks("/ReservedConcurrentExecutions").ok(),
            ],
        },
        Sequence {
            name: "a policy belongs to a qualifier and has its revision",
            steps: vec![
                publish(json!({})).revision("/RevisionId", 1).ok(),
                get("f").revision("/Configuration/RevisionId", 2).ok(),
                get("g/policy").refused(404, MISSING, "The resource you requested does not exist."),
                get("f/policy").refused(404, MISSING, "The resource you requested does not exist."),
                Do(Policy("")),
                get("f/policy").revision("/RevisionId", 2).ok(),
                get("f/policy?Qualifier=1").refused(404, MISSING, "The resource you requested does not exist."),
                Do(Policy("1")),
                get("f/policy?Qualifier=1")
                    .has("/Policy", json!(r#"{"Id":"default","Statement":[],"Version":"2012-10-17"}"#))
                    .revision("/RevisionId", 1)
                    .ok(),
            ],
        },
    ]
}

fn invoking() -> Vec<Sequence> {
    vec![
        Sequence {
            name: "an invocation of what does not exist names $LATEST",
            steps: vec![
                invoke("g").refused(404, MISSING, "Function not found: ARNg:$LATEST"),
                invoke("f?Qualifier=7").refused(404, MISSING, "Function not found: ARNf:7"),
            ],
        },
        Sequence {
            name: "a version that failed responds with 200 and an error",
            steps: vec![
                publish(json!({})).ok(),
                Expected { body: json!({ "fail": "Sandbox.Timedout" }), ..invoke("f?Qualifier=1") }
                    .has("header x-amz-function-error", json!("Unhandled"))
                    .has("header x-amz-executed-version", json!("1"))
                    .has("/errorType", json!("Sandbox.Timedout"))
                    .ok(),
            ],
        },
        Sequence {
            name: "an environment shows its variables",
            steps: vec![
                get("f").has("/Configuration/Environment/Variables/STAGE", json!("test")).ok(),
                invoke("f").has("/environment", json!(["STAGE"])).ok(),
                Do(Rule(|rules| rules.hides_variables = true)),
                get("f")
                    .has("/Configuration/Environment/Error/ErrorCode", json!("AccessDeniedException"))
                    .lacks("/Configuration/Environment/Variables")
                    .ok(),
            ],
        },
    ]
}
