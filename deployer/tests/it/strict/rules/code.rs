//! The zips of versions. The emulator gives `$LATEST`'s zip for every version: the strict proxy keeps what passes through it.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use hyper::body::Bytes;
use hyper::header::HeaderValue;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::super::account::Account;
use super::super::name::DOWNLOADS;
use super::super::reply::{Reply, decoded, encoded};
use super::Exchange;

/// The zips that any strict proxy of this process has seen, by their CodeSha256: a later strict proxy needs those of an earlier one.
static ZIPS: LazyLock<Mutex<HashMap<String, Bytes>>> = LazyLock::new(Mutex::default);

/// The parameter of an address that names the zip to the strict proxy.
const PARAMETER: &str = "front-code-sha256";

fn keep(zip: impl Into<Bytes>) {
    let zip = zip.into();
    ZIPS.lock().unwrap().insert(encoded(&Sha256::digest(&zip)), zip);
}

/// UpdateFunctionCode: the zip that is replaced is kept, and the new one.
pub(super) async fn update(call: &Exchange<'_>) -> Reply {
    let latest = format!("/2015-03-31/functions/{}/configuration", call.segment(2));
    if let Ok(latest) = call.ask(&latest).await {
        remember(call.account, call.signed(), &latest).await;
    }
    if let Some(zip) = call.json()["ZipFile"].as_str().and_then(decoded) {
        keep(zip);
    }
    call.forward().await
}

/// Keeps the zip that lies in `$LATEST`.
async fn remember(account: &Account, signed: Option<&HeaderValue>, latest: &Value) {
    let known = |sha: &str| ZIPS.lock().unwrap().contains_key(sha);
    if latest["CodeSha256"].as_str().is_none_or(known) {
        return;
    }
    let name = latest["FunctionName"].as_str().unwrap_or_default();
    let Ok(function) = account.ask(&format!("/2015-03-31/functions/{name}"), signed).await else { return };
    let address = function["Code"]["Location"].as_str().and_then(|location| location.split_once(DOWNLOADS));
    if let Some((_, rest)) = address {
        let target = format!("{DOWNLOADS}{rest}");
        let zip = account.send(hyper::Method::GET, &target, hyper::HeaderMap::new(), Bytes::new()).await;
        if zip.good() {
            keep(zip.body);
        }
    }
}

/// Keeps what lies in the `$LATEST` of all functions.
pub(crate) async fn remember_all(account: &Account) {
    let all = account.ask("/2015-03-31/functions?MaxItems=10000", None).await.unwrap_or_default();
    for latest in all["Functions"].as_array().into_iter().flatten() {
        remember(account, None, latest).await;
    }
}

/// GetFunction: the address in the response leads to the strict proxy, for this version's zip.
pub(super) async fn show(call: &Exchange<'_>) -> Reply {
    let response = call.forward().await;
    let mut shown = response.value();
    let Some((_, rest)) = shown["Code"]["Location"].as_str().and_then(|location| location.split_once(DOWNLOADS)) else {
        return response;
    };
    let mut address = reqwest::Url::parse(&format!("http://127.0.0.1:{}{DOWNLOADS}{rest}", call.shared.port)).unwrap();
    let code = shown["Configuration"]["CodeSha256"].as_str().unwrap_or_default();
    address.query_pairs_mut().append_pair(PARAMETER, code);
    shown["Code"]["Location"] = json!(address.as_str());
    response.with_json(&shown)
}

/// A zip by its address. One that no strict proxy has seen is what the emulator takes it for: `$LATEST`'s.
pub(super) async fn download(call: &Exchange<'_>) -> Reply {
    let wanted = call.parameter(PARAMETER).unwrap_or_default();
    let zip = ZIPS.lock().unwrap().get(&wanted).cloned();
    match zip {
        Some(body) => {
            let headers = vec![("content-type".to_owned(), "application/zip".to_owned())];
            Reply { status: 200, headers, body, refused: None }
        }
        None => call.forward().await,
    }
}
