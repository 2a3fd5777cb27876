//! The programs that are compared: installed from PyPI where they are there, else taken from the PATH; what is missing is named.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

/// The local AWS, as `deployer local up` installs it.
const LOCAL_AWS: &str = include_str!("../../src/local/requirements.txt");

/// What comes from PyPI: the program, its package, and what that is pinned by.
const PACKAGES: [(Tool, &str, &str); 3] = [
    (Tool::AwsCli, "aws", include_str!("requirements/awscli.txt")),
    (Tool::CargoLambda, "cargo-lambda", include_str!("requirements/cargo-lambda.txt")),
    (Tool::Sam, "sam", include_str!("requirements/aws-sam-cli.txt")),
];

/// One of the programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tool {
    Deployer,
    AwsCli,
    CargoLambda,
    Terraform,
    Sam,
}

impl Tool {
    pub(crate) const ALL: [Self; 5] = [Self::Deployer, Self::AwsCli, Self::CargoLambda, Self::Terraform, Self::Sam];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Deployer => "deployer",
            Self::AwsCli => "AWS CLI",
            Self::CargoLambda => "cargo-lambda",
            Self::Terraform => "Terraform",
            Self::Sam => "SAM CLI",
        }
    }

    /// How to get it, if it is missing.
    pub(crate) fn source(self) -> &'static str {
        match self {
            Self::Deployer => "built by cargo",
            Self::AwsCli | Self::CargoLambda | Self::Sam => {
                "needs PyPI, from which the benchmark installs it, or the program on the PATH"
            }
            Self::Terraform => "install Terraform 1.11 or newer from HashiCorp, and put `terraform` on the PATH",
        }
    }
}

/// The programs that were found.
#[derive(Debug)]
pub(crate) struct Tools {
    /// Python with the local AWS.
    pub(crate) python: PathBuf,
    /// Each program with what it prints as its version.
    found: BTreeMap<Tool, (PathBuf, String)>,
}

impl Tools {
    /// Installs what is not there yet.
    pub(crate) async fn find(scratch: &Path) -> Result<Self> {
        let python = install(scratch, "local-aws", LOCAL_AWS).await.context("cannot install the local AWS")?;
        let mut programs = BTreeMap::from([
            (Tool::Deployer, PathBuf::from(env!("CARGO_BIN_EXE_deployer"))),
            (Tool::Terraform, PathBuf::from("terraform")),
        ]);
        for (tool, program, requirements) in PACKAGES {
            let installed = install(scratch, program, requirements).await;
            programs.insert(tool, installed.map_or_else(|_| program.into(), |python| python.with_file_name(program)));
        }
        let mut found = BTreeMap::new();
        for (tool, program) in programs {
            let arguments: &[&str] = if tool == Tool::CargoLambda { &["lambda", "--version"] } else { &["--version"] };
            if let Ok(version) = output(Command::new(&program).args(arguments)).await {
                found.insert(tool, (program, version.lines().next().unwrap_or_default().trim().to_owned()));
            }
        }
        let tools = Self { python, found };
        tools.let_the_local_aws_read_sam(scratch)?;
        Ok(tools)
    }

    pub(crate) fn program(&self, tool: Tool) -> Option<&Path> {
        self.found.get(&tool).map(|(program, _)| program.as_path())
    }

    /// What it prints as its version; none if it is missing.
    pub(crate) fn version(&self, tool: Tool) -> Option<&str> {
        self.found.get(&tool).map(|(_, version)| version.as_str())
    }

    /// CloudFormation on AWS understands templates of SAM; the local AWS does with SAM's own translator, which comes with its CLI.
    fn let_the_local_aws_read_sam(&self, scratch: &Path) -> Result<()> {
        let libraries = |venv: &str| -> Result<PathBuf> {
            let library = fs::read_dir(scratch.join("tools").join(venv).join("lib"))?
                .next()
                .context("there is no Python in it")?;
            Ok(library?.path().join("site-packages"))
        };
        if let (Ok(sam), Ok(ours)) = (libraries("sam"), libraries("local-aws")) {
            fs::write(ours.join("sam.pth"), sam.display().to_string())?;
        }
        Ok(())
    }
}

/// The Python of an environment with these packages, which is made again when they change.
async fn install(scratch: &Path, name: &str, requirements: &str) -> Result<PathBuf> {
    let tools = scratch.join("tools");
    let venv = tools.join(name);
    let (python, installed) = (venv.join("bin/python"), venv.join("installed.txt"));
    if fs::read_to_string(&installed).ok().as_deref() != Some(requirements) {
        fs::create_dir_all(&tools)?;
        let list = tools.join(format!("{name}.txt"));
        fs::write(&list, requirements)?;
        output(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv)).await?;
        // The list is complete. pip itself would want a hash for each extra that a package asks for.
        let mut pip = Command::new(&python);
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--require-hashes",
            "-r",
        ]);
        output(pip.arg(list)).await?;
        fs::write(&installed, requirements)?;
    }
    Ok(python)
}

/// Runs a command that has to succeed; what it wrote to stdout.
pub(crate) async fn output(command: &mut Command) -> Result<String> {
    let output = command.kill_on_drop(true).output().await.with_context(|| format!("cannot start {command:?}"))?;
    ensure!(output.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
