//! An interpreter of this repository's workflows: jobs in their order, their `run:` steps for real, outputs, environment
//! files, conditions and needs as GitHub has them. Actions of other owners are replaced by [`standin`].
//!
//! `wrkflw` was looked at first: it fetches actions of others from the network, has no variables of environments, and
//! cancels nothing.

mod alone;
mod expression;
mod job;
mod standin;
mod trust;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::harness::repository;
use expression::Scope;
use job::Job;
pub(crate) use standin::{built, comments, published};

/// The last commit of the pull request's branch.
pub(crate) const HEAD: &str = "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef";

/// What a release of the deployer for this machine is called.
pub(crate) fn asset() -> String {
    format!("deployer-{}-unknown-linux-gnu", std::env::consts::ARCH)
}

pub(crate) const REPOSITORY: &str = "example/resume-visitor-counter";

/// GitHub, as far as a run of a workflow uses it.
pub(crate) struct GitHub {
    root: PathBuf,
    /// Where the sources are that a run checks out.
    pub sources: PathBuf,
    /// The variables of the GitHub environments.
    pub variables: BTreeMap<String, BTreeMap<String, String>>,
    /// Where the local AWS of `dev` and of `prod` listens.
    ports: [u16; 2],
    runs: Cell<usize>,
}

/// What starts a run.
#[derive(Default)]
pub(crate) struct Event {
    /// The file in `.github/workflows`, without its end.
    pub workflow: &'static str,
    /// What was typed in, for `workflow_dispatch`. A push has none.
    pub inputs: Option<Value>,
    /// The tag that was pushed; else it is about `main`.
    pub tag: Option<&'static str>,
    /// The repository that a pull request comes from.
    pub pull_request_from: Option<&'static str>,
    /// Jobs that are not run, and how they are taken to have ended.
    pub assumed: &'static [(&'static str, &'static str)],
    /// The commit.
    pub commit: String,
    /// A file of the artifact that another commit's takes the place of, once the job `attest` has ended.
    pub replaced: Option<&'static str>,
}

/// A run that has ended.
pub(crate) struct Run {
    pub jobs: BTreeMap<String, End>,
}

/// How a job ended.
#[derive(Debug, Clone)]
pub(crate) struct End {
    /// `success`, `failure`, `skipped`.
    pub result: &'static str,
    pub outputs: Value,
    /// All that its steps wrote.
    pub log: String,
    /// The page of the run.
    pub summary: String,
    /// The URL of its environment.
    pub url: String,
}

impl Event {
    fn branch(&self) -> &'static str {
        if self.tag.is_some() || self.pull_request_from.is_some() { "elsewhere" } else { "main" }
    }
}

impl Run {
    #[track_caller]
    pub(crate) fn job(&self, name: &str) -> &End {
        self.jobs.get(name).unwrap_or_else(|| panic!("no job `{name}`"))
    }

    /// Fails the test unless the jobs ended so.
    #[track_caller]
    pub(crate) fn expect<const N: usize>(&self, results: [(&str, &str); N]) -> &Self {
        for (name, result) in results {
            let end = self.job(name);
            assert_eq!(end.result, result, "job `{name}`:\n{}\n{}", end.log, end.summary);
        }
        self
    }
}

impl End {
    fn without_a_run(result: &'static str) -> Self {
        Self { result, outputs: json!({}), log: String::new(), summary: String::new(), url: String::new() }
    }

    /// Fails the test unless the log has an annotation with all of these.
    #[track_caller]
    pub(crate) fn annotates<const N: usize>(&self, words: [&str; N]) -> &Self {
        let errors: Vec<_> = self.log.lines().filter(|line| line.starts_with("::error")).collect();
        let has_all = |error: &&&str| words.iter().all(|word| error.contains(word));
        assert!(
            errors.iter().any(|error| has_all(&error)),
            "no annotation with {words:?} in {errors:#?}\n{}",
            self.log
        );
        self
    }
}

impl Drop for GitHub {
    /// What a run has uploaded is large.
    fn drop(&mut self) {
        for run in 0..=self.runs.get() {
            let _ = std::fs::remove_dir_all(self.root.join(format!("run-{run}/artifacts")));
        }
    }
}

impl GitHub {
    /// A repository with these sources, and its environments set up as bootstrap's outputs say.
    pub(crate) fn new(root: PathBuf, sources: PathBuf, ports: [u16; 2]) -> Self {
        if root.exists() {
            std::fs::remove_dir_all(&root).unwrap();
        }
        std::fs::create_dir_all(&root).unwrap();
        let mut variables = BTreeMap::new();
        for (environment, account) in [("dev", "111111111111"), ("prod", "222222222222")] {
            for (suffix, role) in [("", "deploy"), ("-plan", "plan"), ("-rollback", "deploy")] {
                let role = format!("arn:aws:iam::{account}:role/resume-visitor-counter-{environment}-{role}");
                let bucket = format!("resume-visitor-counter-tfstate-{account}");
                let of_it = [("AWS_ROLE_ARN", role), ("AWS_REGION", "us-east-1".to_owned()), ("STATE_BUCKET", bucket)];
                let of_it = of_it.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
                variables.insert(format!("{environment}{suffix}"), of_it);
            }
        }
        let github = Self { root, sources, variables, ports, runs: Cell::new(0) };
        std::fs::write(github.root.join("main"), "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00\n").unwrap();
        github
    }

