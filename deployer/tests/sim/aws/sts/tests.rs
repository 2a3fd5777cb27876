use std::collections::BTreeMap;
use std::time::Duration;

use super::super::wire::{Moment, Reply, Request};
use super::Sts;

const ADA: &str = "arn:aws:iam::111111111111:user/ada";
const ROLE: &str = "arn:aws:iam::222222222222:role/team/reader";

/// A request, signed with `key` for `service` at `millis` of the client's clock.
fn signed(key: &str, service: &str, seconds: i64) -> Request {
    let at = jiff::Timestamp::from_second(seconds).unwrap().strftime("%Y%m%dT%H%M%SZ").to_string();
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={key}/19700101/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    );
    Request {
        method: "POST".to_owned(),
        host: String::new(),
        path: "/".to_owned(),
        query: Vec::new(),
        headers: BTreeMap::from([("authorization".to_owned(), authorization), ("x-amz-date".to_owned(), at)]),
        body: Vec::new(),
    }
}

fn moment(seconds: u64) -> Moment {
    let now = Duration::from_secs(seconds);
    Moment { now, epoch: jiff::Timestamp::UNIX_EPOCH, chance: fastrand::Rng::with_seed(1) }
}

fn form(request: Request, form: &str) -> Request {
    Request { body: form.as_bytes().to_vec(), ..request }
}

fn text(reply: &Reply) -> String {
    String::from_utf8(reply.body.clone()).unwrap()
}

fn between<'a>(text: &'a str, tag: &str) -> &'a str {
    text.split_once(&format!("<{tag}>")).unwrap().1.split_once('<').unwrap().0
}

fn sts() -> Sts {
    let mut sts = Sts::new();
    sts.add_key("AKIDADA", ADA);
    sts.add_role(ROLE, &[ADA]);
    sts
}

#[test]
fn a_session_of_a_role_expires() {
    let mut sts = sts();
    let ask = form(signed("AKIDADA", "sts", 0), &format!("Action=AssumeRole&RoleArn={ROLE}&RoleSessionName=deployer"));
    let body = text(&sts.handle(&ask, &mut moment(0)).unwrap());
    let (key, token) = (between(&body, "AccessKeyId"), between(&body, "SessionToken"));
    let with_token = |service: &str, seconds: i64, token: &str| {
        let mut request = signed(key, service, seconds);
        request.headers.insert("x-amz-security-token".to_owned(), token.to_owned());
        request
    };
    let caller = sts.caller(&with_token("lambda", 3599, token), &moment(3599)).unwrap();
    assert_eq!(caller.arn, "arn:aws:sts::222222222222:assumed-role/reader/deployer");
    assert_eq!((caller.account.as_str(), caller.service.as_str()), ("222222222222", "lambda"));
    assert_eq!(
        sts.caller(&with_token("lambda", 0, "other"), &moment(0)).unwrap_err().code(),
        "UnrecognizedClientException"
    );
    for (service, status, code) in [
        ("lambda", 403, "ExpiredTokenException"),
        ("sts", 403, "ExpiredToken"),
        ("s3", 400, "ExpiredToken"),
        ("dynamodb", 400, "ExpiredTokenException"),
    ] {
        let denial = sts.caller(&with_token(service, 3600, token), &moment(3600)).unwrap_err();
        assert_eq!((denial.reply().status, denial.code()), (status, code), "{service}");
    }
    assert_eq!(sts.assumed, [(Duration::ZERO, ADA.to_owned(), ROLE.to_owned())]);
}

#[test]
fn a_wrong_clock_is_refused_with_the_services_own_error() {
    let sts = sts();
    let ask = |service: &str, sent, now| sts.caller(&signed("AKIDADA", service, sent), &moment(now));
    assert!(ask("lambda", 0, 300).is_ok() && ask("lambda", 300, 0).is_ok() && ask("s3", 0, 900).is_ok());
    let late = ask("lambda", 0, 301).unwrap_err();
    let words = "Signature expired: 19700101T000000Z is now earlier than 19700101T000001Z (19700101T000501Z - 5 min.)";
    assert_eq!(late.code(), "InvalidSignatureException");
    assert!(text(&late.reply()).contains(words), "{}", text(&late.reply()));
    let early = ask("sts", 301, 0).unwrap_err();
    assert_eq!(early.code(), "SignatureDoesNotMatch");
    assert!(text(&early.reply()).contains("Signature not yet current: 19700101T000501Z is still later than"));
    assert_eq!(ask("s3", 0, 901).unwrap_err().code(), "RequestTimeTooSkewed");
}

#[test]
fn a_missing_role_is_refused_like_one_that_trusts_others() {
    let mut sts = sts();
    sts.add_role("arn:aws:iam::222222222222:role/other", &["arn:aws:iam::333333333333:root"]);
    for role in ["arn:aws:iam::222222222222:role/other", "arn:aws:iam::222222222222:role/gone"] {
        let ask = form(signed("AKIDADA", "sts", 0), &format!("Action=AssumeRole&RoleArn={role}&RoleSessionName=ab"));
        let reply = sts.handle(&ask, &mut moment(0)).unwrap();
        let words = format!("User: {ADA} is not authorized to perform: sts:AssumeRole on resource: {role}");
        assert_eq!((reply.status, between(&text(&reply), "Code")), (403, "AccessDenied"));
        assert_eq!(between(&text(&reply), "Message"), words);
    }
    let unknown = form(signed("AKIDBOB", "sts", 0), "Action=GetCallerIdentity");
    assert_eq!(between(&text(&sts.handle(&unknown, &mut moment(0)).unwrap()), "Code"), "InvalidClientTokenId");
}
