//! Several runs on one environment.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::application::Behavior;
use crate::cases::{self, PARTS, Share};
use crate::outside::{Run, Sent, Stale};
use crate::promises::measured;
use crate::schedule::Schedule;
use crate::simulation::{Ended, Prepared, Simulation, Snapshot};
use crate::stack::Shape;
use crate::verdict::{Serving, item, releases, unchecked};

/// Longer than a lease and the longest move together.
const CUT_OFF: Duration = Duration::from_secs(60);
/// How many seeds each of the random races has where not all of them are run.
const SEEDS: usize = 20;
/// How many seeds the random races have together.
const ALL_SEEDS: u64 = 10_000;

/// Commands that are run at the same time, by the environment that they all change.
#[derive(Debug, Clone, Copy)]
struct Race {
    name: &'static str,
    environment: &'static str,
    commands: &'static [&'static str],
}

/// What happens to the first run of a race.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mishap {
    None,
    /// From its k-th call on nothing gets through for a while; the call itself arrives late.
    CutOff(usize),
    /// When it makes its k-th call its machine falls asleep, for longer than its lease.
    Sleep(usize),
    /// The same when it first moves an alias, for so long.
    SleepAtMove(Duration),
}

const DEPLOY: &str = "deploy dev --artifact ARTIFACT";
const RACES: [Race; 3] = [
    Race { name: "deploy/deploy", environment: "dev", commands: &[DEPLOY, DEPLOY] },
    Race { name: "deploy/rollback", environment: "dev", commands: &[DEPLOY, "rollback dev --to 1"] },
    Race {
        name: "promote/deploy",
        environment: "prod",
        commands: &["promote dev prod --allow-definition-diff", "deploy prod --artifact ARTIFACT"],
    },
];
const THREE: Race = Race { name: "three runs", environment: "dev", commands: &[DEPLOY, "rollback dev --to 1", DEPLOY] };

fn released() -> Snapshot {
    Snapshot::new(Shape::of(2), 1).after(async |simulation| {
        for _ in 0..2 {
            simulation.change_definition("dev");
            let artifact = simulation.artifact(Behavior::Right);
            simulation.done(&format!("deploy dev --artifact {}", artifact.folder.display())).await;
        }
        simulation.done("promote dev prod --allow-definition-diff").await;
        let artifact = simulation.artifact(Behavior::Right);
        simulation.done(&format!("deploy dev --artifact {}", artifact.folder.display())).await;
        simulation.change_definition("dev");
        simulation.change_definition("prod");
    })
}

/// What a race came to.
struct Outcome {
    runs: Vec<Arc<Run>>,
    ended: Vec<Ended>,
    visits: Vec<u16>,
}

impl Outcome {
    /// Whether another run had already given the alias a new revision. In the moment between its taking of the lock and that, a
    /// late move still lands: what that run then reads of the aliases shows it.
    fn was_fenced_off(&self, run: &Arc<Run>, stale: &Stale) -> bool {
        let others = self.runs.iter().filter(|other| !Arc::ptr_eq(other, run));
        let mut calls = others.flat_map(|other| other.calls());
        calls.any(|call| {
            let moved = call.line == stale.line && call.status == Some(200);
            moved && call.ended.is_some_and(|ended| ended < stale.at)
        })
    }
}

impl Race {
    /// Prepares the runs, each with its own packages.
    fn prepare(self, simulation: &Simulation, schedule: &Arc<Schedule>) -> Vec<Prepared> {
        let prepare = |(index, command): (usize, &&str)| {
            let artifact = simulation.artifact(Behavior::Right);
            let command = command.replace("ARTIFACT", &artifact.folder.display().to_string());
            simulation.scheduled(&command, Some((Arc::clone(schedule), index)))
        };
        self.commands.iter().enumerate().map(prepare).collect()
    }

