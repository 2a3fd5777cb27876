//! The network between a run and AWS.

use std::sync::Arc;

use super::{deploy, deployed, with_releases};
use crate::application::Behavior;
use crate::aws::s3::Versioning;
use crate::fault::Fault;
use crate::simulation::Snapshot;
use crate::stack::{Shape, attributes, ledger};
use crate::verdict::item;

#[test]
fn an_interrupted_download_is_retried() {
    for fault in [Fault::Refused(503), Fault::RequestLost, Fault::ReplyLost, Fault::Refused(500)] {
        Snapshot::new(Shape::of(1), 1).simulate(async |simulation| {
            deployed(simulation).await;
            let prepared = simulation.prepare("promote dev prod --allow-definition-diff");
            prepared.run.faults_of("Download", 2, fault);
            let ended = prepared.end().await;
            assert_eq!(ended.code, Some(0), "{fault:?}: {}", ended.words);
        });
    }
}

#[test]
fn an_interrupted_upload_to_s3_is_retried() {
    Snapshot::new(Shape::of(1), 1).simulate(async |simulation| {
        let mut contract = item(simulation, "dev", "stack");
        contract["artifact_bucket"] = "packages".into();
        simulation.account("dev", |account| {
            account.dynamodb.put(&ledger("dev"), &attributes(&contract)["M"]);
            account.s3.create_bucket("packages", "us-east-1", Versioning::Enabled);
        });
        let artifact = simulation.artifact_of(Behavior::Right, 51 << 20);
        let prepared = simulation.prepare(&format!("deploy dev --artifact {}", artifact.folder.display()));
        prepared.run.faults_of("PutObject", 2, Fault::Refused(503));
        let run = Arc::clone(&prepared.run);
        let ended = prepared.end().await;
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        assert_eq!(run.calls().iter().filter(|call| call.name == "PutObject").count(), 3);
    });
}

#[test]
fn a_proxy_in_the_way_gets_the_setting_as_hint() {
    for (fault, cause, hint) in [
        (Fault::NoConnection("invalid peer certificate: UnknownIssuer"), "UnknownIssuer", "AWS_CA_BUNDLE"),
        (Fault::NoConnection("tunnel error: proxy authorization required"), "proxy authorization", "HTTPS_PROXY"),
        (Fault::Page(403), "HTTP 403", "HTTPS_PROXY"),
        (Fault::Page(407), "HTTP 407", "HTTPS_PROXY"),
    ] {
        with_releases(Shape::of(1), 1).simulate(async |simulation| {
            let prepared = simulation.prepare(&deploy(simulation, Behavior::Right).await);
            for name in ["GetItem", "Query", "GetCallerIdentity"] {
                prepared.run.fault_of(name, fault);
            }
            let ended = prepared.end().await;
            assert_eq!(ended.code, Some(1), "{fault:?}: {}", ended.words);
            assert!(ended.words.contains(cause) && ended.words.contains(hint), "{fault:?}: {}", ended.words);
        });
    }
}
