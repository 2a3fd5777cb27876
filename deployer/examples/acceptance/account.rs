//! The account: who asks, which names are taken, and the roles that bootstrap made.

use anyhow::{Context as _, Result, bail};
use aws_sdk_apigateway::types::{Op, PatchOperation};
use aws_sdk_dynamodb::operation::describe_table::DescribeTableError;
use serde_json::json;

use crate::facts::place::{once, patient, texts};
use crate::facts::{Place, Response};

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) account: String,
    pub(crate) arn: String,
}

/// # Errors
/// No credentials, expired ones, a region that does not respond, the account's root user.
pub(crate) async fn caller(place: &Place) -> Result<Caller> {
    let asked = once!(aws_sdk_sts, place).get_caller_identity().send().await;
    let response = Response::of(&asked);
    let region = &place.region;
    let identity = match (asked, response.status) {
        (Ok(identity), _) => identity,
        (Err(error), 0) => {
            let chain = format!("{:#}", anyhow::Error::from(error));
            if chain.contains("redential") {
                bail!(
                    "there are no AWS credentials: sign in (`aws sso login`), or set AWS_PROFILE; nothing was made ({chain})"
                );
            }
            bail!(
                "AWS does not respond in the region `{region}`: check its name, and that it is enabled for the account; nothing was made ({chain})"
            );
        }
        (Err(_), _) => bail!("AWS refuses the credentials: {response}; sign in again; nothing was made"),
    };
    let account = identity.account.context("STS named no account")?;
    let arn = identity.arn.context("STS named no caller")?;
    if arn.ends_with(":root") && place.endpoint.is_none() {
        bail!(
            "these are credentials of the root user of {account}, which cannot assume roles: take those of an IAM user or role; nothing was made"
        );
    }
    Ok(Caller { account, arn })
}

/// Everything in the account with a name of this prefix.
///
/// # Errors
/// AWS refuses to say.
pub(crate) async fn taken(place: &Place, account: &str) -> Result<Vec<String>> {
    let app = &place.prefix;
    let mut taken = Vec::new();
    let lambda = patient!(aws_sdk_lambda, place);
    for environment in ["dev", "prod"] {
        for name in [format!("{app}-{environment}"), format!("{app}-options-{environment}")] {
            let found = Response::of(&lambda.get_function().function_name(&name).send().await);
            note(&mut taken, format!("function `{name}`"), &found)?;
        }
        for name in [format!("{app}-ledger-{environment}"), format!("{}-{environment}", table(app))] {
            tables(place, &name, &mut taken).await?;
        }
        for end in ["", "-deploy", "-plan", "-read"] {
            let name = format!("{app}-{environment}{end}");
            let found = Response::of(&place.iam("GetRole", &[("RoleName", &name)]).await);
            note(&mut taken, format!("role `{name}`"), &found)?;
        }
        bucket(place, &format!("{app}-artifacts-{environment}-{account}"), &mut taken).await?;
    }
    bucket(place, &state_bucket(app, account), &mut taken).await?;
    let probe = place.name();
    let found = Response::of(&lambda.get_function().function_name(&probe).send().await);
    note(&mut taken, format!("function `{probe}`"), &found)?;
    let found = Response::of(&place.iam("GetRole", &[("RoleName", &probe)]).await);
    note(&mut taken, format!("role `{probe}`"), &found)?;
    tables(place, &probe, &mut taken).await?;
    Ok(taken)
}

fn note(taken: &mut Vec<String>, object: String, found: &Response) -> Result<()> {
    match found.status {
        200 => taken.push(object),
        404 => {}
        _ => bail!("cannot find out whether there is a {object}: {found}; nothing was changed"),
    }
    Ok(())
}

async fn tables(place: &Place, name: &str, taken: &mut Vec<String>) -> Result<()> {
    let found = patient!(aws_sdk_dynamodb, place).describe_table().table_name(name).send().await;
    let response = Response::of(&found);
    match found.map_err(aws_sdk_dynamodb::error::SdkError::into_service_error) {
        Err(DescribeTableError::ResourceNotFoundException(_)) => Ok(()),
        _ => note(taken, format!("table `{name}`"), &response),
    }
}

