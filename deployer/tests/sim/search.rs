//! Random stories from a seed, for what the other cases do not list.
//!
//! A story is a stack, events in it, and runs with several faults. It is checked after every run, and at its end a run without
//! faults must succeed. A failing story is shrunk: every part that the failure does not need is removed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::application::Behavior;
use crate::aws::cloudwatch::State;
use crate::cases;
use crate::fault::{ALL, Fault};
use crate::promises::measured;
use crate::races::won_twice;
use crate::simulation::{Ended, Simulation, Snapshot};
use crate::stack::{ALARM, APP, Shape, attributes, function, ledger};
use crate::verdict::{Serving, holder, item, releases, unchecked};

/// The number of stories without `MINUTES`.
const STORIES: u64 = 60;
/// Longer than a lease and the longest move together.
const LONG: Duration = Duration::from_secs(60);

const TRAFFIC: [&str; 3] = [
    "strategy = \"all-at-once\"",
    "strategy = \"canary\"\npercent = 40\nbake_seconds = 180",
    "strategy = \"linear\"\nstep_percent = 50\ninterval_seconds = 180",
];
const COMMANDS: [&str; 13] = [
    "deploy dev --artifact ARTIFACT",
    "deploy dev --artifact ARTIFACT",
    "deploy dev --artifact ARTIFACT --adopt",
    "deploy dev --artifact ARTIFACT --at-once",
    "rollback dev --to previous",
    "rollback dev --to 1",
    "rollback dev --to 2",
    "rollback dev --to 2 --force",
    "rollback dev --to 3 --force --adopt",
    "prune dev --yes",
    "promote dev prod --allow-definition-diff",
    "promote dev prod --allow-definition-diff --adopt",
    "rollback prod --to previous",
];
const BEHAVIORS: [Behavior; 6] = [
    Behavior::Right,
    Behavior::Right,
    Behavior::Right,
    Behavior::WrongForVisitors,
    Behavior::CrashesForVisitors,
    Behavior::Wrong,
];

#[derive(Debug, Clone)]
struct Story {
    seed: u64,
    shape: Shape,
    lag: Duration,
    acts: Vec<Act>,
}

#[derive(Debug, Clone)]
enum Act {
    Run { command: &'static str, behavior: Behavior, faults: Vec<(usize, Fault)>, sleeps_at: Option<usize> },
    Change(Change),
}

/// Events outside the deployer.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Change {
    Definition,
    /// Infrastructure code changes a setting of a function.
    Memory,
    /// A version has not been invoked for weeks.
    Idle,
    /// An alias is moved to a version, with this number, behind the deployer's back.
    Alias(&'static str),
    Split,
    /// The environment's alarm is in ALARM for a while, from this time on.
    Alarm(Duration),
    /// An alias gets provisioned concurrency.
    Provisioned,
    /// Others write into the ledger's table.
    Foreign,
}

/// How long an alarm is in ALARM.
const ALARMED: Duration = Duration::from_secs(60);
/// Within this time after a change the alarm comes.
const ALARM_COMES: Duration = Duration::from_secs(300);

impl Change {
    fn drawn(chance: &mut fastrand::Rng) -> Self {
        match chance.u8(..10) {
            0..3 => Self::Definition,
            3 => Self::Memory,
            4 => Self::Idle,
            5 => Self::Alias("1"),
            6 => Self::Alias("$LATEST"),
            7 => Self::Alarm(Duration::from_secs(chance.u64(..ALARM_COMES.as_secs()))),
            8 => Self::Provisioned,
            _ => Self::Foreign,
        }
    }

    /// Whether it may fail a visitor's request, which the deployer cannot prevent.
    fn disturbs_visitors(self) -> bool {
        matches!(self, Self::Alias(_) | Self::Split)
    }

