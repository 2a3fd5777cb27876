//! A page whose script sends requests, and reports the responses to its own server.

use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::ALLOWED;
use super::chromium::Chromium;

/// The longest that a page may take, with the start of its browser.
const PATIENCE: Duration = Duration::from_secs(60);

/// One after the other, as a page that waits for each. A sandboxed page is foreign to its own server too, hence `no-cors`.
const SCRIPT: &str = r#"
const see = async ([url, options]) => {
  try {
    const response = await fetch(url, options);
    return {type: response.type, status: response.status, body: await response.text()};
  } catch (error) {
    return {error: error.name};
  }
};
(async () => {
  const seen = [];
  for (const ask of ASKS) seen.push(await see(ask));
  await fetch("/seen", {method: "POST", mode: "no-cors", body: JSON.stringify({origin: self.origin, seen})});
})();
"#;

/// What a page of an origin gets to see of each of these: `{type, status, body}`, or `{error}` by its name. The origin
/// `null` is that of a sandboxed page of the allowed one.
#[track_caller]
pub(super) fn seen_from(origin: &str, asks: &[(String, Value)]) -> Vec<Value> {
    let sandboxed = origin == "null";
    let site = Site::of(&json!(asks), sandboxed);
    let mut browser = Chromium::open(if sandboxed { ALLOWED } else { origin }, site.port);
    let report = site.report(&mut browser);
    browser.close_after("/seen");
    assert_eq!(report["origin"], origin, "{report}");
    serde_json::from_value(report["seen"].clone()).unwrap()
}

/// What a script sees of a document that a page of its own origin shows in a frame, and which requests came, in order. Fails the test
/// if the browser's console has anything to say.
#[track_caller]
pub(super) fn framed(document: &str, script: &str) -> (Value, Vec<String>) {
    let html = format!("<!doctype html><link rel=icon href=data:,><body><script>{script}</script>");
    let site = Site::serving(html, "base-uri 'self'", Some(document.to_owned()));
    let mut browser = Chromium::open(ALLOWED, site.port);
    let report = site.report(&mut browser);
    let console: Vec<_> =
        browser.complaints().lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned).collect();
    assert_eq!(console, Vec::<String>::new());
    let asked = site.served.asked.lock().unwrap().clone();
    browser.close_after("/seen");
    (report, asked)
}

/// The page's server. Ends with the value.
struct Site {
    port: u16,
    served: Arc<Served>,
    reports: mpsc::Receiver<Value>,
    _runtime: tokio::runtime::Runtime,
}

/// What each connection needs.
struct Served {
    html: String,
    policy: &'static str,
    /// What is at `/document`.
    document: Option<String>,
    /// The requests that came.
    asked: Mutex<Vec<String>>,
    reports: mpsc::Sender<Value>,
}

impl Site {
    fn of(asks: &Value, sandboxed: bool) -> Self {
        let script = SCRIPT.replace("ASKS", &asks.to_string());
        let html = format!("<!doctype html><link rel=icon href=data:,><script>{script}</script>");
        Self::serving(html, if sandboxed { "sandbox allow-scripts" } else { "base-uri 'self'" }, None)
    }

    fn serving(html: String, policy: &'static str, document: Option<String>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).unwrap();
        let (port, (sender, reports)) = (listener.local_addr().unwrap().port(), mpsc::channel());
        let served = Arc::new(Served { html, policy, document, asked: Mutex::default(), reports: sender });
        runtime.spawn(serve(listener, Arc::clone(&served)));
        Self { port, served, reports, _runtime: runtime }
    }

    /// Waits for the report of the page.
    #[track_caller]
    fn report(&self, browser: &mut Chromium) -> Value {
        let started = Instant::now();
        loop {
            if let Ok(report) = self.reports.recv_timeout(Duration::from_millis(100)) {
                return report;
            }
            let waits = browser.runs() && started.elapsed() < PATIENCE;
            assert!(waits, "the page reported nothing within {:?}: {}", started.elapsed(), browser.complaints());
        }
    }
}

async fn serve(listener: TcpListener, served: Arc<Served>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let served = Arc::clone(&served);
        let service = service_fn(move |request| respond(Arc::clone(&served), request));
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn respond(served: Arc<Served>, request: Request<Incoming>) -> hyper::Result<Response<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    // Not Chromium's own services, whose names end here too.
    if parts.headers.get("host").is_some_and(|host| ALLOWED.ends_with(host.to_str().unwrap_or("?"))) {
        served.asked.lock().unwrap().push(format!("{} {}", parts.method, parts.uri.path()));
    }
    let page = Response::builder().header("content-type", "text/html").header("content-security-policy", served.policy);
    if let (Some(document), "/document") = (&served.document, parts.uri.path()) {
        let page = Response::builder().header("content-type", "text/html; charset=utf-8");
        return Ok(page.body(Full::from(document.clone())).unwrap());
    }
    let (status, text) = match (&parts.method, parts.uri.path()) {
        (&Method::GET, "/") => (200, served.html.clone()),
        (&Method::POST, "/seen") => {
            // The test may have given up.
            let _ = served.reports.send(serde_json::from_slice(&body).unwrap_or_default());
            (200, String::new())
        }
        // Chromium's own services, whose names end here too.
        _ => (404, String::new()),
    };
    Ok(page.status(status).body(Full::from(text)).unwrap())
}
