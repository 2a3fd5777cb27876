//! What the control plane of Lambda refuses.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::scratch::{DEV, Said, Scratch, ask, front, said, zip};
use crate::harness::{block_on, client};
use crate::strict::Front;

/// `$LATEST` as the front shows it, when no update is in progress.
fn settled(front: &Front, scratch: &Scratch) -> Value {
    scratch.settle();
    ask(front, "GET", &scratch.path(""), &Value::Null).good()["Configuration"].clone()
}

fn upload(front: &Front, scratch: &Scratch, mark: &str, revision: Option<&Value>) -> Said {
    let request = json!({"ZipFile": zip(mark), "RevisionId": revision});
    ask(front, "PUT", &scratch.path("code"), &without_nulls(request))
}

fn publish(front: &Front, scratch: &Scratch, conditions: Value) -> Said {
    ask(front, "POST", &scratch.path("versions"), &without_nulls(conditions))
}

fn without_nulls(mut request: Value) -> Value {
    request.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    request
}

/// Uploads and publishes, through the front.
fn release(front: &Front, scratch: &Scratch, mark: &str) -> String {
    upload(front, scratch, mark, None).good();
    scratch.settle();
    publish(front, scratch, json!({})).good()["Version"].as_str().unwrap().to_owned()
}

fn point(front: &Front, scratch: &Scratch, change: &Value) -> Said {
    ask(front, "PUT", &scratch.path("aliases/live"), change)
}

fn invoke(front: &Front, scratch: &Scratch, qualifier: &str) -> Said {
    ask(front, "POST", &scratch.path(&format!("invocations?Qualifier={qualifier}")), &json!({"path": "/echo"}))
}

pub(crate) fn a_dry_run_of_an_upload_answers_what_would_be_and_writes_nothing() {
    let scratch = Scratch::function("dry-run");
    let (front, before) = (front(), scratch.latest());
    let request = json!({"ZipFile": zip("another"), "DryRun": true});
    let told = ask(&front, "PUT", &scratch.path("code"), &request).good();
    assert_ne!(told["CodeSha256"], before["CodeSha256"]);
    assert_eq!(scratch.latest(), before);
}

pub(crate) fn while_an_update_is_in_progress_code_settings_and_versions_are_refused() {
    let scratch = Scratch::function("in-progress");
    let front = front();
    let changes = [
        ("PUT", "code", json!({"ZipFile": zip("third")})),
        ("PUT", "configuration", json!({"MemorySize": 256})),
        ("POST", "versions", json!({})),
    ];
    for (method, page, body) in &changes {
        scratch.settle();
        upload(&front, &scratch, &format!("before {page}"), None).good();
        let words = "An update is in progress for resource: arn:aws:lambda:";
        ask(&front, method, &scratch.path(page), body).refused(409, "ResourceConflictException", words);
    }
    for (method, page, body) in &changes {
        scratch.settle();
        ask(&front, method, &scratch.path(page), body).good();
    }
}

pub(crate) fn a_new_version_is_pending_for_a_while_and_neither_invoked_nor_named_by_an_alias() {
    let scratch = Scratch::function("pending");
    let front = front();
    front.pending(Duration::from_secs(4));
    let version = release(&front, &scratch, "second");
    let published = Instant::now();
    let state = || {
        let shown = ask(&front, "GET", &scratch.path(&format!("?Qualifier={version}")), &Value::Null).good();
        let listed = ask(&front, "GET", &scratch.path("versions"), &Value::Null).good();
        let listed = listed["Versions"].as_array().unwrap().iter().find(|one| one["Version"] == version.as_str());
        assert_eq!(listed.unwrap()["State"], shown["Configuration"]["State"]);
        shown["Configuration"]["State"].as_str().unwrap().to_owned()
    };
    let moved = point(&front, &scratch, &json!({"FunctionVersion": version}));
    let weighted =
        point(&front, &scratch, &json!({"RoutingConfig": {"AdditionalVersionWeights": {(version.clone()): 0.1}}}));
    let (invoked, shown) = (invoke(&front, &scratch, &version), state());
    assert!(published.elapsed() < Duration::from_secs(4), "this machine is too slow for this test");
    moved.refused(409, "ResourceConflictException", "Pending");
    weighted.refused(409, "ResourceConflictException", "Pending");
    invoked.refused(409, "ResourceConflictException", "Pending");
    assert_eq!(shown, "Pending");
    std::thread::sleep(Duration::from_secs(4).saturating_sub(published.elapsed()));
    assert_eq!(state(), "Active");
    invoke(&front, &scratch, &version).good();
    point(&front, &scratch, &json!({"FunctionVersion": version})).good();
    // Published together with the upload, it is no readier.
    let both = json!({"ZipFile": zip("third"), "Publish": true});
    let third = ask(&front, "PUT", &scratch.path("code"), &both).good();
    assert_eq!((&third["Version"], &third["State"]), (&json!("3"), &json!("Pending")));
    invoke(&front, &scratch, "3").refused(409, "ResourceConflictException", "Pending");
}

