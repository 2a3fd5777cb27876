//! One job: its steps, one after the other, in a workspace of its own.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Map, Value, json};

use super::expression::Scope;
use super::workflow::{Permissions, Workflow};
use super::{End, GitHub, PUBLISHED, read, standin};
use crate::harness::{bare, repository};

/// Where a file of YAML is from: a repository at a commit.
#[derive(Clone, Default)]
pub(super) struct Place {
    pub(super) root: PathBuf,
    /// `owner/name`.
    pub(super) repository: String,
    pub(super) reference: String,
    pub(super) commit: String,
}

impl Place {
    /// This repository as others name it, and a path in it: `OWNER/deployer/.github/workflows/reusable-deploy.yml@v0.2.0`.
    pub(super) fn published(uses: &str) -> Option<(Self, String)> {
        let (path, version) = uses.strip_prefix(PUBLISHED)?.split_once('@')?;
        assert_eq!(version, concat!("v", env!("CARGO_PKG_VERSION")), "{uses} is not the version of these sources");
        let (owner_and_name, commit) = (PUBLISHED.to_owned(), "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00".to_owned());
        let place =
            Self { root: repository(), repository: owner_and_name, reference: format!("refs/tags/{version}"), commit };
        Some((place, path.trim_start_matches('/').to_owned()))
    }
}

pub(super) struct Job<'a> {
    pub(super) github: &'a GitHub,
    /// The name of its GitHub environment, or nothing.
    pub(super) environment: String,
    pub(super) workspace: PathBuf,
    pub(super) temp: PathBuf,
    /// Shared by the jobs of a run.
    pub(super) artifacts: PathBuf,
    permissions: Permissions,
    /// Of the file whose steps run.
    place: Place,
    contexts: Value,
    /// What `$GITHUB_ENV` and stand-ins have set.
    pub(super) env: BTreeMap<String, String>,
    path: Vec<String>,
    /// Of the action whose steps run.
    action_path: PathBuf,
    failed: bool,
    pub(super) log: String,
    summary: String,
}

impl<'a> Job<'a> {
    pub(super) fn new(github: &'a GitHub, folder: &Path, environment: String, mut contexts: Value) -> Self {
        let (workspace, temp) = (folder.join("workspace"), folder.join("temp"));
        std::fs::create_dir_all(&workspace).unwrap();
        std::fs::create_dir_all(&temp).unwrap();
        contexts["github"]["workspace"] = json!(workspace);
        contexts["runner"] = json!({"temp": temp, "os": "Linux", "arch": "X64"});
        let artifacts = folder.parent().unwrap().join("artifacts");
        let (env, path) = (BTreeMap::new(), Vec::new());
        let (log, summary) = (String::new(), String::new());
        let (failed, permissions) = (false, Permissions::new());
        Self {
            github,
            environment,
            workspace,
            temp,
            artifacts,
            permissions,
            place: Place::default(),
            contexts,
            env,
            path,
            action_path: PathBuf::new(),
            failed,
            log,
            summary,
        }
    }

    pub(super) fn github_context(&self) -> Value {
        self.contexts["github"].clone()
    }

    /// The workflow that has the job.
    pub(super) fn workflow(&self) -> &str {
        self.contexts["job"]["workflow_ref"].as_str().unwrap()
    }

    /// Fails where the job's token may not do that.
    pub(super) fn may(&self, name: &str, grant: &str) -> Result<(), String> {
        match self.permissions.get(name) {
            Some(granted) if granted == grant || granted == "write" => Ok(()),
            _ => Err(format!("Resource not accessible by integration: the job has no `{name}: {grant}`")),
        }
    }

