//! Secrets that are planted where a run meets them, and looked for wherever it may have left them.

mod places;

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Instant;

use serde_json::{Value, json};

use crate::harness::{SENTENCE, block_on, client};
use crate::infrastructure::address_key;
use crate::strict::{Action, At, StrictProxy};
use crate::{promises, stack};
use places::{has, places, scan, the_search_finds_what_is_there};

const FUNCTION: &str = "/2015-03-31/functions/resume-visitor-counter-dev";
const CHANGED: &str = "There is nothing to see.";
/// A visitor's address, as the emulator takes it for the connection's.
const ADDRESS: &str = "203.0.113.213";
/// Text that is not secret and must be found: a search in the wrong place would find no secret either.
const ACTOR: &str = "canary-actor";
const VARIABLE: &str = "CANARY_VARIABLE";
const AGENT: &str = "canary-agent/1.0";

/// (what it is, what must be found nowhere).
type Secret = (&'static str, String);

fn canary(what: &'static str) -> Secret {
    (what, format!("canary-{}", uuid::Uuid::new_v4().simple()))
}

/// The secrets of a run's own environment, by variable.
fn of_the_environment() -> Vec<Secret> {
    let names = [
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "GITHUB_TOKEN",
        "GH_TOKEN",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        "ACTIONS_RUNTIME_TOKEN",
        "DATABASE_PASSWORD",
    ];
    names.into_iter().map(canary).chain([canary("HTTPS_PROXY")]).collect()
}

/// Runs commands, and keeps what they said.
struct Runs<'a> {
    proxy: StrictProxy,
    prod: StrictProxy,
    environment: &'a [Secret],
    github: PathBuf,
    said: Vec<(String, String)>,
}

impl Runs<'_> {
    /// As in a job with credentials of a real account, which the strict proxy represents.
    fn real(&mut self, arguments: &str, edits: &[(&str, &str)]) -> i32 {
        let checkout = &stack().checkout;
        let mut text = checkout.read("deployer.toml");
        for (from, to) in edits {
            assert!(text.contains(from), "no `{from}`");
            text = text.replacen(from, to, 1);
        }
        checkout.write("secrets.toml", &text);
        let mut command = checkout.command();
        for name in ["AWS_PROFILE", "AWS_ENDPOINT_URL_LAMBDA", "AWS_ENDPOINT_URL_S3", "HTTP_PROXY", "http_proxy"] {
            command.env_remove(name);
        }
        command.env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", self.proxy.port));
        command.env("AWS_ACCESS_KEY_ID", "111111111111").env("AWS_EC2_METADATA_DISABLED", "true");
        command.args(arguments.split_whitespace()).args(["--config", "secrets.toml"]);
        self.run(arguments, command)
    }

    fn local(&mut self, arguments: &str) -> i32 {
        let checkout = &stack().checkout;
        let ports = [checkout.port("dev"), self.proxy.port].map(|port| format!("port = {port}"));
        let command = checkout.command_through(&self.prod, "prod", &[(&ports[0], &ports[1])], arguments);
        self.run(arguments, command)
    }

    fn run(&mut self, arguments: &str, mut command: Command) -> i32 {
        for (name, value) in self.environment {
            let proxy = format!("http://ada:{value}@127.0.0.1:9");
            command.env(name, if *name == "HTTPS_PROXY" { &proxy } else { value });
        }
        command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full").env("GITHUB_TRIGGERING_ACTOR", ACTOR);
        if !self.said.len().is_multiple_of(3) {
            command.env("GITHUB_ACTIONS", "true").env("GITHUB_WORKSPACE", &stack().checkout.root);
            command.env("GITHUB_STEP_SUMMARY", self.github.join("summary"));
            command.env("GITHUB_OUTPUT", self.github.join("output"));
        }
        let Output { status, stdout, stderr } = command.output().unwrap();
        let text = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        let code = status.code().unwrap_or(-1);
        self.said.push((format!("what `{arguments}` said ({code})"), text));
        code
    }
}

/// A function's environment, put back when the value is dropped.
struct Variables(Value);

impl Variables {
    fn planted(value: &str) -> Self {
        let shown = stack().behind("dev", "GET", FUNCTION, None, &Value::Null);
        let before = shown["Configuration"]["Environment"]["Variables"].clone();
        let mut planted = before.clone();
        planted[VARIABLE] = json!(value);
        Self::set(&planted);
        Self(before)
    }

