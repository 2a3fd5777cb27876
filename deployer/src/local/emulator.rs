//! One process of the emulator: started in the background on the loopback interface, stopped with its children.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::time::Instant;

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process_group, setrlimit};

use super::credentials;
use super::instance::{self, Instance};
use super::{Place, cannot};
use crate::aws::Http;
use crate::config::Config;
use crate::context::Context;
use crate::ending::Ending as _;
use crate::failure::Failure;
use crate::world::{Proxy, World};

/// The Python module to start: the emulator behind a gate that requires this instance's token.
const GATE: &str = "gate";
/// The files of the module.
const SOURCES: [(&str, &str); 2] = [("gate.py", include_str!("gate.py")), ("replies.py", include_str!("replies.py"))];
const STARTS_WITHIN: Duration = Duration::from_secs(30);
const STOPS_WITHIN: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(50);
/// Seconds that the emulator keeps an idle connection; its own default is 75. Go's clients, such as Terraform's provider, keep
/// one for 90, and a request on a connection that closes at that moment may be carried out without a response. The provider
/// then sends it again and fails, because what it just made exists already. Not much longer: a connection that its client has
/// closed keeps its descriptor until then.
const KEEPS_IDLE_FOR: &str = "100";

/// Starts the emulator of one environment and waits until it responds.
///
/// # Errors
/// It ends or does not respond: the error has its last lines of output, and nothing of it is left.
pub(super) async fn start(context: Context<'_>, place: &Place, python: &Path) -> Result<Instance> {
    let Context { config, world, events } = context;
    instance::forget(&place.folder)?;
    let scratch = scratch(place);
    std::fs::create_dir_all(&scratch).with_context(|| cannot("make the folder", &scratch))?;
    for (name, source) in SOURCES {
        write(&scratch.join(name), source)?;
    }
    let token = credentials::make(&place.access, world)?;
    let instance = Instance::of(spawn(config, place, python, &token)?)?;
    remember_and_wait(place, &instance, &token, world).await?;
    events
        .progress("Started", &format!("the local AWS of `{}` at {}", place.environment.name, place.access.endpoint()));
    Ok(instance)
}

/// Remembers the process for later runs, and waits until it responds. If that fails, it is stopped.
async fn remember_and_wait(place: &Place, instance: &Instance, token: &str, world: &World) -> Result<()> {
    let ready = async {
        instance.remember(&place.folder)?;
        responses(place, instance, token, world).await
    };
    let Err(error) = ready.await else { return Ok(()) };
    let words = std::fs::read_to_string(log(place)).unwrap_or_default();
    stop(instance).await?;
    instance::forget(&place.folder)?;
    Err(not_started(place, error, &words))
}

/// The error, with the last output of the process unless there is a hint already.
fn not_started(place: &Place, error: anyhow::Error, words: &str) -> anyhow::Error {
    if error.hint().is_some() {
        return error;
    }
    let lines: Vec<&str> = words.lines().collect();
    let last = lines[lines.len().saturating_sub(5)..].join("\n");
    let failure = Failure::error(format!("the local AWS of `{}` did not start", place.environment.name));
    error.context(last).context(failure.hint("fix what its output names, then run again: the failed process has ended"))
}

/// The working folder of the process.
fn scratch(place: &Place) -> PathBuf {
    place.folder.join("scratch")
}

/// The output of the process.
fn log(place: &Place) -> PathBuf {
    place.folder.join("emulator.log")
}

/// Starts the process. It gets only what a program needs to run from the user's environment: the functions inherit it, and must
/// not get the user's tokens.
fn spawn(config: &Config, place: &Place, python: &Path, token: &str) -> Result<u32> {
    allow_descriptors()?;
    let (scratch, log) = (&scratch(place), log(place));
    let output = File::create(&log).with_context(|| cannot("write", &log))?;
    let errors = output.try_clone().context("cannot open the log of the local AWS")?;
    let mut command = Command::new(python);
    let bind = format!("127.0.0.1:{}", place.access.port);
    command.args(["-m", "hypercorn", &format!("{GATE}:app"), "--workers", "0", "--bind", &bind]);
    command.args(["--keep-alive", KEEPS_IDLE_FOR]).current_dir(scratch).env_clear().envs(config.process.bare());
    // Not the user's `HOME` either: an SDK in a function would look for AWS files in it.
    command.env("HOME", scratch).env("AWS_EC2_METADATA_DISABLED", "true");
    command.env("TMPDIR", scratch).env("STATE_DIR", scratch.join("state")).env("S3_DATA_DIR", scratch.join("s3"));
    command.env("GATEWAY_PORT", place.access.port.to_string());
    command.env("MINISTACK_ACCOUNT_ID", &place.access.account).env("MINISTACK_REGION", &place.environment.region);
    // The functions inherit these: they reach this process and nothing else.
    command.env("AWS_ENDPOINT_URL", place.access.endpoint()).env("AWS_REGION", &place.environment.region);
    command.env("AWS_ACCESS_KEY_ID", &place.access.account).env("AWS_SECRET_ACCESS_KEY", "local");
    command.env("AWS_SESSION_TOKEN", token);
    // Services that are not needed open no ports.
    command.env("IOT_MTLS_ENABLED", "0").env("SFTP_ENABLED", "0");
    command.stdin(Stdio::null()).stdout(output).stderr(errors).process_group(0);
    let child = command.spawn().with_context(|| cannot("start", python))?;
    Ok(child.id())
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| cannot("write", path))
}

