//! A function and an API that nobody needs, made behind the front's back and taken away afterwards.

use std::io::Write as _;
use std::time::{Duration, Instant};

use base64::Engine as _;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::harness::{block_on, client_of};
use crate::stack;
use crate::strict::Front;

/// Answers with its version and cookies in headers and the event as base64; fails at `/fail`, talks nonsense at
/// `/nonsense`.
const BOOTSTRAP: &str = r#"#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
headers=$(mktemp)
while true; do
  event=$(curl -sS --noproxy '*' -D "$headers" "$api/next") || exit 1
  id=$(grep -i '^lambda-runtime-aws-request-id' "$headers" | tr -d '\r' | cut -d' ' -f2)
  case "$event" in
    */test/fail*)
      curl -sS --noproxy '*' "$api/$id/error" -d '{"errorType":"Broken","errorMessage":"on purpose"}' ;;
    */test/nonsense*) curl -sS --noproxy '*' "$api/$id/response" -d '"nonsense"' ;;
    *)
      body=$(printf %s "$event" | base64 -w0)
      curl -sS --noproxy '*' "$api/$id/response" -d "{\"statusCode\":200,
        \"headers\":{\"x-version\":\"$AWS_LAMBDA_FUNCTION_VERSION\",\"set-cookie\":\"lost=1\"},
        \"multiValueHeaders\":{\"Set-Cookie\":[\"a=1\",\"b=2\"]},\"isBase64Encoded\":true,\"body\":\"$body\"}" ;;
  esac
done
"#;

/// The account of the environment `dev`.
pub(super) const DEV: &str = "111111111111";

/// Made for one test.
pub(super) struct Scratch {
    pub function: String,
    pub api: String,
    pub deployment: String,
}

/// An answer of the front.
#[derive(Debug)]
pub(super) struct Said {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
    pub body: Value,
}

impl Said {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Fails the test unless it is this error, with these words in it.
    #[track_caller]
    pub(super) fn refused(&self, status: u16, code: &str, words: &str) {
        let found = (self.status, self.header("x-amzn-errortype"), self.text.contains(words));
        assert_eq!(found, (status, code, true), "{self:?}");
    }

    #[track_caller]
    pub(super) fn good(self) -> Value {
        assert!((200..300).contains(&self.status), "{self:?}");
        self.body
    }
}

/// A request to a port, signed with this access key for this service.
pub(super) async fn request(port: u16, method: &str, path: &str, key: &str, body: String) -> reqwest::Result<Said> {
    let service = match path {
        _ if path.starts_with("/restapis") => "apigateway",
        "/" => "sts",
        _ => "lambda",
    };
    let signed = format!("AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/{service}/aws4_request, Signature=0");
    let request = client_of(port).request(method.parse().unwrap(), format!("http://127.0.0.1:{port}{path}"));
    let request = request.header("authorization", signed).header("accept", "text/plain");
    said(request.body(body).send().await?).await
}

pub(super) async fn said(answer: reqwest::Response) -> reqwest::Result<Said> {
    let (status, headers, text) = (answer.status().as_u16(), answer.headers().clone(), answer.text().await?);
    let body = serde_json::from_str(&text).unwrap_or_default();
    Ok(Said { status, headers, text, body })
}

pub(super) fn ask(front: &Front, method: &str, path: &str, body: &Value) -> Said {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    block_on(request(front.port, method, path, DEV, body)).unwrap()
}

pub(super) fn front() -> Front {
    Front::before(stack().checkout.port("dev"))
}

fn behind(method: &str, path: &str, body: &Value) -> Value {
    stack().behind("dev", method, path, None, body)
}

/// A zip whose bytes differ with `mark`.
pub(super) fn zip(mark: &str) -> String {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
    zip.start_file("bootstrap", options).unwrap();
    zip.write_all(format!("{BOOTSTRAP}# {mark}\n").as_bytes()).unwrap();
    base64::engine::general_purpose::STANDARD.encode(zip.finish().unwrap().into_inner())
}

impl Scratch {
    /// A function with version 1 behind the alias `live`.
    pub(super) fn function(name: &str) -> Self {
        let function = format!("front-{name}");
        let made = json!({
            "FunctionName": function, "Runtime": "provided.al2023", "Handler": "bootstrap", "Publish": true,
            "Role": format!("arn:aws:iam::{DEV}:role/front"), "Code": {"ZipFile": zip("version 1")},
        });
        behind("POST", "/2015-03-31/functions", &made);
        let scratch = Self { function, api: String::new(), deployment: String::new() };
        scratch.settle();
        behind("POST", &scratch.path("aliases"), &json!({"Name": "live", "FunctionVersion": "1"}));
        scratch
    }

