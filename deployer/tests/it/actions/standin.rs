//! Replacements for what only GitHub has: actions of others, by their names, and programs (in `programs`): `gh`; `docker`, which
//! runs a command here with no more than what a container would see; `git` where it asks for a history; `rustup`; `cargo` where it
//! would build the deployer or the acceptance run, which are there already.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::GitHub;
use super::job::Job;
use super::trust;
use crate::harness::{architecture, bare, copy, repository, token};
use crate::infrastructure::said_at;
use crate::stack;

type With = BTreeMap<String, String>;

/// What another owner's action does: its outputs, also when it fails.
pub(super) fn act(job: &mut Job, action: &str, with: &With) -> Result<Value, Value> {
    let (name, version) = action.split_once('@').unwrap_or((action, ""));
    assert!(version.len() == 40 && version.chars().all(|c| c.is_ascii_hexdigit()), "`{action}` is not pinned");
    let done = match name {
        "actions/checkout" => checkout(job, with),
        "actions/upload-artifact" => upload(job, with),
        "actions/download-artifact" => download(job, with),
        "actions/attest-build-provenance" | "actions/attest" => attest(job, with),
        "actions/cache" => super::alone::cache(job, with),
        "aws-actions/configure-aws-credentials" => assume(job, with),
        "hashicorp/setup-terraform" => set_up_terraform(job),
        other => panic!("there is no replacement for the action `{other}`"),
    };
    done.map_err(|message| {
        job.log += &format!("::error::{message}\n");
        json!({})
    })?;
    Ok(json!({"bundle-path": job.temp.join("bundle.jsonl")}))
}

/// The programs before those of the PATH.
pub(super) fn programs() -> PathBuf {
    repository().join("deployer/tests/it/actions/programs")
}

/// The programs' settings, and what makes a deployer's environments those of the local AWS.
pub(super) fn environment(github: &GitHub) -> Vec<(String, String)> {
    let functions = Path::new(env!("CARGO_TARGET_TMPDIR")).join("functions");
    let all = [
        ("STANDIN_CARGO", env!("CARGO").to_owned()),
        ("STANDIN_DEPLOYER", env!("CARGO_BIN_EXE_deployer").to_owned()),
        ("STANDIN_ACCEPTANCE", built().join("examples/acceptance").display().to_string()),
        ("STANDIN_REPOSITORY", github.project.repository.clone()),
        ("DEPLOYER_DOWNLOAD_URL", github.releases.clone()),
        ("STANDIN_ROOT", github.root.display().to_string()),
        ("CARGO_TARGET_DIR", functions.display().to_string()),
        ("DEPLOYER_LOCAL", "1".to_owned()),
        ("NO_PROXY", "127.0.0.1".to_owned()),
    ];
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Where cargo has put what is under test.
pub(crate) fn built() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_deployer")).parent().unwrap()
}

fn attestations(github: &GitHub) -> PathBuf {
    github.root.join("attestations")
}

/// Who built a file.
pub(super) struct Attestation<'a> {
    /// Whose workflow run it was.
    pub(super) repository: &'a str,
    /// The workflow that has the job that signed, maybe of another repository: its path.
    pub(super) signer: &'a str,
    pub(super) commit: &'a str,
    pub(super) reference: &'a str,
}

impl Attestation<'_> {
    /// A line for [`attestations`], which shows that it was signed, and for the bundle that travels with the file.
    pub(super) fn of(&self, file: &Path, name: &str) -> String {
        let Self { repository, signer, commit, reference } = self;
        format!("{} {name} {repository} {signer} {commit} {reference}\n", sum(file))
    }
}

