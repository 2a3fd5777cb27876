//! Other people's projects: each example is released by the commands of its README, on a local AWS of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::geteuid;
use serde_json::Value;

use crate::foreign::{self, Change};
use crate::harness::{Ended, bare, copy, free_port, repository};
use crate::stack;

/// A copy of an example, with the module that it may use, and free ports.
pub(crate) struct Example {
    pub root: PathBuf,
}

impl Example {
    fn new(name: &str) -> Self {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("example-{name}"));
        let root = place.join("deployer/examples").join(name);
        if place.exists() {
            std::fs::remove_dir_all(&place).unwrap();
        }
        for part in ["terraform/modules/ledger", &format!("deployer/examples/{name}")] {
            copy(&repository().join(part), &place.join(part));
        }
        let example = Self { root };
        let text = std::fs::read_to_string(example.root.join("deployer.toml")).unwrap();
        let ports = text.split("{ port = ").skip(1).map(|rest| rest.split(',').next().unwrap());
        ports.for_each(|port| example.edit("deployer.toml", port, &free_port().to_string()));
        example
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.root.join(file)).unwrap();
        assert!(text.contains(from), "no `{from}` in {file}");
        std::fs::write(self.root.join(file), text.replacen(from, to, 1)).unwrap();
    }

    /// The commands that its README shows first, without the comment about what to edit.
    fn commands<const N: usize>(&self) -> [String; N] {
        let text = std::fs::read_to_string(self.root.join("README.md")).unwrap();
        let block = text.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
        block.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>().try_into().unwrap()
    }

    #[track_caller]
    pub(crate) fn run(&self, line: &str) -> Ended {
        let arguments =
            line.strip_prefix("deployer ").unwrap_or_else(|| panic!("`{line}` is not a command of `deployer`"));
        self.start(env!("CARGO_BIN_EXE_deployer").as_ref(), &arguments.split(' ').collect::<Vec<_>>(), "dev")
    }

    /// Fails the test unless Terraform has nothing to do in an environment.
    #[track_caller]
    fn assert_terraform_plan_is_empty(&self, environment: &str) {
        const PLAN: [&str; 4] = ["plan", "-detailed-exitcode", "-no-color", "-input=false"];
        let state = format!("-state={}", self.kept(environment, "terraform.tfstate").display());
        let values = format!("-var-file=environments/{environment}.tfvars");
        let in_its_folder = [&["-chdir=terraform"], &PLAN[..], &["-lock=false", &values]].concat();
        let arguments = if self.has_a_state_bucket() { in_its_folder } else { [&PLAN[..], &[&state]].concat() };
        self.start("terraform".as_ref(), &arguments, environment).expect(0);
    }

    /// Whether Terraform is in a folder of its own, with its states in a bucket.
    fn has_a_state_bucket(&self) -> bool {
        self.root.join("terraform/environments").exists()
    }

    /// Runs a program with what `local up` gives to Terraform; the deployer makes nothing of it.
    fn start(&self, program: &Path, arguments: &[&str], environment: &str) -> Ended {
        let port = self.port(environment);
        let mut command = Command::new(program);
        command.current_dir(&self.root).args(arguments).env_clear().envs(bare()).stdin(Stdio::null());
        command.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("example-crates"));
        command.env("TF_CLI_CONFIG_FILE", self.kept(environment, "terraform.tfrc"));
        let data = if self.has_a_state_bucket() { "terraform/root" } else { "terraform" };
        command.env("TF_DATA_DIR", self.kept(environment, data));
        command.env("TF_VAR_environment", environment).env("TF_VAR_local_endpoint", format!("http://127.0.0.1:{port}"));
        as_account(&mut command, &port, &self.kept(environment, "credentials"));
        Ended::of(&command.output().unwrap())
    }

    /// Something that `local up` keeps of an environment.
    pub(crate) fn kept(&self, environment: &str, name: &str) -> PathBuf {
        self.root.join(".deployer/local").join(environment).join(name)
    }

    pub(crate) fn port(&self, environment: &str) -> String {
        let text = std::fs::read_to_string(self.root.join("deployer.toml")).unwrap();
        let (_, rest) = text.split_once(&format!("\n{environment} = {{ port = ")).unwrap();
        rest.split(',').next().unwrap().to_owned()
    }

    /// What `status` says of an environment.
    pub(crate) fn status(&self, environment: &str) -> Value {
        let line = format!("deployer --local status {environment} --output json");
        self.run(&line).expect(0).json()["environments"][0].clone()
    }

    /// The version of a function that is live.
    fn version(&self, environment: &str, function: &str) -> Value {
        self.status(environment)["functions"][function]["version"].clone()
    }

    /// Releases a change, and fails the test unless its check went through the URL of the API or of the function.
    #[track_caller]
    fn deploy_and_check_the_url(&self, deploy: &str, response: &str) -> Value {
        let released = self.run(&format!("{deploy} --output json")).expect(0).json();
        let checks = released["checks"].as_array().unwrap();
        let after = checks.iter().find(|check| check["phase"] == "after the aliases").unwrap();
        assert_eq!((&after["response"], after.get("by_invoke")), (&response.into(), None), "{released:#}");
        released
    }
}

