//! What the front breaks on purpose, what it sees, and whom it lets through.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::scratch::{DEV, Said, Scratch, ask, front, request, said};
use crate::harness::{block_on, client};
use crate::stack;
use crate::strict::{Action, At, Call, Front, depth};

/// The account of the environment `prod`.
const PROD: &str = "222222222222";

/// Describes the alias anew, which shows that a call was carried out.
fn describe(front: &Front, scratch: &Scratch, words: &str) -> reqwest::Result<Said> {
    let change = json!({"Description": words}).to_string();
    block_on(request(front.port, "PUT", &scratch.path("aliases/live"), DEV, change))
}

fn description(front: &Front, scratch: &Scratch) -> Value {
    ask(front, "GET", &scratch.path("aliases/live"), &Value::Null).good()["Description"].clone()
}

pub(crate) fn a_call_fails_loses_its_request_or_its_reply_or_is_late_where_the_test_says_so() {
    let scratch = Scratch::function("faults");
    let front = front();
    front.on(At::nth("UpdateAlias", 2), Action::Fail { status: 503, code: "ServiceException" });
    front.on(At::nth("UpdateAlias", 3), Action::LoseRequest);
    front.on(At::nth("UpdateAlias", 4), Action::LoseReply);
    front.on(At::nth("UpdateAlias", 5), Action::Delay(Duration::from_millis(300)));
    describe(&front, &scratch, "1").unwrap().good();
    describe(&front, &scratch, "2").unwrap().refused(503, "ServiceException", "");
    assert!(describe(&front, &scratch, "3").is_err());
    assert_eq!(description(&front, &scratch), "1");
    assert!(describe(&front, &scratch, "4").is_err());
    assert_eq!(description(&front, &scratch), "4");
    let started = Instant::now();
    describe(&front, &scratch, "5").unwrap().good();
    assert!(started.elapsed() >= Duration::from_millis(300));
    front.take();
    front.on(At::call(2), Action::Fail { status: 500, code: "ServiceException" });
    assert_eq!(description(&front, &scratch), "5");
    assert_eq!(ask(&front, "GET", &scratch.path("aliases/live"), &Value::Null).status, 500);
    front.behave().on(At::every("UpdateAlias"), Action::Hang);
    let hung = client().put(format!("http://127.0.0.1:{}{}", front.port, scratch.path("aliases/live")));
    let hung = hung.body("{}").timeout(Duration::from_millis(300));
    assert!(block_on(async { hung.send().await.unwrap_err().is_timeout() }));
    let statuses: Vec<_> = front.take().into_iter().map(|call| call.status).collect();
    assert_eq!(statuses, [Some(200), Some(500), None]);
}

