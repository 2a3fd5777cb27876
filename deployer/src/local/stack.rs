//! Makes the stack of an environment on its local AWS, with Terraform or with a command of the project.
//!
//! Both get the user's environment without AWS and Terraform settings, and those of the local AWS instead. Whether the stack has what
//! a release needs, the release checks.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result};
use tokio::process::Command;

use super::instance::Instance;
use super::terraform::Terraform;
use super::tool::{self, Step};
use super::{Place, cannot};
use crate::artifact::{files_below, own_folder, sha256};
use crate::config::{Config, has_terraform};
use crate::events::Events;
use crate::failure::Failure;
use crate::interrupt::Interrupt;

/// Makes the stacks of a project.
#[derive(Debug)]
pub(super) struct Maker<'a> {
    config: &'a Config,
    terraform: Option<Terraform>,
    interrupt: Interrupt,
}

impl<'a> Maker<'a> {
    /// Finds the Terraform folder or the command, and the programs that it needs.
    ///
    /// # Errors
    /// There is neither; or the project has Terraform files, and Terraform is missing or too old.
    pub(super) async fn find(config: &'a Config, interrupt: Interrupt) -> Result<Self> {
        let stack = &config.local_stack;
        let terraform = match &stack.terraform {
            Some(folder) if has_terraform(folder) => Some(Terraform::find(config, folder).await?),
            Some(folder) => {
                return Err(Failure::bad_input(format!("there are no Terraform files (`*.tf`) in `{}`", folder.display()))
                    .hint(
                        "set `terraform` in `[local]` to the right folder, relative to that of `deployer.toml`; nothing was changed",
                    )
                    .into());
            }
            None if stack.command.is_none() => {
                return Err(Failure::bad_input(
                    "nothing creates the stack of the local AWS: there are no Terraform files in the folder `terraform` or beside `deployer.toml`",
                )
                .hint("set `terraform = \"FOLDER\"` in `[local]`, or set `command` there to a shell command that creates the stack; nothing was changed")
                .into());
            }
            None => None,
        };
        Ok(Self { config, terraform, interrupt })
    }

    /// Makes the stack of one environment, unless its inputs are unchanged.
    ///
    /// # Errors
    /// Terraform or the command failed, with its last output, or did not end.
    pub(super) async fn make(&self, place: &Place, instance: &Instance, events: &dyn Events) -> Result<()> {
        let stamp = place.folder.join("made");
        let inputs = self.inputs(instance).await?;
        if std::fs::read_to_string(&stamp).is_ok_and(|made| made == inputs) {
            return Ok(());
        }
        // The stamp is wrong from now on, also if this fails midway.
        let _ = std::fs::remove_file(&stamp);
        let name = &place.environment.name;
        events.progress("Making", &format!("the stack of `{name}`"));
        let cache = match &self.terraform {
            Some(terraform) => terraform.turn(self.config, &self.interrupt).await?,
            None => None,
        };
        if let Some(text) = &self.config.local_stack.command {
            let mut command = Command::new("sh");
            command.args(["-e", "-c", text]).current_dir(&self.config.root);
            let doing = format!("`local.command` for `{name}`");
            self.run(command, place, &Step { program: "sh", doing: &doing, hint: tool::RUN_AGAIN }).await?;
        } else if let Some(terraform) = &self.terraform {
            let doing = format!("Terraform for `{name}`");
            let hint = "fix what it names and run again; if the state is not in a file, let `command` in `[local]` \
                        run Terraform with a `-backend-config` for the local AWS; nothing was released";
            self.run(terraform.init(), place, &Step { program: "terraform", doing: &doing, hint }).await?;
            drop(cache);
            let step = Step { program: "terraform", doing: &doing, hint: tool::RUN_AGAIN };
            self.run(terraform.apply(&place.folder.join("terraform.tfstate")), place, &step).await?;
        }
        std::fs::write(&stamp, inputs).with_context(|| cannot("write", &stamp))
    }