    /// Runs them: the writes in the order of the schedule, and every run but the first after a pause of its own.
    async fn run(
        self,
        simulation: &Simulation,
        schedule: Arc<Schedule>,
        mishap: Mishap,
        pauses: &[Duration],
    ) -> Outcome {
        let prepared = self.prepare(simulation, &schedule);
        let runs: Vec<_> = prepared.iter().map(|prepared| Arc::clone(&prepared.run)).collect();
        match mishap {
            Mishap::None => {}
            Mishap::CutOff(k) => runs[0].cut_off(k, CUT_OFF),
            Mishap::Sleep(k) => runs[0].sleep(k, CUT_OFF),
            Mishap::SleepAtMove(time) => runs[0].sleep_at("UpdateAlias", time),
        }
        let work = prepared.into_iter().enumerate().map(async |(index, prepared)| {
            tokio::time::sleep(pauses.get(index).copied().unwrap_or_default()).await;
            let ended = prepared.end().await;
            schedule.ends(index);
            ended
        });
        let all = async {
            tokio::select! {
                biased;
                ended = futures::future::join_all(work) => ended,
                () = schedule.direct() => unreachable!("it goes on for ever"),
            }
        };
        let (ended, visits) = simulation.under_visits(self.environment, all).await;
        Outcome { runs, ended, visits }
    }

    /// Once what was late has arrived, the next run ends what was left, or says that the stage is not where it was.
    async fn run_again(self, simulation: &Simulation, outcome: &mut Outcome) {
        tokio::time::sleep(CUT_OFF).await;
        let artifact = simulation.artifact(Behavior::Right);
        let command = self.commands[0].replace("ARTIFACT", &artifact.folder.display().to_string());
        outcome.ended.push(simulation.command(&command).await);
    }

    /// What is wrong afterwards.
    fn wrong(self, simulation: &Simulation, outcome: &Outcome, mishap: Mishap) -> Vec<String> {
        let (serving, mut wrong) = (Serving::of(simulation, self.environment), Vec::new());
        let live = &item(simulation, self.environment, "live")["release"];
        wrong.extend(won_twice(&releases(simulation, self.environment)));
        match outcome.ended.last() {
            _ if mishap == Mishap::None => wrong.extend(losers(outcome)),
            Some(last) if last.code != Some(0) && !is_seen(outcome) => {
                wrong.push(format!("the run after them ended with {:?}", last.code));
            }
            _ => {}
        }
        for (run, ended) in outcome.runs.iter().zip(&outcome.ended) {
            let stale = run.stale();
            if let Some(call) = run.calls().iter().find(|call| !run.had_the_lock() && call.has_written()) {
                wrong.push(format!("a run without the lock made {}", call.name));
            }
            // One whose response never arrived has no status.
            if let Some(stale) = stale.first().filter(|_| !run.had_the_lock()) {
                wrong.push(format!("a run without the lock made {}", stale.name));
            }
            if stale.iter().any(|stale| stale.name == "UpdateAlias" && outcome.was_fenced_off(run, stale)) {
                wrong.push("a stale move of an alias".to_owned());
            }
            if stale.iter().any(|stale| stale.name == "UpdateStage")
                && !is_seen(outcome)
                && live["parts"]["deployment"] != *serving.deployment
            {
                wrong.push("a stale move of the stage that nobody saw".to_owned());
            }
            if ended.code.is_some_and(|code| code != 0) && !ended.words.contains("hint: ") {
                wrong.push("the error has no hint".to_owned());
            }
        }
        let is_live = |(key, version): (&String, &String)| live["parts"]["functions"][key]["version"] == **version;
        let agrees = serving.versions.iter().all(is_live) && serving.whole;
        if !agrees && !is_seen(outcome) {
            wrong.push(format!("{serving:?}, and the ledger says {}", live["parts"]));
        }
        wrong.extend(unchecked(simulation, self.environment));
        wrong.extend(outcome.visits.iter().map(|status| format!("a visit got {status}")));
        wrong
    }

