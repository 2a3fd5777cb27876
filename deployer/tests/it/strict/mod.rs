//! The front: stands between the real binary and the emulator, keeps the rules that AWS keeps and the emulator does
//! not, sees and names every request, and breaks what a test wants broken.
//!
//! A request comes in ([`serve`]), gets its name ([`name`]) and its entry ([`call`]), meets the faults ([`fault`]), then
//! the rules ([`rules`]; the stage's URL: [`stage`]), which forward it. It never answers for the emulator what the
//! emulator answers right.

mod account;
mod answer;
mod call;
mod chance;
mod fault;
mod name;
mod privilege;
mod rules;
mod serve;
mod stage;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;

use account::Account;
use fault::Faults;
use rules::roles::{May, Role};

pub(crate) use call::{Call, depth};
pub(crate) use chance::Chance;
pub(crate) use fault::{Action, At, Held};
pub(crate) use privilege::{Guard, Need, Policy, Principal, trusts};

/// What can be set. The defaults are AWS's own figures, where AWS has any.
#[derive(Debug, Clone, Copy)]
struct Settings {
    pending: Duration,
    propagation: Duration,
    staleness: Duration,
    transactions: Duration,
    deployments_every: Duration,
}

/// What the front and the tasks that serve it share.
struct Shared {
    port: u16,
    main: Arc<Account>,
    /// Others, by the access key whose requests go to them.
    others: Mutex<Vec<(String, Arc<Account>)>>,
    roles: Mutex<Vec<Role>>,
    guard: Mutex<Option<Guard>>,
    settings: Mutex<Settings>,
    chance: Mutex<Chance>,
    faults: Faults,
    /// With the number that each call got when it came.
    calls: Mutex<(u64, Vec<(u64, Call)>)>,
    violations: Mutex<Vec<String>>,
}

/// A front before one emulator. Ends with the value, and fails the test then if a rule was violated.
pub(crate) struct Front {
    /// Where it listens, on the loopback interface.
    pub port: u16,
    shared: Arc<Shared>,
    runtime: tokio::runtime::Runtime,
}

impl Front {
    /// Listens on a free port, before the emulator at `upstream`.
    pub(crate) fn before(upstream: u16) -> Self {
        Self::at(0, upstream)
    }

