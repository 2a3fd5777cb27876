//! Commands, run by their arguments against one simulated AWS.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine as _;
use clap::Parser as _;
use deployer::cli::Cli;
use deployer::config::ProcessEnvironment;
use deployer::ending::Ending as _;
use deployer::interrupt::Interrupt;
use deployer::report::Report;
use deployer::world::World;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use crate::application::{Behavior, NOTHING_YET};
use crate::aws::http_api::HttpApis;
use crate::aws::lambda::Pull;
use crate::aws::wire::Request;
use crate::aws::{Account, Aws};
use crate::cases;
use crate::output;
use crate::outside::{Run, Sent, Simulated};
use crate::printed;
use crate::scale::cost;
use crate::schedule::Schedule;
use crate::stack::{ENVIRONMENTS, Shape, Trigger, attributes, image, ledger, url_id};

/// The interval of visits.
const VISITS_EVERY: Duration = Duration::from_millis(100);
/// While nothing changes, one in this number of visits is made.
const QUIET_VISITS: usize = 50;

/// The event of checks for functions without an API.
const EVENT: &str = r#"{"requestContext": {"resourceId": "check"}}"#;

/// One simulated world, in which commands run.
pub(crate) struct Simulation {
    pub(crate) shape: Shape,
    pub(crate) aws: Arc<Mutex<Aws>>,
    began: Instant,
    folder: tempfile::TempDir,
    packages: Cell<usize>,
    runs: RefCell<Vec<Arc<Run>>>,
    programs: bool,
}

/// A world at rest, from which any number of simulations start.
#[derive(Clone)]
pub(crate) struct Snapshot {
    shape: Shape,
    aws: Aws,
    packages: usize,
    /// Whether runs may start programs: git.
    programs: bool,
}

/// A build's packages.
#[derive(Debug, Clone)]
pub(crate) struct Artifact {
    pub(crate) folder: PathBuf,
    /// The digests of the packages, by function.
    pub(crate) codes: BTreeMap<String, String>,
}

/// A run that has not begun.
pub(crate) struct Prepared {
    pub(crate) run: Arc<Run>,
    interrupt: Interrupt,
    arguments: Vec<String>,
}

/// How a run ended.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    /// The exit code; none if the run was killed.
    pub(crate) code: Option<u8>,
    /// What it printed.
    pub(crate) words: String,
}

impl Ended {
    /// The result that it printed last, as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let lines: Vec<&str> = self.words.lines().skip_while(|line| *line != "{").collect();
        // After an error's document its words come.
        let end = lines.iter().position(|line| *line == "}").map_or(lines.len(), |end| end + 1);
        serde_json::from_str(&lines[..end].join("\n")).unwrap_or_else(|error| panic!("{error}: {}", self.words))
    }
}

impl Snapshot {
    pub(crate) fn new(shape: Shape, seed: u64) -> Self {
        Self { shape, aws: shape.aws(seed), packages: 0, programs: false }
    }

    /// A world as it was recorded, after this many builds.
    pub(crate) fn of(shape: Shape, aws: Aws, packages: usize) -> Self {
        Self { shape, aws, packages, programs: false }
    }

    /// The world after what `steps` did in it.
    pub(crate) fn after(self, steps: impl AsyncFnOnce(&Simulation) + Send) -> Self {
        self.simulate(async |simulation| {
            steps(simulation).await;
            // All changes have propagated.
            tokio::time::sleep(Duration::from_secs(120)).await;
            let mut aws = simulation.aws.lock().unwrap().clone();
            aws.moment.now = simulation.began.elapsed();
            let programs = simulation.programs;
            Self { shape: simulation.shape, aws, packages: simulation.packages.get(), programs }
        })
    }

    /// The number of functions in its stack.
    pub(crate) fn functions(&self) -> usize {
        self.shape.functions
    }

    /// The same, with fewer releases kept from now on.
    pub(crate) fn keeping(self, keeps: usize) -> Self {
        Self { shape: self.shape.keeping(keeps), ..self }
    }

    /// The same, whose runs may start programs. Time goes on for these: a program that is waited for is late.
    pub(crate) fn with_programs(self) -> Self {
        Self { programs: true, ..self }
    }

    /// The same world with another random seed.
    pub(crate) fn seeded(mut self, seed: u64) -> Self {
        // Never that of the earlier steps: a token that was used before would not be accepted again.
        self.aws.moment.chance = fastrand::Rng::with_seed(!seed);
        self
    }