    /// What is wrong with a race, and the next order of its writes if there is one.
    fn checked(self, world: &Snapshot, given: &Given<'_>) -> (Vec<String>, Option<Vec<usize>>) {
        world.clone().seeded(given.seed).run(async |simulation| {
            let schedule = Arc::new(Schedule::new(self.commands.len(), given.order, given.chance.clone()));
            let mut outcome = self.run(simulation, Arc::clone(&schedule), given.mishap, &given.pauses).await;
            if given.mishap != Mishap::None {
                self.run_again(simulation, &mut outcome).await;
            }
            let mut wrong = self.wrong(simulation, &outcome, given.mishap);
            if !wrong.is_empty() || cases::only().is_some() {
                let said = outcome.ended.iter().map(|ended| format!("exit {:?}: {}", ended.code, ended.words));
                let said = said.collect::<Vec<_>>().join("\n--\n");
                let text = format!("{}, {given:?}\n{said}\n{}", self.name, simulation.timeline());
                match cases::only() {
                    Some(_) => println!("{text}"),
                    None => wrong.push(text),
                }
            }
            (wrong, schedule.next_order())
        })
    }
}

/// One case of a race.
#[derive(Debug)]
struct Given<'a> {
    seed: u64,
    order: &'a [usize],
    chance: Option<fastrand::Rng>,
    mishap: Mishap,
    pauses: Vec<Duration>,
}

/// Two releases that took the traffic from the same one.
pub(crate) fn won_twice(history: &[Value]) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let won = history.iter().filter(|release| matches!(release["state"].as_str(), Some("live" | "superseded")));
    let twice = won.filter(|release| !taken.insert(release["previous"].as_u64()));
    twice.map(|release| format!("release {} won, as another one had: a double win", release["number"])).collect()
}

/// What is wrong with those that lost: each has its own exit code, says who has the lock, and has changed nothing.
fn losers(outcome: &Outcome) -> Vec<String> {
    let mut wrong = Vec::new();
    if outcome.ended.iter().all(|ended| ended.code != Some(0)) {
        wrong.push("nobody won".to_owned());
    }
    for (run, ended) in outcome.runs.iter().zip(&outcome.ended) {
        match ended.code {
            Some(0) => {}
            Some(5) if ended.words.contains("has the lock of") || ended.words.contains("took the lock of") => {}
            // It read while the winner moved.
            Some(4) if !run.had_the_lock() => {}
            other => wrong.push(format!("a loser ended with {other:?}")),
        }
    }
    wrong
}

/// Whether some run said something of the stage.
fn is_seen(outcome: &Outcome) -> bool {
    outcome.ended.iter().any(|ended| ended.code != Some(0) && ended.words.contains("stage"))
}

/// The calls that the first command of a race makes by itself.
fn calls(race: Race, world: &Snapshot) -> Vec<Sent> {
    world.clone().simulate(async |simulation| {
        let alone = Race { commands: &race.commands[..1], ..race };
        let schedule = Arc::new(Schedule::new(1, &[], None));
        let outcome = alone.run(simulation, schedule, Mishap::None, &[]).await;
        outcome.runs[0].calls()
    })
}

/// All orders of the writes of two runs, of which the second one begins this much later.
fn all_orders(race: Race, world: &Snapshot, pause: Duration) -> (usize, Vec<String>) {
    let (mut orders, mut wrong, mut next) = (0, Vec::new(), Some(Vec::new()));
    while let Some(order) = next {
        let pauses = vec![Duration::ZERO, pause];
        let given = Given { seed: 1, order: &order, chance: None, mishap: Mishap::None, pauses };
        let (found, following) = race.checked(world, &given);
        (orders, next) = (orders + 1, following);
        wrong.extend(found);
    }
    (orders, wrong)
}

#[test]
fn in_every_order_of_the_writes_of_two_runs_one_wins_and_the_other_changes_nothing() {
    let world = released();
    for race in RACES {
        let began = Instant::now();
        let pauses: Vec<u64> = (0..if cases::all() { 40 } else { 8 }).collect();
        let orders = std::sync::atomic::AtomicUsize::new(0);
        let results = cases::each(&pauses, |pause| {
            let (tried, wrong) = all_orders(race, &world, Duration::from_millis(200 * pause));
            orders.fetch_add(tried, std::sync::atomic::Ordering::Relaxed);
            wrong
        });
        let how = format!("all orders of writes, the second run begins at each of {} moments", pauses.len());
        reported(race.name, &how, orders.into_inner(), &results, began);
    }
}

