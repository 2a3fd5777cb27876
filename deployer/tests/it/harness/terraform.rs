//! Terraform as `local up` runs it, and against other accounts and emulators.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::stack::account;
use super::{Ended, Stack, architecture, bare, token};

impl Stack {
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

    /// A plan of Terraform's, in a file of the checkout, as `terraform show -json` prints it.
    #[track_caller]
    pub(crate) fn terraform_plan_with(&self, environment: &str, file: &str, more: &[&str]) {
        let plan = self.checkout.root.join("plan");
        let out = format!("-out={}", plan.display());
        self.terraform(environment, &[&["plan", out.as_str()], more].concat());
        let shown = self.terraform_command(environment).args(["show", "-json"]).arg(plan).output().unwrap();
        self.checkout.write(file, &Ended::of(&shown).expect(0).stdout);
    }

    /// The state of an environment, as Terraform keeps it.
    #[track_caller]
    pub(crate) fn terraform_state(&self, environment: &str) -> String {
        Ended::of(&self.terraform_command(environment).args(["state", "pull"]).output().unwrap()).expect(0).stdout
    }

    /// The AWS provider's types: `terraform providers schema -json`.
    #[track_caller]
    pub(crate) fn terraform_schema(&self) -> Value {
        let mut command = self.terraform_command("dev");
        let shown = Ended::of(&command.args(["providers", "schema", "-json"]).output().unwrap()).expect(0);
        let schema: Value = serde_json::from_str(&shown.stdout).unwrap();
        let providers = schema["provider_schemas"].as_object().unwrap();
        providers.iter().find(|(name, _)| name.ends_with("/hashicorp/aws")).unwrap().1.clone()
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
            .env("AWS_SECRET_ACCESS_KEY", "local")
            .env("AWS_SESSION_TOKEN", token(self.checkout.port(environment)).unwrap_or_default());
        command.env("AWS_REGION", "us-east-1").env("AWS_EC2_METADATA_DISABLED", "true").env("NO_PROXY", "127.0.0.1");
        command
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
