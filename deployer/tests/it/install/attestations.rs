//! The attestation, which `gh` verifies where there is one.

use super::machine::Machine;
use super::server::{COMMIT, Response, Server, Signed, VERSION, archive_name, packed, program};

const STRICT: &[&str] = &["--require-attestation"];

pub(crate) fn an_attestation_of_something_else_is_refused() {
    let server = Server::with_release();
    let machine = Machine::with_gh();
    let sum = super::sha256(&server.file(&format!("v{VERSION}/{}", archive_name())));
    let tag = format!("v{VERSION}");
    let good = Signed { repository: "OWNER/deployer", workflow: "release", commit: COMMIT, tag: &tag };
    for by in [
        Signed { repository: "mallory/deployer", ..good },
        Signed { tag: "v0.1.0", ..good },
        Signed { workflow: "ci", ..good },
    ] {
        server.attest(VERSION, &sum, &by);
        let words = ["was not built by release.yml of OWNER/deployer from the tag v", "do not use this file"];
        machine.refuses(&server, &[], words);
        machine.refuses(&server, STRICT, words);
    }
    // A bundle that nobody signed, one of another file, and what a proxy gives in its place.
    let path = format!("v{VERSION}/bundle.jsonl");
    let line = |sum: &str| {
        format!("{sum} OWNER/deployer OWNER/deployer/.github/workflows/release.yml ba5eba11 refs/tags/{tag}\n")
    };
    for (response, words) in [
        (Response::File(line(&sum).into_bytes()), ["was not built by release.yml", "do not use this file"]),
        (Response::File(line(&"0".repeat(64)).into_bytes()), ["was not built by release.yml", "do not use this file"]),
        (Response::Page, ["bundle.jsonl is a web page", "`https_proxy`"]),
        (Response::Status(404), ["has no bundle.jsonl", "it may still be incomplete"]),
        (Response::File(Vec::new()), ["is empty", "mirror"]),
    ] {
        server.put(&path, response);
        machine.refuses(&server, &[], words);
    }
    server.attest(VERSION, &sum, &good);
    machine.install(&server, &[]).expect(0);
    // Each version has its own tag.
    server.publish("0.1.0");
    let installed = machine.install(&server, &["--version", "0.1.0"]).expect(0);
    assert!(installed.stdout.contains("from the tag v0.1.0, commit c0ffee"), "{installed:?}");
}

pub(crate) fn an_archive_that_was_replaced_with_its_sum_is_refused() {
    let server = Server::with_release();
    let bundle = server.file(&format!("v{VERSION}/bundle.jsonl"));
    let replaced = packed(format!("{}# changed\n", program(VERSION)).as_bytes());
    server.publish_archive(VERSION, &archive_name(), replaced);
    server.put(&format!("v{VERSION}/bundle.jsonl"), Response::File(bundle));
    let words = ["was not built by release.yml of OWNER/deployer", "do not use this file"];
    Machine::with_gh().refuses(&server, &[], words);
}

pub(crate) fn without_a_current_gh_only_the_checksum_is_verified() {
    let server = Server::with_release();
    for (machine, reason) in
        [(Machine::new(), "gh is not installed"), (Machine::with_gh().set("STANDIN_GH", "old"), "gh is too old")]
    {
        machine.refuses(&server, STRICT, ["cannot verify the attestation of deployer-", reason, "a current gh"]);
        let installed = machine.install(&server, &[]).expect(0);
        assert!(installed.stdout.contains(&format!("attestation: not verified, because {reason}")), "{installed:?}");
    }
    // The host that gh uses elsewhere has no attestation of it.
    let enterprise = Machine::with_gh().set("GH_HOST", "github.example");
    assert!(enterprise.install(&server, &[]).expect(0).stdout.contains("attestation: verified"));
}

pub(crate) fn a_gh_that_cannot_verify_is_not_a_wrong_attestation() {
    let server = Server::with_release();
    let offline = Machine::with_gh().set("STANDIN_GH", "offline");
    offline.refuses(&server, &[], ["gh could not get Sigstore's keys", "no such host", "allow HTTPS to"]);
    let login = Machine::with_gh().set("STANDIN_GH", "login");
    login.refuses(&server, &[], ["gh is not logged in", "`gh auth login`"]);
}

pub(crate) fn a_required_attestation_is_of_a_commit_on_main() {
    let server = Server::with_release();
    let logged_out = Machine::with_gh();
    logged_out.refuses(&server, STRICT, ["could not check that commit c0ffee", "`gh auth login` or set GH_TOKEN"]);
    let machine = Machine::with_gh().set("GH_TOKEN", "a-token");
    let sum = super::sha256(&server.file(&format!("v{VERSION}/{}", archive_name())));
    let tag = format!("v{VERSION}");
    let by = Signed { repository: "OWNER/deployer", workflow: "release", commit: "baadbaad", tag: &tag };
    server.attest(VERSION, &sum, &by);
    machine.refuses(&server, STRICT, ["commit baadbaad, which is not on main of OWNER/deployer", "do not use"]);
    server.attest(VERSION, &sum, &Signed { commit: COMMIT, ..by });
    machine.install(&server, STRICT).expect(0);
}
