//! What is compared: each case is one command of one tool, in a project of its own.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use deployer::config::ProcessEnvironment;
use serde_json::Value;
use tokio::process::Command;

use crate::aws::{ACCOUNT, Aws, REGION};
use crate::code::{Code, Package};
use crate::proxy::Proxy;
use crate::tools::{Tool, Tools, output};

/// Where everything runs.
#[derive(Debug)]
pub(crate) struct Setting<'a> {
    pub(crate) folder: PathBuf,
    pub(crate) tools: &'a Tools,
    pub(crate) aws: &'a Aws,
    pub(crate) proxy: &'a Proxy,
}

/// One line of the table.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// Of its files.
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) tool: Tool,
    pub(crate) checks: Checks,
    pub(crate) folder: PathBuf,
    pub(crate) command: Vec<OsString>,
    /// Where its new code goes before each run; nowhere if it releases none.
    pub(crate) packages: Vec<Package>,
    /// Why it cannot run.
    pub(crate) impossible: Option<String>,
}

/// What a tool does besides moving traffic, from its documentation and its calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Checks {
    /// What it waits for or sends before traffic moves.
    pub(crate) before: &'static str,
    pub(crate) after: &'static str,
    pub(crate) on_failure: &'static str,
    pub(crate) record: &'static str,
}

const OF_AWS_CLI: Checks = Checks {
    before: "waits until `$LATEST` is updated, not until the version is active",
    after: "nothing",
    on_failure: "what has moved stays",
    record: "none",
};

const OF_CARGO_LAMBDA: Checks = Checks {
    before: "waits until `$LATEST` is updated, 4 s if it is not at the first look",
    after: "nothing",
    on_failure: "what has moved stays",
    record: "none",
};

const OF_TERRAFORM: Checks = Checks {
    before: "waits until the function is updated",
    after: "nothing",
    on_failure: "what has moved stays",
    record: "the state",
};

const OF_SAM: Checks = Checks {
    before: "CloudFormation waits for each resource; nothing is invoked without hooks of CodeDeploy",
    after: "alarms and hooks, with a `DeploymentPreference` of CodeDeploy; here nothing",
    on_failure: "CloudFormation rolls the stack back if a resource fails",
    record: "events of the stack",
};

const OF_DEPLOYER: Checks = Checks {
    before: "waits until the version is active; invokes it with every check",
    after: "requests through the URL until responses in a row come from the new version, and pass",
    on_failure: "reverts stage and aliases",
    record: "the release, with checks and times; a lock keeps others out",
};

const OF_ROLLBACK: Checks =
    Checks { before: "reads whether all parts of that release still exist; invokes them", ..OF_DEPLOYER };

const OF_NOTHING: Checks = Checks {
    before: "reads what is live and compares",
    after: "nothing to check",
    on_failure: "nothing has moved",
    record: "none",
};

/// The functions of each application that `stack.py` makes.
const APPLICATIONS: [(&str, &[&str]); 4] =
    [("one", &["a"]), ("two", &["b", "c"]), ("cli", &["cli"]), ("cargo", &["cargo", "setting"])];

/// Makes what infrastructure code would make, the projects, and a first release of each.
pub(crate) async fn prepare(setting: &Setting<'_>, code: &Code) -> Result<Vec<Case>> {
    let _ = fs::remove_dir_all(&setting.folder);
    fs::create_dir_all(&setting.folder)?;
    code.write("first", &Package::Zip(setting.folder.join("first.zip")))?;
    let script = setting.folder.join("stack.py");
    fs::write(&script, include_str!("stack.py"))?;
    let mut stack = Command::new(&setting.tools.python);
    stack.args([&script, &setting.folder]);
    stack.args(APPLICATIONS.map(|(name, functions)| format!("{name}={}", functions.join(","))));
    output(stack.envs(setting.aws.variables.iter().cloned())).await?;
    let mut cases = Vec::new();
    cases.extend(of_deployer(setting, code).await?);
    cases.extend(of_aws_cli(setting)?);
    cases.extend(of_cargo_lambda(setting)?);
    cases.extend(of_terraform(setting, code).await?);
    cases.push(of_sam(setting, code).await?);
    Ok(cases)
}

