//! What calls do, and what they return.

use base64::Engine as _;
use serde_json::{Value, json};

use super::{Echo, World, body, request, sha256, zip};
use crate::aws::lambda::{Around, Configuration, NoObjects, Pull, Rates, Rules};
use crate::aws::wire::Request;

#[test]
fn only_versions_can_be_deleted() {
    let mut world = World::new(Rules::instant());
    assert_eq!(world.send("DELETE", "f", &Value::Null).status, 403);
    assert_eq!(world.send("DELETE", "f?Qualifier=$LATEST", &Value::Null).status, 400);
    assert_eq!((world.lambda.violations.len(), world.lambda.versions("f").len()), (2, 3));
}

#[test]
fn a_signed_address_is_valid_for_ten_minutes() {
    let mut world = World::new(Rules::instant());
    let address = world.get("f?Qualifier=2")["Code"]["Location"].as_str().unwrap().to_owned();
    let (host, target) = address.strip_prefix("https://").unwrap().split_once('/').unwrap();
    let get = |target: &str| Request { host: host.to_owned(), ..request("GET", &format!("/{target}"), Vec::new()) };
    let reply = world.lambda.download(&get(target), &world.moment).unwrap();
    assert!(reply.status == 200 && reply.body == zip("2"));
    let forged = target.replace("Signature=", "Signature=0");
    assert_eq!(world.lambda.download(&get(&forged), &world.moment).unwrap().status, 403);
    assert_eq!(world.lambda.download(&request("GET", "/", Vec::new()), &world.moment), None);
    world.wait(601_000);
    assert_eq!(world.lambda.download(&get(target), &world.moment).unwrap().status, 403);
}

#[test]
fn a_zip_may_come_from_s3_and_a_dry_run_changes_nothing() {
    let mut world = World::new(Rules::instant());
    let object = |key: &str, version: &str| json!({ "S3Bucket": "bucket", "S3Key": key, "S3ObjectVersion": version });
    assert_eq!(world.send("PUT", "f/code", &object("key", "v2")).status, 400);
    assert_eq!(world.send("PUT", "f/code", &object("none", "v1")).status, 400);
    let mut dry = object("key", "v1");
    dry["DryRun"] = json!(true);
    let before = world.get("f");
    assert_eq!(body(&world.send("PUT", "f/code", &dry))["CodeSha256"], sha256(&zip("s3")));
    assert_eq!(world.get("f")["Configuration"], before["Configuration"]);
    assert_eq!(world.send("PUT", "f/code", &object("key", "v1")).status, 200);
    assert_eq!(world.lambda.code_of("f", "$LATEST").unwrap(), zip("s3"));
    assert_eq!(world.send("PUT", "f/code", &json!({ "S3Bucket": "foreign", "S3Key": "k" })).status, 403);
    world.lambda.rules.code_storage = 1;
    assert_eq!(world.upload("5").status, 400);
}

#[test]
fn versions_come_in_pages() {
    let mut world = World::new(Rules::instant());
    let first = world.get("f/versions?MaxItems=2");
    let marker = first["NextMarker"].as_str().unwrap().to_owned();
    let second = world.get(&format!("f/versions?MaxItems=2&Marker={marker}"));
    let numbers = |page: &Value| -> Vec<Value> {
        page["Versions"].as_array().unwrap().iter().map(|version| version["Version"].clone()).collect()
    };
    assert_eq!(numbers(&first), ["$LATEST", "1"]);
    assert!(numbers(&second) == ["2", "3"] && second["NextMarker"].is_null());
}