    pub(super) fn run(mut self, workflow: &Workflow, job: &Value) -> End {
        self.permissions = workflow.permissions(job);
        self.place = workflow.place.clone();
        // Of the called workflow, while `github` is of the one that calls it.
        self.contexts["job"] = json!({
            "workflow_ref": workflow.reference(), "workflow_repository": self.place.repository,
            "workflow_sha": self.place.commit, "workflow_file_path": workflow.file,
        });
        let mut contexts = self.contexts.clone();
        contexts["env"] = json!({});
        for declared in [&workflow.content["env"], &job["env"]] {
            let scope = Scope { contexts: &contexts, failed: false };
            let more: Map<_, _> = texts(&scope, declared).into_iter().map(|(name, text)| (name, json!(text))).collect();
            contexts["env"].as_object_mut().unwrap().extend(more);
        }
        if let Some(image) = job["container"]["image"].as_str() {
            self.env.insert("STANDIN_IMAGE".to_owned(), image.to_owned());
        }
        contexts["steps"] = self.steps(&job["steps"], &mut contexts);
        let scope = Scope { contexts: &contexts, failed: self.failed };
        let result = if self.failed { "failure" } else { "success" };
        let url = scope.text_of(&job["environment"]["url"]);
        // For who looks at a run that went wrong.
        std::fs::write(self.temp.with_file_name("log"), &self.log).unwrap();
        std::fs::write(self.temp.with_file_name("summary.md"), &self.summary).unwrap();
        // A job's machine goes with it; with what was built in it, a run would otherwise keep gigabytes.
        std::fs::remove_dir_all(&self.workspace).unwrap();
        std::fs::remove_dir_all(&self.temp).unwrap();
        End { result, outputs: json!(texts(&scope, &job["outputs"])), url, log: self.log, summary: self.summary }
    }

    /// Runs steps of the job or of a composite action; returns their outputs by their ids.
    fn steps(&mut self, steps: &Value, contexts: &mut Value) -> Value {
        contexts["steps"] = json!({});
        for step in steps.as_array().unwrap() {
            let scope = Scope { contexts, failed: self.failed };
            if !scope.holds(&step["if"]) {
                continue;
            }
            let ended = self.step(step, contexts);
            let outcome = if ended.is_ok() { "success" } else { "failure" };
            self.failed |= ended.is_err();
            if let Some(id) = step["id"].as_str() {
                let outputs = ended.unwrap_or_else(|outputs| outputs);
                contexts["steps"][id] = json!({"outputs": outputs, "outcome": outcome, "conclusion": outcome});
            }
        }
        contexts["steps"].clone()
    }

    /// One step: its outputs, also when it failed.
    fn step(&mut self, step: &Value, contexts: &Value) -> Result<Value, Value> {
        let scope = Scope { contexts, failed: self.failed };
        let with = texts(&scope, &step["with"]);
        let mut env: BTreeMap<_, _> = texts(&scope, &contexts["env"]);
        env.extend(texts(&scope, &step["env"]));
        match (step["uses"].as_str(), step["run"].as_str()) {
            (Some(action), _) => match self.own(action) {
                Some((place, path)) => self.composite((&place, &path), &with, contexts),
                None => standin::act(self, action, &with),
            },
            (_, Some(script)) => self.script(&scope.text(script), &env),
            _ => panic!("a step that does nothing: {step}"),
        }
    }

    /// Where an action is that is not replaced: `$/…` is of the repository of the file that has it, `./…` of the workspace.
    fn own(&self, action: &str) -> Option<(Place, String)> {
        if let Some(path) = action.strip_prefix("$/") {
            return Some((self.place.clone(), path.to_owned()));
        }
        let Some(path) = action.strip_prefix("./") else { return Place::published(action) };
        let github = |name: &str| self.contexts["github"][name].as_str().unwrap().to_owned();
        let (repository, reference, commit) = (github("repository"), github("ref"), github("sha"));
        Some((Place { root: self.workspace.clone(), repository, reference, commit }, path.to_owned()))
    }

    /// An action that is made of steps. It sees the job only through its inputs.
    fn composite(
        &mut self,
        (place, action): (&Place, &str),
        with: &BTreeMap<String, String>,
        contexts: &Value,
    ) -> Result<Value, Value> {
        let declared = read(&place.root.join(action).join("action.yml"));
        let mut inside = json!({"github": contexts["github"], "runner": contexts["runner"], "env": contexts["env"]});
        let defaults = declared["inputs"].as_object().into_iter().flatten();
        let scope = Scope { contexts: &inside, failed: false };
        let mut inputs: BTreeMap<_, _> =
            defaults.map(|(name, input)| (name.clone(), scope.text_of(&input["default"]))).collect();
        for (name, value) in with {
            assert!(inputs.contains_key(name), "{action} has no input `{name}`");
            inputs.insert(name.clone(), value.clone());
        }
        inside["inputs"] = json!(inputs);
        // `success()` and `failure()` inside are about the action's own steps.
        let failed_before = std::mem::take(&mut self.failed);
        let path_before = std::mem::replace(&mut self.action_path, place.root.join(action));
        let place_before = std::mem::replace(&mut self.place, place.clone());
        self.steps(&declared["runs"]["steps"], &mut inside);
        (self.action_path, self.place) = (path_before, place_before);
        let failed_inside = std::mem::replace(&mut self.failed, failed_before);
        let scope = Scope { contexts: &inside, failed: failed_inside };
        let put_out = declared["outputs"].as_object().into_iter().flatten();
        let outputs: Map<_, _> =
            put_out.map(|(name, output)| (name.clone(), json!(scope.text_of(&output["value"])))).collect();
        if failed_inside { Err(Value::Object(outputs)) } else { Ok(Value::Object(outputs)) }
    }

