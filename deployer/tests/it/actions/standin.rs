//! All that stands in for what only GitHub has: actions of others, by their names, and programs (in `programs`): `gh`;
//! `rustup`; `cargo` where it would build the deployer, which is there already.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::job::Job;
use super::{GitHub, REPOSITORY};
use crate::harness::{architecture, copy, repository};
use crate::infrastructure::said_at;
use crate::stack;

type With = BTreeMap<String, String>;

/// What an action of somebody else's does: its outputs, also when it fails.
pub(super) fn act(job: &mut Job, action: &str, with: &With) -> Result<Value, Value> {
    let (name, version) = action.split_once('@').unwrap_or((action, ""));
    assert!(version.len() == 40 && version.chars().all(|c| c.is_ascii_hexdigit()), "`{action}` is not pinned");
    let done = match name {
        "actions/checkout" => checkout(job),
        "actions/upload-artifact" => upload(job, with),
        "actions/download-artifact" => download(job, with),
        "actions/attest-build-provenance" | "actions/attest" => attest(job, with),
        "aws-actions/configure-aws-credentials" => assume(job, with),
        "hashicorp/setup-terraform" => set_up_terraform(job),
        "actions/cache" => Ok(()),
        other => panic!("nothing stands in for the action `{other}`"),
    };
    done.map_err(|message| {
        job.log += &format!("::error::{message}\n");
        json!({})
    })?;
    Ok(json!({}))
}

/// The programs that stand before those of the PATH.
pub(super) fn programs() -> PathBuf {
    repository().join("deployer/tests/it/actions/programs")
}

