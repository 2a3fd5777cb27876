//! Releases to a stack that serves: what is called, in which order, and what answers afterwards.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::SENTENCE;
use crate::stack;
use crate::strict::{Call, Front};

const REPLIES: &str = "function/src/reply.rs";
const FUNCTION: &str = "/2015-03-31/functions/resume-visitor-counter-dev";
const COUNTER: &str = "function/src/handler/counter.rs";

fn front() -> Front {
    Front::before(stack().checkout.port("dev"))
}

fn names(calls: &[Call]) -> Vec<&str> {
    calls.iter().map(|call| call.name).collect()
}

fn writes(calls: &[Call]) -> Vec<&Call> {
    calls.iter().filter(|call| call.writes()).collect()
}

/// The place of the first and the last call of a name.
#[track_caller]
fn span(calls: &[Call], name: &str) -> (usize, usize) {
    let first =
        calls.iter().position(|call| call.name == name).unwrap_or_else(|| panic!("no {name} in {:?}", names(calls)));
    (first, calls.iter().rposition(|call| call.name == name).unwrap())
}

fn version(function: &str) -> String {
    stack().status("dev")["functions"][function]["version"].as_str().unwrap().to_owned()
}

fn release(number: u64) -> Value {
    stack().ledger_item("dev", &format!("release#{number:08}"))
}

fn live() -> u64 {
    stack().status("dev")["release"].as_u64().unwrap()
}

pub(crate) fn unchanged_sources_make_no_write_and_no_build() {
    let front = front();
    let (ended, calls) = stack().checkout.through(&front, "dev", "deploy dev --output json");
    let view = ended.expect(0);
    assert!(!view.stderr.contains("Building"), "{}", view.stderr);
    assert_eq!(writes(&calls), Vec::<&Call>::new());
    let view = view.json();
    assert_eq!((&view["changed"], &view["release"]), (&json!(false), &json!(1)));
    // What the binary says of itself is what went over the wire.
    assert_eq!(view["aws_calls"]["total"], calls.len());
    assert_eq!(view["aws_calls"]["writes"], 0);
}

pub(crate) fn a_change_to_docs_terraform_or_the_deployer_is_no_change_of_a_function() {
    let checkout = &stack().checkout;
    let files = ["deployer/src/main.rs", "terraform/main.tf", "deployer/Cargo.toml"];
    let _kept: Vec<_> = files.iter().map(|file| checkout.keeping(file)).collect();
    checkout.edit(files[0], "//!", "//! changed\n//!");
    checkout.edit(files[1], "#", "# changed\n#");
    checkout.edit(files[2], "# ", "# changed\n# ");
    checkout.write("function/NOTES.md", "prose");
    checkout.deployer("plan dev --detailed-exitcode").expect(0);
    std::fs::remove_file(checkout.root.join("function/NOTES.md")).unwrap();
}

pub(crate) fn changed_code_is_checked_before_its_alias_moves_and_then_answers() {
    let checkout = &stack().checkout;
    let (before, number) = (version("counter"), live());
    let kept = checkout.keeping(REPLIES);
    checkout.edit(REPLIES, SENTENCE, "There is nothing here.");
    checkout.deployer("plan dev --detailed-exitcode").expect(2);
    let front = front();
    let (ended, calls) = checkout.through(&front, "dev", "deploy dev --output json");
    let view = ended.expect(0).json();
    assert_eq!(view["release"], number + 1);
    let (upload, publish) = (span(&calls, "UpdateFunctionCode"), span(&calls, "PublishVersion"));
    let (check, switch, url) = (span(&calls, "Invoke"), span(&calls, "UpdateAlias"), span(&calls, "URL"));
    assert!(upload.0 < publish.0 && publish.0 < check.0, "{:?}", names(&calls));
    assert!(check.1 < switch.0 && switch.1 < url.0, "{:?}", names(&calls));
    assert!(!names(&calls).contains(&"CreateDeployment") && !names(&calls).contains(&"UpdateStage"));
    assert!(calls.iter().filter(|call| call.name == "UpdateAlias").all(|call| call.body.contains("RoutingConfig")));
    assert_ne!(version("counter"), before);
    let url = stack().url("dev");
    let (_, headers, body) = stack().get(&format!("{url}/health"));
    assert_eq!(body["version"], version("counter"));
    assert!(headers.contains(&format!("\"x-function-version\": \"{}\"", version("counter"))), "{headers}");
    drop(kept);
    checkout.deployer("deploy dev").expect(0);
    assert_eq!(release(number + 1)["state"]["S"], "superseded");
    assert_eq!(release(number + 2)["state"]["S"], "live");
}

