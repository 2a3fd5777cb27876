//! Names as IAM has them.

use crate::ledger::Contract;

/// The partition of a region: the beginning of its ARNs.
pub fn partition(region: &str) -> &'static str {
    match region {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        region if region.starts_with("us-iso-") => "aws-iso",
        region if region.starts_with("us-isob-") => "aws-iso-b",
        region if region.starts_with("eu-isoe-") => "aws-iso-e",
        region if region.starts_with("us-isof-") => "aws-iso-f",
        region if region.starts_with("eusc-") => "aws-eusc",
        _ => "aws",
    }
}

/// The ARN of a function of the contract.
pub fn function_arn(contract: &Contract, name: &str) -> String {
    let (region, account) = (&contract.region, &contract.account);
    format!("arn:{}:lambda:{region}:{account}:function:{name}", partition(region))
}

/// How API Gateway names itself when it calls a function for a route of an API and stage, as `GET /orders/{id}`: a placeholder of the path, and
/// the method `ANY`, are a `*` there
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html>).
pub fn source_of(contract: &Contract, place: (&str, &str), route: &str) -> String {
    let (method, path) = route.split_once(' ').unwrap_or((route, ""));
    let method = if method == "ANY" { "*" } else { method };
    let segments = path.split('/').map(|segment| if segment.starts_with('{') { "*" } else { segment });
    format!("{}{method}{}", stage_arn(contract, place), segments.collect::<Vec<_>>().join("/"))
}

/// The same of an HTTP API's route, whose path stays as it is declared; `$default` is a route by itself.
pub fn http_source_of(contract: &Contract, place: (&str, &str), route: &str) -> String {
    let (method, path) = route.split_once(' ').unwrap_or((route, ""));
    let method = if method == "ANY" { "*" } else { method };
    format!("{}{method}{path}", stage_arn(contract, place))
}

/// The beginning of all those names of a place, which is an API and a stage of it.
pub fn stage_arn(contract: &Contract, (api, stage): (&str, &str)) -> String {
    let (region, account) = (&contract.region, &contract.account);
    format!("arn:{}:execute-api:{region}:{account}:{api}/{stage}/", partition(region))
}
