//! The stack under the hands of those who change it: with Terraform, while it serves.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::harness::{Ended, block_on, client};
use crate::stack;
use crate::strict::Front;
use crate::traffic::visitors;

const ROUTES: &str = "terraform/modules/backend/api_gateway.tf";
const FUNCTIONS: &str = "terraform/modules/backend/lambda.tf";

/// Terraform breaks its lines where the terminal ends.
fn in_one_line(ended: &Ended) -> String {
    ended.stderr.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Applies Terraform to `dev` while visitors come; answers what Terraform said, and how many came.
fn apply_under_traffic(front: &Front) -> (Ended, usize) {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let visitors = scope.spawn(|| visitors(front, &stop));
        let applied = stack().try_terraform("dev", &["apply", "-auto-approve"]);
        stop.store(true, Ordering::SeqCst);
        let (versions, failed) = visitors.join().unwrap();
        assert_eq!(failed, [0; 0], "requests failed while permissions were replaced");
        (applied.expect(0), versions.values().sum())
    })
}

pub(crate) fn a_permission_is_replaced_without_a_moment_without_one() {
    let front = Front::before(stack().checkout.port("dev"));
    let kept = stack().checkout.keeping(ROUTES);
    stack().checkout.edit(ROUTES, "\"api-gateway-\"", "\"gateway-\"");
    let (there, came) = apply_under_traffic(&front);
    drop(kept);
    let (back, came_back) = apply_under_traffic(&front);
    for applied in [there, back] {
        assert!(applied.stdout.contains("3 added, 0 changed, 3 destroyed"), "{}", applied.stdout);
        // The gap of another order would last milliseconds here: the order itself is looked at, too.
        let line = |words: &str| applied.stdout.lines().position(|line| line.contains(words)).unwrap();
        let made = applied.stdout.lines().filter(|line| line.contains("Creation complete")).count();
        assert_eq!(made, 3, "{}", applied.stdout);
        for route in ["GET /count", "GET /health", "OPTIONS /count"] {
            let permission = format!("aws_lambda_permission.api[\"{route}\"]");
            assert!(
                line(&format!("{permission}: Creation complete")) < line(&format!("{permission} (deposed object")),
                "{}",
                applied.stdout
            );
        }
    }
    assert!(came > 20 && came_back > 20, "{came} and {came_back} requests");
    stack().assert_terraform_plan_is_empty("dev");
}

pub(crate) fn a_plan_that_would_cut_live_traffic_is_refused_with_the_way_to_do_it() {
    let checkout = &stack().checkout;
    let kept = checkout.keeping(FUNCTIONS);
    checkout.edit(FUNCTIONS, "\"${var.app}-options-${var.environment}\"", "\"${var.app}-cors-${var.environment}\"");
    stack().terraform_plan("dev", "renamed.json");
    drop(kept);
    checkout.deployer("guard renamed.json").expect(4).says([
        "would cut live traffic",
        "`module.backend.aws_lambda_function.this[\"preflight\"]` would be replaced",
        "`module.backend.aws_lambda_alias.live[\"preflight\"]` would be replaced",
        "hint: add the new one beside the old one",
    ]);

    let kept = checkout.keeping(ROUTES);
    checkout.edit(
        ROUTES,
        "    \"GET /health\"    = { method = \"GET\", path = \"health\", function = \"counter\" }\n",
        "",
    );
    stack().terraform_plan("dev", "removed.json");
    drop(kept);
    let permission = "`module.backend.aws_lambda_permission.api[\"GET /health\"]` would be removed";
    checkout.deployer("guard removed.json").expect(4).says([permission]);
    checkout.deployer("guard removed.json --retired").expect(0);

    let kept = checkout.keeping(ROUTES);
    checkout.edit(ROUTES, "\"api-gateway-\"", "\"gateway-\"");
    stack().terraform_plan("dev", "permissions.json");
    drop(kept);
    assert_eq!(checkout.deployer("guard permissions.json --output json").expect(0).json(), json!({"changes": 3}));
}