/// The emulator serves the live definition whatever the stage's deployment: its URL would prove nothing.
pub(crate) fn a_changed_definition_gets_a_deployment_and_no_new_version() {
    let api = stack().api("dev");
    let response = format!("/restapis/{api}/gatewayresponses/THROTTLED");
    let (before, versions) = (stack().status("dev")["deployment_id"].clone(), version("counter"));
    stack().behind(
        "dev",
        "PUT",
        &response,
        None,
        &json!({"responseTemplates": {"application/json": "{\"slow\":true}"}}),
    );
    let front = front();
    let (ended, calls) = stack().checkout.through(&front, "dev", "deploy dev --output json");
    let view = ended.expect(0).json();
    let changes: Vec<_> =
        writes(&calls).into_iter().filter(|call| !["URL", "TransactWriteItems"].contains(&call.name)).collect();
    assert_eq!(changes.iter().map(|call| call.name).collect::<Vec<_>>(), ["CreateDeployment", "UpdateStage"]);
    assert!(!changes[0].body.contains("stageName"), "{}", changes[0].body);
    let after = stack().status("dev")["deployment_id"].clone();
    assert_ne!(after, before);
    assert_eq!(view["deployment_id"], after);
    // Both in one call: an answer that names the new deployment comes from it.
    assert!(changes[1].body.contains("/deploymentId") && changes[1].body.contains("/variables/deployment"));
    let (_, headers, _) = stack().get(&format!("{}/health", stack().url("dev")));
    assert!(headers.contains(&format!("\"x-api-deployment\": {after}")), "{headers}");
    assert_eq!(version("counter"), versions);
    stack().behind("dev", "DELETE", &response, None, &Value::Null);
    stack().checkout.deployer("deploy dev").expect(0);
}

pub(crate) fn changed_settings_publish_the_live_code_again() {
    let (before, code) = (version("counter"), stack().status("dev")["functions"]["counter"]["code_sha256"].clone());
    let configuration = "/2015-03-31/functions/resume-visitor-counter-dev/configuration";
    stack().behind("dev", "PUT", configuration, None, &json!({"MemorySize": 192}));
    let plan = stack().checkout.deployer("plan dev").expect(0).stdout;
    assert!(plan.contains("Terraform changed MemorySize"), "{plan}");
    let front = front();
    let (ended, calls) = stack().checkout.through(&front, "dev", "deploy dev");
    assert!(!ended.expect(0).stderr.contains("Building"));
    assert_eq!(calls.iter().filter(|call| call.name == "PublishVersion").count(), 1);
    assert_ne!(version("counter"), before);
    assert_eq!(stack().status("dev")["functions"]["counter"]["code_sha256"], code);
    stack().behind("dev", "PUT", configuration, None, &json!({"MemorySize": 128}));
    stack().checkout.deployer("deploy dev").expect(0);
}

pub(crate) fn terraform_changes_memory_and_deploy_releases_it() {
    let (before, code) = (version("counter"), stack().status("dev")["functions"]["counter"]["code_sha256"].clone());
    stack().terraform("dev", &["apply", "-auto-approve", "-var=memory_size=256"]);
    // The alias stays where the last release left it: what Terraform changed waits for the next one.
    assert_eq!(version("counter"), before);
    let front = front();
    let (ended, _) = stack().checkout.through(&front, "dev", "deploy dev");
    ended.expect(0).says(["Terraform changed MemorySize"]);
    let after = version("counter");
    assert_ne!(after, before);
    let live = stack().behind("dev", "GET", &format!("{FUNCTION}?Qualifier={after}"), None, &Value::Null);
    assert_eq!((&live["Configuration"]["MemorySize"], &live["Configuration"]["CodeSha256"]), (&json!(256), &code));
    stack().terraform("dev", &["plan", "-detailed-exitcode", "-var=memory_size=256"]);
    stack().terraform("dev", &["apply", "-auto-approve"]);
    stack().checkout.through(&front, "dev", "deploy dev").0.expect(0);
    stack().assert_terraform_plan_is_empty("dev");
}

