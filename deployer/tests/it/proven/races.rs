//! Two runs at once: races for the lock, in the library and with the real binary, with delays, lost requests and lost
//! replies. One run wins; the others change nothing and say who did.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use anyhow::Error;
use deployer::artifact::{pack, sha256};
use deployer::aws::Session;
use deployer::config::{Access, Config, Environment, LocalAccess, ProcessEnvironment};
use deployer::failure::{Exit, Failure};
use deployer::ledger::{Hold, Holder, Ledger, LedgerState, Release, ReleaseState};
use serde_json::{Value, json};

use crate::harness::{Ended, SENTENCE, all_cases};
use crate::strict::{Action, At, Call, Front};
use crate::{promises, stack};

/// The partition of these races, beside the app's own.
const APP: &str = "races";
const FUNCTION: &str = "/2015-03-31/functions/resume-visitor-counter-dev";

/// Chance that is repeated by its seed, which a failing trial names (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn pause(&mut self, most: u64) -> Duration {
        Duration::from_micros(self.below(most * 1000))
    }
}

/// A ledger through a front, with nothing in it but a contract.
struct Course {
    front: Front,
    ledger: Ledger,
    runtime: tokio::runtime::Runtime,
    chance: Chance,
    seed: u64,
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
        let access = Access::Local(LocalAccess { port: front.port, account: "111111111111".to_owned() });
        let environment = Environment { access, ..config.environment(Some("dev")).unwrap().clone() };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let ledger = Ledger::new(&runtime.block_on(Session::open(&environment)).table, APP);
        let seed = uuid::Uuid::new_v4().as_u64_pair().0;
        Self { front, ledger, runtime, chance: Chance(seed), seed }
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
    let fit = Failure::exit_of(error) == Exit::LockHeld && tells && Failure::hint_of(error).is_some();
    (!fit).then(|| format!("a loser was told ({:?}): {words}", Failure::exit_of(error)))
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
    broken.into_iter().map(|what| format!("round {number}, seed {}: {what}", course.seed)).collect()
}

pub(crate) fn of_runs_that_start_from_the_same_state_one_gets_the_lock_and_the_others_change_nothing() {
    let (rounds, mut course) = (if all_cases() { 20_000 } else { 1_000 }, Course::new());
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
    }
    broken.into_iter().map(|what| format!("takeover {number}, seed {}: {what}", course.seed)).collect()
}

pub(crate) fn of_a_run_that_wakes_and_those_that_take_its_lock_one_goes_on() {
    let (rounds, mut course) = (if all_cases() { 5_000 } else { 250 }, Course::new());
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

/// The base artifact with other bytes behind the counter's binary: another zip without a build.
pub(crate) fn artifact(number: usize) -> String {
    let root = &stack().checkout.root;
    let (base, folder) = (stack().checkout.artifact(SENTENCE), "artifact-raced".to_owned());
    let read = |file: &str| std::fs::read(root.join(&base).join(file)).unwrap();
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(read("counter.zip"))).unwrap();
    let mut binary = Vec::new();
    std::io::copy(&mut zip.by_index(0).unwrap(), &mut binary).unwrap();
    let mark = format!("race {number} {}", uuid::Uuid::new_v4());
    binary.extend(mark.as_bytes());
    let zip = pack(&binary).unwrap();
    let mut manifest: Value = serde_json::from_slice(&read("manifest.json")).unwrap();
    let function = &mut manifest["functions"]["counter"];
    (function["sha256"], function["size"]) = (json!(sha256(&zip)), json!(zip.len()));
    function["source_hash"] = json!(mark);
    manifest["source_hash"] = json!(mark);
    std::fs::create_dir_all(root.join(&folder)).unwrap();
    std::fs::write(root.join(&folder).join("counter.zip"), zip).unwrap();
    std::fs::write(root.join(&folder).join("preflight.zip"), read("preflight.zip")).unwrap();
    std::fs::write(root.join(&folder).join("manifest.json"), manifest.to_string()).unwrap();
    folder
}

fn versions() -> BTreeSet<String> {
    let all = stack().behind("dev", "GET", &format!("{FUNCTION}/versions?MaxItems=10000"), None, &Value::Null);
    all["Versions"].as_array().unwrap().iter().map(|version| version["Version"].to_string()).collect()
}

/// Some runs of the real binary at once, with the same artifact.
fn binaries(front: &Front, chance: &mut Chance, number: usize) -> Vec<String> {
    let (stack, artifact) = (stack(), artifact(number));
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
            stack.checkout.start_through(front, "dev", &[], &format!("deploy dev --artifact {artifact}"))
        })
        .collect();
    let ended: Vec<Ended> = started.into_iter().map(crate::harness::Running::end).collect();
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
    if (released, new, moved) != (1, 1, 1) {
        broken.push(format!("{released} releases, {new} versions, {moved} moves of an alias"));
    }
    let status = stack.status("dev");
    if !(status["lock"].is_null() && status["unfinished"].is_null() && status["drift"].is_null()) {
        broken.push(format!("left: {status}"));
    }
    broken.into_iter().map(|what| format!("round {number}: {what}")).collect()
}

pub(crate) fn of_deploys_of_the_same_artifact_at_once_one_makes_one_version_and_one_release() {
    let (rounds, front) = (if all_cases() { 240 } else { 12 }, Front::before(stack().checkout.port("dev")));
    let mut chance = Chance(uuid::Uuid::new_v4().as_u64_pair().0);
    let mut broken = Vec::new();
    for number in 0..rounds {
        broken.extend(binaries(&front, &mut chance, number));
    }
    let base = stack().checkout.artifact(SENTENCE);
    stack().released("dev", &base);
    promises::measured(
        "3-races-runs",
        "of deploys of the same artifact at once one makes one version, one release and one move; the others are refused or find nothing to do",
        "2 or 3 processes through one front that delays their reads and writes at random",
        rounds,
        &broken,
    );
}
