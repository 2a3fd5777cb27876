//! The rules that AWS keeps and the emulator does not: each looks at a call before it goes on, and at its answer.

mod aliases;
mod code;
mod deployments;
mod functions;
mod quotas;
pub(super) mod rates;
pub(super) mod roles;
mod transactions;
mod versions;

use hyper::body::Bytes;
use hyper::header::HeaderValue;
use hyper::http::request::Parts;
use serde_json::Value;

use super::account::Account;
use super::answer::Answer;
use super::name::Service;
use super::privilege::Need;
use super::{Shared, stage};

pub(super) use aliases::additional;
pub(super) use code::remember_all;

/// A call on its way, with all that a rule needs.
pub(super) struct Exchange<'a> {
    pub shared: &'a Shared,
    pub account: &'a Account,
    pub service: Service,
    pub name: &'static str,
    pub parts: &'a Parts,
    pub body: Bytes,
    /// What it needs to be allowed.
    pub needs: Vec<Need>,
}

impl Exchange<'_> {
    /// The path's parts: `["2015-03-31", "functions", "counter", "aliases", "live"]`.
    pub(super) fn segment(&self, index: usize) -> &str {
        self.parts.uri.path().trim_matches('/').split('/').nth(index).unwrap_or_default()
    }

    /// One parameter of the query, decoded.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        parameters(self.parts).into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A question of the front's own, in the name of who called.
    pub(super) async fn ask(&self, target: &str) -> Result<Value, Answer> {
        self.account.ask(target, self.signed()).await
    }

    pub(super) async fn forward(&self) -> Answer {
        self.forward_with(self.body.clone()).await
    }

    pub(super) async fn forward_with(&self, body: impl Into<Bytes>) -> Answer {
        let target = self.parts.uri.path_and_query().map_or("/", |target| target.as_str());
        self.account.send(self.parts.method.clone(), target, self.parts.headers.clone(), body.into()).await
    }

    /// A refusal in the words of the service.
    pub(super) fn refuse(&self, status: u16, code: &str, message: &str) -> Answer {
        Answer::error(self.service, status, code, message)
    }

    pub(super) fn signed(&self) -> Option<&HeaderValue> {
        self.parts.headers.get("authorization")
    }
}

/// The parameters of a query, decoded, in their order.
pub(super) fn parameters(parts: &Parts) -> Vec<(String, String)> {
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let address = reqwest::Url::parse(&format!("http://front{target}")).unwrap();
    address.query_pairs().into_owned().collect()
}

/// Carries a call out as AWS would.
pub(super) async fn carry_out(call: &Exchange<'_>) -> Answer {
    let admitted = roles::allows(call).and_then(|()| quotas::within(call)).and_then(|()| {
        let every = call.shared.settings().deployments_every;
        call.account.buckets.lock().unwrap().admit(call.service, call.name, every)
    });
    let answered = match (admitted, call.name) {
        (Err(refused), _) => Err(refused),
        (_, "UpdateFunctionCode" | "UpdateFunctionConfiguration") => functions::update(call).await,
        (_, "PublishVersion") => functions::publish(call).await,
        (_, "GetFunction" | "GetFunctionConfiguration" | "ListVersionsByFunction") => versions::show(call).await,
        (_, "Invoke") => versions::invoke(call).await,
        (_, "DeleteFunction") => versions::delete(call).await,
        (_, "UpdateAlias") => aliases::update(call).await,
        (_, "GetAlias") => Ok(aliases::read(call).await),
        (_, "TransactWriteItems") => transactions::transact(call).await,
        (_, "Query") => Ok(quotas::query(call).await),
        (_, "CreateDeployment") => deployments::create(call).await,
        (_, "UpdateStage") => deployments::switch(call).await,
        (_, "DeleteDeployment") => deployments::delete(call).await,
        (_, "AssumeRole") => roles::assume(call).await,
        (_, "GetCallerIdentity") => roles::identity(call).await,
        (_, "SimulatePrincipalPolicy") => roles::simulate(call).await,
        (_, "Download") => code::download(call).await,
        (_, "URL") => stage::serve(call).await,
        _ => Ok(call.forward().await),
    };
    answered.unwrap_or_else(|refused| refused)
}
