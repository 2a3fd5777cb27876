//! Two deploys whose changes of AWS come in every order, up to a bound: the first is held at its i-th change, its lock
//! is taken away, the second goes as far as its j-th, then the first goes on to its end, and the second after it.

use std::time::Duration;

use serde_json::json;

use super::fresh::{Artifact, change_definition, fresh, restore};
use super::serving::{Serving, functions, versions};
use super::visitors::visitors;
use crate::harness::{Ended, Running, cases};
use crate::promises::measured;
use crate::stack;
use crate::strict::{At, Call, Front, Held};

const PROMISE: &str = "of two runs one wins; the one that lost its lock moves no alias, and no late move of the stage goes \
                       unseen (invariants 4, 5)";

/// A dead run is found out after the lease and the 10 s that a move may take.
const SHORT_LEASE: (&str, &str) = ("lease_seconds = 20", "lease_seconds = 2");

pub(crate) fn two_deploys_in_every_order_of_their_changes_make_no_stale_move() {
    let changes = rehearsed();
    let all: Vec<(usize, usize)> =
        (1..=changes).flat_map(|first| (1..=changes).map(move |second| (first, second))).collect();
    let wanted = cases(3, all.len());
    let mut violations = Vec::new();
    // In steps of the golden section: each i about as often as any other, with ever another j.
    let step = (all.len() * 618 / 1000) | 1;
    for index in 0..wanted {
        let (first, second) = all[if wanted == all.len() { index } else { (index * step) % all.len() }];
        let wrong = try_one(first, second);
        violations.extend(wrong.into_iter().map(|wrong| format!("held at {first}, then at {second}: {wrong}")));
    }
    restore();
    let how = format!("two deploys of {changes} changes each, held at the i-th and the j-th: of {} pairs", all.len());
    measured("3-two-runs", PROMISE, &how, wanted, &violations);
}

/// A laptop that was closed: the first run stops at its i-th change, which is carried out, for longer than its lease. The
/// second takes over, and the first wakes up when the second has ended.
pub(crate) fn a_holder_that_sleeps_past_its_lease_makes_no_stale_move() {
    let changes = rehearsed();
    let wanted = cases(2, changes);
    let mut violations = Vec::new();
    for index in 0..wanted {
        let held = 2 + (index * changes / wanted) % (changes - 1);
        let wrong = sleep_at(held);
        violations.extend(wrong.into_iter().map(|wrong| format!("asleep at {held}: {wrong}")));
    }
    restore();
    let how = "a deploy stopped at a change for longer than its lease, and woken up after another deploy";
    measured("3-two-runs-asleep", PROMISE, how, wanted, &violations);
}

fn sleep_at(i: usize) -> Vec<String> {
    let (of_first, of_second) = (front(), front());
    visitors("dev", || {
        let held = of_first.pause(At::change(i));
        let (first, mut running) = start(&of_first, &[SHORT_LEASE]);
        let arrived = arrives(&held, &mut running);
        if arrived {
            running.signal("STOP");
            held.forward();
        }
        let (second, other) = start(&of_second, &[SHORT_LEASE]);
        let second_ended = other.end();
        running.signal("CONT");
        let first_ended = running.end();
        judged([&of_first, &of_second], [&first, &second], [&first_ended, &second_ended])
    })
}

/// How many changes a deploy makes.
fn rehearsed() -> usize {
    let front = front();
    let (artifact, running) = start(&front, &[]);
    running.end().expect(0);
    forget(&artifact);
    front.take().iter().filter(|call| At::change(1).meets(call.name, &call.body)).count()
}

fn front() -> Front {
    let front = Front::before(stack().checkout.port("dev"));
    front.deployments_every(Duration::ZERO).staleness(Duration::from_millis(300));
    front.transactions_take(Duration::from_millis(20));
    front
}

/// A deploy that changes both functions and the definition.
fn start(front: &Front, edits: &[(&str, &str)]) -> (Artifact, Running) {
    change_definition("dev");
    let artifact = fresh();
    let running = again(front, edits, &artifact);
    (artifact, running)
}

fn again(front: &Front, edits: &[(&str, &str)], artifact: &Artifact) -> Running {
    stack().checkout.start_through(front, "dev", edits, &format!("deploy dev --artifact {}", artifact.folder))
}

fn forget(artifact: &Artifact) {
    std::fs::remove_dir_all(stack().checkout.root.join(&artifact.folder)).unwrap();
}

/// Waits until the call is held, or the run has ended without it.
fn arrives(held: &Held, running: &mut Running) -> bool {
    while !held.arrives_within(Duration::from_millis(50)) {
        if running.has_ended() {
            return false;
        }
    }
    true
}

