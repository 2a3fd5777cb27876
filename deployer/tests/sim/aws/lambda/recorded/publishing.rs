//! Versions: how they are published, listed and run.

use serde_json::json;

use super::Act::{Describe, Recreate};
use super::Step::{Do, Wait};
use super::versions::code;
use super::{Sequence, delete, get, invoke, publish, put_code};

pub(super) fn all() -> Vec<Sequence> {
    [publishing(), again(), at_once(), several()].into_iter().flatten().collect()
}

fn publishing() -> Vec<Sequence> {
    vec![
        Sequence {
            name: "a version is Active at once and keeps its revision",
            steps: vec![
                get("f").revision("/Configuration/RevisionId", 1).ok(),
                publish(json!({ "Description": "first" }))
                    .states("Active", "Successful")
                    .has("/Version", json!("1"))
                    .has("/Description", json!("first"))
                    .has("/FunctionArn", json!("ARNf:1"))
                    .revision("/RevisionId", 2)
                    .ok(),
                get("f?Qualifier=1").revision("/Configuration/RevisionId", 2).ok(),
                get("f/configuration?Qualifier=1").states("Active", "Successful").revision("/RevisionId", 2).ok(),
                // That of `$LATEST` moves with it.
                get("f").revision("/Configuration/RevisionId", 3).has("/Configuration/Description", json!("")).ok(),
            ],
        },
        Sequence {
            name: "publishing again without an update gives the same version",
            steps: vec![
                publish(json!({ "Description": "first" })).revision("/RevisionId", 1).ok(),
                get("f").revision("/Configuration/RevisionId", 2).ok(),
                publish(json!({ "Description": "again" }))
                    .has("/Version", json!("1"))
                    .has("/Description", json!("first"))
                    .revision("/RevisionId", 1)
                    .ok(),
                get("f").revision("/Configuration/RevisionId", 2).ok(),
            ],
        },
    ]
}

fn again() -> Vec<Sequence> {
    vec![
        Sequence {
            name: "a function created with a version has that version",
            steps: vec![
                Do(Recreate("x")),
                get("f?Qualifier=1").shows("Active", "Successful").revision("/Configuration/RevisionId", 1).ok(),
                get("f?Qualifier=$LATEST")
                    .has("/Configuration/FunctionArn", json!("ARNf:$LATEST"))
                    .revision("/Configuration/RevisionId", 2)
                    .ok(),
                publish(json!({})).has("/Version", json!("1")).revision("/RevisionId", 1).ok(),
                get("f").has("/Configuration/FunctionArn", json!("ARNf")).revision("/Configuration/RevisionId", 2).ok(),
            ],
        },
        Sequence {
            name: "an update with the same content makes another version",
            steps: vec![
                publish(json!({ "Description": "first" })).revision("/RevisionId", 1).ok(),
                put_code(code("a")).has("/CodeSha256", json!("sha:a")).ok(),
                Wait(2),
                publish(json!({})).has("/Version", json!("2")).has("/CodeSha256", json!("sha:a")).ok(),
                publish(json!({})).has("/Version", json!("2")).ok(),
            ],
        },
        Sequence {
            name: "a version has its own description, or that of the function",
            steps: vec![
                publish(json!({ "Description": "first" })).revision("/RevisionId", 1).ok(),
                Do(Describe("changed")),
                get("f?Qualifier=1")
                    .has("/Configuration/Description", json!("first"))
                    .shows("Active", "Successful")
                    .revision("/Configuration/RevisionId", 1)
                    .ok(),
                Wait(2),
                publish(json!({})).has("/Version", json!("2")).has("/Description", json!("changed")).ok(),
                get("f?Qualifier=1").revision("/Configuration/RevisionId", 1).ok(),
            ],
        },
    ]
}

fn at_once() -> Vec<Sequence> {
    vec![Sequence {
        name: "code that is published at once is Pending",
        steps: vec![
            put_code(json!({ "ZipFile": "zip:b", "Publish": true }))
                .has("/Version", json!("1"))
                .has("/State", json!("Pending"))
                .has("/StateReasonCode", json!("Creating"))
                .has("/FunctionArn", json!("ARNf:1"))
                .lacks("/LastUpdateStatus")
                .revision("/RevisionId", 1)
                .ok(),
            get("f?Qualifier=1")
                .has("/Configuration/State", json!("Pending"))
                .lacks("/Configuration/LastUpdateStatus")
                .revision("/Configuration/RevisionId", 1)
                .ok(),
            get("f?Qualifier=$LATEST").shows("Active", "InProgress").revision("/Configuration/RevisionId", 2).ok(),
            Wait(2),
            get("f?Qualifier=1").shows("Active", "Successful").revision("/Configuration/RevisionId", 3).ok(),
            get("f").shows("Active", "Successful").revision("/Configuration/RevisionId", 4).ok(),
        ],
    }]
}

fn several() -> Vec<Sequence> {
    vec![
        Sequence {
            name: "a listing leaves out states and begins with $LATEST",
            steps: vec![
                publish(json!({})).revision("/RevisionId", 1).ok(),
                put_code(code("b")).ok(),
                Wait(2),
                publish(json!({})).revision("/RevisionId", 2).ok(),
                get("f/versions")
                    .has("/Versions/0/Version", json!("$LATEST"))
                    .has("/Versions/0/FunctionArn", json!("ARNf:$LATEST"))
                    .has("/Versions/1/FunctionArn", json!("ARNf:1"))
                    .lacks("/Versions/1/State")
                    .lacks("/Versions/1/LastUpdateStatus")
                    .lacks("/Versions/1/RuntimeVersionConfig")
                    .lacks("/Versions/3")
                    .lacks("/NextMarker")
                    .revision("/Versions/1/RevisionId", 1)
                    .revision("/Versions/2/RevisionId", 2)
                    .revision("/Versions/0/RevisionId", 3)
                    .ok(),
                delete("f?Qualifier=1").status(204).ok(),
                get("f/versions").has("/Versions/1/Version", json!("2")).lacks("/Versions/2").ok(),
            ],
        },
        Sequence {
            name: "each version runs its own code",
            steps: vec![
                publish(json!({})).ok(),
                put_code(code("b")).ok(),
                Wait(2),
                invoke("f").has("/code", json!("sha:b")).ok(),
                invoke("f?Qualifier=1").has("/code", json!("sha:a")).ok(),
                publish(json!({})).ok(),
                put_code(json!({ "ZipFile": "zip:c", "Publish": true })).has("/Version", json!("3")).ok(),
                Wait(2),
                invoke("f?Qualifier=3").has("/code", json!("sha:c")).has("/version", json!("3")).ok(),
                invoke("f?Qualifier=2").has("/code", json!("sha:b")).ok(),
                invoke("f?Qualifier=1").has("header x-amz-executed-version", json!("1")).ok(),
            ],
        },
    ]
}
