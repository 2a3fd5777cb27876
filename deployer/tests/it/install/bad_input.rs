//! What is refused: with one error, one hint, nothing installed, and the older deployer as it was.

use std::fmt::Write as _;

use super::machine::{Machine, SHELLS, found, one_error_with_a_hint, tree};
use super::server::{Response, Server, VERSION, archive_name, packed, program, sha256};
use crate::harness::{Ended, Running};

fn archive() -> String {
    format!("v{VERSION}/{}", archive_name())
}

fn sums() -> String {
    format!("v{VERSION}/SHA256SUMS")
}

pub(crate) fn a_download_that_is_not_the_release_is_refused() {
    let server = Server::with_release();
    let (machine, good, sum) = (Machine::new(), server.file(&archive()), server.file(&sums()));
    let other = packed(b"#!/bin/sh\necho another\n");
    for (path, response, words) in [
        (archive(), Response::File(other), ["has the SHA-256 ", "run it again"]),
        (archive(), Response::File(good[..good.len() / 2].to_vec()), ["has the SHA-256 ", "run it again"]),
        (archive(), Response::Half(good.clone()), ["the download of", "ended early"]),
        (archive(), Response::File(Vec::new()), ["is empty", "mirror"]),
        (archive(), Response::Page, ["is a web page, not the file", "`https_proxy`"]),
        (archive(), Response::Login, ["/login", "`https_proxy`"]),
        (archive(), Response::Status(404), [&format!("has no {}", archive_name()), "it may still be incomplete"]),
        (sums(), Response::Page, ["SHA256SUMS is a web page, not the file", "a proxy or a login page"]),
        (sums(), Response::Login, ["is a web page, not the file: it comes from http://127.0.0.1:", "/login"]),
        (sums(), Response::Status(502), ["the server returned 502", "run it again later"]),
        (sums(), Response::Status(407), ["the server returned 407", "run it again later"]),
        (sums(), Response::File(Vec::new()), ["is empty", "mirror"]),
        (sums(), Response::File(sum[64..].to_vec()), ["does not list", "`--version`"]),
        (sums(), Response::File(sum[10..].to_vec()), ["has no SHA-256 for", "run it again"]),
        (sums(), Response::File(sum[..80].to_vec()), ["does not list", "`--version`"]),
        (sums(), Response::Half(sum.clone()), ["the download of", "ended early"]),
    ] {
        server.put(&path, response);
        machine.refuses(&server, &[], words);
        server.put(&archive(), Response::File(good.clone()));
        server.put(&sums(), Response::File(sum.clone()));
    }
    machine.refuses(&server, &["--version", "9.9.9"], ["no release v9.9.9", "a version that this mirror has"]);
    machine.install(&server, &[]).expect(0);
}

pub(crate) fn a_server_that_cannot_be_reached_is_named() {
    let server = Server::with_release();
    let url = server.url();
    drop(server);
    let other = Server::with_release();
    let machine = Machine::new().set("DEPLOYER_DOWNLOAD_URL", &url);
    machine.refuses(&other, &[], ["could not download", "the proxy in `https_proxy`"]);
    // A server that does not respond, with less patience than the script has.
    other.put(&sums(), Response::Nothing);
    let curl = found("curl").display().to_string();
    let impatient = Machine::new().with_script("curl", &format!("exec {curl} \"$@\" --speed-time 1 --retry 0"));
    impatient.refuses(&other, &[], ["SHA256SUMS: curl: (28) ", "run it again"]);
    // Without its password.
    let proxied = Machine::new().set("DEPLOYER_DOWNLOAD_URL", "https://ada:secret@releases.example.invalid");
    let proxied = proxied.set("https_proxy", &url);
    proxied.refuses(&other, &[], ["could not download https://releases.example.invalid", "`https_proxy`"]);
    for unencrypted in
        ["http://releases.example", "ftp://127.0.0.1", "http://127.0.0.1:80@releases.example", "releases"]
    {
        let machine = Machine::new().set("DEPLOYER_DOWNLOAD_URL", unencrypted);
        machine.refuses(&other, &[], ["which is not encrypted", "begins with https://"]);
    }
}

pub(crate) fn an_unsupported_platform_is_refused() {
    let server = Server::with_release();
    let source = "`cargo install --locked --git https://github.com/OWNER/deployer deployer`";
    for (system, processor, words) in [
        (
            "Linux",
            "riscv64",
            ["no deployer for Linux on riscv64, only for Linux and macOS on x86-64 and arm64", source],
        ),
        ("Linux", "i686", ["no deployer for Linux on i686", source]),
        ("Linux", "armv7l", ["no deployer for Linux on armv7l", source]),
        ("FreeBSD", "amd64", ["no deployer for FreeBSD on amd64", source]),
        ("MINGW64_NT-10.0", "x86_64", ["no deployer for Windows", "WSL"]),
    ] {
        Machine::new().on(system, processor).refuses(&server, &[], words);
    }
    let (system, processor) = if cfg!(target_arch = "x86_64") { ("Linux", "aarch64") } else { ("Linux", "x86_64") };
    Machine::new().on(system, processor).refuses(&server, &[], ["does not list", "choose another version"]);
    assert_eq!(server.requests().iter().filter(|path| path.ends_with(".tar.gz")).count(), 0);
}