    /// An earlier run of `deploy.yml` on main had built a deployer, from other sources.
    pub(crate) fn with_an_earlier_run(self) -> Self {
        let name = format!("deployer-Linux-X64-{}", "0".repeat(64));
        let run = self.root.join("run-0");
        let folder = run.join("artifacts").join(&name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(run.join("workflow"), "deploy main").unwrap();
        std::fs::hard_link(env!("CARGO_BIN_EXE_deployer"), folder.join(&name)).unwrap();
        let line = standin::attestation(&folder.join(&name), &name, ("deploy", "0ld", "refs/heads/main"));
        standin::sign(&self, &line);
        std::fs::write(folder.join("bundle.jsonl"), line).unwrap();
        self
    }

    /// A release of `deployer`, built from this commit, which the variable of the repository names.
    pub(crate) fn with_a_release(self, tag: &str, commit: &str) -> Self {
        let published = self.root.join("releases").join(tag);
        std::fs::create_dir_all(&published).unwrap();
        std::fs::hard_link(env!("CARGO_BIN_EXE_deployer"), published.join(asset())).unwrap();
        let reference = format!("refs/tags/{tag}");
        let line = standin::attestation(&published.join(asset()), &asset(), ("release", commit, &reference));
        standin::sign(&self, &line);
        std::fs::write(published.join("bundle.jsonl"), line).unwrap();
        let mut with = self;
        for variables in with.variables.values_mut() {
            variables.insert("DEPLOYER_VERSION".to_owned(), tag.to_owned());
        }
        with
    }

    fn port(&self, environment: &str) -> u16 {
        self.ports[usize::from(environment == "prod")]
    }

    /// Runs a workflow to its end. Every environment's reviewers approve at once.
    pub(crate) fn run(&self, event: &Event) -> Run {
        self.runs.set(self.runs.get() + 1);
        let folder = self.root.join(format!("run-{}", self.runs.get()));
        std::fs::create_dir_all(&folder).unwrap();
        let workflow = read(&repository().join(format!(".github/workflows/{}.yml", event.workflow)));
        let mut run = Run { jobs: BTreeMap::new() };
        let jobs = workflow["jobs"].as_object().unwrap();
        while run.jobs.len() < jobs.len() {
            let due = |(name, job): &(&String, &Value)| {
                !run.jobs.contains_key(*name) && needs(job).iter().all(|needed| run.jobs.contains_key(needed))
            };
            let Some((name, job)) = jobs.iter().find(due) else { panic!("jobs that need each other") };
            let end = match event.assumed.iter().find(|(assumed, _)| assumed == name) {
                Some((_, result)) => End::without_a_run(result),
                None => self.jobs(&workflow, (name, job), event, &run, &folder),
            };
            run.jobs.insert(name.clone(), end);
            if let (Some(replaced), "attest") = (event.replaced, name.as_str()) {
                self.replace(&folder.join("artifacts"), replaced);
            }
        }
        std::fs::write(folder.join("workflow"), format!("{} {}", event.workflow, event.branch())).unwrap();
        let _ = std::fs::remove_dir_all(folder.join("artifacts/built")); // there is none if the first job failed
        run
    }

    /// Puts a file of another commit into the artifact, attested as that commit's by the same workflow on main.
    fn replace(&self, artifacts: &Path, name: &str) {
        let (file, bundle) = (artifacts.join("artifact/artifact").join(name), artifacts.join("artifact/bundle.jsonl"));
        std::fs::write(&file, "what another commit was built to").unwrap();
        let line = standin::attestation(&file, name, ("deploy", "ba5eba11", "refs/heads/main"));
        standin::sign(self, &line);
        std::fs::write(&bundle, std::fs::read_to_string(&bundle).unwrap() + &line).unwrap();
    }

    /// A job, or one for each combination of its matrix: what they wrote together, and the worst end.
    fn jobs(&self, workflow: &Value, (name, job): (&str, &Value), event: &Event, run: &Run, folder: &Path) -> End {
        let ends = matrix(&job["strategy"]["matrix"]).into_iter().enumerate().map(|(place, matrix)| {
            let folder = folder.join(format!("{name}-{place}"));
            self.job(workflow, job, event, run, (matrix, &folder))
        });
        let together = |one: End, other: End| End {
            result: if one.result == "success" { other.result } else { one.result },
            log: one.log + &other.log,
            summary: one.summary + &other.summary,
            ..other
        };
        ends.reduce(together).unwrap_or_else(|| End::without_a_run("skipped"))
    }

    fn job(&self, workflow: &Value, job: &Value, event: &Event, run: &Run, (matrix, folder): (Value, &Path)) -> End {
        let needed: Vec<_> = needs(job).iter().map(|name| (name.clone(), run.jobs[name].clone())).collect();
        let failed = needed.iter().any(|(_, end)| end.result != "success");
        let needs: Map<_, _> = needed
            .into_iter()
            .map(|(name, end)| (name, json!({"result": end.result, "outputs": end.outputs})))
            .collect();
        let mut contexts = json!({"github": self.context(event), "inputs": event.inputs, "needs": needs, "vars": {}, "matrix": matrix});
        let scope = Scope { contexts: &contexts, failed };
        if !scope.holds(&job["if"]) {
            return End::without_a_run("skipped");
        }
        let declared = &job["environment"];
        let environment = scope.text_of(declared.get("name").unwrap_or(declared));
        contexts["vars"] = json!(self.variables.get(&environment));
        Job::new(self, folder, environment, contexts).run(workflow, job)
    }

    fn context(&self, event: &Event) -> Value {
        let (reference, name_of_it) = match (event.tag, event.pull_request_from) {
            (Some(tag), _) => (format!("refs/tags/{tag}"), tag),
            (_, Some(_)) => ("refs/pull/7/merge".to_owned(), "7/merge"),
            _ => ("refs/heads/main".to_owned(), "main"),
        };
        let workflow = format!("{REPOSITORY}/.github/workflows/{}.yml@{reference}", event.workflow);
        let name = match (&event.inputs, event.pull_request_from) {
            (Some(_), _) => "workflow_dispatch",
            (_, Some(_)) => "pull_request",
            _ => "push",
        };
        let pull_request = event.pull_request_from.map(|repository| {
            let head = json!({"repo": {"full_name": repository}, "sha": HEAD});
            json!({"number": 7, "head": head, "user": {"login": "octocat"}})
        });
        json!({
            "repository": REPOSITORY, "sha": event.commit, "actor": "octocat", "server_url": "https://github.com",
            "ref": reference, "ref_name": name_of_it, "run_id": self.runs.get(), "run_attempt": 1,
            "event_name": name, "event": {"pull_request": pull_request},
            "workflow": event.workflow, "workflow_ref": workflow, "token": "a-token-of-the-run",
        })
    }
}

/// The combinations of a matrix: of one list, or those that it includes. A job without one runs once.
fn matrix(declared: &Value) -> Vec<Value> {
    let Some(lists) = declared.as_object() else { return vec![json!({})] };
    assert_eq!(lists.len(), 1, "a matrix of several lists: {declared}");
    let (name, list) = lists.iter().next().unwrap();
    let list = list.as_array().unwrap().iter();
    list.map(|value| if name == "include" { value.clone() } else { json!({name: value}) }).collect()
}

/// The steps of every workflow and action of this repository, by the file that has them.
pub(crate) fn declared() -> Vec<(String, Vec<Value>)> {
    let github = repository().join(".github");
    let files = |folder: &str| std::fs::read_dir(github.join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let workflows = files("workflows").flat_map(|file| {
        let jobs = read(&file)["jobs"].as_object().unwrap().clone();
        jobs.into_iter().map(move |(_, job)| (file.clone(), job["steps"].clone()))
    });
    let actions = files("actions").map(|folder| folder.join("action.yml"));
    let actions = actions.map(|file| (file.clone(), read(&file)["runs"]["steps"].clone()));
    let named = |(file, steps): (PathBuf, Value)| (file.display().to_string(), steps.as_array().unwrap().clone());
    workflows.chain(actions).map(named).collect()
}

/// The jobs of every workflow, and of the example for other repositories, by the file that has them.
pub(crate) fn workflows() -> Vec<(String, Value)> {
    let github = repository().join(".github");
    let files = std::fs::read_dir(github.join("workflows")).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<_> = files.map(|file| (file.display().to_string(), read(&file)["jobs"].clone())).collect();
    let text = std::fs::read_to_string(github.join("README.md")).unwrap();
    let (_, example) = text.split_once("```yaml").unwrap();
    let example: Value = serde_saphyr::from_str(example.split("```").next().unwrap()).unwrap();
    all.push(("the example in .github/README.md".to_owned(), example["jobs"].clone()));
    all
}

fn needs(job: &Value) -> Vec<String> {
    match &job["needs"] {
        Value::String(one) => vec![one.clone()],
        Value::Array(several) => several.iter().map(|one| one.as_str().unwrap().to_owned()).collect(),
        _ => Vec::new(),
    }
}

/// Reads a file of YAML.
fn read(file: &Path) -> Value {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
