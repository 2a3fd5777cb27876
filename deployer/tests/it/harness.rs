//! A checkout of its own, the local AWS that the real binary starts for it, and commands in a scrubbed environment.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::strict::{Call, Front};

/// What every run gets that must not matter to anything local: settings of a user whose AWS is elsewhere.
/// The endpoint is a trap that counts who falls into it.
const POISON: [(&str, &str); 9] = [
    ("AWS_PROFILE", "poison-profile"),
    ("AWS_ACCESS_KEY_ID", "poison-key"),
    ("AWS_SECRET_ACCESS_KEY", "poison-secret"),
    ("AWS_SESSION_TOKEN", "poison-token"),
    ("AWS_REGION", "eu-poison-1"),
    ("TF_VAR_environment", "poison"),
    ("TF_VAR_account_id", "999999999999"),
    ("TF_CLI_ARGS", "-poison"),
    ("TF_CLI_CONFIG_FILE", "poison.tfrc"),
];

/// A sentence of the counter that no check looks at: changing it changes the binary and nothing else.
pub(crate) const SENTENCE: &str = "There is nothing at this path.";

/// Configuration files made so far.
static FILES: AtomicUsize = AtomicUsize::new(0);

/// The repository that this test was built from.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// A copy of the repository's sources in a folder of its own, with free ports in its `deployer.toml`.
pub(crate) struct Checkout {
    pub root: PathBuf,
    trap: Trap,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code().unwrap_or(-1), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// Its result, which must be JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// Fails the test unless the command ended with this code.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Fails the test unless stderr has all of these.
    #[track_caller]
    pub(crate) fn says<const N: usize>(self, words: [&str; N]) -> Self {
        for word in words {
            assert!(self.stderr.contains(word), "no `{word}` in:\n{}", self.stderr);
        }
        self
    }
}

/// A command that runs.
pub(crate) struct Running(Child);

impl Running {
    /// Ends it as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    /// Sends it a signal, as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        Command::new("kill").args([&format!("-{name}"), &self.0.id().to_string()]).status().unwrap();
    }

    /// Waits for its end.
    pub(crate) fn end(self) -> Ended {
        Ended::of(&self.0.wait_with_output().unwrap())
    }
}

/// Listens where the poisoned endpoint points to, and counts who comes.
struct Trap {
    port: u16,
    caught: Arc<AtomicUsize>,
}

impl Trap {
    fn set() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let (port, caught) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&caught);
        std::thread::spawn(move || {
            listener.incoming().for_each(|_| {
                count.fetch_add(1, Ordering::SeqCst);
            });
        });
        Self { port, caught }
    }
}

