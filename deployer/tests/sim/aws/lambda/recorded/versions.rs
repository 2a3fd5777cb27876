//! `$LATEST`: the conditions and limits of its changes.

use serde_json::{Value, json};

use super::Act::{Describe, Rule};
use super::Step::{Do, Wait};
use super::{Sequence, call, delete, get, invoke, publish, put_code, sha256, zip};

const STALE: &str = "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to \
                     retrieve the latest Revision Id";
const BUSY: &str = "The operation cannot be performed at this time. An update is in progress for resource: ARNf";

pub(super) fn code(x: &str) -> Value {
    json!({ "ZipFile": format!("zip:{x}") })
}

pub(super) fn all() -> Vec<Sequence> {
    [updates(), refused_updates(), conditions(), limits()].into_iter().flatten().collect()
}

fn updates() -> Vec<Sequence> {
    vec![
        Sequence {
            name: "a change of the configuration moves the revision twice",
            steps: vec![
                get("f").shows("Active", "Successful").revision("/Configuration/RevisionId", 1).ok(),
                Do(Describe("changed")),
                get("f").shows("Active", "InProgress").revision("/Configuration/RevisionId", 2).ok(),
                Wait(2),
                get("f")
                    .shows("Active", "Successful")
                    .has("/Configuration/Description", json!("changed"))
                    .revision("/Configuration/RevisionId", 3)
                    .ok(),
                get("f").revision("/Configuration/RevisionId", 3).ok(),
            ],
        },
        Sequence {
            name: "new code moves the revision twice",
            steps: vec![
                get("f").has("/Configuration/CodeSha256", json!("sha:a")).revision("/Configuration/RevisionId", 1).ok(),
                put_code(json!({ "ZipFile": "zip:b", "RevisionId": "@1" }))
                    .states("Active", "InProgress")
                    .has("/LastUpdateStatusReasonCode", json!("Creating"))
                    .has("/CodeSha256", json!("sha:b"))
                    .has("/Version", json!("$LATEST"))
                    .has("/FunctionArn", json!("ARNf"))
                    .revision("/RevisionId", 2)
                    .ok(),
                Wait(2),
                get("f")
                    .shows("Active", "Successful")
                    .lacks("/Configuration/LastUpdateStatusReason")
                    .has("/Code/RepositoryType", json!("S3"))
                    .revision("/Configuration/RevisionId", 3)
                    .ok(),
            ],
        },
        Sequence {
            name: "new code is shown while its update is in progress",
            steps: vec![
                put_code(code("b")).revision("/RevisionId", 1).ok(),
                get("f")
                    .shows("Active", "InProgress")
                    .has("/Configuration/CodeSha256", json!("sha:b"))
                    .revision("/Configuration/RevisionId", 1)
                    .ok(),
                Wait(1),
                invoke("f").has("/code", json!("sha:a")).has("header x-amz-executed-version", json!("$LATEST")).ok(),
                Wait(1),
                invoke("f").has("/code", json!("sha:b")).ok(),
            ],
        },
    ]
}

fn refused_updates() -> Vec<Sequence> {
    vec![
        Sequence {
            name: "a second update waits for the first",
            steps: vec![
                put_code(code("b")).ok(),
                put_code(code("c")).refused(409, "ResourceConflictException", BUSY),
                publish(json!({})).refused(409, "ResourceConflictException", BUSY),
                Wait(2),
                put_code(code("c")).ok(),
            ],
        },
        Sequence {
            name: "an update for another revision is refused",
            steps: vec![
                put_code(json!({ "ZipFile": "zip:b", "RevisionId": "wrong" })).refused(
                    412,
                    "PreconditionFailedException",
                    STALE,
                ),
                get("f").shows("Active", "Successful").has("/Configuration/CodeSha256", json!("sha:a")).ok(),
            ],
        },
        Sequence {
            name: "the revision of an update's response is stale when the update is done",
            steps: vec![
                put_code(code("b")).revision("/RevisionId", 1).ok(),
                Wait(2),
                publish(json!({ "RevisionId": "@1" })).refused(412, "PreconditionFailedException", STALE),
                get("f").revision("/Configuration/RevisionId", 2).ok(),
                publish(json!({ "RevisionId": "@2" })).ok(),
            ],
        },
    ]
}

fn conditions() -> Vec<Sequence> {
    vec![
        Sequence {
            name: "publishing another revision is refused",
            steps: vec![
                publish(json!({ "RevisionId": "wrong" })).refused(412, "PreconditionFailedException", STALE),
                get("f").revision("/Configuration/RevisionId", 1).ok(),
                publish(json!({ "RevisionId": "@1" })).has("/Version", json!("1")).revision("/RevisionId", 2).ok(),
            ],
        },
        Sequence {
            name: "publishing other code is refused",
            steps: vec![
                get("f").revision("/Configuration/RevisionId", 1).ok(),
                publish(json!({ "CodeSha256": "other" })).refused(
                    400,
                    "InvalidParameterValueException",
                    &format!(
                        "CodeSHA256 (other) is different from current CodeSHA256 in $LATEST ({}). Please try again with the \
                         CodeSHA256 in $LATEST.",
                        sha256(&zip("a"))
                    ),
                ),
                publish(json!({ "CodeSha256": "sha:a" })).has("/Version", json!("1")).ok(),
            ],
        },
        Sequence {
            name: "a version that does not exist is not found",
            steps: vec![
                get("f?Qualifier=1221").refused(404, "ResourceNotFoundException", "Function not found: ARNf:1221"),
                get("f/configuration?Qualifier=1221").refused(
                    404,
                    "ResourceNotFoundException",
                    "Function not found: ARNf:1221",
                ),
                get("g").refused(404, "ResourceNotFoundException", "Function not found: ARNg"),
            ],
        },
        Sequence {
            name: "deleting from a function that does not exist is refused",
            steps: vec![
                delete("g").refused(404, "ResourceNotFoundException", "Function not found: ARNg"),
                delete("g?Qualifier=1").refused(404, "ResourceNotFoundException", "Function not found: ARNg"),
                delete("f?Qualifier=9").status(204).ok(),
            ],
        },
    ]
}

fn limits() -> Vec<Sequence> {
    const INVALID: &str = "InvalidParameterValueException";
    vec![
        Sequence {
            name: "S3's error is passed on",
            steps: vec![
                put_code(json!({ "S3Bucket": "none", "S3Key": "k" })).refused(
                    400,
                    INVALID,
                    "Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket \
                     does not exist",
                ),
                get("f").shows("Active", "Successful").ok(),
            ],
        },
        Sequence {
            name: "sizes have limits",
            steps: vec![
                Do(Rule(|rules| rules.zipped = 10)),
                put_code(code("b")).refused(
                    413,
                    "RequestEntityTooLargeException",
                    "Zipped size must be smaller than 10 bytes",
                ),
                Do(Rule(|rules| (rules.zipped, rules.unzipped) = (10_000, 3))),
                put_code(code("long")).refused(400, INVALID, "Unzipped size must be smaller than 3 bytes"),
                Do(Rule(|rules| rules.request = 10)),
                put_code(code("b")).refused(
                    413,
                    "RequestEntityTooLargeException",
                    "Request must be smaller than 10 bytes for the UpdateFunctionCode operation",
                ),
            ],
        },
        Sequence {
            name: "the account has limits",
            steps: vec![
                call("GET", "/2016-08-19/account-settings", Value::Null)
                    .has("/AccountUsage/FunctionCount", json!(1))
                    .has("/AccountLimit/UnreservedConcurrentExecutions", json!(1000))
                    .ok(),
            ],
        },
    ]
}