async fn bucket(place: &Place, name: &str, taken: &mut Vec<String>) -> Result<()> {
    let response = Response::of(&place.head_bucket(name).await);
    match response.status {
        // The name carries the account's number, and yet another account has it.
        403 => bail!("the bucket `{name}` belongs to another account: use another prefix; nothing was changed"),
        301 => bail!("the bucket `{name}` is in another region: take another prefix; nothing was changed"),
        _ => note(taken, format!("bucket `{name}`"), &response),
    }
}

/// The name that Terraform derives for the table of visits.
fn table(app: &str) -> String {
    let word = |word: &str| word[..1].to_uppercase() + &word[1..];
    app.split('-').filter(|part| !part.is_empty()).map(word).collect()
}

/// Whether bootstrap got as far as the bucket for the environments' states.
pub(crate) async fn has_state_bucket(place: &Place, account: &str) -> Result<bool> {
    let mut found = Vec::new();
    bucket(place, &state_bucket(&place.prefix, account), &mut found).await?;
    Ok(!found.is_empty())
}

pub(crate) fn state_bucket(app: &str, account: &str) -> String {
    format!("{app}-tfstate-{account}")
}

/// The ARN of GitHub's OIDC provider, if the account has one: it cannot have two.
pub(crate) async fn oidc_provider(place: &Place) -> Result<Option<String>> {
    let all = place.iam("ListOpenIDConnectProviders", &[]).await;
    let all = all.context("cannot list the account's OIDC providers")?;
    let mut arns = texts(&all, "Arn");
    Ok(arns.find(|arn| arn.ends_with("oidc-provider/token.actions.githubusercontent.com")).map(str::to_owned))
}

/// Whether API Gateway has a role for logs in this account and region.
pub(crate) async fn has_log_role(place: &Place) -> Result<bool> {
    let account = patient!(aws_sdk_apigateway, place).get_account().send().await;
    let account = account.context("cannot read API Gateway's settings of the account")?;
    Ok(account.cloudwatch_role_arn().is_some_and(|arn| !arn.is_empty()))
}

/// Takes the log role away again: Terraform's provider leaves the setting, and the role would be gone.
pub(crate) async fn remove_log_role(place: &Place) -> Result<()> {
    let none = PatchOperation::builder().op(Op::Replace).path("/cloudwatchRoleArn").value("").build();
    let updated = patient!(aws_sdk_apigateway, place).update_account().patch_operations(none).send().await;
    let response = Response::of(&updated);
    if response.status == 404 {
        return Ok(());
    }
    updated.map(drop).with_context(|| format!("cannot remove API Gateway's log role: {response}"))
}

/// Allows only the caller to assume a role of bootstrap's: GitHub, whom it trusts, is not here.
pub(crate) async fn trust(place: &Place, caller: &Caller, role: &str) -> Result<()> {
    let policy = policy(caller).to_string();
    let fields = [("RoleName", role), ("PolicyDocument", policy.as_str())];
    let updated = place.iam("UpdateAssumeRolePolicy", &fields).await;
    updated.with_context(|| format!("cannot let `{}` assume the role `{role}`", caller.arn))?;
    let arn = role_arn(caller, role);
    Place::until(&format!("the role `{role}` to be assumable"), async || {
        let held = place.assuming(&arn).await;
        Ok(once!(aws_sdk_sts, held).get_caller_identity().send().await.ok())
    })
    .await?;
    Ok(())
}

pub(crate) fn role_arn(caller: &Caller, role: &str) -> String {
    let partition = caller.arn.split(':').nth(1).unwrap_or("aws");
    format!("arn:{partition}:iam::{}:role/{role}", caller.account)
}

fn policy(caller: &Caller) -> serde_json::Value {
    let partition = caller.arn.split(':').nth(1).unwrap_or("aws");
    let iam = format!("arn:{partition}:iam::{}", caller.account);
    // A session's ARN leaves out the path of its role, which roles of SSO have.
    let who = match caller.arn.split_once(":assumed-role/").and_then(|(_, rest)| rest.split('/').next()) {
        Some(role) => vec![format!("{iam}:role/{role}"), format!("{iam}:role/*/{role}")],
        None => vec![caller.arn.clone()],
    };
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": { "AWS": format!("{iam}:root") },
            "Condition": { "ArnLike": { "aws:PrincipalArn": who } },
        }],
    })
}
