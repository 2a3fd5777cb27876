//! A running function, and the Lambda runtime's API for it.

use std::{
    ffi::OsString,
    fs::File,
    path::PathBuf,
    process::{Child, Command},
    sync::{
        Mutex, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{
    aws::Aws,
    http::{self, Received, Sent},
    process,
};

const PATIENCE: Duration = Duration::from_secs(30);

/// What Lambda sends along with an event. Nothing is traced.
const HEADERS: [(&str, &str); 5] = [
    ("content-type", "application/json"),
    ("lambda-runtime-trace-id", "Root=1-5e1b4151-5ac6c58f5a2d0d0c8a1b2c3d;Parent=53995c3f42cd8ad8;Sampled=0"),
    ("lambda-runtime-aws-request-id", "r-1"),
    ("lambda-runtime-deadline-ms", "4102444800000"),
    ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-west-1:1:function:counter"),
];

/// How a function is started.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) command: Vec<OsString>,
    /// Where it runs, and where its log goes.
    pub(crate) folder: PathBuf,
}

/// What a function did at the runtime's API.
enum Did {
    Asked(Instant),
    Responded(Duration, Value),
    Failed(String),
}

/// A function that waits for events.
pub(crate) struct Running {
    child: Child,
    events: Sender<String>,
    did: Receiver<Did>,
    /// From its start until it asked for the first event.
    pub(crate) init: Duration,
}

impl Running {
    /// Starts `function` as Lambda does, with nothing in its environment but what is given.
    pub(crate) fn start(function: &Function, aws: &Aws) -> Result<Self> {
        let (events, next) = mpsc::channel();
        let (done, did) = mpsc::channel();
        let (next, handed) = (Mutex::new(next), Mutex::new(Instant::now()));
        let api = http::serve(None, move |received| runtime_api(&received, &next, &handed, &done))?;
        let (program, arguments) = function.command.split_first().context("a function without a command")?;
        let log = function.folder.join(format!("{}.log", function.name));
        let output = File::create(&log)?;
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&function.folder).env_clear().envs(aws.variables.iter().cloned());
        command.env("AWS_LAMBDA_RUNTIME_API", api.to_string()).stderr(output.try_clone()?).stdout(output);
        let began = Instant::now();
        let child = command.spawn().with_context(|| format!("cannot start the function in {}", function.name))?;
        let mut running = Self { child, events, did, init: Duration::ZERO };
        let asked = running.wait_until_it_asks().with_context(|| format!("see `{}`", log.display()))?;
        running.init = asked.duration_since(began);
        Ok(running)
    }

    /// Its response to `event`, how long it took, and it asks for the next one when this returns.
    pub(crate) fn invoke(&self, event: &Value) -> Result<(Duration, Value)> {
        self.events.send(event.to_string())?;
        let responded = match self.did.recv_timeout(PATIENCE)? {
            Did::Responded(took, response) => (took, response),
            Did::Asked(_) => bail!("the function asked twice"),
            Did::Failed(error) => bail!("the function failed: {error}"),
        };
        self.wait_until_it_asks()?;
        Ok(responded)
    }

    /// The CPU time that it took so far.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        process::cpu(self.child.id())
    }

    /// Ends it by a signal, and waits until it ended.
    pub(crate) fn end(mut self) -> Result<()> {
        process::terminate(self.child.id())?;
        self.child.wait()?;
        Ok(())
    }

    /// The most memory that it had so far, in bytes.
    pub(crate) fn peak_memory(&self) -> Result<u64> {
        process::peak_memory(self.child.id())
    }

    fn wait_until_it_asks(&self) -> Result<Instant> {
        match self.did.recv_timeout(PATIENCE).context("the function does not ask for an event")? {
            Did::Asked(at) => Ok(at),
            Did::Responded(..) => bail!("the function responded twice"),
            Did::Failed(error) => bail!("the function failed: {error}"),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Times are taken here, next to the socket, and not where they are waited for.
fn runtime_api(
    received: &Received,
    next: &Mutex<Receiver<String>>,
    handed: &Mutex<Instant>,
    did: &Sender<Did>,
) -> Sent {
    if received.path.ends_with("/invocation/next") {
        let _ = did.send(Did::Asked(Instant::now()));
        // Nobody sends any more: the function is about to be killed.
        let body = next.lock().unwrap_or_else(PoisonError::into_inner).recv().unwrap_or_default();
        *handed.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        return Sent { status: 200, headers: &HEADERS, body };
    }
    let took = handed.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
    let response = serde_json::from_slice(&received.body);
    let _ = did.send(match response {
        Ok(response) if received.path.ends_with("/response") => Did::Responded(took, response),
        _ => Did::Failed(String::from_utf8_lossy(&received.body).into_owned()),
    });
    Sent { status: 202, headers: &[], body: "{}".to_owned() }
}
