//! A function of a few lines of shell, its versions and an alias.

mod alias;
mod code;
mod versions;

use anyhow::{Context as _, Result};
use aws_sdk_lambda::client::Client;
use aws_sdk_lambda::operation::get_function::GetFunctionOutput;
use aws_sdk_lambda::types::{FunctionCode, LastUpdateStatus, Runtime, State};

pub(super) use code::zip;

use super::{Facts, Place, Response};
use crate::facts::place::{once, patient, texts};

/// The function that is probed.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: String,
    /// Throttling is waited out.
    pub(super) lambda: Client,
    /// One attempt a call.
    pub(super) once: Client,
}

/// Who may be the function: Lambda, and nothing else; the role has no right at all.
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"lambda.amazonaws.com"}}]}"#;

/// Makes the role and the function.
pub(super) async fn make(place: &Place) -> Result<Function> {
    let name = place.name();
    let fields = [("RoleName", name.as_str()), ("AssumeRolePolicyDocument", TRUST)];
    let role = place.iam("CreateRole", &fields).await.with_context(|| format!("cannot make the role `{name}`"))?;
    let role = texts(&role, "Arn").next().context("no role came back")?;
    let once = once!(aws_sdk_lambda, place);
    Place::until(&format!("Lambda to accept the role `{name}`"), async || {
        let create = once.create_function().function_name(&name).role(role).runtime(Runtime::Providedal2023);
        let code = FunctionCode::builder().zip_file(zip("a")?.into()).build();
        let created = create.handler("bootstrap").code(code).timeout(10).send().await;
        // A new role is not known everywhere at once.
        let response = Response::of(&created);
        if response.code == "InvalidParameterValueException" && response.message.contains("assumed") {
            return Ok(None);
        }
        created.map(Some).with_context(|| format!("cannot make the function `{name}`"))
    })
    .await?;
    let function = Function { name, lambda: patient!(aws_sdk_lambda, place), once };
    function.ready(None).await?;
    Ok(function)
}

/// Tries the facts of the group `function`.
pub(super) async fn probe(function: &Function, facts: &mut Facts) -> Result<()> {
    let first = versions::probe(function, facts).await?;
    alias::probe(function, &first, facts).await?;
    code::probe(function, &first, facts).await?;
    throttled(function, facts).await;
    Ok(())
}

/// Removes both; what stays is named in `left`.
pub(super) async fn remove(place: &Place, left: &mut Vec<String>) {
    let name = place.name();
    let gone = |response: &Response| response.succeeded() || response.status == 404;
    let deleted = Response::of(&patient!(aws_sdk_lambda, place).delete_function().function_name(&name).send().await);
    if !gone(&deleted) {
        left.push(format!("function `{name}` ({deleted}): aws lambda delete-function --function-name {name}"));
    }
    let deleted = Response::of(&place.iam("DeleteRole", &[("RoleName", &name)]).await);
    if !gone(&deleted) {
        left.push(format!("role `{name}` ({deleted}): aws iam delete-role --role-name {name}"));
    }
}

impl Function {
    /// Waits until a version, or `$LATEST`, can be used, and returns what GetFunction then says.
    pub(super) async fn ready(&self, version: Option<&str>) -> Result<GetFunctionOutput> {
        let what = format!("`{}:{}` to be ready", self.name, version.unwrap_or("$LATEST"));
        Place::until(&what, async || {
            let found = self.lambda.get_function().function_name(&self.name).set_qualifier(version.map(str::to_owned));
            let found = found.send().await;
            if Response::of(&found).status == 404 {
                return Ok(None); // a fresh version is not shown everywhere at once
            }
            let found = found?;
            let about = found.configuration();
            let active = about.and_then(|about| about.state()).is_none_or(|state| *state == State::Active);
            let busy = about.and_then(|about| about.last_update_status());
            Ok((active && busy != Some(&LastUpdateStatus::InProgress)).then_some(found))
        })
        .await
    }

    /// Publishes `$LATEST` and waits for the version.
    pub(super) async fn publish(&self) -> Result<String> {
        let published = self.lambda.publish_version().function_name(&self.name).send().await?;
        let version = published.version.context("PublishVersion named no version")?;
        self.ready(Some(&version)).await?;
        Ok(version)
    }

    /// Uploads code and waits for it.
    pub(super) async fn upload(&self, mark: &str) -> Result<()> {
        let upload = self.lambda.update_function_code().function_name(&self.name);
        upload.zip_file(zip(mark)?.into()).send().await?;
        self.ready(None).await.map(drop)
    }
}

/// Asks 120 times at once: the limit is 15 a second.
async fn throttled(function: &Function, facts: &mut Facts) {
    const REQUESTS: usize = 120;
    facts.not_seen("control-plane-retry-after", "there was no 429");
    let ask = |_| function.once.get_function_configuration().function_name(&function.name).send();
    let responses = futures::future::join_all((0..REQUESTS).map(ask)).await;
    let refused: Vec<_> = responses.iter().map(Response::of).filter(|response| response.status == 429).collect();
    let seen = format!("{} of {REQUESTS} requests at once were refused", refused.len());
    facts.holds("control-plane-throttled", !refused.is_empty(), seen);
    if let Some(first) = refused.first() {
        let after = first.retry_after.clone();
        facts.holds(
            "control-plane-retry-after",
            after.is_some(),
            format!("Retry-After: {}", after.unwrap_or_default()),
        );
    }
}
