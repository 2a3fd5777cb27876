//! Aliases.

use serde_json::{Value, json};

use super::Act::Alias;
use super::Step::{self, Do, Wait};
use super::{Sequence, get, invoke, publish, put_alias, put_code};

const INVALID: &str = "InvalidParameterValueException";
const MISSING: &str = "ResourceNotFoundException";
const STALE: &str = "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to \
                     retrieve the latest Revision Id";

/// Versions 1 (code a) and 2 (code b), and the alias `live` on 1.
fn two_versions() -> Vec<Step> {
    vec![
        publish(json!({})).ok(),
        Do(Alias("live", "1")),
        put_code(json!({ "ZipFile": "zip:b" })).ok(),
        Wait(2),
        publish(json!({})).has("/Version", json!("2")).ok(),
    ]
}

fn after_two_versions(name: &'static str, steps: Vec<Step>) -> Sequence {
    Sequence { name, steps: two_versions().into_iter().chain(steps).collect() }
}

fn weights(version: &str, weight: f64) -> Value {
    json!({ "RoutingConfig": { "AdditionalVersionWeights": { version: weight } } })
}

pub(super) fn all() -> Vec<Sequence> {
    [moves(), revisions(), reads(), refusals(), targets()].into_iter().flatten().collect()
}

fn moves() -> Vec<Sequence> {
    let share = "/RoutingConfig/AdditionalVersionWeights";
    vec![
        after_two_versions(
            "an alias has weights until they are stated as none",
            vec![
                put_alias("live", weights("2", 0.2)).has(share, json!({ "2": 0.2 })).revision("/RevisionId", 1).ok(),
                get("f/aliases/live")
                    .has(share, json!({ "2": 0.2 }))
                    .has("/FunctionVersion", json!("1"))
                    .has("/AliasArn", json!("ARNf:live"))
                    .revision("/RevisionId", 1)
                    .ok(),
                put_alias("live", json!({ "Description": "kept" })).has(share, json!({ "2": 0.2 })).ok(),
                put_alias("live", json!({ "RoutingConfig": { "AdditionalVersionWeights": {} } }))
                    .lacks("/RoutingConfig")
                    .has("/Description", json!("kept"))
                    .revision("/RevisionId", 3)
                    .ok(),
                get("f/aliases/live").lacks("/RoutingConfig").revision("/RevisionId", 3).ok(),
            ],
        ),
        after_two_versions(
            "the revision of an alias moves even if nothing else does",
            vec![
                get("f/aliases/live").revision("/RevisionId", 1).ok(),
                put_alias("live", json!({ "FunctionVersion": "1" })).revision("/RevisionId", 2).ok(),
                get("f/aliases/live").revision("/RevisionId", 2).ok(),
            ],
        ),
    ]
}

fn revisions() -> Vec<Sequence> {
    vec![
        after_two_versions(
            "moving an alias moves no other revision",
            vec![
                get("f").revision("/Configuration/RevisionId", 1).ok(),
                get("f?Qualifier=2").revision("/Configuration/RevisionId", 2).ok(),
                get("f/aliases/live").revision("/RevisionId", 3).ok(),
                put_alias("live", json!({ "FunctionVersion": "2", "RevisionId": "wrong" })).refused(
                    412,
                    "PreconditionFailedException",
                    STALE,
                ),
                put_alias("live", json!({ "FunctionVersion": "2", "RevisionId": "@3" }))
                    .has("/FunctionVersion", json!("2"))
                    .revision("/RevisionId", 4)
                    .ok(),
                get("f").revision("/Configuration/RevisionId", 1).ok(),
                get("f?Qualifier=2").revision("/Configuration/RevisionId", 2).ok(),
                put_alias("live", json!({ "Description": "x", "RevisionId": "@3" })).refused(
                    412,
                    "PreconditionFailedException",
                    STALE,
                ),
            ],
        ),
        Sequence {
            name: "an alias stays where it is until it is moved",
            steps: vec![
                publish(json!({})).ok(),
                Do(Alias("live", "1")),
                invoke("f?Qualifier=live").has("/code", json!("sha:a")).ok(),
                put_code(json!({ "ZipFile": "zip:b" })).ok(),
                Wait(2),
                invoke("f:live").has("header x-amz-executed-version", json!("1")).ok(),
                publish(json!({})).ok(),
                invoke("f?Qualifier=live").has("header x-amz-executed-version", json!("1")).ok(),
                put_alias("live", json!({ "FunctionVersion": "2" })).ok(),
                invoke("f?Qualifier=live")
                    .has("/code", json!("sha:b"))
                    .has("header x-amz-executed-version", json!("2"))
                    .ok(),
                invoke("f?Qualifier=none").refused(404, MISSING, "Function not found: ARNf:none"),
            ],
        },
    ]
}