/// What makes an emulator a program's AWS.
pub(crate) fn as_account(command: &mut Command, port: &str, credentials: &Path) {
    command.env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}")).env("AWS_REGION", "us-east-1");
    command.env("AWS_SHARED_CREDENTIALS_FILE", credentials);
    command.env("AWS_EC2_METADATA_DISABLED", "true").env("NO_PROXY", "127.0.0.1");
}

/// After all that looks at what it has released before.
pub(crate) fn init_of_this_repository_writes_what_deploys_without_an_edit() {
    let checkout = &stack().checkout;
    let run = |line: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deployer"));
        command.current_dir(&checkout.root).env_clear().envs(bare()).stdin(Stdio::null());
        command.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("functions"));
        as_account(&mut command, &checkout.port("dev").to_string(), &checkout.credentials("dev"));
        let line = format!("--config found.toml {line}");
        Ended::of(&command.args(line.split_whitespace()).output().unwrap())
    };
    run("init dev --yes").expect(0).says(["function `counter`: alias `live` of `", "function `preflight`: "]);
    run("deploy").expect(0);
    assert!(run("deploy").expect(0).stdout.contains("nothing to do"));
    let response = stack().get(&format!("{}/health", stack().url("dev")));
    assert_eq!((response.0, &response.2["status"]), (200, &"ok".into()), "{response:?}");
}

impl Drop for Example {
    fn drop(&mut self) {
        self.run("deployer local down");
    }
}

/// `local up` of functions that are made of its first build: they are in use already. A second one finds nothing to do.
#[track_caller]
fn up(example: &Example, up: &str) {
    example.run(up).expect(0).says(["Making the stack of `dev`", "Adopted what is live as release 1: its checks pass"]);
    let again = example.run(up).expect(0);
    for verb in ["Making", "Building", "Releasing"] {
        assert!(!again.stderr.contains(verb), "{}", again.stderr);
    }
}

/// `init` writes a file that deploys without an edit: what there is, nothing, and a change.
#[track_caller]
fn init(example: &Example, arguments: &str, (file, from, to): (&str, &str, &str)) {
    let run = |line: &str| example.run(&format!("deployer --config found.toml {line}"));
    let made = run(&format!("init --yes {arguments}")).expect(0);
    assert!(made.stdout.contains("deployer plan dev"), "{}", made.stdout);
    run("deploy").expect(0);
    let nothing = run("deploy").expect(0);
    assert!(nothing.stdout.contains("nothing to do"), "{}", nothing.stdout);
    example.edit(file, from, to);
    run("deploy").expect(0).says(["Releasing", "Switched"]);
    example.edit(file, to, from);
    std::fs::remove_file(example.root.join("found.toml")).unwrap();
}

#[track_caller]
fn down(example: &Example, down: &str) {
    example.run(down).expect(0).says(["Stopped `dev`"]);
    assert!(example.run("deployer local status").expect(0).stdout.contains("not running"));
}

