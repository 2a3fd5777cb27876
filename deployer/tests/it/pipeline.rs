//! The workflows as their users meet them: a push, a click, and what the run's page says. From two empty accounts on.

use std::path::Path;

use serde_json::{Value, json};

use crate::actions::{Event, GitHub, REPOSITORY, asset, comments, declared, published, replace_comment, workflows};
use crate::bad_input::while_ada_holds_the_lock;
use crate::harness::{SENTENCE, repository};
use crate::infrastructure::left;
use crate::stack;
use crate::strict::{Action, At, Front};

const FILE: &str = "function/src/reply.rs";
const VALUES: &str = "terraform/environments/local-dev.tfvars";
const COMMIT: &str = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";

fn github(name: &str) -> GitHub {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("github").join(name);
    let checkout = &stack().checkout;
    GitHub::new(root, checkout.root.clone(), ["dev", "prod"].map(|environment| checkout.port(environment)))
        .with_an_earlier_run()
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
    let inputs = json!({
        "from": from, "release": release, "to": to, "downgrade": false, "allow_definition_diff": false, "unverified": false,
    });
    dispatched("promote", inputs)
}

/// What serves in an environment, and who holds its lock.
fn serves(environment: &str) -> (Value, Value, Value) {
    let status = stack().status(environment);
    (status["release"].clone(), status["functions"].clone(), status["lock"].clone())
}

/// A repository that was set up yesterday and pushes tomorrow: nothing is there that could have drifted.
pub(crate) fn before_the_first_deploy_there_is_no_drift() {
    let run = github("drift-of-nothing").run(&dispatched("drift", json!({})));
    let log = &run.expect([("drift", "success")]).job("drift").log;
    for environment in ["dev", "prod"] {
        let notice = format!("Terraform was never applied to `{environment}`: that is no drift");
        assert!(log.contains(&notice), "no `{notice}` in:\n{log}");
    }
}

