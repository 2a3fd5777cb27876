//! `action.yml`, in a job of another repository.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::machine::programs;
use super::server::{Response, Server, VERSION, archive_name, packed, sha256};
use crate::actions::{End, GitHub, PUBLISHED, Project};

fn github(name: &str) -> GitHub {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("github").join(name);
    let project = Project::foreign("someone/project", root.join("sources"), "project", BTreeMap::new());
    GitHub::new(root, project)
}

/// A job that installs deployer with these inputs, and starts it.
fn job(github: &GitHub, server: &Server, with: &Value) -> End {
    github.job_alone(&json!({
        "env": {"DEPLOYER_DOWNLOAD_URL": server.url(), "STANDIN_SIGNED": server.signed(), "PROGRAMS": programs()},
        "permissions": {"contents": "read"},
        "steps": [
            {"run": "echo \"$PROGRAMS\" >>\"$GITHUB_PATH\""},
            {"id": "deployer", "uses": format!("{PUBLISHED}@v{VERSION}"), "with": with},
            {"id": "started", "run": "echo \"deployer=$(command -v deployer)\" >>\"$GITHUB_OUTPUT\"; deployer --version"},
        ],
        "outputs": {
            "version": "${{ steps.deployer.outputs.version }}",
            "sha256": "${{ steps.deployer.outputs.sha256 }}",
            "path": "${{ steps.deployer.outputs.path }}",
            "started": "${{ steps.started.outputs.deployer }}",
        },
    }))
}

fn archive() -> String {
    format!("v{VERSION}/{}", archive_name())
}

pub(crate) fn the_action_installs_and_caches_a_verified_deployer() {
    let (github, server) = (github("action"), Server::with_release());
    let sum = sha256(&server.file(&archive()));
    let cached = json!({"cache": "true"});
    let pinned = json!({"version": format!("v{VERSION}"), "sha256": sum, "cache": "true"});
    for (with, downloads) in [(json!({}), 1), (cached.clone(), 1), (cached, 0), (pinned, 0)] {
        let end = job(&github, &server, &with);
        assert_eq!(end.result, "success", "{}", end.log);
        assert_eq!(end.outputs["version"], VERSION);
        assert_eq!(end.outputs["sha256"], sum);
        assert_eq!(end.outputs["path"], end.outputs["started"], "{}", end.log);
        assert!(end.log.contains("attestation: verified"), "{}", end.log);
        assert!(end.log.contains(&format!("deployer {VERSION} (")), "{}", end.log);
        assert_eq!(server.requests().iter().filter(|path| **path == archive()).count(), downloads);
    }
    let caches = github.caches("");
    assert_eq!(caches.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>(), [format!("deployer-{sum}")]);
}

pub(crate) fn the_action_refuses_a_poisoned_cache() {
    let (github, server) = (github("action-poisoned"), Server::with_release());
    let sum = sha256(&server.file(&archive()));
    let cache = github.cache(&format!("deployer-{sum}"));
    std::fs::create_dir_all(&cache).unwrap();
    std::fs::write(cache.join(format!("{sum}.tar.gz")), packed(b"#!/bin/sh\necho poison\n")).unwrap();
    let cached = json!({"cache": "true"});
    let end = job(&github, &server, &cached);
    fails(&end, [&format!("not {sum}"), &format!("the cache `deployer-{sum}`")]);
    // A file of another name is not looked at.
    std::fs::rename(cache.join(format!("{sum}.tar.gz")), cache.join("deployer")).unwrap();
    assert_eq!(job(&github, &server, &cached).result, "success");
}

pub(crate) fn the_action_refuses_what_it_cannot_verify() {
    let (github, server) = (github("action-refused"), Server::with_release());
    let end = job(&github, &server, &json!({"sha256": "0".repeat(64)}));
    fails(&end, [&format!("not {}", "0".repeat(64)), "`--sha256`"]);
    let end = job(&github, &server, &json!({"version": "9.9.9"}));
    fails(&end, ["there is no release v9.9.9", "`--version`"]);
    let end = job(&github, &server, &json!({"version": "0.2.0\"; curl evil"}));
    fails(&end, ["is not a version", "give one such as"]);
    let end = job(&github, &server, &json!({"token": ""}));
    fails(&end, ["could not check that commit", "GH_TOKEN"]);
    // The sum alone is not enough.
    server.put(&format!("v{VERSION}/bundle.jsonl"), Response::File(b"{}".to_vec()));
    fails(&job(&github, &server, &json!({})), ["was not built by release.yml of OWNER/deployer", "do not use"]);
    assert_eq!(github.caches("").len(), 0, "a job that failed saved a cache");
}

/// The annotation is what a person sees; nothing was started.
#[track_caller]
fn fails(end: &End, words: [&str; 2]) {
    assert_eq!((end.result, &end.outputs["path"], &end.outputs["started"]), ("failure", &json!(""), &json!("")));
    end.annotates(["::error title=deployer was not installed::", words[0], words[1]]);
}
