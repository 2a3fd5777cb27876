//! A run that lost its lock, and what it left.

use std::sync::Arc;
use std::time::Duration;

use super::{deploy, with_releases};
use crate::application::Behavior;
use crate::stack::Shape;

const CUT_OFF: Duration = Duration::from_secs(120);

#[test]
fn a_run_that_lost_its_lock_reports_the_stages_deployment() {
    let world = with_releases(Shape::of(1), 1);
    let moved = world.clone().simulate(async |simulation| {
        let prepared = simulation.prepare(&deploy(simulation, Behavior::Right).await);
        let run = Arc::clone(&prepared.run);
        prepared.end().await;
        run.calls().iter().position(|call| call.name == "UpdateStage").unwrap() + 1
    });
    world.simulate(async |simulation| {
        let prepared = simulation.prepare(&deploy(simulation, Behavior::Right).await);
        let run = Arc::clone(&prepared.run);
        run.cut_off(moved, CUT_OFF);
        let late = async {
            while run.calls().len() < moved {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            let command = deploy(simulation, Behavior::Right).await;
            simulation.done(&command).await;
            // The call that was sent before the run was cut off arrives only now.
            let now = simulation.now();
            simulation.account("dev", |account| {
                let api = account.api.only();
                let made = account.api.deployments(&api);
                let (late, _) = made.iter().find(|(_, said)| said.contains("release 2,")).unwrap().clone();
                account.api.change_stage((&api, "dev"), now, |stage| stage.deployment.clone_from(&late));
                late
            })
        };
        let (ended, late) = tokio::join!(prepared.end(), late);
        assert_eq!(ended.code, Some(5), "{}", ended.words);
        assert!(ended.words.contains(&format!("is at deployment `{late}` of release 2")), "{}", ended.words);
    });
}