pub(crate) fn a_held_call_is_carried_out_after_its_client_was_killed_or_given_up() {
    let scratch = Scratch::function("held");
    let front = front();
    let update = |words: &str| {
        let address = format!("http://127.0.0.1:{}{}", front.port, scratch.path("aliases/live"));
        let body = json!({"Description": words}).to_string();
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--noproxy", "*", "-X", "PUT", "-d", &body, &address]);
        curl.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let held = front.pause_at("UpdateAlias", 2);
    describe(&front, &scratch, "before").unwrap().good();
    assert!(!held.arrives_within(Duration::from_millis(50)));
    let mut client = update("forwarded");
    held.arrived();
    client.kill().unwrap();
    client.wait().unwrap();
    assert_eq!(description(&front, &scratch), "before");
    held.forward();
    assert_eq!(description(&front, &scratch), "forwarded");
    let held = front.pause(At::every("UpdateAlias"));
    let mut client = update("given up");
    held.arrived();
    held.give_up();
    assert!(!client.wait().unwrap().success());
    assert_eq!(description(&front, &scratch), "forwarded");
}

pub(crate) fn every_operation_has_its_name() {
    let front = front();
    // Nothing goes further than the front.
    front.on(At::any(), Action::Fail { status: 418, code: "Teapot" });
    let lambda = "/2015-03-31/functions/f";
    let plain = [
        ("GET", lambda.to_owned(), "GetFunction"),
        ("DELETE", format!("{lambda}?Qualifier=3"), "DeleteFunction"),
        ("GET", format!("{lambda}/versions"), "ListVersionsByFunction"),
        ("PUT", format!("{lambda}/configuration"), "UpdateFunctionConfiguration"),
        ("GET", format!("{lambda}/policy?Qualifier=live"), "GetPolicy"),
        ("GET", "/2019-09-30/functions/f/concurrency".to_owned(), "GetFunctionConcurrency"),
        (
            "GET",
            "/2019-09-30/functions/f/provisioned-concurrency?Qualifier=live".to_owned(),
            "GetProvisionedConcurrencyConfig",
        ),
        ("GET", "/restapis/a/deployments".to_owned(), "GetDeployments"),
        ("GET", "/restapis/a/deployments/d".to_owned(), "GetDeployment"),
        ("DELETE", "/restapis/a/deployments/d".to_owned(), "DeleteDeployment"),
        ("GET", "/restapis/a/stage/_user_request_/count?a=1".to_owned(), "URL"),
        ("POST", "/service/GraniteServiceVersion20100801/operation/DescribeAlarms".to_owned(), "DescribeAlarms"),
        ("POST", "/?Action=SetAlarmState&AlarmName=a".to_owned(), "SetAlarmState"),
        ("GET", "/_ministack/lambda-code/111111111111/us-east-1/f".to_owned(), "Download"),
    ];
    let targets = ["DynamoDB_20120810.UpdateItem", "DynamoDB_20120810.PutItem", "DynamoDB_20120810.DeleteItem"];
    let targets = targets.into_iter().chain(["GraniteServiceVersion20100801.DescribeAlarms"]);
    let forms = ["Action=SimulatePrincipalPolicy&X=1", "Action=AssumeRole&X=1", "Version=1&Action=DescribeAlarms"];
    let objects = [("PUT", "PutObject"), ("GET", "GetObject"), ("HEAD", "HeadObject")];
    let send = |method: &str, path: &str, header: (&str, &str), body: &str| {
        let request = client().request(method.parse().unwrap(), format!("http://127.0.0.1:{}{path}", front.port));
        block_on(async { said(request.header(header.0, header.1).body(body.to_owned()).send().await.unwrap()).await })
    };
    let name = || front.take().pop().unwrap().name;
    for (method, path, expected) in &plain {
        assert_eq!(send(method, path, ("accept", "*/*"), "").unwrap().status, 418);
        assert_eq!(name(), *expected);
    }
    for target in targets {
        send("POST", "/", ("x-amz-target", target), "{}").unwrap();
        assert_eq!(Some(name()), target.split('.').nth(1));
    }
    for form in forms {
        send("POST", "/", ("accept", "*/*"), form).unwrap();
        assert!(form.contains(&format!("Action={}", name())), "{form}");
    }
    let s3 = "AWS4-HMAC-SHA256 Credential=111111111111/20260101/us-east-1/s3/aws4_request, Signature=0";
    for (method, expected) in objects {
        send(method, "/bucket/some/key?x-id=x", ("authorization", s3), "").unwrap();
        assert_eq!(name(), expected);
    }
    assert_eq!(send("POST", "/2015-03-31/functions", ("accept", "*/*"), "{}").unwrap().status, 501);
    assert_eq!(front.violations(), ["the front knows no name for `POST /2015-03-31/functions`"]);
}

pub(crate) fn the_depth_of_a_run_is_its_longest_chain_of_calls_that_waited_for_one_another() {
    let scratch = Scratch::function("depth");
    let front = front();
    // Long enough for what goes out together to overlap.
    front.on(At::any(), Action::Delay(Duration::from_millis(300)));
    let page = scratch.path("aliases/live");
    let get = || request(front.port, "GET", &page, DEV, String::new());
    block_on(async {
        get().await.unwrap();
        let _ = futures::join!(get(), get(), get());
        get().await.unwrap();
    });
    let calls = front.take();
    assert_eq!((calls.len(), depth(&calls)), (5, 3));
    assert!(calls.iter().all(|call| call.ended.unwrap() - call.came >= Duration::from_millis(300)));
    assert!(calls.iter().all(|call| call.access_key.as_deref() == Some(DEV) && call.status == Some(200)));
    assert_eq!(depth(&[]), 0);
    // One that is never answered is waited for by nobody.
    let unanswered = Call { ended: None, ..calls[4].clone() };
    assert_eq!(depth(&[calls[0].clone(), unanswered]), 2);
}

pub(crate) fn another_account_is_reached_by_its_key_and_read_through_a_role_that_may_do_nothing_else() {
    const ROLE: &str = "arn:aws:iam::222222222222:role/reader";
    let front = front();
    front.route(PROD, stack().checkout.port("prod")).role(ROLE, PROD, &["GetFunction"]);
    let form = format!("Action=AssumeRole&Version=2011-06-15&RoleSessionName=test&RoleArn={ROLE}");
    let assumed = block_on(request(front.port, "POST", "/", DEV, form.replace(':', "%3A"))).unwrap();
    let field = |name: &str| {
        let (_, rest) = assumed.text.split_once(&format!("<{name}>")).unwrap();
        rest.split_once('<').unwrap().0.to_owned()
    };
    let (key, token) = (field("AccessKeyId"), field("SessionToken"));
    let function = "/2015-03-31/functions/resume-visitor-counter-prod";
    let as_reader = |method: &str, page: &str| {
        let signed = format!("AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/lambda/aws4_request, Signature=0");
        let request = client().request(method.parse().unwrap(), format!("http://127.0.0.1:{}{page}", front.port));
        let request = request.header("authorization", signed).header("x-amz-security-token", &token);
        // The emulator may break the connection of a GET that has a body.
        let body = if method == "GET" { "" } else { "{}" };
        block_on(async { said(request.body(body).send().await.unwrap()).await.unwrap() })
    };
    front.take();
    let shown = as_reader("GET", function).good();
    let location = shown["Code"]["Location"].as_str().unwrap().to_owned();
    assert!(block_on(async { client().get(location).send().await.unwrap().status().is_success() }));
    for (method, page) in [("PUT", "/aliases/live"), ("GET", "/aliases/live"), ("PUT", "/code")] {
        as_reader(method, &format!("{function}{page}")).refused(403, "AccessDeniedException", ROLE);
    }
    let roles: Vec<_> = front.take().into_iter().map(|call| (call.name, call.role)).collect();
    assert_eq!(roles[..2], [("GetFunction", Some(ROLE.to_owned())), ("Download", None)]);
    assert_eq!(roles[2], ("UpdateAlias", Some(ROLE.to_owned())));
    // The account's own credentials may do what they could, and nobody else's lead there.
    let own = |key: &str| block_on(request(front.port, "GET", &format!("{function}/aliases/live"), key, String::new()));
    assert_eq!((own(PROD).unwrap().status, own(DEV).unwrap().status), (200, 404));
    // Another account's stage is answered by that account.
    let api = stack().api("prod");
    let page = format!("/restapis/{api}/prod/_user_request_/health");
    let answer = ask(&front, "GET", &page, &Value::Null).good();
    assert_eq!(answer["status"], "ok");
}