    fn set(variables: &Value) {
        let body = json!({"Environment": {"Variables": variables}});
        stack().behind("dev", "PUT", &format!("{FUNCTION}/configuration"), None, &body);
    }
}

impl Drop for Variables {
    fn drop(&mut self) {
        Self::set(&self.0);
    }
}

/// Ways that go well and ways that do not. (What each refusal of AWS leads to: `tests/sim`.)
fn commands(runs: &mut Runs<'_>) {
    let checkout = &stack().checkout;
    let (base, changed) = (checkout.artifact(SENTENCE), checkout.artifact(CHANGED));
    let [deploy, back] = [&changed, &base].map(|artifact| format!("deploy dev --artifact {artifact}"));
    assert_eq!(runs.local("build --out artifact-secrets"), 0);
    for command in ["plan dev", &deploy, "status dev --output json", "history dev", "doctor dev", "prune dev"] {
        assert_eq!(runs.real(command, &[]), 0, "{command}");
    }
    // Each ends badly at another place.
    let wrong = ("request = \"GET /count\"\nstatus = 200", "request = \"GET /count\"\nstatus = 418");
    assert_eq!(runs.real(&back, &[wrong]), 6);
    for (name, code) in [("GetFunction", "AccessDeniedException"), ("UpdateAlias", "InvalidSignatureException")] {
        runs.proxy.on(At::every(name), Action::Fail { status: 403, code });
        assert_ne!(runs.real(&format!("{back} --output json"), &[]), 0, "{name}");
        runs.proxy.behave();
    }
    // The zip lies at an address that is a secret itself: for 10 minutes it lets anybody in.
    runs.proxy.on(At::every("Download"), Action::Fail { status: 403, code: "AccessDenied" });
    assert_ne!(runs.local("promote dev prod"), 0, "its bytes cannot be read");
    runs.proxy.behave();
    assert_eq!(runs.local("promote dev prod --output json"), 0);
    assert_eq!(runs.real("rollback dev --to previous", &[]), 0);
}

fn visit() {
    let (url, address) = (stack().url("dev"), ADDRESS);
    for path in ["/count", "/health", "/nowhere"] {
        let visit = client().get(format!("{url}{path}")).header("x-forwarded-for", address).header("user-agent", AGENT);
        block_on(async { visit.send().await.unwrap() });
    }
}

pub(crate) fn no_secret_that_a_run_meets_is_printed_or_stored() {
    let began = Instant::now();
    let stack = stack();
    let (environment, variable) = (of_the_environment(), canary("a function's variable"));
    let planted = Variables::planted(&variable.1);
    let github = stack.checkout.root.join("github-secrets");
    let _ = std::fs::remove_dir_all(&github);
    std::fs::create_dir_all(&github).unwrap();
    let [proxy, prod] = ["dev", "prod"].map(|environment| StrictProxy::before(stack.checkout.port(environment)));
    let mut runs = Runs { proxy, prod, environment: &environment, github, said: Vec::new() };
    visit();
    commands(&mut runs);
    visit();
    let mut secrets = environment.clone();
    secrets.extend([variable, ("the key for addresses", address_key()), ("a visitor's address", ADDRESS.to_owned())]);
    secrets.extend([
        ("a signed address", "front-code-sha256".to_owned()),
        ("a signature", "X-Amz-Signature=".to_owned()),
        ("where zips lie", "/_ministack/lambda-code/".to_owned()),
    ]);
    let (places, mut broken) = (places(&runs), Vec::new());
    for (what, secret) in &secrets {
        let leaks = places.iter().filter(|(_, text)| has(text, secret));
        broken.extend(leaks.map(|(place, _)| format!("{what} is in {place}")));
    }
    // Visits are kept with their user agents and a key of the address, never with the address.
    let visits = scan("dev", "ResumeVisitorCounter");
    broken.extend(has(&visits, ADDRESS).then(|| "a visitor's address is in the table of visits".to_owned()));
    drop(planted);
    stack.released("dev", &stack.checkout.artifact(SENTENCE));
    stack.promoted("promote dev prod").0.expect(0);
    the_search_finds_what_is_there(&places, &visits);
    promises::kept(
        "no secret that a run meets is printed or stored",
        "canaries as keys, tokens, a proxy's password, variables of functions, the key for addresses, an address, signed URLs; searched in all output, both ledgers, logs, GitHub's files, manifests and zips",
        secrets.len() * places.len() + 1,
        &broken,
        began,
    );
}
