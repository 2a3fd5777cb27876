//! The local AWS of this run: the emulator of `deployer local up`, with the same gate before it, which asks for a token.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use deployer::config::ProcessEnvironment;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

use crate::proxy::Proxy;
use crate::tools::Tools;

pub(crate) const ACCOUNT: &str = "111111111111";
pub(crate) const REGION: &str = "us-east-1";

const SOURCES: [(&str, &str); 2] =
    [("gate.py", include_str!("../../src/local/gate.py")), ("replies.py", include_str!("../../src/local/replies.py"))];

const STARTS_WITHIN: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);

/// It ends with this value, and the functions that it runs with it.
#[derive(Debug)]
pub(crate) struct Aws {
    process: Group,
    /// What every peer gets in its environment, beside the user's own without settings for AWS and Terraform.
    pub(crate) variables: Vec<(&'static str, String)>,
    token: String,
    port: u16,
}

/// A process with all that it starts. They end with this value.
#[derive(Debug)]
pub(crate) struct Group(pub(crate) Child);

impl Group {
    /// Starts it in a group of its own.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        Ok(Self(command.process_group(0).spawn().with_context(|| format!("cannot start {command:?}"))?))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // None when it has ended.
        let id = self.0.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(group) = id {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Aws {
    /// Starts it and waits until it responds.
    pub(crate) async fn start(scratch: &Path, tools: &Tools, proxy: &Proxy) -> Result<Self> {
        let (folder, home) = (scratch.join("emulator"), scratch.join("home"));
        for made in [&folder, &home] {
            let _ = fs::remove_dir_all(made);
            fs::create_dir_all(made)?;
        }
        for (name, source) in SOURCES {
            fs::write(folder.join(name), source)?;
        }
        let token = uuid::Uuid::new_v4().simple().to_string();
        let process = Group::start(&mut command(&folder, tools, proxy.behind, &token)?)?;
        let variables = variables(&home, proxy.port, &token);
        let mut aws = Self { process, variables, token, port: proxy.behind };
        aws.wait().await.with_context(|| format!("see `{}`", folder.join("emulator.log").display()))?;
        Ok(aws)
    }

    /// Writes the file in which `deployer --local` finds the credentials of a project's environment.
    pub(crate) fn write_credentials(&self, project: &Path) -> Result<()> {
        let folder = project.join(".deployer/local/dev");
        fs::create_dir_all(&folder)?;
        let keys = format!("aws_access_key_id = {ACCOUNT}\naws_secret_access_key = local");
        fs::write(folder.join("credentials"), format!("[default]\n{keys}\naws_session_token = {}\n", self.token))?;
        Ok(())
    }

    async fn wait(&mut self) -> Result<()> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let (health, began) = (format!("http://127.0.0.1:{}/_ministack/health", self.port), Instant::now());
        loop {
            let response = client.get(&health).header("x-amz-security-token", &self.token).send().await;
            if response.is_ok_and(|response| response.status().is_success()) {
                return Ok(());
            }
            if let Some(status) = self.process.0.try_wait()? {
                bail!("the local AWS ended: {status}");
            }
            if began.elapsed() > STARTS_WITHIN {
                bail!("the local AWS does not respond");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn command(folder: &Path, tools: &Tools, port: u16, token: &str) -> Result<Command> {
    let log = File::create(folder.join("emulator.log"))?;
    let mut command = Command::new(&tools.python);
    command.args(["-m", "hypercorn", "gate:app", "--workers", "0", "--keep-alive", "100", "--bind"]);
    command.arg(format!("127.0.0.1:{port}")).current_dir(folder).env_clear();
    command.envs(ProcessEnvironment::capture().bare()).env("HOME", folder).env("TMPDIR", folder);
    command.env("STATE_DIR", folder.join("state")).env("S3_DATA_DIR", folder.join("s3"));
    command.env("GATEWAY_PORT", port.to_string()).env("MINISTACK_ACCOUNT_ID", ACCOUNT).env("MINISTACK_REGION", REGION);
    command.env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}")).env("AWS_REGION", REGION);
    command.env("AWS_ACCESS_KEY_ID", ACCOUNT).env("AWS_SECRET_ACCESS_KEY", "local").env("AWS_SESSION_TOKEN", token);
    command.env("AWS_EC2_METADATA_DISABLED", "true").env("IOT_MTLS_ENABLED", "0").env("SFTP_ENABLED", "0");
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    Ok(command)
}

fn variables(home: &Path, port: u16, token: &str) -> Vec<(&'static str, String)> {
    let fixed = [
        ("HOME", home.display().to_string()),
        ("PATH", path()),
        ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}")),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_DEFAULT_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", ACCOUNT.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        ("AWS_SESSION_TOKEN", token.to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ("AWS_PAGER", String::new()),
        ("NO_PROXY", "127.0.0.1".to_owned()),
        // No requests but to AWS.
        ("CHECKPOINT_DISABLE", "1".to_owned()),
        ("SAM_CLI_TELEMETRY", "0".to_owned()),
        ("TF_INPUT", "0".to_owned()),
    ];
    fixed.into()
}

/// The user's, with the cargo that runs this first: `HOME` has none that rustup would find.
fn path() -> String {
    let cargo = PathBuf::from(env!("CARGO"));
    let environment = ProcessEnvironment::capture();
    let users = environment.get("PATH").unwrap_or_default().to_string_lossy().into_owned();
    cargo.parent().map_or_else(|| users.clone(), |folder| format!("{}:{users}", folder.display()))
}