    /// Runs a program that reaches only this local AWS, without the user's settings and credentials.
    async fn run(&self, mut command: Command, place: &Place, step: &Step<'_>) -> Result<()> {
        let nothing = place.folder.join("empty");
        std::fs::write(&nothing, "").with_context(|| cannot("write", &nothing))?;
        command.env_clear().envs(self.config.process.without_cloud_settings()).stdin(Stdio::null());
        command.env("DEPLOYER_ENVIRONMENT", &place.environment.name);
        command.env("AWS_ENDPOINT_URL", place.access.endpoint());
        // Version 1 of the AWS CLI reads only the second.
        for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
            command.env(name, &place.environment.region);
        }
        command.env("AWS_ACCESS_KEY_ID", &place.access.account).env("AWS_SECRET_ACCESS_KEY", "local");
        command.env("AWS_SESSION_TOKEN", place.access.token().unwrap_or_default());
        command
            .env("AWS_CONFIG_FILE", &nothing)
            .env("AWS_SHARED_CREDENTIALS_FILE", &nothing)
            .env("AWS_EC2_METADATA_DISABLED", "true");
        for name in ["NO_PROXY", "no_proxy"] {
            command.env(name, "127.0.0.1,localhost");
        }
        if let Some(terraform) = &self.terraform {
            terraform.settings(self.config, place, &mut command)?;
        }
        tool::succeed(&mut command, step, &self.interrupt).await
    }

    /// A hash over the stack's inputs: if it is unchanged, there is nothing to do. The inputs are the Terraform folder, if there is
    /// one, else the whole project.
    async fn inputs(&self, instance: &Instance) -> Result<String> {
        let Config { root, process, local_stack, .. } = self.config;
        let folder = local_stack.terraform.as_ref().unwrap_or(root);
        let mut text = format!("{instance:?} {:?}", local_stack.command);
        for path in files_below(process, folder, &[own_folder(self.config)]).await {
            text += &format!("\n{} {}", path.display(), hash(&path)?);
        }
        Ok(sha256(text.as_bytes()))
    }
}