fn try_one(i: usize, j: usize) -> Vec<String> {
    let (of_first, of_second) = (front(), front());
    visitors("dev", || {
        let held = of_first.pause(At::change(i));
        let (first, mut running) = start(&of_first, &[]);
        let arrived = arrives(&held, &mut running);
        if !stack().ledger_item("dev", "lock")["holder"].is_null() {
            stack().checkout.deployer("unlock dev --force").expect(0);
        }
        let then = of_second.pause(At::change(j));
        let (second, mut other) = start(&of_second, &[]);
        let waits = arrives(&then, &mut other);
        if arrived {
            held.forward();
        }
        let first_ended = running.end();
        if waits {
            then.forward();
        }
        let second_ended = other.end();
        judged([&of_first, &of_second], [&first, &second], [&first_ended, &second_ended])
    })
}

/// What is wrong once both have ended.
fn judged(fronts: [&Front; 2], artifacts: [&Artifact; 2], [first, second]: [&Ended; 2]) -> Vec<String> {
    let mut wrong = wins(first, second);
    wrong.extend(stale_moves(&fronts[0].calls(), &fronts[1].calls()));
    wrong.extend(afterwards(artifacts[1], second));
    artifacts.into_iter().for_each(forget);
    wrong
}

/// Moves of aliases that AWS took from the first run after the second, taking over, had given both aliases new
/// revisions.
fn stale_moves(first: &[Call], second: &[Call]) -> Vec<String> {
    let moves = |calls: &[Call]| {
        calls.iter().filter(|call| call.name == "UpdateAlias" && call.status == Some(200)).cloned().collect::<Vec<_>>()
    };
    let Some(renewed) = moves(second).get(1).and_then(|call| call.ended) else { return Vec::new() };
    let late = moves(first).into_iter().filter(|call| call.ended.is_some_and(|ended| ended > renewed));
    late.map(|call| format!("a stale move of an alias landed: {}", call.body)).collect()
}

/// Both may only say that they are done if one was done before the other began.
fn wins(first: &Ended, second: &Ended) -> Vec<String> {
    let mut wrong = Vec::new();
    if first.code == 0 && second.code == 0 {
        let live = stack().release("dev", stack().last_number("dev"));
        let before = stack().release("dev", live["previous"].as_u64().unwrap_or_default());
        if before["state"] != "superseded" {
            wrong.push(format!("both won: {before}"));
        }
    }
    for ended in [first, second] {
        if ![0, 1, 4, 5, 6, 7].contains(&ended.code) {
            wrong.push(format!("code {}: {}", ended.code, ended.stderr));
        }
    }
    if first.code == 5 && !first.stderr.contains("lock") {
        wrong.push(format!("it does not say that it lost its lock: {}", first.stderr));
    }
    wrong
}

/// What serves is what the ledger says, or `status` tells of it; and the next run brings what the second wanted.
fn afterwards(wanted: &Artifact, ended: &Ended) -> Vec<String> {
    let mut wrong = Vec::new();
    let (serving, status) = (Serving::of("dev"), stack().status("dev"));
    let live = stack().release("dev", stack().live("dev"));
    let deployment = live["parts"]["deployment"].as_str().unwrap_or_default().to_owned();
    if ended.code == 0 && serving.codes != wanted.codes {
        wrong.push(format!("the second says done, and {serving:?} serves"));
    }
    let seen = !status["drift"].is_null() || !status["unfinished"].is_null();
    if serving.deployment != deployment && !seen {
        wrong.push(format!("stage serves {}, the ledger says {deployment}, and nobody sees it", serving.deployment));
    }
    if serving.deployment != deployment && status["unfinished"].is_null() {
        // As the message says: by hand.
        let patch = json!({"patchOperations": [
            {"op": "replace", "path": "/deploymentId", "value": deployment},
            {"op": "replace", "path": "/variables/deployment", "value": deployment},
        ]});
        stack().behind("dev", "PATCH", &format!("/restapis/{}/stages/dev", stack().api("dev")), None, &patch);
    }
    if !status["lock"].is_null() {
        wrong.push(format!("both have ended, and the lock is held: {}", status["lock"]));
        stack().checkout.deployer("unlock dev --force").expect(0);
    }
    let next = again(&front(), &[], wanted).end();
    if next.code != 0 {
        wrong.push(format!("the next run ended with {}: {}", next.code, next.stderr));
    }
    let (serving, status) = (Serving::of("dev"), stack().status("dev"));
    if serving.codes != wanted.codes || !serving.is_whole() {
        wrong.push(format!("after the next run {serving:?} serves instead of {:?}", wanted.codes));
    }
    for what in ["lock", "unfinished", "drift"] {
        if !status[what].is_null() {
            wrong.push(format!("{what} after the next run: {}", status[what]));
        }
    }
    for (name, code) in functions("dev").iter().zip(&wanted.codes) {
        let same = versions("dev", name).iter().filter(|version| version["CodeSha256"] == code.as_str()).count();
        if same != 1 {
            wrong.push(format!("{same} versions of {name} have the code of the second"));
        }
    }
    wrong
}
