//! Stands before the emulator and says of every request that it came by TLS, as all do on AWS: bucket policies refuse what
//! did not. Changes nothing else, so that signatures stay what they are.

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// Ends with the value.
pub(super) struct Tls {
    /// Where it listens, on the loopback interface.
    pub port: u16,
    _runtime: tokio::runtime::Runtime,
}

impl Tls {
    /// Listens on a free port, before the emulator at `upstream`.
    pub(super) fn before(upstream: u16) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).unwrap();
        let port = listener.local_addr().unwrap().port();
        let redirect = reqwest::redirect::Policy::none();
        let client =
            reqwest::Client::builder().no_proxy().redirect(redirect).pool_max_idle_per_host(0).build().unwrap();
        runtime.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let client = client.clone();
                let service = service_fn(move |request| forward(client.clone(), upstream, request));
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { port, _runtime: runtime }
    }
}

async fn forward(
    client: reqwest::Client,
    upstream: u16,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
    let (mut parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let address = format!("http://127.0.0.1:{upstream}{target}");
    parts.headers.insert("x-forwarded-proto", "https".parse()?);
    parts.headers.remove("content-length");
    let head = parts.method == Method::HEAD;
    let answer = client.request(parts.method, address).headers(parts.headers).body(body).send().await?;
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        // Of a HEAD it tells how much a GET would answer.
        let own = ["transfer-encoding", "connection", "content-length"].contains(&name.as_str());
        if !own || (head && name == "content-length") {
            response = response.header(name, value);
        }
    }
    Ok(response.body(Full::new(answer.bytes().await?))?)
}
