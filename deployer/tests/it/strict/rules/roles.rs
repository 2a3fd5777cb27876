//! Roles that the strict proxy gives credentials for, who a caller is, and what they may do.

use serde_json::Value;

use super::super::name::{Service, credential, text};
use super::super::privilege::{Need, Policy, Principal, session, trusts};
use super::super::reply::Reply;
use super::Exchange;

/// A role, and what it may.
#[derive(Debug, Clone)]
pub(crate) struct Role {
    pub arn: String,
    /// The account's number, which is the access key: so the emulator distinguishes accounts.
    pub account: String,
    pub policy: Policy,
    /// Whom it is given to.
    pub trust: Value,
}

/// AssumeRole: of a role of the strict proxy's own, if it has any; else as the emulator does it, which gives every role to anyone.
pub(super) async fn assume(call: &Exchange<'_>) -> Result<Reply, Reply> {
    let body = String::from_utf8_lossy(&call.body).into_owned();
    let form = reqwest::Url::parse(&format!("http://front/?{body}")).unwrap();
    let arn = form.query_pairs().find(|(name, _)| name == "RoleArn").map(|(_, arn)| arn.into_owned());
    let roles = call.shared.roles();
    if roles.is_empty() {
        return Ok(call.forward().await);
    }
    let who = principal(call);
    let given = |role: &Role| trusts(&role.trust, &Principal::Aws(who.clone()));
    // As AWS does it: a role that does not exist is refused in the same words as one that trusts another caller.
    let Some(role) = roles.into_iter().find(|role| Some(&role.arn) == arn.as_ref()).filter(given) else {
        return Err(denied(call, &session(&who), "sts:AssumeRole", arn.as_deref().unwrap_or_default()));
    };
    let expires = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    Ok(Reply::xml(
        200,
        &format!(
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
             <AssumedRoleUser><Arn>{}</Arn><AssumedRoleId>AROAFRONT:front</AssumedRoleId></AssumedRoleUser>\
             <Credentials><AccessKeyId>{}</AccessKeyId><SecretAccessKey>front</SecretAccessKey>\
             <SessionToken>{}</SessionToken><Expiration>{expires:.0}</Expiration></Credentials></AssumeRoleResult>\
             <ResponseMetadata><RequestId>front</RequestId></ResponseMetadata></AssumeRoleResponse>",
            session(&role.arn),
            role.account,
            token(&role.arn),
        ),
    ))
}

/// GetCallerIdentity: a role of the strict proxy's own, or the guarded one; otherwise the emulator's caller.
pub(super) async fn identity(call: &Exchange<'_>) -> Reply {
    let Some((who, account)) = role(call)
        .map(|role| (session(&role.arn), role.account))
        .or_else(|| call.shared.guard().map(|guard| (guard.who.clone(), account_in(&guard.who))))
    else {
        return call.forward().await;
    };
    Reply::xml(
        200,
        &format!(
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
             <Arn>{who}</Arn><UserId>AROAFRONT:front</UserId><Account>{account}</Account></GetCallerIdentityResult>\
             <ResponseMetadata><RequestId>front</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
        ),
    )
}

/// SimulatePrincipalPolicy of who calls: by the policy that holds here, and by the context that comes with the question,
/// which the emulator leaves out. Of anybody else the emulator is asked.
pub(super) async fn simulate(call: &Exchange<'_>) -> Reply {
    let held = role(call).map(|role| role.policy).or_else(|| call.shared.guard().map(|guard| guard.policy));
    let Some(policy) = held else { return call.forward().await };
    let body = String::from_utf8_lossy(&call.body).into_owned();
    let form = reqwest::Url::parse(&format!("http://front/?{body}")).unwrap();
    let all = |start: &str, end: &str| -> Vec<String> {
        let named = form.query_pairs().filter(|(name, _)| name.starts_with(start) && name.ends_with(end));
        named.map(|(_, value)| value.into_owned()).collect()
    };
    let keys = all("ContextEntries.member.", ".ContextKeyName");
    let values = all("ContextEntries.member.", ".ContextKeyValues.member.1");
    let resource = all("ResourceArns.member.", "").swap_remove(0);
    let results = all("ActionNames.member.", "").into_iter().map(|action| {
        let need = Need::new(&action, &resource);
        let need = keys.iter().zip(&values).fold(need, |need, (key, value)| need.with(key, vec![value.clone()]));
        let decision = if policy.allows(&need) { "allowed" } else { "implicitDeny" };
        format!(
            "<member><EvalActionName>{action}</EvalActionName><EvalResourceName>{resource}</EvalResourceName>\
             <EvalDecision>{decision}</EvalDecision></member>"
        )
    });
    Reply::xml(
        200,
        &format!(
            "<SimulatePrincipalPolicyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
             <SimulatePrincipalPolicyResult><EvaluationResults>{}</EvaluationResults><IsTruncated>false</IsTruncated>\
             </SimulatePrincipalPolicyResult><ResponseMetadata><RequestId>front</RequestId></ResponseMetadata>\
             </SimulatePrincipalPolicyResponse>",
            results.collect::<String>()
        ),
    )
}