    fn happen(self, simulation: &Simulation) {
        let (moment, name) = (simulation.aws().moment.clone(), function("f1", "dev"));
        if self == Self::Definition {
            simulation.artifact(Behavior::Right);
            simulation.change_definition("dev");
        }
        simulation.account("dev", |account| match self {
            Self::Definition => {}
            Self::Memory => drop(account.lambda.configure(&moment, &name, |settings| settings.memory += 64)),
            Self::Idle => account.lambda.make_inactive(&name, "2"),
            Self::Alias(version) => account.lambda.move_alias(&moment, &name, "live", version),
            Self::Split => account.lambda.split_alias(&name, "live", ("1", 0.3)),
            Self::Alarm(after) => {
                account.alarms.set(ALARM, State::Alarm, moment.now + after);
                account.alarms.set(ALARM, State::Ok, moment.now + after + ALARMED);
            }
            Self::Provisioned => account.lambda.provision(&moment, &name, "live", 2),
            Self::Foreign => {
                for (pk, sk) in [("another-app", "live"), (APP, "audit#1"), (APP, "released"), (APP, "zzz")] {
                    let item = json!({"pk": pk, "sk": sk, "number": "not a number", "state": 1});
                    account.dynamodb.put(&ledger("dev"), &attributes(&item)["M"]);
                }
            }
        });
    }
}

impl Story {
    fn drawn(seed: u64) -> Self {
        let mut chance = fastrand::Rng::with_seed(seed);
        let shape = Shape::of(chance.usize(1..=4)).moving(TRAFFIC[chance.usize(..3)]).keeping(chance.usize(1..=4));
        let mut acts = Vec::new();
        if chance.u8(..10) == 0 {
            acts.push(Act::Change(if chance.bool() { Change::Alias("$LATEST") } else { Change::Split }));
        }
        for _ in 0..chance.usize(2..=6) {
            acts.push(match chance.u8(..3) {
                0 => Act::Change(Change::drawn(&mut chance)),
                _ => Act::drawn(&mut chance),
            });
        }
        let lag = Duration::from_millis(chance.u64(0..1_500));
        let shape = if chance.u8(..4) == 0 { shape.without_api() } else { shape };
        Self { seed, shape, lag, acts }
    }

    /// What is wrong with the story.
    fn checked(&self) -> Vec<String> {
        Snapshot::new(self.shape, 1).seeded(self.seed).run(async |simulation| {
            simulation.account("dev", |account| account.api.rules.read_lag = self.lag);
            let mut wrong = Vec::new();
            let mut calm = true;
            for act in &self.acts {
                match act {
                    Act::Change(change) => {
                        calm &= !change.disturbs_visitors();
                        change.happen(simulation);
                    }
                    Act::Run { command, behavior, .. } => {
                        calm &= *behavior == Behavior::Right;
                        let work = act.checked(simulation);
                        let (found, visits) = simulation.under_visits(environment_of(command), work).await;
                        wrong.extend(found);
                        if calm {
                            wrong.extend(visits.iter().map(|status| format!("a visit got {status}")));
                        }
                    }
                }
            }
            wrong.extend(ends_well(simulation).await);
            if self.acts.iter().any(|act| act.is_for("prod")) {
                wrong.extend(ends_well_in_prod(simulation).await);
            }
            if !wrong.is_empty() || cases::only().is_some() {
                wrong.push(format!("{self:#?}\n{}", simulation.timeline()));
            }
            wrong
        })
    }

    /// The smallest story that still fails.
    fn shrunk(mut self) -> Self {
        while let Some(smaller) = self.smaller().into_iter().find(|story| !cases::caught(|| story.checked()).is_empty())
        {
            self = smaller;
        }
        self
    }

