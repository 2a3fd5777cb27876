//! A function's real binary, run as Lambda runs it: nothing in its environment but what is given,
//! between stand-ins for the runtime's API, and for its calls of AWS.

use std::{
    io::Read as _,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Barrier, Mutex,
        mpsc::{self, Receiver, Sender},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    memory::SECRET,
    standin::{Received, Sent, StandIn},
};

pub(crate) const COUNTER: &str = env!("CARGO_BIN_EXE_counter");
pub(crate) const PREFLIGHT: &str = env!("CARGO_BIN_EXE_preflight");

/// The trace of every event.
pub(crate) const TRACE: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

const PATIENCE: Duration = Duration::from_secs(20);

/// What DynamoDB was asked: the operation and its input.
pub(crate) type Asked = Arc<Mutex<Vec<(String, Value)>>>;

/// A running function.
pub(crate) struct Lambda {
    child: Child,
    events: Sender<Value>,
    responses: Receiver<Value>,
}

impl Lambda {
    /// Starts `binary` with the `variables` and those that Lambda sets.
    pub(crate) fn start(binary: &str, variables: &[(&str, &str)]) -> Self {
        Self::start_logging(binary, variables, Stdio::piped())
    }

    /// The same for more invocations than there is room for their lines in a pipe: nothing reads them.
    pub(crate) fn start_unheard(binary: &str, variables: &[(&str, &str)]) -> Self {
        Self::start_logging(binary, variables, Stdio::null())
    }

    fn start_logging(binary: &str, variables: &[(&str, &str)], log: Stdio) -> Self {
        let (events, next) = mpsc::channel();
        let (sent, responses) = mpsc::channel();
        let (next, sent) = (Mutex::new(next), Mutex::new(sent));
        let api = StandIn::start(move |received| runtime_api(&received, &next, &sent));
        let mut command = command(binary, variables);
        let child = command.env("AWS_LAMBDA_RUNTIME_API", api.address.to_string()).stdout(log).spawn().unwrap();
        Self { child, events, responses }
    }

    /// Invokes the function with `event` and returns its response.
    pub(crate) fn invoke(&self, event: &Value) -> Value {
        self.events.send(event.clone()).unwrap();
        self.responses.recv_timeout(PATIENCE).unwrap()
    }

    /// Freezes it, as Lambda does between two invocations, while `meanwhile` happens.
    pub(crate) fn frozen(&self, meanwhile: impl FnOnce()) {
        self.signal("STOP");
        meanwhile();
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// How much memory it holds, in KiB.
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Ends the function and returns what it logged, one value for each line, without its metrics.
    pub(crate) fn log(self) -> Vec<Value> {
        self.lines().0
    }

    /// Ends the function and returns its lines: what it logged, and its metrics.
    pub(crate) fn lines(mut self) -> (Vec<Value>, Vec<Value>) {
        self.child.kill().unwrap();
        let output = read(&mut self.child);
        let lines = output.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.partition(|line| line.get("_aws").is_none())
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `binary` until it ends by itself; its exit status and what it logged.
pub(crate) fn run_to_end(binary: &str, variables: &[(&str, &str)]) -> (ExitStatus, String) {
    let mut command = command(binary, variables);
    let mut child = command.env("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9").spawn().unwrap();
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() && started.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    let log = read(&mut child);
    (child.wait().unwrap(), log)
}

fn command(binary: &str, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(binary);
    command.env_clear().stdout(Stdio::piped());
    command.env("AWS_LAMBDA_FUNCTION_NAME", "counter");
    command.env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128");
    command.env("AWS_LAMBDA_FUNCTION_VERSION", "7");
    command.envs(variables.iter().copied());
    command
}

fn read(child: &mut Child) -> String {
    let mut output = String::new();
    child.stdout.take().unwrap().read_to_string(&mut output).unwrap();
    output
}

fn runtime_api(received: &Received, next: &Mutex<Receiver<Value>>, sent: &Mutex<Sender<Value>>) -> Sent {
    if received.line.contains("/invocation/next") {
        // An error is the end of the test: the function is about to be killed.
        let event = next.lock().unwrap().recv().unwrap_or_default();
        let header = |name, value: &str| (name, value.to_owned());
        let headers = vec![
            header("lambda-runtime-aws-request-id", "r-1"),
            header("lambda-runtime-deadline-ms", "4102444800000"),
            header("lambda-runtime-trace-id", TRACE),
            header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-west-1:1:function:c"),
        ];
        return (200, headers, event.to_string());
    }
    let response = serde_json::from_str(&received.body).unwrap();
    let _ = sent.lock().unwrap().send(response);
    (202, vec![], "{}".to_owned())
}

/// A DynamoDB whose total is 41 before a visit. It holds back each of the two writes until the
/// other has come.
pub(crate) fn dynamodb() -> (StandIn, Asked) {
    let (asked, together) = (Asked::default(), Barrier::new(2));
    let seen = Arc::clone(&asked);
    let table = StandIn::start(move |received| {
        let operation = received.headers["x-amz-target"].replace("DynamoDB_20120810.", "");
        let input = serde_json::from_str(&received.body).unwrap();
        seen.lock().unwrap().push((operation.clone(), input));
        let output = match operation.as_str() {
            "GetItem" => json!({"Item": {"visit_id": {"S": "total"}, "count": {"N": "41"}}}),
            "UpdateItem" => json!({"Attributes": {"count": {"N": "42"}}}),
            _ => json!({}),
        };
        if operation != "GetItem" {
            together.wait();
        }
        (200, vec![("content-type", "application/x-amz-json-1.0".to_owned())], output.to_string())
    });
    (table, asked)
}

/// What SSM responses for a parameter that holds `value`.
pub(crate) fn holds(value: &str) -> Sent {
    (200, vec![], json!({"Parameter": {"Name": "/key", "Type": "SecureString", "Value": value}}).to_string())
}

/// How SSM refuses.
pub(crate) fn refuses(status: u16, code: &str) -> Sent {
    (status, vec![], json!({"__type": code, "message": "says SSM"}).to_string())
}

/// An SSM that gives these `responses` and then [`SECRET`], and what it was asked.
pub(crate) fn ssm(responses: Vec<Sent>) -> (StandIn, Arc<Mutex<Vec<Received>>>) {
    let asked: Arc<Mutex<Vec<Received>>> = Arc::default();
    let (seen, responses) = (Arc::clone(&asked), Mutex::new(responses.into_iter()));
    let parameters = StandIn::start(move |received| {
        seen.lock().unwrap().push(received);
        responses.lock().unwrap().next().unwrap_or_else(|| holds(SECRET))
    });
    (parameters, asked)
}

/// A DynamoDB that refuses everything.
pub(crate) fn refusing_dynamodb() -> StandIn {
    StandIn::start(|_| {
        let error = json!({
            "__type": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",
            "message": "Requested resource not found",
        });
        (400, vec![], error.to_string())
    })
}