    /// Runs a case in the world, in virtual time: on a thread of its own, because futures that were not optimised need
    /// more of a stack than a test's thread has.
    pub(crate) fn simulate<T: Send>(self, case: impl AsyncFnOnce(&Simulation) -> T + Send) -> T {
        let test = std::thread::current().name().unwrap_or_default().to_owned();
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name(test).stack_size(cases::STACK);
            let thread = thread.spawn_scoped(scope, || self.run(case));
            thread.unwrap().join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// The same on this thread, whose stack must be big enough.
    pub(crate) fn run<T>(self, case: impl AsyncFnOnce(&Simulation) -> T) -> T {
        // The SDK's jitter comes from here.
        fastrand::seed(self.aws.moment.chance.clone().u64(..));
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_time().start_paused(true);
        if self.programs {
            builder.enable_io();
        }
        let runtime = builder.build().unwrap();
        runtime.block_on(async {
            let began = Instant::now();
            tokio::time::advance(self.aws.moment.now).await;
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("deployer.toml"), self.shape.configuration()).unwrap();
            std::fs::write(folder.path().join("event.json"), EVENT).unwrap();
            let packages = Cell::new(self.packages);
            let simulation = Simulation {
                shape: self.shape,
                aws: Arc::new(Mutex::new(self.aws)),
                began,
                folder,
                packages,
                runs: RefCell::default(),
                programs: self.programs,
            };
            case(&simulation).await
        })
    }
}

impl Simulation {
    /// Since the world began.
    pub(crate) fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// The number of builds so far.
    pub(crate) fn packages(&self) -> usize {
        self.packages.get()
    }

