//! Twenty functions behind one REST API, which no infrastructure code of ours made: `init` finds them, and releases move one of them,
//! all of them, and all of them back.

use std::io::{Cursor, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use base64::Engine as _;
use futures::future::join_all;
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::harness::{Emulator, Ended, bare, block_on, client};
use crate::stack;

const FUNCTIONS: usize = 20;
const ACCOUNT: &str = "888888888820";

/// The project and the account in which its functions are.
struct Large {
    root: PathBuf,
    emulator: Emulator,
}

impl Large {
    fn new() -> Self {
        let root = stack().checkout.root.join("many");
        let emulator = Emulator::start(&stack().checkout.root.join("emulator-many"), ACCOUNT, &[]);
        let large = Self { root, emulator };
        for number in 1..=FUNCTIONS {
            large.write(number, "first");
        }
        large
    }

    /// The sources of a function.
    fn write(&self, number: usize, word: &str) {
        let folder = self.root.join(format!("f{number}"));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("app.py"), source(number, word)).unwrap();
    }

    /// Calls AWS as infrastructure code would.
    async fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let url = format!("http://127.0.0.1:{}{path}", self.emulator.port);
        let request = client().request(method.parse().unwrap(), url).body(body.to_string());
        let service = if path.starts_with("/restapis") { "apigateway" } else { "lambda" };
        let signed = format!("AWS4-HMAC-SHA256 Credential={ACCOUNT}/20260101/us-east-1/{service}/aws4_request");
        let response = request.header("authorization", signed).send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert!(status.is_success(), "{method} {path}: {status}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Makes the functions, each with a published version behind an alias, and the API.
    async fn make(&self) -> String {
        let api = self.call("POST", "/restapis", &json!({"name": "many"})).await["id"].as_str().unwrap().to_owned();
        let resources = self.call("GET", &format!("/restapis/{api}/resources"), &Value::Null).await;
        let root = resources["item"][0]["id"].as_str().unwrap().to_owned();
        join_all((1..=FUNCTIONS).map(|number| self.make_function(&api, &root, number))).await;
        let deployment = self.call("POST", &format!("/restapis/{api}/deployments"), &json!({})).await;
        let deployment = json!({"stageName": "dev", "deploymentId": deployment["id"]});
        self.call("POST", &format!("/restapis/{api}/stages"), &deployment).await;
        api
    }

    async fn make_function(&self, api: &str, root: &str, number: usize) {
        let name = format!("many-f{number}-dev");
        let code = base64::engine::general_purpose::STANDARD.encode(zip(&source(number, "first")));
        let function = json!({
            "FunctionName": name, "Runtime": "python3.13", "Handler": "app.handle", "Publish": true,
            "Role": format!("arn:aws:iam::{ACCOUNT}:role/many"), "Code": {"ZipFile": code},
        });
        self.call("POST", "/2015-03-31/functions", &function).await;
        let alias = json!({"Name": "live", "FunctionVersion": "1"});
        self.call("POST", &format!("/2015-03-31/functions/{name}/aliases"), &alias).await;
        let permission = json!({
            "StatementId": "api", "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com",
            "SourceArn": format!("arn:aws:execute-api:us-east-1:{ACCOUNT}:{api}/*/GET/f{number}"),
        });
        self.call("POST", &format!("/2015-03-31/functions/{name}/policy?Qualifier=live"), &permission).await;
        let part = json!({"pathPart": format!("f{number}")});
        let resource = self.call("POST", &format!("/restapis/{api}/resources/{root}"), &part).await;
        let method = format!("/restapis/{api}/resources/{}/methods/GET", resource["id"].as_str().unwrap());
        self.call("PUT", &method, &json!({"authorizationType": "NONE"})).await;
        let called = format!("arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}:live");
        let uri = format!("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{called}/invocations");
        let integration = json!({"type": "AWS_PROXY", "httpMethod": "POST", "uri": uri});
        self.call("PUT", &format!("{method}/integration"), &integration).await;
    }

    fn deployer(&self, line: &str) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deployer"));
        command.current_dir(&self.root).env_clear().envs(bare()).stdin(Stdio::null()).args(line.split(' '));
        command
            .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", self.emulator.port))
            .env("AWS_ACCESS_KEY_ID", ACCOUNT)
            .env("AWS_SECRET_ACCESS_KEY", "local")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("NO_PROXY", "127.0.0.1");
        Ended::of(&command.output().unwrap())
    }

    /// A release: what of the functions it moved, and how many calls it took.
    fn release(&self, line: &str) -> (usize, u64) {
        let view = self.deployer(&format!("{line} --output json")).expect(0).json();
        assert_eq!(view["stable"], true, "{view:#}");
        let moved =
            view["functions"].as_object().unwrap().values().filter(|function| function["before"] != function["after"]);
        let (moved, calls) = (moved.count(), view["aws_calls"]["total"].as_u64().unwrap());
        (moved, calls)
    }

    fn responds(&self, api: &str, number: usize) -> String {
        let url = format!("http://127.0.0.1:{}/restapis/{api}/dev/_user_request_/f{number}", self.emulator.port);
        block_on(async { client().get(url).send().await.unwrap().text().await.unwrap() })
    }
}

