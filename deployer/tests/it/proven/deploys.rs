//! Two runs of the real binary at once.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::fresh::fresh;
use crate::harness::{Ended, Running, SENTENCE, all_cases};
use crate::strict::{Action, At, Call, Chance, Front};
use crate::{promises, stack};

const FUNCTION: &str = "/2015-03-31/functions/resume-visitor-counter-dev";

fn versions() -> BTreeSet<String> {
    let all = stack().behind("dev", "GET", &format!("{FUNCTION}/versions?MaxItems=10000"), None, &Value::Null);
    all["Versions"].as_array().unwrap().iter().map(|version| version["Version"].to_string()).collect()
}

/// Some runs of the real binary at once, with the same artifact.
fn binaries(front: &Front, chance: &mut Chance, number: usize) -> Vec<String> {
    let (stack, artifact) = (stack(), fresh());
    let (before, release) = (versions(), stack.last_number("dev"));
    front.take();
    front.deployments_every(Duration::ZERO);
    for nth in 1..=8 {
        front.on(At::nth("TransactWriteItems", nth), Action::Delay(chance.pause(120)));
        front.on(At::nth("GetItem", nth), Action::Delay(chance.pause(60)));
        front.on(At::nth("GetAlias", nth), Action::Delay(chance.pause(60)));
    }
    let runs = 2 + chance.below(2);
    let started: Vec<_> = (0..runs)
        .map(|_| {
            std::thread::sleep(chance.pause(150));
            stack.checkout.start_through(front, "dev", &[], &format!("deploy dev --artifact {}", artifact.folder))
        })
        .collect();
    let ended: Vec<Ended> = started.into_iter().map(Running::end).collect();
    front.behave();
    let mut broken = Vec::new();
    for ended in &ended {
        let words = &ended.stderr;
        let fits = match ended.code {
            0 => true,
            5 => {
                (words.contains("is held by") || words.contains("another run was quicker")) && words.contains("hint: ")
            }
            _ => false,
        };
        if !fits {
            broken.push(format!("ended with {}: {words}", ended.code));
        }
    }
    let made = ended.iter().filter(|ended| ended.code == 0 && ended.stderr.contains("Releasing")).count();
    if made != 1 {
        broken.push(format!("{made} runs made the release"));
    }
    let (released, new) = (stack.last_number("dev") - release, versions().difference(&before).count());
    let moved = front.take().iter().filter(|call: &&Call| call.name == "UpdateAlias").count();
    if (released, new, moved) != (1, 1, 2) {
        broken.push(format!("{released} releases, {new} versions, {moved} moves of two aliases"));
    }
    std::fs::remove_dir_all(stack.checkout.root.join(artifact.folder)).unwrap();
    let status = stack.status("dev");
    if !(status["lock"].is_null() && status["unfinished"].is_null() && status["drift"].is_null()) {
        broken.push(format!("left: {status}"));
    }
    broken.into_iter().map(|what| format!("round {number}: {what}")).collect()
}

pub(crate) fn of_deploys_of_the_same_artifact_at_once_one_makes_one_version_and_one_release() {
    let (rounds, front) = (if all_cases() { 240 } else { 6 }, Front::before(stack().checkout.port("dev")));
    let mut chance = Chance::any();
    let mut broken = Vec::new();
    for number in 0..rounds {
        broken.extend(binaries(&front, &mut chance, number));
    }
    let base = stack().checkout.artifact(SENTENCE);
    stack().released("dev", &base);
    promises::measured(
        "3-races-runs",
        "of deploys of the same artifact at once one makes one version, one release and one move of each alias; the others are refused or find nothing to do",
        "2 or 3 processes through one front that delays their reads and writes at random",
        rounds,
        &broken,
    );
}
