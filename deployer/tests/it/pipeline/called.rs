//! The reusable workflows, called by another repository as docs/github-actions.md prints it. No AWS is needed for what is here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::COMMIT;
use crate::actions::{Event, GitHub, PUBLISHED, Project, Run, read};
use crate::harness::{copy, repository};

const NAME: &str = "you/greet";

/// A workflow as the page prints it.
fn printed(file: &str) -> String {
    let page = std::fs::read_to_string(repository().join("docs/github-actions.md")).unwrap();
    let start = format!("```yaml\n# .github/workflows/{file}\n");
    let (_, rest) = page.split_once(&start).unwrap_or_else(|| panic!("the page does not print {file}"));
    rest.split("```").next().unwrap().to_owned()
}

/// An example as a repository of its own, with these workflows, and without AWS.
fn caller(name: &str, workflows: &[(&str, String)]) -> (GitHub, PathBuf) {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("github").join(name);
    let sources = Path::new(env!("CARGO_TARGET_TMPDIR")).join("called").join(name);
    let _ = std::fs::remove_dir_all(&sources);
    copy(&repository().join("deployer/examples/node-function-url"), &sources);
    for (file, text) in workflows {
        write(&sources, &format!(".github/workflows/{file}"), text);
    }
    let project = Project::foreign(NAME, sources.clone(), "greet", BTreeMap::new());
    (GitHub::new(root, project).with_a_release(COMMIT), sources)
}

fn write(root: &Path, file: &str, text: &str) {
    std::fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
    std::fs::write(root.join(file), text).unwrap();
}

/// A push whose functions are built and signed, and go nowhere.
fn push() -> Event {
    let assumed = &[("dev", "success"), ("prod-plan", "success"), ("prod", "success")];
    Event { workflow: "deploy", commit: COMMIT.to_owned(), assumed, ..Event::default() }
}

fn click(inputs: Value) -> Event {
    Event { workflow: "rollback", inputs: Some(inputs), commit: COMMIT.to_owned(), ..Event::default() }
}

pub(crate) fn deploy_and_rollback_are_ten_lines() {
    let lines: usize = ["deploy.yml", "rollback.yml"].iter().map(|file| printed(file).lines().count()).sum();
    assert!(lines <= 10, "{lines} lines");
}

pub(crate) fn a_caller_that_grants_too_little_is_refused() {
    let refused = |name: &str, file: &'static str, grant: &str, less: &str, words: [&str; 2]| {
        let text = printed(&format!("{file}.yml"));
        assert!(text.contains(grant), "no `{grant}` in {text}");
        let (github, _) = caller(name, &[(&format!("{file}.yml"), text.replace(grant, less))]);
        let inputs = (file != "deploy").then(|| json!({}));
        let run = github.run(&Event { workflow: file, inputs, ..Event::default() });
        let refused = run.refused.unwrap_or_else(|| panic!("{grant} is not needed by {file}"));
        assert!(words.iter().all(|word| refused.contains(word)), "{refused}");
        assert!(run.jobs.is_empty());
    };
    let deploy = |grant: &str, less: &str, words| refused("too-little", "deploy", grant, less, words);
    deploy("attestations: write", "attestations: read", ["attestations: write", "only allowed 'attestations: read'"]);
    deploy(", id-token: write", "", ["id-token: write", "only allowed 'id-token: none'"]);
    deploy("actions: read, ", "", ["actions: read", "only allowed 'actions: none'"]);
    deploy("contents: read, ", "", ["contents: read", "only allowed 'contents: none'"]);
    for file in ["rollback", "promote", "drift"] {
        for grant in ["actions: read, ", "attestations: read, ", "contents: read, ", ", id-token: write"] {
            let name = grant.trim_matches([',', ' ']);
            refused("too-little", file, grant, "", [name, "only allowed"]);
        }
    }
}

pub(crate) fn an_input_that_does_not_exist_is_refused() {
    let text = printed("deploy.yml") + "    with: { enviroment: dev }\n";
    let refused = caller("no-input", &[("deploy.yml", text)]).0.run(&push()).refused.unwrap();
    assert!(refused.contains("enviroment is not defined"), "{refused}");
}