    /// A `run:` step, as GitHub's runner starts it for `shell: bash`.
    fn script(&mut self, script: &str, env: &BTreeMap<String, String>) -> Result<Value, Value> {
        let temp = self.temp.clone();
        let file = |name: &str| temp.join(format!("_{name}"));
        let files = ["OUTPUT", "ENV", "PATH", "STEP_SUMMARY"].map(|name| (name, file(name)));
        for (_, file) in &files {
            std::fs::write(file, "").unwrap();
        }
        std::fs::write(file("script"), script).unwrap();
        let log = File::create(file("log")).unwrap();
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc", "-e", "-o", "pipefail"]).arg(file("script"));
        command.current_dir(&self.workspace).env_clear().envs(self.environment()).envs(env);
        command.envs(files.iter().map(|(name, file)| (format!("GITHUB_{name}"), file)));
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let code = command.status().unwrap().code();
        let read = |file: PathBuf| String::from_utf8_lossy(&std::fs::read(file).unwrap()).into_owned();
        let (log, [output, set, path, summary]) = (read(file("log")), files.map(|(_, file)| read(file)));
        self.log += &log;
        self.summary += &summary;
        self.env.extend(assignments(&set));
        self.path.extend(path.lines().map(str::to_owned));
        let outputs = json!(assignments(&output));
        if code == Some(0) {
            return Ok(outputs);
        }
        self.log += &format!("Process completed with exit code {code:?}.\n");
        Err(outputs)
    }

    /// What every step gets.
    fn environment(&self) -> BTreeMap<String, String> {
        let github = self.contexts["github"].as_object().unwrap();
        let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut all: BTreeMap<_, _> = bare().into_iter().collect();
        all.extend(
            github
                .iter()
                .filter(|(name, _)| !["token", "event"].contains(&name.as_str()))
                .map(|(name, value)| (format!("GITHUB_{}", name.to_uppercase()), shown(value))),
        );
        let folder = |folder: &Path| folder.display().to_string();
        all.extend([
            ("CI".to_owned(), "true".to_owned()),
            ("GITHUB_ACTIONS".to_owned(), "true".to_owned()),
            ("GITHUB_WORKSPACE".to_owned(), folder(&self.workspace)),
            ("RUNNER_TEMP".to_owned(), folder(&self.temp)),
            ("GITHUB_ACTION_PATH".to_owned(), folder(&self.action_path)),
            ("STANDIN_PERMISSIONS".to_owned(), format!("{:?}", self.permissions)),
        ]);
        if self.permissions.get("id-token").is_some_and(|grant| grant == "write") {
            all.insert("ACTIONS_ID_TOKEN_REQUEST_TOKEN".to_owned(), "a-request-token-of-the-run".to_owned());
        }
        all.extend(standin::environment(self.github));
        all.extend(self.env.clone());
        let before: String = self.path.iter().rev().map(|folder| format!("{folder}:")).collect();
        let path = format!("{before}{}:{}", folder(&standin::programs()), all["PATH"]);
        all.insert("PATH".to_owned(), path);
        all
    }
}

/// The texts of a mapping, evaluated.
fn texts(scope: &Scope, mapping: &Value) -> BTreeMap<String, String> {
    mapping.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), scope.text_of(value))).collect()
}

/// `name=value` lines, and `name<<END` with lines up to `END`.
fn assignments(text: &str) -> BTreeMap<String, String> {
    let (mut all, mut lines) = (BTreeMap::new(), text.lines());
    while let Some(line) = lines.next() {
        match (line.split_once("<<"), line.split_once('=')) {
            (Some((name, end)), equals) if equals.is_none_or(|(before, _)| before.len() > name.len()) => {
                let value: Vec<_> = lines.by_ref().take_while(|line| *line != end).collect();
                all.insert(name.to_owned(), value.join("\n"));
            }
            (_, Some((name, value))) => drop(all.insert(name.to_owned(), value.to_owned())),
            _ => assert!(line.is_empty(), "GitHub takes no line such as `{line}`"),
        }
    }
    all
}
