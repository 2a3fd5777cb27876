//! `local up`, where it cannot: each with one clear message and nothing half-made. And `local down`.

use std::fs::File;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::first_steps::children;
use crate::harness::{Checkout, Ended, bare, free_port, listens, repository};
use crate::stack;

/// A folder of programs to be put first on the PATH, or alone.
fn programs(checkout: &Checkout, scripts: &[(&str, &str)]) -> PathBuf {
    let folder = checkout.root.join("programs");
    std::fs::create_dir_all(&folder).unwrap();
    for (name, script) in scripts {
        let path = folder.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

/// The full path of a program of this machine.
fn real(name: &str) -> PathBuf {
    let path = bare().into_iter().find(|(variable, _)| variable == "PATH").unwrap().1;
    path.split(':').map(|folder| Path::new(folder).join(name)).find(|file| file.is_file()).unwrap()
}

fn up(checkout: &Checkout, variables: &[(&str, &str)]) -> Ended {
    let output = checkout.command().args(["local", "up"]).envs(variables.iter().copied()).output().unwrap();
    Ended {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[track_caller]
fn assert_nothing_was_made(checkout: &Checkout) {
    let root = checkout.root.join(".deployer");
    let left = walk(&root).into_iter().filter(|path| !path.ends_with("lock")).collect::<Vec<_>>();
    assert_eq!(left, Vec::<PathBuf>::new());
    for environment in ["dev", "prod"] {
        assert!(!listens(checkout.port(environment)), "the local AWS of {environment} runs");
    }
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

pub(crate) fn a_failed_start_of_local_up_is_explained_and_makes_nothing() {
    a_port_in_use_is_named_and_nothing_is_made();
    a_missing_terraform_or_python_is_named_and_nothing_is_made();
    an_old_terraform_or_python_is_named_and_nothing_is_made();
    a_failed_download_leaves_nothing_half_made();
    without_the_local_aws_every_command_says_how_to_start_it();
}

fn a_port_in_use_is_named_and_nothing_is_made() {
    let checkout = Checkout::new("port-in-use");
    let port = checkout.port("prod");
    let taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
    up(&checkout, &[]).expect(3).says([&format!("port {port}"), "`prod`", "in use", "hint: "]);
    drop(taken);
    assert_nothing_was_made(&checkout);
}

fn a_missing_terraform_or_python_is_named_and_nothing_is_made() {
    let checkout = Checkout::new("missing-tool");
    let folder = programs(&checkout, &[]);
    let path = folder.to_str().unwrap();
    up(&checkout, &[("PATH", path)]).expect(3).says(["`terraform` is not installed", "hint: "]);
    symlink(real("terraform"), folder.join("terraform")).unwrap();
    up(&checkout, &[("PATH", path)]).expect(3).says(["`python3` is not installed", "hint: "]);
    assert_nothing_was_made(&checkout);
}

fn an_old_terraform_or_python_is_named_and_nothing_is_made() {
    let checkout = Checkout::new("old-tool");
    let old = programs(&checkout, &[("terraform", "echo '{\"terraform_version\":\"1.5.7\"}'")]);
    let path = bare().into_iter().find(|(variable, _)| variable == "PATH").unwrap().1;
    let path = format!("{}:{path}", old.display());
    up(&checkout, &[("PATH", &path)]).expect(3).says(["`terraform` is version 1.5.7", "1.11 or newer", "hint: "]);
    std::fs::remove_file(old.join("terraform")).unwrap();
    programs(&checkout, &[("python3", "echo 3.9.2")]);
    up(&checkout, &[("PATH", &path)]).expect(3).says(["`python3` is version 3.9.2", "3.10 or newer", "hint: "]);
    assert_nothing_was_made(&checkout);
}

fn a_failed_download_leaves_nothing_half_made() {
    let checkout = Checkout::new("no-network");
    let cache = checkout.root.join("cache");
    let nowhere = format!("http://127.0.0.1:{}/simple", free_port());
    let variables = [
        ("XDG_CACHE_HOME", cache.to_str().unwrap()),
        ("PIP_INDEX_URL", &nowhere),
        ("PIP_EXTRA_INDEX_URL", ""),
        ("PIP_FIND_LINKS", ""),
        ("PIP_NO_INDEX", ""),
        ("PIP_RETRIES", "0"),
        ("PIP_CONFIG_FILE", "/dev/null"),
        ("PIP_NO_CACHE_DIR", "1"),
    ];
    up(&checkout, &variables).expect(1).says(["downloading the local AWS failed (", "hint: check the network"]);
    assert_eq!(walk(&cache), Vec::<PathBuf>::new());
    // The functions may be built before the download fails.
    assert_nothing_was_made_but_the_artifact(&checkout);
    assert!(["dev", "prod"].iter().all(|environment| !listens(checkout.port(environment))), "it runs");
}

/// As Ctrl-C in a terminal does it, while Terraform applies.
pub(crate) fn a_signal_stops_what_local_up_started() {
    let checkout = Checkout::new("interrupted");
    let said = checkout.root.join("said");
    let mut command = checkout.command();
    command.args(["local", "up"]).stdout(Stdio::null()).stderr(File::create(&said).unwrap());
    let mut up = command.spawn().unwrap();
    let started = Instant::now();
    while !applies_below(up.id().into()) {
        let ended = up.try_wait().unwrap();
        assert!(ended.is_none() && started.elapsed() < Duration::from_secs(300), "Terraform never applied: {ended:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
    Command::new("kill").args(["-INT", &up.id().to_string()]).status().unwrap();
    let ended = up.wait().unwrap();
    let said = std::fs::read_to_string(said).unwrap();
    assert!(!ended.success() && said.contains("interrupted (Ctrl-C)"), "{ended}: {said}");
    assert_nothing_was_made_but_the_artifact(&checkout);
    assert!(["dev", "prod"].iter().all(|environment| !listens(checkout.port(environment))), "it runs");
    let root = checkout.root.to_str().unwrap();
    let left: Vec<_> = processes().filter(|line| line.contains(root)).collect();
    assert!(left.is_empty(), "still there: {left:?}");
}

/// Whether a Terraform that applies runs below a process.
fn applies_below(process: u64) -> bool {
    let applies =
        |process| line(process).is_some_and(|line| line.starts_with("terraform ") && line.contains(" apply "));
    children(process).into_iter().any(|child| applies(child) || applies_below(child))
}

/// The command line of a process.
fn line(process: u64) -> Option<String> {
    let line = std::fs::read(format!("/proc/{process}/cmdline")).ok()?;
    Some(String::from_utf8_lossy(&line).replace('\0', " "))
}

fn processes() -> impl Iterator<Item = String> {
    let numbers =
        std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    numbers.filter_map(line)
}

fn without_the_local_aws_every_command_says_how_to_start_it() {
    let checkout = Checkout::new("not-up");
    for command in ["status", "plan dev", "deploy dev", "check dev"] {
        checkout.deployer(command).expect(1).says(["the local AWS is not running", "hint: ", "deployer local up"]);
    }
    assert!(checkout.deployer("local status").expect(0).stdout.contains("not running"));
    assert_nothing_was_made(&checkout);
}

/// Terraform's provider keeps an idle connection for 90 s. Were the emulator the first to close it, a request that meets the
/// close could be carried out without a response, and its second try be refused: an alias "already exists".
pub(crate) fn a_connection_outlasts_the_90_s_that_a_client_keeps_it() {
    assert_eq!(stack().late_response.wait().as_ref().unwrap(), "HTTP/1.1 200 OK");
}

pub(crate) fn down_stops_every_process_and_removes_all_that_was_kept() {
    let checkout = &stack().checkout;
    let ports = ["dev", "prod"].map(|environment| checkout.port(environment));
    assert!(ports.into_iter().all(listens));
    checkout.deployer("local down").expect(0).says(["Stopped"]);
    assert!(!ports.into_iter().any(listens));
    assert_nothing_was_made_but_the_artifact(checkout);
    checkout.deployer("local down").expect(0);
}

fn assert_nothing_was_made_but_the_artifact(checkout: &Checkout) {
    let left = walk(&checkout.root.join(".deployer/local"));
    assert!(left.iter().all(|path| path.ends_with("lock")), "{left:?}");
}

/// Certificates are for AWS: nothing local has TLS.
pub(crate) fn a_broken_ca_bundle_is_refused_only_where_aws_is_meant() {
    let refused = |arguments: &[&str], local: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deployer"));
        command.current_dir(repository()).env_clear().envs(bare()).stdin(Stdio::null()).args(arguments);
        let ended =
            Ended::of(&command.env("AWS_CA_BUNDLE", "/nowhere.pem").env("DEPLOYER_LOCAL", local).output().unwrap());
        ended.stderr.contains("cannot use the CA bundle `/nowhere.pem`")
    };
    assert!(refused(&["status", "dev"], "0") && refused(&["init"], "1"));
    assert!(!refused(&["status", "dev"], "1") && !refused(&["--local", "status", "dev"], "0"));
}
