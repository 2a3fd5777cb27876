//! docs/install.md, `install.sh --help` and `action.yml` agree, and name this version.

use std::process::Command;

use serde_json::Value;

use super::server::VERSION;
use crate::harness::{Ended, repository};

fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap()
}

pub(crate) fn the_page_describes_the_script_and_the_action() {
    let (page, action) = (read("docs/install.md"), action());
    for (of, columns) in [("inputs", true), ("outputs", false)] {
        let all = action[of].as_object().unwrap();
        assert_eq!(all.len(), 3, "{of}");
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
