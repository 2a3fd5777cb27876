//! What IAM is asked of the deployer's own permissions.

use crate::ledger::{Contract, HttpApi, RestApi};
use crate::observe::arn::{function_arn, partition};

/// What IAM is asked.
pub(super) struct Question {
    /// As IAM names it: `lambda:GetFunction`.
    pub action: &'static str,
    /// The ARN of what it is done to.
    pub resource: String,
    /// What it is for.
    pub wanted: Wanted,
}

/// What a permission is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Nothing can be said of the stack without it.
    ToLook,
    /// Nothing can be released without it.
    ToRelease,
    /// Something is looked at that a release does not need.
    ToCompare,
    /// The caller must not have it.
    Never,
}

/// Everything that the deployer does to the stack of a contract, and what it must not be able to do.
pub(super) fn questions(contract: &Contract, ledger: &str) -> Vec<Question> {
    let (region, account, partition) = (&contract.region, &contract.account, partition(&contract.region));
    let mut questions = Vec::new();
    let mut ask = |actions: &[&'static str], resource: String| {
        let question = |action: &&'static str| Question { action, resource: resource.clone(), wanted: wanted(action) };
        questions.extend(actions.iter().map(question));
    };
    for function in contract.functions.values() {
        let arn = function_arn(contract, &function.name);
        const OF_ALIAS: [&str; 4] = [
            "lambda:GetFunction",
            "lambda:GetPolicy",
            "lambda:GetProvisionedConcurrencyConfig",
            "lambda:InvokeFunction",
        ];
        ask(&OF_ALIAS, format!("{arn}:{}", function.alias));
        if function.url.is_some() {
            ask(&["lambda:GetFunctionUrlConfig"], format!("{arn}:{}", function.alias));
        }
        // Any version: they have no names but their numbers.
        ask(&["lambda:GetFunction", "lambda:InvokeFunction", "lambda:DeleteFunction"], format!("{arn}:1"));
        const WHOLE: [&str; 7] = [
            "lambda:GetAlias",
            "lambda:ListAliases",
            "lambda:UpdateAlias",
            "lambda:UpdateFunctionCode",
            "lambda:PublishVersion",
            "lambda:ListVersionsByFunction",
            "lambda:GetFunctionConcurrency",
        ];
        ask(&WHOLE, arn);
    }
    of_api(contract, &mut ask);
    const ITEMS: [&str; 4] = ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem"];
    ask(&ITEMS, format!("arn:{partition}:dynamodb:{region}:{account}:table/{ledger}"));
    let alarms =
        contract.alarms.iter().map(|name| format!("arn:{partition}:cloudwatch:{region}:{account}:alarm:{name}"));
    alarms.for_each(|alarm| ask(&["cloudwatch:DescribeAlarms"], alarm));
    if contract.alarms.is_empty() {
        ask(&["cloudwatch:DescribeAlarms"], "*".to_owned());
    }
    if let Some(bucket) = &contract.artifact_bucket {
        // Lambda fetches the object with the caller's permissions.
        ask(&["s3:PutObject", "s3:GetObjectVersion"], format!("arn:{partition}:s3:::{bucket}/any"));
    }
    // What the account has for all its functions together, and a list of IAM's that knows no single function.
    questions.extend(["lambda:GetAccountSettings", "lambda:ListEventSourceMappings"].map(|action| Question {
        action,
        resource: "*".to_owned(),
        wanted: Wanted::ToCompare,
    }));
    // A release that has failed shows what its version logged, where that may be read.
    questions.extend(contract.functions.values().map(|function| Question {
        action: "logs:FilterLogEvents",
        resource: format!("arn:{partition}:logs:{region}:{account}:log-group:/aws/lambda/{}:*", function.name),
        wanted: Wanted::ToCompare,
    }));
    questions.extend(elsewhere(contract));
    // Without a version it deletes the function, with all its versions and aliases.
    let whole = contract.functions.values().map(|function| function_arn(contract, &function.name));
    questions.extend(whole.map(|resource| Question {
        action: "lambda:DeleteFunction",
        resource,
        wanted: Wanted::Never,
    }));
    questions
}

/// What is done to the API. API Gateway's ARNs have no account.
fn of_api(contract: &Contract, ask: &mut impl FnMut(&[&'static str], String)) {
    let gateway = format!("arn:{}:apigateway:{}:", partition(&contract.region), contract.region);
    if let Some(RestApi { id, stage, .. }) = contract.rest() {
        let api = format!("{gateway}:/restapis/{id}");
        ask(&["apigateway:GET"], api.clone());
        ask(&["apigateway:GET"], format!("{api}/resources"));
        ask(&["apigateway:GET"], format!("{api}/stages"));
        ask(&["apigateway:GET", "apigateway:POST"], format!("{api}/deployments"));
        ask(&["apigateway:DELETE"], format!("{api}/deployments/any"));
        ask(&["apigateway:GET", "apigateway:PATCH"], format!("{api}/stages/{stage}"));
    }
    if let Some(HttpApi { id, stage, .. }) = contract.http() {
        for part in [format!("stages/{stage}"), "routes".to_owned(), "integrations".to_owned()] {
            ask(&["apigateway:GET"], format!("{gateway}:/apis/{id}/{part}"));
        }
    }
}

/// What does not exist: a role that may change it has a wildcard, and may change the other environments too.
fn elsewhere(contract: &Contract) -> impl Iterator<Item = Question> + use<> {
    let (region, account, partition) = (&contract.region, &contract.account, partition(&contract.region));
    let gateway = format!("arn:{partition}:apigateway:{region}:");
    let stage = contract.rest().map(|api| &api.stage);
    let same_stage = stage.map(|stage| ("apigateway:PATCH", format!("{gateway}:/restapis/{ELSEWHERE}/stages/{stage}")));
    let asked = [
        ("apigateway:PATCH", format!("{gateway}:/restapis/{ELSEWHERE}/stages/{ELSEWHERE}")),
        ("apigateway:POST", format!("{gateway}:/restapis/{ELSEWHERE}/deployments")),
        ("apigateway:PATCH", format!("{gateway}:/domainnames/{ELSEWHERE}.example.com")),
        ("lambda:UpdateAlias", format!("arn:{partition}:lambda:{region}:{account}:function:{ELSEWHERE}")),
        ("lambda:UpdateFunctionCode", format!("arn:{partition}:lambda:{region}:{account}:function:{ELSEWHERE}")),
        ("dynamodb:PutItem", format!("arn:{partition}:dynamodb:{region}:{account}:table/{ELSEWHERE}")),
    ];
    asked.into_iter().chain(same_stage).map(|(action, resource)| Question { action, resource, wanted: Wanted::Never })
}

/// A name that no stack has.
pub(super) const ELSEWHERE: &str = "zz-elsewhere";

/// What aliases name is read before a version is deleted, and S3 is read for Lambda: both are parts of a release.
fn wanted(action: &str) -> Wanted {
    const READS: [&str; 5] = [":Get", ":List", ":Query", ":Describe", ":GET"];
    match action {
        "lambda:ListAliases" | "s3:GetObjectVersion" => Wanted::ToRelease,
        _ if READS.iter().any(|read| action.contains(read)) => Wanted::ToLook,
        _ => Wanted::ToRelease,
    }
}
