//! A workflow, its jobs in their order, and the workflows that it calls.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::expression::Scope;
use super::job::{Job, Place};
use super::{End, Event, GitHub, read};

/// What a token may: `contents` -> `read`.
pub(super) type Permissions = BTreeMap<String, String>;

/// A file of `.github/workflows`.
pub(super) struct Workflow {
    pub(super) place: Place,
    /// Its path in its repository.
    pub(super) file: String,
    pub(super) content: Value,
    /// What the jobs may that name no permissions; of a called workflow, also the most that its jobs may.
    granted: Permissions,
}

/// One run of a workflow that something started.
pub(super) struct Started<'a> {
    pub(super) github: &'a GitHub,
    pub(super) event: &'a Event,
    /// What `github` is in every job.
    pub(super) context: Value,
    pub(super) folder: PathBuf,
    /// How the jobs ended, as GitHub shows them: `deploy / build`.
    pub(super) jobs: RefCell<BTreeMap<String, End>>,
}

impl Workflow {
    /// One that an event starts.
    pub(super) fn started(place: Place, file: String) -> Self {
        let content = read(&place.root.join(&file));
        Self::of(place, file, content)
    }

    pub(super) fn of(place: Place, file: String, content: Value) -> Self {
        // The default of repositories today.
        let granted = declared(&content["permissions"])
            .unwrap_or_else(|| Permissions::from([("contents".to_owned(), "read".to_owned())]));
        Self { place, file, content, granted }
    }

    /// The one that a job of this one calls, with the job's permissions.
    fn called(&self, job: &Value) -> Self {
        let uses = job["uses"].as_str().unwrap();
        // Both are of the repository and the commit of the file that has them.
        let within = uses.strip_prefix("$/").or_else(|| uses.strip_prefix("./"));
        let (place, file) = match within {
            Some(file) => (self.place.clone(), file.to_owned()),
            None => Place::published(uses).unwrap_or_else(|| panic!("there is no workflow `{uses}` here")),
        };
        let content = read(&place.root.join(&file));
        assert!(on(&content).get("workflow_call").is_some(), "{file} cannot be called");
        Self { place, file, content, granted: self.permissions(job) }
    }

    pub(super) fn permissions(&self, job: &Value) -> Permissions {
        let of_all = declared(&self.content["permissions"]);
        declared(&job["permissions"]).or(of_all).unwrap_or_else(|| self.granted.clone())
    }

    /// As `job.workflow_ref` names it.
    pub(super) fn reference(&self) -> String {
        format!("{}/{}@{}", self.place.repository, self.file, self.place.reference)
    }

    /// Why GitHub does not start it: a job of a called workflow that asks for more than the calling job has, or wrong inputs.
    pub(super) fn refused(&self) -> Result<(), String> {
        for (name, job) in self.jobs().filter(|(_, job)| !job["uses"].is_null()) {
            let called = self.called(job);
            for (nested, of_it) in called.jobs() {
                let more: Vec<_> =
                    called.permissions(of_it).into_iter().filter(|asked| exceeds(asked, &called.granted)).collect();
                let Some((permission, _)) = more.first() else { continue };
                let asked: Vec<_> = more.iter().map(|(name, grant)| format!("{name}: {grant}")).collect();
                let allowed = called.granted.get(permission).map_or("none", String::as_str);
                return Err(format!(
                    "The nested job '{nested}' of '{name}' is requesting '{}', but is only allowed '{permission}: {allowed}'",
                    asked.join(", ")
                ));
            }
            for (input, of_it) in inputs(&called.content) {
                if of_it["required"] == true && job["with"].get(&input).is_none() {
                    return Err(format!("Input {input} is required, but not provided while calling {}", called.file));
                }
            }
            for input in job["with"].as_object().into_iter().flatten().map(|(input, _)| input) {
                if !inputs(&called.content).contains_key(input) {
                    return Err(format!(
                        "Invalid input, {input} is not defined in the referenced workflow {}",
                        called.file
                    ));
                }
            }
            called.refused()?;
        }
        Ok(())
    }

    fn jobs(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.content["jobs"].as_object().unwrap().iter()
    }

    /// Runs its jobs; returns how they ended, by their ids. `within` is the name of the job that calls it.
    pub(super) fn run(&self, started: &Started, inputs: &Value, within: &str) -> BTreeMap<String, End> {
        let mut ended = BTreeMap::<String, End>::new();
        while ended.len() < self.jobs().count() {
            let due = |(id, job): &(&String, &Value)| {
                !ended.contains_key(*id) && needs(job).iter().all(|needed| ended.contains_key(needed))
            };
            let Some((id, job)) = self.jobs().find(due) else { panic!("jobs that need each other") };
            let needed: BTreeMap<_, _> =
                needs(job).into_iter().map(|name| (name.clone(), ended[&name].clone())).collect();
            let contexts = json!({"github": started.context, "inputs": inputs, "needs": in_context(&needed), "vars": {}, "matrix": {}});
            let scope = Scope { contexts: &contexts, failed: needed.values().any(|end| end.result != "success") };
            let name =
                if job["strategy"].is_null() { scope.text(job["name"].as_str().unwrap_or(id)) } else { id.clone() };
            let assumed = started.event.assumed.iter().find(|(assumed, _)| *assumed == name || assumed == id);
            let shown = if within.is_empty() { name } else { format!("{within} / {name}") };
            let end = match assumed {
                Some((_, result)) => End::without_a_run(result),
                None if !scope.holds(&job["if"]) => End::without_a_run("skipped"),
                None if !job["uses"].is_null() => self.call(started, job, &scope, &shown),
                None => self.combinations(started, job, &scope, &shown),
            };
            started.jobs.borrow_mut().insert(shown, end.clone());
            ended.insert(id.clone(), end);
            if let (Some(replaced), "attest") = (started.event.replaced, id.as_str()) {
                started.github.replace(&started.folder.join("artifacts"), replaced, &self.reference());
            }
        }
        ended
    }