pub(crate) fn a_check_that_fails_before_traffic_moves_no_alias() {
    let checkout = &stack().checkout;
    let (before, number) = (stack().status("dev"), live());
    let kept = checkout.keeping(COUNTER);
    checkout.edit(COUNTER, r#""status": "ok""#, r#""status": "poor""#);
    let front = front();
    let (ended, calls) = checkout.through(&front, "dev", "deploy dev");
    ended.expect(6).says(["check `health` failed before traffic", "the body differs at `$.status`", "hint: "]);
    assert!(!names(&calls).contains(&"UpdateAlias") && !names(&calls).contains(&"URL"), "{:?}", names(&calls));
    assert_eq!(stack().status("dev"), before);
    let failed = stack().last_release("dev");
    assert_eq!(failed["state"]["S"], "failed");
    assert!(failed["number"]["N"].as_str().unwrap().parse::<u64>().unwrap() > number);
    drop(kept);
    checkout.deployer("deploy dev").expect(0);
    assert_eq!(live(), number, "the sources are those of the live release again");
}

pub(crate) fn a_check_that_fails_through_the_url_is_taken_back() {
    let checkout = &stack().checkout;
    let (before, prod) = (stack().status("dev"), stack().status("prod"));
    let _kept = [checkout.keeping(REPLIES), checkout.keeping("deployer.toml")];
    checkout.edit(REPLIES, SENTENCE, "There is nothing there.");
    // A check that writes goes through the URL only, when everything has moved.
    checkout.edit(
        "deployer.toml",
        "name = \"count\"\nfunction = \"counter\"\nrequest = \"GET /count\"\nstatus = 200",
        "name = \"count\"\nfunction = \"counter\"\nrequest = \"GET /count\"\nstatus = 418",
    );
    let front = front();
    let (ended, calls) = checkout.through(&front, "dev", "deploy dev");
    ended.expect(6).says(["was taken back to release", "check `count` failed", "status 200, not 418"]);
    let moves = calls.iter().filter(|call| call.name == "UpdateAlias").count();
    assert_eq!(moves, 2, "there and back: {:?}", names(&calls));
    assert_eq!(stack().status("dev"), before);
    assert_eq!(stack().last_release("dev")["state"]["S"], "rolled-back");
    assert_eq!(stack().status("prod"), prod, "prod was touched");
    let (_, _, body) = stack().get(&format!("{}/health", stack().url("dev")));
    assert_eq!(body["version"], before["functions"]["counter"]["version"]);
}

pub(crate) fn of_two_deploys_at_once_one_makes_the_release() {
    let checkout = &stack().checkout;
    let number = stack().last_number("dev");
    let kept = checkout.keeping(REPLIES);
    checkout.edit(REPLIES, SENTENCE, "There is not much here.");
    let start = || {
        checkout
            .command()
            .args(["--local", "deploy", "dev"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let (first, second) = (start(), start());
    let ended: Vec<_> = [first, second].into_iter().map(|run| run.wait_with_output().unwrap()).collect();
    let mut codes: Vec<_> = ended.iter().map(|output| output.status.code().unwrap()).collect();
    codes.sort_unstable();
    // The slower one is refused by the lock, or comes so late that there is nothing left to do.
    assert!(codes == [0, 5] || codes == [0, 0], "{ended:?}");
    assert_eq!(stack().last_number("dev"), number + 1);
    for output in ended.iter().filter(|output| output.status.code() == Some(5)) {
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(words.contains("is held by") || words.contains("another run was quicker"), "{words}");
    }
    drop(kept);
    checkout.deployer("deploy dev").expect(0);
}

pub(crate) fn sigterm_in_the_middle_takes_back_and_frees_the_lock() {
    let checkout = &stack().checkout;
    let before = stack().status("dev");
    let kept = checkout.keeping(REPLIES);
    checkout.edit(REPLIES, SENTENCE, "There is little here.");
    let number = stack().last_number("dev");
    let run = checkout
        .command()
        .args(["--local", "deploy", "dev"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while stack().last_number("dev") == number {
        assert!(started.elapsed() < Duration::from_secs(120), "no release began");
        std::thread::sleep(Duration::from_millis(20));
    }
    let told = Instant::now();
    std::process::Command::new("kill").arg(run.id().to_string()).status().unwrap();
    let output = run.wait_with_output().unwrap();
    assert!(told.elapsed() < Duration::from_secs(7), "{:?}", told.elapsed());
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(words.contains("interrupted by SIGTERM"), "{words}");
    assert_ne!(output.status.code(), Some(0));
    assert_eq!(stack().status("dev"), before);
    drop(kept);
}

pub(crate) fn terraform_has_nothing_to_do_after_all_of_it() {
    stack().assert_terraform_plan_is_empty("dev");
    stack().assert_terraform_plan_is_empty("prod");
}