/// Who calls, as `aws:PrincipalArn` has it: the role behind a session; an administrator where no role is guarded.
fn principal(call: &Exchange<'_>) -> String {
    let guarded = call.shared.guard().map(|guard| guard.who);
    let key = credential(call.parts).map(|(key, _)| key).unwrap_or_default();
    role(call)
        .map(|role| role.arn)
        .or_else(|| guarded.map(|who| role_of(&who)))
        .unwrap_or_else(|| format!("arn:aws:iam::{key}:user/administrator"))
}

/// The role behind a session.
fn role_of(session: &str) -> String {
    let role = session.rsplit_once('/').map_or(session, |(role, _)| role);
    role.replace(":sts:", ":iam:").replace(":assumed-role/", ":role/")
}

fn account_in(arn: &str) -> String {
    arn.split(':').nth(4).unwrap_or_default().to_owned()
}

/// The token, not the key, distinguishes the role's credentials from the account's own.
pub(in super::super) fn token(arn: &str) -> String {
    format!("front:{arn}")
}

fn role(call: &Exchange<'_>) -> Option<Role> {
    let given = text(call.parts, "x-amz-security-token");
    call.shared.roles().into_iter().find(|role| given == Some(&token(&role.arn)))
}

/// Refuses what who called may not do, as AWS does.
pub(super) fn allows(call: &Exchange<'_>) -> Result<(), Reply> {
    let (who, policy) = match role(call) {
        Some(Role { arn, policy, .. }) => (session(&arn), policy),
        None => match call.shared.guard() {
            Some(guard) => (guard.who, guard.policy),
            None => return Ok(()),
        },
    };
    match call.needs.iter().find(|need| !policy.allows(need)) {
        Some(need) => {
            let refused = denied(call, &who, &need.action, &need.resource);
            Err(Reply { refused: Some(Box::new(need.clone())), ..refused })
        }
        None => Ok(()),
    }
}

fn denied(call: &Exchange<'_>, who: &str, action: &str, resource: &str) -> Reply {
    let words = match (call.service, action.split_once(':')) {
        // S3 does not always say what was missing.
        (Service::S3, _) => "Access Denied".to_owned(),
        // Lambda passes on S3's message, which is short.
        (Service::Lambda, Some(("s3", _))) => {
            let (bucket, key) = resource.trim_start_matches("arn:aws:s3:::").split_once('/').unwrap_or((resource, ""));
            format!(
                "Your access has been denied by S3, please make sure your request credentials have permission to \
                 GetObject for {bucket}/{key}. S3 Error Code: AccessDenied. S3 Error Message: Access Denied"
            )
        }
        _ => format!(
            "User: {who} is not authorized to perform: {action} on resource: {resource} because no identity-based \
             policy allows the {action} action"
        ),
    };
    // DynamoDB, CloudWatch Logs and SSM respond with 400, others with 403; the older protocols have another name for it.
    let (status, code) = match call.service {
        Service::DynamoDb | Service::Logs | Service::Ssm => (400, "AccessDeniedException"),
        Service::Sts | Service::Iam | Service::S3 | Service::CloudWatch => (403, "AccessDenied"),
        _ => (403, "AccessDeniedException"),
    };
    call.refuse(status, code, &words)
}
