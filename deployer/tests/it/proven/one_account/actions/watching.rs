//! What watches and guards: topics, logs, the dashboard, the web ACL.

use serde_json::Value;

use super::super::account::ACCOUNT;
use super::super::trace::Request;
use super::{Needs, arn, making, one, text, unknown};
use crate::strict::Need;

pub(super) fn sns(request: &Request, body: &Value) -> Needs {
    match request.operation() {
        "CreateTopic" => {
            Ok(making("sns:CreateTopic", "sns:TagResource", &arn("sns", text(body, "Name")), &body["Tags"]))
        }
        "GetTopicAttributes" | "SetTopicAttributes" => Ok(one("sns", request, text(body, "TopicArn").to_owned())),
        "ListTagsForResource" => Ok(one("sns", request, text(body, "ResourceArn").to_owned())),
        _ => unknown(request),
    }
}

pub(super) fn cloudwatch(request: &Request, body: &Value) -> Needs {
    match request.operation() {
        "GetDashboard" | "PutDashboard" => {
            let dashboard = format!("arn:aws:cloudwatch::{ACCOUNT}:dashboard/{}", text(body, "DashboardName"));
            Ok(one("cloudwatch", request, dashboard))
        }
        _ => unknown(request),
    }
}

/// AWS's messages name a log group in several forms, by action: each of them has to be allowed.
pub(super) fn logs(request: &Request, body: &Value) -> Needs {
    let forms = |group: &str| {
        let group = arn("logs", &format!("log-group:{group}"));
        [group.clone(), format!("{group}:*"), format!("{group}:log-stream:")]
    };
    match request.operation() {
        "CreateLogGroup" => {
            let made = |group: &String| making("logs:CreateLogGroup", "logs:TagResource", group, &body["tags"]);
            Ok(forms(text(body, "logGroupName")).iter().flat_map(made).collect())
        }
        "PutRetentionPolicy" => {
            Ok(forms(text(body, "logGroupName")).into_iter().flat_map(|group| one("logs", request, group)).collect())
        }
        "ListTagsForResource" => Ok(one("logs", request, text(body, "resourceArn").to_owned())),
        "DescribeLogGroups" => Ok(one("logs", request, arn("logs", "log-group::log-stream:"))),
        _ => unknown(request),
    }
}

/// The id of what is being made is not known yet: any will do.
pub(super) fn wafv2(request: &Request, body: &Value) -> Needs {
    let acl = |id: &str| arn("wafv2", &format!("regional/webacl/{}/{id}", text(body, "Name")));
    let stage = text(body, "ResourceArn");
    match request.operation() {
        "CreateWebACL" if body["Scope"] == "REGIONAL" => {
            let mut needs = making("wafv2:CreateWebACL", "wafv2:TagResource", &acl("1"), &body["Tags"]);
            for rule in body["Rules"].as_array().into_iter().flatten() {
                needs.extend(rule_set(&rule["Statement"])?);
            }
            Ok(needs)
        }
        "GetWebACL" => Ok(one("wafv2", request, acl(text(body, "Id")))),
        "ListTagsForResource" => Ok(one("wafv2", request, text(body, "ResourceARN").to_owned())),
        "AssociateWebACL" if stage.contains("::/restapis/") => {
            let mut needs = one("wafv2", request, text(body, "WebACLArn").to_owned());
            needs.extend(one("wafv2", request, stage.to_owned()));
            needs.push(Need::new("apigateway:SetWebACL", stage));
            Ok(needs)
        }
        "GetWebACLForResource" if stage.contains("::/restapis/") => Ok(one("wafv2", request, stage.to_owned())),
        _ => unknown(request),
    }
}

/// What a rule refers to: nothing, or a set of rules that AWS keeps.
fn rule_set(statement: &Value) -> Needs {
    let statement = statement.as_object().and_then(|statement| statement.iter().next());
    match statement.map(|(kind, statement)| (kind.as_str(), statement)) {
        Some(("RateBasedStatement", limit)) if limit["ScopeDownStatement"].is_null() => Ok(Vec::new()),
        Some(("ManagedRuleGroupStatement", group)) if group["VendorName"] == "AWS" => {
            let set = arn("wafv2", &format!("regional/managedruleset/{}/1", text(group, "Name")));
            Ok(vec![Need::new("wafv2:CreateWebACL", set)])
        }
        _ => Err(format!("there is no rule for {statement:?}")),
    }
}