    /// The same on a port that was chosen before.
    pub(crate) fn at(port: u16, upstream: u16) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", port))).unwrap();
        let SocketAddr::V4(address) = listener.local_addr().unwrap() else { panic!("no IPv4 address") };
        let main = Arc::new(Account::at(upstream));
        runtime.block_on(stage::definition::freeze_unknown(&main));
        runtime.block_on(rules::remember_all(&main));
        let shared = Arc::new(Shared {
            port: address.port(),
            main,
            others: Mutex::default(),
            roles: Mutex::default(),
            guard: Mutex::default(),
            settings: Mutex::new(Settings {
                pending: Duration::from_millis(150),
                propagation: Duration::ZERO,
                staleness: Duration::ZERO,
                transactions: Duration::ZERO,
                deployments_every: Duration::from_secs(5),
            }),
            chance: Mutex::new(Chance::any()),
            faults: Faults::default(),
            calls: Mutex::default(),
            violations: Mutex::default(),
        });
        runtime.spawn(serve::serve(listener, Arc::clone(&shared)));
        Self { port: address.port(), shared, runtime }
    }

    /// The address of a stage, or whatever else the emulator serves, through the front.
    pub(crate) fn url(&self, of_the_emulator: &str) -> String {
        of_the_emulator.replace(&format!(":{}", self.shared.main.port), &format!(":{}", self.port))
    }

    /// The calls since the last time this was asked.
    #[track_caller]
    pub(crate) fn take(&self) -> Vec<Call> {
        let violations = self.violations();
        assert!(violations.is_empty(), "{violations:?}");
        let mut calls = self.shared.calls.lock().unwrap();
        std::mem::take(&mut calls.1).into_iter().map(|(_, call)| call).collect()
    }

    /// The calls since they were last taken; they stay.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.shared.calls.lock().unwrap().1.iter().map(|(_, call)| call.clone()).collect()
    }

    /// What no run may ever do and one did, since the last time this was asked. What nobody asks for fails the test.
    pub(crate) fn violations(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.violations.lock().unwrap())
    }

    /// How long a new version stays Pending: 150 ms unless told otherwise.
    pub(crate) fn pending(&self, time: Duration) -> &Self {
        self.shared.settings.lock().unwrap().pending = time;
        self
    }

    /// How long a stage's switch takes to be seen: no time unless told otherwise. In the first half of it the old
    /// deployment answers, then the new one, and in the last quarter the old one once more.
    pub(crate) fn propagation(&self, time: Duration) -> &Self {
        self.shared.settings.lock().unwrap().propagation = time;
        self
    }

    /// How long GetAlias tells of an alias as it was before its last change: no time unless told otherwise.
    pub(crate) fn staleness(&self, time: Duration) -> &Self {
        self.shared.settings.lock().unwrap().staleness = time;
        self
    }

    /// How long DynamoDB works on a transaction, in which it cancels every other on the same items: no longer than the
    /// emulator unless told otherwise.
    pub(crate) fn transactions_take(&self, time: Duration) -> &Self {
        self.shared.settings.lock().unwrap().transactions = time;
        self
    }

    /// How seldom CreateDeployment is admitted: once in 5 s, as on AWS, unless told otherwise.
    pub(crate) fn deployments_every(&self, time: Duration) -> &Self {
        self.shared.settings.lock().unwrap().deployments_every = time;
        self
    }

    /// Repeats the course of chance of an earlier run. A test that fails prints its seed.
    pub(crate) fn seed(&self, seed: u64) -> &Self {
        *self.shared.chance.lock().unwrap() = Chance::new(seed);
        self
    }

    /// From now on this happens to these calls.
    pub(crate) fn on(&self, at: At, action: Action) -> &Self {
        self.shared.faults.add(at, action);
        self
    }

    /// Nothing of what was told by `on` and `pause` happens any more.
    pub(crate) fn behave(&self) -> &Self {
        self.shared.faults.clear();
        self
    }

    /// Holds the n-th call of this name, from 1, when it comes.
    pub(crate) fn pause_at(&self, name: &'static str, nth: usize) -> Held {
        self.pause(At::nth(name, nth))
    }

    /// Holds a call when it comes; of several, the first.
    pub(crate) fn pause(&self, at: At) -> Held {
        let (held, gate) = Held::new();
        self.shared.faults.add(at, Action::Hold(gate));
        held
    }

    /// What is signed with this access key goes to the emulator at another port.
    pub(crate) fn route(&self, access_key: &str, port: u16) -> &Self {
        let account = Arc::new(Account::at(port));
        self.runtime.block_on(stage::definition::freeze_unknown(&account));
        self.runtime.block_on(rules::remember_all(&account));
        self.shared.others.lock().unwrap().push((access_key.to_owned(), account));
        self
    }

    /// AssumeRole of this role gives credentials of `account`, which may do these operations and nothing else.
    pub(crate) fn role(&self, arn: &str, account: &str, allowed: &[&'static str]) -> &Self {
        self.take_role(Role::new(arn, account, May::Operations(allowed.to_vec())))
    }

    /// The same of a role that may do what a policy of IAM says, given only to those whom its trust policy names.
    pub(crate) fn role_trusting(&self, arn: &str, account: &str, policy: Policy, trust: &Value) -> &Self {
        self.take_role(Role { trust: Some(trust.clone()), ..Role::new(arn, account, May::Policy(policy)) })
    }

    /// One role of an ARN; the last one told counts. With the first, roles that were not told of do not exist.
    fn take_role(&self, role: Role) -> &Self {
        let mut roles = self.shared.roles.lock().unwrap();
        roles.retain(|known| known.arn != role.arn);
        roles.push(role);
        drop(roles);
        self
    }

    /// From now on who comes without a role of the front's own is this one, and may do what the policy says; nobody: as
    /// at first, anyone may do anything.
    pub(crate) fn guard(&self, guard: Option<Guard>) -> &Self {
        *self.shared.guard.lock().unwrap() = guard;
        self
    }
}

impl Drop for Front {
    #[expect(clippy::print_stderr, reason = "a failing test says how to repeat it")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the front's seed: {}", self.shared.chance.lock().unwrap().seed);
            return;
        }
        let violations = self.violations();
        assert!(violations.is_empty(), "{violations:?}");
    }
}

/// Whether a text is like a pattern, in which `*` is anything and `?` any one character.
fn like(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => like(rest, text) || (!text.is_empty() && like(pattern, &text[1..])),
        ([b'?', rest @ ..], [_, text @ ..]) => like(rest, text),
        ([one, rest @ ..], [other, text @ ..]) => one == other && like(rest, text),
        _ => false,
    }
}

impl Shared {
    fn settings(&self) -> Settings {
        *self.settings.lock().unwrap()
    }

    fn roles(&self) -> Vec<Role> {
        self.roles.lock().unwrap().clone()
    }

    fn guard(&self) -> Option<Guard> {
        self.guard.lock().unwrap().clone()
    }

    /// Notes what fails the test.
    fn violate(&self, what: String) {
        self.violations.lock().unwrap().push(what);
    }

    /// The version that takes this one request of an alias: with weights, by chance.
    fn version_of(&self, alias: &Value) -> String {
        let main = alias["FunctionVersion"].as_str().unwrap_or_default();
        let additional = rules::additional(alias).filter(|(_, share)| self.chance.lock().unwrap().strikes(*share));
        additional.map_or(main, |(version, _)| version).replace('$', "%24")
    }
}
