//! Repositories of others: each example gets from `git init` to a rolled-back release by the reusable workflows alone, with the YAML of
//! its README and the roles of docs/permissions.md, on the local AWS that the commands of its README have left.

mod refused;
mod rights;
mod roles;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::actions::{Event, GitHub, Local, Project, Run};
use crate::examples::Example;
use crate::harness::{Ended, bare, block_on, client, copy, repository};

/// What the deployer of the release was built from, on main.
const COMMIT: &str = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";
const ACCOUNTS: [(&str, &str); 2] = [("dev", "111111111111"), ("prod", "222222222222")];

/// What each push changes, in sources that are as the repository has them.
pub(crate) struct Change {
    pub file: &'static str,
    /// The text that is there, and what the first and the second push make of it.
    pub texts: [&'static str; 3],
    /// A path below the URL, and a part of the response after each push.
    pub response: Option<(&'static str, [&'static str; 2])>,
}

/// A repository of somebody's, with its environments on GitHub and on the local AWS.
pub(crate) struct Foreign<'a> {
    example: &'a Example,
    app: String,
    root: PathBuf,
    environments: Vec<&'static str>,
}

/// Two pushes reach every environment, a click goes back, and then nothing has drifted.
#[track_caller]
pub(crate) fn released_and_rolled_back_by_its_workflows<'a>(example: &'a Example, change: &Change) -> Foreign<'a> {
    let foreign = Foreign::init(example);
    foreign.make_the_roles();
    let github = foreign.github("you").with_a_release(COMMIT);
    let last = *foreign.environments.last().unwrap();
    let mut releases = Vec::new();
    for push in 0..2 {
        foreign.edit(change.file, change.texts[push], change.texts[push + 1]);
        if push == 1 {
            foreign.change_terraform();
        }
        foreign.commit("A change");
        let run = foreign.push(&github);
        foreign.runs_in_every_environment(&run, change.response.map(|(path, parts)| (path, parts[push])));
        releases.push(foreign.live(last));
    }
    assert_ne!(releases[0].1, releases[1].1, "both pushes released the same code");

    let run = github.run(&click("rollback"));
    let page = &run.expect([("rollback", "success")]).job("rollback").summary;
    let [(first, code), (second, _)] = &releases[..] else { panic!("{releases:?}") };
    assert!(page.contains(&format!("back to {first}")), "{page}");
    assert_eq!(&foreign.live(last), &(second + 1, code.clone()));
    let recorded = &foreign.history(last)[0];
    assert_eq!(
        [&recorded["kind"], &recorded["back_to"], &recorded["state"]],
        [&json!("rollback"), &json!(first), &json!("live")]
    );
    let url = recorded["run_url"].as_str().unwrap_or_default();
    assert!(url.starts_with(&format!("https://github.com/you/{}/actions/runs/", foreign.app)), "{recorded:#}");

    let run = github.run(&click("drift"));
    run.expect([("drift", "success")]);
    no_log_has_a_secret(&run);
    foreign.refuses_the_role_to_others();
    foreign
}

fn click(workflow: &'static str) -> Event {
    Event { workflow, inputs: Some(json!({})), ..Event::default() }
}

#[track_caller]
fn no_log_has_a_secret(run: &Run) {
    for (name, job) in &run.jobs {
        let secret = ["-key-of-the-run", "-token-of-the-run"].into_iter().find(|secret| job.log.contains(secret));
        assert_eq!(secret, None, "in the log of `{name}`:\n{}", job.log);
    }
}

