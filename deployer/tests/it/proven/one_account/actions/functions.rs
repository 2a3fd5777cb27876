//! The functions, their roles, and the API before them.

use serde_json::Value;

use super::super::account::ACCOUNT;
use super::super::trace::{Known, Request};
use super::{Needs, arn, as_of_the_deployer, making, one, text, unknown};
use crate::strict::Need;

pub(super) fn lambda(request: &Request, body: &Value) -> Needs {
    let whole = |name: &str| arn("lambda", &format!("function:{name}"));
    match request.operation() {
        "CreateFunction" => {
            if body["Code"].as_object().is_none_or(|code| code.keys().any(|field| field != "ZipFile")) {
                return Err("its code is not in the request".to_owned());
            }
            let function = whole(text(body, "FunctionName"));
            let mut needs = making("lambda:CreateFunction", "lambda:TagResource", &function, &body["Tags"]);
            let to = vec!["lambda.amazonaws.com".to_owned()];
            needs.push(Need::new("iam:PassRole", text(body, "Role")).with("iam:PassedToService", to));
            Ok(needs)
        }
        "GetFunction" => {
            // Without it the response has no tags, and every plan would add them again.
            let name = request.url().path().split('/').nth(3).unwrap_or("?").to_owned();
            let mut needs = as_of_the_deployer(request);
            needs.push(Need::new("lambda:ListTags", whole(&name)));
            Ok(needs)
        }
        "AddPermission"
        | "CreateAlias"
        | "GetAlias"
        | "GetFunctionCodeSigningConfig"
        | "GetFunctionConfiguration"
        | "GetPolicy"
        | "ListVersionsByFunction" => Ok(as_of_the_deployer(request)),
        _ => unknown(request),
    }
}

/// A role's boundary counts when it is made, and whenever its policies are changed.
pub(super) fn iam(request: &Request, body: &Value, known: &Known) -> Needs {
    let name = text(body, "RoleName");
    let role = format!("arn:aws:iam::{ACCOUNT}:role{}{name}", body["Path"].as_str().unwrap_or("/"));
    let bounded = |need: Need| match known.boundaries.get(name) {
        Some(boundary) => need.with("iam:PermissionsBoundary", vec![boundary.clone()]),
        None => need,
    };
    match request.operation() {
        "CreateRole" => {
            Ok(making("iam:CreateRole", "iam:TagRole", &role, &body["Tags"]).into_iter().map(bounded).collect())
        }
        "PutRolePolicy" => Ok(one("iam", request, role).into_iter().map(bounded).collect()),
        "GetRole" | "GetRolePolicy" | "ListAttachedRolePolicies" | "ListRolePolicies" => Ok(one("iam", request, role)),
        _ => unknown(request),
    }
}

/// By verb and path; the operations are listed because some of others need more.
pub(super) fn api_gateway(request: &Request) -> Needs {
    const OPERATIONS: &str = "CreateDeployment CreateResource CreateRestApi CreateStage GetDeployment GetGatewayResponse \
                              GetIntegration GetMethod GetResource GetResources GetRestApi GetStage PutGatewayResponse \
                              PutIntegration PutMethod UpdateStage";
    if !OPERATIONS.split_whitespace().any(|known| known == request.operation()) {
        return unknown(request);
    }
    let mut needs = as_of_the_deployer(request);
    if request.operation() == "CreateRestApi" {
        // With the first API of an account, in the caller's name.
        let service = "ops.apigateway.amazonaws.com";
        let role = format!("arn:aws:iam::{ACCOUNT}:role/aws-service-role/{service}/AWSServiceRoleForAPIGateway");
        let made = Need::new("iam:CreateServiceLinkedRole", role);
        needs.push(made.with("iam:AWSServiceName", vec![service.to_owned()]));
    }
    Ok(needs)
}
