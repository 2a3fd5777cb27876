use clap::Parser as _;

use super::*;
use crate::cli::Cli;

#[test]
fn a_usage_error_is_on_the_page_of_the_run_and_help_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page");
    let step = GitHubStep { summary: Some(page.clone()), ..GitHubStep::default() };
    let report = Report::new(Output::Text, (true, true), Some(step), &crate::world::World::real());
    let usage = |line: &[&str]| report.usage(&Cli::try_parse_from(line).unwrap_err());
    assert_eq!(usage(&["deployer", "--version"]), Exit::Done);
    assert!(!page.exists());
    assert_eq!(usage(&["deployer", "deploy", "dev", "--\n::frobnicate"]), Exit::Usage);
    let text = std::fs::read_to_string(&page).unwrap();
    assert!(text.starts_with("## ❌ deployer: usage\n\n**What happened:**"), "{text}");
    assert!(text.contains("frobnicate") && !text.contains("Usage:"), "{text}");
}

#[test]
fn a_failed_command_hands_on_its_outputs() {
    #[derive(serde::Serialize)]
    struct Half;
    impl View for Half {
        fn text(&self, _: &Screen) -> String {
            String::new()
        }
        fn outputs(&self) -> Vec<(&'static str, String)> {
            vec![("changed", "false".to_owned())]
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("output");
    let step = GitHubStep { output: Some(output.clone()), ..GitHubStep::default() };
    Report::new(Output::Text, (false, true), Some(step), &crate::world::World::real()).failed(&Half);
    assert_eq!(std::fs::read_to_string(&output).unwrap(), "changed=false\n");
}

#[test]
fn control_characters_never_reach_the_terminal() {
    let hostile = "ada\u{1b}[2J\u{1b}]0;x\u{7}\r\u{9b}1m\u{202e}\n\tß";
    assert_eq!(printable(hostile), "ada\u{fffd}[2J\u{fffd}]0;x\u{fffd}\u{fffd}\u{fffd}1m\u{fffd}\n\tß");
}

#[test]
fn a_usage_error_begins_with_what_is_wrong() {
    let first = |line: &[&str]| first_lines(&Cli::try_parse_from(line).unwrap_err().render().to_string()).to_owned();
    assert_eq!(
        first(&["deployer", "rollback", "dev"]),
        "the following required arguments were not provided:\n  --to <RELEASE>"
    );
    assert!(first(&["deployer", "deploy", "--frobnicate"]).starts_with("unexpected argument '--frobnicate' found"));
}