    /// AWS, brought to this moment.
    pub(crate) fn aws(&self) -> MutexGuard<'_, Aws> {
        let mut aws = self.aws.lock().unwrap();
        aws.moment.now = self.now();
        let Aws { accounts, moment, .. } = &mut *aws;
        for account in accounts.values_mut() {
            account.lambda.elapse_all(moment);
        }
        aws
    }

    /// Looks at, or changes, an environment's account.
    pub(crate) fn account<T>(&self, environment: &str, look: impl FnOnce(&mut Account) -> T) -> T {
        let mut aws = self.aws();
        look(aws.accounts.get_mut(account_of(environment)).unwrap())
    }

    /// New packages, whose code behaves like this.
    pub(crate) fn artifact(&self, behavior: Behavior) -> Artifact {
        self.artifact_of(behavior, 0)
    }

    /// The same, with a minimum size in bytes for each.
    pub(crate) fn artifact_of(&self, behavior: Behavior, size: usize) -> Artifact {
        let number = self.packages.get() + 1;
        self.packages.set(number);
        let folder = self.folder.path().join(format!("artifact-{number}"));
        std::fs::create_dir(&folder).unwrap();
        let (mut codes, mut functions) = (BTreeMap::new(), serde_json::Map::new());
        for key in self.shape.keys() {
            let mut package = format!("{key}, build {number}");
            package.push_str(&" ".repeat(size));
            let mut packed = json!({"source_hash": format!("{key}{number}"), "architecture": "arm64"});
            let sha256 = match self.shape.is_image(&key) {
                true => {
                    let image = image(&key, package.as_bytes());
                    for account in self.aws.lock().unwrap().accounts.values_mut() {
                        account.lambda.push_image(&image, Pull::Allowed);
                    }
                    packed["image"] = json!(image);
                    image.rsplit(':').next().unwrap().to_owned()
                }
                false => {
                    let sha256 = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(&package));
                    std::fs::write(folder.join(format!("{key}.zip")), &package).unwrap();
                    packed["zip"] = json!(format!("{key}.zip"));
                    (packed["sha256"], packed["size"]) = (json!(sha256), json!(package.len()));
                    sha256
                }
            };
            functions.insert(key.clone(), packed);
            for account in self.aws.lock().unwrap().accounts.values_mut() {
                account.application.knows(&sha256, behavior);
            }
            codes.insert(key, sha256);
        }
        let manifest = json!({
            "schema": 2, "source_hash": format!("{number}"), "commit": null, "dirty": false, "functions": functions,
        });
        std::fs::write(folder.join("manifest.json"), manifest.to_string()).unwrap();
        Artifact { folder, codes }
    }

    /// The packages of an artifact, except that one function's code is new, and right.
    pub(crate) fn artifact_with_new(&self, key: &str, before: &Artifact) -> Artifact {
        let mut changed = self.artifact(Behavior::Right);
        let read = |artifact: &Artifact| -> Value {
            serde_json::from_slice(&std::fs::read(artifact.folder.join("manifest.json")).unwrap()).unwrap()
        };
        let (mut manifest, old) = (read(&changed), read(before));
        for other in self.shape.keys().filter(|other| other != key) {
            let zip = format!("{other}.zip");
            std::fs::copy(before.folder.join(&zip), changed.folder.join(&zip)).unwrap();
            manifest["functions"][&other] = old["functions"][&other].clone();
            changed.codes.insert(other.clone(), before.codes[&other].clone());
        }
        std::fs::write(changed.folder.join("manifest.json"), manifest.to_string()).unwrap();
        changed
    }

    /// Changes the API's definition.
    pub(crate) fn change_definition(&self, environment: &str) {
        let number = self.packages.get();
        self.account(environment, |account| {
            let api = account.api.only();
            account.api.change_definition(&api, |definition| {
                definition.binary_media_types = vec![format!("image/x-{number}")];
            });
        });
    }

    /// Changes `deployer.toml`.
    #[track_caller]
    pub(crate) fn configure(&self, from: &str, to: &str) {
        let file = self.folder.path().join("deployer.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "no `{from}`");
        std::fs::write(file, text.replace(from, to)).unwrap();
    }

    /// Replaces `deployer.toml`.
    pub(crate) fn reconfigure(&self, change: impl FnOnce(String) -> String) {
        let path = self.folder.path().join("deployer.toml");
        std::fs::write(&path, change(std::fs::read_to_string(&path).unwrap())).unwrap();
    }

    /// Writes a file of the project, or removes it.
    pub(crate) fn write(&self, name: &str, text: Option<&str>) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        match text {
            Some(text) => std::fs::write(path, text).unwrap(),
            None => drop(std::fs::remove_file(path)),
        }
    }

    /// A file of the project, if it is there.
    pub(crate) fn read(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.folder.path().join(name)).ok()
    }

    /// Puts an item into a ledger, behind the deployer's back.
    pub(crate) fn put(&self, environment: &str, item: &Value) {
        self.account(environment, |account| account.dynamodb.put(&ledger(environment), &attributes(item)["M"]));
    }

    /// Prepares a run of `deployer` with these arguments.
    pub(crate) fn prepare(&self, arguments: &str) -> Prepared {
        self.scheduled(arguments, None)
    }

    /// The same, with a schedule that admits its writes.
    pub(crate) fn scheduled(&self, arguments: &str, schedule: Option<(Arc<Schedule>, usize)>) -> Prepared {
        let to = arguments.split(' ').rfind(|word| ENVIRONMENTS.iter().any(|(name, _)| name == word));
        self.prepare_with(account_of(to.unwrap_or("dev")), arguments, schedule)
    }

    /// Prepares a run with this access key.
    pub(crate) fn prepare_with(
        &self,
        key: &str,
        arguments: &str,
        schedule: Option<(Arc<Schedule>, usize)>,
    ) -> Prepared {
        let (signals, interrupt) = Interrupt::by_hand();
        let run = Run::new(&self.aws, self.began, key, signals, schedule);
        self.runs.borrow_mut().push(Arc::clone(&run));
        let config = self.folder.path().join("deployer.toml");
        let first = ["deployer".to_owned(), "--config".to_owned(), config.display().to_string()];
        let arguments = first.into_iter().chain(arguments.split(' ').map(str::to_owned)).collect();
        Prepared { run, interrupt, arguments }
    }

    /// Runs a command to its end.
    pub(crate) async fn command(&self, arguments: &str) -> Ended {
        self.prepare(arguments).end().await
    }

    /// Runs a command to its end: how it ended, and its calls.
    pub(crate) async fn observed(&self, arguments: &str) -> (Ended, Vec<Sent>) {
        let prepared = self.prepare(arguments);
        let run = Arc::clone(&prepared.run);
        (prepared.end().await, run.calls())
    }

    /// The calls of all runs, in virtual time.
    pub(crate) fn timeline(&self) -> String {
        let mut calls = Vec::new();
        for (index, run) in self.runs.borrow().iter().enumerate() {
            calls.extend(run.calls().into_iter().enumerate().map(|(call, sent)| (sent.at, index + 1, call + 1, sent)));
        }
        calls.sort_by_key(|(at, run, call, _)| (*at, *run, *call));
        let line = |(at, run, call, sent): &(Duration, usize, usize, Sent)| {
            let status = sent.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
            let fault = sent.fault.map(|fault| format!("  {fault:?}")).unwrap_or_default();
            format!("{:>10.3} s  run {run}  call {call:>3}  {:<32} {status}{fault}\n", at.as_secs_f64(), sent.name)
        };
        calls.iter().map(line).collect()
    }

    /// Runs a command that must succeed.
    pub(crate) async fn done(&self, arguments: &str) -> Ended {
        let ended = self.command(arguments).await;
        assert_eq!(ended.code, Some(0), "{arguments}: {}", ended.words);
        ended
    }

    /// Runs a command that must end with this code before it writes anything.
    pub(crate) async fn refused(&self, arguments: &str, code: u8) -> Ended {
        let (ended, calls) = self.observed(arguments).await;
        assert_eq!(ended.code, Some(code), "{arguments}: {}", ended.words);
        assert!(ended.words.contains("hint: "), "{arguments}: {}", ended.words);
        let wrote = calls.iter().find(|call| call.writes());
        assert!(wrote.is_none(), "{arguments}: {wrote:?}");
        ended
    }

    /// Does something while visitors call every function of an environment. Returns its result, and the statuses other than 200
    /// that the visitors got.
    pub(crate) async fn under_visits<T>(&self, environment: &str, work: impl Future<Output = T>) -> (T, Vec<u16>) {
        let mut failed = Vec::new();
        let visitors = async {
            for visit in 0_usize.. {
                // While nothing changes, the next visitor gets the same response.
                if visit.is_multiple_of(QUIET_VISITS) || !self.is_quiet() {
                    let all = self.shape.keys().map(|key| self.visit(environment, &key));
                    failed.extend(all.filter(|status| *status != 200));
                }
                tokio::time::sleep(VISITS_EVERY).await;
            }
        };
        let ended = tokio::select! {
            biased;
            ended = work => ended,
            () = visitors => unreachable!("visitors never stop"),
        };
        (ended, failed)
    }

    /// Whether the last change has been propagated for a while.
    fn is_quiet(&self) -> bool {
        self.now() > self.aws.lock().unwrap().changed + Duration::from_secs(1)
    }

    /// A visitor's request. The status of the response.
    pub(crate) fn visit(&self, environment: &str, key: &str) -> u16 {
        let mut aws = self.aws.lock().unwrap();
        aws.moment.now = self.now();
        let account = &aws.accounts[account_of(environment)];
        let (host, path) = match self.shape.trigger {
            Trigger::Http => (HttpApis::host(account.http.only()), format!("/{key}")),
            Trigger::Url => (HttpApis::host_of_function(&url_id(key, environment)), format!("/{key}")),
            Trigger::Rest | Trigger::Unknown => (HttpApis::host(&account.api.only()), format!("/{environment}/{key}")),
        };
        let request = Request {
            method: "GET".to_owned(),
            host,
            path,
            query: Vec::new(),
            headers: BTreeMap::new(),
            body: Vec::new(),
        };
        let reply = aws.respond(&request).unwrap();
        // The placeholder before the first release responds as it should.
        if reply.body == NOTHING_YET.as_bytes() { 200 } else { reply.status }
    }
}

