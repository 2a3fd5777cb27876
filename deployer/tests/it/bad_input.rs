//! Bad input: each ends before anything was changed, with one error that names the object, a hint, and its own code.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Ended, StopWhenDropped};
use crate::stack;

/// Runs `deploy dev` with `deployer.toml` edited.
fn with_configuration(from: &str, to: &str) -> Ended {
    let checkout = &stack().checkout;
    let text = checkout.read("deployer.toml");
    assert!(text.contains(from), "no `{from}`");
    checkout.write("edited.toml", &text.replacen(from, to, 1));
    checkout.deployer("deploy dev --config edited.toml")
}

/// Puts a contract for the app `other` into dev's ledger, changed in one place, and deploys that app.
fn with_contract(path: &[&str], value: &Value) -> Ended {
    let mut item = stack().ledger_item("dev", "stack");
    item["pk"] = json!({"S": "other"});
    let mut place = &mut item;
    for name in path {
        place = &mut place[*name];
    }
    *place = value.clone();
    stack().put_ledger_item("dev", &item);
    with_configuration("app = \"resume-visitor-counter\"", "app = \"other\"")
}

pub(crate) fn bad_input_is_refused_with_a_hint_and_changes_nothing() {
    let number = stack().last_number("dev");
    an_unknown_environment_is_refused_with_the_known_ones();
    a_malformed_configuration_is_named_with_line_and_column();
    an_unknown_flag_is_a_usage_error();
    a_ledger_without_a_contract_is_refused();
    a_ledger_that_does_not_exist_is_refused();
    a_contract_of_a_newer_schema_is_refused();
    a_contract_of_another_environment_is_refused();
    an_alias_that_does_not_exist_is_refused();
    missing_credentials_are_refused();
    a_missing_profile_is_named_whatever_keys_there_are();
    a_package_that_does_not_compile_shows_the_compilers_errors();
    a_moved_alias_is_drift_and_nothing_is_overwritten();
    a_held_lock_is_refused_and_its_holder_named();
    all_of_that_made_no_release_and_left_no_lock(number);
}

fn an_unknown_environment_is_refused_with_the_known_ones() {
    for command in ["deploy", "plan", "check", "status"] {
        let ended = stack().checkout.deployer(&format!("{command} staging")).expect(3);
        ended.says(["unknown local environment `staging`", "hint: ", "`dev`, `prod`"]);
    }
}

fn a_malformed_configuration_is_named_with_line_and_column() {
    with_configuration("[build]", "[build").expect(3).says(["edited.toml", "line 6, column 7", "hint: "]);
}

fn an_unknown_flag_is_a_usage_error() {
    stack().checkout.deployer("deploy dev --frobnicate").expect(64).says(["--frobnicate"]);
}

fn a_ledger_without_a_contract_is_refused() {
    let ended = with_configuration("app = \"resume-visitor-counter\"", "app = \"unknown\"").expect(3);
    ended.says([
        "`resume-visitor-counter-ledger-dev` has no stack contract for app `unknown`",
        "hint: apply the infrastructure code that writes it",
    ]);
}

fn a_ledger_that_does_not_exist_is_refused() {
    let ended = with_configuration("ledger = \"resume-visitor-counter-ledger-dev\"", "ledger = \"nothing\"").expect(3);
    ended.says(["table `nothing`, the ledger, does not exist", "hint: "]);
}

fn a_contract_of_a_newer_schema_is_refused() {
    with_contract(&["schema", "N"], &json!("3"))
        .expect(4)
        .says(["has schema 3", "hint: install a newer version of deployer"]);
}

fn a_contract_of_another_environment_is_refused() {
    for (what, other) in [("account", "999999999999"), ("region", "eu-west-3"), ("environment", "staging")] {
        let ended = with_contract(&[what, "S"], &json!(other)).expect(4);
        ended.says([&format!("belongs to {what} `{other}`"), "hint: check which credentials are used"]);
    }
}

fn an_alias_that_does_not_exist_is_refused() {
    let path = ["functions", "M", "counter", "M", "alias", "S"];
    let ended = with_contract(&path, &json!("nowhere")).expect(4);
    ended.says(["`resume-visitor-counter-dev` or its alias `nowhere` does not exist", "hint: create them"]);
}

fn missing_credentials_are_refused() {
    let checkout = &stack().checkout;
    let home = checkout.root.join("empty-home");
    std::fs::create_dir_all(&home).unwrap();
    let mut command = checkout.command();
    for name in ["AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        command.env_remove(name);
    }
    // Not `--local`: this is how a user without credentials meets a real account. The rest of cargo's home stays.
    let cargo = std::path::Path::new(env!("CARGO")).to_path_buf();
    command.env("CARGO", cargo).env("HOME", &home).env("AWS_EC2_METADATA_DISABLED", "true").args(["status", "dev"]);
    let output = command.output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{words}");
    assert!(
        words.contains("no AWS credentials were found")
            && words.contains("hint: pass `--local` for the local AWS; for the real AWS, log in"),
        "{words}"
    );
}