fn hash(path: &Path) -> Result<String> {
    let content = std::fs::read(path).with_context(|| cannot("read", path))?;
    Ok(sha256(&content))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::cli::Output;
    use crate::config::ProcessEnvironment;
    use crate::ending::Ending as _;
    use crate::failure::Exit;
    use crate::local::places;
    use crate::report::Report;
    use crate::world::World;

    const FILE: &str = "app = \"shop\"\nfunctions.api = {}\nenvironments.dev = { ledger = \"l\", region = \"eu-west-1\" }\n\
                        [local]\ndev = { port = 4566, account = \"111111111111\" }\n";

    /// A project with `more` in its file.
    struct Project {
        config: Config,
        folder: tempfile::TempDir,
    }

    fn project(more: &str, files: &[(&str, &str)]) -> Project {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let variables = [("PATH", "/usr/bin:/bin"), ("AWS_PROFILE", "mine"), ("TF_VAR_a", "mine"), ("KEPT", "yes")];
        let file = folder.path().join("deployer.toml");
        let config = Config::parse(&format!("{FILE}{more}"), &file, true, ProcessEnvironment::of(variables)).unwrap();
        std::fs::create_dir_all(places(&config).unwrap()[0].folder.clone()).unwrap();
        Project { config, folder }
    }

    impl Project {
        async fn make(&self) -> Result<()> {
            let (_stop, interrupt) = Interrupt::by_hand();
            let report = Report::new(Output::Text, (false, true), None, &World::real());
            let instance = Instance::of(std::process::id()).unwrap();
            let maker = Maker::find(&self.config, interrupt).await?;
            maker.make(&places(&self.config).unwrap()[0], &instance, &report).await
        }

        async fn refusal(&self) -> (String, Exit, String) {
            let error = self.make().await.unwrap_err();
            (format!("{error:#}"), error.exit(), error.hint().unwrap_or_default().to_owned())
        }
    }

    #[tokio::test]
    async fn a_project_without_terraform_or_command_is_refused() {
        let (message, exit, hint) = project("", &[]).refusal().await;
        assert!(message.starts_with("nothing creates the stack of the local AWS"), "{message}");
        assert!(exit == Exit::BadInput && hint.contains("`terraform = ") && hint.contains("set `command`"), "{hint}");
        let (message, exit, _) = project("terraform = \"infra\"", &[("infra/README.md", "")]).refusal().await;
        assert!(
            message.starts_with("there are no Terraform files (`*.tf`) in `") && message.ends_with("/infra`"),
            "{message}"
        );
        assert_eq!(exit, Exit::BadInput);
    }

    #[tokio::test]
    async fn terraform_is_found_in_its_folder_or_beside_the_file() {
        let found = |files: &[(&str, &str)]| {
            let project = project("", files);
            let root = project.folder.path().canonicalize().unwrap();
            let folder = project.config.local_stack.terraform.clone();
            folder.map(|folder| folder.strip_prefix(root).unwrap().to_owned())
        };
        assert_eq!(found(&[("terraform/main.tf", ""), ("main.tf", "")]).unwrap(), Path::new("terraform"));
        assert_eq!(found(&[("terraform/README.md", ""), ("main.tf", "")]).unwrap(), Path::new(""));
        assert_eq!(found(&[("infra/main.tf", "")]), None);
    }

    #[tokio::test]
    async fn a_command_gets_the_local_aws_and_no_user_settings() {
        let project = project("command = \"env >seen\"", &[]);
        project.make().await.unwrap();
        let seen = std::fs::read_to_string(project.folder.path().join("seen")).unwrap();
        let seen: BTreeMap<_, _> = seen.lines().filter_map(|line| line.split_once('=')).collect();
        assert_eq!((seen.get("DEPLOYER_ENVIRONMENT"), seen.get("AWS_REGION")), (Some(&"dev"), Some(&"eu-west-1")));
        assert_eq!(seen.get("AWS_ENDPOINT_URL"), Some(&"http://127.0.0.1:4566"));
        assert_eq!((seen.get("AWS_ACCESS_KEY_ID"), seen.get("KEPT")), (Some(&"111111111111"), Some(&"yes")));
        assert!(!seen.contains_key("AWS_PROFILE") && !seen.keys().any(|name| name.starts_with("TF_")), "{seen:?}");
    }

    #[tokio::test]
    async fn a_failed_command_is_reported_with_its_last_output() {
        let project = project("command = \"echo no such role; false; echo on\"", &[]);
        let (message, exit, hint) = project.refusal().await;
        assert_eq!(message, "`local.command` for `dev` failed (exit status: 1): no such role");
        assert!(exit == Exit::Error && hint.contains("nothing was released"), "{hint}");
    }

    #[tokio::test]
    async fn an_unchanged_stack_is_not_made_again() {
        let project = project("command = \"echo x >>.deployer/runs\"", &[("template.yaml", "a")]);
        let runs = || std::fs::read_to_string(project.folder.path().join(".deployer/runs")).unwrap().len() / 2;
        project.make().await.unwrap();
        project.make().await.unwrap();
        assert_eq!(runs(), 1);
        std::fs::write(project.folder.path().join("template.yaml"), "b").unwrap();
        // An editor's lock is a link to nothing.
        std::os::unix::fs::symlink("user@host.1:2", project.folder.path().join(".#template.yaml")).unwrap();
        project.make().await.unwrap();
        assert_eq!(runs(), 2);
    }

    #[tokio::test]
    async fn terraform_gets_a_state_of_its_own_and_prints_no_colours() {
        let script = "#!/bin/sh\n[ \"$1\" = version ] && echo '{\"terraform_version\":\"1.11.0\"}' && exit\n\
                      echo \"$TF_VAR_environment $TF_VAR_local_endpoint $@\" >>\"$XDG_CACHE_HOME/calls\"\n";
        let mut project = project("", &[("main.tf", ""), ("bin/terraform", script), (".terraform.lock.hcl", "#")]);
        let root = project.config.root.clone();
        let program = root.join("bin/terraform");
        std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let path = format!("{}:/usr/bin:/bin", root.join("bin").display());
        let cache = root.join("cache").display().to_string();
        project.config.process = ProcessEnvironment::of([("PATH", path), ("XDG_CACHE_HOME", cache)]);
        project.make().await.unwrap();
        let calls = std::fs::read_to_string(root.join("cache/calls")).unwrap();
        let lines: Vec<_> = calls.lines().map(|line| line.replace(&*root.to_string_lossy(), "ROOT")).collect();
        let before = "dev http://127.0.0.1:4566 -chdir=ROOT";
        assert_eq!(
            lines,
            [
                format!("{before} init -reconfigure -no-color -input=false -lockfile=readonly"),
                format!(
                    "{before} apply -auto-approve -no-color -input=false -state=ROOT/.deployer/local/dev/terraform.tfstate"
                ),
            ]
        );
    }
}
