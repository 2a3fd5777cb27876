//! What AWS does and the emulator does not: roles with policies, and a zip for every version.

mod code;
pub(super) mod roles;

use hyper::body::Bytes;
use hyper::header::HeaderValue;
use hyper::http::request::Parts;
use serde_json::Value;

use super::account::Account;
use super::name::Service;
use super::privilege::Need;
use super::reply::Reply;
use super::{Shared, stage};

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

    /// A question of the strict proxy's own, in the name of who called.
    pub(super) async fn ask(&self, target: &str) -> Result<Value, Reply> {
        self.account.ask(target, self.signed()).await
    }

    pub(super) async fn forward(&self) -> Reply {
        self.forward_with(self.body.clone()).await
    }

    pub(super) async fn forward_with(&self, body: impl Into<Bytes>) -> Reply {
        let target = self.parts.uri.path_and_query().map_or("/", |target| target.as_str());
        self.account.send(self.parts.method.clone(), target, self.parts.headers.clone(), body.into()).await
    }

    /// A refusal in the words of the service.
    pub(super) fn refuse(&self, status: u16, code: &str, message: &str) -> Reply {
        Reply::error(self.service, status, code, message)
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
pub(super) async fn carry_out(call: &Exchange<'_>) -> Reply {
    let responded = match (roles::allows(call), call.name) {
        (Err(refused), _) => Err(refused),
        (_, "UpdateFunctionCode") => Ok(code::update(call).await),
        (_, "GetFunction") => Ok(code::show(call).await),
        (_, "Download") => Ok(code::download(call).await),
        (_, "AssumeRole") => roles::assume(call).await,
        (_, "GetCallerIdentity") => Ok(roles::identity(call).await),
        (_, "SimulatePrincipalPolicy") => Ok(roles::simulate(call).await),
        (_, "URL") => stage::serve(call).await,
        _ => Ok(call.forward().await),
    };
    responded.unwrap_or_else(|refused| refused)
}
