//! A copy of this repository under `target/acceptance/PREFIX`, with the prefix in its `deployer.toml`, and the commands in it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use tokio::process::Command;
use toml::{Table, Value};

use crate::account::{self, Caller};
use crate::command::{self, Finished, Interrupt};
use crate::facts::Place;
use crate::facts::place::patient;

/// Alarms of the stack have a period of 60 s: a shift has to be watched for 120 s more.
const BAKE_SECONDS: i64 = 180;
/// A sentence of the counter that no check looks at.
const SENTENCE: &str = "There is nothing at this path.";

/// Files that say what this run made for the whole account.
const LOG_ROLE: &str = "owns-log-role";
const PROVIDER: &str = "owns-oidc-provider";

/// Where the run works.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) folder: PathBuf,
    checkout: PathBuf,
    deployer: PathBuf,
    place: Place,
    caller: Caller,
}

/// The checkout that is tried: `.ci/acceptance` starts this in it.
pub(crate) fn repository() -> &'static Path {
    Path::new(".")
}

impl Workspace {
    /// The folder of a prefix, with what an earlier run left there.
    pub(crate) fn open(place: &Place, caller: &Caller) -> Result<Self> {
        let program = std::env::current_exe().context("cannot find this program")?;
        let built = program.parent().and_then(Path::parent).context("this program is in no folder")?;
        let deployer = built.join("deployer");
        for needed in [&deployer, &repository().join("deployer.toml")] {
            if !needed.is_file() {
                bail!("there is no `{}`: start this with `.ci/acceptance`; nothing was made", needed.display());
            }
        }
        let folder = repository().join("target/acceptance").join(&place.prefix);
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
        let folder = folder.canonicalize().with_context(|| format!("cannot find `{}`", folder.display()))?;
        let checkout = folder.join("checkout");
        Ok(Self { checkout, folder, deployer, place: place.clone(), caller: caller.clone() })
    }

    /// Whether an earlier run left Terraform's state here.
    pub(crate) fn began(&self) -> bool {
        self.bootstrap_state().exists()
    }

    pub(crate) fn is_prepared(&self) -> bool {
        self.checkout.join("terraform/bootstrap/acceptance_override.tf").exists()
    }

    pub(crate) fn bootstrap_state(&self) -> PathBuf {
        self.folder.join("bootstrap.tfstate")
    }

    /// Notes what of the account's own the run has to make, and to remove again: a later run that only destroys needs it.
    pub(crate) async fn remember(&self, place: &Place) -> Result<()> {
        let owned = [
            (LOG_ROLE, !account::has_log_role(place).await?),
            (PROVIDER, account::oidc_provider(place).await?.is_none()),
        ];
        for (name, own) in owned {
            let path = self.folder.join(name);
            if own {
                std::fs::write(&path, "").with_context(|| format!("cannot write `{}`", path.display()))?;
            } else {
                // It may be none of this run's, and was not made yet.
                let _ = std::fs::remove_file(&path);
            }
        }
        Ok(())
    }

    pub(crate) fn owns_log_role(&self) -> bool {
        self.folder.join(LOG_ROLE).exists()
    }

    pub(crate) fn owns_provider(&self) -> bool {
        self.folder.join(PROVIDER).exists()
    }

