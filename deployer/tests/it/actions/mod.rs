//! An interpreter of this repository's workflows: jobs in their order, their `run:` steps for real, outputs, environment
//! files, conditions and needs as GitHub has them. What an action of somebody else's does is done by [`standin`].
//!
//! `wrkflw` was looked at first: it fetches other people's actions from the network, knows no variables of environments, and
//! cancels nothing.

mod expression;
mod job;
mod standin;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::harness::repository;
use expression::Scope;
use job::Job;

pub(crate) const REPOSITORY: &str = "example/resume-visitor-counter";

/// GitHub, as far as a run of a workflow sees it.
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
    /// The commit.
    pub commit: String,
    /// Environments whose reviewers do not answer.
    pub unapproved: Vec<&'static str>,
    /// The run is cancelled once a step's log has this.
    pub cancelled_at: Option<&'static str>,
    /// An artifact that somebody else's file takes the place of, once the job `attest` has ended.
    pub replaced: Option<&'static str>,
}

/// A run that has ended, or waits for somebody.
pub(crate) struct Run {
    pub jobs: BTreeMap<String, End>,
}

/// How a job ended.
#[derive(Debug, Clone)]
pub(crate) struct End {
    /// `success`, `failure`, `cancelled`, `skipped`, `waiting`.
    pub result: &'static str,
    pub outputs: Value,
    /// All that its steps wrote.
    pub log: String,
    /// The page of the run.
    pub summary: String,
    /// The URL of its environment.
    pub url: String,
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

impl GitHub {
    /// A repository with these sources, its environments set up as bootstrap's outputs say, and a release of `deployer`.
    pub(crate) fn new(root: PathBuf, sources: PathBuf, ports: [u16; 2]) -> Self {
        if root.exists() {
            std::fs::remove_dir_all(&root).unwrap();
        }
        std::fs::create_dir_all(&root).unwrap();
        let mut variables = BTreeMap::new();
        for (environment, account) in [("dev", "111111111111"), ("prod", "222222222222")] {
            for (suffix, role) in [("", "deploy"), ("-plan", "plan")] {
                let role = format!("arn:aws:iam::{account}:role/resume-visitor-counter-{environment}-{role}");
                let bucket = format!("resume-visitor-counter-tfstate-{account}");
                let of_it = [("AWS_ROLE_ARN", role), ("AWS_REGION", "us-east-1".to_owned()), ("STATE_BUCKET", bucket)];
                let of_it = of_it.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
                variables.insert(format!("{environment}{suffix}"), of_it);
            }
        }
        let github = Self { root, sources, variables, ports, runs: Cell::new(0) };
        let release = format!("{REPOSITORY}/.github/workflows/release.yml");
        standin::attested(&github, Path::new(env!("CARGO_BIN_EXE_deployer")), &release, "refs/tags/v0.1.0");
        github
    }

    fn port(&self, environment: &str) -> u16 {
        self.ports[usize::from(environment == "prod")]
    }

    /// Runs a workflow to its end, or as far as its approvals let it come.
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
            let end = self.job(&workflow, job, event, &run, &folder.join(name));
            run.jobs.insert(name.clone(), end);
            if let (Some(artifact), "attest") = (event.replaced, name.as_str()) {
                std::fs::write(folder.join("artifacts").join(artifact), "not what was built").unwrap();
            }
        }
        run
    }

    fn job(&self, workflow: &Value, job: &Value, event: &Event, run: &Run, folder: &Path) -> End {
        let ended =
            |result| End { result, outputs: json!({}), log: String::new(), summary: String::new(), url: String::new() };
        let needed: Vec<_> = needs(job).iter().map(|name| (name.clone(), run.jobs[name].clone())).collect();
        if needed.iter().any(|(_, end)| end.result == "waiting") {
            return ended("waiting");
        }
        let failed = needed.iter().any(|(_, end)| end.result != "success");
        let needs: Map<_, _> = needed
            .into_iter()
            .map(|(name, end)| (name, json!({"result": end.result, "outputs": end.outputs})))
            .collect();
        let mut contexts = json!({"github": self.context(event), "inputs": event.inputs, "needs": needs, "vars": {}});
        let scope = Scope { contexts: &contexts, failed, cancelled: false };
        if !scope.holds(&job["if"]) {
            return ended("skipped");
        }
        let declared = &job["environment"];
        let environment = scope.text_of(declared.get("name").unwrap_or(declared));
        if event.unapproved.contains(&environment.as_str()) {
            return ended("waiting");
        }
        contexts["vars"] = json!(self.variables.get(&environment));
        Job::new(self, event, folder, environment, contexts).run(workflow, job)
    }

    fn context(&self, event: &Event) -> Value {
        let workflow = format!("{REPOSITORY}/.github/workflows/{}.yml@refs/heads/main", event.workflow);
        json!({
            "repository": REPOSITORY, "sha": event.commit, "actor": "octocat", "server_url": "https://github.com",
            "ref": "refs/heads/main", "ref_name": "main", "run_id": self.runs.get(), "run_attempt": 1,
            "event_name": if event.inputs.is_some() { "workflow_dispatch" } else { "push" },
            "workflow": event.workflow, "workflow_ref": workflow, "token": "a-token-of-the-run",
        })
    }
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
