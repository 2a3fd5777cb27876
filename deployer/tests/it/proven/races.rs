//! Two runs at once: races for the lock in the library, with delays, lost requests and lost replies. One run wins; the
//! others change nothing and say who did.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Error;
use deployer::aws::Session;
use deployer::config::{Access, Config, Environment, LocalAccess, ProcessEnvironment};
use deployer::ending::Ending as _;
use deployer::failure::Exit;
use deployer::ledger::{Hold, Holder, Ledger, LedgerState, Release, ReleaseState};
use serde_json::json;

use crate::harness::all_cases;
use crate::strict::{Action, At, Chance, Front};
use crate::{promises, stack};

/// The partition of these races, beside the app's own.
const APP: &str = "races";

/// A ledger through a front, with nothing in it but a contract.
struct Course {
    front: Front,
    ledger: Ledger,
    runtime: tokio::runtime::Runtime,
    chance: Chance,
}

impl Course {
    fn new() -> Self {
        let stack = stack();
        let front = Front::before(stack.checkout.port("dev"));
        let mut contract = stack.ledger_item("dev", "stack");
        contract["pk"] = json!({"S": APP});
        stack.put_ledger_item("dev", &contract);
        let text = stack.checkout.read("deployer.toml");
        let config = Config::parse(&text, Path::new("deployer.toml"), true, ProcessEnvironment::default()).unwrap();
        let access = Access::Local(LocalAccess {
            port: front.port,
            account: "111111111111".to_owned(),
            credentials: stack.checkout.credentials("dev"),
        });
        let environment = Environment { access, ..config.environment(Some("dev")).unwrap().clone() };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let ledger =
            Ledger::new(&runtime.block_on(Session::open(&environment, &deployer::world::World::real())).table, APP);
        Self { front, ledger, runtime, chance: Chance::any() }
    }

    fn read(&self) -> LedgerState {
        self.runtime.block_on(self.ledger.read()).unwrap()
    }

    /// Late requests, and now and then one that is lost, or whose reply is.
    fn weather(&mut self) {
        self.front.behave();
        let name = "TransactWriteItems";
        for nth in 1..=3 {
            self.front.on(At::nth(name, nth), Action::Delay(self.chance.pause(6)));
        }
        let nth = 1 + usize::try_from(self.chance.below(3)).unwrap();
        match self.chance.below(20) {
            0 => drop(self.front.on(At::nth(name, nth), Action::LoseReply)),
            1 => drop(self.front.on(At::nth(name, nth), Action::LoseRequest)),
            2 => drop(self.front.on(At::nth("GetItem", nth), Action::LoseReply)),
            _ => {}
        }
    }
}

fn holder(id: &str) -> Holder {
    Holder {
        id: id.to_owned(),
        actor: id.to_owned(),
        run_url: None,
        command: "deploy dev".to_owned(),
        since: "2026-01-01T00:00:00Z".to_owned(),
        // Its heart does not beat while a round lasts.
        lease_seconds: 300,
    }
}

fn intent(actor: &str) -> Release {
    let parts = json!({"functions": {}, "deployment": "d"});
    serde_json::from_value(json!({
        "number": 0, "kind": "deploy", "state": "pending", "parts": parts, "previous_parts": parts, "previous": 0,
        "artifact": {"source_hash": "s", "functions": {}}, "definition": "x", "actor": actor, "started_at": "now",
        "fence": 0,
    }))
    .unwrap()
}

/// Why what a loser was told is not what it should be told.
fn wrong_words(error: &Error, winners: &[String]) -> Option<String> {
    let words = format!("{error:#}");
    // Once the winner has ended, nobody holds it: then who it was stands in the ledger only.
    let tells = words.contains("another run was quicker") || winners.iter().any(|winner| words.contains(winner));
    let fit = error.exit() == Exit::LockHeld && tells && error.hint().is_some();
    (!fit).then(|| format!("a loser was told ({:?}): {words}", error.exit()))
}

/// One begins, writes, and ends; it waits so long before and in between.
async fn run(ledger: Ledger, seen: LedgerState, id: String, pauses: [Duration; 2]) -> (String, Result<Release, Error>) {
    tokio::time::sleep(pauses[0]).await;
    let mut release = intent(&id);
    let raced = async {
        let hold = ledger.begin(&seen, holder(&id), &mut release).await?;
        release.state = ReleaseState::Shifting;
        hold.progress(&release).await?;
        tokio::time::sleep(pauses[1]).await;
        release.state = ReleaseState::Live;
        hold.end(&release, seen.live.as_ref()).await
    };
    let raced = raced.await;
    (id, raced.map(|()| release))
}

