//! What the strict proxy takes a call for, and how it refuses one.

use serde_json::{Value, json};

use super::documents::role_arn;
use crate::harness::{block_on, client, signed};
use crate::stack;
use crate::strict::{Guard, Policy, StrictProxy};

/// Method, path, service and target, body; status of a refusal; what is needed.
type Case = (&'static str, &'static str, &'static str, String, u16, Vec<(&'static str, &'static str)>);

const FUNCTION: &str = "arn:aws:lambda:us-east-1:111111111111:function:f";
const TABLE: &str = "arn:aws:dynamodb:us-east-1:111111111111:table/t";

fn functions() -> Vec<Case> {
    let case = |method, path, action, resource| -> Case {
        (method, path, "lambda", String::new(), 403, vec![(action, resource)])
    };
    let code = |more: Value| {
        let mut body = json!({"S3Bucket": "b", "S3Key": "a/k"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body.to_string()
    };
    let upload = ("lambda:UpdateFunctionCode", FUNCTION);
    vec![
        case("GET", "/2015-03-31/functions/f", "lambda:GetFunction", FUNCTION),
        case("GET", "/2015-03-31/functions/f?Qualifier=7", "lambda:GetFunction", version("7")),
        case("GET", "/2015-03-31/functions/f?Qualifier=%24LATEST", "lambda:GetFunction", version("$LATEST")),
        case("POST", "/2015-03-31/functions/f/invocations?Qualifier=7", "lambda:InvokeFunction", version("7")),
        case("DELETE", "/2015-03-31/functions/f?Qualifier=7", "lambda:DeleteFunction", version("7")),
        case("DELETE", "/2015-03-31/functions/f", "lambda:DeleteFunction", FUNCTION),
        // The alias is not part of the resource.
        case("PUT", "/2015-03-31/functions/f/aliases/live", "lambda:UpdateAlias", FUNCTION),
        case("GET", "/2015-03-31/functions/f/aliases/live", "lambda:GetAlias", FUNCTION),
        case("GET", "/2015-03-31/functions/f/policy?Qualifier=live", "lambda:GetPolicy", version("live")),
        (
            "PUT",
            "/2015-03-31/functions/f/code",
            "lambda",
            code(json!({})),
            403,
            vec![upload, ("s3:GetObject", "arn:aws:s3:::b/a/k")],
        ),
        (
            "PUT",
            "/2015-03-31/functions/f/code",
            "lambda",
            code(json!({"S3ObjectVersion": "v"})),
            403,
            vec![upload, ("s3:GetObjectVersion", "arn:aws:s3:::b/a/k")],
        ),
    ]
}

fn version(qualifier: &str) -> &'static str {
    match qualifier {
        "7" => "arn:aws:lambda:us-east-1:111111111111:function:f:7",
        "live" => "arn:aws:lambda:us-east-1:111111111111:function:f:live",
        _ => "arn:aws:lambda:us-east-1:111111111111:function:f:$LATEST",
    }
}

fn items() -> Vec<Case> {
    let one = |element: Value| json!({"TransactItems": [element]}).to_string();
    let item = json!({"TableName": "t", "Item": {"pk": {"S": "x"}}});
    let key = json!({"TableName": "t", "Key": {"pk": {"S": "x"}}});
    let all = json!({"TransactItems": [{"Put": item}, {"Update": key}, {"Delete": key}]}).to_string();
    let case = |target, body: String, actions: &[&'static str]| -> Case {
        ("POST", "/", target, body, 400, actions.iter().map(|action| (*action, TABLE)).collect())
    };
    let write = "dynamodb DynamoDB_20120810.TransactWriteItems";
    vec![
        case("dynamodb DynamoDB_20120810.Query", key.to_string(), &["dynamodb:Query"]),
        case(write, one(json!({"ConditionCheck": key})), &["dynamodb:ConditionCheckItem"]),
        case(write, all, &["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]),
        case(
            "dynamodb DynamoDB_20120810.BatchGetItem",
            json!({"RequestItems": {"t": {}}}).to_string(),
            &["dynamodb:BatchGetItem"],
        ),
    ]
}

fn others() -> Vec<Case> {
    let form = |action: &str, field: &str| {
        format!("Action={action}&Version=1&{field}=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Fr")
    };
    let case = |method, path, service, body: &str, status, action, resource| -> Case {
        (method, path, service, body.to_owned(), status, vec![(action, resource)])
    };
    let (stage, deployments) = ("/restapis/a/stages/dev", "/restapis/a/deployments");
    let key = "arn:aws:ssm:us-east-1:111111111111:parameter/a/b";
    let role = "arn:aws:iam::222222222222:role/r";
    let (assume, simulate) = (form("AssumeRole", "RoleArn"), form("SimulatePrincipalPolicy", "PolicySourceArn"));
    let api = "arn:aws:apigateway:us-east-1::/restapis/a/stages/dev";
    let its_deployments = "arn:aws:apigateway:us-east-1::/restapis/a/deployments";
    let all = "arn:aws:cloudwatch:us-east-1:111111111111:alarm:*";
    vec![
        case("PATCH", stage, "apigateway", "{}", 403, "apigateway:PATCH", api),
        case("POST", deployments, "apigateway", "{}", 403, "apigateway:POST", its_deployments),
        case("POST", "/", "ssm AmazonSSM.GetParameter", r#"{"Name": "/a/b"}"#, 400, "ssm:GetParameter", key),
        case("POST", "/", "monitoring", &form("DescribeAlarms", "Of"), 403, "cloudwatch:DescribeAlarms", all),
        case("PUT", "/b/a/k", "s3", "x", 403, "s3:PutObject", "arn:aws:s3:::b/a/k"),
        case("POST", "/", "sts", &assume, 403, "sts:AssumeRole", role),
        case("POST", "/", "iam", &simulate, 403, "iam:SimulatePrincipalPolicy", role),
    ]
}

pub(crate) fn every_call_needs_its_action_and_is_refused_in_aws_words() {
    let proxy = StrictProxy::before(stack().checkout.port("dev"));
    let who = role_arn("dev", "deploy");
    proxy.guard(Some(Guard::of_role(&who, Policy::default())));
    for (method, path, service, body, status, needs) in functions().into_iter().chain(items()).chain(others()) {
        let (service, target) = service.split_once(' ').unwrap_or((service, ""));
        let request = client().request(method.parse().unwrap(), format!("http://127.0.0.1:{}{path}", proxy.port));
        let mut request = request.header("authorization", signed("dev", service));
        if !target.is_empty() {
            request = request.header("x-amz-target", target);
        }
        let response = block_on(async {
            let response = request.body(body).send().await.unwrap();
            (response.status().as_u16(), String::from_utf8_lossy(&response.bytes().await.unwrap()).into_owned())
        });
        let call = proxy.take().remove(0);
        let found: Vec<_> = call.needs.iter().map(|need| (need.action.as_str(), need.resource.as_str())).collect();
        assert_eq!(found, needs, "{method} {path} {target}");
        assert_eq!((response.0, call.refused.as_ref()), (status, call.needs.first()), "{method} {path} {target}");
        let words = format!(
            "assumed-role/resume-visitor-counter-dev-deploy/front is not authorized to perform: {}",
            needs[0].0
        );
        // S3 says no more.
        assert!(
            response.1.contains(&words) || (service == "s3" && response.1.contains("Access Denied")),
            "{}",
            response.1
        );
    }
    // What IAM is asked nothing about.
    let form = "Action=GetCallerIdentity&Version=2011-06-15";
    let ask = client().post(format!("http://127.0.0.1:{}/", proxy.port)).header("authorization", signed("dev", "sts"));
    let response = block_on(async { ask.body(form).send().await.unwrap().text().await.unwrap() });
    assert!(response.contains("assumed-role/resume-visitor-counter-dev-deploy/front"), "{response}");
    assert!(proxy.take()[0].needs.is_empty());
}
