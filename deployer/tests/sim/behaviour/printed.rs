//! Output: it has no secrets, and the docs show only commands that exist.

use crate::application::Behavior;
use crate::fault::Fault;
use crate::printed::strange;
use crate::simulation::Snapshot;
use crate::stack::Shape;

use super::{deploy_code, deployed};

const RELEASES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/releases.md"));
const PROMOTE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/promote.md"));
const OPERATIONS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operations.md"));
/// `documentation` in `deployer/src` reads all pages; these are for the deliberate breaks, which run the simulator alone.
const PAGES: [&str; 4] = [
    PROMOTE,
    OPERATIONS,
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../CONTRIBUTING.md")),
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../terraform/README.md")),
];

/// The commands that a page shows: between backticks, and as lines of shell.
fn commands(page: &str) -> impl Iterator<Item = &str> {
    let quoted = page.split('`').filter(|part| !part.contains('\n'));
    let lines = page.lines().flat_map(|line| line.split("&&")).map(str::trim);
    quoted.chain(lines).filter(|text| text.starts_with("deployer "))
}

#[test]
fn every_command_in_the_docs_exists() {
    let all: Vec<&str> = PAGES.into_iter().flat_map(commands).collect();
    assert!(all.len() > 20, "{all:?}");
    for command in all {
        assert_eq!(strange(command), None, "`{command}`");
    }
}

/// The commands that need neither a build nor another program, in an environment with twelve releases.
#[test]
fn the_commands_of_the_documentation_work() {
    Snapshot::new(Shape::of(2), 1).simulate(async |simulation| {
        for _ in 0..12 {
            simulation.done(&deploy_code(simulation, Behavior::Right)).await;
        }
        let mut ran = 0;
        for command in [RELEASES, PROMOTE, OPERATIONS].into_iter().flat_map(commands) {
            let arguments = command.trim_start_matches("deployer ");
            // What stands for a value, and what takes a file.
            if ["COMMIT", "--html", "--artifact"].iter().any(|word| arguments.contains(word)) {
                continue;
            }
            let first = arguments.split(' ').next().unwrap_or_default();
            if !["promote", "rollback", "check", "status", "history", "prune"].contains(&first) {
                continue;
            }
            simulation.done(arguments).await;
            ran += 1;
        }
        assert!(ran >= 6, "{ran} commands");
    });
}

#[test]
fn a_zip_that_cannot_be_fetched_is_reported_without_its_url() {
    Snapshot::new(Shape::of(1), 1).simulate(async |simulation| {
        deployed(simulation).await;
        let prepared = simulation.prepare("promote dev prod --allow-definition-diff");
        prepared.run.fault_of("Download", Fault::Denied);
        let ended = prepared.end().await;
        assert_eq!(ended.code, Some(1), "{}", ended.words);
        assert!(ended.words.contains("could not be fetched"), "{}", ended.words);
    });
}