impl Checkout {
    /// Copies what the repository is made of.
    pub(crate) fn new(name: &str) -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        if root.exists() {
            std::fs::remove_dir_all(&root).unwrap();
        }
        let source = repository();
        for entry in ["Cargo.toml", "Cargo.lock", "deployer.toml", "deployer", "function", "terraform"] {
            copy(&source.join(entry), &root.join(entry));
        }
        let checkout = Self { root, trap: Trap::set() };
        checkout.edit("deployer.toml", "port = 24566", &format!("port = {}", free_port()));
        checkout.edit("deployer.toml", "port = 24567", &format!("port = {}", free_port()));
        checkout
    }

    /// The binary in this checkout. Its environment is the bare one, and poison.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deployer"));
        command.current_dir(&self.root).env_clear().stdin(Stdio::null()).envs(bare()).envs(POISON);
        let trap = format!("http://127.0.0.1:{}", self.trap.port);
        for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_LAMBDA", "AWS_ENDPOINT_URL_S3", "HTTP_PROXY", "http_proxy"] {
            command.env(name, &trap);
        }
        // One place for the compiled dependencies of all checkouts of this test.
        command.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("functions"));
        command
    }

    /// Runs a command line against the local AWS.
    pub(crate) fn deployer(&self, arguments: &str) -> Ended {
        let arguments = arguments.split_whitespace();
        Ended::of(&self.command().arg("--local").args(arguments).output().unwrap())
    }

    /// Runs a command line against the local AWS of `environment` through the front.
    #[track_caller]
    pub(crate) fn through(&self, front: &Front, environment: &str, arguments: &str) -> (Ended, Vec<Call>) {
        self.through_with(front, environment, &[], arguments)
    }

    /// The same with `deployer.toml` edited.
    #[track_caller]
    pub(crate) fn through_with(
        &self,
        front: &Front,
        environment: &str,
        edits: &[(&str, &str)],
        arguments: &str,
    ) -> (Ended, Vec<Call>) {
        front.take();
        let ended = Ended::of(&self.command_through(front, environment, edits, arguments).output().unwrap());
        (ended, front.take())
    }

    /// A command line that goes to `environment` through the front, with `deployer.toml` edited.
    #[track_caller]
    pub(crate) fn command_through(
        &self,
        front: &Front,
        environment: &str,
        edits: &[(&str, &str)],
        arguments: &str,
    ) -> Command {
        let port = format!("port = {}", self.port(environment));
        let mut text = self.read("deployer.toml").replace(&port, &format!("port = {}", front.port));
        for (from, to) in edits {
            assert!(text.contains(from), "no `{from}` in deployer.toml");
            text = text.replacen(from, to, 1);
        }
        // Commands that run at the same time have files of their own.
        let file = format!("front-{}-{}.toml", front.port, FILES.fetch_add(1, Ordering::SeqCst));
        self.write(&file, &text);
        let mut command = self.command();
        command.arg("--local").args(arguments.split_whitespace()).args(["--config", &file]);
        command
    }

    /// Starts a command line that goes to `environment` through the front.
    #[track_caller]
    pub(crate) fn start_through(
        &self,
        front: &Front,
        environment: &str,
        edits: &[(&str, &str)],
        arguments: &str,
    ) -> Running {
        let mut command = self.command_through(front, environment, edits, arguments);
        Running(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// An artifact of these sources with a sentence of the counter changed, which no check looks at: built once.
    pub(crate) fn artifact(&self, sentence: &str) -> String {
        const FILE: &str = "function/src/reply.rs";
        let folder = format!("artifact-{}", sentence.replace(|c: char| !c.is_alphanumeric(), "-"));
        if !self.root.join(&folder).exists() {
            let _kept = self.keeping(FILE);
            self.edit(FILE, SENTENCE, sentence);
            self.deployer(&format!("build --out {folder}")).expect(0);
        }
        folder
    }

    /// How often somebody fell into the trap.
    pub(crate) fn trapped(&self) -> usize {
        self.trap.caught.load(Ordering::SeqCst)
    }

    /// The port of an environment's emulator.
    pub(crate) fn port(&self, environment: &str) -> u16 {
        let text = self.read("deployer.toml");
        let line = text.lines().find(|line| line.starts_with(&format!("{environment} = {{ port"))).unwrap();
        line.split_whitespace().nth(5).unwrap().trim_end_matches(',').parse().unwrap()
    }

    pub(crate) fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.root.join(file)).unwrap()
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        std::fs::write(self.root.join(file), text).unwrap();
    }

    /// Replaces one piece of text, which must be there.
    #[track_caller]
    pub(crate) fn edit(&self, file: &str, from: &str, to: &str) {
        let text = self.read(file);
        assert!(text.contains(from), "no `{from}` in {file}");
        self.write(file, &text.replacen(from, to, 1));
    }

    /// A file's text, put back when the value is dropped: also when a test fails in between.
    pub(crate) fn keeping<'a>(&'a self, file: &'a str) -> impl Drop + use<'a> {
        Kept { checkout: self, file, text: self.read(file) }
    }
}

struct Kept<'a> {
    checkout: &'a Checkout,
    file: &'a str,
    text: String,
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        self.checkout.write(self.file, &self.text);
    }
}

/// What a program needs to run; nothing of the user's AWS or Terraform. `PIP_*` and certificates are how a machine
/// reaches its registries.
pub(crate) fn bare() -> Vec<(String, String)> {
    let wanted = |name: &str| {
        ["PATH", "HOME", "LANG", "USER", "XDG_CACHE_HOME", "SSL_CERT_FILE", "HTTPS_PROXY", "https_proxy"]
            .contains(&name)
            || ["PIP_", "CARGO_HOME", "RUSTUP_"].iter().any(|beginning| name.starts_with(beginning))
    };
    #[expect(clippy::disallowed_methods, reason = "the one place of the tests that reads the environment")]
    std::env::vars().filter(|(name, _)| wanted(name)).collect()
}

