//! The local AWS of a checkout, and the stacks in it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::{Value, json};

use super::{Checkout, Ended, block_on, client, client_of, token};
use crate::strict::{Call, StrictProxy};

/// The local AWS of one checkout, as `local up` left it.
pub(crate) struct Stack {
    pub checkout: Checkout,
    /// What `local up` printed.
    pub up: Ended,
    /// The response of dev's emulator on a connection that was idle for 91 s: known that long after the start.
    pub late_response: Arc<OnceLock<std::io::Result<String>>>,
}

impl Stack {
    /// `local up` in a fresh checkout: the README's first command, by the real binary.
    pub(crate) fn up() -> Self {
        let checkout = Checkout::new("checkout");
        // A run of these tests that was killed may have left its processes behind.
        let up = checkout.deployer("local up");
        let late_response = Arc::new(OnceLock::new());
        let (port, late) = (checkout.port("dev"), Arc::clone(&late_response));
        // Nobody has to wait for it: other tests run meanwhile.
        std::thread::spawn(move || late.set(response_after(port, Duration::from_secs(91))));
        Self { checkout, up, late_response }
    }

    /// A request to the emulator of `environment` behind the deployer's back, with its token.
    pub(crate) fn behind(
        &self,
        environment: &str,
        method: &str,
        path: &str,
        target: Option<&str>,
        body: &Value,
    ) -> Value {
        let port = self.checkout.port(environment);
        let address = format!("http://127.0.0.1:{port}{path}");
        let service = match target {
            Some(target) if target.starts_with("Granite") => "monitoring",
            Some(_) => "dynamodb",
            None if path.starts_with("/restapis") => "apigateway",
            None => "lambda",
        };
        let mut request = client_of(port)
            .request(method.parse().unwrap(), address)
            .header("authorization", signed(environment, service));
        if let Some(target) = target {
            request = request.header("x-amz-target", target).header("content-type", "application/x-amz-json-1.0");
        }
        block_on(async {
            let response = request.body(body.to_string()).send().await.unwrap();
            let (status, text) = (response.status(), response.text().await.unwrap());
            assert!(status.is_success(), "{method} {path}: {status} {text}");
            serde_json::from_str(&text).unwrap_or_default()
        })
    }

    /// A GET of a page of `environment`: status, headers in one text, body.
    pub(crate) fn get(&self, url: &str) -> (u16, String, Value) {
        block_on(async {
            let response = client().get(url).send().await.unwrap();
            let (status, headers) = (response.status().as_u16(), format!("{:?}", response.headers()));
            (status, headers, serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default())
        })
    }

    /// What `status` says of an environment.
    pub(crate) fn status(&self, environment: &str) -> Value {
        let ended = self.checkout.deployer(&format!("status {environment} --output json")).expect(0);
        ended.json()["environments"][0].clone()
    }

    /// A key of `status` that must be text.
    pub(crate) fn url(&self, environment: &str) -> String {
        self.status(environment)["url"].as_str().unwrap().to_owned()
    }

    /// An item of an environment's ledger.
    pub(crate) fn ledger_item(&self, environment: &str, sort_key: &str) -> Value {
        let body = json!({
            "TableName": format!("resume-visitor-counter-ledger-{environment}"),
            "Key": {"pk": {"S": "resume-visitor-counter"}, "sk": {"S": sort_key}},
        });
        self.behind(environment, "POST", "/", Some("DynamoDB_20120810.GetItem"), &body)["Item"].clone()
    }

    /// Puts an item into an environment's ledger.
    pub(crate) fn put_ledger_item(&self, environment: &str, item: &Value) {
        let body = json!({"TableName": format!("resume-visitor-counter-ledger-{environment}"), "Item": item});
        self.behind(environment, "POST", "/", Some("DynamoDB_20120810.PutItem"), &body);
    }

    /// The id of an environment's API.
    pub(crate) fn api(&self, environment: &str) -> String {
        let stack = self.ledger_item(environment, "stack");
        stack["api"]["M"]["id"]["S"].as_str().unwrap().to_owned()
    }