    /// A job that calls a workflow: what its jobs wrote together.
    fn call(&self, started: &Started, job: &Value, scope: &Scope, name: &str) -> End {
        let called = self.called(job);
        let given = job["with"].clone();
        let typed = inputs(&called.content).into_iter().map(|(input, of_it)| {
            let value = given.get(&input).map_or_else(|| of_it["default"].clone(), |value| scope.value_of(value));
            (input.clone(), typed(&input, &of_it["type"], value))
        });
        let inputs = Value::Object(typed.collect());
        let ended = called.run(started, &inputs, name);
        let contexts = json!({"github": started.context, "inputs": inputs, "jobs": in_context(&ended)});
        let scope = Scope { contexts: &contexts, failed: false };
        let declared = on(&called.content)["workflow_call"]["outputs"].clone();
        let outputs = declared.as_object().into_iter().flatten();
        let outputs: Map<_, _> =
            outputs.map(|(name, output)| (name.clone(), json!(scope.text_of(&output["value"])))).collect();
        let together = ended.into_values().reduce(End::with).unwrap_or_else(|| End::without_a_run("skipped"));
        End { outputs: Value::Object(outputs), ..together }
    }

    /// A job, or one for each combination of its matrix: what they wrote together, and the worst end.
    fn combinations(&self, started: &Started, job: &Value, scope: &Scope, name: &str) -> End {
        let ends = matrix(&job["strategy"]["matrix"], scope).into_iter().enumerate().map(|(at, matrix)| {
            let mut contexts = scope.contexts.clone();
            contexts["matrix"] = matrix;
            let scope = Scope { contexts: &contexts, failed: scope.failed };
            let declared = &job["environment"];
            let environment = scope.text_of(declared.get("name").unwrap_or(declared));
            contexts["vars"] = json!(started.github.variables.get(&environment));
            let folder = started.folder.join(format!("{}-{at}", name.replace(" / ", ".")));
            Job::new(started.github, &folder, environment, contexts).run(self, job)
        });
        ends.reduce(End::with).unwrap_or_else(|| End::without_a_run("skipped"))
    }
}

/// What starts a workflow.
pub(super) fn on(workflow: &Value) -> Value {
    match &workflow["on"] {
        Value::String(event) => json!({event: null}),
        other => other.clone(),
    }
}

fn inputs(called: &Value) -> Map<String, Value> {
    on(called)["workflow_call"]["inputs"].as_object().cloned().unwrap_or_default()
}

/// An input as its type has it; GitHub refuses what is not of it.
fn typed(name: &str, kind: &Value, value: Value) -> Value {
    match (kind.as_str().unwrap_or_else(|| panic!("the input `{name}` has no type")), value) {
        ("boolean", Value::Null) => json!(false),
        ("boolean", value @ Value::Bool(_)) | ("number", value @ Value::Number(_)) => value,
        ("string", Value::Null) => json!(""),
        ("string", value @ Value::String(_)) => value,
        (kind, value) => panic!("the input `{name}` is a {kind}, not {value}"),
    }
}

/// Permissions that are named, each with what it is.
fn declared(permissions: &Value) -> Option<Permissions> {
    let named = permissions.as_object()?;
    Some(named.iter().map(|(name, grant)| (name.clone(), grant.as_str().unwrap().to_owned())).collect())
}

fn exceeds((name, grant): &(String, String), allowed: &Permissions) -> bool {
    let rank = |grant: &str| ["none", "read", "write"].iter().position(|known| *known == grant).unwrap();
    rank(grant) > rank(allowed.get(name).map_or("none", String::as_str))
}

/// Jobs as `needs` and `jobs` have them.
fn in_context(ended: &BTreeMap<String, End>) -> Value {
    ended.iter().map(|(name, end)| (name.clone(), json!({"result": end.result, "outputs": end.outputs}))).collect()
}

/// The combinations of a matrix: of one list, or those that it includes. A job without one runs once.
fn matrix(declared: &Value, scope: &Scope) -> Vec<Value> {
    let Some(lists) = declared.as_object() else { return vec![json!({})] };
    assert_eq!(lists.len(), 1, "a matrix of several lists: {declared}");
    let (name, list) = lists.iter().next().unwrap();
    let Value::Array(list) = scope.value_of(list) else { panic!("a matrix without a list: {declared}") };
    list.into_iter().map(|value| if name == "include" { value } else { json!({name: value}) }).collect()
}

fn needs(job: &Value) -> Vec<String> {
    match &job["needs"] {
        Value::String(one) => vec![one.clone()],
        Value::Array(several) => several.iter().map(|one| one.as_str().unwrap().to_owned()).collect(),
        _ => Vec::new(),
    }
}

/// The steps of a workflow's jobs, or of a composite action.
pub(super) fn steps(file: &Path) -> Vec<Value> {
    let content = read(file);
    let of_jobs = content["jobs"].as_object().into_iter().flatten().map(|(_, job)| &job["steps"]);
    let all = of_jobs.chain([&content["runs"]["steps"]]);
    all.filter_map(Value::as_array).flatten().cloned().collect()
}