pub(super) fn sum(file: &Path) -> String {
    Sha256::digest(std::fs::read(file).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Signs attestations.
pub(super) fn sign(github: &GitHub, lines: &str) {
    let before = std::fs::read_to_string(attestations(github)).unwrap_or_default();
    std::fs::write(attestations(github), before + lines).unwrap();
}

/// The comments on the pull request.
pub(crate) fn comments(github: &GitHub) -> Vec<String> {
    let mut all: Vec<_> = std::fs::read_dir(github.root.join("comments"))
        .into_iter()
        .flatten()
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    all.sort();
    all
}

/// The sources of the repository whose run it is.
fn checkout(job: &Job, with: &With) -> Result<(), String> {
    job.may("contents", "read")?;
    let project = &job.github.project;
    if project.is_this() {
        checkout_of_this(job);
    } else if project.sources.join(".git").exists() {
        clone(job, with);
    } else {
        copy(&project.sources, &job.workspace);
    }
    Ok(())
}

/// What is committed, with the history that was asked for.
fn clone(job: &Job, with: &With) {
    let mut git = Command::new("git");
    git.env_clear().envs(bare()).args(["clone", "--quiet"]);
    if with.get("fetch-depth").is_none_or(|depth| depth != "0") {
        git.args(["--depth", "1"]);
    }
    let from = format!("file://{}", job.github.project.sources.display());
    assert!(git.arg(from).arg(&job.workspace).status().unwrap().success());
}

/// With the fork's own values: those of the local AWS.
fn checkout_of_this(job: &Job) {
    let project = &job.github.project;
    for entry in ["Cargo.toml", "Cargo.lock", "deployer.toml", "deployer", "function", "terraform"] {
        copy(&project.sources.join(entry), &job.workspace.join(entry));
    }
    copy(&repository().join(".github"), &job.workspace.join(".github"));
    // The script that starts these very tests: what it would find.
    copy(&programs().join("ci-run"), &job.workspace.join(".ci/run"));
    prepare_for_a_release(&job.workspace);
    for script in [".ci/packages", ".ci/acceptance"] {
        copy(&repository().join(script), &job.workspace.join(script));
    }
    let files = job.workspace.join("terraform/environments");
    let architecture = architecture();
    for (environment, local) in &project.local {
        let from = files.join(format!("local-{environment}.tfvars"));
        let Ok(values) = std::fs::read_to_string(from) else { continue };
        let endpoint = format!("http://127.0.0.1:{}", local.port);
        let values = format!("{values}\nlocal_endpoint = \"{endpoint}\"\narchitecture = \"{architecture}\"\n");
        std::fs::write(files.join(format!("{environment}.tfvars")), values).unwrap();
        let backend = format!("{environment}.s3.tfbackend");
        copy(&files.join(format!("local-{backend}")), &files.join(backend));
    }
}

/// What only a release reads: the repository's own name, as who publishes it sets it, and no downloads.
fn prepare_for_a_release(workspace: &Path) {
    let manifest = workspace.join("Cargo.toml");
    let named = std::fs::read_to_string(&manifest).unwrap().replace("OWNER/deployer", super::REPOSITORY);
    std::fs::write(manifest, named).unwrap();
    copy(&programs().join("release-tools"), &workspace.join(".github/build/tools"));
    for file in ["LICENSE", "install.sh"] {
        copy(&repository().join(file), &workspace.join(file));
    }
}

fn upload(job: &Job, with: &With) -> Result<(), String> {
    let to = job.artifacts.join(&with["name"]);
    let overwrites = with.get("overwrite").is_some_and(|overwrite| overwrite == "true");
    if to.exists() && !overwrites {
        return Err(format!("409: an artifact with the name {} exists", with["name"]));
    }
    let paths: Vec<_> = with["path"].lines().flat_map(|line| named(&job.workspace, line.trim())).collect();
    for from in &paths {
        if !from.exists() {
            return Err(format!("no files were found at {}", from.display()));
        }
        // A folder alone goes without its name; what is one of several keeps it.
        if from.is_file() || paths.len() > 1 {
            copy(from, &to.join(from.file_name().unwrap()));
        } else {
            copy(from, &to);
        }
    }
    forget_modes(&to);
    Ok(())
}

/// The files of a path, in which `*` matches a name or its end.
fn named(folder: &Path, path: &str) -> Vec<PathBuf> {
    let mut found = vec![if path.starts_with('/') { PathBuf::from("/") } else { folder.to_owned() }];
    for name in path.split('/').filter(|name| !name.is_empty()) {
        let Some((beginning, end)) = name.split_once('*') else {
            found.iter_mut().for_each(|path| path.push(name));
            continue;
        };
        let inside = |folder: &PathBuf| std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap());
        let entries = found.iter().flat_map(inside);
        let matches = |name: &str| name.strip_prefix(beginning).is_some_and(|rest| rest.ends_with(end));
        found =
            entries.filter(|entry| matches(entry.file_name().to_str().unwrap())).map(|entry| entry.path()).collect();
    }
    found
}

/// An artifact is a zip without modes.
fn forget_modes(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            forget_modes(&entry);
        } else {
            std::fs::set_permissions(&entry, std::fs::Permissions::from_mode(0o644)).unwrap();
        }
    }
}