pub(crate) fn what_is_no_plan_is_refused() {
    let checkout = &stack().checkout;
    checkout.write("state.json", r#"{"format_version": "1.0", "values": {}}"#);
    for file in ["nowhere.json", "deployer.toml", "state.json"] {
        let ended = checkout.deployer(&format!("guard {file}")).expect(3);
        ended.says([
            &format!("`{file}` is no plan of Terraform's in JSON"),
            "hint: write it with `terraform plan -out=FILE`",
        ]);
    }
}

pub(crate) fn the_values_of_another_environment_are_refused_with_the_way_to_its_state() {
    let ended = stack().try_terraform("dev", &["apply", "-auto-approve", "-var=environment=prod"]).expect(1);
    let said = in_one_line(&ended);
    assert!(
        said.contains("This is the state of `dev`, and the values are those of `prod`: nothing was changed."),
        "{said}"
    );
    assert!(said.contains("-backend-config=environments/prod.s3.tfbackend"), "{said}");
    stack().assert_terraform_plan_is_empty("dev");
}

pub(crate) fn prod_is_not_destroyed_until_its_protection_is_taken_off() {
    let said = in_one_line(&stack().try_terraform("prod", &["destroy", "-auto-approve"]).expect(1));
    assert!(said.contains("terraform_data.deletion_protection[0] has lifecycle.prevent_destroy set"), "{said}");
    stack().checkout.deployer("check prod").expect(0);
    // Its tables refuse by themselves, too: a hand that goes around Terraform.
    let table = json!({"TableName": "ResumeVisitorCounter-prod"});
    let described = stack().behind("prod", "POST", "/", Some("DynamoDB_20120810.DescribeTable"), &table);
    assert_eq!(described["Table"]["DeletionProtectionEnabled"], true, "{described}");
}

pub(crate) fn the_secret_for_addresses_is_in_no_state_and_no_plan() {
    let asked = json!({"Name": "/resume-visitor-counter/dev/address-key", "WithDecryption": true});
    let answer = ask("111111111111", "ssm", Some("AmazonSSM.GetParameter"), "/", &asked);
    let secret = answer["Parameter"]["Value"].as_str().unwrap().to_owned();
    assert_eq!(secret.len(), 64);
    stack().terraform_plan("dev", "whole.json");
    let plan = stack().checkout.read("whole.json");
    let state = stack().terraform_state("dev");
    assert!(plan.contains("address-key") && state.contains("address-key"), "both know the parameter");
    assert!(!plan.contains(&secret) && !state.contains(&secret), "and neither its secret");
    // A plan makes another secret, which is thrown away.
    let again = ask("111111111111", "ssm", Some("AmazonSSM.GetParameter"), "/", &asked);
    assert_eq!(again["Parameter"]["Value"], secret);
}

pub(crate) fn the_whole_is_made_from_nothing_and_destroyed_to_nothing() {
    const ACCOUNT: &str = "333333333333";
    let (bootstrap, root) = ("terraform/bootstrap", "terraform");
    let terraform = |folder: &str, arguments: &[&str]| stack().terraform_elsewhere(ACCOUNT, folder, arguments);
    let path = stack().checkout.root.join("elsewhere.tfstate");
    terraform(bootstrap, &["init", "-reconfigure", &format!("-backend-config=path={}", path.display())]);
    let account = [
        "-var=region=us-east-1",
        "-var=environments={dev={promotes_to={environment=\"prod\"},extras=[\"waf\"]}}",
        "-var=github={repository=\"owner/name\",owner_id=\"1\",repository_id=\"2\"}",
    ];
    terraform(bootstrap, &[&["apply", "-auto-approve"], &account[..]].concat());
    terraform(bootstrap, &[&["plan", "-detailed-exitcode"], &account[..]].concat());

    let bucket = format!("-backend-config=bucket=resume-visitor-counter-tfstate-{ACCOUNT}");
    terraform(root, &["init", "-reconfigure", "-backend-config=environments/local-dev.s3.tfbackend", &bucket]);
    let values = [
        "-var=environment=dev",
        "-var=region=us-east-1",
        "-var=website_domain=www.example.com",
        "-var=alarm_email=ops@example.com",
        "-var=waf_rate_limit=100",
        "-var=local_endpoint=http://127.0.0.1:4566",
    ];
    terraform(root, &[&["apply", "-auto-approve"], &values[..]].concat());
    terraform(root, &[&["plan", "-detailed-exitcode"], &values[..]].concat());
    assert_eq!(made(ACCOUNT), (2, 2, 1), "functions, tables, APIs");
    terraform(root, &[&["destroy", "-auto-approve"], &values[..]].concat());
    assert_eq!(made(ACCOUNT), (0, 0, 0), "functions, tables, APIs");
    let groups = ask(ACCOUNT, "logs", Some("Logs_20140328.DescribeLogGroups"), "/", &json!({}));
    assert_eq!(groups["logGroups"], json!([]), "{groups}");
}

/// How many functions, tables and APIs an account of the emulator of `dev` has.
fn made(account: &str) -> (usize, usize, usize) {
    let count = |answer: &Value, list: &str| answer[list].as_array().map_or(0, Vec::len);
    let functions = ask(account, "lambda", None, "/2015-03-31/functions/", &Value::Null);
    let tables = ask(account, "dynamodb", Some("DynamoDB_20120810.ListTables"), "/", &json!({}));
    let apis = ask(account, "apigateway", None, "/restapis", &Value::Null);
    (count(&functions, "Functions"), count(&tables, "TableNames"), count(&apis, "item"))
}

/// A question to an account of the emulator of `dev`, which does not look at signatures.
fn ask(account: &str, service: &str, target: Option<&str>, path: &str, body: &Value) -> Value {
    let address = format!("http://127.0.0.1:{}{path}", stack().checkout.port("dev"));
    let signed = format!(
        "AWS4-HMAC-SHA256 Credential={account}/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    );
    let client = client();
    let mut request = if target.is_some() { client.post(address) } else { client.get(address) };
    request = request.header("authorization", signed).header("content-type", "application/x-amz-json-1.1");
    if let Some(target) = target {
        request = request.header("x-amz-target", target).body(body.to_string());
    }
    block_on(async {
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    })
}
