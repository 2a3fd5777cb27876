//! Changes of the live stack with Terraform.

use std::sync::OnceLock;

use deployer::guard::table::{HARMLESS, rows};
use serde_json::{Value, json};

use crate::harness::{Ended, block_on, client_of, signed};
use crate::stack;

const ROUTES: &str = "terraform/modules/backend/api_gateway.tf";
const FUNCTIONS: &str = "terraform/modules/backend/lambda.tf";

/// Terraform breaks its lines where the terminal ends.
fn in_one_line(ended: &Ended) -> String {
    ended.stderr.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A plan of dev's with the sources edited, as `guard` reads it. What is live is what the state says: nothing is read again.
fn plan_with(edits: &[(&str, &str, &str)], more: &[&str], file: &str) {
    let checkout = &stack().checkout;
    let _kept = [checkout.keeping(FUNCTIONS), checkout.keeping(ROUTES)];
    for (source, from, to) in edits {
        checkout.edit(source, from, to);
    }
    stack().terraform_plan_with("dev", file, &[&["-refresh=false"], more].concat());
}

/// A plan of the whole of dev, in which the permissions have other names.
fn renamed_permissions() -> &'static str {
    static PLAN: OnceLock<String> = OnceLock::new();
    PLAN.get_or_init(|| {
        plan_with(&[(ROUTES, "\"api-gateway-\"", "\"gateway-\"")], &[], "permissions.json");
        stack().checkout.read("permissions.json")
    })
}

pub(crate) fn a_permission_is_made_before_the_old_one_goes() {
    let plan: Value = serde_json::from_str(renamed_permissions()).unwrap();
    let changes = plan["resource_changes"].as_array().unwrap().iter().map(|change| &change["change"]["actions"]);
    let changes: Vec<_> = changes.filter(|actions| **actions != json!(["no-op"])).collect();
    assert_eq!(changes, [&json!(["create", "delete"]); 3]);
    assert_eq!(
        stack().checkout.deployer("guard permissions.json --output json").expect(0).json(),
        json!({"schema": 1, "changes": 3, "warnings": []})
    );
}

pub(crate) fn a_plan_that_would_cut_live_traffic_is_refused_with_a_hint() {
    let checkout = &stack().checkout;
    let health = "    \"GET /health\"    = { method = \"GET\", path = \"health\", function = \"counter\" }\n";
    let edits = [
        (FUNCTIONS, "\"${var.app}-options-${var.environment}\"", "\"${var.app}-cors-${var.environment}\""),
        (ROUTES, health, ""),
        // As if Terraform owned what releases move.
        (FUNCTIONS, "      function_version, # moved by every release\n", ""),
        (FUNCTIONS, "function_version = aws_lambda_function.this[each.key].version", "function_version = \"99999\""),
        (FUNCTIONS, "coalesce(var.function.reserved_concurrency, -1)", "0"),
        (ROUTES, "      deployment_id,           # moved by every release that changes the definition\n", ""),
        (ROUTES, "deployment_id = aws_api_gateway_deployment.initial.id", "deployment_id = \"another\""),
    ];
    plan_with(&edits, &[], "cuts.json");
    let removed = "`module.backend.aws_lambda_permission.api[\"GET /health\"]` would be removed";
    checkout.deployer("guard cuts.json").expect(4).says(["would cut live traffic", removed]);
    let retired = checkout.deployer("guard cuts.json --retired").expect(4).says([
        "`module.backend.aws_lambda_function.this[\"preflight\"]` would be replaced",
        "`module.backend.aws_lambda_alias.live[\"preflight\"]` would be replaced",
        "add the new resource beside the old one, under its own key",
        "`module.backend.aws_lambda_alias.live[\"counter\"]` would change in `function_version` (",
        "`module.backend.aws_lambda_function.this[\"counter\"]` would change in `reserved_concurrent_executions` (`100` -> `0`)",
        "would change in `deployment_id` (",
        "`function_version`: add the attribute to `ignore_changes`",
    ]);
    assert!(!retired.stderr.contains(removed), "{}", retired.stderr);

    plan_with(&[], &["-destroy"], "destroyed.json");
    checkout.deployer("guard destroyed.json").expect(4).says([
        "aws_dynamodb_table_item",
        "aws_iam_role_policy",
        "aws_api_gateway_stage",
        "hint: once no release within retention uses it, apply the removal with `--retired`",
    ]);
    checkout.deployer("guard destroyed.json --retired").expect(0);
    other_files_than_plans_are_refused();
}

/// The table of `guard` names what the provider has: a name that was mistyped would guard nothing.
pub(crate) fn every_type_and_attribute_of_guard_is_the_providers() {
    let schema = stack().terraform_schema();
    let resources = &schema["resource_schemas"];
    let mut unknown = Vec::new();
    for row in rows() {
        let block = &resources[row.kind]["block"];
        if block.is_null() {
            unknown.push(row.kind.to_owned());
        }
        let missing = row.on.iter().filter(|on| !has(block, on.attribute));
        unknown.extend(missing.map(|on| format!("{} {}", row.kind, on.attribute)));
    }
    unknown.extend(HARMLESS.iter().filter(|kind| resources[**kind].is_null()).map(|kind| (*kind).to_owned()));
    assert_eq!(unknown, [""; 0]);
    assert!(!has(&resources["aws_lambda_alias"]["block"], "function_versions"), "this finds everything");
}

