//! The workflows as their users meet them: a push, a click, and what the run's page says. Once each.

pub(crate) mod called;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::actions::{Event, GitHub, Local, Project, REPOSITORY, Run, comments, declared, published, workflows};
use crate::bad_input::while_ada_has_the_lock;
use crate::harness::{SENTENCE, repository};
use crate::stack;

const FILE: &str = "function/src/reply.rs";
const PROD_VALUES: &str = "terraform/environments/local-prod.tfvars";
const TAG: &str = concat!("v", env!("CARGO_PKG_VERSION"));
const COMMIT: &str = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";

fn github(name: &str) -> GitHub {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("github").join(name);
    let checkout = &stack().checkout;
    let local = [("dev", "111111111111"), ("prod", "222222222222")].map(|(environment, account)| {
        let kept = checkout.root.join(".deployer/local").join(environment);
        (environment.to_owned(), Local::new(checkout.port(environment), account, kept))
    });
    GitHub::new(root, Project::this(checkout.root.clone(), BTreeMap::from(local)))
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
        "from": from, "release": release, "to": to, "downgrade": false, "allow-definition-diff": false, "unverified": false,
    });
    dispatched("promote", inputs)
}

/// What is live in an environment, and who has its lock.
fn live_state(environment: &str) -> (Value, Value, Value) {
    let status = stack().status(environment);
    (status["release"].clone(), status["functions"].clone(), status["lock"].clone())
}

pub(crate) fn a_push_reaches_dev_and_prod_and_can_be_rolled_back() {
    let (stack, github) = (stack(), github("push").with_an_earlier_run());
    let [dev, prod] = ["dev", "prod"].map(|environment| stack.last_number(environment) + 1);
    let kept = (stack.checkout.keeping(FILE), stack.checkout.keeping(PROD_VALUES));
    stack.checkout.edit(FILE, SENTENCE, "There is nothing, still.");
    stack.checkout.edit(PROD_VALUES, "reserved_concurrency = 100", "reserved_concurrency = 110");
    let run = github.run(&push());
    drop(kept);
    run.expect(["build", "attest", "dev", "prod-plan", "prod"].map(|job| (job, "success")));
    what_a_push_shows(&run, dev, prod);

    let run = github.run(&rollback("prod", "previous"));
    let page = &run.expect([("rollback", "success")]).job("rollback").summary;
    let back_to = stack.release("prod", prod + 1)["back_to"].clone();
    assert!(page.contains(&format!("back to {back_to}")), "{page}");
    assert_ne!(stack.release("prod", prod + 1)["parts"], stack.release("prod", prod)["parts"]);

    // With the functions of the run that built the release.
    let run = github.run(&promote("dev", "", "prod"));
    let end = run.expect([("source", "success"), ("promote", "success")]).job("promote");
    assert!(end.summary.contains("deployer rollback prod --to "), "{}", end.summary);
    assert_eq!((live_state("prod").0, &end.url), (json!(prod + 2), &stack.url("prod")));
    assert_eq!(stack.release("prod", prod + 2)["parts"], stack.release("prod", prod)["parts"]);

    for environment in ["dev", "prod"] {
        stack.checkout.deployer(&format!("rollback {environment} --to previous")).expect(0);
    }
    stack.terraform("prod", &["apply", "-auto-approve", "-refresh=false"]);
}