/// How many of `all` cases to try: the part that stands for them, or as `CASES` says: `all`, or so many times the part.
pub(crate) fn cases(part: usize, all: usize) -> usize {
    #[expect(clippy::disallowed_methods, reason = "a setting of the tests, not of what is tested")]
    match std::env::var("CASES").as_deref() {
        Err(_) => part.min(all),
        Ok("all") => all,
        Ok(times) => (part * times.parse::<usize>().unwrap()).min(all),
    }
}

/// Whether every case is wanted: `CASES=all`, as `.ci/prove` says.
pub(crate) fn all_cases() -> bool {
    cases(0, 1) == 1
}

/// Says stop when it is dropped: also when a test fails in between.
pub(crate) struct StopWhenDropped<'a>(pub(crate) &'a AtomicBool);

impl Drop for StopWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A client whose connections end with it: each request has a runtime of its own.
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Waits for one request.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// Whether somebody listens on a port.
pub(crate) fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// Copies a file, or a folder without what was built in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    if from.is_file() {
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(from, to).unwrap();
        return;
    }
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        if entry.file_name() != ".terraform" && entry.file_name() != "target" {
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    }
}

/// The local AWS of one checkout, as `local up` left it.
pub(crate) struct Stack {
    pub checkout: Checkout,
    /// What `local up` printed.
    pub up: Ended,
}

impl Stack {
    /// `local up` in a fresh checkout: the README's first command, by the real binary.
    pub(crate) fn up() -> Self {
        let checkout = Checkout::new("checkout");
        // A run of these tests that was killed may have left its processes behind.
        let up = checkout.deployer("local up");
        Self { checkout, up }
    }

    /// A request to the emulator of `environment` behind the deployer's back; unsigned, which it takes.
    pub(crate) fn behind(
        &self,
        environment: &str,
        method: &str,
        path: &str,
        target: Option<&str>,
        body: &Value,
    ) -> Value {
        let address = format!("http://127.0.0.1:{}{path}", self.checkout.port(environment));
        let service = match target {
            Some(target) if target.starts_with("Granite") => "monitoring",
            Some(_) => "dynamodb",
            None if path.starts_with("/restapis") => "apigateway",
            None => "lambda",
        };
        let mut request =
            client().request(method.parse().unwrap(), address).header("authorization", signed(environment, service));
        if let Some(target) = target {
            request = request.header("x-amz-target", target).header("content-type", "application/x-amz-json-1.0");
        }
        block_on(async {
            let answer = request.body(body.to_string()).send().await.unwrap();
            let (status, text) = (answer.status(), answer.text().await.unwrap());
            assert!(status.is_success(), "{method} {path}: {status} {text}");
            serde_json::from_str(&text).unwrap_or_default()
        })
    }

    /// A GET of a page of `environment`: status, headers in one text, body.
    pub(crate) fn get(&self, url: &str) -> (u16, String, Value) {
        block_on(async {
            let answer = client().get(url).send().await.unwrap();
            let (status, headers) = (answer.status().as_u16(), format!("{:?}", answer.headers()));
            (status, headers, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
        })
    }

    /// What `status` says of an environment.
    pub(crate) fn status(&self, environment: &str) -> Value {
        let ended = self.checkout.deployer(&format!("status {environment} --output json")).expect(0);
        ended.json()["environments"][0].clone()
    }

    /// A key of `status` that must be text.
    pub(crate) fn url(&self, environment: &str) -> String {
        self.status(environment)["url"].as_str().unwrap().to_owned()
    }

    /// An item of an environment's ledger.
    pub(crate) fn ledger_item(&self, environment: &str, sort_key: &str) -> Value {
        let body = json!({
            "TableName": format!("resume-visitor-counter-ledger-{environment}"),
            "Key": {"pk": {"S": "resume-visitor-counter"}, "sk": {"S": sort_key}},
        });
        self.behind(environment, "POST", "/", Some("DynamoDB_20120810.GetItem"), &body)["Item"].clone()
    }

    /// Puts an item into an environment's ledger.
    pub(crate) fn put_ledger_item(&self, environment: &str, item: &Value) {
        let body = json!({"TableName": format!("resume-visitor-counter-ledger-{environment}"), "Item": item});
        self.behind(environment, "POST", "/", Some("DynamoDB_20120810.PutItem"), &body);
    }

    /// The id of an environment's API.
    pub(crate) fn api(&self, environment: &str) -> String {
        let stack = self.ledger_item(environment, "stack");
        stack["api"]["M"]["rest_api_id"]["S"].as_str().unwrap().to_owned()
    }

    /// The newest release of an environment, whatever became of it.
    pub(crate) fn last_release(&self, environment: &str) -> Value {
        let body = json!({
            "TableName": format!("resume-visitor-counter-ledger-{environment}"),
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :sk)",
            "ExpressionAttributeValues": {":pk": {"S": "resume-visitor-counter"}, ":sk": {"S": "release#"}},
            "ScanIndexForward": false,
            "Limit": 1,
        });
        self.behind(environment, "POST", "/", Some("DynamoDB_20120810.Query"), &body)["Items"][0].clone()
    }