impl Setting<'_> {
    /// A case of `tool`, whose command is its program with `arguments`.
    fn case(&self, tool: Tool, id: &'static str, arguments: &[&str]) -> Case {
        let program = self.tools.program(tool).map(Path::to_owned);
        let impossible = program.is_none().then(|| format!("missing: {}", tool.source()));
        let command = [program.unwrap_or_default().into_os_string()];
        let command = command.into_iter().chain(arguments.iter().map(OsString::from)).collect();
        let (folder, packages) = (self.folder.join(id), Vec::new());
        Case { id, name: "", tool, checks: OF_NOTHING, folder, command, packages, impossible }
    }

    /// Runs the program of `case` once, before anything is measured. What fails here makes the case impossible.
    async fn first(&self, case: &mut Case, arguments: &[&str]) -> Result<()> {
        let Some(program) = self.tools.program(case.tool).filter(|_| case.impossible.is_none()) else { return Ok(()) };
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&case.folder).env_clear();
        command.envs(ProcessEnvironment::capture().without_cloud_settings());
        command.envs(self.aws.variables.iter().cloned());
        case.impossible = output(&mut command).await.err().map(|error| last_words(&format!("{error:#}")));
        Ok(())
    }
}

/// What a tool wrote last, in one line.
fn last_words(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words[words.len().saturating_sub(60)..].join(" ")
}

fn role() -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/bench")
}

fn architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }
}

async fn of_deployer(setting: &Setting<'_>, code: &Code) -> Result<Vec<Case>> {
    let deploy = ["--local", "deploy", "dev"];
    let mut one = setting.case(Tool::Deployer, "one", &deploy);
    let mut two = Case { folder: setting.folder.join("two"), ..setting.case(Tool::Deployer, "two", &deploy) };
    for (case, functions) in [(&mut one, APPLICATIONS[0].1), (&mut two, APPLICATIONS[1].1)] {
        fs::create_dir_all(&case.folder)?;
        fs::write(case.folder.join("deployer.toml"), configuration(setting, case.id, functions))?;
        setting.aws.write_credentials(&case.folder)?;
        case.packages =
            functions.iter().map(|name| Package::Binary(case.folder.join(name).join("bootstrap"))).collect();
        case.checks = OF_DEPLOYER;
        case.packages.iter().try_for_each(|package| code.write("first", package))?;
        setting.first(case, &deploy).await?;
    }
    let same =
        |id, arguments: &[&str]| Case { folder: one.folder.clone(), ..setting.case(Tool::Deployer, id, arguments) };
    let nothing = Case { name: "`deployer deploy`, nothing to do", ..same("nothing", &deploy) };
    let arguments = ["--local", "rollback", "dev", "--to", "previous"];
    let rollback = Case { name: "`deployer rollback`", checks: OF_ROLLBACK, ..same("rollback", &arguments) };
    one.name = "`deployer deploy`, one function";
    two.name = "`deployer deploy`, two functions";
    Ok(vec![one, two, nothing, rollback])
}

fn configuration(setting: &Setting<'_>, app: &str, functions: &[&str]) -> String {
    let port = setting.proxy.port;
    let mut text = format!("app = \"{app}\"\n[environments.dev]\nledger = \"{app}-ledger\"\nregion = \"{REGION}\"\n");
    text += &format!("[local]\ndev = {{ port = {port}, account = \"{ACCOUNT}\" }}\n");
    for name in functions {
        text +=
            &format!("[functions.{name}]\nbuild = {{ output = \"{name}\" }}\narchitecture = \"{}\"\n", architecture());
        text += &format!("[[checks]]\nname = \"{name} responds\"\nfunction = \"{name}\"\nrequest = \"GET /{name}\"\n");
        text += "status = 200\nbody = { status = \"ok\" }\n";
    }
    text
}

fn of_aws_cli(setting: &Setting<'_>) -> Result<[Case; 2]> {
    const ALIAS: &str = r#"set -e
"$1" lambda update-function-code --function-name cli --zip-file fileb://function.zip
"$1" lambda wait function-updated --function-name cli
version=$("$1" lambda publish-version --function-name cli --query Version --output text)
"$1" lambda update-alias --function-name cli --name live --function-version "$version"
"#;
    const STAGE: &str = r#"deployment=$("$1" apigateway create-deployment --rest-api-id "$2" --query id --output text)
"$1" apigateway update-stage --rest-api-id "$2" --stage-name live --patch-operations "op=replace,path=/deploymentId,value=$deployment"
"#;
    let front: Value = serde_json::from_slice(&fs::read(setting.folder.join("cli.json"))?)?;
    let api = front["id"].as_str().context("the API of `cli` has no id")?;
    let case = |id, script: &str| -> Result<Case> {
        let mut case = setting.case(Tool::AwsCli, id, &[]);
        fs::create_dir_all(&case.folder)?;
        let shell = ["sh", "-c", script, "sh"].map(OsString::from);
        case.command = shell.into_iter().chain(case.command).chain([api.into()]).collect();
        case.packages = vec![Package::Zip(case.folder.join("function.zip"))];
        Ok(Case { checks: OF_AWS_CLI, ..case })
    };
    let alias = Case { name: "AWS CLI: update, wait, publish, alias", ..case("cli", ALIAS)? };
    let stage = case("cli-stage", &format!("{ALIAS}{STAGE}"))?;
    Ok([alias, Case { name: "AWS CLI: the same, then deployment and stage", ..stage }])
}

