//! Other people's projects: each example is released by the commands of its README, in an account in which nothing else is.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::{Ended, bare, copy, repository, token};
use crate::stack;

const ACCOUNT: &str = "888888888888";

/// A copy of an example, whose commands reach the local AWS as they would reach AWS.
struct Example {
    root: PathBuf,
}

impl Example {
    fn new(name: &str) -> Self {
        let root = stack().checkout.root.join(format!("examples-{name}"));
        copy(&repository().join("deployer/examples").join(name), &root);
        let example = Self { root };
        example.edit("deployer.toml", "account = \"111111111111\"", &format!("account = \"{ACCOUNT}\""));
        example
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
        let port = stack().checkout.port("dev");
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
            .env("AWS_ACCESS_KEY_ID", ACCOUNT)
            .env("AWS_SECRET_ACCESS_KEY", "local")
            .env("AWS_SESSION_TOKEN", token(port).unwrap())
            .env("AWS_REGION", "us-east-1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("NO_PROXY", "127.0.0.1");
        Ended::of(&command.output().unwrap())
    }

    /// What `status` says of its environment.
    fn status(&self) -> Value {
        self.run("deployer status dev --output json").expect(0).json()["environments"][0].clone()
    }
}

pub(crate) fn a_python_queue_worker_is_released_by_the_commands_of_its_readme() {
    let example = Example::new("python-queue");
    let commands = example.commands();
    let [first @ .., deploy, rollback] = commands.as_slice() else { panic!("{commands:?}") };
    first.iter().for_each(|line| drop(example.run(line).expect(0)));
    example.run(deploy).expect(0).says(["Releasing 1 to dev"]);
    assert_eq!(example.status()["functions"]["worker"]["version"], "1");

    example.edit("src/handler.py", "\"sum\": sum(", "\"total\": sum(");
    example.run(deploy).expect(0);
    let nothing = example.run(deploy).expect(0);
    assert!(nothing.stdout.contains("nothing to do, release 2 is live"), "{}", nothing.stdout);
    assert_eq!(example.status()["functions"]["worker"]["version"], "2");

    example.edit("src/handler.py", "\"done\": len(real)", "\"done\": 1 / 0");
    example.run(deploy).expect(6).says(["`an empty batch` failed before traffic", "the function failed: Unhandled"]);
    assert_eq!(example.status()["release"], 2);
    example.edit("src/handler.py", "\"done\": 1 / 0", "\"done\": len(real)");

    std::fs::rename(example.root.join("src/handler.py"), example.root.join("src/main.py")).unwrap();
    example.run(deploy).expect(4).says(["the package of function `worker` has no `handler.py`"]);
    std::fs::rename(example.root.join("src/main.py"), example.root.join("src/handler.py")).unwrap();

    example.run(rollback).expect(0).says(["Releasing 4 (back to 1) to dev"]);
    assert_eq!(example.status()["functions"]["worker"]["version"], "1");
    example.run("terraform plan -detailed-exitcode -no-color").expect(0);
    example.run("deployer doctor dev").expect(0);
}