pub(crate) fn publishing_what_is_published_already_answers_that_version() {
    let scratch = Scratch::function("again");
    let front = front();
    let version = release(&front, &scratch, "second");
    std::thread::sleep(Duration::from_millis(150));
    // Nothing was updated since: there is no new version to wait for.
    let again = publish(&front, &scratch, json!({})).good();
    assert_eq!((&again["Version"], &again["State"]), (&json!(version), &json!("Active")));
}

pub(crate) fn the_revision_of_latest_moves_twice_for_an_update_and_once_more_for_a_version() {
    let scratch = Scratch::function("revisions");
    let front = front();
    let stale = |said: Said| said.refused(412, "PreconditionFailedException", "The RevisionId provided does not match");
    let first = settled(&front, &scratch)["RevisionId"].clone();
    let told = upload(&front, &scratch, "second", Some(&first)).good()["RevisionId"].clone();
    let second = settled(&front, &scratch)["RevisionId"].clone();
    assert!(first != told && told != second && second != first);
    for old in [&first, &told] {
        stale(upload(&front, &scratch, "third", Some(old)));
        stale(publish(&front, &scratch, json!({"RevisionId": old})));
        stale(ask(&front, "PUT", &scratch.path("configuration"), &json!({"MemorySize": 256, "RevisionId": old})));
    }
    publish(&front, &scratch, json!({"RevisionId": second})).good();
    let third = settled(&front, &scratch)["RevisionId"].clone();
    assert_ne!(third, second);
    stale(upload(&front, &scratch, "third", Some(&second)));
    upload(&front, &scratch, "third", Some(&third)).good();
    // What needs no wait does not move, and an alias has a revision of its own.
    let settled_again = settled(&front, &scratch);
    assert_eq!(settled(&front, &scratch), settled_again);
    let alias = ask(&front, "GET", &scratch.path("aliases/live"), &Value::Null).good()["RevisionId"].clone();
    point(&front, &scratch, &json!({"FunctionVersion": "1", "RevisionId": alias})).good();
    stale(point(&front, &scratch, &json!({"FunctionVersion": "1", "RevisionId": alias})));
}

pub(crate) fn an_alias_names_at_most_two_versions_that_exist_and_keeps_its_weights_unless_told() {
    let scratch = Scratch::function("alias");
    let (second, third, front) = (scratch.publish("second"), scratch.publish("third"), front());
    let missing = format!("Function not found: arn:aws:lambda:us-east-1:{DEV}:function:{}:99", scratch.function);
    let weights = |weights: Value| json!({"RoutingConfig": {"AdditionalVersionWeights": weights}});
    point(&front, &scratch, &json!({"FunctionVersion": "99"})).refused(404, "ResourceNotFoundException", &missing);
    point(&front, &scratch, &weights(json!({"99": 0.1}))).refused(404, "ResourceNotFoundException", &missing);
    let invalid = |change: &Value| point(&front, &scratch, change).refused(400, "InvalidParameterValueException", "");
    invalid(&weights(json!({(second.clone()): 0.1, (third.clone()): 0.1})));
    invalid(&weights(json!({"1": 0.1})));
    invalid(&weights(json!({(second.clone()): 1.5})));
    point(&front, &scratch, &weights(json!({(second.clone()): 0.1}))).good();
    let kept = point(&front, &scratch, &json!({"FunctionVersion": third})).good();
    assert_eq!(kept["RoutingConfig"]["AdditionalVersionWeights"], json!({(second.clone()): 0.1}));
    // The old weight makes the alias name a version twice.
    invalid(&json!({"FunctionVersion": second}));
    let cleared = json!({"FunctionVersion": second, "RoutingConfig": {"AdditionalVersionWeights": {}}});
    assert_eq!(point(&front, &scratch, &cleared).good()["RoutingConfig"], Value::Null);
}

pub(crate) fn publishing_other_code_than_was_meant_is_refused() {
    let scratch = Scratch::function("code-sha");
    let front = front();
    upload(&front, &scratch, "second", None).good();
    let code = settled(&front, &scratch)["CodeSha256"].clone();
    let wrong = publish(&front, &scratch, json!({"CodeSha256": "c29tZXRoaW5nIGVsc2U="}));
    wrong.refused(400, "InvalidParameterValueException", "is different from current CodeSHA256 in $LATEST");
    assert_eq!(publish(&front, &scratch, json!({"CodeSha256": code})).good()["Version"], "2");
}