/// Both releases on their jobs' pages, the same bytes in both environments, and no secret in any log.
fn what_a_push_shows(run: &Run, dev: u64, prod: u64) {
    let url = stack().url("dev");
    assert_eq!(run.job("dev").outputs, json!({"release": dev.to_string(), "url": url, "changed": "true"}));
    // Of the workflow that is called.
    let outputs = json!({"release": dev.to_string(), "url": url, "changed": "true", "promoted": prod.to_string()});
    assert_eq!(run.job("deploy").outputs, outputs);
    for (environment, release) in [("dev", dev), ("prod", prod)] {
        let job = run.job(environment);
        assert_eq!(job.url, stack().url(environment));
        assert_eq!(stack().get(&format!("{}/count", job.url)).0, 200);
        for part in [&format!("release {release}"), "| `counter` |", "| `health` |", "```mermaid"] {
            assert!(job.summary.contains(part), "no `{part}` in {environment}'s summary:\n{}", job.summary);
        }
    }
    let code = |environment, release| {
        stack().release(environment, release)["parts"]["functions"]["counter"]["code_sha256"].clone()
    };
    assert_eq!(code("dev", dev), code("prod", prod));
    // Terraform had nothing to do in dev; in prod it applied the plan that was shown before the approval.
    assert!(run.job("prod-plan").summary.contains("100 -> 110"), "{}", run.job("prod-plan").summary);
    let applied = ["dev", "prod"].map(|job| run.job(job).log.contains("Apply complete!"));
    assert_eq!(applied, [false, true]);
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
        assert!(["CI", "GITHUB_ACTIONS", "GITHUB_SHA", "GITHUB_STEP_SUMMARY"].contains(&name), "a build gets {name}");
    }
}

pub(crate) fn a_refused_run_is_an_annotation_and_changes_nothing() {
    let mut github = github("refused").with_an_earlier_run();
    let before = (live_state("dev"), live_state("prod"), stack().last_number("prod"));
    let fails = |github: &GitHub, event: &Event, job: &str, words: [&str; 2]| {
        github.run(event).expect([(job, "failure")]).job(job).annotates(words);
    };
    fails(
        &github,
        &rollback("stage", "1"),
        "rollback",
        ["`stage-rollback` has no variable AWS_ROLE_ARN", "Settings > Environments"],
    );
    fails(
        &github,
        &rollback("prod", "99999"),
        "rollback",
        ["cannot roll `prod` back: there is no release `99999`", "deployer history"],
    );
    fails(&github, &promote("dev", "99999", "prod"), "source", ["`dev` has no release 99999", "deployer history dev"]);
    // The first release is that of `local up`.
    fails(&github, &promote("dev", "1", "prod"), "source", ["was not deployed by a run of", "`unverified`"]);
    while_ada_has_the_lock("prod", || {
        fails(&github, &rollback("prod", "1"), "rollback", ["has the lock of ledger", "wait for that run"]);
    });

    // The artifact is another than the one that was attested.
    let assumed = &[("prod-plan", "success")];
    let run = github.run(&Event { replaced: Some("manifest.json"), assumed, ..push() });
    run.expect([("attest", "success"), ("dev", "failure"), ("prod", "skipped")]);
    run.job("dev").annotates(["was not built from commit c0ffee", "Run the workflow again"]);

    // The role of another environment does not trust this one.
    let foreign = github.variables["dev"]["AWS_ROLE_ARN"].clone();
    github.variables.get_mut("prod-rollback").unwrap().insert("AWS_ROLE_ARN".to_owned(), foreign);
    fails(
        &github,
        &rollback("prod", "1"),
        "rollback",
        ["AWS gives arn:aws:iam::111111111111:role/", "environment prod-rollback"],
    );
    assert_eq!((live_state("dev"), live_state("prod"), stack().last_number("prod")), before);
}

