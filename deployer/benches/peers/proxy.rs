//! Between the peers and the local AWS: it counts calls, and may delay each.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::calls;

/// What a connection has for itself, and is not passed on.
const OF_A_CONNECTION: [&str; 4] = ["connection", "content-length", "host", "transfer-encoding"];

/// What was sent since it was last asked.
#[derive(Debug, Default, Clone)]
pub(crate) struct Seen {
    /// Calls of AWS by name.
    pub(crate) calls: BTreeMap<String, usize>,
    /// Requests through the URL of a stage.
    pub(crate) requests: usize,
}

impl Seen {
    /// How many calls of AWS.
    pub(crate) fn number(&self) -> usize {
        self.calls.values().sum()
    }
}

/// A running proxy; it ends with the process.
#[derive(Debug)]
pub(crate) struct Proxy {
    /// Where it listens.
    pub(crate) port: u16,
    /// Where the local AWS is to listen.
    pub(crate) behind: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    behind: u16,
    client: reqwest::Client,
    /// In milliseconds.
    delay: AtomicU64,
    seen: Mutex<Seen>,
}

impl Proxy {
    /// Starts it, on a port that is free.
    pub(crate) async fn start() -> Result<Self> {
        // Only fails if there is one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let behind = TcpListener::bind(("127.0.0.1", 0)).await?.local_addr()?.port();
        let redirects = reqwest::redirect::Policy::none();
        let client = reqwest::Client::builder().no_proxy().redirect(redirects).build()?;
        let (delay, seen) = (AtomicU64::new(0), Mutex::default());
        let shared = Arc::new(Shared { behind, client, delay, seen });
        tokio::spawn(serve(listener, Arc::clone(&shared)));
        Ok(Self { port, behind, shared })
    }

    /// From now on each request takes this much longer.
    pub(crate) fn delay(&self, by: Duration) {
        self.shared.delay.store(u64::try_from(by.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// What was sent since the last call of this.
    pub(crate) fn take(&self) -> Seen {
        std::mem::take(&mut *self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let shared = Arc::clone(&shared);
        let service = service_fn(move |request| pass(Arc::clone(&shared), request));
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// Counts a request and passes it on. An error closes the connection, as a broken network does.
async fn pass(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    shared.note(calls::name(parts.method.as_str(), path, target, &body));
    let delay = shared.delay.load(Ordering::Relaxed);
    if delay > 0 {
        tokio::time::sleep(Duration::from_millis(delay)).await;
    }
    let head = parts.method == Method::HEAD;
    let mut headers = parts.headers.clone();
    OF_A_CONNECTION.iter().for_each(|name| drop(headers.remove(*name)));
    let address = format!("http://127.0.0.1:{}{path}", shared.behind);
    let response = shared.client.request(parts.method, address).headers(headers).body(body).send().await?;
    let mut passed = Response::builder().status(response.status());
    for (name, value) in response.headers() {
        // The response to a HEAD has no body: its length is what the client wants.
        if !OF_A_CONNECTION.contains(&name.as_str()) || head && name == "content-length" {
            passed = passed.header(name, value);
        }
    }
    Ok(passed.body(Full::new(response.bytes().await?))?)
}

impl Shared {
    fn note(&self, name: Option<String>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match name {
            Some(name) => *seen.calls.entry(name).or_default() += 1,
            None => seen.requests += 1,
        }
    }
}
