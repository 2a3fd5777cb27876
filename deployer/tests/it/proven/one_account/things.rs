//! What there is of an environment, and what could be done to it: each operation with all that AWS asks IAM about it.

use super::account::{ACCOUNT, APP};
use crate::strict::Need;

/// Services, actions and resources; `ENV` is the environment, `OWN` that of who tries, `ID` its API. Space-separated.
const THINGS: [(&str, &str, &str); 27] = [
    (
        "lambda",
        "AddPermission CreateAlias CreateFunction DeleteAlias DeleteFunction DeleteFunctionConcurrency GetFunction InvokeFunction \
         PublishVersion PutFunctionConcurrency RemovePermission TagResource UntagResource UpdateAlias UpdateFunctionCode \
         UpdateFunctionConfiguration",
        "function:APP-ENV function:APP-options-ENV function:APP-ENV:live function:APP-ENV:7 function:APP-options-ENV:7",
    ),
    ("apigateway", "DELETE PATCH PUT", "/restapis/ID"),
    ("apigateway", "POST", "/restapis/ID/deployments /restapis/ID/stages /restapis/ID/resources/r"),
    ("apigateway", "DELETE PATCH SetWebACL", "/restapis/ID/stages/ENV /restapis/ID/stages/OWN"),
    ("apigateway", "DELETE PATCH", "/restapis/ID/deployments/d"),
    (
        "apigateway",
        "DELETE PATCH POST PUT",
        "/restapis/ID/resources/r /restapis/ID/resources/r/methods/GET /restapis/ID/gatewayresponses/THROTTLED",
    ),
    ("apigateway", "DELETE PATCH POST", "/domainnames/api.ENV.example /domainnames/api.ENV.example/basepathmappings"),
    ("apigateway", "DELETE PATCH", "/domainnames/api.ENV.example/basepathmappings/(none)"),
    ("route53", "ChangeResourceRecordSets", "zone:hostedzone/Z0123456789ZONE"),
    (
        "dynamodb",
        "BatchGetItem CreateTable DeleteItem DeleteTable PutItem Query Scan TagResource UntagResource UpdateContinuousBackups \
         UpdateItem UpdateTable UpdateTimeToLive",
        "table/APP-ledger-ENV table/ResumeVisitorCounter-ENV",
    ),
    ("dynamodb", "GetItem", "table/APP-ledger-ENV table/ResumeVisitorCounter-ENV"),
    ("dynamodb", "Query Scan", "table/ResumeVisitorCounter-ENV/index/by-day"),
    (
        "iam",
        "AttachRolePolicy CreateRole DeleteRole DeleteRolePermissionsBoundary DeleteRolePolicy PassRole PutRolePermissionsBoundary \
         PutRolePolicy TagRole UntagRole UpdateAssumeRolePolicy UpdateRole",
        "role/APP-ENV role/APP-options-ENV role/APP-ENV-deploy role/APP-ENV-plan role/APP-ENV-read",
    ),
    (
        "iam",
        "CreatePolicyVersion DeletePolicy SetDefaultPolicyVersion",
        "policy/APP-ENV-functions policy/APP-ENV-deploy-release",
    ),
    ("sts", "AssumeRole", "iam:role/APP-ENV-deploy iam:role/APP-ENV-plan"),
    (
        "s3",
        "DeleteObject DeleteObjectVersion GetObject PutObject",
        "s3:STATE/APP/ENV/terraform.tfstate s3:STATE/APP/ENV/terraform.tfstate.tflock",
    ),
    ("s3", "ListBucket", "s3:STATE"),
    ("s3", "DeleteObject GetObject GetObjectVersion PutObject", "s3:ARTIFACTS/app/counter.zip"),
    ("s3", "CreateBucket DeleteBucket PutBucketPolicy PutBucketVersioning PutLifecycleConfiguration", "s3:ARTIFACTS"),
    (
        "logs",
        "CreateLogGroup DeleteLogGroup PutRetentionPolicy TagResource",
        "log-group:/aws/lambda/APP-ENV log-group:/aws/lambda/APP-ENV:*",
    ),
    ("ssm", "AddTagsToResource DeleteParameter GetParameter PutParameter", "parameter/APP/ENV/address-key"),
    ("sns", "DeleteTopic SetTopicAttributes Subscribe TagResource", "APP-ENV-alarms"),
    ("cloudwatch", "DeleteAlarms PutMetricAlarm TagResource", "alarm:APP-ENV-errors alarm:APP-ENV-api-5xx"),
    ("wafv2", "AssociateWebACL DeleteWebACL DisassociateWebACL UpdateWebACL", "regional/webacl/APP-ENV/1"),
    (
        "rds",
        "AddTagsToResource DeleteDBInstance ModifyDBInstance ModifyDBParameterGroup ModifyDBSubnetGroup",
        "db:APP-ENV pg:APP-ENV-1 subgrp:APP-ENV",
    ),
    (
        "ec2",
        "AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress CreateTags DeleteTags ModifySecurityGroupRules \
         RevokeSecurityGroupIngress",
        "security-group/sg-1",
    ),
    ("ec2", "CreateTags DeleteTags ModifySubnetAttribute ModifyVpcAttribute", "vpc/vpc-1 subnet/subnet-1"),
];