/// Nor anything else that has the name of a part of the pipeline.
pub(crate) fn a_called_workflow_runs_nothing_of_its_callers_github() {
    let (github, sources) = caller("hostile", &[("deploy.yml", printed("deploy.yml"))]);
    let action =
        "name: poison\nruns:\n  using: composite\n  steps:\n    - shell: bash\n      run: echo poison; exit 1\n";
    let script = "#!/bin/sh\necho poison\nexit 1\n";
    for own in std::fs::read_dir(repository().join(".github/actions")).unwrap().map(|folder| folder.unwrap().path()) {
        let folder = format!(".github/actions/{}", own.file_name().unwrap().to_str().unwrap());
        for file in std::fs::read_dir(own).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()) {
            write(&sources, &format!("{folder}/{file}"), if file == "action.yml" { action } else { script });
        }
    }
    write(&sources, ".github/workflows/reusable-deploy.yml", "on: workflow_call\njobs: {}\n");
    write(&sources, ".github/build/run", script);
    write(&sources, "install.sh", script);
    // What the build's parent, the deployer itself, was started with.
    let seen = sources.join("seen");
    let build = format!("command = \"cp /proc/$PPID/environ {}; ", seen.display());
    let configured = std::fs::read_to_string(sources.join("deployer.toml")).unwrap();
    assert!(configured.contains("command = \""), "{configured}");
    write(&sources, "deployer.toml", &configured.replacen("command = \"", &build, 1));

    let run = github.run(&push());
    run.expect([("deploy / build", "success"), ("deploy / attest", "success"), ("deploy", "success")]);
    assert!(!run.job("deploy").log.contains("poison"), "{}", run.job("deploy").log);
    let environment = std::fs::read(seen).unwrap();
    for variable in String::from_utf8_lossy(&environment).split('\0').filter(|variable| !variable.is_empty()) {
        let name = variable.split('=').next().unwrap();
        let passed =
            ["PATH", "HOME", "LANG", "CI", "GITHUB_ACTIONS", "GITHUB_SHA", "GITHUB_STEP_SUMMARY", "CARGO_HOME"];
        assert!(passed.contains(&name) || name.starts_with("RUSTUP_"), "a build on the runner gets {name}");
    }
    // Signed by the called workflow, for the repository and the commit of the caller.
    let bundle = github.uploaded(1, "artifact/bundle.jsonl");
    let by = format!(" {NAME} {PUBLISHED}/.github/workflows/reusable-deploy.yml {COMMIT} refs/heads/main");
    assert!(!bundle.is_empty() && bundle.lines().all(|line| line.ends_with(&by)), "{bundle}");
}

pub(crate) fn what_a_caller_names_comes_before_what_was_typed() {
    let environment = |run: &Run, name: &str| {
        let words = [&format!("`{name}-rollback` has no variable AWS_ROLE_ARN"), "Settings > Environments"];
        run.expect([("rollback", "failure")]).job("rollback").annotates(words);
    };
    let (github, _) = caller("typed", &[("rollback.yml", printed("rollback.yml"))]);
    environment(&github.run(&click(json!({}))), "prod");
    environment(&github.run(&click(json!({"environment": "stage"}))), "stage");
    let named = printed("rollback.yml") + "    with: { environment: dev }\n";
    let (github, _) = caller("named", &[("rollback.yml", named)]);
    environment(&github.run(&click(json!({"environment": "stage"}))), "dev");
}

pub(crate) fn a_repository_without_the_deployers_sources_cannot_build_it() {
    let text = printed("deploy.yml") + "    with: { deployer: source }\n";
    let run = caller("no-sources", &[("deploy.yml", text)]).0.run(&push());
    run.expect([("build", "failure"), ("attest", "skipped")]);
    run.job("build").annotates(["you/greet has no sources of deployer", "Leave the input `deployer` at `release`"]);
}

pub(crate) fn a_build_image_has_a_digest() {
    let text = printed("deploy.yml") + "    with: { build-image: \"node:22\" }\n";
    let run = caller("no-digest", &[("deploy.yml", text)]).0.run(&push());
    run.expect([("build", "failure")]).job("build").annotates([
        "An image without a digest",
        "`node:22`",
        "Append the digest",
    ]);
}

/// The tables of the page, row by row.
pub(crate) fn the_page_lists_every_input_and_output() {
    let page = std::fs::read_to_string(repository().join("docs/github-actions.md")).unwrap();
    let mut compared = 0;
    let mut compare = |name: &str, inputs: &Value, outputs: &Value| {
        let (_, rest) = page.split_once(&format!("\n#### {name}\n")).unwrap_or_else(|| panic!("no part on {name}"));
        let part = rest.split("\n#").next().unwrap();
        let listed: BTreeSet<_> = part.lines().filter(|line| line.starts_with("| `")).map(str::to_owned).collect();
        let declared: BTreeSet<_> = rows(inputs, true).into_iter().chain(rows(outputs, false)).collect();
        assert_eq!(listed, declared, "the tables of {name}");
        compared += declared.len();
    };
    for name in ["reusable-deploy", "reusable-promote", "reusable-rollback", "reusable-drift"] {
        let call = read(&repository().join(format!(".github/workflows/{name}.yml")))["on"]["workflow_call"].clone();
        compare(name, &call["inputs"], &call["outputs"]);
    }
    for folder in std::fs::read_dir(repository().join(".github/actions")).unwrap().map(|entry| entry.unwrap().path()) {
        let action = read(&folder.join("action.yml"));
        compare(folder.file_name().unwrap().to_str().unwrap(), &action["inputs"], &action["outputs"]);
    }
    assert!(compared > 50, "{compared}");
}

fn rows(declared: &Value, with_default: bool) -> Vec<String> {
    let row = |(name, of_it): (&String, &Value)| {
        let meaning = of_it["description"].as_str().unwrap_or_else(|| panic!("`{name}` has no description"));
        let default = match &of_it["default"] {
            _ if of_it["required"] == true => "**required**".to_owned(),
            Value::Null => String::new(),
            Value::String(text) if text.is_empty() => String::new(),
            Value::String(text) => format!("`{text}`"),
            other => format!("`{other}`"),
        };
        if with_default { format!("| `{name}` | {default} | {meaning} |") } else { format!("| `{name}` | {meaning} |") }
    };
    declared.as_object().into_iter().flatten().map(row).collect()
}