pub(crate) fn a_queue_worker_is_released_by_the_commands_of_its_readme() {
    let example = Example::new("python-queue");
    let [first, status, deploy, rollback, last] = example.commands();
    up(&example, &first);
    assert!(example.run(&status).expect(0).stdout.starts_with("ENVIRONMENT  RELEASE"));
    assert_eq!(example.version("dev", "worker"), "1");

    example.edit("src/handler.py", "\"sum\": sum(", "\"total\": sum(");
    example.run(&deploy).expect(0);
    let nothing = example.run(&deploy).expect(0);
    assert!(nothing.stdout.contains("nothing to do, release 2 is live"), "{}", nothing.stdout);
    assert_eq!(example.version("dev", "worker"), "2");

    example.edit("src/handler.py", "\"done\": len(real)", "\"done\": 1 / 0");
    example.run(&deploy).expect(6).says(["`an empty batch` failed before traffic", "the function failed: Unhandled"]);
    assert_eq!(example.status("dev")["release"], 2);
    example.edit("src/handler.py", "\"done\": 1 / 0", "\"done\": len(real)");

    std::fs::rename(example.root.join("src/handler.py"), example.root.join("src/main.py")).unwrap();
    example.run(&deploy).expect(4).says(["the package of function `worker` has no `handler.py`"]);
    std::fs::rename(example.root.join("src/main.py"), example.root.join("src/handler.py")).unwrap();

    example.run(&rollback).expect(0).says(["Releasing 4 (back to 1) to dev"]);
    assert_eq!(example.version("dev", "worker"), "1");
    example.assert_terraform_plan_is_empty("dev");
    example.run("deployer --local doctor dev").expect(0);
    init(&example, "dev --app jobs", ("src/handler.py", "\"total\": sum(", "\"all\": sum("));
    let change = Change {
        file: "src/handler.py",
        texts: ["\"sum\": sum(", "\"first\": sum(", "\"second\": sum("],
        response: None,
    };
    let foreign = foreign::released_and_rolled_back_by_its_workflows(&example, &change);
    foreign.needs_no_more_than_its_roles_have(&change);
    foreign.releases_nothing_on_bad_input(&change);
    down(&example, &last);
}

pub(crate) fn a_python_http_api_is_released_by_the_commands_of_its_readme() {
    let example = Example::new("python-http-api");
    let [first, deploy, promote, rollback, last] = example.commands();
    up(&example, &first);
    example.edit("src/app.py", "\"Call Ada\"", "\"Call Grace\"");
    let released = example.deploy_and_check_the_url(&deploy, "GET /notes/1 -> 200");
    assert!(released["url"].as_str().unwrap().contains("/_aws/execute-api/"), "{released:#}");

    // Before anything else is uploaded: the emulator gives the last upload's code for every version.
    example.run(&promote).expect(0);
    assert_eq!(example.version("prod", "api"), "2");
    example.run(&rollback).expect(0);
    assert_eq!((example.version("prod", "api"), example.version("dev", "api")), ("1".into(), "2".into()));

    example.edit("src/app.py", "event[\"pathParameters\"]", "event[\"parameters\"]");
    example.run(&deploy).expect(6).says([
        "`a note` failed before traffic",
        "the function failed: Unhandled (",
        "Logged by `api` in check `a note`",
        "KeyError",
    ]);
    example.edit("src/app.py", "event[\"parameters\"]", "event[\"pathParameters\"]");
    example.edit("src/app.py", "\"text\": text", "\"note\": text");
    example.run(&deploy).expect(6).says(["`a note` failed before traffic", "the body differs at `$.text`"]);
    assert_eq!(example.version("dev", "api"), "2");

    example.assert_terraform_plan_is_empty("dev");
    let found = example.run("deployer --local doctor dev --output json").expect(0).stdout;
    for part in ["integration GET /notes/{id}", "deploys every change of a route by itself"] {
        assert!(found.contains(part), "no `{part}` in {found}");
    }
    init(&example, "dev --app notes", ("src/app.py", "\"Call Grace\"", "\"Call Mary\""));
    foreign::released_and_rolled_back_by_its_workflows(
        &example,
        &Change {
            file: "src/app.py",
            texts: ["\"Call Ada\"", "\"Call Alan\"", "\"Call Edsger\""],
            response: Some(("/notes/2", ["Call Alan", "Call Edsger"])),
        },
    );
    down(&example, &last);
}

