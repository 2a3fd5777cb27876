//! What each request of Terraform's needs to be allowed, under AWS's own names, by the Service Authorization Reference.
//! A request that is not understood here is an error: it must not pass unchecked.

mod functions;
mod stores;
mod watching;

use serde_json::Value;

use super::account::ACCOUNT;
use super::trace::{Known, Request, tags};
use crate::strict::Need;

type Needs = Result<Vec<Need>, String>;

/// The fields whose meaning for permissions is known. Another one could need more: a key of KMS, a network, a layer.
const FIELDS: [(&str, &str); 6] = [
    (
        "CreateFunction",
        "Architectures Code Description Environment FunctionName Handler LoggingConfig MemorySize PackageType Publish Role \
         Runtime Tags Timeout TracingConfig",
    ),
    (
        "CreateTable",
        "AttributeDefinitions BillingMode DeletionProtectionEnabled GlobalSecondaryIndexes KeySchema SSESpecification \
         TableName Tags",
    ),
    ("CreateLogGroup", "logGroupName tags"),
    ("PutParameter", "AllowedPattern Description Name Overwrite Tags Type Value"),
    ("PutIntegration", "connectionType httpMethod timeoutInMillis type uri"),
    (
        "CreateRole",
        "Action AssumeRolePolicyDocument Description MaxSessionDuration Path PermissionsBoundary RoleName Tags Version",
    ),
];

/// All that a request needs; nothing for who one is.
pub(super) fn needs(request: &Request, known: &Known) -> Needs {
    let needs = match request.service() {
        "S3" => stores::s3(request),
        // Their bodies say nothing that counts, or are masked.
        "KMS" if request.operation() == "DescribeKey" => Ok(vec![Need::new("kms:DescribeKey", arn("kms", "key/1"))]),
        "Secrets Manager" if request.operation() == "GetRandomPassword" => {
            Ok(one("secretsmanager", request, "*".to_owned()))
        }
        service => {
            let body = request.body()?;
            only_known_fields(request, &body)?;
            match service {
                "STS" if request.operation() == "GetCallerIdentity" => Ok(Vec::new()),
                "Lambda" => functions::lambda(request, &body),
                "API Gateway" => functions::api_gateway(request),
                "DynamoDB" => stores::dynamodb(request, &body),
                "IAM" => functions::iam(request, &body, known),
                "SNS" => watching::sns(request, &body),
                "SSM" => stores::ssm(request, &body),
                "CloudWatch Logs" => watching::logs(request, &body),
                "WAFV2" => watching::wafv2(request, &body),
                "CloudWatch" => watching::cloudwatch(request, &body),
                _ => unknown(request),
            }
        }
    }?;
    Ok(needs.into_iter().map(|need| tagged(need, known)).collect())
}

/// What is below an API has the tags of the API.
fn tagged(mut need: Need, known: &Known) -> Need {
    let tags = need.rest_api().and_then(|id| known.tags.get(id)).into_iter().flatten();
    for (key, value) in tags {
        need = need.with(&format!("aws:ResourceTag/{key}"), vec![value.clone()]);
    }
    need
}

fn only_known_fields(request: &Request, body: &Value) -> Result<(), String> {
    let Some((_, fields)) = FIELDS.iter().find(|(operation, _)| *operation == request.operation()) else {
        return Ok(());
    };
    let mut given = body.as_object().into_iter().flatten();
    match given.find(|(name, _)| !fields.split(' ').any(|known| known == *name)) {
        Some((name, _)) => Err(format!("no rule says what its field `{name}` needs")),
        None => Ok(()),
    }
}

fn unknown<T>(request: &Request) -> Result<T, String> {
    Err(format!("no rule for what `{}` of {} needs", request.operation(), request.service()))
}

fn arn(service: &str, what: &str) -> String {
    format!("arn:aws:{service}:us-east-1:{ACCOUNT}:{what}")
}

fn text<'a>(body: &'a Value, field: &str) -> &'a str {
    body[field].as_str().unwrap_or("?")
}

/// One question by the name of the operation.
fn one(service: &str, request: &Request, resource: String) -> Vec<Need> {
    vec![Need::new(format!("{service}:{}", request.operation()), resource)]
}

/// What is made with tags is tagged as well: two questions, both with the tags.
fn making(action: &str, tagging: &str, resource: &str, given: &Value) -> Vec<Need> {
    let given = tags(given);
    let with = |need: Need| {
        let need = need.with("aws:TagKeys", given.iter().map(|(key, _)| key.clone()).collect());
        given.iter().fold(need, |need, (key, value)| need.with(&format!("aws:RequestTag/{key}"), vec![value.clone()]))
    };
    let actions = if given.is_empty() { vec![action] } else { vec![action, tagging] };
    actions.into_iter().map(|action| with(Need::new(action, resource))).collect()
}

/// By the rules that the strict proxy has for the calls of the deployer.
fn as_of_the_deployer(request: &Request) -> Vec<Need> {
    let url = request.url();
    let path = url.query().map_or(url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let made = hyper::Request::builder().method(request.verb()).uri(path).body(()).unwrap();
    Need::all(request.service(), request.operation(), &made.into_parts().0, request.sent().as_bytes(), ACCOUNT)
}