    /// The stories with one part less.
    fn smaller(&self) -> Vec<Self> {
        let mut all = Vec::new();
        for index in 0..self.acts.len() {
            let mut acts = self.acts.clone();
            acts.remove(index);
            all.push(Self { acts, ..self.clone() });
            let Act::Run { faults, sleeps_at, .. } = &self.acts[index] else { continue };
            for fault in 0..faults.len() {
                let mut story = self.clone();
                if let Act::Run { faults, .. } = &mut story.acts[index] {
                    faults.remove(fault);
                }
                all.push(story);
            }
            if sleeps_at.is_some() {
                let mut story = self.clone();
                if let Act::Run { sleeps_at, .. } = &mut story.acts[index] {
                    *sleeps_at = None;
                }
                all.push(story);
            }
        }
        all
    }
}

impl Act {
    fn drawn(chance: &mut fastrand::Rng) -> Self {
        let faults = (0..chance.usize(0..=3)).map(|_| (chance.usize(1..120), ALL[chance.usize(..ALL.len())]));
        let faults = faults.collect();
        let sleeps_at = (chance.u8(..8) == 0).then(|| chance.usize(1..120));
        let command = COMMANDS[chance.usize(..COMMANDS.len())];
        Self::Run { command, behavior: BEHAVIORS[chance.usize(..BEHAVIORS.len())], faults, sleeps_at }
    }

    fn is_for(&self, environment: &str) -> bool {
        matches!(self, Self::Run { command, .. } if environment_of(command) == environment)
    }

    /// Runs it. Returns what is wrong afterwards.
    async fn checked(&self, simulation: &Simulation) -> Vec<String> {
        let Self::Run { command, behavior, faults, sleeps_at } = self else { return Vec::new() };
        let environment = environment_of(command);
        let before = (Serving::of(simulation, environment), holder(simulation, environment));
        let artifact = simulation.artifact(*behavior);
        let prepared = simulation.prepare(&command.replace("ARTIFACT", &artifact.folder.display().to_string()));
        let run = Arc::clone(&prepared.run);
        faults.iter().for_each(|(k, fault)| run.fault(*k, *fault));
        if let Some(k) = sleeps_at {
            run.sleep(*k, LONG);
        }
        let ended = prepared.end().await;
        let disturbed = faults.len() > 1 || sleeps_at.is_some();
        let mut wrong = checked((simulation, environment), &before, &ended, disturbed);
        wrong.extend(run.stale().iter().map(|stale| format!("a stale {}", stale.name)));
        wrong
    }
}

/// What is wrong after a run, given what was live and who had the lock before it.
fn checked(
    (simulation, environment): (&Simulation, &str),
    (before, locked_by): &(Serving, Value),
    ended: &Ended,
    disturbed: bool,
) -> Vec<String> {
    let (now, mut wrong) = (Serving::of(simulation, environment), Vec::new());
    let said = format!("exit {:?}: {}", ended.code, ended.words);
    match ended.code {
        None => {}
        Some(0 | 1 | 3 | 4 | 5 | 6) => {
            if now != *before && !is_recorded((simulation, environment), &now) {
                wrong.push(format!("what is live is neither what was live before nor what the ledger says; {said}"));
            }
        }
        Some(7) if disturbed => {}
        _ => wrong.push(said.clone()),
    }
    if ended.code.is_some_and(|code| code != 0) && !ended.words.contains("hint: ") {
        wrong.push(format!("the error has no hint; {said}"));
    }
    let holder = holder(simulation, environment);
    if !disturbed && ended.code.is_some_and(|code| code != 5) && holder.is_object() && holder != *locked_by {
        wrong.push(format!("the lock is not free; {said}"));
    }
    wrong.extend(won_twice(&releases(simulation, environment)));
    wrong.extend(unchecked(simulation, environment));
    wrong.extend(simulation.account(environment, |account| account.lambda.violations.clone()));
    wrong
}

/// The environment that a command changes: the last one that it names.
fn environment_of(command: &str) -> &'static str {
    if command.contains(" prod") { "prod" } else { "dev" }
}

