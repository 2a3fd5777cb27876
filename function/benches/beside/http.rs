//! A small HTTP/1.1 server on loopback with connections that are kept, over TLS where it is given a key.

use std::{
    collections::HashMap,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A request; header names in lower case.
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

/// An response: its status, its own headers, its body.
pub(crate) struct Sent {
    pub(crate) status: u16,
    pub(crate) headers: &'static [(&'static str, &'static str)],
    pub(crate) body: String,
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// Runs until this process ends; each connection has a thread of its own.
pub(crate) fn serve(
    tls: Option<Arc<ServerConfig>>,
    response: impl Fn(Received) -> Sent + Send + Sync + 'static,
) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let response = Arc::new(response);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (response, tls) = (Arc::clone(&response), tls.clone());
            // A connection ends in an error whenever a function is killed.
            thread::spawn(move || open(stream, tls).and_then(|stream| converse(stream, &*response)));
        }
    });
    Ok(address)
}

fn open(stream: TcpStream, tls: Option<Arc<ServerConfig>>) -> io::Result<Box<dyn Stream>> {
    stream.set_nodelay(true)?;
    let Some(tls) = tls else {
        return Ok(Box::new(stream));
    };
    let connection = ServerConnection::new(tls).map_err(io::Error::other)?;
    Ok(Box::new(StreamOwned::new(connection, stream)))
}

fn converse(stream: Box<dyn Stream>, response: &dyn Fn(Received) -> Sent) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(received) = receive(&mut stream)? {
        let Sent { status, headers, body } = response(received);
        let mut text = format!("HTTP/1.1 {status} -\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        text += "\r\n";
        text += &body;
        stream.get_mut().write_all(text.as_bytes())?;
        stream.get_mut().flush()?;
    }
    Ok(())
}

/// The next request, or none when the other side hung up.
fn receive(stream: &mut impl BufRead) -> io::Result<Option<Received>> {
    let Some(first) = line(stream)? else {
        return Ok(None);
    };
    let mut headers = HashMap::new();
    while let Some((name, value)) = line(stream)?.as_deref().and_then(|line| line.split_once(':')) {
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    Ok(Some(Received { path, headers, body }))
}

/// The next line without its end, or none at the end of the stream.
fn line(stream: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = String::new();
    let read = stream.read_line(&mut line)?;
    Ok((read > 0).then(|| line.trim_end().to_owned()))
}
