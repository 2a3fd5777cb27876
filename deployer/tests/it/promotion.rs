//! Promotions: the bytes of one environment, released to another account.

use serde_json::{Value, json};

use crate::harness::SENTENCE;
use crate::stack;
use crate::strict::Front;

const CHANGED: &str = "There is nothing to see.";

/// Moves prod with a canary or not: the local AWS says at once unless told otherwise.
fn prod() -> Front {
    Front::before(stack().checkout.port("prod"))
}

fn code(environment: &str) -> Vec<Value> {
    let status = stack().status(environment);
    ["counter", "preflight"].map(|key| status["functions"][key]["code_sha256"].clone()).to_vec()
}

pub(crate) fn promote_moves_the_bytes_of_dev_to_prod_and_builds_nothing() {
    let stack = stack();
    let changed = stack.checkout.artifact(CHANGED);
    let dev = stack.released("dev", &changed);
    let deployment = stack.status("prod")["deployment_id"].clone();
    let (ended, calls) = stack.promoted("promote dev prod --output json");
    let view = ended.expect(0);
    assert!(!view.stderr.contains("Building"), "{}", view.stderr);
    let view = view.json();
    assert_eq!((&view["kind"], &view["from"]), (&json!("promote"), &json!(format!("dev@{dev}"))));
    assert_eq!(code("prod"), code("dev"), "byte for byte");
    // Configuration and definition are prod's own: where they did not change, nothing of them moves.
    assert_eq!(stack.status("prod")["deployment_id"], deployment);
    assert_eq!(calls.iter().filter(|call| call.name == "PublishVersion").count(), 1, "only the counter changed");
    let again = stack.promoted("promote dev prod --output json").0.expect(0).json();
    assert_eq!(again["changed"], false);
    // An older release by its number.
    let base = stack.checkout.artifact(SENTENCE);
    let older = stack.released("dev", &base);
    stack.released("dev", &changed);
    let ended = stack.promoted(&format!("promote dev@{older} prod --output json")).0.expect(0);
    assert_eq!(ended.json()["from"], format!("dev@{older}"));
    stack.released("dev", &base);
    assert_eq!(code("prod"), code("dev"));
}

/// As on AWS, where the two are accounts: with prod's credentials, through a role that may do three things.
pub(crate) fn promote_reads_the_other_account_through_a_role_that_may_read_and_nothing_else() {
    let (stack, front) = (stack(), prod());
    let role = "arn:aws:iam::111111111111:role/resume-visitor-counter-reader-dev";
    front.role(role, "111111111111", &["GetCallerIdentity", "GetItem", "Query", "GetFunction", "Download"]);
    front.route("111111111111", stack.checkout.port("dev"));
    let changed = stack.checkout.artifact(CHANGED);
    stack.released("dev", &changed);
    let text = stack.checkout.read("deployer.toml");
    stack.checkout.write("roles.toml", &text.replace("\"resume-visitor-counter-dev-read\"", &format!("\"{role}\"")));
    let mut command = stack.checkout.command();
    for name in ["AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_LAMBDA", "HTTP_PROXY", "http_proxy"] {
        command.env_remove(name);
    }
    let endpoint = format!("http://127.0.0.1:{}", front.port);
    command.env("AWS_ENDPOINT_URL", endpoint).env("AWS_ACCESS_KEY_ID", "222222222222");
    command.env("AWS_EC2_METADATA_DISABLED", "true");
    // Prod of a real account is a canary of minutes: this test is about credentials.
    let text = stack.checkout.read("roles.toml").replace(
        "strategy = \"canary\"\npercent = 10\nbake_seconds = 180\nwatch_seconds = 180",
        "strategy = \"all-at-once\"",
    );
    stack.checkout.write("roles.toml", &text);
    let output = command.args(["promote", "dev", "prod", "--config", "roles.toml"]).output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{words}");
    let calls = front.take();
    let read: Vec<_> = calls.iter().filter(|call| call.role.is_some()).map(|call| call.name).collect();
    assert!(read.contains(&"GetFunction") && read.contains(&"Query"), "{read:?}");
    assert_eq!(calls.iter().filter(|call| call.name == "AssumeRole").count(), 1);
    assert_eq!(code("prod"), code("dev"));
    let base = stack.checkout.artifact(SENTENCE);
    stack.released("dev", &base);
    stack.promoted("promote dev prod").0.expect(0);
}