/// Random cases of a race: `SEED` names the only one.
fn random(race: Race, how: &str, share: u64, given: impl Fn(u64, &mut fastrand::Rng) -> Given<'static> + Sync) {
    let (world, began) = (released(), Instant::now());
    let all = 0..ALL_SEEDS * share / 10;
    let seeds: Vec<u64> = match (cases::only(), cases::share()) {
        (Some(seed), _) => vec![seed],
        (None, Share::Fixed) => all.take(SEEDS).collect(),
        (None, Share::Part(first)) => all.skip(first).step_by(PARTS).collect(),
        (None, Share::Two | Share::All) => all.collect(),
    };
    let results =
        cases::each(&seeds, |seed| race.checked(&world, &given(*seed, &mut fastrand::Rng::with_seed(*seed))).0);
    reported(race.name, how, seeds.len(), &results, began);
}

fn reported(name: &str, how: &str, tried: usize, results: &[Vec<String>], began: Instant) {
    let broken = results.iter().filter(|wrong| !wrong.is_empty()).count();
    for wrong in results.iter().filter(|wrong| !wrong.is_empty()).take(3) {
        println!("== {}", wrong.join("\n"));
    }
    if cases::only().is_none() {
        let how = format!("{how}: double wins, stale alias moves, unseen stale stage moves");
        measured(&format!("race, {name}"), &how, tried, broken, began);
    }
    assert_eq!(broken, 0, "{name}: replay one with SEED=n");
}

/// Pauses of up to three seconds for every run but the first.
fn pauses(race: Race, chance: &mut fastrand::Rng) -> Vec<Duration> {
    let pause = |index| Duration::from_millis(if index == 0 { 0 } else { chance.u64(0..3_000) });
    (0..race.commands.len()).map(pause).collect()
}

#[test]
fn of_three_runs_in_any_order_one_wins_at_a_time() {
    random(THREE, "random orders of writes", 4, |seed, chance| Given {
        seed,
        order: &[],
        pauses: pauses(THREE, chance),
        chance: Some(chance.fork()),
        mishap: Mishap::None,
    });
}

/// A race whose first run meets a mishap at any of its calls, at writes most often; the second one comes when that has begun.
fn with_mishap(name: &'static str, how: &str, mishap: fn(usize) -> Mishap) {
    let race = Race { name, ..RACES[0] };
    let calls = calls(race, &released());
    let writes: Vec<usize> = (1..=calls.len()).filter(|k| calls[k - 1].writes()).collect();
    random(race, how, 3, |seed, chance| {
        let call = if chance.bool() { writes[chance.usize(..writes.len())] } else { chance.usize(1..=calls.len()) };
        let pauses = vec![Duration::ZERO, Duration::from_millis(chance.u64(0..20_000))];
        Given { seed, order: &[], chance: Some(chance.fork()), mishap: mishap(call), pauses }
    });
}

#[test]
fn a_holder_that_was_cut_off_makes_no_stale_move_whatever_it_was_doing() {
    with_mishap("takeover", "the first run cut off at any call, its move in flight", Mishap::CutOff);
}

#[test]
fn a_holder_that_slept_past_its_lease_makes_no_stale_move_whatever_it_was_doing() {
    with_mishap("sleeping holder", "the first run asleep past its lease at any call", Mishap::Sleep);
}

/// The second run takes the lock over, and moves the same aliases soon after: the first one wakes at every moment of that.
#[test]
fn a_holder_that_wakes_during_a_takeover_moves_nothing() {
    let (world, race, began) = (released(), Race { name: "woken holder", ..RACES[0] }, Instant::now());
    let wakes: Vec<u64> = (0..60).collect();
    let results = cases::each(&wakes, |wakes| {
        let mishap = Mishap::SleepAtMove(Duration::from_secs(30) + Duration::from_millis(250 * wakes));
        // It begins when the first run is asleep: it sees no heartbeat.
        let pauses = vec![Duration::ZERO, Duration::from_secs(10)];
        race.checked(&world, &Given { seed: *wakes, order: &[], chance: None, mishap, pauses }).0
    });
    reported(race.name, "asleep at its first move of an alias, for 30 to 45 s", wakes.len(), &results, began);
}