fn download(job: &Job, with: &With) -> Result<(), String> {
    let to = job.workspace.join(with.get("path").map_or("", String::as_str));
    let from = with.get("name").map_or_else(|| job.artifacts.clone(), |name| job.artifacts.join(name));
    if !from.exists() {
        return Err(format!("no artifact {with:?}"));
    }
    if with.get("merge-multiple").is_none_or(|merged| merged != "true") {
        copy(&from, &to);
        return Ok(());
    }
    let beginning = with.get("pattern").map_or("", |pattern| pattern.trim_end_matches('*'));
    for artifact in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        if artifact.file_name().to_str().unwrap().starts_with(beginning) {
            copy(&artifact.path(), &to);
        }
    }
    Ok(())
}

/// Every file of the folders named as `folder/*`, a line each.
fn attest(job: &Job, with: &With) -> Result<(), String> {
    job.may("id-token", "write")?;
    job.may("attestations", "write")?;
    let github = job.github_context();
    let said = |name: &str| github[name].as_str().unwrap().to_owned();
    let (repository, commit, reference) = (said("repository"), said("sha"), said("ref"));
    let signer = job.workflow().split('@').next().unwrap();
    let by = Attestation { repository: &repository, signer, commit: &commit, reference: &reference };
    let mut lines = String::new();
    for folder in with["subject-path"].lines().filter_map(|line| line.trim().strip_suffix("/*")) {
        let files = std::fs::read_dir(job.workspace.join(folder)).map_err(|error| format!("{folder}: {error}"))?;
        for file in files.map(|file| file.unwrap().path()).filter(|file| file.is_file()) {
            let name = file.file_name().unwrap().to_str().unwrap().to_owned();
            lines += &by.of(&file, &name);
        }
    }
    sign(job.github, &lines);
    std::fs::write(job.temp.join("bundle.jsonl"), lines).unwrap();
    Ok(())
}

/// Takes a role of the local AWS, if its trust policy allows what GitHub's token says of this job.
fn assume(job: &mut Job, with: &With) -> Result<(), String> {
    job.may("id-token", "write")?;
    let role = &with["role-to-assume"];
    let (account, name) =
        role.strip_prefix("arn:aws:iam::").and_then(|rest| rest.split_once(":role/")).ok_or("no role")?;
    let local = job.github.project.with_account(account, &job.environment).ok_or("no such account")?;
    let query = format!("/?Action=GetRole&RoleName={name}&Version=2010-05-08");
    let role = said_at(local.port, account, "iam", None, &query, &Value::Null);
    if !trust::allows(&trust::policy(&role), &claims(job)) {
        return Err(
            "Could not assume role with OIDC: Not authorized to perform sts:AssumeRoleWithWebIdentity".to_owned()
        );
    }
    let mut settings = vec![
        ("AWS_REGION", with["aws-region"].clone()),
        ("AWS_ACCESS_KEY_ID", account.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "the-secret-key-of-the-run".to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", local.port)),
    ];
    // An emulator without a gate gives none.
    settings.extend(token(local.port).map(|token| ("AWS_SESSION_TOKEN", token)));
    job.env.extend(settings.into_iter().map(|(name, value)| (name.to_owned(), value)));
    // What opens the local AWS: with `DEPLOYER_LOCAL` a deployer looks for it in its own checkout.
    for (environment, local) in &job.github.project.local {
        let file = local.kept.join("credentials");
        if file.exists() {
            copy(&file, &job.workspace.join(format!(".deployer/local/{environment}/credentials")));
        }
    }
    Ok(())
}

/// What GitHub's token says, as far as a trust policy may ask.
fn claims(job: &Job) -> BTreeMap<&'static str, String> {
    let github = job.github_context();
    let said = |name: &str| github[name].as_str().unwrap().to_owned();
    BTreeMap::from([
        ("aud", "sts.amazonaws.com".to_owned()),
        ("sub", format!("repo:{}:environment:{}", said("repository"), job.environment)),
        ("environment", job.environment.clone()),
        ("repository", said("repository")),
        ("ref", said("ref")),
        ("workflow_ref", said("workflow_ref")),
        ("job_workflow_ref", job.workflow().to_owned()),
    ])
}

/// Terraform is on the machine; its provider comes from where `local up` found it.
fn set_up_terraform(job: &mut Job) -> Result<(), String> {
    let kept =
        job.github.project.local.values().map(|local| local.kept.join("terraform.tfrc")).find(|file| file.exists());
    let settings = kept.unwrap_or_else(|| stack().checkout.root.join(".deployer/local/dev/terraform.tfrc"));
    job.env.insert("TF_CLI_CONFIG_FILE".to_owned(), settings.display().to_string());
    job.env.insert("CHECKPOINT_DISABLE".to_owned(), "1".to_owned());
    Ok(())
}