/// Whether a block has the attribute, or a nested block of its has.
fn has(block: &Value, path: &str) -> bool {
    let (name, rest) = path.split_once('/').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let (attribute, nested) = (&block["attributes"][name], &block["block_types"][name]["block"]);
    match rest {
        None => !attribute.is_null() || !nested.is_null(),
        Some(rest) => !nested.is_null() && has(nested, rest),
    }
}

fn other_files_than_plans_are_refused() {
    let checkout = &stack().checkout;
    checkout.write("state.json", r#"{"format_version": "1.0", "values": {}}"#);
    checkout
        .write("wrapped.json", "[command]terraform-bin show -json plan\n{}\n::debug::Terraform exited with code 0.\n");
    let write = "hint: write it with `terraform plan -out=FILE`";
    for (file, what, way) in [
        ("nowhere.json", "cannot read the plan `nowhere.json`", write),
        ("deployer.toml", "`deployer.toml` is not a Terraform plan in JSON", write),
        ("state.json", "`state.json` is a state, not a plan", write),
        (
            "wrapped.json",
            "`wrapped.json` has lines from the wrapper of `hashicorp/setup-terraform`",
            "hint: set `terraform_wrapper: false`",
        ),
    ] {
        checkout.deployer(&format!("guard {file}")).expect(3).says([what, way]);
    }
}

pub(crate) fn the_values_of_another_environment_are_refused_with_a_hint() {
    let ended = stack().try_terraform("dev", &["plan", "-refresh=false", "-var=environment=prod"]).expect(1);
    let said = in_one_line(&ended);
    assert!(
        said.contains("This is the state of `dev`, and the values are those of `prod`: nothing was changed."),
        "{said}"
    );
    assert!(said.contains("-backend-config=environments/prod.s3.tfbackend"), "{said}");
}

pub(crate) fn prod_is_not_destroyed_until_its_protection_is_removed() {
    let said = in_one_line(&stack().try_terraform("prod", &["plan", "-destroy", "-refresh=false"]).expect(1));
    assert!(said.contains("terraform_data.deletion_protection[0] has lifecycle.prevent_destroy set"), "{said}");
    // Its tables refuse by themselves, too: a hand that goes around Terraform.
    let table = json!({"TableName": "ResumeVisitorCounter-prod"});
    let described = stack().behind("prod", "POST", "/", Some("DynamoDB_20120810.DescribeTable"), &table);
    assert_eq!(described["Table"]["DeletionProtectionEnabled"], true, "{described}");
}

pub(crate) fn the_secret_for_addresses_is_in_no_state_and_no_plan() {
    let secret = address_key();
    assert_eq!(secret.len(), 64);
    let plan = renamed_permissions();
    let state = stack().terraform_state("dev");
    assert!(plan.contains("address-key") && state.contains("address-key"), "both name the parameter");
    assert!(!plan.contains(&secret) && !state.contains(&secret), "and neither its secret");
    // A plan makes another secret, which is thrown away.
    assert_eq!(address_key(), secret);
}

pub(crate) fn address_key() -> String {
    let asked = json!({"Name": "/resume-visitor-counter/dev/address-key", "WithDecryption": true});
    let response = said("dev", "ssm", Some("AmazonSSM.GetParameter"), "/", &asked);
    let response: Value = serde_json::from_str(&response).unwrap();
    response["Parameter"]["Value"].as_str().unwrap().to_owned()
}

/// In an account in which nothing is. Each test ends by destroying what it made, and fails if that fails.
pub(crate) fn terraforms_own_tests_pass_and_leave_nothing() {
    const ACCOUNT: &str = "333333333333";
    let terraform = |folder: &str, arguments: &[&str]| stack().terraform_elsewhere(ACCOUNT, folder, arguments);
    for (folder, runs) in [("terraform", 4), ("terraform/modules/address_key", 6)] {
        terraform(folder, &["init", "-backend=false", "-test-directory=tests/local"]);
        let tested = terraform(folder, &["test", "-test-directory=tests/local"]);
        let all = format!("Success! {runs} passed, 0 failed.");
        assert!(tested.stdout.contains(&all), "{}", tested.stdout);
    }
    assert_eq!(left(ACCOUNT), [""; 0]);
}

/// What Terraform's provider does with a request whose reply was lost, and what it would read without the first reply.
pub(crate) fn a_request_that_terraform_sends_again_is_carried_out_once() {
    const ACCOUNT: &str = "777777777777";
    const PROVIDER: &str = "APN/1.0 HashiCorp/1.0 Terraform/1.11.4 terraform-provider-aws/5.100.0";
    let make = |provider: &str, invocation: &str, attempt: u8| {
        let port = stack().checkout.port("dev");
        let request = client_of(port)
            .post(format!("http://127.0.0.1:{port}/"))
            .header("authorization", signed(ACCOUNT, "dynamodb"))
            .header("x-amz-target", "DynamoDB_20120810.CreateTable")
            .header("content-type", "application/x-amz-json-1.0")
            .header("user-agent", provider)
            .header("amz-sdk-invocation-id", invocation)
            .header("amz-sdk-request", format!("attempt={attempt}; max=25"));
        let key = json!({"AttributeName": "id", "KeyType": "HASH"});
        let attribute = json!({"AttributeName": "id", "AttributeType": "S"});
        let table = json!({"TableName": "things", "BillingMode": "PAY_PER_REQUEST", "KeySchema": [key], "AttributeDefinitions": [attribute]});
        block_on(async {
            let response = request.body(table.to_string()).send().await.unwrap();
            (response.status().as_u16(), response.text().await.unwrap())
        })
    };
    let first = make(PROVIDER, "one", 1);
    assert_eq!(first.0, 200, "{first:?}");
    assert_eq!(make(PROVIDER, "one", 2), first);
    // An error is not remembered: the request may be carried out later.
    assert_eq!(make(PROVIDER, "two", 1).0, 400);
    assert_eq!(make(PROVIDER, "two", 2).0, 400);
    // Every other client meets what is there, as on AWS.
    assert_eq!((make("aws-sdk-rust/1.3", "one", 2).0, make("aws-sdk-rust/1.3", "three", 2).0), (400, 400));
}

/// The last of what is done to prod.
pub(crate) fn prod_is_destroyed_once_its_protection_is_removed() {
    let there = left("prod");
    for kind in ["API", "bucket", "function", "log group", "parameter", "table", "topic"] {
        assert!(there.iter().any(|thing| thing.starts_with(kind)), "no {kind} in {there:?}");
    }
    stack().terraform_state_rm("prod", "terraform_data.deletion_protection[0]");
    stack().terraform("prod", &["apply", "-auto-approve", "-refresh=false", "-var=deletion_protection=false"]);
    stack().terraform("prod", &["destroy", "-auto-approve", "-refresh=false", "-var=deletion_protection=false"]);
    assert_eq!(left("prod"), ["bucket resume-visitor-counter-tfstate-222222222222"]);
}

/// All that is in the emulator of an environment, or in an account of its own of that of `dev`: kind and name. Roles are
/// bootstrap's as well as the stack's, and are left out.
pub(crate) fn left(place: &str) -> Vec<String> {
    // Kind, service, target of a POST or none, path, where the response has its list, and there the name.
    const LISTS: [[&str; 6]; 5] = [
        ["API", "apigateway", "", "/restapis", "/item", "name"],
        ["function", "lambda", "", "/2015-03-31/functions/", "/Functions", "FunctionName"],
        ["log group", "logs", "Logs_20140328.DescribeLogGroups", "/", "/logGroups", "logGroupName"],
        ["parameter", "ssm", "AmazonSSM.DescribeParameters", "/", "/Parameters", "Name"],
        ["table", "dynamodb", "DynamoDB_20120810.ListTables", "/", "/TableNames", ""],
    ];
    let mut left = Vec::new();
    for [kind, service, target, path, list, name] in LISTS {
        let target = (!target.is_empty()).then_some(target);
        let response: Value = serde_json::from_str(&said(place, service, target, path, &json!({}))).unwrap();
        for thing in response.pointer(list).and_then(Value::as_array).into_iter().flatten() {
            let name = thing.get(name).unwrap_or(thing);
            left.push(format!("{kind} {}", name.as_str().unwrap()));
        }
    }
    for (kind, service, path, tag) in
        [("bucket", "s3", "/", "Name"), ("topic", "sns", "/?Action=ListTopics&Version=2010-03-31", "TopicArn")]
    {
        let response = said(place, service, None, path, &Value::Null);
        let open = format!("<{tag}>");
        let things = response.split(&open).skip(1).map(|rest| rest.split('<').next().unwrap().to_owned());
        left.extend(things.map(|thing| format!("{kind} {thing}")));
    }
    // Other tests made these, not Terraform.
    left.retain(|thing| {
        !["bucket big-zips", "log group /aws/lambda/front-"].iter().any(|other| thing.starts_with(other))
    });
    left.sort();
    left
}

/// What the emulator of an environment, or an account of its own of that of `dev`, says to a question.
fn said(place: &str, service: &str, target: Option<&str>, path: &str, body: &Value) -> String {
    let environment = if place == "prod" { "prod" } else { "dev" };
    said_at(stack().checkout.port(environment), place, service, target, path, body)
}

/// The same of an emulator by its port.
pub(crate) fn said_at(port: u16, place: &str, service: &str, target: Option<&str>, path: &str, body: &Value) -> String {
    let address = format!("http://127.0.0.1:{port}{path}");
    let client = client_of(port);
    let mut request = if target.is_some() { client.post(address) } else { client.get(address) };
    request = request.header("authorization", signed(place, service));
    if let Some(target) = target {
        let json = request.header("content-type", "application/x-amz-json-1.1").header("x-amz-target", target);
        request = json.body(body.to_string());
    }
    block_on(async {
        let response = request.send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert!(status.is_success(), "{service} {path}: {status} {text}");
        text
    })
}
