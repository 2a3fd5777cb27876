//! Other people's projects: each example is released by the commands of its README, in an account in which nothing else is.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::{Emulator, Ended, bare, copy, repository, token};
use crate::stack;

/// A copy of an example, whose commands reach the local AWS as they would reach AWS.
struct Example {
    root: PathBuf,
    account: &'static str,
    /// Its own emulator; else that of dev, behind its gate.
    emulator: Option<Emulator>,
}

impl Example {
    /// A copy with the module that it may use, for an account in which nothing else is.
    fn new(name: &str, account: &'static str) -> Self {
        let place = stack().checkout.root.join(format!("examples-{name}"));
        for part in ["terraform/modules/ledger", &format!("deployer/examples/{name}")] {
            copy(&repository().join(part), &place.join(part));
        }
        Self { root: place.join("deployer/examples").join(name), account, emulator: None }
    }

    /// In an emulator of its own: a HTTP API responds only in the account that is the emulator's.
    fn alone(name: &str, account: &'static str) -> Self {
        let example = Self::new(name, account);
        let emulator = Emulator::start(&stack().checkout.root.join(format!("emulator-{name}")), account, &[]);
        Self { emulator: Some(emulator), ..example }
    }

    /// Runs the commands that make what is there before the first release.
    fn make(&self, commands: &[String]) {
        commands.iter().for_each(|line| drop(self.run(line).expect(0)));
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.root.join(file)).unwrap();
        assert!(text.contains(from), "no `{from}` in {file}");
        std::fs::write(self.root.join(file), text.replacen(from, to, 1)).unwrap();
    }

    /// The commands that its README shows.
    fn commands(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.root.join("README.md")).unwrap();
        let block = text.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
        block.lines().map(str::to_owned).collect()
    }

    fn run(&self, line: &str) -> Ended {
        let (program, arguments) = line.split_once(' ').unwrap();
        let port = self.emulator.as_ref().map_or_else(|| stack().checkout.port("dev"), |emulator| emulator.port);
        let token = if self.emulator.is_some() { "none".to_owned() } else { token(port).unwrap() };
        let mut command = match program {
            "deployer" => Command::new(env!("CARGO_BIN_EXE_deployer")),
            "terraform" => Command::new("terraform"),
            other => panic!("`{other}` is not one of the example's programs"),
        };
        let settings = stack().checkout.root.join(".deployer/local/dev/terraform.tfrc");
        command.current_dir(&self.root).env_clear().envs(bare()).stdin(Stdio::null()).args(arguments.split(' '));
        command.env("TF_CLI_CONFIG_FILE", settings).env("TF_INPUT", "0").env("NO_COLOR", "1");
        command
            .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}"))
            .env("AWS_ACCESS_KEY_ID", self.account)
            .env("AWS_SECRET_ACCESS_KEY", "local")
            .env("AWS_SESSION_TOKEN", token)
            .env("AWS_REGION", "us-east-1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("TF_VAR_local_endpoint", format!("http://127.0.0.1:{port}"))
            .env("NO_PROXY", "127.0.0.1");
        Ended::of(&command.output().unwrap())
    }

    /// What `status` says of an environment.
    fn status(&self, environment: &str) -> Value {
        self.run(&format!("deployer status {environment} --output json")).expect(0).json()["environments"][0].clone()
    }

    /// The version of a function that is live.
    fn version(&self, environment: &str, function: &str) -> Value {
        self.status(environment)["functions"][function]["version"].clone()
    }
}

/// The first deploy of functions that Terraform made of the first build: they are in use already.
fn first_deploy(example: &Example, deploy: &str) {
    let first = example.run(deploy).expect(0).says(["Adopted what is live as release 1: its checks pass"]);
    assert!(first.stdout.contains("nothing to do, release 1 is live"), "{}", first.stdout);
    let again = example.run(deploy).expect(0);
    assert!(!again.stderr.contains("Building"), "{}", again.stderr);
}