    /// And an API with GET of `/echo`, `/fail`, `/nonsense` and `/gone` (an alias that does not exist), deployed as
    /// `test`, and allowed.
    pub(super) fn with_api(name: &str) -> Self {
        let mut scratch = Self::function(name);
        let api = behind("POST", "/restapis", &json!({"name": scratch.function, "binaryMediaTypes": ["image/png"]}));
        scratch.api = api["id"].as_str().unwrap().to_owned();
        for (path, alias) in [("echo", "live"), ("fail", "live"), ("nonsense", "live"), ("gone", "gone")] {
            scratch.add_route(path, alias);
        }
        scratch.allow("all", &format!("{}/*/GET/*", scratch.api));
        let deployed = behind("POST", &format!("/restapis/{}/deployments", scratch.api), &json!({}));
        scratch.deployment = deployed["id"].as_str().unwrap().to_owned();
        let stage = json!({"stageName": "test", "deploymentId": scratch.deployment, "variables": {"color": "blue"}});
        behind("POST", &format!("/restapis/{}/stages", scratch.api), &stage);
        scratch
    }

    /// A page of the function, as `aliases`.
    pub(super) fn path(&self, page: &str) -> String {
        format!("/2015-03-31/functions/{}/{page}", self.function)
    }

    /// GET of a path of the stage.
    pub(super) fn get(&self, front: &Front, path: &str) -> Said {
        ask(front, "GET", &format!("/restapis/{}/test/_user_request_{path}", self.api), &Value::Null)
    }

    pub(super) fn stage(&self) -> String {
        format!("/restapis/{}/stages/test", self.api)
    }

    /// Behind the front's back.
    pub(super) fn add_route(&self, path: &str, alias: &str) {
        let root = behind("GET", &format!("/restapis/{}", self.api), &Value::Null)["rootResourceId"].clone();
        let resources = format!("/restapis/{}/resources", self.api);
        let made = behind("POST", &format!("{resources}/{}", root.as_str().unwrap()), &json!({"pathPart": path}));
        let method = format!("{resources}/{}/methods/GET", made["id"].as_str().unwrap());
        behind("PUT", &method, &json!({"authorizationType": "NONE"}));
        let function = format!("arn:aws:lambda:us-east-1:{DEV}:function:{}:{alias}", self.function);
        let uri = format!("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations");
        let integration = json!({"type": "AWS_PROXY", "httpMethod": "POST", "uri": uri});
        behind("PUT", &format!("{method}/integration"), &integration);
    }

    /// Lets API Gateway call the alias for `API/STAGE/METHOD/PATH`, behind the front's back.
    pub(super) fn allow(&self, id: &str, caller: &str) {
        let statement = json!({
            "StatementId": id, "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com",
            "SourceArn": format!("arn:aws:execute-api:us-east-1:{DEV}:{caller}"),
        });
        behind("POST", &format!("{}?Qualifier=live", self.path("policy")), &statement);
    }

    pub(super) fn forbid(&self, id: &str) {
        behind("DELETE", &format!("{}/{id}?Qualifier=live", self.path("policy")), &Value::Null);
    }

    /// Changes the alias behind the front's back.
    pub(super) fn alias(&self, change: &Value) {
        behind("PUT", &self.path("aliases/live"), change);
    }

    /// Publishes another version behind the front's back.
    pub(super) fn publish(&self, mark: &str) -> String {
        behind("PUT", &self.path("code"), &json!({"ZipFile": zip(mark)}));
        self.settle();
        behind("POST", &self.path("versions"), &json!({}))["Version"].as_str().unwrap().to_owned()
    }

    /// What the emulator itself says of `$LATEST`.
    pub(super) fn latest(&self) -> Value {
        behind("GET", &self.path("configuration"), &Value::Null)
    }

    /// Waits until no update is in progress.
    pub(super) fn settle(&self) {
        let started = Instant::now();
        while self.latest()["LastUpdateStatus"] != "Successful" {
            assert!(started.elapsed() < Duration::from_secs(20), "{}", self.latest());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let delete = |path: &str| {
            let deleted = block_on(request(stack().checkout.port("dev"), "DELETE", path, DEV, String::new()));
            // A test that failed may have left less than it made: that is for its own words to say.
            let fine = deleted.is_ok_and(|said| said.status < 300 || said.status == 404);
            assert!(fine || std::thread::panicking(), "`{path}` is still there");
        };
        if !self.api.is_empty() {
            delete(&format!("/restapis/{}", self.api));
        }
        delete(&format!("/2015-03-31/functions/{}", self.function));
    }
}