    /// The highest number given so far.
    pub(crate) fn last_number(&self, environment: &str) -> u64 {
        self.last_release(environment)["number"]["N"].as_str().unwrap().parse().unwrap()
    }

    /// What a release of an environment says, as plain JSON.
    pub(crate) fn release(&self, environment: &str, number: u64) -> Value {
        plain(&json!({"M": self.ledger_item(environment, &format!("release#{number:08}"))}))
    }

    /// The number of the live release of an environment.
    pub(crate) fn live(&self, environment: &str) -> u64 {
        self.status(environment)["release"].as_u64().unwrap()
    }

    /// Releases an artifact through a front of its own (the emulator itself forgets the zips of older versions), and
    /// answers the number of the release.
    #[track_caller]
    pub(crate) fn released(&self, environment: &str, artifact: &str) -> u64 {
        let arguments = format!("deploy {environment} --artifact {artifact} --output json");
        let ended = self.checkout.through(&Front::before(self.checkout.port(environment)), environment, &arguments).0;
        ended.expect(0).json()["release"].as_u64().unwrap()
    }

    /// Runs a promotion from dev to prod with a front before each. The calls are prod's.
    #[track_caller]
    pub(crate) fn promoted(&self, arguments: &str) -> (Ended, Vec<Call>) {
        let [dev, prod] = ["dev", "prod"].map(|environment| Front::before(self.checkout.port(environment)));
        self.promoted_through(&dev, &prod, arguments)
    }

    /// The same with fronts that the test has told something.
    #[track_caller]
    pub(crate) fn promoted_through(&self, dev: &Front, prod: &Front, arguments: &str) -> (Ended, Vec<Call>) {
        let ports = [self.checkout.port("dev"), dev.port].map(|port| format!("port = {port}"));
        self.checkout.through_with(prod, "prod", &[(&ports[0], &ports[1])], arguments)
    }

    /// Sends a PUT to S3: the bucket, or what is set of it.
    pub(crate) fn bucket(&self, environment: &str, path: &str, body: &'static str) {
        let address = format!("http://127.0.0.1:{}/{path}", self.checkout.port(environment));
        let put = client().put(address).header("authorization", signed(environment, "s3")).body(body);
        let status = block_on(async { put.send().await.unwrap().status() });
        assert!(status.is_success(), "{status}");
    }

    /// Fails the test unless Terraform has nothing to do.
    #[track_caller]
    pub(crate) fn assert_terraform_plan_is_empty(&self, environment: &str) {
        self.terraform(environment, &["plan", "-detailed-exitcode"]);
    }

    /// Runs Terraform in the folders and with the settings that `local up` uses.
    #[track_caller]
    pub(crate) fn terraform(&self, environment: &str, arguments: &[&str]) -> Ended {
        self.try_terraform(environment, arguments).expect(0)
    }

    /// The same, however it ends.
    pub(crate) fn try_terraform(&self, environment: &str, arguments: &[&str]) -> Ended {
        let endpoint = format!("http://127.0.0.1:{}", self.checkout.port(environment));
        let mut command = self.terraform_command(environment);
        command.args(&arguments[..1]).args(["-no-color", "-lock=false"]);
        command.arg(format!("-var-file=environments/local-{environment}.tfvars"));
        command.args([format!("-var=local_endpoint={endpoint}"), format!("-var=architecture={}", architecture())]);
        Ended::of(&command.args(&arguments[1..]).output().unwrap())
    }

    /// A plan of Terraform's, in a file of the checkout, as `terraform show -json` tells it.
    #[track_caller]
    pub(crate) fn terraform_plan(&self, environment: &str, file: &str) {
        self.terraform_plan_with(environment, file, &[]);
    }