pub(crate) fn a_python_queue_worker_is_released_by_the_commands_of_its_readme() {
    let example = Example::new("python-queue", "888888888888");
    example.edit("deployer.toml", "account = \"111111111111\"", "account = \"888888888888\"");
    let commands = example.commands();
    let [first @ .., deploy, status] = commands.as_slice() else { panic!("{commands:?}") };
    example.make(first);
    first_deploy(&example, deploy);
    assert!(example.run(status).expect(0).stdout.contains("worker      version 1 of jobs-worker-dev"));

    example.edit("src/handler.py", "\"sum\": sum(", "\"total\": sum(");
    example.run(deploy).expect(0);
    let nothing = example.run(deploy).expect(0);
    assert!(nothing.stdout.contains("nothing to do, release 2 is live"), "{}", nothing.stdout);
    assert_eq!(example.version("dev", "worker"), "2");

    example.edit("src/handler.py", "\"done\": len(real)", "\"done\": 1 / 0");
    example.run(deploy).expect(6).says(["`an empty batch` failed before traffic", "the function failed: Unhandled"]);
    assert_eq!(example.status("dev")["release"], 2);
    example.edit("src/handler.py", "\"done\": 1 / 0", "\"done\": len(real)");

    std::fs::rename(example.root.join("src/handler.py"), example.root.join("src/main.py")).unwrap();
    example.run(deploy).expect(4).says(["the package of function `worker` has no `handler.py`"]);
    std::fs::rename(example.root.join("src/main.py"), example.root.join("src/handler.py")).unwrap();

    example.run("deployer rollback --to previous").expect(0).says(["Releasing 4 (back to 1) to dev"]);
    assert_eq!(example.version("dev", "worker"), "1");
    example.run("terraform plan -detailed-exitcode -no-color").expect(0);
    example.run("deployer doctor dev").expect(0);
}

pub(crate) fn a_python_http_api_is_released_by_the_commands_of_its_readme() {
    let example = Example::alone("python-http-api", "888888888801");
    let commands = example.commands();
    let [first @ .., deploy, promote] = commands.as_slice() else { panic!("{commands:?}") };
    example.make(first);
    first_deploy(&example, deploy);
    let promoted = example.run(promote).expect(0).says(["Adopted what is live as release 1"]);
    assert!(promoted.stdout.contains("nothing to do, release 1 is live"), "{}", promoted.stdout);

    example.edit("src/app.py", "\"Call Ada\"", "\"Call Grace\"");
    let released = example.run(&format!("{deploy} --output json")).expect(0).json();
    let checks = released["checks"].as_array().unwrap();
    let after = checks.iter().find(|check| check["phase"] == "after the aliases").unwrap();
    assert_eq!((&after["answer"], after.get("by_invoke")), (&"GET /notes/1 -> 200".into(), None), "{released:#}");
    assert!(released["url"].as_str().unwrap().contains("/_aws/execute-api/"), "{released:#}");

    // Before anything else is uploaded: the emulator gives the last upload's code for every version.
    example.run(promote).expect(0);
    assert_eq!(example.version("prod", "api"), "2");
    example.run("deployer rollback prod --to previous").expect(0);
    assert_eq!((example.version("prod", "api"), example.version("dev", "api")), ("1".into(), "2".into()));

    example.edit("src/app.py", "event[\"pathParameters\"]", "event[\"parameters\"]");
    example.run(deploy).expect(6).says([
        "`a note` failed before traffic",
        "the function failed: Unhandled (",
        "Logged by the function during check `a note`, at the end",
        "KeyError",
    ]);
    example.edit("src/app.py", "event[\"parameters\"]", "event[\"pathParameters\"]");
    example.edit("src/app.py", "\"text\": text", "\"note\": text");
    example.run(deploy).expect(6).says(["`a note` failed before traffic", "the body differs at `$.text`"]);
    assert_eq!(example.version("dev", "api"), "2");

    example.run("terraform plan -detailed-exitcode -no-color").expect(0);
    let found = example.run("deployer doctor dev --output json").expect(0).stdout;
    for part in ["integration GET /notes/{id}", "deploys every change of a route by itself"] {
        assert!(found.contains(part), "no `{part}` in {found}");
    }
}

pub(crate) fn a_node_function_with_a_url_is_released_by_the_commands_of_its_readme() {
    let example = Example::new("node-function-url", "888888888802");
    let commands = example.commands();
    let [first @ .., deploy, status] = commands.as_slice() else { panic!("{commands:?}") };
    example.make(first);
    first_deploy(&example, deploy);
    assert!(example.run(status).expect(0).stdout.contains("hello       version 1 of greet-hello-dev"));

    example.edit("src/index.mjs", "?? \"world\"", "?? \"everybody\"");
    let released = example.run(&format!("{deploy} --output json")).expect(0).json();
    let checks = released["checks"].as_array().unwrap();
    let after = checks.iter().find(|check| check["phase"] == "after the aliases").unwrap();
    assert_eq!((&after["answer"], after.get("by_invoke")), (&"GET /?name=Ada -> 200".into(), None), "{released:#}");
    assert_eq!(example.version("dev", "hello"), "2");

    example.edit("src/index.mjs", "`Hello, ${name}`", "`Goodbye, ${name}`");
    example.run(deploy).expect(6).says(["`greets by name` failed before traffic", "the body differs at `$.greeting`"]);
    assert_eq!(example.version("dev", "hello"), "2");

    example.run("deployer rollback --to previous").expect(0).says(["(back to 1) to dev"]);
    assert_eq!(example.version("dev", "hello"), "1");
    example.run("terraform plan -detailed-exitcode -no-color").expect(0);
    example.run("deployer doctor dev").expect(0);
}
