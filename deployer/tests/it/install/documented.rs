//! docs/install.md, `install.sh --help` and `action.yml` agree, and name this version.

use std::process::Command;

use serde_json::Value;

use super::machine::{Machine, found};
use super::server::{Response, Server, VERSION, packed, program};
use crate::harness::{Ended, repository};

fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap()
}

pub(crate) fn the_page_describes_the_script_and_the_action() {
    let (page, action) = (read("docs/install.md"), action());
    for (of, columns, count) in [("inputs", true, 4), ("outputs", false, 3)] {
        let all = action[of].as_object().unwrap();
        assert_eq!(all.len(), count, "{of}");
        for (name, field) in all {
            let default = match field["default"].as_str() {
                Some("") => " | ".to_owned(),
                Some(text) => format!(" | `{}`", text.trim_start_matches("${{ ").trim_end_matches(" }}")),
                None => String::new(),
            };
            assert_eq!(columns, field["default"].is_string(), "{of}: {name}");
            let row =
                format!("| `{name}`{default} | {} |", field["description"].as_str().unwrap()).replace("|  |", "| |");
            assert!(page.contains(&row), "docs/install.md does not have the row\n{row}");
        }
    }
    let help = Ended::of(&Command::new("sh").arg(repository().join("install.sh")).arg("--help").output().unwrap());
    let block = format!("```text\n{}```\n", help.expect(0).stdout);
    assert!(page.contains(&block), "docs/install.md does not have the help:\n{block}");
}

pub(crate) fn the_script_and_the_action_install_this_version() {
    assert!(read("install.sh").contains(&format!("\nVERSION={VERSION}\n")), "install.sh installs another version");
    assert_eq!(action()["inputs"]["version"]["default"], VERSION);
    let page = read("docs/install.md");
    let named = |before: &str| -> Vec<String> {
        let version =
            |rest: &str| rest.split(|end: char| !end.is_ascii_digit() && end != '.').next().unwrap().to_owned();
        page.split(before).skip(1).map(|rest| version(rest).trim_end_matches('.').to_owned()).collect()
    };
    for before in ["/download/v", "--tag v", "deployer-lambda==", "# v"] {
        let versions = named(before);
        assert!(!versions.is_empty() && versions.iter().all(|version| version == VERSION), "{before}: {versions:?}");
    }
}

/// As a person pastes them; with a local server, which has no TLS.
pub(crate) fn the_commands_by_hand_verify_and_install() {
    let page = read("docs/install.md");
    let block = page.split("## By hand").nth(1).unwrap().split("```").nth(1).unwrap().trim_start_matches("sh\n");
    let archive = "deployer-x86_64-unknown-linux-musl.tar.gz";
    let server = Server::start();
    server.publish_archive(VERSION, archive, packed(program(VERSION).as_bytes()));
    let path = format!("v{VERSION}/{archive}");
    for replaced in [false, true] {
        if replaced {
            server.put(&path, Response::File(packed(b"#!/bin/sh\necho evil\n")));
        }
        let machine = Machine::with_gh().set("GH_HOST", "github.com");
        machine.link("install", &found("install"));
        let commands = block
            .replace("https://github.com/OWNER/deployer/releases/download", &server.url())
            .replace("--proto '=https' --tlsv1.2", "");
        let settings = machine.command(&server, &[]);
        let mut shell = Command::new(found("dash"));
        shell.env_clear().envs(settings.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let ended = Ended::of(&shell.arg("-c").arg(commands).current_dir(machine.home()).output().unwrap());
        assert_eq!((ended.code == 0, machine.installed().exists()), (!replaced, !replaced), "{ended:?}");
    }
}

/// The rules of this repository's workflows.
pub(crate) fn the_action_is_pinned_and_short() {
    let steps = action()["runs"]["steps"].as_array().unwrap().clone();
    assert_eq!(steps.len(), 3);
    for step in steps {
        match (step["uses"].as_str(), step["run"].as_str()) {
            (Some(action), _) => {
                let commit = action.split_once('@').unwrap().1;
                assert!(commit.len() == 40 && commit.chars().all(|digit| digit.is_ascii_hexdigit()), "{action}");
            }
            (_, Some(script)) => {
                assert!(script.lines().count() <= 10 && !script.contains("${{"), "{script}");
                assert_eq!(step["shell"], "bash");
            }
            _ => panic!("{step}"),
        }
    }
}

fn action() -> Value {
    serde_saphyr::from_str(&read("action.yml")).unwrap()
}