pub(crate) fn a_version_that_an_alias_names_stays_and_a_whole_function_is_never_deleted() {
    let scratch = Scratch::function("delete");
    let (second, third, front) = (scratch.publish("second"), scratch.publish("third"), front());
    let weights = json!({"RoutingConfig": {"AdditionalVersionWeights": {(second.clone()): 0.1}}});
    point(&front, &scratch, &weights).good();
    let function = format!("/2015-03-31/functions/{}", scratch.function);
    let delete = |query: &str| ask(&front, "DELETE", &format!("{function}{query}"), &Value::Null);
    for named in ["1", &second] {
        delete(&format!("?Qualifier={named}")).refused(409, "ResourceConflictException", "referenced by an alias");
    }
    delete(&format!("?Qualifier={third}")).good();
    for all in ["", "?Qualifier=%24LATEST"] {
        delete(all).refused(403, "AccessDeniedException", "lambda:DeleteFunction");
        let violations = front.violations();
        assert_eq!(violations, [format!("DeleteFunction of `{}` without a version", scratch.function)]);
    }
    assert_eq!(scratch.latest()["FunctionName"], scratch.function.as_str());
    // A test in which it happens and is not looked at fails.
    delete("");
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(front)));
    assert!(ended.is_err());
}

pub(crate) fn an_invocation_of_a_weighted_alias_is_left_to_chance() {
    let scratch = Scratch::function("invoke");
    let (second, front) = (scratch.publish("second"), front());
    scratch.alias(&json!({"RoutingConfig": {"AdditionalVersionWeights": {(second.clone()): 1.0}}}));
    assert_eq!(invoke(&front, &scratch, "live").header("x-amz-executed-version"), second);
    scratch.alias(&json!({"RoutingConfig": {"AdditionalVersionWeights": {(second): 0.0}}}));
    assert_eq!(invoke(&front, &scratch, "live").header("x-amz-executed-version"), "1");
}

pub(crate) fn the_address_of_a_versions_zip_gives_that_versions_zip() {
    let scratch = Scratch::function("zip");
    let front = front();
    let second = release(&front, &scratch, "second");
    upload(&front, &scratch, "third", None).good();
    for (qualifier, mark) in [("1", "version 1"), (second.as_str(), "second"), ("%24LATEST", "third")] {
        let shown = ask(&front, "GET", &scratch.path(&format!("?Qualifier={qualifier}")), &Value::Null).good();
        let location = shown["Code"]["Location"].as_str().unwrap().to_owned();
        front.take();
        let bytes = block_on(async { client().get(location).send().await.unwrap().bytes().await.unwrap() });
        assert!(String::from_utf8_lossy(&bytes) == String::from_utf8_lossy(&decoded(&zip(mark))), "{qualifier}");
        assert_eq!(front.take().iter().map(|call| call.name).collect::<Vec<_>>(), ["Download"]);
    }
}

fn decoded(zip: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(zip).unwrap()
}

pub(crate) fn beyond_its_rate_a_call_is_told_to_come_back_later() {
    let scratch = Scratch::with_api("rates");
    let front = front();
    let deployments = format!("/restapis/{}/deployments", scratch.api);
    ask(&front, "POST", &deployments, &json!({})).good();
    let refused = ask(&front, "POST", &deployments, &json!({}));
    refused.refused(429, "TooManyRequestsException", "Too Many Requests");
    assert!((1..=5).contains(&refused.header("retry-after").parse::<u64>().unwrap()), "{refused:?}");
    front.deployments_every(Duration::ZERO);
    ask(&front, "POST", &deployments, &json!({})).good();
    // So many at once, and how many of them at least and at most are admitted within the time that they took.
    for (page, count, holds, each_second) in [
        (scratch.path("aliases/live"), 60, 15.0, 15.0),
        (scratch.path(""), 90, 100.0, 100.0),
        (format!("/restapis/{}/resources", scratch.api), 30, 5.0, 2.5),
        (scratch.stage(), 120, 40.0, 10.0),
    ] {
        // What was asked before has flowed back.
        std::thread::sleep(Duration::from_millis(4100));
        let (admitted, took) = at_once(&front, &page, count);
        let most = (holds + each_second * took.as_secs_f64()).min(f64::from(count));
        assert!(f64::from(admitted) >= f64::min(holds, f64::from(count)), "{admitted} of {page}");
        assert!(f64::from(admitted) <= most, "{admitted} of {page} in {took:?}");
    }
}

/// How many of so many requests at once are admitted, and the time that they took.
fn at_once(front: &Front, page: &str, count: u32) -> (u32, Duration) {
    let (client, started) = (client(), Instant::now());
    let signed = format!("AWS4-HMAC-SHA256 Credential={DEV}/20260101/us-east-1/any/aws4_request, Signature=0");
    let asked = (0..count).map(|_| {
        let request = client.get(format!("http://127.0.0.1:{}{page}", front.port)).header("authorization", &signed);
        async { said(request.send().await.unwrap()).await.unwrap().status }
    });
    let statuses = block_on(futures::future::join_all(asked));
    assert!(statuses.iter().all(|status| [200, 429].contains(status)), "{statuses:?}");
    (u32::try_from(statuses.iter().filter(|status| **status == 200).count()).unwrap(), started.elapsed())
}