    /// After everything was destroyed: the state is empty.
    pub(crate) fn forget(&self) -> Result<()> {
        for path in [self.bootstrap_state(), self.folder.join("bootstrap.tfstate.backup")] {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("cannot remove `{}`", path.display()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Copies what is released, with the prefix put in.
    pub(crate) fn prepare(&self) -> Result<()> {
        let _ = std::fs::remove_dir_all(&self.checkout);
        for entry in ["Cargo.toml", "Cargo.lock", "deployer.toml", "deployer", "function", "terraform"] {
            copy(&repository().join(entry), &self.checkout.join(entry))?;
        }
        // A state bucket refuses to be destroyed, and so does one that holds states. This one was made to be.
        let removable = "resource \"aws_s3_bucket\" \"state\" {\n  force_destroy = true\n\n  lifecycle {\n    prevent_destroy = false\n  }\n}\n";
        self.write("terraform/bootstrap/acceptance_override.tf", removable)?;
        self.configure()
    }

    /// `deployer.toml` of the copy, and one each for a canary, for a check that fails, and for pruning.
    fn configure(&self) -> Result<()> {
        let mut base: Table = self.read("deployer.toml")?.parse().context("`deployer.toml` is not valid TOML")?;
        let app = &self.place.prefix;
        base.insert("app".to_owned(), app.as_str().into());
        let mut environments = Table::new();
        for environment in ["dev", "prod"] {
            let mut table = Table::new();
            table.insert("ledger".to_owned(), format!("{app}-ledger-{environment}").into());
            table.insert("region".to_owned(), self.place.region.as_str().into());
            let role = account::role_arn(&self.caller, &format!("{app}-{environment}-deploy"));
            table.insert("role".to_owned(), role.into());
            if environment == "dev" {
                let reader = account::role_arn(&self.caller, &format!("{app}-dev-read"));
                table.insert("reader_role".to_owned(), reader.into());
            }
            environments.insert(environment.to_owned(), table.into());
        }
        base.insert("environments".to_owned(), environments.into());
        base.remove("local");
        base.insert("traffic".to_owned(), traffic("all-at-once", &[("watch_seconds", 0)]));
        if std::env::consts::ARCH == "aarch64"
            && let Some(Value::Table(build)) = base.get_mut("build")
        {
            build.insert("target".to_owned(), "aarch64-unknown-linux-gnu".into());
        }
        self.write("deployer.toml", &base.to_string())?;
        let bake = if self.place.endpoint.is_none() { BAKE_SECONDS } else { 5 };
        let with = |key: &str, value: Value| {
            let mut table = base.clone();
            table.insert(key.to_owned(), value);
            table.to_string()
        };
        let canary = traffic("canary", &[("percent", 10), ("bake_seconds", bake), ("watch_seconds", 0)]);
        self.write("canary.toml", &with("traffic", canary))?;
        let retention: Table = [("releases", 1), ("grace_hours", 0)]
            .map(|(key, value)| (key.to_owned(), Value::Integer(value)))
            .into_iter()
            .collect();
        self.write("prune.toml", &with("retention", retention.into()))?;
        let failing = self.read("deployer.toml")?.replacen("status = 200", "status = 418", 1);
        self.write("failing.toml", &failing)
    }

    /// Changes the counter's binary and nothing else.
    pub(crate) fn change_code(&self, sentence: &str) -> Result<()> {
        const FILE: &str = "function/src/reply.rs";
        let original =
            std::fs::read_to_string(repository().join(FILE)).with_context(|| format!("cannot read `{FILE}`"))?;
        if !original.contains(SENTENCE) {
            bail!("`{FILE}` has no sentence `{SENTENCE}` to change");
        }
        self.write(FILE, &original.replacen(SENTENCE, sentence, 1))
    }

    /// A command of `deployer`.
    pub(crate) async fn deployer(&self, arguments: &str, interrupt: &Interrupt) -> Result<Finished> {
        let mut command = Command::new(&self.deployer);
        command.current_dir(&self.checkout).args(arguments.split_whitespace()).args(["--output", "json"]);
        command.env("CARGO_TARGET_DIR", self.folder.join("target"));
        for name in ["GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT", "DEPLOYER_LOCAL"] {
            command.env_remove(name); // its steps are not the workflow's
        }
        let mut finished = command::run(command, &self.log("deployer", arguments), interrupt).await?;
        let result: serde_json::Value = serde_json::from_str(&finished.stdout).unwrap_or_default();
        let calls = result["aws_calls"]["by_operation"].as_object().cloned().unwrap_or_default();
        finished.calls = calls
            .iter()
            .filter_map(|(name, count)| Some((name.clone(), usize::try_from(count.as_u64()?).ok()?)))
            .collect();
        Ok(finished)
    }

    /// A command of Terraform in one of its roots: `bootstrap`, or the stack of an environment.
    pub(crate) async fn terraform(
        &self,
        root: &str,
        arguments: &[String],
        as_role: bool,
        interrupt: &Interrupt,
    ) -> Result<Finished> {
        let mut command = Command::new("terraform");
        let folder = if root == "bootstrap" { "terraform/bootstrap" } else { "terraform" };
        command.current_dir(self.checkout.join(folder)).args(arguments);
        command.env("TF_DATA_DIR", self.folder.join("terraform").join(root)).env("TF_IN_AUTOMATION", "1");
        command.env("TF_INPUT", "0").env("CHECKPOINT_DISABLE", "1").env("AWS_REGION", &self.place.region);
        if as_role {
            self.as_deploy_role(&mut command, root).await?;
        }
        command::run(command, &self.log(&format!("terraform-{root}"), &arguments[0]), interrupt).await
    }

    /// Gives the command the credentials of the environment's deploy role.
    async fn as_deploy_role(&self, command: &mut Command, environment: &str) -> Result<()> {
        let role = account::role_arn(&self.caller, &format!("{}-{environment}-deploy", self.place.prefix));
        let assumed = patient!(aws_sdk_sts, self.place).assume_role();
        let assumed = assumed.role_arn(&role).role_session_name("acceptance").send().await;
        let held = assumed
            .with_context(|| format!("cannot assume `{role}`"))?
            .credentials
            .context("no credentials came back")?;
        command.env_remove("AWS_PROFILE").env("AWS_ACCESS_KEY_ID", held.access_key_id);
        command.env("AWS_SECRET_ACCESS_KEY", held.secret_access_key).env("AWS_SESSION_TOKEN", held.session_token);
        Ok(())
    }

    /// Where the output of a command goes. The name is the command's, and the time's.
    fn log(&self, program: &str, what: &str) -> PathBuf {
        let logs = self.folder.join("logs");
        // If it cannot be made, the file in it cannot either, and that says so.
        let _ = std::fs::create_dir_all(&logs);
        let words: String = what.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        logs.join(format!("{}-{program}-{words}.log", jiff::Timestamp::now().as_millisecond()))
    }

    pub(crate) fn write(&self, file: &str, text: &str) -> Result<()> {
        let path = self.checkout.join(file);
        std::fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))
    }

    fn read(&self, file: &str) -> Result<String> {
        let path = self.checkout.join(file);
        std::fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))
    }
}

fn traffic(strategy: &str, numbers: &[(&str, i64)]) -> Value {
    let mut table = Table::new();
    table.insert("strategy".to_owned(), strategy.into());
    for (key, number) in numbers {
        table.insert((*key).to_owned(), Value::Integer(*number));
    }
    table.into()
}

/// Copies a file, or a folder without what was built in it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if from.is_file() {
        let parent = to.parent().context("a file is in no folder")?;
        std::fs::create_dir_all(parent).with_context(|| format!("cannot make the folder `{}`", parent.display()))?;
        return std::fs::copy(from, to).map(drop).with_context(|| format!("cannot copy `{}`", from.display()));
    }
    let entries = std::fs::read_dir(from).with_context(|| format!("cannot read the folder `{}`", from.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read the folder `{}`", from.display()))?;
        let name = entry.file_name();
        // A state that the repository has already is left alone.
        let skipped = name == ".terraform" || name == "target" || name.to_string_lossy().contains(".tfstate");
        if !skipped {
            copy(&entry.path(), &to.join(name))?;
        }
    }
    Ok(())
}
