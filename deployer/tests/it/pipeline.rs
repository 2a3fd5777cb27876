//! The workflows as their users meet them: a push, a click, and what the run's page says. From two empty accounts on.

use std::path::Path;

use serde_json::{Value, json};

use crate::actions::{Event, GitHub};
use crate::harness::SENTENCE;
use crate::infrastructure::left;
use crate::stack;
use crate::strict::{Action, At, Front};

const FILE: &str = "function/src/reply.rs";
const COMMIT: &str = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";

fn github(name: &str) -> GitHub {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("github").join(name);
    let checkout = &stack().checkout;
    GitHub::new(root, checkout.root.clone(), ["dev", "prod"].map(|environment| checkout.port(environment)))
}

fn push() -> Event {
    Event { workflow: "deploy", commit: COMMIT.to_owned(), ..Event::default() }
}

fn dispatched(workflow: &'static str, inputs: Value) -> Event {
    Event { workflow, inputs: Some(inputs), commit: COMMIT.to_owned(), ..Event::default() }
}

fn rollback(environment: &str, to: &str) -> Event {
    dispatched("rollback", json!({"environment": environment, "to": to, "force": false, "adopt": false}))
}

fn promote(from: &str, release: &str, to: &str) -> Event {
    let inputs =
        json!({"from": from, "release": release, "to": to, "downgrade": false, "allow_definition_diff": false});
    dispatched("promote", inputs)
}

/// What serves in an environment, and who holds its lock.
fn serves(environment: &str) -> (Value, Value, Value) {
    let status = stack().status(environment);
    (status["release"].clone(), status["functions"].clone(), status["lock"].clone())
}

pub(crate) fn a_push_brings_an_empty_account_to_dev_and_approved_to_prod() {
    for (environment, account) in [("dev", "111111111111"), ("prod", "222222222222")] {
        assert_eq!(left(environment), [format!("bucket resume-visitor-counter-tfstate-{account}")]);
    }
    let run = github("push").run(&push());
    run.expect(["build", "attest", "dev", "prod-plan", "prod"].map(|job| (job, "success")));

    let (dev, prod) = (run.job("dev"), run.job("prod"));
    assert_eq!(dev.outputs, json!({"release": "1"}));
    for (job, environment) in [(dev, "dev"), (prod, "prod")] {
        assert_eq!(job.url, stack().url(environment));
        let (status, _, body) = stack().get(&format!("{}/count", job.url));
        assert_eq!((status, &body["count"]), (200, &json!(1)), "{body}");
        for part in ["release 1", "| `counter` |", "| health", "```mermaid", "Terraform plan of `"] {
            assert!(job.summary.contains(part), "no `{part}` in {environment}'s summary:\n{}", job.summary);
        }
    }
    assert!(run.job("prod-plan").summary.contains("to add"), "{}", run.job("prod-plan").summary);
    let sums = ["dev", "prod"].map(|environment| {
        let release = stack().release(environment, 1);
        release["parts"]["functions"]["counter"]["code_sha256"].clone()
    });
    assert_eq!(sums[0], sums[1]);
    for job in run.jobs.values() {
        let shown = job.log.replace("::add-mask::", "");
        let masked = |line: &&str| !job.log.contains(&format!("::add-mask::{line}"));
        let mut lines = shown.lines().filter(masked);
        assert!(!lines.any(|line| line.contains("-key-of-the-run") || line.contains("-token-of-the-run")), "{shown}");
    }
}

pub(crate) fn what_nobody_approved_stays_in_dev_until_a_click_promotes_it() {
    let github = github("promote");
    let kept = stack().checkout.keeping(FILE);
    stack().checkout.edit(FILE, SENTENCE, "There is nothing, still.");
    let run = github.run(&Event { unapproved: vec!["prod"], ..push() });
    drop(kept);
    run.expect([("dev", "success"), ("prod-plan", "success"), ("prod", "waiting")]);
    assert_eq!((serves("dev").0, serves("prod").0), (json!(2), json!(1)));

    let run = github.run(&promote("dev", "", "prod"));
    let end = run.expect([("promote", "success")]).job("promote");
    assert!(end.summary.contains("deployer rollback prod --to 1"), "{}", end.summary);
    assert_eq!((serves("prod").0, &end.url), (json!(2), &stack().url("prod")));
    // Once more, by its number: nothing to do, and that is no failure.
    let run = github.run(&promote("dev", "2", "prod"));
    run.expect([("promote", "success")]);
    assert_eq!(serves("prod").0, json!(2));
}