/// Who tries, on whose things.
#[derive(Debug, Clone, Copy)]
pub(super) struct Try<'a> {
    pub own: &'a str,
    pub of: &'a str,
    /// The id of the API.
    pub api: &'a str,
    /// The app that the thing is of, which Terraform tagged it with; what others made in the account has no tag.
    pub app: Option<&'a str>,
    /// The tag that comes with the request.
    pub request: Option<&'a str>,
}

/// Each operation as all of its questions.
pub(super) fn operations(tried: &Try<'_>) -> Vec<Vec<Need>> {
    let mut operations = Vec::new();
    for (service, actions, resources) in THINGS {
        for action in actions.split_whitespace() {
            for resource in resources.split_whitespace() {
                let resource = arn(service, resource, tried);
                operations.push(vec![asked(&format!("{service}:{action}"), &resource, tried)]);
            }
        }
    }
    // To tag an API is to change it.
    let api = arn("apigateway", "/restapis/ID", tried);
    let tags = format!("arn:aws:apigateway:us-east-1::/tags/{}", api.replace(':', "%3A").replace('/', "%2F"));
    for verb in ["PUT", "DELETE"] {
        let change = asked("apigateway:PATCH", &api, tried);
        operations.push(vec![asked(&format!("apigateway:{verb}"), &tags, tried), change]);
    }
    // All reader roles but the one that promotions take.
    if (tried.own, tried.of) != ("prod", "dev") {
        operations.push(vec![asked("sts:AssumeRole", &arn("sts", "iam:role/APP-ENV-read", tried), tried)]);
    }
    operations
}

fn arn(service: &str, resource: &str, tried: &Try<'_>) -> String {
    let artifacts = format!("{APP}-artifacts-{}-{ACCOUNT}", tried.of);
    let names = [
        ("STATE", format!("{APP}-tfstate-{ACCOUNT}")),
        ("ARTIFACTS", artifacts),
        ("APP", APP.to_owned()),
        ("ENV", tried.of.to_owned()),
        ("OWN", tried.own.to_owned()),
        ("ID", tried.api.to_owned()),
    ];
    let resource = names.iter().fold(resource.to_owned(), |text, (name, value)| text.replace(name, value));
    match (service, resource.split_once(':')) {
        ("s3", Some((_, resource))) => format!("arn:aws:s3:::{resource}"),
        ("sts", Some((_, resource))) => format!("arn:aws:iam::{ACCOUNT}:{resource}"),
        ("route53", Some((_, resource))) => format!("arn:aws:route53:::{resource}"),
        ("iam", _) => format!("arn:aws:iam::{ACCOUNT}:{resource}"),
        ("apigateway", _) => format!("arn:aws:apigateway:us-east-1::{resource}"),
        _ => format!("arn:aws:{service}:us-east-1:{ACCOUNT}:{resource}"),
    }
}

/// With every key that who asks may choose set to what suits them, and those that they may not, to what is.
fn asked(action: &str, resource: &str, tried: &Try<'_>) -> Need {
    let (own, of) = (tried.own, tried.of);
    let keys = [
        ("dynamodb:LeadingKeys", "total".to_owned()),
        ("iam:PassedToService", "lambda.amazonaws.com".to_owned()),
        ("iam:PermissionsBoundary", format!("arn:aws:iam::{ACCOUNT}:policy/{APP}-{own}-functions")),
        ("lambda:Principal", "apigateway.amazonaws.com".to_owned()),
        ("route53:ChangeResourceRecordSetsActions", "UPSERT".to_owned()),
        ("route53:ChangeResourceRecordSetsNormalizedRecordNames", format!("api.{of}.example")),
        ("route53:ChangeResourceRecordSetsRecordTypes", "A".to_owned()),
        ("s3:prefix", format!("{APP}/{of}/terraform.tfstate")),
        ("aws:PrincipalAccount", ACCOUNT.to_owned()),
    ];
    let mut need = keys.into_iter().fold(Need::new(action, resource), |need, (key, value)| need.with(key, vec![value]));
    if let Some(app) = tried.app {
        need = need.with("aws:ResourceTag/Environment", vec![of.to_owned()]);
        need = need.with("aws:ResourceTag/Project", vec![app.to_owned()]);
    }
    if let Some(tag) = tried.request {
        need = need.with("aws:RequestTag/Environment", vec![tag.to_owned()]);
        need = need.with("aws:RequestTag/Project", vec![APP.to_owned()]);
        need = need.with("aws:TagKeys", vec!["Environment".to_owned(), "Project".to_owned()]);
    }
    need
}