impl<'a> Foreign<'a> {
    /// `git init` with the example's files, the ports of its local AWS, and the workflows of its README.
    fn init(example: &'a Example) -> Self {
        let name = example.root.file_name().unwrap().to_str().unwrap();
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("foreign-{name}"));
        let _ = std::fs::remove_dir_all(&root);
        copy(&repository().join("deployer/examples").join(name), &root);
        copy(&example.root.join("deployer.toml"), &root.join("deployer.toml"));
        let text = std::fs::read_to_string(root.join("deployer.toml")).unwrap();
        let app = text.lines().find_map(|line| line.strip_prefix("app = ")).unwrap().trim_matches('"').to_owned();
        let has = |environment: &&str| text.contains(&format!("[environments.{environment}]"));
        let environments = ACCOUNTS.map(|(environment, _)| environment).into_iter().filter(has).collect();
        let foreign = Self { example, app, root, environments };
        foreign.write_the_workflows();
        foreign.take_terraform_along();
        foreign.git(&["init", "--quiet", "--initial-branch=main"]);
        foreign.commit("The first commit");
        foreign
    }

    /// As the README prints them: ten lines for deploy and rollback together, and one more for inputs in each.
    fn write_the_workflows(&self) {
        let text = std::fs::read_to_string(self.root.join("README.md")).unwrap();
        let [ours, page] = [".github/workflows/deploy.yml", "docs/github-actions.md"]
            .map(|file| std::fs::read_to_string(repository().join(file)).unwrap());
        let (mut lines, mut files) = (0, Vec::new());
        for block in text.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()) {
            let file = block.lines().next().unwrap().trim_start_matches("# ");
            let own: Vec<_> = block.lines().filter(|line| !line.is_empty() && !line.trim().starts_with('#')).collect();
            let inputs = own.iter().filter(|line| line.trim().starts_with("with:")).count();
            assert!(inputs <= 1, "{block}");
            let printed = block.lines().filter(|line| !line.trim().starts_with("with:"));
            let printed = printed.map(|line| line.replace("default: dev", "default: prod") + "\n").collect::<String>();
            assert!(page.contains(&printed), "docs/github-actions.md prints another {file} than:\n{block}");
            let image = block.split("build-image: ").nth(1).and_then(|rest| rest.split(' ').next());
            assert!(image.is_none_or(|image| ours.contains(image)), "{image:?} is not the image of this repository");
            lines += if file.ends_with("/drift.yml") { 0 } else { own.len() - inputs };
            std::fs::create_dir_all(self.root.join(".github/workflows")).unwrap();
            std::fs::write(self.root.join(file), block).unwrap();
            files.push(file.trim_start_matches(".github/workflows/").to_owned());
        }
        assert_eq!(files, ["deploy.yml", "rollback.yml", "drift.yml"]);
        assert!(lines <= 10, "{lines} lines of YAML for deploy and rollback");
    }

    fn has_terraform(&self) -> bool {
        self.root.join("terraform/environments").exists()
    }

    /// The module by its place instead of a git source, and what only the local AWS needs.
    fn take_terraform_along(&self) {
        if !self.has_terraform() {
            return;
        }
        let module = repository().join("terraform/modules/ledger");
        self.edit("terraform/main.tf", "../../../../terraform/modules/ledger", module.to_str().unwrap());
        let read = |file: &str| std::fs::read_to_string(self.root.join("terraform/environments").join(file)).unwrap();
        for environment in &self.environments {
            let endpoint = format!("local_endpoint = \"http://127.0.0.1:{}\"\n", self.example.port(environment));
            let (values, backend) = (format!("{environment}.tfvars"), format!("{environment}.s3.tfbackend"));
            for (file, text) in
                [(&values, read(&values) + &endpoint), (&backend, read(&backend) + &read("local.s3.tfbackend"))]
            {
                std::fs::write(self.root.join("terraform/environments").join(file), text).unwrap();
            }
        }
    }

    /// A setting of the function, which Terraform applies before the release brings it to the alias.
    fn change_terraform(&self) {
        if self.has_terraform() {
            self.edit(
                "terraform/main.tf",
                "  publish       = true\n",
                "  publish       = true\n  memory_size   = 256\n",
            );
        }
    }

    #[track_caller]
    fn edit(&self, file: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.root.join(file)).unwrap();
        assert!(text.contains(from), "no `{from}` in {file}");
        std::fs::write(self.root.join(file), text.replacen(from, to, 1)).unwrap();
    }

    #[track_caller]
    fn git(&self, arguments: &[&str]) {
        let mut git = Command::new("git");
        git.current_dir(&self.root).env_clear().envs(bare()).env("GIT_CONFIG_GLOBAL", "/dev/null");
        git.args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]);
        Ended::of(&git.args(arguments).output().unwrap()).expect(0);
    }

    #[track_caller]
    fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    /// GitHub with this repository, under the name of its owner, and with the variables that its page names.
    fn github(&self, owner: &str) -> GitHub {
        let local = ACCOUNTS.iter().filter(|(environment, _)| self.environments.contains(environment));
        let local = local.map(|(environment, account)| {
            let kept = self.example.root.join(".deployer/local").join(environment);
            let port = self.example.port(environment).parse().unwrap();
            ((*environment).to_owned(), Local::new(port, account, kept))
        });
        let project = Project::foreign(&format!("{owner}/{}", self.app), self.root.clone(), &self.app, local.collect());
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("github").join(format!("{owner}-{}", self.app));
        GitHub::new(root, project)
    }

    /// The last commit is pushed to main, and every job passes.
    #[track_caller]
    fn push(&self, github: &GitHub) -> Run {
        let run = github.run(&Event { workflow: "deploy", ..Event::default() });
        assert_eq!(run.refused, None);
        run.expect(["build", "attest"].map(|job| (job, "success")));
        for environment in &self.environments {
            run.expect([(*environment, "success")]);
        }
        no_log_has_a_secret(&run);
        run
    }

    /// The same bytes everywhere, and they respond.
    #[track_caller]
    fn runs_in_every_environment(&self, run: &Run, response: Option<(&str, &str)>) {
        let codes: Vec<_> = self.environments.iter().map(|environment| self.live(environment).1).collect();
        assert!(codes.iter().all(|code| *code == codes[0]), "{codes:#?}");
        for environment in &self.environments {
            let Some((path, part)) = response else { continue };
            let url = &run.job(environment).url;
            let body =
                block_on(async { client().get(format!("{url}{path}")).send().await.unwrap().text().await.unwrap() });
            assert!(body.contains(part), "no `{part}` in {body} of {url}{path}");
        }
    }

    /// The number of the live release, and the code of each function.
    fn live(&self, environment: &str) -> (u64, BTreeMap<String, Value>) {
        let status = self.example.status(environment);
        let functions = status["functions"].as_object().unwrap().iter();
        let codes = functions.map(|(key, function)| (key.clone(), function["code_sha256"].clone())).collect();
        (status["release"].as_u64().unwrap(), codes)
    }

    /// The releases of an environment, the last one first.
    fn history(&self, environment: &str) -> Vec<Value> {
        let line = format!("deployer --local history {environment} --output json");
        self.example.run(&line).expect(0).json()["releases"].as_array().unwrap().clone()
    }
}