pub(crate) fn a_click_rolls_back() {
    let run = github("rollback").run(&rollback("prod", "previous"));
    let end = run.expect([("rollback", "success")]).job("rollback");
    assert!(end.summary.contains("back to 1"), "{}", end.summary);
    assert_eq!(stack().release("prod", 3)["back_to"], 1);
    assert_eq!(stack().release("prod", 3)["parts"], stack().release("prod", 1)["parts"]);
}

pub(crate) fn a_check_that_fails_stops_the_push_before_prod_and_tells_why() {
    let before = (serves("dev"), serves("prod"));
    let checkout = &stack().checkout;
    let kept = (checkout.keeping(FILE), checkout.keeping("deployer.toml"));
    checkout.edit(FILE, SENTENCE, "There is nothing at all.");
    checkout.edit("deployer.toml", "body = { status = \"ok\" }", "body = { status = \"never\" }");
    let run = github("failing-check").run(&push());
    drop(kept);
    run.expect([("build", "success"), ("dev", "failure"), ("prod-plan", "skipped"), ("prod", "skipped")]);
    let dev = run.job("dev");
    dev.annotates(["check `health`"]);
    assert!(dev.summary.contains("health") && dev.summary.contains("failed"), "{}", dev.summary);
    assert_eq!((serves("dev"), serves("prod")), before);
}

pub(crate) fn a_cancelled_job_takes_back_what_it_moved_before_it_is_killed() {
    let before = serves("dev");
    let checkout = &stack().checkout;
    let kept = (checkout.keeping(FILE), checkout.keeping("deployer.toml"));
    checkout.edit(FILE, SENTENCE, "There is nothing any more.");
    let canary = "account = \"111111111111\", traffic = { strategy = \"canary\", percent = 40, bake_seconds = 120 }";
    checkout.edit("deployer.toml", "account = \"111111111111\"", canary);
    let run = github("cancelled").run(&Event { cancelled_at: Some("Shifted"), ..push() });
    drop(kept);
    run.expect([("dev", "cancelled"), ("prod", "skipped")]);
    let dev = run.job("dev");
    assert!(dev.log.contains("[cancelled: SIGINT]"), "{}", dev.log);
    assert!(!dev.log.contains("[cancelled: SIGKILL]"), "it had to be killed:\n{}", dev.log);
    assert!(dev.summary.contains("taken back"), "{}", dev.summary);
    assert_eq!(serves("dev"), before, "and no lock is left");
}

pub(crate) fn what_cannot_be_is_an_annotation_that_says_what_to_do_and_changes_nothing() {
    let mut github = github("bad-input");
    let before = (serves("dev"), serves("prod"), stack().last_number("prod"));
    let fails = |github: &GitHub, event: &Event, job: &str, words: [&str; 2]| {
        let run = github.run(event);
        run.expect([(job, "failure")]).job(job).annotates(words);
    };
    fails(
        &github,
        &rollback("stage", "1"),
        "rollback",
        ["`stage` has no variable AWS_ROLE_ARN", "Settings > Environments"],
    );
    fails(&github, &rollback("prod", "99"), "rollback", ["99", "deployer history prod"]);
    fails(&github, &promote("dev", "77", "prod"), "promote", ["77", "deployer history dev"]);

    // The artifact is another than the one that was attested.
    for replaced in ["deployer/deployer", "artifact/manifest.json"] {
        let run = github.run(&Event { replaced: Some(replaced), ..push() });
        run.expect([("attest", "success"), ("dev", "failure"), ("prod", "skipped")]);
        run.job("dev").annotates(["was not built from commit c0ffee", "Run the workflow again"]);
    }

    // The role of another environment does not trust this one.
    let foreign = github.variables["dev"]["AWS_ROLE_ARN"].clone();
    let own = github.variables.get_mut("prod").unwrap().insert("AWS_ROLE_ARN".to_owned(), foreign).unwrap();
    fails(
        &github,
        &rollback("prod", "1"),
        "rollback",
        ["not authorized to perform sts:AssumeRoleWithWebIdentity", "prod"],
    );
    github.variables.get_mut("prod").unwrap().insert("AWS_ROLE_ARN".to_owned(), own);

    let front = Front::before(stack().checkout.port("prod"));
    front.on(At::any(), Action::Fail { status: 403, code: "ExpiredTokenException" });
    let kept = stack().checkout.keeping("deployer.toml");
    let port = format!("port = {}", stack().checkout.port("prod"));
    stack().checkout.edit("deployer.toml", &port, &format!("port = {}", front.port));
    fails(&github, &rollback("prod", "1"), "rollback", ["ExpiredToken", "credentials"]);
    drop(kept);
    assert_eq!((serves("dev"), serves("prod"), stack().last_number("prod")), before);
}