    /// The same with variables.
    #[track_caller]
    pub(crate) fn terraform_plan_with(&self, environment: &str, file: &str, variables: &[&str]) {
        let plan = self.checkout.root.join("plan");
        let out = format!("-out={}", plan.display());
        self.terraform(environment, &[&["plan", out.as_str()], variables].concat());
        let shown = self.terraform_command(environment).args(["show", "-json"]).arg(plan).output().unwrap();
        self.checkout.write(file, &Ended::of(&shown).expect(0).stdout);
    }

    /// The state of an environment, as Terraform keeps it.
    #[track_caller]
    pub(crate) fn terraform_state(&self, environment: &str) -> String {
        Ended::of(&self.terraform_command(environment).args(["state", "pull"]).output().unwrap()).expect(0).stdout
    }

    /// Makes Terraform forget something of an environment.
    #[track_caller]
    pub(crate) fn terraform_state_rm(&self, environment: &str, address: &str) {
        Ended::of(&self.terraform_command(environment).args(["state", "rm", address]).output().unwrap()).expect(0);
    }

    fn terraform_command(&self, environment: &str) -> Command {
        let data = self.checkout.root.join(format!(".deployer/local/{environment}/terraform/root"));
        self.terraform_in("terraform", environment, account(environment), &data)
    }

    /// Terraform in a folder of the checkout and in an account of the emulator of `environment`.
    fn terraform_in(&self, folder: &str, environment: &str, account: &str, data: &Path) -> Command {
        let settings = self.checkout.root.join(format!(".deployer/local/{environment}/terraform.tfrc"));
        let mut command = Command::new("terraform");
        command.current_dir(self.checkout.root.join(folder)).env_clear().envs(bare());
        command.env("TF_DATA_DIR", data).env("TF_CLI_CONFIG_FILE", settings).env("TF_INPUT", "0");
        command
            .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", self.checkout.port(environment)))
            .env("AWS_ACCESS_KEY_ID", account)
            .env("AWS_SECRET_ACCESS_KEY", "local");
        command.env("AWS_REGION", "us-east-1").env("AWS_EC2_METADATA_DISABLED", "true").env("NO_PROXY", "127.0.0.1");
        command
    }

    /// Terraform against another emulator, in the account of `dev`, by whom these variables say.
    #[track_caller]
    pub(crate) fn terraform_at(&self, port: u16, who: &[(&str, &str)], folder: &str, arguments: &[&str]) -> Ended {
        let data = self.checkout.root.join(format!("at-{port}/{}", folder.replace('/', "-")));
        let mut command = self.terraform_in(folder, "dev", account("dev"), &data);
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
        command.env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}")).envs(who.iter().copied());
        command.args(&arguments[..1]).arg("-no-color").args(&arguments[1..]);
        Ended::of(&command.output().unwrap()).expect(0)
    }

    /// Terraform in an account in which nothing is: the emulator of `dev` has one for every key of 12 digits.
    #[track_caller]
    pub(crate) fn terraform_elsewhere(&self, account: &str, folder: &str, arguments: &[&str]) -> Ended {
        let data = self.checkout.root.join(format!("elsewhere-{account}/{}", folder.replace('/', "-")));
        let mut command = self.terraform_in(folder, "dev", account, &data);
        command.args(&arguments[..1]).arg("-no-color").args(&arguments[1..]);
        Ended::of(&command.output().unwrap()).expect(0)
    }
}

/// This machine's processor, as Lambda names it.
pub(crate) fn architecture() -> &'static str {
    if std::env::consts::ARCH == "aarch64" { "arm64" } else { "x86_64" }
}

/// An attribute value of DynamoDB as plain JSON.
fn plain(value: &Value) -> Value {
    let Some((kind, inner)) = value.as_object().and_then(|object| object.iter().next()) else { return Value::Null };
    match kind.as_str() {
        "M" => inner.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), plain(value))).collect(),
        "L" => inner.as_array().into_iter().flatten().map(plain).collect(),
        "N" => inner.as_str().unwrap_or_default().parse().unwrap_or_default(),
        "NULL" => Value::Null,
        _ => inner.clone(),
    }
}

/// What a request to a service of an environment, or of an account by its number, is signed with; the emulator believes it.
pub(crate) fn signed(place: &str, service: &str) -> String {
    let account = if place.starts_with(|first: char| first.is_ascii_digit()) { place } else { account(place) };
    format!(
        "AWS4-HMAC-SHA256 Credential={account}/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

/// The account of an environment.
fn account(environment: &str) -> &'static str {
    if environment == "dev" { "111111111111" } else { "222222222222" }
}