/// Code alone, and code with a changed setting: then cargo-lambda changes the configuration first, and waits until that is done.
fn of_cargo_lambda(setting: &Setting<'_>) -> Result<[Case; 2]> {
    let role = role();
    let arguments = ["lambda", "deploy", "--alias", "live", "--binary-path", "bootstrap", "--role", &role];
    let case = |id, more: &[&str]| -> Result<Case> {
        let case = setting.case(Tool::CargoLambda, id, &[&arguments, more].concat());
        fs::create_dir_all(case.folder.join("src"))?;
        let manifest = "[package]\nname = \"cargo\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n";
        fs::write(case.folder.join("Cargo.toml"), manifest)?;
        fs::write(case.folder.join("src/main.rs"), "fn main() {}\n")?;
        let packages = vec![Package::Binary(case.folder.join("bootstrap"))];
        Ok(Case { checks: OF_CARGO_LAMBDA, packages, ..case })
    };
    let code = Case { name: "`cargo lambda deploy --alias`", ..case("cargo", &["cargo"])? };
    let mut changed = case("cargo-setting", &["--env-file", "variables.env", "setting"])?;
    changed.packages.push(Package::Variable(changed.folder.join("variables.env")));
    Ok([code, Case { name: "`cargo lambda deploy --alias`, a variable too", ..changed }])
}

async fn of_terraform(setting: &Setting<'_>, code: &Code) -> Result<[Case; 2]> {
    let apply = ["apply", "-auto-approve", "-no-color"];
    let mut case = setting.case(Tool::Terraform, "terraform", &apply);
    fs::create_dir_all(&case.folder)?;
    fs::write(case.folder.join("main.tf"), include_str!("main.tf"))?;
    let values = format!("role = \"{}\"\narchitecture = \"{}\"\n", role(), architecture());
    fs::write(case.folder.join("terraform.tfvars"), values)?;
    case.packages = vec![Package::Zip(case.folder.join("function.zip"))];
    case.packages.iter().try_for_each(|package| code.write("first", package))?;
    let mirror = mirror().map(|folder| format!("-plugin-dir={}", folder.display()));
    let init: Vec<&str> = ["init", "-no-color"].into_iter().chain(mirror.as_deref()).collect();
    setting.first(&mut case, &init).await?;
    setting.first(&mut case, &apply).await?;
    let nothing = Case { id: "terraform-nothing", packages: Vec::new(), ..case.clone() };
    case.checks = OF_TERRAFORM;
    Ok([Case { name: "`terraform apply`", ..case }, Case { name: "`terraform apply`, nothing to do", ..nothing }])
}

/// A folder with the provider, so that Terraform downloads none.
fn mirror() -> Option<PathBuf> {
    let bases = ["/opt", "/usr/local/share", "/usr/share", "/srv", "/mnt"];
    let places = bases.iter().filter_map(|base| fs::read_dir(base).ok()).flatten().flatten().map(|entry| entry.path());
    places.into_iter().find(|place| place.join("registry.terraform.io/hashicorp/aws").is_dir())
}

async fn of_sam(setting: &Setting<'_>, code: &Code) -> Result<Case> {
    let (role, architecture) = (format!("Role={}", role()), format!("Architecture={}", architecture()));
    let deploy = [
        "deploy",
        "--template-file",
        "template.yaml",
        "--stack-name",
        "sam",
        "--s3-bucket",
        "bench-packages",
        "--no-confirm-changeset",
        "--no-fail-on-empty-changeset",
        "--no-progressbar",
        "--parameter-overrides",
        &role,
        &architecture,
    ];
    let mut case = setting.case(Tool::Sam, "sam", &deploy);
    fs::create_dir_all(&case.folder)?;
    fs::write(case.folder.join("template.yaml"), include_str!("template.yaml"))?;
    case.packages = vec![Package::Binary(case.folder.join("build/bootstrap"))];
    case.packages.iter().try_for_each(|package| code.write("first", package))?;
    setting.first(&mut case, &deploy).await?;
    Ok(Case { name: "`sam deploy`", checks: OF_SAM, ..case })
}