fn reads() -> Vec<Sequence> {
    vec![
        after_two_versions(
            "a function by its alias is the version behind it",
            vec![
                get("f?Qualifier=1").revision("/Configuration/RevisionId", 1).ok(),
                get("f?Qualifier=live")
                    .has("/Configuration/FunctionArn", json!("ARNf:live"))
                    .has("/Configuration/Version", json!("1"))
                    .shows("Active", "Successful")
                    .revision("/Configuration/RevisionId", 1)
                    .ok(),
                get("arn:aws:lambda:us-east-1:111111111111:function:f:live")
                    .has("/Configuration/FunctionArn", json!("ARNf:live"))
                    .revision("/Configuration/RevisionId", 1)
                    .ok(),
                get("f?Qualifier=none").refused(404, MISSING, "Function not found: ARNf:none"),
                get("f:none").refused(404, MISSING, "Function not found: ARNf:none"),
            ],
        ),
        after_two_versions(
            "aliases are listed, all or those of a version",
            vec![
                Do(Alias("next", "2")),
                get("f/aliases/live").revision("/RevisionId", 1).ok(),
                get("f/aliases")
                    .has("/Aliases/0/Name", json!("live"))
                    .has("/Aliases/1/Name", json!("next"))
                    .revision("/Aliases/0/RevisionId", 1)
                    .revision("/Aliases/1/RevisionId", 2)
                    .ok(),
                get("f/aliases?FunctionVersion=2").has("/Aliases/0/Name", json!("next")).lacks("/Aliases/1").ok(),
                get("f/aliases?MaxItems=1").has("/Aliases/0/Name", json!("live")).lacks("/Aliases/1").ok(),
                get("f/aliases?MaxItems=1&Marker=from-1")
                    .has("/Aliases/0/Name", json!("next"))
                    .lacks("/NextMarker")
                    .ok(),
            ],
        ),
        Sequence {
            name: "an alias that does not exist has two messages",
            steps: vec![
                put_alias("none", json!({ "Description": "x" })).refused(404, MISSING, "Alias not found: ARNf:none"),
                get("f/aliases/none").refused(404, MISSING, "Cannot find alias arn: ARNf:none"),
            ],
        },
    ]
}

fn refusals() -> Vec<Sequence> {
    let out_of_range = |weight: &str| {
        format!(
            "1 validation error detected: Value '{{2={weight}}}' at 'routingConfig.additionalVersionWeights' failed to \
             satisfy constraint: Map value must satisfy constraint: [Member must have value less than or equal to 1.0, \
             Member must have value greater than or equal to 0.0, Member must not be null]"
        )
    };
    vec![
        after_two_versions(
            "an alias has two versions at most, each once",
            vec![
                put_alias("live", json!({ "RoutingConfig": { "AdditionalVersionWeights": { "2": 0.1, "3": 0.1 } } }))
                    .refused(400, INVALID, "Number of items in AdditionalVersionWeights cannot be greater than 1"),
                put_alias("live", weights("1", 0.5)).refused(
                    400,
                    INVALID,
                    "Invalid function version 1. Function version 1 is already included in routing configuration.",
                ),
                get("f/aliases/live").lacks("/RoutingConfig").ok(),
            ],
        ),
        after_two_versions(
            "a weight is between 0 and 1",
            vec![
                put_alias("live", weights("2", 2.0)).refused(400, "ValidationException", &out_of_range("2.0")),
                put_alias("live", weights("2", -1.0)).refused(400, "ValidationException", &out_of_range("-1.0")),
            ],
        ),
    ]
}

fn targets() -> Vec<Sequence> {
    vec![
        after_two_versions(
            "an alias names versions that exist",
            vec![
                put_alias("live", json!({ "FunctionVersion": "10" })).refused(
                    404,
                    MISSING,
                    "Function not found: ARNf:10",
                ),
                put_alias("live", weights("10", 0.5)).refused(404, MISSING, "Function not found: ARNf:10"),
            ],
        ),
        after_two_versions(
            "an alias with weights is not on $LATEST",
            vec![
                put_alias("live", weights("$LATEST", 0.5)).refused(
                    400,
                    "ValidationException",
                    "1 validation error detected: Value '{$LATEST=0.5}' at 'routingConfig.additionalVersionWeights' failed \
                     to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal \
                     to 1024, Member must have length greater than or equal to 1, Member must satisfy regular expression \
                     pattern: [0-9]+]",
                ),
                put_alias("live", json!({ "FunctionVersion": "$LATEST" })).has("/FunctionVersion", json!("$LATEST")).ok(),
                put_alias("live", weights("2", 0.5)).refused(
                    400,
                    INVALID,
                    "$LATEST is not supported for an alias pointing to more than 1 version",
                ),
            ],
        ),
    ]
}