pub(crate) fn a_pull_request_gets_one_comment_and_a_forks_gets_none() {
    let github = github("pull-request");
    let of = |repository, assumed| Event {
        workflow: "ci",
        pull_request_from: Some(repository),
        assumed,
        commit: COMMIT.to_owned(),
        ..Event::default()
    };
    let run = github.run(&of("someone/fork", &[("test", "success"), ("build", "success")]));
    run.expect(["attest", "plan", "comment"].map(|job| (job, "skipped")));
    assert_eq!(comments(&github), [""; 0]);

    let kept = stack().checkout.keeping(FILE);
    stack().checkout.edit(FILE, SENTENCE, "There is nothing in this branch.");
    let run = github.run(&of(REPOSITORY, &[("test", "success")]));
    drop(kept);
    run.expect(["build", "attest", "plan", "comment"].map(|job| (job, "success")));
    what_is_compiled_sees_no_token(&run.job("build").log, 2);
    // All that a fork's has.
    let page = &run.job("build").summary;
    assert!(page.contains("`counter`") && page.contains("`preflight`"), "{page}");
    let [comment] = &comments(&github)[..] else { panic!("{} comments", comments(&github).len()) };
    for part in
        ["`deadbeefdead` would do to `dev`", "| counter |", "| checks |", "<summary>Terraform", "/actions/runs/"]
    {
        assert!(comment.contains(part), "no `{part}` in:\n{comment}");
    }

    // A commit that cannot be built has no plan, and the previous commit's plan does not stay.
    let run = github.run(&of(REPOSITORY, &[("test", "success"), ("build", "failure")]));
    run.expect([("plan", "skipped"), ("comment", "success")]);
    let [comment] = &comments(&github)[..] else { panic!("{} comments", comments(&github).len()) };
    assert!(comment.contains("**No plan**") && !comment.contains("| counter |"), "{comment}");
}

pub(crate) fn the_required_job_reaches_ci_run_in_the_image_of_all_builds() {
    let pushed =
        Event { workflow: "ci", assumed: &[("build", "success")], commit: COMMIT.to_owned(), ..Event::default() };
    let run = github("required").run(&pushed);
    let test = run.expect([("test", "success"), ("comment", "skipped")]).job("test");
    assert!(test.log.contains("everything passes"), "{}", test.log);
    let (image, compiler) = images();
    assert!(image.len() > 4, "{image:?}");
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
    for (_, workflow) in workflows() {
        for job in workflow["jobs"].as_object().unwrap().values() {
            let steps = job["steps"].as_array().into_iter().flatten().map(|step| &step["with"]["image"]);
            let named =
                steps.chain([&job["container"]["image"], &job["with"]["build-image"]]).filter_map(Value::as_str);
            images.extend(named.filter(|image| !image.starts_with("${{")).map(str::to_owned));
        }
    }
    let install = read(".github/actions/rust/install");
    let compiler = install.split("toolchain install ").nth(1).unwrap().split(' ').next().unwrap();
    (images, compiler.to_owned())
}

/// By a deployer of a release, as no run of `deploy` has one any more.
pub(crate) fn terraform_and_the_deployer_find_drift() {
    let mut github = github("drift").with_a_release(COMMIT).with_a_variable("DEPLOYER_VERSION", TAG);
    // A repository that was set up yesterday: its state is still empty.
    stack().bucket("dev", "empty-state");
    github.variables.get_mut("dev-plan").unwrap().insert("STATE_BUCKET".to_owned(), "empty-state".to_owned());
    let name = "resume-visitor-counter-options-prod";
    let put = |path: &str, body: Value| {
        stack().behind("prod", "PUT", &format!("/2015-03-31/functions/{name}/{path}"), None, &body)
    };
    let live = live_state("prod").1["preflight"]["version"].clone();
    put("aliases/live", json!({"FunctionVersion": "1"}));
    put("configuration", json!({"MemorySize": 256}));
    let run = github.run(&drift());
    put("configuration", json!({"MemorySize": 128}));
    put("aliases/live", json!({"FunctionVersion": live}));
    let drift = run.expect([("drift", "failure")]).job("drift");
    // Each finds what the other cannot.
    drift.annotates(["Drift of prod", "Terraform would change `prod`"]);
    for part in ["memory_size", "drift: "] {
        assert!(drift.summary.contains(part), "no `{part}` in:\n{}", drift.summary);
    }
    assert!(drift.log.contains("Terraform was never applied to `dev`: this is not drift"), "{}", drift.log);
    assert!(!drift.log.contains("Drift of dev"), "{}", drift.log);
}

