//! The commands without any fault.

use std::sync::Arc;

use crate::application::Behavior;
use crate::behaviour::until_seen;
use crate::outside::WRITES;
use crate::simulation::{Ended, Simulation, Snapshot};
use crate::stack::{Shape, function};
use crate::verdict::Serving;

#[test]
fn two_releases_and_a_rollback_succeed() {
    Snapshot::new(Shape::of(2), 1).simulate(async |simulation| {
        let mut codes = Vec::new();
        for _ in 0..2 {
            let artifact = simulation.artifact(Behavior::Right);
            simulation.change_definition("dev");
            simulation.done(&format!("deploy dev --artifact {}", artifact.folder.display())).await;
            assert_eq!(Serving::of(simulation, "dev").codes, artifact.codes);
            codes.push(artifact.codes);
        }
        simulation.done("rollback dev --to previous").await;
        assert_eq!(Serving::of(simulation, "dev").codes, codes[0]);
    });
}

/// Runs a command that must not write.
async fn without_a_write(simulation: &Simulation, command: &str) -> Ended {
    let prepared = simulation.prepare(command);
    let run = Arc::clone(&prepared.run);
    let ended = prepared.end().await;
    let wrote = run.calls().into_iter().find(|call| WRITES.contains(&call.name));
    assert!(wrote.is_none(), "{wrote:?}: {}", ended.words);
    ended
}

#[test]
fn what_is_live_already_is_not_written_again() {
    Snapshot::new(Shape::of(2), 1).simulate(async |simulation| {
        let command = format!("deploy dev --artifact {}", simulation.artifact(Behavior::Right).folder.display());
        simulation.done(&command).await;
        let ended = without_a_write(simulation, &command).await;
        assert_eq!(ended.code, Some(0), "{}", ended.words);
    });
}

#[test]
fn an_alias_that_somebody_moved_is_drift_and_stays() {
    Snapshot::new(Shape::of(2), 1).simulate(async |simulation| {
        let artifact = simulation.artifact(Behavior::Right);
        simulation.done(&format!("deploy dev --artifact {}", artifact.folder.display())).await;
        let moment = simulation.aws().moment.clone();
        simulation.account("dev", |account| account.lambda.move_alias(&moment, &function("f1", "dev"), "live", "1"));
        until_seen().await;
        let artifact = simulation.artifact(Behavior::Right);
        let command = format!("deploy dev --artifact {}", artifact.folder.display());
        let ended = without_a_write(simulation, &command).await;
        assert_eq!(ended.code, Some(4), "{}", ended.words);
        assert!(ended.words.contains("drift: alias `live`"), "{}", ended.words);
    });
}

#[test]
fn a_release_that_was_reverted_cannot_be_rolled_back_to() {
    Snapshot::new(Shape::of(1), 1).simulate(async |simulation| {
        for behavior in [Behavior::Right, Behavior::WrongForVisitors, Behavior::Right] {
            simulation.change_definition("dev");
            let artifact = simulation.artifact(behavior);
            simulation.command(&format!("deploy dev --artifact {}", artifact.folder.display())).await;
        }
        let ended = without_a_write(simulation, "rollback dev --to 2").await;
        assert_eq!(ended.code, Some(4), "{}", ended.words);
    });
}
