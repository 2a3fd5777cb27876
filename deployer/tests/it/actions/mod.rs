//! An interpreter of workflows, of this repository and of those that call its reusable ones: jobs in their order, their `run:` steps
//! for real, outputs, environment files, conditions and needs as GitHub has them. Actions of other owners are replaced by [`standin`].
//!
//! A repository is a [`Project`]: its name, its sources, and the local AWS of its environments. For another one than this:
//!
//! ```ignore
//! let local = BTreeMap::from([("dev".to_owned(), Local::new(port, "111111111111", root.join(".deployer/local/dev")))]);
//! let mut github = GitHub::new(folder, Project::foreign("someone/greet", root, "greet", local)).with_a_release(COMMIT);
//! github.variables.get_mut("dev").unwrap().insert(…); // `AWS_ROLE_ARN`, `AWS_REGION` and `STATE_BUCKET` are there
//! let run = github.run(&Event { workflow: "deploy", ..Event::default() }); // .github/workflows/deploy.yml in `root`, pushed to main
//! run.expect([("deploy / build", "success"), ("deploy / dev", "success")]);
//! ```
//!
//! - `uses: OWNER/deployer/…@v0.2.0` is this repository's tree, `$/…` the repository of the file that has it, `./…` the workspace
//!   (of a job: the repository of the file).
//! - A release of the deployer is downloaded from a file server, which `DEPLOYER_DOWNLOAD_URL` names ([`releases`]).
//! - GitHub refuses to start what asks for more permissions than its caller grants: [`Run::refused`].
//!
//! `wrkflw` was looked at first: it fetches actions of others from the network, has no variables of environments, and
//! cancels nothing.

mod alone;
mod expression;
mod job;
mod project;
mod releases;
mod standin;
mod trust;
mod workflow;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value, json};

use crate::harness::{bare, repository};
use job::Place;
pub(crate) use project::{Local, PUBLISHED, Project, REPOSITORY};
pub(crate) use releases::published;
use standin::Attestation;
pub(crate) use standin::{built, comments};
use workflow::{Started, Workflow, on};

/// The last commit of the pull request's branch.
pub(crate) const HEAD: &str = "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef";

/// GitHub, as far as a run of a workflow uses it.
pub(crate) struct GitHub {
    root: PathBuf,
    project: Project,
    /// The variables of the GitHub environments.
    pub variables: BTreeMap<String, BTreeMap<String, String>>,
    /// Address of the releases of the deployer.
    releases: String,
    runs: Cell<usize>,
}

/// What starts a run.
#[derive(Default)]
pub(crate) struct Event {
    /// The file in `.github/workflows`, without its end.
    pub workflow: &'static str,
    /// What was typed in, for `workflow_dispatch`; the rest has its defaults. A push has none.
    pub inputs: Option<Value>,
    /// The tag that was pushed; else it is about `main`.
    pub tag: Option<&'static str>,
    /// The repository that a pull request comes from.
    pub pull_request_from: Option<&'static str>,
    /// Jobs that are not run, and how they are taken to have ended.
    pub assumed: &'static [(&'static str, &'static str)],
    /// The commit; empty for the last one of the sources.
    pub commit: String,
    /// A file of the artifact that another commit's takes the place of, once the job `attest` has ended.
    pub replaced: Option<&'static str>,
}

/// A run that has ended.
pub(crate) struct Run {
    /// By the names that GitHub shows: `deploy` is the job that calls a workflow (all of its jobs together), `deploy / dev` one of its jobs.
    pub jobs: BTreeMap<String, End>,
    /// Why GitHub did not start it.
    pub refused: Option<String>,
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

    fn name(&self) -> &'static str {
        match (&self.inputs, self.pull_request_from) {
            (Some(_), _) => "workflow_dispatch",
            (_, Some(_)) => "pull_request",
            _ => "push",
        }
    }

    /// What it is about, and the short name of it.
    fn reference(&self) -> (String, &'static str) {
        match (self.tag, self.pull_request_from) {
            (Some(tag), _) => (format!("refs/tags/{tag}"), tag),
            (_, Some(_)) => ("refs/pull/7/merge".to_owned(), "7/merge"),
            _ => ("refs/heads/main".to_owned(), "main"),
        }
    }

    /// The inputs of a click, with the defaults of what was not typed.
    fn typed(&self, on: &Value) -> Value {
        let started = on.get(self.name());
        assert!(started.is_some(), "`{}` does not start {}.yml", self.name(), self.workflow);
        let Some(typed) = &self.inputs else { return json!({}) };
        let declared = started.and_then(|click| click["inputs"].as_object()).cloned().unwrap_or_default();
        for name in typed.as_object().into_iter().flatten().map(|(name, _)| name) {
            assert!(declared.contains_key(name), "{}.yml has no input `{name}`", self.workflow);
        }
        let default = |input: &Value| match (&input["default"], input["type"].as_str()) {
            (Value::Null, Some("boolean")) => json!(false),
            (Value::Null, _) => json!(""),
            (default, _) => default.clone(),
        };
        declared
            .iter()
            .map(|(name, input)| (name.clone(), typed.get(name).cloned().unwrap_or_else(|| default(input))))
            .collect()
    }
}