/// Allows as many open files as the system permits, which the emulator inherits: each connection is one, and 1,024 are soon used up.
fn allow_descriptors() -> Result<()> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).context("cannot raise the number of open files")
}

/// Waits until this instance responds. Another one on the port would refuse the token.
async fn responses(place: &Place, instance: &Instance, token: &str, world: &World) -> Result<()> {
    let http = Http::new(world, Proxy::None, Duration::from_secs(2));
    let health = format!("{}/_ministack/health", place.access.endpoint());
    let started = Instant::now();
    while started.elapsed() < STARTS_WITHIN {
        let response = http.send("GET", &health, &[("x-amz-security-token", token)]).await;
        match response.map(|response| response.status) {
            Ok(200) => return Ok(()),
            Ok(_) => return Err(instance::foreign(place)),
            Err(_) => {}
        }
        if !instance.alive() {
            anyhow::bail!("it ended");
        }
        tokio::time::sleep(PAUSE).await;
    }
    anyhow::bail!("it did not respond within {} s", STARTS_WITHIN.as_secs())
}

/// Stops the process and its children, which are its group: first SIGTERM, then SIGKILL.
pub(super) async fn stop(instance: &Instance) -> Result<()> {
    let group = i32::try_from(instance.process).ok().and_then(Pid::from_raw).context("no such process")?;
    for signal in [Signal::TERM, Signal::KILL] {
        if !instance.alive() {
            break;
        }
        // The group may be gone by now, which is fine.
        let _ = kill_process_group(group, signal);
        let started = Instant::now();
        while instance.alive() && started.elapsed() < STOPS_WITHIN {
            tokio::time::sleep(PAUSE).await;
        }
    }
    // Functions that outlived their parent are still in its group.
    let _ = kill_process_group(group, Signal::KILL);
    if instance.alive() {
        let process = instance.process;
        let failure = Failure::error(format!("the local AWS, process {process}, does not end"));
        return Err(failure.hint(format!("end it with `kill -9 {process}`, then run again")).into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::cli::Output;
    use crate::config::ProcessEnvironment;
    use crate::local::places;
    use crate::report::Report;

    /// An environment in a folder, and a program to start instead of Python.
    struct Bench {
        config: Config,
        place: Place,
        python: PathBuf,
        _folder: tempfile::TempDir,
    }

    fn bench(port: u16) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let python = folder.path().join("python");
        std::fs::write(&python, "#!/bin/sh\nexec sleep 60\n").unwrap();
        std::fs::set_permissions(&python, std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = [("PATH", "/usr/bin:/bin")];
        let text = include_str!("../../../deployer.toml");
        let file = folder.path().join("deployer.toml");
        let config = Config::parse(text, &file, true, ProcessEnvironment::of(path)).unwrap();
        let mut place = places(&config).unwrap().remove(0);
        place.access.port = port;
        Bench { config, place, python, _folder: folder }
    }

    /// Another checkout's local AWS that took the port first: it refuses any token but its own.
    fn another_instance() -> u16 {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let (mut connection, _) = listener.accept().unwrap();
            let _ = connection.read(&mut [0; 4096]).unwrap();
            connection.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").unwrap();
        });
        port
    }

    #[tokio::test]
    async fn another_checkouts_instance_on_the_port_is_reported() {
        let Bench { config, place, python, _folder } = bench(another_instance());
        // Only fails if another test was first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let report = Report::new(Output::Text, (false, true), None, &crate::world::World::real());
        let error = start(Context { config: &config, world: &World::real(), events: &report }, &place, &python)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("in use by the local AWS of another checkout"), "{error:#}");
        assert!(!place.folder.exists());
    }

    #[tokio::test]
    async fn a_process_that_cannot_be_remembered_is_stopped() {
        let Bench { config, place, python, _folder } = bench(1);
        std::fs::create_dir_all(scratch(&place)).unwrap();
        let instance = Instance::of(spawn(&config, &place, &python, "token").unwrap()).unwrap();
        // As on a full disk: its file cannot be written.
        std::fs::create_dir(place.folder.join("instance.json")).unwrap();
        assert!(remember_and_wait(&place, &instance, "token", &World::real()).await.is_err());
        assert!(!instance.alive() && !place.folder.exists());
    }
}
