//! A proxy between a store and the server that simulates network faults.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver},
    },
    thread,
};

/// Passes bytes on. After [`Proxy::swallow_responses`], what the server sends on existing connections is lost.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    made: Arc<AtomicUsize>,
    silent: Arc<AtomicUsize>,
}

impl Proxy {
    /// Before the server at `port`.
    pub(crate) fn start(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Self { port: listener.local_addr().unwrap().port(), made: Arc::default(), silent: Arc::default() };
        let (made, silent) = (Arc::clone(&proxy.made), Arc::clone(&proxy.silent));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let number = made.fetch_add(1, Ordering::SeqCst);
                let server = TcpStream::connect(("localhost", port)).unwrap();
                let (back, there) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                let silent = Arc::clone(&silent);
                thread::spawn(move || pass(&client, &server, || true));
                thread::spawn(move || pass(&back, &there, || number >= silent.load(Ordering::SeqCst)));
            }
        });
        proxy
    }

    /// From now on, existing connections return no response.
    pub(crate) fn swallow_responses(&self) {
        self.silent.store(self.connections(), Ordering::SeqCst);
    }

    pub(crate) fn connections(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }
}

fn pass(mut from: &TcpStream, mut to: &TcpStream, passes: impl Fn() -> bool) {
    let mut bytes = [0; 8192];
    while let Ok(read) = from.read(&mut bytes) {
        if read == 0 || passes() && to.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    // A connection that was silenced hangs: its end is lost, too.
    if passes() {
        let _ = to.shutdown(Shutdown::Both);
    }
}

/// A server that accepts connections and sends `word` on each, or nothing; and what it received on each, once it ended.
pub(crate) fn says(word: &'static str) -> (u16, Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (heard, hears) = mpsc::channel();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let heard = heard.clone();
            thread::spawn(move || {
                let mut sent = vec![];
                let _ = client.write_all(word.as_bytes());
                let _ = client.read_to_end(&mut sent);
                let _ = heard.send(sent); // it may be unread
            });
        }
    });
    (port, hears)
}