#[test]
fn a_policy_permits_by_arn_or_account() {
    let mut world = World::new(Rules::instant());
    let source = "arn:aws:execute-api:us-east-1:111111111111:api/prod/GET/visitors";
    assert!(!world.lambda.permits("f", "live", source));
    world.lambda.permit("f", "live", "arn:aws:execute-api:us-east-1:111111111111:api/*");
    assert!(world.lambda.permits("f", "live", source));
    assert!(
        !world.lambda.permits("f", "", source) && !world.lambda.permits("f", "live", &source.replace("api/", "b/"))
    );
    let mut policy = json!([{ "Effect": "Allow", "Principal": { "Service": "apigateway.amazonaws.com" },
        "Action": "lambda:InvokeFunction", "Resource": "arn:aws:lambda:us-east-1:111111111111:function:f:live",
        "Condition": { "StringEquals": { "aws:SourceAccount": "111111111111" } } }]);
    world.lambda.set_policy("f", "live", &policy);
    assert!(world.lambda.permits("f", "live", source));
    policy[0]["Condition"]["Bool"] = json!({ "aws:SecureTransport": "true" });
    world.lambda.set_policy("f", "live", &policy);
    assert!(!world.lambda.permits("f", "live", source));
}

#[test]
fn a_throttled_call_names_a_time_to_wait() {
    let mut world = World::new(Rules { rates: Some(Rates::default()), ..Rules::instant() });
    let last = (0..16).map(|_| world.send("GET", "f/aliases/live", &Value::Null)).last().unwrap();
    assert_eq!(last.status, 429);
    assert!(last.headers.contains(&("retry-after".to_owned(), "1".to_owned())));
    assert_eq!(body(&last)["Reason"], "CallerRateLimitExceeded");
}

#[test]
fn an_invocation_returns_the_end_of_its_log() {
    let mut world = World::new(Rules::instant());
    let mut request = request("POST", "/2015-03-31/functions/f/invocations?Qualifier=live", Vec::new());
    request.headers.insert("x-amz-log-type".to_owned(), "Tail".to_owned());
    let mut around = Around { app: &mut Echo, objects: &NoObjects };
    let reply = world.lambda.handle(&request, &mut world.moment, &mut around).unwrap();
    let (_, log) = reply.headers.iter().find(|(name, _)| name == "x-amz-log-result").unwrap();
    let log = base64::engine::general_purpose::STANDARD.decode(log).unwrap();
    assert!(String::from_utf8(log).unwrap().contains("Version: 1\n"));
}

#[test]
fn a_function_of_an_image_takes_only_an_image_that_it_may_pull() {
    let mut world = World::new(Rules::instant());
    let image = |name: &str| format!("111111111111.dkr.ecr.us-east-1.amazonaws.com/{name}@sha256:{}", "a".repeat(64));
    world.lambda.create_function_of_image("i", &image("first"), Configuration::default());
    world.lambda.push_image(&image("second"), Pull::Allowed);
    world.lambda.push_image(&image("third"), Pull::Denied);
    let zip = base64::engine::general_purpose::STANDARD.encode(zip("1"));
    for (function, given, status, message) in [
        ("f", json!({"ImageUri": image("second")}), 400, "Please don't provide ImageUri"),
        ("f", json!({"ImageUri": image("second"), "ZipFile": zip}), 400, "Please don't provide ImageUri"),
        ("i", json!({ "ZipFile": zip }), 400, "Please provide ImageUri"),
        ("i", json!({"ImageUri": image("second"), "ZipFile": zip}), 400, "Please provide ImageUri"),
        ("i", json!({"ImageUri": image("third")}), 403, "Lambda does not have permission to access the ECR image"),
        ("i", json!({"ImageUri": image("fourth")}), 400, "does not exist. Provide a valid source image."),
        ("i", json!({"ImageUri": image("second")}), 200, ""),
    ] {
        let reply = world.send("PUT", &format!("{function}/code"), &given);
        let said = body(&reply).to_string();
        assert!(reply.status == status && said.contains(message), "{given}: {said}");
    }
    let shown = world.get("i");
    assert_eq!(shown["Code"]["ResolvedImageUri"], image("second"));
    let configuration = &shown["Configuration"];
    assert_eq!((&configuration["CodeSha256"], &configuration["CodeSize"]), (&json!("a".repeat(64)), &json!(0)));
    assert!(configuration["PackageType"] == "Image" && configuration["Runtime"].is_null(), "{configuration}");
}
