//! The way of one request through the front.

use std::sync::Arc;
use std::time::Instant;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::account::Account;
use super::answer::Answer;
use super::fault::{Action, Ends};
use super::name::{self, Service};
use super::rules::{self, Exchange, roles};
use super::stage::definition;
use super::{Call, Need, Shared, privilege};

/// The connection breaks instead of an answer.
#[derive(Debug, thiserror::Error)]
#[error("the front breaks this connection")]
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
    let answered = tokio::spawn({
        let shared = Arc::clone(&shared);
        async move { record(&shared, &parts, body).await }
    });
    let answer = answered.await.unwrap_or_else(|panic| {
        shared.violate(format!("the front itself broke: {panic}"));
        Err(Lost)
    });
    answer.map(Answer::respond)
}

/// Names the call, and keeps when it came and how it ended.
async fn record(shared: &Shared, parts: &Parts, body: Bytes) -> Result<Answer, Lost> {
    let text = String::from_utf8_lossy(&body).into_owned();
    let Some((service, name)) = name::name(parts, &text) else {
        let line = format!("{} {}", parts.method, parts.uri);
        shared.violate(format!("the front knows no name for `{line}`"));
        return Ok(Answer::error(Service::Open, 501, "UnknownOperationException", &line));
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
    let answered = with_faults(&call).await;
    let mut calls = shared.calls.lock().unwrap();
    if let Some((_, call)) = calls.1.iter_mut().find(|(known, _)| *known == number) {
        call.ended = Some(Instant::now());
        call.status = answered.as_ref().ok().map(|answer| answer.status);
        call.refused = answered.as_ref().ok().and_then(|answer| answer.refused.as_deref().cloned());
    }
    answered
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

/// By the access key; what is not signed, by what its address names.
fn account_of(shared: &Shared, parts: &Parts, name: &str) -> Arc<Account> {
    let key = name::credential(parts).map(|(key, _)| key);
    let others = shared.others.lock().unwrap();
    let path = parts.uri.path();
    let other = others.iter().find(|(known, account)| match name {
        "Download" => path.contains(&format!("/{known}/")),
        "URL" => path.split('/').nth(2).is_some_and(|api| definition::knows(account.port, api)),
        _ => key == Some(known),
    });
    other.map_or_else(|| Arc::clone(&shared.main), |(_, account)| Arc::clone(account))
}

async fn with_faults(call: &Exchange<'_>) -> Result<Answer, Lost> {
    let (mut lose_reply, mut held): (bool, Vec<Ends>) = (false, Vec::new());
    for action in call.shared.faults.meet(call.name, &String::from_utf8_lossy(&call.body)) {
        match action {
            Action::Fail { status, code } => return Ok(call.refuse(status, code, "refused by the test")),
            Action::LoseReply => lose_reply = true,
            Action::LoseRequest => return Err(Lost),
            Action::Delay(time) => tokio::time::sleep(time).await,
            Action::Hang => std::future::pending().await,
            Action::Hold(gate) => {
                let Some(mut ends) = gate.take() else { continue };
                // The test may not wait for it.
                let _ = ends.here.send(());
                (&mut ends.word).await.map_err(|_| Lost)?;
                held.push(ends);
            }
        }
    }
    let answer = rules::carry_out(call).await;
    // Now whoever held the call learns that it is through.
    drop(held);
    if lose_reply { Err(Lost) } else { Ok(answer) }
}
