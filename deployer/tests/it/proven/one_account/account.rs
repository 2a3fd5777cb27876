//! One account with dev and prod in it, made by the commands of `docs/aws-account.md`.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::printed::blocks;
use super::roles::{Role, rendered};
use super::trace::Trace;
use crate::harness::{Checkout, Emulator, Ended, architecture, bare, free_port};
use crate::stack;

pub(super) const APP: &str = "resume-visitor-counter";
/// Of a user's own AWS account.
pub(super) const ACCOUNT: &str = "444444444444";
/// Whose workflows may deploy, with the numbers of both.
pub(super) const REPOSITORY: &str = "example/resume-visitor-counter";

const PAGE: &str = "docs/aws-account.md";
const HEADING: &str = "## Steps";

/// The account, and the checkout that everything is done in.
pub(super) struct OneAccount {
    pub checkout: Checkout,
    pub emulator: Emulator,
    /// The stages' ports in the contracts: a strict proxy has to listen there.
    pub port: u16,
    pub roles: BTreeMap<String, Role>,
    /// The commands that release, one by one.
    pub releasing: Vec<String>,
    /// What Terraform asked AWS for when it made each environment.
    pub applied: BTreeMap<&'static str, Trace>,
}

static MADE: OnceLock<OneAccount> = OnceLock::new();

/// The account; the first one to ask waits for it.
pub(super) fn one_account() -> &'static OneAccount {
    MADE.get_or_init(OneAccount::make)
}

/// After the last test: nothing ends what is in a static.
pub(crate) fn end() {
    if let Some(account) = MADE.get() {
        account.emulator.stop();
    }
}

/// Which commands a block holds.
fn has(block: &str, command: &str) -> bool {
    block.lines().any(|line| line.trim_start().starts_with(command))
}

impl OneAccount {
    /// Everything up to the first release, in the page's order and words.
    fn make() -> Self {
        let checkout = Checkout::new("one-account");
        prepare(&checkout);
        let emulator = Emulator::start(&checkout.root.join("emulator"), ACCOUNT, &[]);
        let (roles, applied) = (BTreeMap::new(), BTreeMap::new());
        let mut account = Self { checkout, emulator, port: free_port(), roles, releasing: Vec::new(), applied };
        let printed = blocks(PAGE, HEADING);
        let environments =
            printed.iter().filter(|block| !has(block, "deployer ") && !block.contains("terraform/bootstrap init"));
        let bootstrap = printed.iter().filter(|block| block.contains("terraform/bootstrap init"));
        for block in bootstrap {
            account.administrator(block);
        }
        for environment in ["dev", "prod"] {
            // "Per environment": the block that makes it. The one that plans first is for later.
            for block in environments.clone().filter(|block| has(block, "terraform -chdir=terraform init")) {
                let trace = account.traced(&block.replace("dev", environment));
                assert!(account.applied.insert(environment, trace).is_none(), "several blocks make {environment}");
            }
        }
        let releasing = printed.iter().filter(|block| has(block, "deployer "));
        account.releasing = releasing.flat_map(|block| block.lines().map(str::to_owned)).collect();
        account.roles = rendered(&account.checkout.read("terraform/bootstrap/terraform.tfstate"));
        account
    }

    /// Runs a block as it is printed, as an administrator who replies yes to each question.
    #[track_caller]
    pub(super) fn administrator(&self, block: &str) -> Ended {
        self.shell(block, self.emulator.port).expect(0)
    }

    /// The same, and what Terraform asked AWS for meanwhile.
    #[track_caller]
    pub(super) fn traced(&self, block: &str) -> Trace {
        let log = self.checkout.root.join("terraform.log");
        // JSON, which Terraform writes only together with everything that its core has to say: a body may have several lines.
        let variables = format!("TF_LOG_CORE=JSON TF_LOG_PROVIDER=DEBUG TF_LOG_PATH='{}'", log.display());
        self.administrator(&format!("export {variables}\n{block}"));
        let trace = Trace::of(&std::fs::read_to_string(&log).unwrap());
        // The next one would be added to it, and it holds secrets.
        std::fs::remove_file(&log).unwrap();
        trace
    }

    /// Runs commands as they are printed; AWS is what listens at `port`.
    pub(super) fn shell(&self, block: &str, port: u16) -> Ended {
        let root = &self.checkout.root;
        let mut command = Command::new("sh");
        command.args(["-eu", "-c", block]).current_dir(root).env_clear().envs(bare());
        let path = format!("{}:{}", root.join("bin").display(), path());
        command.env("PATH", path).env("TF_CLI_CONFIG_FILE", root.join("terraform.tfrc"));
        command.env("CHECKPOINT_DISABLE", "1").env("NO_PROXY", "127.0.0.1").env("AWS_EC2_METADATA_DISABLED", "true");
        command.env("CARGO_TARGET_DIR", root.with_file_name("functions"));
        // How a user selects AWS and credentials; and what the local AWS does not have.
        command.env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}")).env("AWS_REGION", "us-east-1");
        command.env("AWS_ACCESS_KEY_ID", ACCOUNT).env("AWS_SECRET_ACCESS_KEY", "local");
        command.env("TF_VAR_local_endpoint", format!("http://127.0.0.1:{}", self.port));
        command.env("TF_VAR_architecture", architecture());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A program that reads no reply may have ended before it is written.
        let _ = child.stdin.take().unwrap().write_all(b"yes\n");
        Ended::of(&child.wait_with_output().unwrap())
    }

    /// A role that bootstrap made: `dev.deploy` as its output names it.
    pub(super) fn role(&self, environment: &str, kind: &str) -> &Role {
        let name = format!("{APP}-{environment}-{kind}");
        self.roles.get(&name).unwrap_or_else(|| panic!("bootstrap made no role `{name}`"))
    }
}

/// What a user has before the first step, and the files that the steps have them edit.
fn prepare(checkout: &Checkout) {
    std::fs::create_dir_all(checkout.root.join("bin")).unwrap();
    symlink(env!("CARGO_BIN_EXE_deployer"), checkout.root.join("bin/deployer")).unwrap();
    // Where the provider comes from on this machine.
    checkout.write("terraform.tfrc", &stack().checkout.read(".deployer/local/dev/terraform.tfrc"));
    let example = checkout.read("terraform/bootstrap/environments/example.tfvars");
    assert!(example.contains("\"owner/name\""), "the example names no repository");
    let yours = example.replace("\"owner/name\"", &format!("\"{REPOSITORY}\""));
    checkout.write("terraform/bootstrap/environments/yours.tfvars", &yours);
    // A real canary takes minutes: here seconds.
    let canary = "strategy = \"canary\"\npercent = 10\nbake_seconds = 180\nwatch_seconds = 180";
    checkout.edit("deployer.toml", canary, "strategy = \"canary\"\npercent = 10\nbake_seconds = 1\nwatch_seconds = 0");
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    checkout.edit("deployer.toml", "x86_64-unknown-linux-gnu", &target);
}

fn path() -> String {
    bare().into_iter().find(|(name, _)| name == "PATH").map(|(_, value)| value).unwrap()
}
