//! The parameter in SSM, over the network but within this process.

use std::{
    error::Error as _,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use function::{
    key::{KeyError, KeySource as _, ssm::SsmParameter},
    settings::AwsSettings,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::{
    lambda::holds,
    memory::SECRET,
    standin::{Received, StandIn},
};

fn parameter(endpoint: String) -> SsmParameter {
    let text = str::to_owned;
    let (access_key_id, secret_access_key) = (text("AKIDEXAMPLE"), text("a-secret-key"));
    let region = text("eu-west-1");
    let aws = AwsSettings { region, endpoint: Some(endpoint), access_key_id, secret_access_key, session_token: None };
    SsmParameter::new(text("/test/key"), aws)
}

/// Asserts that `error` is one that passes, and that it contains `said`.
fn assert_passes(error: &KeyError, said: &str) {
    assert!(matches!(error, KeyError::Unavailable { .. }), "{error:?}");
    let cause = format!("{:?}", error.source().unwrap());
    assert!(cause.contains(said), "{cause}");
}

#[tokio::test]
async fn an_unresponsive_ssm_times_out_after_a_second_and_a_half() {
    let slow = StandIn::start(|_| {
        thread::sleep(Duration::from_secs(5));
        holds(SECRET)
    });
    let started = Instant::now();
    let error = parameter(format!("http://{}", slow.address)).fetch().await.unwrap_err();
    let took = started.elapsed();
    assert!((1_400..4_000).contains(&took.as_millis()), "{took:?}");
    assert_passes(&error, "Elapsed");
}

#[tokio::test]
async fn an_unreachable_ssm_is_a_passing_error() {
    assert_passes(&parameter("http://127.0.0.1:9".to_owned()).fetch().await.unwrap_err(), "refused");
    let error = parameter("no endpoint".to_owned()).fetch().await.unwrap_err();
    assert!(matches!(error, KeyError::Unavailable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_malformed_response_is_not_repeated_in_the_error() {
    for body in [SECRET.to_owned(), format!("{{\"Parameter\": \"{SECRET}\"}}"), format!("[\"{SECRET}\"")] {
        let odd = StandIn::start(move |_| (200, vec![], body.clone()));
        let error = parameter(format!("http://{}", odd.address)).fetch().await.unwrap_err();
        assert!(!format!("{error:?}{error}").contains(SECRET), "{error:?}");
    }
}

/// What AWS computes from a request that `a-secret-key` should have signed, as its guide "Create a
/// signed AWS API request" describes it.
fn expected_signature(request: &Received) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mac = |key: &[u8], text: &str| {
        Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(text).finalize().into_bytes().to_vec()
    };
    let (_, names) = request.headers["authorization"].split_once("SignedHeaders=").unwrap();
    let (names, _) = names.split_once(',').unwrap();
    let headers: String = names.split(';').map(|name| format!("{name}:{}\n", request.headers[name])).collect();
    let canonical = format!("POST\n/\n\n{headers}\n{names}\n{}", hex(&Sha256::digest(&request.body)));
    let moment = &request.headers["x-amz-date"];
    let scope = format!("{}/eu-west-1/ssm/aws4_request", &moment[..8]);
    let text = format!("AWS4-HMAC-SHA256\n{moment}\n{scope}\n{}", hex(&Sha256::digest(canonical)));
    let key = scope.split('/').fold(b"AWS4a-secret-key".to_vec(), |key, part| mac(&key, part));
    hex(&mac(&key, &text))
}

#[tokio::test]
async fn a_request_is_signed_as_aws_will_check_it() {
    let seen = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&seen);
    let parameters = StandIn::start(move |received| {
        *keep.lock().unwrap() = Some(received);
        holds(SECRET)
    });
    parameter(format!("http://{}", parameters.address)).fetch().await.unwrap();
    let request = seen.lock().unwrap().take().unwrap();
    let authorization = &request.headers["authorization"];
    for signed in ["host", "x-amz-date", "x-amz-target"] {
        assert!(authorization.contains(signed), "{signed}: {authorization}");
    }
    let (_, signature) = authorization.split_once("Signature=").unwrap();
    assert_eq!(signature, expected_signature(&request));
}
