//! `install.sh` and `action.yml`, against a release that the test makes and a server in this process.

pub(crate) mod action;
pub(crate) mod attestations;
pub(crate) mod bad_input;
pub(crate) mod documented;
mod machine;
mod server;

use std::process::Command;

use tempfile::TempDir;

use crate::actions::PUBLISHED;
use crate::harness::{Ended, repository};
use machine::{Machine, SHELLS, found, tree};
use server::{Server, VERSION, archive_name, packed_from, program, sha256};

pub(crate) fn each_shell_installs_a_verified_deployer() {
    let server = Server::with_release();
    for shell in SHELLS {
        let machine = Machine::with_shell(shell);
        let installed = machine.install(&server, &[]).expect(0);
        let folder = machine.home().join(".local/bin").display().to_string();
        let sum = sha256(&server.file(&format!("v{VERSION}/{}", archive_name())));
        for line in [
            format!("Installed deployer {VERSION} in {folder}"),
            format!("  SHA-256:     verified: {sum}"),
            "  attestation: not verified, because gh is not installed".to_owned(),
            format!("  export PATH=\"{folder}:$PATH\""),
        ] {
            assert!(installed.stdout.lines().any(|printed| printed == line), "{shell}: no `{line}` in {installed:?}");
        }
        assert_eq!(prints(&machine), format!("deployer {VERSION}"));
        let after = tree(&machine.home());
        assert_eq!(after.keys().filter(|path| path.is_file()).count(), 1, "{shell}: {after:?}");

        let again = machine.install(&server, &[]).expect(0);
        assert!(again.stdout.contains("is already in"), "{again:?}");
        assert_eq!(tree(&machine.home()), after);
    }
}