impl Prepared {
    /// Runs it to its end, or until it is killed.
    pub(crate) async fn end(self) -> Ended {
        let Self { run, interrupt, arguments } = self;
        let cli = Cli::try_parse_from(&arguments).unwrap();
        let world = World::new(Arc::new(Simulated(Arc::clone(&run))), interrupt);
        let (report, kept) = Report::kept(cli.global.output, &world);
        let report = report.with_verbosity(cli.global.verbosity());
        let work = deployer::run(cli, ProcessEnvironment::of([("USER", "ada")]), &world, &report);
        let code = tokio::select! {
            biased;
            () = run.killed.notified() => None,
            ended = run.while_awake(work) => Some(ended.unwrap_or_else(|error| {
                report.error(&error);
                error.exit()
            }) as u8),
        };
        let words = kept.lock().unwrap().clone();
        let mut wrong = printed::strange_commands(&words);
        // Not the deployer's work.
        wrong.extend(cost::of_aws(|| printed::secrets(&format!("{words}{}", run.stored()), run.token().as_deref())));
        if code.is_some() {
            wrong.extend(output::wrong_documents(&arguments, &words));
        }
        assert!(wrong.is_empty(), "{}: {words}", wrong.join(", "));
        Ended { code, words }
    }
}

pub(crate) fn account_of(environment: &str) -> &'static str {
    ENVIRONMENTS.iter().find(|(name, _)| *name == environment).map(|(_, account)| *account).unwrap()
}
