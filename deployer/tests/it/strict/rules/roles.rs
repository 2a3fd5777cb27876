//! Roles that the front gives credentials for, and what these may do.

use super::super::answer::Answer;
use super::super::name::text;
use super::Exchange;

/// A role, and what it may.
#[derive(Debug, Clone)]
pub(crate) struct Role {
    pub arn: String,
    /// The account's number, which is the access key: so the emulator tells accounts apart.
    pub account: String,
    pub allowed: Vec<&'static str>,
}

/// AssumeRole: of a role of the front's own, else as the emulator does it.
pub(super) async fn assume(call: &Exchange<'_>) -> Result<Answer, Answer> {
    let body = String::from_utf8_lossy(&call.body).into_owned();
    let form = reqwest::Url::parse(&format!("http://front/?{body}")).unwrap();
    let arn = form.query_pairs().find(|(name, _)| name == "RoleArn").map(|(_, arn)| arn.into_owned());
    let Some(role) = call.shared.roles().into_iter().find(|role| Some(&role.arn) == arn.as_ref()) else {
        return Ok(call.forward().await);
    };
    let expires = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    let assumed = role.arn.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/");
    Ok(Answer::xml(
        200,
        &format!(
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
             <AssumedRoleUser><Arn>{assumed}/front</Arn><AssumedRoleId>AROAFRONT:front</AssumedRoleId></AssumedRoleUser>\
             <Credentials><AccessKeyId>{}</AccessKeyId><SecretAccessKey>front</SecretAccessKey>\
             <SessionToken>{}</SessionToken><Expiration>{expires:.0}</Expiration></Credentials></AssumeRoleResult>\
             <ResponseMetadata><RequestId>front</RequestId></ResponseMetadata></AssumeRoleResponse>",
            role.account,
            token(&role.arn),
        ),
    ))
}

/// By the token, not by the key, the role's credentials are told from the account's own.
pub(in super::super) fn token(arn: &str) -> String {
    format!("front:{arn}")
}

/// Refuses what the role may not do.
pub(super) fn allows(call: &Exchange<'_>) -> Result<(), Answer> {
    let given = text(call.parts, "x-amz-security-token");
    let role = call.shared.roles().into_iter().find(|role| given == Some(&token(&role.arn)));
    match role {
        Some(role) if !role.allowed.contains(&call.name) => {
            let words = format!("User: {} is not authorized to perform: {}", role.arn, call.name);
            // DynamoDB answers 400 to what others answer 403 to.
            let status = if call.service == super::Service::DynamoDb { 400 } else { 403 };
            Err(call.refuse(status, "AccessDeniedException", &words))
        }
        _ => Ok(()),
    }
}
