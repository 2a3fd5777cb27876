//! The way of one request through the strict proxy.

use std::sync::Arc;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::account::Account;
use super::fault::Action;
use super::name::{self, Service};
use super::reply::Reply;
use super::rules::{self, Exchange, roles};
use super::{Call, Need, Shared, privilege};

/// A request that did not come through.
#[derive(Debug, thiserror::Error)]
#[error("the request broke off")]
struct Lost;

pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let shared = Arc::clone(&shared);
        let service = service_fn(move |request| accept(Arc::clone(&shared), request));
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// In a task of its own: AWS carries out what it was asked, also if who asked is killed meanwhile.
async fn accept(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Lost> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Lost)?.to_bytes();
    let responded = tokio::spawn({
        let shared = Arc::clone(&shared);
        async move { record(&shared, &parts, body).await }
    });
    let response = responded.await.unwrap_or_else(|panic| {
        let what = format!("the strict proxy itself broke: {panic}");
        shared.violate(what.clone());
        Reply::error(Service::Open, 500, "InternalFailure", &what)
    });
    Ok(response.respond())
}

/// Names the call, and keeps it and how it ended.
async fn record(shared: &Shared, parts: &Parts, body: Bytes) -> Reply {
    let text = String::from_utf8_lossy(&body).into_owned();
    let Some((service, name)) = name::name(parts, &text) else {
        let line = format!("{} {}", parts.method, parts.uri);
        shared.violate(format!("the strict proxy has no name for `{line}`"));
        return Reply::error(Service::Open, 501, "UnknownOperationException", &line);
    };
    let token = name::text(parts, "x-amz-security-token");
    let role = shared.roles().into_iter().find(|role| token == Some(&roles::token(&role.arn))).map(|role| role.arn);
    let account = account_of(shared, parts, name);
    let needs = with_tags(&account, privilege::of(service, name, parts, &body, &owner(shared, parts)), parts).await;
    let number = {
        let mut calls = shared.calls.lock().unwrap();
        calls.0 += 1;
        let number = calls.0;
        calls.1.push((number, Call::of(name, parts, &text, role, needs.clone())));
        number
    };
    let call = Exchange { shared, account: &account, service, name, parts, body, needs };
    let response = match shared.faults.meet(name) {
        Some(Action::Fail { status, code }) => call.refuse(status, code, "refused by the test"),
        None => rules::carry_out(&call).await,
    };
    let mut calls = shared.calls.lock().unwrap();
    if let Some((_, call)) = calls.1.iter_mut().find(|(known, _)| *known == number) {
        call.status = Some(response.status);
        call.refused = response.refused.as_deref().cloned();
    }
    response
}

/// With the tags of the API that each is about.
async fn with_tags(account: &Account, needs: Vec<Need>, parts: &Parts) -> Vec<Need> {
    let mut tagged = Vec::new();
    for mut need in needs {
        if let Some(api) = need.rest_api().map(str::to_owned) {
            for (key, value) in account.tags(&api, parts.headers.get(AUTHORIZATION)).await {
                need = need.with(&format!("aws:ResourceTag/{key}"), vec![value]);
            }
        }
        tagged.push(need);
    }
    tagged
}

/// The account whose things a call is about: the key that signed it, or who is guarded.
fn owner(shared: &Shared, parts: &Parts) -> String {
    let key = name::credential(parts).map(|(key, _)| key).filter(|key| key.bytes().all(|byte| byte.is_ascii_digit()));
    let guarded = || Some(shared.guard()?.who.split(':').nth(4)?.to_owned());
    key.map(str::to_owned).or_else(guarded).unwrap_or_default()
}

/// By the access key; a zip by what its address names. A stage is the first account's.
fn account_of(shared: &Shared, parts: &Parts, name: &str) -> Arc<Account> {
    let key = name::credential(parts).map(|(key, _)| key);
    let others = shared.others.lock().unwrap();
    let other = others.iter().find(|(known, _)| match name {
        "Download" => parts.uri.path().contains(&format!("/{known}/")),
        _ => key == Some(known),
    });
    other.map_or_else(|| Arc::clone(&shared.main), |(_, account)| Arc::clone(account))
}