    /// The newest release of an environment, whatever became of it.
    pub(crate) fn last_release(&self, environment: &str) -> Value {
        let body = json!({
            "TableName": format!("resume-visitor-counter-ledger-{environment}"),
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :sk)",
            "ExpressionAttributeValues": {":pk": {"S": "resume-visitor-counter"}, ":sk": {"S": "release#"}},
            "ScanIndexForward": false,
            "Limit": 1,
        });
        self.behind(environment, "POST", "/", Some("DynamoDB_20120810.Query"), &body)["Items"][0].clone()
    }

    /// The highest number given so far.
    pub(crate) fn last_number(&self, environment: &str) -> u64 {
        self.last_release(environment)["number"]["N"].as_str().unwrap().parse().unwrap()
    }

    /// What a release of an environment says, as plain JSON.
    pub(crate) fn release(&self, environment: &str, number: u64) -> Value {
        plain(&json!({"M": self.ledger_item(environment, &format!("release#{number:08}"))}))
    }

    /// Releases an artifact through a strict proxy of its own (the emulator itself forgets the zips of older versions), and
    /// returns the number of the release.
    #[track_caller]
    pub(crate) fn released(&self, environment: &str, artifact: &str) -> u64 {
        let arguments = format!("deploy {environment} --artifact {artifact} --output json");
        let ended =
            self.checkout.through(&StrictProxy::before(self.checkout.port(environment)), environment, &arguments).0;
        ended.expect(0).json()["release"].as_u64().unwrap()
    }

    /// Runs a promotion from dev to prod with a strict proxy before each. The calls are prod's.
    #[track_caller]
    pub(crate) fn promoted(&self, arguments: &str) -> (Ended, Vec<Call>) {
        let [dev, prod] = ["dev", "prod"].map(|environment| StrictProxy::before(self.checkout.port(environment)));
        let ports = [self.checkout.port("dev"), dev.port].map(|port| format!("port = {port}"));
        self.checkout.through_with(&prod, "prod", &[(&ports[0], &ports[1])], arguments)
    }

    /// Makes an empty bucket.
    pub(crate) fn bucket(&self, environment: &str, name: &str) {
        let port = self.checkout.port(environment);
        let address = format!("http://127.0.0.1:{port}/{name}");
        let put = client_of(port).put(address).header("authorization", signed(environment, "s3"));
        let status = block_on(async { put.send().await.unwrap().status() });
        assert!(status.is_success(), "{status}");
    }
}

/// The first line of a response on a connection that carried nothing for so long.
fn response_after(port: u16, idle: Duration) -> std::io::Result<String> {
    let mut connection = TcpStream::connect(("127.0.0.1", port))?;
    std::thread::sleep(idle);
    let token = token(port).unwrap_or_default();
    let head = format!("host: 127.0.0.1:{port}\r\nx-amz-security-token: {token}\r\nconnection: close");
    connection.write_all(format!("GET /_ministack/health HTTP/1.1\r\n{head}\r\n\r\n").as_bytes())?;
    let mut response = String::new();
    connection.set_read_timeout(Some(Duration::from_secs(30)))?;
    connection.read_to_string(&mut response)?;
    Ok(response.lines().next().unwrap_or_default().to_owned())
}

/// An attribute value of DynamoDB as plain JSON.
fn plain(value: &Value) -> Value {
    let Some((kind, inner)) = value.as_object().and_then(|object| object.iter().next()) else { return Value::Null };
    match kind.as_str() {
        "M" => inner.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), plain(value))).collect(),
        "L" => inner.as_array().into_iter().flatten().map(plain).collect(),
        "N" => inner.as_str().unwrap_or_default().parse().unwrap_or_default(),
        "NULL" => Value::Null,
        _ => inner.clone(),
    }
}

/// What a request to a service of an environment, or of an account by its number, is signed with; the emulator believes it.
pub(crate) fn signed(place: &str, service: &str) -> String {
    let account = if place.starts_with(|first: char| first.is_ascii_digit()) { place } else { account(place) };
    format!(
        "AWS4-HMAC-SHA256 Credential={account}/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

/// The account of an environment.
pub(super) fn account(environment: &str) -> &'static str {
    if environment == "dev" { "111111111111" } else { "222222222222" }
}
