//! An emulator of a test's own, beside those of the shared stack.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{bare, block_on, client, free_port};
use crate::stack;

/// The module that is started, and what it consists of.
const SOURCES: [(&str, &str); 2] = [
    ("alone.py", "from ministack import app as emulator\nfrom replies import once\n\napp = once(emulator.app)\n"),
    ("replies.py", include_str!("../../../src/local/replies.py")),
];

/// One account in a process of its own. Ends with the value.
pub(crate) struct Emulator {
    process: Child,
    /// Where it listens, on the loopback interface.
    pub port: u16,
}

impl Emulator {
    /// Starts it as `local up` does, but with no gate, and with these variables besides, and waits until it responds.
    pub(crate) fn start(folder: &Path, account: &str, variables: &[(&str, &str)]) -> Self {
        let _ = std::fs::remove_dir_all(folder);
        std::fs::create_dir_all(folder).unwrap();
        for (name, source) in SOURCES {
            std::fs::write(folder.join(name), source).unwrap();
        }
        let (port, log) = (free_port(), File::create(folder.join("emulator.log")).unwrap());
        let endpoint = format!("http://127.0.0.1:{port}");
        let mut command = Command::new(python());
        command.args(["-m", "hypercorn", "alone:app", "--workers", "0", "--keep-alive", "100", "--bind"]);
        command.arg(format!("127.0.0.1:{port}")).current_dir(folder).env_clear().envs(bare());
        command.env("HOME", folder).env("TMPDIR", folder).env("STATE_DIR", folder.join("state"));
        command.env("S3_DATA_DIR", folder.join("s3")).env("AWS_EC2_METADATA_DISABLED", "true");
        command.env("GATEWAY_PORT", port.to_string()).env("MINISTACK_ACCOUNT_ID", account);
        command.env("AWS_ENDPOINT_URL", &endpoint).env("AWS_REGION", "us-east-1");
        command.env("AWS_ACCESS_KEY_ID", account).env("AWS_SECRET_ACCESS_KEY", "local");
        command.envs(variables.iter().copied()).process_group(0);
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let emulator = Self { process: command.spawn().unwrap(), port };
        let (started, health) = (Instant::now(), format!("{endpoint}/_ministack/health"));
        while !block_on(async {
            client().get(&health).send().await.is_ok_and(|response| response.status().is_success())
        }) {
            assert!(started.elapsed() < Duration::from_secs(30), "the emulator does not respond");
            std::thread::sleep(Duration::from_millis(50));
        }
        emulator
    }

    /// Ends it with the functions that it runs. For one that is never dropped.
    pub(crate) fn stop(&self) {
        let group = format!("-{}", self.process.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.stop();
        let _ = self.process.wait();
    }
}

/// The interpreter in which the emulator of dev runs.
fn python() -> String {
    let instance: Value = serde_json::from_str(&stack().checkout.read(".deployer/local/dev/instance.json")).unwrap();
    let line = std::fs::read(format!("/proc/{}/cmdline", instance["process"])).unwrap();
    String::from_utf8_lossy(line.split(|byte| *byte == 0).next().unwrap()).into_owned()
}