impl Run {
    /// A job by its whole name, or by its last part.
    #[track_caller]
    pub(crate) fn job(&self, name: &str) -> &End {
        let nested = format!(" / {name}");
        let called = || self.jobs.iter().find(|(shown, _)| shown.ends_with(&nested)).map(|(_, end)| end);
        let found = self.jobs.get(name).or_else(called);
        found.unwrap_or_else(|| panic!("no job `{name}` in {:?}, {:?}", self.jobs.keys(), self.refused))
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

    /// Both together, with the worst end.
    fn with(self, other: Self) -> Self {
        let worst = ["failure", "success", "skipped"].into_iter().find(|end| [self.result, other.result].contains(end));
        Self {
            result: worst.unwrap_or(other.result),
            log: self.log + &other.log,
            summary: self.summary + &other.summary,
            url: if other.url.is_empty() { self.url } else { other.url },
            ..other
        }
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
    /// A repository, and its environments set up as bootstrap's outputs name their roles and buckets.
    pub(crate) fn new(root: PathBuf, project: Project) -> Self {
        if root.exists() {
            std::fs::remove_dir_all(&root).unwrap();
        }
        std::fs::create_dir_all(root.join("releases")).unwrap();
        std::fs::write(root.join("main"), "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00\n").unwrap();
        let (variables, releases) = (project.variables(), releases::serve(root.join("releases")));
        Self { root, project, variables, releases, runs: Cell::new(0) }
    }

    /// An earlier run of `deploy.yml` on main had built a deployer, from other sources.
    pub(crate) fn with_an_earlier_run(self) -> Self {
        let name = format!("deployer-Linux-X64-{}", "0".repeat(64));
        let run = self.root.join("run-0");
        let folder = run.join("artifacts").join(&name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(run.join("workflow"), "deploy main").unwrap();
        std::fs::hard_link(env!("CARGO_BIN_EXE_deployer"), folder.join(&name)).unwrap();
        let line = self.attested("reusable-deploy", "0ld").of(&folder.join(&name), &name);
        standin::sign(&self, &line);
        std::fs::write(folder.join("bundle.jsonl"), line).unwrap();
        self
    }

    /// A release of the deployer under test, built from this commit: the one of its version.
    pub(crate) fn with_a_release(self, commit: &str) -> Self {
        releases::publish(&self, commit);
        self
    }

    /// Sets a variable of every environment, as one of the repository is.
    pub(crate) fn with_a_variable(mut self, name: &str, value: &str) -> Self {
        for variables in self.variables.values_mut() {
            variables.insert(name.to_owned(), value.to_owned());
        }
        self
    }

    /// What a workflow of the repository attests on main.
    fn attested<'a>(&'a self, workflow: &str, commit: &'a str) -> Signed<'a> {
        let signer = format!("{}/.github/workflows/{workflow}.yml", self.project.repository);
        Signed { repository: &self.project.repository, signer, commit }
    }

    /// Runs a workflow to its end. Every environment's reviewers approve at once.
    pub(crate) fn run(&self, event: &Event) -> Run {
        self.runs.set(self.runs.get() + 1);
        let folder = self.root.join(format!("run-{}", self.runs.get()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = format!(".github/workflows/{}.yml", event.workflow);
        let workflow = Workflow::started(self.place(event), file);
        if let Err(refused) = workflow.refused() {
            return Run { jobs: BTreeMap::new(), refused: Some(refused) };
        }
        let inputs = event.typed(&on(&workflow.content));
        let context = self.context(event, &workflow, &inputs);
        let started = Started { github: self, event, context, folder, jobs: RefCell::default() };
        workflow.run(&started, &inputs, "");
        let Started { folder, jobs, .. } = started;
        std::fs::write(folder.join("workflow"), format!("{} {}", event.workflow, event.branch())).unwrap();
        let _ = std::fs::remove_dir_all(folder.join("artifacts/built")); // there is none if the first job failed
        Run { jobs: jobs.into_inner(), refused: None }
    }

    /// A file that a run has uploaded, by the name of its artifact and its path.
    pub(crate) fn uploaded(&self, run: usize, file: &str) -> String {
        std::fs::read_to_string(self.root.join(format!("run-{run}/artifacts")).join(file)).unwrap()
    }

    /// Where the workflows of the repository are that an event starts.
    fn place(&self, event: &Event) -> Place {
        let commit = if event.commit.is_empty() { self.last_commit() } else { event.commit.clone() };
        let (root, repository) = (self.project.workflows.clone(), self.project.repository.clone());
        Place { root, repository, reference: event.reference().0, commit }
    }

    /// The last commit of the sources, if they have any.
    fn last_commit(&self) -> String {
        let mut git = Command::new("git");
        git.env_clear().envs(bare()).arg("-C").arg(&self.project.sources).args(["rev-parse", "HEAD"]);
        let asked = self.project.sources.join(".git").exists().then(|| git.output().unwrap().stdout);
        String::from_utf8(asked.unwrap_or_default()).unwrap().trim().to_owned()
    }

    /// Puts a file of another commit into the artifact, attested as that commit's by the same workflow on main.
    fn replace(&self, artifacts: &Path, name: &str, workflow: &str) {
        let (file, bundle) = (artifacts.join("artifact/artifact").join(name), artifacts.join("artifact/bundle.jsonl"));
        std::fs::write(&file, "what another commit was built to").unwrap();
        let signer = workflow.split('@').next().unwrap().to_owned();
        let line = Signed { repository: &self.project.repository, signer, commit: "ba5eba11" }.of(&file, name);
        standin::sign(self, &line);
        std::fs::write(&bundle, std::fs::read_to_string(&bundle).unwrap() + &line).unwrap();
    }

    fn context(&self, event: &Event, workflow: &Workflow, inputs: &Value) -> Value {
        let (reference, name_of_it) = event.reference();
        let pull_request = event.pull_request_from.map(|repository| {
            let head = json!({"repo": {"full_name": repository}, "sha": HEAD});
            json!({"number": 7, "head": head, "user": {"login": "octocat"}})
        });
        // As texts, whatever their type.
        let typed = inputs.as_object().into_iter().flatten();
        let typed: Map<_, _> = typed.map(|(name, value)| (name.clone(), json!(expression::show(value)))).collect();
        let (owner, name) = self.project.repository.split_once('/').unwrap();
        json!({
            "repository": self.project.repository, "repository_owner": owner, "repository_owner_id": "1", "repository_id": "2",
            "sha": workflow.place.commit, "actor": "octocat", "server_url": "https://github.com",
            "ref": reference, "ref_name": name_of_it, "run_id": self.runs.get(), "run_attempt": 1,
            "event_name": event.name(),
            "event": {"pull_request": pull_request, "inputs": typed, "repository": {"name": name}},
            "workflow": event.workflow, "workflow_ref": workflow.reference(), "token": "a-token-of-the-run",
        })
    }
}

/// An attestation of a run on main.
struct Signed<'a> {
    repository: &'a str,
    signer: String,
    commit: &'a str,
}

impl Signed<'_> {
    fn of(&self, file: &Path, name: &str) -> String {
        let Self { repository, signer, commit } = self;
        Attestation { repository, signer, commit, reference: "refs/heads/main" }.of(file, name)
    }
}

/// The steps of every workflow and action of this repository, by the file that has them.
pub(crate) fn declared() -> Vec<(String, Vec<Value>)> {
    let github = repository().join(".github");
    let files = |folder: &str| std::fs::read_dir(github.join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let files = files("workflows").chain(files("actions").map(|folder| folder.join("action.yml")));
    files.map(|file| (file.display().to_string(), workflow::steps(&file))).collect()
}

/// Every workflow of this repository, by the file that has it.
pub(crate) fn workflows() -> Vec<(String, Value)> {
    let files = std::fs::read_dir(repository().join(".github/workflows")).unwrap().map(|entry| entry.unwrap().path());
    files.map(|file| (file.display().to_string(), read(&file))).collect()
}

/// Reads a file of YAML.
pub(crate) fn read(file: &Path) -> Value {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