pub(crate) fn a_node_function_is_released_by_the_commands_of_its_readme() {
    let example = Example::new("node-function-url");
    let [first, status, deploy, rollback, last] = example.commands();
    up(&example, &first);
    assert!(example.run(&status).expect(0).stdout.starts_with("ENVIRONMENT  RELEASE"));
    assert_eq!(example.version("dev", "hello"), "1");
    // As if no infrastructure code had written a contract, and before the first release.
    let other = "deployer --config other.toml init --yes dev --app other --name greet-hello";
    example.run(other).expect(0).says(["Made the ledger, table `other-ledger-dev`", "no check looks at it"]);
    let found = std::fs::read_to_string(example.root.join("other.toml")).unwrap();
    assert!(found.contains("name = \"greet-hello-dev\"\nurl = \"http"), "{found}");
    std::fs::remove_file(example.root.join("other.toml")).unwrap();

    example.edit("src/index.mjs", "?? \"world\"", "?? \"friends\"");
    example.deploy_and_check_the_url(&deploy, "GET /?name=Ada -> 200");
    assert_eq!(example.version("dev", "hello"), "2");

    example.edit("src/index.mjs", "`Hello, ${name}`", "`Goodbye, ${name}`");
    example.run(&deploy).expect(6).says(["`greets by name` failed before traffic", "the body differs at `$.greeting`"]);
    assert_eq!(example.version("dev", "hello"), "2");

    example.run(&rollback).expect(0).says(["(back to 1) to dev"]);
    assert_eq!(example.version("dev", "hello"), "1");
    example.assert_terraform_plan_is_empty("dev");
    example.run("deployer --local doctor dev").expect(0);
    init(&example, "dev", ("src/index.mjs", "?? \"friends\"", "?? \"nobody\""));
    example.run(other).expect(4).says(["is already released from another ledger", "`deployer: greet/dev release "]);
    foreign::released_and_rolled_back_by_its_workflows(
        &example,
        &Change {
            file: "src/index.mjs",
            texts: ["?? \"world\"", "?? \"you\"", "?? \"everyone\""],
            response: Some(("", ["Hello, you", "Hello, everyone"])),
        },
    );
    down(&example, &last);
}

pub(crate) fn a_rust_workspace_is_released_by_the_commands_of_its_readme() {
    let example = Example::new("rust-workspace");
    let [first, deploy, promote, rollback, last] = example.commands();
    up(&example, &first);
    let versions = |environment: &str| ["price", "worker"].map(|function| example.version(environment, function));
    // The adopted one is not the last: what Terraform's deployment was made of is unknown, so a release makes one.
    assert_eq!((versions("dev"), example.status("dev")["release"].clone()), (["1".into(), "1".into()], 2.into()));

    // One function alone, and then what both are made of.
    example.edit("worker/src/main.rs", "\"parcels\": records.len()", "\"all\": 1, \"parcels\": records.len()");
    example.run(&deploy).expect(0);
    let nothing = example.run(&deploy).expect(0);
    assert!(nothing.stdout.contains("nothing to do, release 3 is live"), "{}", nothing.stdout);
    assert_eq!(versions("dev"), ["1", "2"]);
    example.edit("tariff/src/lib.rs", "400 + ", "100 + 300 + u64::from(grams > 9_999) + ");
    example.deploy_and_check_the_url(&deploy, "GET /price?grams=1200 -> 200");
    assert_eq!(versions("dev"), ["2", "3"]);

    example.run(&promote).expect(0);
    assert_eq!(versions("prod"), ["2", "2"]);
    example.run(&rollback).expect(0);
    assert_eq!((versions("prod"), versions("dev")), (["1".into(), "1".into()], ["2".into(), "3".into()]));

    example.edit("tariff/src/lib.rs", "grams.div_ceil(500)", "grams / 500");
    example.run(&deploy).expect(6).says(["`a price` failed before traffic", "the body differs at `$.cents`"]);
    assert_eq!(versions("dev"), ["2", "3"]);
    example.run("deployer --local doctor dev").expect(0);
    init(&example, "dev", ("worker/src/main.rs", "\"all\": 1", "\"all\": 2"));
    foreign::released_and_rolled_back_by_its_workflows(
        &example,
        &Change {
            file: "tariff/src/lib.rs",
            // Other code than any before: the emulator gives the last upload's for every version.
            texts: ["400 + ", "400 + 3 * u64::from(grams > 8_888) + ", "400 + 4 * u64::from(grams > 8_888) + "],
            response: Some(("/price?grams=10000", ["1403", "1404"])),
        },
    );
    down(&example, &last);
}

