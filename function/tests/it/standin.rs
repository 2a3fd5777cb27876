//! A very small HTTP server on loopback, for standing in where the functions expect AWS.

use std::{
    collections::HashMap,
    io::{self, BufRead, BufReader, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// A request; header names in lower case.
pub(crate) struct Received {
    pub(crate) line: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

/// Status, extra headers, body.
pub(crate) type Sent = (u16, Vec<(&'static str, String)>, String);

/// The server; it listens until the test's process ends.
pub(crate) struct StandIn {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

impl StandIn {
    /// Responds to every request with `response`, each connection on a thread of its own.
    pub(crate) fn start(response: impl Fn(Received) -> Sent + Send + Sync + 'static) -> Self {
        Self::start_moody(move |received| Some(response(received)))
    }

    /// The same, but without a response the connection ends.
    pub(crate) fn start_moody(response: impl Fn(Received) -> Option<Sent> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (response, connections) = (Arc::new(response), Arc::new(AtomicUsize::new(0)));
        let streams = Arc::<Mutex<Vec<TcpStream>>>::default();
        let (count, kept) = (Arc::clone(&connections), Arc::clone(&streams));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                kept.lock().unwrap().push(stream.try_clone().unwrap());
                let response = Arc::clone(&response);
                thread::spawn(move || converse(&stream, &*response));
            }
        });
        Self { address, connections, streams }
    }

    /// Ends all connections, as an idle server does.
    pub(crate) fn hang_up(&self) {
        for stream in self.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// An address at which nothing listens.
    pub(crate) fn nowhere() -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Self { address, connections: Arc::default(), streams: Arc::default() }
    }

    /// How many connections were made so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn converse(mut stream: &TcpStream, response: &dyn Fn(Received) -> Option<Sent>) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(received) = receive(&mut reader)? {
        let Some((status, headers, body)) = response(received) else {
            return stream.shutdown(Shutdown::Both);
        };
        let mut head = format!("HTTP/1.1 {status} -\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        stream.write_all(format!("{head}\r\n{body}").as_bytes())?;
    }
    Ok(())
}

/// The next request, or none when the other side hung up.
fn receive(reader: &mut impl BufRead) -> io::Result<Option<Received>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut headers = HashMap::new();
    for header in reader.lines() {
        let header = header?;
        let Some((name, value)) = header.split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8_lossy(&body).into_owned();
    Ok(Some(Received { line: line.trim().to_owned(), headers, body }))
}
