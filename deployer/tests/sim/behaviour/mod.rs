//! What each command does when nothing breaks, and what it refuses: one file for each subject.

mod adoption;
mod calls;
mod contract;
mod deploys;
mod failures;
mod images;
mod init;
mod large;
mod lock;
mod order;
mod output;
mod printed;
mod progress;
mod promotion;
mod publishing;
mod refusals;
mod retention;
mod rollback;
mod screens;
mod traffic;
mod triggers;
mod without_api;

use std::time::Duration;

use crate::application::Behavior;
use crate::simulation::{Simulation, Snapshot};
use crate::stack::Shape;

/// Prepares a release of new code and a new definition to dev. Returns the command.
pub(crate) async fn deploy(simulation: &Simulation, behavior: Behavior) -> String {
    simulation.change_definition("dev");
    deploy_code(simulation, behavior)
}

/// The same of new code alone.
fn deploy_code(simulation: &Simulation, behavior: Behavior) -> String {
    format!("deploy dev --artifact {}", simulation.artifact(behavior).folder.display())
}

/// Until a manual change has propagated.
pub(crate) async fn until_seen() {
    tokio::time::sleep(Duration::from_secs(5)).await;
}

pub(crate) async fn deployed(simulation: &Simulation) {
    let command = deploy(simulation, Behavior::Right).await;
    simulation.done(&command).await;
}

/// A world in which dev has had this many releases.
pub(crate) fn with_releases(shape: Shape, releases: usize) -> Snapshot {
    Snapshot::new(shape, 1).after(async |simulation| {
        for _ in 0..releases {
            deployed(simulation).await;
        }
    })
}

/// Waits for a condition while a command runs.
async fn until(mut so: impl FnMut() -> bool) {
    while !so() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