/// What `deployer.toml` names wins over keys in the environment.
fn a_missing_profile_is_named_whatever_keys_there_are() {
    let checkout = &stack().checkout;
    let text =
        checkout.read("deployer.toml").replacen("[environments.dev]", "[environments.dev]\nprofile = \"unknown\"", 1);
    checkout.write("profile.toml", &text);
    let home = checkout.root.join("empty-home");
    let mut command = checkout.command();
    command
        .env("CARGO", env!("CARGO"))
        .env("HOME", &home)
        .env("AWS_ACCESS_KEY_ID", "AKIA")
        .env("AWS_SECRET_ACCESS_KEY", "key");
    let ended = Ended::of(&command.args(["status", "dev", "--config", "profile.toml"]).output().unwrap()).expect(3);
    ended.says(["the profile `unknown` is not in the AWS configuration files", "check the profile in `~/.aws/config`"]);
}

fn a_package_that_does_not_compile_shows_the_compilers_errors() {
    let checkout = &stack().checkout;
    let _kept = checkout.keeping("function/src/reply.rs");
    checkout.edit("function/src/reply.rs", "status: u16,", "status: Unheard,");
    let ended = checkout.deployer("deploy dev").expect(1);
    ended.says(["function/src/reply.rs:", "cannot find type `Unheard`", "does not compile", "hint: "]);
}

fn a_moved_alias_is_drift_and_nothing_is_overwritten() {
    let alias = "/2015-03-31/functions/resume-visitor-counter-dev/aliases/live";
    let version = stack().status("dev")["functions"]["counter"]["version"].clone();
    stack().behind("dev", "PUT", alias, None, &json!({"FunctionVersion": "1"}));
    let ended = stack().checkout.deployer("deploy dev").expect(4);
    ended.says(["drift: alias `live` of `resume-visitor-counter-dev` points to version 1", "hint: "]);
    assert!(stack().status("dev")["drift"].as_str().unwrap().contains("points to version 1"));
    assert_eq!(stack().behind("dev", "GET", alias, None, &Value::Null)["FunctionVersion"], "1");
    stack().behind("dev", "PUT", alias, None, &json!({"FunctionVersion": version}));
    assert_eq!(stack().status("dev")["drift"], Value::Null);
}

fn a_held_lock_is_refused_and_its_holder_named() {
    let checkout = &stack().checkout;
    let kept = checkout.keeping("function/src/reply.rs");
    checkout.edit("function/src/reply.rs", "There is nothing at this path.", "There is something.");
    let (ended, idle) =
        while_ada_has_the_lock("dev", || (checkout.deployer("deploy dev"), checkout.deployer("status --idle dev")));
    drop(kept);
    ended.expect(5).says([
        "ada (`deploy dev`",
        "has the lock of ledger",
        "https://ci.example/7",
        "hint: wait for that run",
    ]);
    idle.expect(5).says(["a release is in progress: ada (`deploy dev`", "hint: wait for that run"]);
    assert_eq!(checkout.deployer("status --idle dev").expect(0).stdout, "dev: no release is under way\n");
}

/// Does something while another run has the lock of an environment, and shows that it is alive.
pub(crate) fn while_ada_has_the_lock<T>(environment: &str, then: impl FnOnce() -> T) -> T {
    let lock = stack().ledger_item(environment, "lock");
    let mut held = lock.clone();
    let text = |text: &str| json!({"S": text});
    held["holder"] = json!({"M": {
        "id": text("x"), "actor": text("ada"), "run_url": text("https://ci.example/7"),
        "command": text("deploy dev"), "since": text("2026-01-01T00:00:00Z"), "lease_seconds": {"N": "20"},
    }});
    let done = AtomicBool::new(false);
    let result = std::thread::scope(|scope| {
        scope.spawn(|| {
            for beat in 1.. {
                held["beat"] = json!({"N": beat.to_string()});
                stack().put_ledger_item(environment, &held);
                if done.load(Ordering::SeqCst) {
                    break;
                }
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        while stack().ledger_item(environment, "lock")["holder"].is_null() {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _dies_with_the_test = StopWhenDropped(&done);
        then()
    });
    stack().put_ledger_item(environment, &lock);
    result
}

fn all_of_that_made_no_release_and_left_no_lock(number: u64) {
    let (checkout, status) = (&stack().checkout, stack().status("dev"));
    assert_eq!(stack().last_number("dev"), number);
    assert_eq!((&status["drift"], &status["lock"]), (&Value::Null, &Value::Null));
    checkout.deployer("deploy dev").expect(0);
    assert_eq!(stack().last_number("dev"), number);
    assert_eq!(checkout.trapped(), 0, "a process used the user's endpoint or proxy");
}