/// Whether this is live according to the ledger, which is empty before the first release.
fn is_recorded((simulation, environment): (&Simulation, &str), now: &Serving) -> bool {
    let live = item(simulation, environment, "live");
    if live.is_null() {
        return now.whole;
    }
    let parts = &live["release"]["parts"];
    let mut versions = now.versions.iter();
    now.whole
        && (!simulation.shape.has_stage() || parts["deployment"] == *now.deployment)
        && versions.all(|(key, version)| parts["functions"][key]["version"] == **version)
}

/// A run without faults succeeds after everything that came before it; what cannot be adopted is first repaired by the test.
async fn ends_well(simulation: &Simulation) -> Vec<String> {
    let moment = simulation.aws().moment.clone();
    for key in simulation.shape.keys() {
        let name = function(&key, "dev");
        simulation.account("dev", |account| {
            let alias = account.lambda.alias(&name, "live").unwrap();
            if alias.version == "$LATEST" || (!alias.weights.is_empty() && account.lambda.versions(&name).len() == 1) {
                account.lambda.move_alias(&moment, &name, "live", "1");
            }
        });
    }
    // Until all changes have propagated, a dead run's lease is over, and the alarms have ended.
    tokio::time::sleep(LONG + ALARM_COMES + ALARMED).await;
    let artifact = simulation.artifact(Behavior::Right);
    let command = format!("deploy dev --artifact {} --adopt", artifact.folder.display());
    let ended = simulation.command(&command).await;
    let now = Serving::of(simulation, "dev");
    if ended.code == Some(0) && now.codes == artifact.codes && is_recorded((simulation, "dev"), &now) {
        return Vec::new();
    }
    vec![format!("a run without faults ended with {:?}: {}; {now:?}", ended.code, ended.words)]
}

/// Then what is live in dev is promoted.
async fn ends_well_in_prod(simulation: &Simulation) -> Vec<String> {
    let ended = simulation.command("promote dev prod --allow-definition-diff --adopt").await;
    let now = Serving::of(simulation, "prod");
    if ended.code == Some(0)
        && now.codes == Serving::of(simulation, "dev").codes
        && is_recorded((simulation, "prod"), &now)
    {
        return Vec::new();
    }
    vec![format!("a promotion without faults ended with {:?}: {}; {now:?}", ended.code, ended.words)]
}

#[test]
fn random_stories_keep_every_promise() {
    if let Some(seed) = cases::only() {
        let wrong = cases::each(&[seed], |seed| Story::drawn(*seed).checked()).concat();
        println!("{}", wrong.join("\n"));
        return assert!(wrong.len() <= 1, "seed {seed}");
    }
    let began = Instant::now();
    let minutes = cases::setting("MINUTES").map(|minutes| minutes.parse().expect("MINUTES is a number"));
    let time = Duration::from_secs(60 * minutes.unwrap_or(0));
    let first = cases::setting("FIRST").map_or(0, |first| first.parse().expect("FIRST is a number"));
    let (mut next, mut failed) = (first, Vec::new());
    while next == first || (began.elapsed() < time && failed.is_empty()) {
        let seeds: Vec<u64> = (next..next + STORIES).collect();
        let results = cases::each(&seeds, |seed| Story::drawn(*seed).checked());
        failed.extend(seeds.into_iter().zip(results).filter(|(_, wrong)| !wrong.is_empty()));
        next += STORIES;
    }
    for (seed, wrong) in failed.iter().take(3) {
        let least = cases::each(&[*seed], |seed| Story::drawn(*seed).shrunk().checked()).concat();
        println!("== seed {seed}: {}\nshrunk: {}", wrong[0], least.join("\n"));
        println!("replay: SEED={seed} cargo test --workspace --test sim -- --nocapture search");
    }
    let stories = usize::try_from(next - first).unwrap();
    measured("stories", "drawn from a seed each, several faults in a run", stories, failed.len(), began);
    assert!(failed.is_empty());
}
