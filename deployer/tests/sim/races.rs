//! Two runs on one environment.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::application::Behavior;
use crate::simulation::{Ended, Simulation, Snapshot};
use crate::stack::Shape;
use crate::verdict::Serving;

/// Longer than a lease and the longest move together.
const CUT_OFF: Duration = Duration::from_secs(60);

/// The digests of a build's packages, by function.
type Codes = BTreeMap<String, String>;

async fn command(simulation: &Simulation) -> (String, Codes) {
    let artifact = simulation.artifact(Behavior::Right);
    (format!("deploy dev --artifact {}", artifact.folder.display()), artifact.codes)
}

fn released(shape: Shape) -> Snapshot {
    Snapshot::new(shape, 1).after(async |simulation| {
        for _ in 0..2 {
            simulation.change_definition("dev");
            simulation.done(&command(simulation).await.0).await;
        }
        simulation.change_definition("dev");
    })
}

/// What is wrong after two runs, of which the one that lost may have ended so.
fn wrong(ended: [&Ended; 2], serving: &Serving, codes: [&Codes; 2], lost: &[u8]) -> Vec<String> {
    let mut wrong = Vec::new();
    let exits = ended.map(|ended| ended.code);
    let won: Vec<usize> = (0..2).filter(|index| exits[*index] == Some(0)).collect();
    match won.as_slice() {
        [only] => {
            if serving.codes != *codes[*only] {
                wrong.push("what serves is not the winner's".to_owned());
            }
            if !exits[1 - only].is_some_and(|exit| lost.contains(&exit)) {
                wrong.push(format!("the loser ended with {:?}", exits[1 - only]));
            }
        }
        // One after the other.
        [_, _] if codes.contains(&&serving.codes) => {}
        other => wrong.push(format!("{} runs won", other.len())),
    }
    if !serving.whole {
        wrong.push("traffic is split, or the stage's variable is another deployment's".to_owned());
    }
    wrong
}

fn failed(seed: u64, wrong: &[String], ended: [&Ended; 2]) -> String {
    let words = ended.map(|ended| format!("exit {:?}: {}", ended.code, ended.words));
    format!("seed {seed}: {}\n{}", wrong.join("; "), words.join("\n--\n"))
}

#[test]
fn of_two_deploys_that_start_at_about_the_same_time_one_wins() {
    let world = released(Shape::of(2));
    for seed in 0..SEEDS {
        world.clone().seeded(seed).simulate(async |simulation| {
            let pause = Duration::from_millis(fastrand::Rng::with_seed(seed).u64(0..1500));
            let ((first, one), (second, other)) = (command(simulation).await, command(simulation).await);
            let late = async {
                tokio::time::sleep(pause).await;
                simulation.command(&second).await
            };
            let both = async { tokio::join!(simulation.command(&first), late) };
            let ((first, second), visits) = simulation.under_visits("dev", both).await;
            let mut wrong = wrong([&first, &second], &Serving::of(simulation, "dev"), [&one, &other], &[5]);
            wrong.extend(visits.iter().map(|status| format!("a visit got {status}")));
            assert!(wrong.is_empty(), "{}", failed(seed, &wrong, [&first, &second]));
        });
    }
}

/// The first run is cut off at one of its calls, which is carried out late; the second one takes its lock over.
#[test]
fn a_holder_that_was_cut_off_makes_no_stale_move_whatever_it_was_doing() {
    let world = released(Shape::of(2));
    let calls = world.clone().simulate(async |simulation| {
        let prepared = simulation.prepare(&command(simulation).await.0);
        let run = Arc::clone(&prepared.run);
        prepared.end().await;
        run.calls()
    });
    // Before the lock is had nothing is held.
    let locked = calls.iter().position(|call| call.name == "TransactWriteItems").unwrap() + 1;
    // Cut off while it takes the lock, it does not know whether it has it.
    for k in (locked + 1..=calls.len()).step_by(STEP) {
        world.clone().seeded(k as u64).simulate(async |simulation| {
            let ((first, one), (second, other)) = (command(simulation).await, command(simulation).await);
            let held = simulation.prepare(&first);
            let run = Arc::clone(&held.run);
            run.cut_off(k, CUT_OFF);
            let late = async {
                while run.calls().len() < k {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                let second = simulation.command(&second).await;
                let serving = Serving::of(simulation, "dev");
                (second, serving)
            };
            let (first, (second, serving)) = tokio::join!(held.end(), late);
            tokio::time::sleep(CUT_OFF).await;
            let now = Serving::of(simulation, "dev");
            // Cut off from the ledger too, it may not know that the lock is another's.
            let mut wrong = wrong([&first, &second], &now, [&one, &other], &[1, 5, 6, 7]);
            if second.code == Some(0) && now != serving {
                wrong.push(format!("{serving:?} served, and then {now:?}"));
            }
            assert!(
                wrong.is_empty(),
                "call {k}, {}: {}",
                calls[k - 1].name,
                failed(k as u64, &wrong, [&first, &second])
            );
        });
    }
}

const SEEDS: u64 = 20;
const STEP: usize = 3;