fn drift() -> Event {
    dispatched("drift", json!({}))
}

pub(crate) fn a_deployer_that_was_not_built_from_main_is_refused() {
    let unmerged = github("foreign-release").with_a_release("baadbaad").with_a_variable("DEPLOYER_VERSION", TAG);
    let run = unmerged.run(&drift());
    run.expect([("drift", "failure")]).job("drift").annotates(["commit baadbaad", "which is not on main"]);
    let run = github("no-release").run(&drift());
    run.expect([("drift", "failure")]).job("drift").annotates(["No deployer", "Run deploy.yml on main again"]);
}

pub(crate) fn a_tag_makes_a_release_with_sums_and_attestations() {
    let github = github("release");
    let tagged = |tag| Event { workflow: "release", tag: Some(tag), commit: COMMIT.to_owned(), ..Event::default() };
    // Neither PyPI nor a registry for images is here.
    let assumed = &[("pypi", "success"), ("image", "success")];
    let run = github.run(&Event { assumed, ..tagged(TAG) });
    run.expect(["main", "build", "package", "attest", "publish"].map(|job| (job, "success")));
    // Both for Linux, and one of them again.
    what_is_compiled_sees_no_token(&run.job("build").log, 3);
    let files = published(&github, TAG);
    let archives = ["apple-darwin", "unknown-linux-musl"]
        .map(|system| ["aarch64", "x86_64"].map(|processor| format!("deployer-{processor}-{system}.tar.gz")))
        .concat();
    let released = archives.iter().map(String::as_str).chain(["deployer.cdx.json", "install.sh"]);
    let sums = String::from_utf8_lossy(&files["SHA256SUMS"]).into_owned();
    for name in released {
        assert!(files.contains_key(name) && sums.contains(&format!("  {name}\n")), "{name}: {sums}");
    }
    let wheels = files.keys().filter(|name| name.ends_with(".whl")).count();
    assert_eq!((files.len(), wheels, sums.lines().count()), (12, 4, 10), "{:?}", files.keys());
    let bundle = String::from_utf8_lossy(&files["bundle.jsonl"]).into_owned();
    let signed = files.keys().filter(|name| *name != "bundle.jsonl").all(|name| bundle.contains(&format!(" {name} ")));
    assert!(signed, "{bundle}");

    let run = github.run(&tagged("v99.0.0"));
    run.expect([("main", "failure"), ("build", "skipped"), ("publish", "skipped")])
        .job("main")
        .annotates(["Tag and version differ", "Cargo.toml"]);
    // Nobody reviewed what was never merged.
    let run = github.run(&Event { commit: "baad".to_owned(), ..tagged(TAG) });
    run.expect([("main", "failure"), ("build", "skipped"), ("publish", "skipped")]);
    run.job("main").annotates(["was never merged to main", "tag the commit on main"]);
}

/// Rules that no linter has.
pub(crate) fn the_workflows_keep_this_repositorys_own_rules() {
    every_step_is_short_and_hands_its_signals_on();
    every_job_that_applies_has_its_artifact_and_commit_order();
    no_job_that_builds_may_take_a_role_or_sign();
    no_workflow_grants_anything_to_all_of_its_jobs();
    what_others_call_knows_which_workflow_it_is();
}

fn every_step_is_short_and_hands_its_signals_on() {
    for (file, steps) in declared() {
        for step in &steps {
            let Some(script) = step["run"].as_str() else { continue };
            let lines: Vec<_> = script.lines().collect();
            assert!(lines.len() <= 10, "{file}: a step of {} lines:\n{script}", lines.len());
            assert!(!script.contains("${{"), "{file}: what comes from outside goes through `env`:\n{script}");
            // The signal of a cancelled job reaches the step's own process only.
            let moves =
                ["deployer deploy", "deployer promote", "deployer rollback", "terraform -chdir=\"$ROOT\" apply"];
            let moving =
                lines.iter().filter(|line| moves.iter().any(|verb| line.contains(verb)) && !line.contains("::error"));
            for line in moving {
                assert!(line.trim_start().starts_with("exec "), "{file}: {line}");
            }
        }
    }
}

