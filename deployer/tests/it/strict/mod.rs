//! The front: stands between the real binary and the emulator, and sees every request.
//!
//! Today it names and counts the calls. Here the rules will be kept that AWS keeps and the emulator does not, and
//! faults injected: each request passes through [`forward`], with its [`Call`] known, before it goes on.

mod call;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

pub(crate) use call::Call;

/// A front before one emulator. Ends with the value.
pub(crate) struct Front {
    /// Where it listens, on the loopback interface.
    pub port: u16,
    calls: Arc<Mutex<Vec<Call>>>,
    _runtime: tokio::runtime::Runtime,
}

impl Front {
    /// Listens on a free port and forwards to the emulator at `upstream`.
    pub(crate) fn before(upstream: u16) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).unwrap();
        let SocketAddr::V4(address) = listener.local_addr().unwrap() else { panic!("no IPv4 address") };
        let calls = Arc::new(Mutex::new(Vec::new()));
        runtime.spawn(serve(listener, upstream, Arc::clone(&calls)));
        Self { port: address.port(), calls, _runtime: runtime }
    }

    /// The calls since the last time this was asked.
    pub(crate) fn take(&self) -> Vec<Call> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }
}

async fn serve(listener: TcpListener, upstream: u16, calls: Arc<Mutex<Vec<Call>>>) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (client, calls) = (client.clone(), Arc::clone(&calls));
        let service = service_fn(move |request| forward(client.clone(), upstream, Arc::clone(&calls), request));
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// Names the call, passes it on as it came, and the answer back as it came.
async fn forward(
    client: reqwest::Client,
    upstream: u16,
    calls: Arc<Mutex<Vec<Call>>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    calls.lock().unwrap().push(Call::of(&parts, &body));
    let address = format!("http://127.0.0.1:{upstream}{}", parts.uri);
    // The `Host` header stays what the client sent: it is part of the signature.
    let sent = client.request(parts.method, address).headers(parts.headers).body(body).send().await;
    let Ok(answer) = sent else {
        return Ok(Response::builder().status(502).body(Full::default()).unwrap());
    };
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        if !["transfer-encoding", "connection", "content-length"].contains(&name.as_str()) {
            response = response.header(name, value);
        }
    }
    Ok(response.body(Full::new(answer.bytes().await.unwrap_or_default())).unwrap())
}