/// Root installs it; other users get instructions.
fn need_the_aws_cli() {
    const HINT: &str = "no AWS CLI: run `.ci/packages`, which installs it, or put `aws` on the PATH";
    let run = |program: &Path| Command::new(program).arg("--version").env_clear().envs(bare()).output();
    let is_there = || run("aws".as_ref()).is_ok_and(|ended| ended.status.success());
    if !is_there() {
        assert!(geteuid().is_root(), "{HINT}");
        let ended = run(&repository().join(".ci/packages")).unwrap();
        assert!(is_there(), "{HINT}\n{}", String::from_utf8_lossy(&ended.stderr));
    }
}

pub(crate) fn cloudformation_is_released_by_the_commands_of_its_readme() {
    need_the_aws_cli();
    let example = Example::new("cloudformation");
    let [first, status, deploy, rollback, last] = example.commands();
    example.run(&first).expect(0).says(["Making the stack of `dev`", "Releasing 1 to dev"]);
    assert!(example.run(&status).expect(0).stdout.starts_with("ENVIRONMENT  RELEASE"));
    assert_eq!(example.version("dev", "convert"), "2");

    example.edit("src/index.py", "\"chf\": 0.95", "\"chf\": 0.96");
    example.deploy_and_check_the_url(&deploy, "GET /?cents=100&to=usd -> 200");
    let nothing = example.run(&deploy).expect(0);
    assert!(nothing.stdout.contains("nothing to do, release 2 is live"), "{}", nothing.stdout);

    // CloudFormation leaves alone what has moved since, and a release brings what it changed. Before anything else is uploaded: the
    // emulator gives the last upload's code for every version.
    example.edit("template.yaml", "Runtime: python3.13", "Runtime: python3.13\n      MemorySize: 256");
    example.run(&first).expect(0).says(["Making the stack of `dev`", "Releasing 3 to dev"]);

    example.edit("src/index.py", "\"usd\": 1.25", "\"usd\": 1.2");
    example.run(&deploy).expect(6).says(["`a dollar and a quarter` failed before traffic", "differs at `$.cents`"]);
    example.edit("src/index.py", "\"usd\": 1.2", "\"usd\": 1.25");
    assert_eq!(example.version("dev", "convert"), "4");

    example.run(&rollback).expect(0).says(["(back to 2) to dev"]);
    assert_eq!(example.version("dev", "convert"), "3");
    example.run("deployer --local doctor dev").expect(0);
    init(&example, "dev", ("src/index.py", "\"chf\": 0.96", "\"chf\": 0.97"));
    foreign::released_and_rolled_back_by_its_workflows(
        &example,
        &Change {
            file: "src/index.py",
            texts: ["\"chf\": 0.95", "\"chf\": 0.91", "\"chf\": 0.92"],
            response: Some(("?cents=100&to=chf", ["\"cents\": 91", "\"cents\": 92"])),
        },
    );
    down(&example, &last);
}
