//! What a web page could send to the ports that `local up` opens.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::first_steps::children;
use crate::promises;
use crate::stack;

const MADE: &str = r#"{"FunctionName":"page","Runtime":"python3.12","Role":"arn:aws:iam::111111111111:role/r","Handler":"a.b","Code":{"ZipFile":""}}"#;
/// Method, path, and the headers that a page may set without being asked first, with a body.
const REQUESTS: [(&str, &str, &str); 8] = [
    ("POST", "/2015-03-31/functions", "content-type: text/plain"),
    ("POST", "/2015-03-31/functions", "content-type: application/x-www-form-urlencoded"),
    ("POST", "/?Action=CreateQueue&QueueName=page", "content-type: multipart/form-data; boundary=b"),
    ("GET", "/2015-03-31/functions", "sec-fetch-mode: no-cors"),
    ("GET", "/_ministack/lambda-code/111111111111/us-east-1/resume-visitor-counter-dev", "sec-fetch-mode: no-cors"),
    ("GET", "/2018-06-01/runtime/invocation/next", "sec-fetch-mode: no-cors"),
    ("POST", "/2018-06-01/runtime/init/error", "content-type: text/plain"),
    ("POST", "/_ministack/reset", "content-type: text/plain"),
];
/// What it cannot send unless a preflight allows it, and what asks for that.
const OTHERS: [(&str, &str, &str); 4] = [
    ("OPTIONS", "/2015-03-31/functions", "access-control-request-method: POST"),
    ("OPTIONS", "/2018-06-01/runtime/invocation/next", "access-control-request-private-network: true"),
    (
        "PUT",
        "/page-bucket",
        "authorization: AWS4-HMAC-SHA256 Credential=111111111111/20260101/us-east-1/s3/aws4_request",
    ),
    (
        "GET",
        "/",
        "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: MTIzNDU2Nzg5MDEyMzQ1Ng==",
    ),
];
/// Where the page comes from, as the browser says it.
const SOURCES: [&str; 4] = [
    "origin: https://page.example\r\nsec-fetch-site: cross-site",
    "origin: null\r\nsec-fetch-site: cross-site",
    "origin: http://localhost:3000\r\nsec-fetch-site: same-site",
    "sec-fetch-site: cross-site",
];

/// The status of a response.
fn status(port: u16, host: &str, (method, path, headers): (&str, &str, &str), source: &str) -> u16 {
    let body = if method == "POST" || method == "PUT" { MADE } else { "" };
    let connection = if headers.contains("connection:") { "" } else { "connection: close\r\n" };
    let length = body.len();
    let head = format!("host: {host}\r\n{source}\r\n{headers}\r\n{connection}content-length: {length}");
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(format!("{method} {path} HTTP/1.1\r\n{head}\r\n\r\n{body}").as_bytes()).unwrap();
    let mut response = [0; 12];
    stream.read_exact(&mut response).unwrap_or_else(|error| panic!("{port} {method} {path} {head}: {error}"));
    String::from_utf8_lossy(&response[9..]).parse().unwrap()
}

/// Every port on which an emulator or a process that it started listens: its own, and the functions' runtime APIs.
fn listening(emulator: u64) -> BTreeSet<u16> {
    let mut sockets = BTreeSet::new();
    for process in children(emulator).into_iter().chain([emulator]) {
        let open = std::fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().filter_map(Result::ok);
        let named = open.filter_map(|entry| std::fs::read_link(entry.path()).ok()?.to_str().map(str::to_owned));
        sockets.extend(named.filter_map(|name| Some(name.strip_prefix("socket:[")?.trim_end_matches(']').to_owned())));
    }
    // proc(5): the local address is field 2, the state field 4 (0A listens), the inode field 10.
    let port = |line: &str| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let ours = *fields.get(3)? == "0A" && sockets.contains(*fields.get(9)?);
        u16::from_str_radix(fields[1].rsplit(':').next()?, 16).ok().filter(|_| ours)
    };
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| std::fs::read_to_string(table).unwrap_or_default());
    tables.iter().flat_map(|table| table.lines().filter_map(port)).collect()
}

fn functions(environment: &str) -> Value {
    stack().behind(environment, "GET", "/2015-03-31/functions?MaxItems=10000", None, &Value::Null)
}

pub(crate) fn requests_of_a_web_page_are_refused_at_every_port() {
    let began = Instant::now();
    let local = stack().checkout.deployer("local status --output json").expect(0).json();
    let mut tried = 0;
    for environment in ["dev", "prod"] {
        stack().get(&format!("{}/count", stack().url(environment)));
        let before = functions(environment);
        let emulator = stack().checkout.port(environment);
        let ports = listening(local["environments"][environment]["process"].as_u64().unwrap());
        assert!(ports.contains(&emulator) && ports.len() > 1, "no runtime API under {environment}: {ports:?}");
        for port in ports {
            let own = format!("127.0.0.1:{port}");
            for request in REQUESTS.into_iter().chain(OTHERS) {
                for source in SOURCES {
                    assert_eq!(status(port, &own, request, source), 403, "{port} {request:?} {source}");
                    tried += 1;
                }
                // A name that leads here by DNS: to the browser it is one site, so nothing says "foreign".
                for host in ["page.example", &format!("page.example:{port}"), &format!("127.0.0.1.page.example:{port}")]
                {
                    assert_eq!(status(port, host, request, "sec-fetch-site: same-origin"), 403, "{host} {request:?}");
                    tried += 1;
                }
            }
        }
        let stage = stack().url(environment);
        let path = &stage[stage.find("/restapis").unwrap()..];
        let health = format!("{path}/health");
        // The stage is public, as on AWS, but not under another name.
        assert_eq!(
            status(emulator, &format!("127.0.0.1:{emulator}"), ("GET", &health, "accept: */*"), SOURCES[0]),
            200
        );
        assert_eq!(status(emulator, "page.example", ("GET", &health, "accept: */*"), SOURCES[3]), 403);
        assert_eq!(functions(environment), before);
        stack().get(&format!("{}/count", stack().url(environment)));
    }
    let how = "simple, form, preflighted and WebSocket requests of foreign, null and same-site origins and of rebound names, \
               to the emulators and the functions' runtime APIs: 403";
    promises::kept("no web page can use the local AWS", how, tried, &[], began);
}