pub(crate) fn a_program_that_does_not_start_is_refused() {
    let server = Server::start();
    let machine = Machine::new();
    let publish = |program: &[u8]| server.publish_archive(VERSION, &archive_name(), packed(program));
    // As the dynamic loader reports an old glibc.
    publish(b"#!/bin/sh\necho \"$0: /lib/libc.so.6: version 'GLIBC_2.39' not found\" >&2\nexit 1\n");
    machine.refuses(&server, &[], ["does not start on this system", "GLIBC_2.39", "build it from source"]);
    publish(b"#!/nowhere/ld-musl\n");
    machine.refuses(&server, &[], ["does not start on this system", "not found", "build it from source"]);
    // As where the folder is mounted `noexec`.
    publish(b"#!/etc/passwd\n");
    machine.refuses(&server, &[], ["programs may not run in", "Permission denied", "choose another folder"]);
    publish(b"#!/bin/sh\nkill -ILL $$\n");
    machine.refuses(&server, &[], ["does not start on this system", "build it from source"]);
    publish(program("0.1.0").as_bytes());
    machine.refuses(&server, &[], ["has another program or version: `deployer 0.1.0`", "do not use this release"]);
    publish(b"#!/bin/sh\necho deployer\n");
    machine.refuses(&server, &[], ["has another program or version", "do not use this release"]);
    publish(b"");
    machine.refuses(&server, &[], ["has no program `deployer`", "choose another version"]);
    server.publish_archive(VERSION, &archive_name(), b"not an archive".to_vec());
    machine.refuses(&server, &[], ["has no program `deployer`", "choose another version"]);
}

pub(crate) fn an_archive_writes_no_file_of_another_path() {
    let server = Server::start();
    let machine = Machine::new();
    let victim = machine.home().join("victim");
    std::fs::write(&victim, "as it was").unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    let pack = |script: &str| {
        let mut shell = std::process::Command::new("sh");
        let made = shell.args(["-c", script]).arg(&victim).current_dir(folder.path()).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        made.stdout
    };
    let linked = pack("ln -sf \"$0\" deployer; tar -czf - deployer");
    let outside = pack("rm deployer; echo evil >evil; tar -czPf - --transform \"s#evil#$0#\" evil");
    for archive in [linked, outside] {
        server.publish_archive(VERSION, &archive_name(), archive);
        machine.refuses(&server, &[], ["has no program `deployer`"]);
    }
    assert_eq!(std::fs::read_to_string(victim).unwrap(), "as it was");
}

pub(crate) fn a_folder_that_cannot_be_written_is_refused() {
    let server = Server::with_release();
    let machine = Machine::new();
    // Nobody can write there, not even root.
    for folder in ["/sys", "/proc/nowhere/bin"] {
        machine.refuses(&server, &["--to", folder], [folder, "a folder that you may write to with `--to DIR`"]);
    }
    let file = machine.home().join("file");
    std::fs::write(&file, "").unwrap();
    machine.refuses(&server, &["--to", file.to_str().unwrap()], ["could not create", "File exists"]);
    std::fs::create_dir_all(machine.home().join("bin/deployer")).unwrap();
    machine.refuses(&server, &["--to", "bin"], ["bin/deployer is not a file", "remove it"]);
    assert_eq!(server.requests().len(), 0, "something was downloaded before the folder was looked at");
}

pub(crate) fn a_full_disk_leaves_nothing() {
    let server = Server::start();
    let mut noise = String::new();
    for number in 0..1000 {
        writeln!(noise, "# {}", sha256(format!("{number}").as_bytes())).unwrap();
    }
    let zeros = "0".repeat(200_000);
    for (rest, words) in [(noise, "could not save"), (zeros, "could not unpack")] {
        let archive = packed(format!("{}# {rest}\n", program(VERSION)).as_bytes());
        server.publish_archive(VERSION, &archive_name(), archive);
        let mut machine = Machine::new();
        machine.install(&server, &["--to", "elsewhere"]).expect(0);
        machine.blocks = Some(20);
        machine.refuses(&server, &[], [words, "free space there"]);
    }
}

pub(crate) fn a_signal_leaves_nothing() {
    for shell in SHELLS {
        for (signal, code) in [("TERM", 143), ("INT", 130), ("HUP", 129)] {
            let server = Server::with_release();
            server.put(&archive(), Response::Nothing);
            let machine = Machine::with_shell(shell);
            machine.write_older();
            let before = tree(&machine.home());
            let running = Running::new(machine.command(&server, &[]).spawn().unwrap());
            server.wait_for(&archive());
            running.signal(signal);
            let ended = running.end().expect(code);
            one_error_with_a_hint(&ended, &["stopped by a signal: nothing was installed"]);
            assert_eq!(tree(&machine.home()), before, "{shell}, {signal}");
        }
    }
}

pub(crate) fn wrong_arguments_are_refused() {
    let server = Server::with_release();
    let machine = Machine::new();
    for (arguments, words) in [
        (&["--version", "latest"][..], ["`latest` is not a version", "--version 0."]),
        (&["--version", "../../0.2.0"], ["is not a version", "give one such as"]),
        (&["--version", "0.2.0/../0.1.0"], ["is not a version", "give one such as"]),
        (&["--version"], ["`--version` needs a value", "--help"]),
        (&["--to", ""], ["`--to` needs a value", "--help"]),
        (&["--sha256", "abc"], ["`abc` is not a SHA-256", "64 hexadecimal digits"]),
        (&["--force"], ["unexpected argument `--force`", "--help"]),
    ] {
        machine.refuses(&server, arguments, words);
    }
    let help: Ended = machine.install(&server, &["--help"]).expect(0);
    assert!(help.stdout.contains("Usage: install.sh [OPTIONS]"), "{help:?}");
    assert_eq!(server.requests().len(), 0);
    let homeless = Machine::new().set("HOME", "");
    homeless.refuses(&server, &[], ["HOME is not set", "`--to DIR`"]);
}