/// The jobs of every workflow with their names, by the file that has them.
fn jobs() -> Vec<(String, String, Value)> {
    let all = workflows().into_iter().flat_map(|(file, workflow)| {
        let jobs = workflow["jobs"].as_object().unwrap().clone();
        jobs.into_iter().map(move |(name, job)| (file.clone(), name, job))
    });
    all.collect()
}

fn steps(job: &Value) -> &[Value] {
    job["steps"].as_array().map_or(&[], Vec::as_slice)
}

fn uses<'a>(job: &'a Value, action: &str) -> impl Iterator<Item = &'a Value> {
    steps(job).iter().filter(move |step| step["uses"].as_str().is_some_and(|uses| uses.starts_with(action)))
}

/// Else an old run that is started again applies its Terraform over that of a later commit.
fn every_job_that_applies_has_its_artifact_and_commit_order() {
    let mut applies = 0;
    for (file, name, job) in jobs() {
        for step in uses(&job, "$/.github/actions/terraform").filter(|step| step["with"]["apply"] == "true") {
            applies += 1;
            assert_eq!(step["with"]["artifact"], "artifact", "{file}: `{name}`");
            let history = uses(&job, "actions/checkout").all(|step| step["with"]["fetch-depth"] == 0);
            assert!(history, "{file}: `{name}` has one commit only");
        }
    }
    assert_eq!(applies, 2, "the first environment and the second one of reusable-deploy.yml");
    // A release that is under way stops it.
    let (_, steps) = declared().into_iter().find(|(file, _)| file.ends_with("terraform/action.yml")).unwrap();
    let at = |command| steps.iter().position(|step| step["run"].as_str().is_some_and(|run| run.contains(command)));
    assert!(at("deployer status --idle").unwrap() < at("-chdir=\"$ROOT\" apply").unwrap());
}

fn no_job_that_builds_may_take_a_role_or_sign() {
    let mut builds = 0;
    // `acceptance` runs by hand, in an account for tests: what it compiles is what it tries with the role.
    for (file, name, job) in jobs().into_iter().filter(|(file, ..)| !file.ends_with("acceptance.yml")) {
        let steps = job["steps"].to_string();
        let compiles = ["actions/build", "build/release", "cargo ", "deployer build", ".ci/run", ".ci/book"]
            .iter()
            .any(|what| steps.contains(what));
        if !compiles {
            continue;
        }
        builds += 1;
        let grants = job["permissions"].as_object().unwrap_or_else(|| panic!("{file}: `{name}` says no permissions"));
        for (grant, access) in grants {
            assert_eq!(access, "read", "{file}: `{name}` builds, and may write `{grant}`");
            assert_ne!(grant, "id-token", "{file}: `{name}` builds, and may take a role");
        }
    }
    assert_eq!(builds, 5, "ci's test and build, reusable-deploy's build, release's build, and the site");
}

fn no_workflow_grants_anything_to_all_of_its_jobs() {
    for (file, workflow) in workflows() {
        assert_eq!(workflow["permissions"], json!({}), "{file} grants something to every job");
    }
}

/// In a called workflow `github` is about the one that calls it: an action without the name of the called one looks for the wrong signer.
fn what_others_call_knows_which_workflow_it_is() {
    let reusable = jobs().into_iter().filter(|(file, ..)| file.contains("/reusable-"));
    let mut steps = 0;
    for (file, name, job) in reusable {
        for action in ["aws", "artifact", "build", "deployer"] {
            for step in uses(&job, &format!("$/.github/actions/{action}")) {
                steps += 1;
                assert_eq!(step["with"]["workflow"], "${{ job.workflow_ref }}", "{file}: `{name}` uses {action}");
            }
        }
    }
    assert!(steps > 12, "{steps}");
}