fn source(number: usize, word: &str) -> String {
    format!("def handle(event, context):\n    return {{\"statusCode\": 200, \"body\": \"{number} {word}\"}}\n")
}

fn zip(source: &str) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("app.py", SimpleFileOptions::default()).unwrap();
    zip.write_all(source.as_bytes()).unwrap();
    zip.finish().unwrap().into_inner()
}

pub(crate) fn twenty_existing_functions_are_released_singly_and_together() {
    let large = Large::new();
    let api = block_on(large.make());
    let found =
        large.deployer("init dev --yes").expect(0).says(["Made the ledger", "Adopted what is live as release 1"]);
    assert!(found.stdout.starts_with("dev: 20 functions in `"), "{}", found.stdout);
    let config = large.root.join("deployer.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    // The emulator's APIs are at another address than AWS's.
    let url = format!("http://127.0.0.1:{}/restapis/{api}/dev/_user_request_", large.emulator.port);
    let text = text.replace(&format!("https://{api}.execute-api.us-east-1.amazonaws.com/dev"), &url);
    let check = |number| {
        format!(
            "\n[[checks]]\nname = \"f{number}\"\nfunction = \"f{number}\"\nrequest = \"GET /f{number}\"\nstatus = 200\n"
        )
    };
    std::fs::write(&config, text + &(1..=FUNCTIONS).map(check).collect::<String>()).unwrap();

    // The same sources, zipped otherwise.
    large.deployer("deploy").expect(0);
    let nothing = large.deployer("deploy").expect(0);
    assert!(nothing.stdout.contains("nothing to do, release 2 is live"), "{}", nothing.stdout);

    large.write(7, "second");
    let plan = large.deployer("plan").expect(0).stdout;
    assert!(plan.contains("f7"), "{plan}");
    let (moved, one) = large.release("deploy");
    assert_eq!(
        (moved, large.responds(&api, 7), large.responds(&api, 8)),
        (1, "7 second".to_owned(), "8 first".to_owned())
    );

    (1..=FUNCTIONS).for_each(|number| large.write(number, "third"));
    let (moved, all) = large.release("deploy");
    assert_eq!((moved, large.responds(&api, 20)), (FUNCTIONS, "20 third".to_owned()));
    // Every call of the first is one of looking at all functions, or of moving one of them.
    assert!(all < one * 20, "{one} {all}");

    let (moved, _) = large.release("rollback --to 1");
    assert_eq!(moved, FUNCTIONS);
    assert_eq!((large.responds(&api, 7), large.responds(&api, 20)), ("7 first".to_owned(), "20 first".to_owned()));
}