pub(crate) fn a_push_brings_an_empty_account_to_dev_and_approved_to_prod() {
    for (environment, account) in [("dev", "111111111111"), ("prod", "222222222222")] {
        assert_eq!(left(environment), [format!("bucket resume-visitor-counter-tfstate-{account}")]);
    }
    let run = github("push").run(&push());
    run.expect(["build", "attest", "dev", "prod-plan", "prod"].map(|job| (job, "success")));

    let (dev, prod) = (run.job("dev"), run.job("prod"));
    assert_eq!(dev.outputs, json!({"release": "1"}));
    // Dev's release has counted a visit already: the check that writes, which prod has not.
    for (job, environment, count) in [(dev, "dev", 2), (prod, "prod", 1)] {
        assert_eq!(job.url, stack().url(environment));
        let (status, _, body) = stack().get(&format!("{}/count", job.url));
        assert_eq!((status, &body["count"]), (200, &json!(count)), "{body}");
        for part in ["release 1", "| `counter` |", "| `health` |", "```mermaid", "Terraform plan"] {
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
        let secret = ["-key-of-the-run", "-token-of-the-run"].iter().any(|secret| job.log.contains(secret));
        assert!(!secret, "{}", job.log);
    }
    what_is_compiled_sees_no_token(&run.job("build").log, 2);
}

/// Each build runs in the image, with nothing of the job's environment but what says where it runs.
#[track_caller]
fn what_is_compiled_sees_no_token(log: &str, builds: usize) {
    let seen: Vec<_> = log.lines().filter_map(|line| line.strip_prefix("[container: ")).collect();
    assert_eq!(seen.len(), builds, "{log}");
    for names in seen.iter().flat_map(|environment| environment.trim_end_matches(']').split(' ')) {
        let name = names.split('=').next().unwrap();
        assert!(["CI", "GITHUB_ACTIONS", "GITHUB_SHA", "GITHUB_STEP_SUMMARY"].contains(&name), "a build sees {name}");
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

    // Of the same inputs there is none; the one of the last deploy is taken, verified.
    let run = github.run(&promote("dev", "", "prod"));
    let end = run.expect([("source", "success"), ("promote", "success")]).job("promote");
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
    run.expect([("build", "success"), ("dev", "failure"), ("prod-plan", "success"), ("prod", "skipped")]);
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
    let github = github("bad-input");
    let before = (serves("dev"), serves("prod"), stack().last_number("prod"));
    let fails = |github: &GitHub, event: &Event, job: &str, words: [&str; 2]| {
        let run = github.run(event);
        run.expect([(job, "failure")]).job(job).annotates(words);
    };
    fails(
        &github,
        &rollback("stage", "1"),
        "rollback",
        ["`stage-rollback` has no variable AWS_ROLE_ARN", "Settings > Environments"],
    );
    fails(
        &github,
        &rollback("prod", "99"),
        "rollback",
        ["cannot roll `prod` back: there is no release `99`", "deployer history"],
    );
    assert_eq!((serves("dev"), serves("prod"), stack().last_number("prod")), before);
}

pub(crate) fn what_is_held_replaced_or_foreign_is_an_annotation_and_changes_nothing() {
    let mut github = github("held");
    let before = (serves("dev"), serves("prod"), stack().last_number("prod"));
    let fails = |github: &GitHub, event: &Event, job: &str, words: [&str; 2]| {
        let run = github.run(event);
        run.expect([(job, "failure")]).job(job).annotates(words);
    };
    fails(&github, &promote("dev", "77", "prod"), "source", ["`dev` has no release 77", "deployer history dev"]);

    // The artifact of the run that built dev's release is gone, or was never one of a workflow.
    fails(&github, &promote("dev", "1", "prod"), "promote", ["Run 1 has no functions any more", "`unverified`"]);

    // Somebody else is at it: nothing is rolled back, and Terraform changes nothing beside a release.
    while_ada_holds_the_lock("prod", || {
        fails(&github, &rollback("prod", "1"), "rollback", ["is held by ada", "wait for that run"]);
    });
    let kept = stack().checkout.keeping(VALUES);
    stack().checkout.write(VALUES, &format!("{}\nmemory_size = 192\n", stack().checkout.read(VALUES)));
    while_ada_holds_the_lock("dev", || fails(&github, &push(), "dev", ["a release is under way", "is held by ada"]));
    drop(kept);
    stack().assert_terraform_plan_is_empty("dev");

    // The artifact is another than the one that was attested. By then, the deployer of the push before is reused.
    let tampered = self::github("tampered");
    for (number, (replaced, said)) in [
        ("manifest.json", "was not built from commit c0ffee"),
        ("deployer", "neither on main of these sources nor by this run"),
    ]
    .into_iter()
    .enumerate()
    {
        let run = tampered.run(&Event { replaced: Some(replaced), ..push() });
        run.expect([("attest", "success"), ("dev", "failure"), ("prod", "skipped")]);
        run.job("dev").annotates([said, "Run the workflow again"]);
        what_is_compiled_sees_no_token(&run.job("build").log, 2 - number);
    }

    // The role of another environment does not trust this one.
    let foreign = github.variables["dev"]["AWS_ROLE_ARN"].clone();
    let own = github.variables.get_mut("prod-rollback").unwrap().insert("AWS_ROLE_ARN".to_owned(), foreign).unwrap();
    fails(
        &github,
        &rollback("prod", "1"),
        "rollback",
        ["AWS gives arn:aws:iam::111111111111:role/", "environment prod-rollback"],
    );
    github.variables.get_mut("prod-rollback").unwrap().insert("AWS_ROLE_ARN".to_owned(), own);

    let front = Front::before(stack().checkout.port("prod"));
    front.on(At::any(), Action::Fail { status: 403, code: "ExpiredTokenException" });
    let kept = stack().checkout.keeping("deployer.toml");
    let port = format!("port = {}", stack().checkout.port("prod"));
    stack().checkout.edit("deployer.toml", &port, &format!("port = {}", front.port));
    fails(&github, &rollback("prod", "1"), "rollback", ["ExpiredTokenException", "run the job again"]);
    drop(kept);
    assert_eq!((serves("dev"), serves("prod"), stack().last_number("prod")), before);
}

pub(crate) fn a_pull_request_gets_its_plan_as_one_comment_and_a_forks_gets_none() {
    let github = github("pull-request");
    let kept = (stack().checkout.keeping(FILE), stack().checkout.keeping(VALUES));
    stack().checkout.edit(FILE, SENTENCE, "There is nothing in this branch.");
    let of = |repository| Event {
        workflow: "ci",
        pull_request_from: Some(repository),
        left_out: Some("test"),
        commit: COMMIT.to_owned(),
        ..Event::default()
    };
    let run = github.run(&of("somebody/fork"));
    run.expect([("build", "success"), ("attest", "skipped"), ("plan", "skipped"), ("comment", "skipped")]);
    what_is_compiled_sees_no_token(&run.job("build").log, 2);
    assert_eq!(comments(&github), [""; 0]);
    // No more than the page of its run.
    let page = &run.job("build").summary;
    assert!(page.contains("`counter`") && page.contains("`preflight`"), "{page}");
    let (mut before, mut sentence) = (String::new(), "There is nothing in this branch.");
    for next in ["There is nothing in its second commit.", "There is nothing in its third."] {
        stack().checkout.edit(FILE, std::mem::replace(&mut sentence, next), next);
        let run = github.run(&of(REPOSITORY));
        run.expect(["build", "attest", "plan", "comment"].map(|job| (job, "success")));
        let [comment] = &comments(&github)[..] else { panic!("{} comments", comments(&github).len()) };
        let says =
            ["`deadbeefdead` would do to `dev`", "| counter |", "| API |", "<summary>Terraform", "/actions/runs/"];
        for part in says {
            assert!(comment.contains(part), "no `{part}` in:\n{comment}");
        }
        assert_ne!(*comment, before);
        before.clone_from(comment);
    }
    // Its next commit cannot be planned, the one after cannot be built: what was said of the one before does not stay.
    stack().checkout.write(VALUES, "this is no value");
    github.run(&of(REPOSITORY)).expect([("plan", "failure"), ("comment", "success")]);
    stack().checkout.write(FILE, "this does not compile");
    let unplanned = |ends: [(&str, &str); 3]| {
        let [comment] = &comments(&github)[..] else { panic!("{} comments", comments(&github).len()) };
        assert!(comment.contains("**No plan**") && !comment.contains("| counter |"), "{comment}");
        let old = comment.replace("deadbeefdead", "0ld");
        replace_comment(&github, &old);
        github.run(&of(REPOSITORY)).expect(ends);
        let [comment] = &comments(&github)[..] else { panic!("{} comments", comments(&github).len()) };
        assert!(comment.contains("**No plan**") && comment.contains("`deadbeefdead`"), "{comment}");
    };
    unplanned([("build", "failure"), ("plan", "skipped"), ("comment", "success")]);
    drop(kept);
}

pub(crate) fn the_required_job_reaches_ci_run_in_the_image_of_all_builds() {
    let pushed = Event { workflow: "ci", left_out: Some("build"), commit: COMMIT.to_owned(), ..Event::default() };
    let run = github("required").run(&pushed);
    let test = run.expect([("test", "success"), ("comment", "skipped")]).job("test");
    assert!(test.log.contains("everything passes"), "{}", test.log);
    let (image, compiler) = images();
    assert!(image.len() > 2, "{image:?}");
    assert!(
        image.iter().all(|other| *other == image[0]),
        "workflows and .github/build/Dockerfile name different images"
    );
    assert!(image[0].starts_with(&format!("rust:{compiler}-bookworm@sha256:")), "{image:?} has not Rust {compiler}");
}

/// The images that the Dockerfile and the workflows name, and the compiler that is installed elsewhere.
fn images() -> (Vec<String>, String) {
    let read = |path: &str| std::fs::read_to_string(repository().join(path)).unwrap();
    let of = |text: String, key: &str| -> Vec<String> {
        text.lines().filter_map(|line| line.trim().strip_prefix(key)).map(str::to_owned).collect()
    };
    let mut images = of(read(".github/build/Dockerfile"), "FROM ");
    for (_, jobs) in workflows() {
        let named = jobs.as_object().unwrap().values().filter_map(|job| job["container"]["image"].as_str());
        images.extend(named.map(str::to_owned));
    }
    let install = read(".github/actions/rust/install");
    let compiler = install.split("toolchain install ").nth(1).unwrap().split(' ').next().unwrap();
    (images, compiler.to_owned())
}

pub(crate) fn drift_is_found_by_terraform_and_by_the_deployer() {
    let github = github("drift");
    let event = || dispatched("drift", json!({}));
    let name = "resume-visitor-counter-options-prod";
    let put = |path: &str, body: Value| {
        stack().behind("prod", "PUT", &format!("/2015-03-31/functions/{name}/{path}"), None, &body)
    };
    let live = serves("prod").1["preflight"]["version"].clone();
    put("aliases/live", json!({"FunctionVersion": "1"}));
    put("configuration", json!({"MemorySize": 256}));
    let run = github.run(&event());
    put("configuration", json!({"MemorySize": 128}));
    put("aliases/live", json!({"FunctionVersion": live}));
    // Each sees what the other cannot.
    let drift = run.expect([("drift", "failure")]).job("drift");
    drift.annotates(["Drift of prod", "Terraform would change `prod`"]);
    for part in ["memory_size", "drift: "] {
        assert!(drift.summary.contains(part), "no `{part}` in:\n{}", drift.summary);
    }
    github.run(&event()).expect([("drift", "success")]);
}

pub(crate) fn a_tag_makes_a_release_with_sums_and_attestations() {
    let github = github("release");
    let tagged = |tag| Event { workflow: "release", tag: Some(tag), commit: COMMIT.to_owned(), ..Event::default() };
    let tag = concat!("v", env!("CARGO_PKG_VERSION"));
    let run = github.run(&tagged(tag));
    run.expect(["main", "build", "attest", "publish"].map(|job| (job, "success")));
    what_is_compiled_sees_no_token(&run.job("build").log, 2);
    let files = published(&github, tag);
    let names =
        ["SHA256SUMS", "bundle.jsonl", "deployer-aarch64-unknown-linux-gnu", "deployer-x86_64-unknown-linux-gnu"];
    assert!(names.contains(&asset().as_str()), "the action takes another file than the workflow publishes");
    assert_eq!(files.keys().collect::<Vec<_>>(), names);
    let sums = String::from_utf8_lossy(&files["SHA256SUMS"]).into_owned();
    assert!(names[2..].iter().all(|name| sums.contains(name)), "{sums}");

    let run = github.run(&tagged("v99.0.0"));
    run.expect([("build", "failure"), ("publish", "skipped")])
        .job("build")
        .annotates(["Tag and version differ", "Cargo.toml"]);
    // Nobody reviewed what was never merged.
    let run = github.run(&Event { commit: "baad".to_owned(), ..tagged(tag) });
    run.expect([("main", "failure"), ("build", "skipped"), ("publish", "skipped")]);
    run.job("main").annotates(["was never merged to main", "tag the commit on main"]);
    // Until reviewers answer, nothing is signed.
    let run = github.run(&Event { unapproved: vec!["release"], ..tagged(tag) });
    run.expect([("build", "success"), ("attest", "waiting"), ("publish", "waiting")]);
}

/// Where no run has a deployer any more, a release that was built from main is one.
pub(crate) fn a_release_of_the_deployer_is_taken_only_if_it_was_built_from_main() {
    let checkout = &stack().checkout;
    let of = |commit| {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("github/old-release");
        let github = GitHub::new(root, checkout.root.clone(), ["dev", "prod"].map(|name| checkout.port(name)));
        github.with_a_release("v0.1.0", commit)
    };
    let drift = || dispatched("drift", json!({}));
    of(COMMIT).run(&drift()).expect([("drift", "success")]);
    let run = of("baadbaad").run(&drift());
    run.expect([("drift", "failure")]).job("drift").annotates(["commit baadbaad", "not on its main branch"]);
    let mut none = of(COMMIT);
    for variables in none.variables.values_mut() {
        variables.remove("DEPLOYER_VERSION");
    }
    let run = none.run(&drift());
    run.expect([("drift", "failure")]).job("drift").annotates(["No deployer", "Run deploy.yml on main again"]);
}

pub(crate) fn every_step_is_short_and_hands_its_signals_on() {
    for (file, steps) in declared() {
        for step in &steps {
            let Some(script) = step["run"].as_str() else { continue };
            let lines: Vec<_> = script.lines().collect();
            assert!(lines.len() <= 10, "{file}: a step of {} lines:\n{script}", lines.len());
            assert!(!script.contains("${{"), "{file}: what comes from outside goes through `env`:\n{script}");
            // The signal of a cancelled job reaches the step's own process only.
            let moves =
                ["deployer deploy", "deployer promote", "deployer rollback", "terraform -chdir=terraform apply"];
            let moving =
                lines.iter().filter(|line| moves.iter().any(|verb| line.contains(verb)) && !line.contains("::error"));
            for line in moving {
                assert!(line.trim_start().starts_with("exec "), "{file}: {line}");
            }
        }
    }
}

/// Else an old run that is started again applies its Terraform over that of a later commit.
pub(crate) fn every_job_that_applies_knows_what_it_releases_and_which_commit_is_the_older() {
    let mut applies = 0;
    for (file, jobs) in workflows() {
        for (name, job) in jobs.as_object().unwrap() {
            let steps = job["steps"].as_array().unwrap();
            let of = |action: &'static str| {
                steps.iter().filter(move |step| step["uses"].as_str().is_some_and(|uses| uses.starts_with(action)))
            };
            for step in of("./.github/actions/terraform").filter(|step| step["with"]["apply"] == "true") {
                applies += 1;
                assert_eq!(step["with"]["artifact"], "artifact", "{file}: `{name}`");
                let history = of("actions/checkout").all(|step| step["with"]["fetch-depth"] == 0);
                assert!(history, "{file}: `{name}` has one commit only");
            }
        }
    }
    assert_eq!(applies, 2, "dev and prod of deploy.yml");
}

pub(crate) fn no_job_that_builds_may_take_a_role_or_sign() {
    let mut builds = 0;
    // `acceptance` runs by hand, in an account for trials: what it compiles is what it tries with the role.
    for (file, jobs) in workflows().into_iter().filter(|(file, _)| !file.ends_with("acceptance.yml")) {
        for (name, job) in jobs.as_object().unwrap() {
            let steps = job["steps"].to_string();
            let compiles =
                ["actions/build", "cargo ", "deployer build", ".ci/run"].iter().any(|what| steps.contains(what));
            if !compiles {
                continue;
            }
            builds += 1;
            let grants =
                job["permissions"].as_object().unwrap_or_else(|| panic!("{file}: `{name}` says no permissions"));
            for (grant, access) in grants {
                assert_eq!(access, "read", "{file}: `{name}` builds, and may write `{grant}`");
                assert_ne!(grant, "id-token", "{file}: `{name}` builds, and may take a role");
            }
        }
    }
    assert_eq!(builds, 5, "ci's test and build, deploy's build, release's build, and the README's example");
}