/// The version that the installed program prints.
fn prints(machine: &Machine) -> String {
    let printed = Ended::of(&Command::new(machine.installed()).arg("--version").output().unwrap()).expect(0);
    printed.stdout.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

pub(crate) fn the_real_program_is_installed_and_starts() {
    let server = Server::start();
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    std::fs::hard_link(env!("CARGO_BIN_EXE_deployer"), folder.path().join("deployer")).unwrap();
    server.publish_archive(VERSION, &archive_name(), packed_from(&folder));
    let machine = Machine::with_gh().set("GH_TOKEN", "a-token");
    let installed = machine.install(&server, &["--require-attestation"]).expect(0);
    let attested = format!("verified: built by release.yml of {PUBLISHED} from the tag v{VERSION}, commit c0ffee");
    assert!(installed.stdout.contains(&attested), "{installed:?}");
    assert_eq!(prints(&machine), format!("deployer {VERSION}"));
}

pub(crate) fn another_version_replaces_a_running_deployer() {
    let server = Server::with_release();
    server.publish("0.1.0");
    server.publish("12.0.0-rc.1");
    let machine = Machine::new();
    std::fs::create_dir_all(machine.installed().parent().unwrap()).unwrap();
    std::fs::copy(found("sleep"), machine.installed()).unwrap();
    let mut running = Command::new(machine.installed()).arg("600").spawn().unwrap();
    for (arguments, version) in
        [(&[][..], VERSION), (&["--version", "12.0.0-rc.1"], "12.0.0-rc.1"), (&["--version", "v0.1.0"], "0.1.0")]
    {
        let installed = machine.install(&server, arguments).expect(0);
        assert!(installed.stdout.contains(&format!("Installed deployer {version} in ")), "{installed:?}");
        assert_eq!(prints(&machine), format!("deployer {version}"));
    }
    assert!(running.try_wait().unwrap().is_none(), "the running program has ended");
    running.kill().unwrap();
    running.wait().unwrap();
}

pub(crate) fn wget_alone_is_enough_to_install() {
    let server = Server::with_release();
    let machine = || Machine::new().without("curl");
    let with_wget = machine();
    with_wget.link("wget", &found("wget"));
    with_wget.install(&server, &[]).expect(0);
    assert_eq!(prints(&with_wget), format!("deployer {VERSION}"));
    // What it prints is read differently.
    let path = format!("v{VERSION}/SHA256SUMS");
    with_wget.refuses(&server, &["--version", "9.9.9"], ["no release v9.9.9", "was not found"]);
    for (response, words) in [
        (server::Response::Login, ["is a web page, not the file: it comes from /login", "`https_proxy`"]),
        (server::Response::Status(403), ["the server returned 403", "a mirror"]),
    ] {
        server.put(&path, response);
        with_wget.refuses(&server, &[], words);
    }

    machine().refuses(&server, &[], ["neither curl nor GNU wget", "install curl"]);
    let with_busybox = machine();
    with_busybox.link("wget", &found("busybox"));
    with_busybox.refuses(&server, &[], ["neither curl nor GNU wget", "install curl"]);
}

pub(crate) fn each_platform_gets_its_own_archive() {
    for (system, processor, target) in [
        ("Linux", "x86_64", "x86_64-unknown-linux-musl"),
        ("Linux", "aarch64", "aarch64-unknown-linux-musl"),
        ("Darwin", "arm64", "aarch64-apple-darwin"),
        ("Darwin", "x86_64", "x86_64-apple-darwin"),
    ] {
        let server = Server::start();
        let archive = server::packed(program(VERSION).as_bytes());
        let sum = server.publish_archive(VERSION, &format!("deployer-{target}.tar.gz"), archive);
        let machine = Machine::new().on(system, processor).with_script("sysctl", "exit 1");
        assert_eq!(machine.install(&server, &["--print-sha256"]).expect(0).stdout, format!("{sum}\n"));
        assert_eq!(tree(&machine.home()).len(), 0);
        machine.install(&server, &[]).expect(0);
        // A shell under Rosetta 2.
        if target == "aarch64-apple-darwin" {
            let emulated = Machine::new().on("Darwin", "x86_64").with_script("sysctl", "echo 1");
            emulated.install(&server, &[]).expect(0);
        }
    }
}

pub(crate) fn the_installation_says_what_is_missing_on_the_path() {
    let server = Server::with_release();
    let machine = Machine::new().with_script("deployer", "echo another").set("SHELL", "/usr/bin/fish");
    let installed = machine.install(&server, &["--to", "a folder/bin"]).expect(0);
    let folder = machine.home().join("a folder/bin");
    assert!(installed.stdout.contains(&format!("  fish_add_path '{}'", folder.display())), "{installed:?}");
    assert!(folder.join("deployer").is_file());

    let path =
        machine.command(&server, &[]).get_envs().find(|(name, _)| *name == "PATH").unwrap().1.unwrap().to_owned();
    let to = machine.home().join(".local/bin");
    let mut with_folder = machine.command(&server, &[]);
    with_folder.env("PATH", format!("{}:{}", path.display(), to.display()));
    let installed = Ended::of(&with_folder.output().unwrap()).expect(0);
    assert!(installed.stdout.contains("Another deployer comes first on your PATH: "), "{installed:?}");
    assert!(!installed.stdout.contains("is not on your PATH"), "{installed:?}");
    // XDG's folder has precedence.
    let machine = Machine::new();
    let elsewhere = machine.home().join("elsewhere");
    let machine = machine.set("XDG_BIN_HOME", elsewhere.to_str().unwrap());
    machine.install(&server, &[]).expect(0);
    assert!(elsewhere.join("deployer").is_file());
}

pub(crate) fn a_kept_archive_is_verified_and_not_downloaded_again() {
    let server = Server::with_release();
    let machine = Machine::with_gh();
    let archives = machine.home().join("archives");
    let machine = machine.set("DEPLOYER_ARCHIVES", archives.to_str().unwrap());
    let path = format!("v{VERSION}/{}", archive_name());
    let sum = sha256(&server.file(&path));
    machine.install(&server, &["--sha256", &sum]).expect(0);
    assert!(server.requests().contains(&path));
    machine.install(&server, &["--sha256", &sum]).expect(0);
    assert!(!server.requests().contains(&path));

    let kept = archives.join(format!("{sum}.tar.gz"));
    std::fs::write(&kept, server::packed(b"#!/bin/sh\necho poison\n")).unwrap();
    machine.refuses(&server, &[], [&format!("{} has the SHA-256 ", kept.display()), "delete it"]);
    machine.refuses(&server, &["--sha256", &"0".repeat(64)], ["has the SHA-256", "they must be of the same release"]);
}

pub(crate) fn a_truncated_script_does_nothing() {
    let server = Server::with_release();
    let machine = Machine::new();
    let script = std::fs::read(repository().join("install.sh")).unwrap();
    let whole = script.len() - "\n".len();
    for end in (0..whole).step_by(151).chain(whole - 40..whole) {
        let file = machine.home().join("part.sh");
        std::fs::write(&file, &script[..end]).unwrap();
        let mut command = Command::new(found("dash"));
        let settings = machine.command(&server, &[]);
        command.envs(settings.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let ended = Ended::of(&command.arg(&file).current_dir(machine.home()).output().unwrap());
        std::fs::remove_file(&file).unwrap();
        assert_eq!((tree(&machine.home()).len(), server.requests().len()), (0, 0), "after {end} bytes: {ended:?}");
    }
}