/// A round: some start from the same state, and what they did is held to what is there afterwards.
fn round(course: &mut Course, number: usize, winners: &mut BTreeMap<u32, String>) -> Vec<String> {
    course.weather();
    let before = course.read();
    let runners = 2 + course.chance.below(3);
    let raced: Vec<_> = (0..runners)
        .map(|runner| {
            let pauses = [course.chance.pause(4), course.chance.pause(3)];
            let id = format!("run-{number}-{runner}");
            course.runtime.spawn(run(course.ledger.clone(), before.clone(), id, pauses))
        })
        .collect();
    let ended: Vec<_> = raced.into_iter().map(|task| course.runtime.block_on(task).unwrap()).collect();
    course.front.behave();
    let after = course.read();
    let (won, lost): (Vec<_>, Vec<_>) = ended.into_iter().partition(|(_, ended)| ended.is_ok());
    let names: Vec<String> = won.iter().map(|(id, _)| id.clone()).collect();
    let mut broken: Vec<String> =
        lost.iter().filter_map(|(_, lost)| wrong_words(lost.as_ref().unwrap_err(), &names)).collect();
    if names.len() != 1 {
        broken.push(format!("{} won: {names:?}", names.len()));
    }
    let (lock, last) = (&after.lock, after.last.as_ref());
    if lock.fence != before.lock.fence + 1 || lock.holder.is_some() {
        broken.push(format!("the lock went from {:?} to {lock:?}", before.lock));
    }
    if after.last_number() != before.last_number() + 1 || last.map(|last| &last.actor) != names.first() {
        broken.push(format!(
            "after release {} came {:?}",
            before.last_number(),
            last.map(|last| (last.number, &last.actor))
        ));
    }
    if after.live != after.last || last.is_none_or(|last| last.state != ReleaseState::Live) {
        broken.push("what won is not live".to_owned());
    }
    winners.extend(last.map(|last| (last.number, last.actor.clone())));
    broken.into_iter().map(|what| format!("round {number}, seed {}: {what}", course.chance.seed)).collect()
}

pub(crate) fn of_runs_that_start_from_the_same_state_one_gets_the_lock_and_the_others_change_nothing() {
    let (rounds, mut course) = (if all_cases() { 20_000 } else { 150 }, Course::new());
    let (first, mut winners, mut broken) = (course.read().last_number(), BTreeMap::new(), Vec::new());
    for number in 0..rounds {
        broken.extend(round(&mut course, number, &mut winners));
        if number % 100 == 0 {
            course.front.take();
        }
    }
    // Whatever a loser may have written anywhere would be among them.
    let history = course.runtime.block_on(course.ledger.history()).unwrap();
    let known: Vec<_> = history.iter().filter(|release| release.number > first).collect();
    if known.len() != rounds {
        broken.push(format!("{rounds} rounds left {} releases", known.len()));
    }
    let odd = known.iter().filter(|release| winners.get(&release.number) != Some(&release.actor));
    broken.extend(odd.map(|release| format!("release {} is of {}", release.number, release.actor)));
    let superseded = known.iter().filter(|release| release.state == ReleaseState::Superseded).count();
    if superseded + 1 != rounds {
        broken.push(format!("{superseded} of {rounds} releases are superseded"));
    }
    promises::measured(
        "3-races-locks",
        "of runs that start from the same state one gets the lock; the others change nothing and name who has it",
        "2 to 4 at once begin, write and end in one ledger, with random delays, lost requests and lost replies",
        rounds,
        &broken,
    );
}

/// A run that was taken for dead writes again, just when others take its lock.
fn takeover(course: &mut Course, number: usize) -> Vec<String> {
    let before = course.read();
    let mut release = intent(&format!("dead-{number}"));
    let begun = course.ledger.begin(&before, holder(&release.actor), &mut release);
    let dead: Hold = course.runtime.block_on(begun).unwrap();
    let seen = course.read();
    course.weather();
    let takers = 1 + course.chance.below(2);
    let (takers, pauses): (Vec<String>, Vec<_>) =
        (0..takers).map(|taker| (format!("taker-{number}-{taker}"), course.chance.pause(4))).unzip();
    let wakes = course.chance.pause(4);
    let (alive, seized) = course.runtime.block_on(async {
        let revived = async {
            tokio::time::sleep(wakes).await;
            dead.progress(&release).await
        };
        let taken = takers.iter().zip(&pauses).map(|(id, pause)| {
            let (ledger, seen) = (&course.ledger, &seen);
            async move {
                tokio::time::sleep(*pause).await;
                ledger.seize(seen, holder(id)).await
            }
        });
        tokio::join!(revived, futures::future::join_all(taken))
    });
    course.front.behave();
    let names: Vec<String> = [release.actor.clone()].into_iter().chain(takers).collect();
    let (mut won, mut broken) = (usize::from(alive.is_ok()), Vec::new());
    let mut last_hold = alive.is_ok().then_some(dead);
    broken.extend(alive.err().and_then(|error| wrong_words(&error, &names)));
    for seized in seized {
        match seized {
            Ok(hold) => (won, last_hold) = (won + 1, Some(hold)),
            Err(error) => broken.extend(wrong_words(&error, &names)),
        }
    }
    if won != 1 {
        broken.push(format!("{won} hold the lock"));
    }
    if let Some(hold) = last_hold {
        release.state = ReleaseState::Failed;
        broken.extend(course.runtime.block_on(hold.end(&release, None)).err().map(|error| format!("{error:#}")));
    }
    let after = course.read().lock;
    if after.holder.is_some() || !(1..=2).contains(&(after.fence - before.lock.fence)) {
        broken.push(format!("the lock went from {:?} to {after:?}", before.lock));
        // The next round begins with a free one.
        let _ = course.runtime.block_on(course.ledger.unlock(&after));
    }
    broken.into_iter().map(|what| format!("takeover {number}, seed {}: {what}", course.chance.seed)).collect()
}

pub(crate) fn of_a_run_that_wakes_and_those_that_take_its_lock_one_goes_on() {
    let (rounds, mut course) = (if all_cases() { 5_000 } else { 20 }, Course::new());
    let mut broken = Vec::new();
    for number in 0..rounds {
        broken.extend(takeover(&mut course, number));
        course.front.take();
    }
    promises::measured(
        "3-races-takeovers",
        "of a run that wakes after it was taken for dead and those that take its lock, one goes on; the others write nothing",
        "its next write and 1 or 2 takeovers at once, with random delays, lost requests and lost replies",
        rounds,
        &broken,
    );
}