pub(crate) fn a_promotion_of_an_environment_to_itself_is_refused() {
    stack().checkout.deployer("promote dev dev").expect(3).says(["`dev` cannot be promoted to itself", "hint: "]);
}

pub(crate) fn a_promotion_of_what_does_not_exist_or_is_not_stable_is_refused() {
    let stack = stack();
    let ended = stack.checkout.deployer("promote dev@9999 prod").expect(4);
    ended.says(["`dev` has no release 9999", "hint: `deployer history dev`"]);
    stack.checkout.deployer("promote dev@x prod").expect(3).says(["`x` is no release number"]);
    let failed = failed_release();
    let ended = stack.checkout.deployer(&format!("promote dev@{failed} prod")).expect(4);
    ended.says([&format!("release {failed} of `dev` is not stable"), "hint: "]);
}

/// The newest release of dev that never was stable.
fn failed_release() -> u64 {
    let history = stack().checkout.deployer("history dev --limit 1000 --output json").expect(0).json();
    let releases = history["releases"].as_array().unwrap().clone();
    releases.iter().find(|release| release["stable"] == false).unwrap()["release"].as_u64().unwrap()
}

pub(crate) fn a_promotion_to_an_environment_that_runs_a_later_commit_is_refused_unless_meant() {
    let stack = stack();
    let changed = stack.checkout.artifact(CHANGED);
    stack.released("dev", &changed);
    let live = stack.ledger_item("prod", "live");
    let mut later = live.clone();
    // Of a commit that git does not have here, one second after the one that is promoted.
    let artifact = &mut later["release"]["M"]["artifact"]["M"];
    let seconds: i64 = artifact["committed_at"]["N"].as_str().unwrap().parse().unwrap();
    artifact["committed_at"] = json!({"N": (seconds + 1).to_string()});
    artifact["commit"] = json!({"S": "f".repeat(40)});
    stack.put_ledger_item("prod", &later);
    let refused = stack.promoted("promote dev prod").0;
    let meant = stack.promoted("promote dev prod --downgrade --output json").0;
    refused.expect(4).says(["of `prod` is of a later commit", "hint: release the newer commit"]);
    assert_eq!(meant.expect(0).json()["changed"], true);
    let base = stack.checkout.artifact(SENTENCE);
    stack.released("dev", &base);
    stack.promoted("promote dev prod").0.expect(0);
}

pub(crate) fn a_promotion_to_another_api_definition_is_refused_with_the_difference() {
    let stack = stack();
    let changed = stack.checkout.artifact(CHANGED);
    stack.released("dev", &changed);
    let api = stack.api("prod");
    let response = format!("/restapis/{api}/gatewayresponses/THROTTLED");
    let body = json!({"responseTemplates": {"application/json": "{\"slow\":true}"}});
    stack.behind("prod", "PUT", &response, None, &body);
    let refused = stack.promoted("promote dev prod").0;
    let allowed = stack.promoted("promote dev prod --allow-definition-diff --output json").0;
    stack.behind("prod", "DELETE", &response, None, &Value::Null);
    refused.expect(4).says(["it differs in gateway response THROTTLED", "hint: "]);
    let view = allowed.expect(0).json();
    assert_eq!(view["changed"], true);
    let base = stack.checkout.artifact(SENTENCE);
    stack.released("dev", &base);
    stack.promoted("promote dev prod").0.expect(0);
}

pub(crate) fn a_promotion_of_bytes_that_are_not_the_tested_ones_is_refused() {
    let (stack, number) = (stack(), stack().last_number("prod"));
    let changed = stack.checkout.artifact(CHANGED);
    stack.released("dev", &changed);
    let live = stack.ledger_item("dev", "live");
    let mut other = live.clone();
    let wrong = json!({"S": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="});
    other["release"]["M"]["parts"]["M"]["functions"]["M"]["counter"]["M"]["code_sha256"] = wrong;
    stack.put_ledger_item("dev", &other);
    let refused = stack.promoted("promote dev prod").0;
    stack.put_ledger_item("dev", &live);
    refused.expect(4).says(["is not the code that its release tested", "hint: "]);
    assert_eq!(stack.last_number("prod"), number, "nothing was written");
    let base = stack.checkout.artifact(SENTENCE);
    stack.released("dev", &base);
}