/// What the programs have to know, and what makes a deployer's environments those of the local AWS.
pub(super) fn environment(github: &GitHub) -> Vec<(String, String)> {
    let functions = Path::new(env!("CARGO_TARGET_TMPDIR")).join("functions");
    let all = [
        ("STANDIN_CARGO", env!("CARGO").to_owned()),
        ("STANDIN_DEPLOYER", env!("CARGO_BIN_EXE_deployer").to_owned()),
        ("STANDIN_REPOSITORY", REPOSITORY.to_owned()),
        ("STANDIN_ATTESTATIONS", attestations(github).display().to_string()),
        ("STANDIN_RELEASES", github.root.join("releases").display().to_string()),
        ("STANDIN_COMMENTS", github.root.join("comments").display().to_string()),
        ("CARGO_TARGET_DIR", functions.display().to_string()),
        ("DEPLOYER_LOCAL", "1".to_owned()),
        ("NO_PROXY", "127.0.0.1".to_owned()),
    ];
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn attestations(github: &GitHub) -> PathBuf {
    github.root.join("attestations")
}

/// Writes down who built a file.
pub(crate) fn attested(github: &GitHub, file: &Path, workflow: &str, commit_or_ref: &str) {
    let sum: String = Sha256::digest(std::fs::read(file).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect();
    let before = std::fs::read_to_string(attestations(github)).unwrap_or_default();
    std::fs::write(attestations(github), format!("{before}{sum} {workflow} {commit_or_ref}\n")).unwrap();
}

/// The files of a release of the repository, by their names.
pub(crate) fn published(github: &GitHub, tag: &str) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(github.root.join("releases").join(tag)).unwrap().map(|file| file.unwrap().path());
    files.map(|file| (file.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(file).unwrap())).collect()
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

/// The sources, with the fork's own values: those of the local AWS.
fn checkout(job: &Job) -> Result<(), String> {
    job.may("contents", "read")?;
    for entry in ["Cargo.toml", "Cargo.lock", "deployer.toml", "deployer", "function", "terraform"] {
        copy(&job.github.sources.join(entry), &job.workspace.join(entry));
    }
    let files = job.workspace.join("terraform/environments");
    let architecture = architecture();
    for environment in ["dev", "prod"] {
        let values = std::fs::read_to_string(files.join(format!("local-{environment}.tfvars"))).unwrap();
        let endpoint = format!("http://127.0.0.1:{}", job.github.port(environment));
        let values = format!("{values}\nlocal_endpoint = \"{endpoint}\"\narchitecture = \"{architecture}\"\n");
        std::fs::write(files.join(format!("{environment}.tfvars")), values).unwrap();
        let backend = format!("{environment}.s3.tfbackend");
        copy(&files.join(format!("local-{backend}")), &files.join(backend));
    }
    Ok(())
}

fn upload(job: &Job, with: &With) -> Result<(), String> {
    let (from, to) = (job.workspace.join(&with["path"]), job.artifacts.join(&with["name"]));
    if !from.exists() {
        return Err(format!("no files were found at {}", with["path"]));
    }
    let overwrites = with.get("overwrite").is_some_and(|overwrite| overwrite == "true");
    if to.exists() && !overwrites {
        return Err(format!("409: an artifact with the name {} exists", with["name"]));
    }
    if from.is_file() {
        copy(&from, &to.join(from.file_name().unwrap()));
    } else {
        copy(&from, &to);
    }
    forget_modes(&to);
    Ok(())
}

/// An artifact is a zip that knows no modes.
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
    for artifact in std::fs::read_dir(from).unwrap() {
        copy(&artifact.unwrap().path(), &to);
    }
    Ok(())
}

/// Every file below `folder`, of which `folder/*` and `folder/*/*` are said.
fn attest(job: &Job, with: &With) -> Result<(), String> {
    job.may("id-token", "write")?;
    job.may("attestations", "write")?;
    let folder = with["subject-path"].split("/*").next().ok_or("nothing is attested")?;
    let github = job.github_context();
    let workflow = github["workflow_ref"].as_str().unwrap().split('@').next().unwrap().to_owned();
    let mut below = vec![job.workspace.join(folder)];
    while let Some(path) = below.pop() {
        if path.is_dir() {
            below.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        for source in [&github["sha"], &github["ref"]] {
            attested(job.github, &path, &workflow, source.as_str().unwrap());
        }
    }
    Ok(())
}

/// Takes a role of the local AWS, if its trust names this job's environment.
fn assume(job: &mut Job, with: &With) -> Result<(), String> {
    job.may("id-token", "write")?;
    let role = &with["role-to-assume"];
    let (account, name) =
        role.strip_prefix("arn:aws:iam::").and_then(|rest| rest.split_once(":role/")).ok_or("no role")?;
    let environment = if account == "222222222222" { "prod" } else { "dev" };
    let query = format!("/?Action=GetRole&RoleName={name}&Version=2010-05-08");
    let trust = said_at(job.github.port(environment), account, "iam", None, &query, &Value::Null);
    // The document is a text within XML: quotes are escaped one way or another.
    let trust = trust.replace("%3A", ":").replace("%2F", "/").replace("%40", "@");
    let subject = format!("repo:{REPOSITORY}:environment:{}", job.environment);
    if !trust.contains(&format!("{subject}&quot;"))
        && !trust.contains(&format!("{subject}\""))
        && !trust.contains(&format!("{subject}%22"))
    {
        return Err(
            "Could not assume role with OIDC: Not authorized to perform sts:AssumeRoleWithWebIdentity".to_owned()
        );
    }
    let settings = [
        ("AWS_REGION", with["aws-region"].clone()),
        ("AWS_ACCESS_KEY_ID", account.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "the-secret-key-of-the-run".to_owned()),
        ("AWS_SESSION_TOKEN", "the-session-token-of-the-run".to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", job.github.port(environment))),
    ];
    job.env.extend(settings.into_iter().map(|(name, value)| (name.to_owned(), value)));
    Ok(())
}

/// Terraform is on the machine; its provider comes from where `local up` found it.
fn set_up_terraform(job: &mut Job) -> Result<(), String> {
    let settings = stack().checkout.root.join(".deployer/local/dev/terraform.tfrc");
    job.env.insert("TF_CLI_CONFIG_FILE".to_owned(), settings.display().to_string());
    job.env.insert("CHECKPOINT_DISABLE".to_owned(), "1".to_owned());
    Ok(())
}
