//! The roles of a repository's pipeline, as docs/permissions.md has an administrator make them.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{ACCOUNTS, Foreign};
use crate::examples::as_account;
use crate::harness::{Ended, bare, copy, repository};

impl Foreign<'_> {
    /// The root of docs/permissions.md, once in each account.
    pub(super) fn make_the_roles(&self) {
        if self.app == "jobs" {
            // Its contract is in `deployer.toml`.
            self.example.run("deployer --local contract write dev --yes").expect(0);
        }
        // Else the deploy role of `prod`, which has no right in `dev`, could not promote: the local AWS refuses nothing.
        let reads = format!("reader_role = \"{}-dev-read\"", self.app);
        let configuration = std::fs::read_to_string(self.root.join("deployer.toml")).unwrap();
        assert_eq!(configuration.contains(&reads), self.environments.contains(&"prod"), "{configuration}");
        let page = std::fs::read_to_string(repository().join("docs/permissions.md")).unwrap();
        if self.root.join("stack.sh").exists() {
            return self.make_the_roles_by_hand(&page);
        }
        let printed = page.split("```hcl\n").nth(1).unwrap().split("```").next().unwrap();
        let (before, rest) = printed.split_once("  environments = {\n").unwrap();
        let (_, after) = rest.split_once("\n  }\n").unwrap();
        let published = "git::https://github.com/OWNER/deployer.git//terraform/modules/pipeline_roles?ref=v0.2.0";
        let module = repository().join("terraform/modules/pipeline_roles");
        for (environment, _) in ACCOUNTS.iter().filter(|(environment, _)| self.environments.contains(environment)) {
            let other = ACCOUNTS.iter().find(|(other, _)| other != environment && self.environments.contains(other));
            let way = if *environment == "dev" { "to" } else { "from" };
            let promotes = other.map_or_else(String::new, |(other, account)| {
                format!("{way} = {{ environment = \"{other}\", account = \"{account}\" }}")
            });
            let text = format!("{before}  environments = {{ {environment} = {{ {promotes} }} }}\n{after}");
            assert!(text.contains(published), "docs/permissions.md names another source of the module");
            let text = text.replace(published, module.to_str().unwrap()).replace("notes", &self.app);
            let folder = self.example.kept(environment, "roles");
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("main.tf"), text).unwrap();
            copy(&repository().join("terraform/.terraform.lock.hcl"), &folder.join(".terraform.lock.hcl"));
            for arguments in [&["init", "-lockfile=readonly"][..], &["apply", "-auto-approve"]] {
                self.terraform(environment, &folder, arguments).expect(0);
            }
        }
    }

    fn terraform(&self, environment: &str, folder: &Path, arguments: &[&str]) -> Ended {
        let mut command = Command::new("terraform");
        command.current_dir(folder).env_clear().envs(bare()).stdin(Stdio::null());
        command.args(&arguments[..1]).args(["-no-color", "-input=false"]).args(&arguments[1..]);
        command
            .env("TF_CLI_CONFIG_FILE", self.example.kept(environment, "terraform.tfrc"))
            .env("CHECKPOINT_DISABLE", "1");
        as_account(&mut command, &self.example.port(environment), &self.example.kept(environment, "credentials"));
        Ended::of(&command.output().unwrap())
    }

    /// Of a project without Terraform: by the documents of the page, for the one environment that it has.
    fn make_the_roles_by_hand(&self, page: &str) {
        let block = |rest: &str| {
            rest.split("```").next().unwrap().replace("notes-api", "rates-convert").replace("notes", &self.app)
        };
        let blocks: Vec<_> = page.split("```json\n").skip(1).map(block).collect();
        let [trust, deploy, plan, _read] = &blocks[..] else { panic!("{} documents", blocks.len()) };
        // As the page describes it.
        let mut of_plan: Value = serde_json::from_str(trust).unwrap();
        of_plan["Statement"].as_array_mut().unwrap().truncate(1);
        let claims = &mut of_plan["Statement"][0]["Condition"]["StringEquals"];
        let workflow = |name| format!("OWNER/deployer/.github/workflows/reusable-{name}.yml@refs/tags/v0.2.0");
        claims["token.actions.githubusercontent.com:job_workflow_ref"] =
            json!(["deploy", "drift", "promote"].map(workflow));
        claims["token.actions.githubusercontent.com:sub"] =
            json!([format!("repo:you/{}:environment:dev-plan", self.app)]);
        for (role, trust, policy) in [("deploy", trust, deploy), ("plan", &of_plan.to_string(), plan)] {
            let name = format!("{}-dev-{role}", self.app);
            self.aws(&["create-role", "--role-name", &name, "--assume-role-policy-document", trust]);
            let policy =
                ["put-role-policy", "--role-name", &name, "--policy-name", "deployer", "--policy-document", policy];
            self.aws(&policy);
        }
    }

    fn aws(&self, arguments: &[&str]) {
        let mut command = Command::new("aws");
        let port = self.example.port("dev");
        command.env_clear().envs(bare()).stdin(Stdio::null());
        as_account(&mut command, &port, &self.example.kept("dev", "credentials"));
        // Version 1 reads no other name.
        command.env("AWS_DEFAULT_REGION", "us-east-1");
        command.args(["--endpoint-url", &format!("http://127.0.0.1:{port}"), "iam"]).args(arguments);
        Ended::of(&command.output().unwrap()).expect(0);
    }
}
