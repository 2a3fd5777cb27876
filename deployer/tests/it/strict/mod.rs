//! The strict proxy: between the real binary and the emulator; it names every request, and allows what the
//! policies of roles allow. (All other rules of AWS: `tests/sim`.)
//!
//! A request comes in ([`serve`]), gets its name ([`name`]), what it needs ([`privilege`]) and its entry ([`call`]), meets
//! the faults ([`fault`]), then the rules ([`rules`]; the stage's URL: [`stage`]), which forward it. It never responds for
//! the emulator what the emulator responds right.

mod account;
mod call;
mod fault;
mod name;
mod privilege;
mod reply;
mod rules;
mod serve;
mod stage;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::net::TcpListener;

use account::Account;
use fault::Faults;
use rules::roles::Role;

pub(crate) use call::Call;
pub(crate) use fault::{Action, At};
pub(crate) use privilege::{Guard, Need, Policy, Principal, trusts};

/// State shared by the strict proxy and its tasks.
struct Shared {
    port: u16,
    main: Arc<Account>,
    /// Others, by the access key whose requests go to them.
    others: Mutex<Vec<(String, Arc<Account>)>>,
    roles: Mutex<Vec<Role>>,
    guard: Mutex<Option<Guard>>,
    faults: Faults,
    /// With the number that each call got when it came.
    calls: Mutex<(u64, Vec<(u64, Call)>)>,
    violations: Mutex<Vec<String>>,
}

/// A strict proxy before one emulator. Ends with the value, and fails the test then if a call had no name.
pub(crate) struct StrictProxy {
    /// Where it listens, on the loopback interface.
    pub port: u16,
    shared: Arc<Shared>,
    runtime: tokio::runtime::Runtime,
}

impl StrictProxy {
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
        runtime.block_on(rules::remember_all(&main));
        let shared = Arc::new(Shared {
            port: address.port(),
            main,
            others: Mutex::default(),
            roles: Mutex::default(),
            guard: Mutex::default(),
            faults: Faults::default(),
            calls: Mutex::default(),
            violations: Mutex::default(),
        });
        runtime.spawn(serve::serve(listener, Arc::clone(&shared)));
        Self { port: address.port(), shared, runtime }
    }

    /// The address of a stage, or of anything else in the emulator, through the strict proxy.
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

    /// The calls that had no name, since the last time this was asked.
    fn violations(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.violations.lock().unwrap())
    }

    /// From now on this happens to these calls.
    pub(crate) fn on(&self, at: At, action: Action) -> &Self {
        self.shared.faults.add(at, action);
        self
    }

    /// Ends everything that `on` requested.
    pub(crate) fn behave(&self) -> &Self {
        self.shared.faults.clear();
        self
    }

    /// What is signed with this access key goes to the emulator at another port.
    pub(crate) fn route(&self, access_key: &str, port: u16) -> &Self {
        let account = Arc::new(Account::at(port));
        self.runtime.block_on(rules::remember_all(&account));
        self.shared.others.lock().unwrap().push((access_key.to_owned(), account));
        self
    }

    /// AssumeRole of this role gives credentials of `account`, which may do what a policy of IAM says, to those whom its
    /// trust policy names. The last one of an ARN counts; with the first, roles that were not named do not exist.
    pub(crate) fn role_trusting(&self, arn: &str, account: &str, policy: Policy, trust: &Value) -> &Self {
        let mut roles = self.shared.roles.lock().unwrap();
        roles.retain(|known| known.arn != arn);
        let (arn, account) = (arn.to_owned(), account.to_owned());
        roles.push(Role { arn, account, policy, trust: trust.clone() });
        drop(roles);
        self
    }

    /// From now on a caller without a role of the strict proxy's own is this one, with the rights of the policy; none: as
    /// at first, anyone may do anything.
    pub(crate) fn guard(&self, guard: Option<Guard>) -> &Self {
        *self.shared.guard.lock().unwrap() = guard;
        self
    }
}

impl Drop for StrictProxy {
    fn drop(&mut self) {
        if std::thread::panicking() {
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
}
