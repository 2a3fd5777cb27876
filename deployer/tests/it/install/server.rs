//! A server of releases, as GitHub is one, and what can be in its place.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

/// The version of this checkout, which `install.sh` installs unless it is given another one.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(super) const COMMIT: &str = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";

/// What a path of the server gives.
pub(super) enum Response {
    File(Vec<u8>),
    /// Half of a file, and then the connection is closed.
    Half(Vec<u8>),
    Status(u16),
    /// A web page, with status 200.
    Page,
    /// A redirect to a web page.
    Login,
    /// Nothing, for a minute.
    Nothing,
}

/// Who attested an archive: the line of the stand-in for `gh`, without the digest.
pub(super) struct Signed<'a> {
    pub repository: &'a str,
    pub workflow: &'a str,
    pub commit: &'a str,
    pub tag: &'a str,
}

#[derive(Default)]
struct Shared {
    responses: Mutex<BTreeMap<String, Response>>,
    requests: Mutex<Vec<String>>,
    stopped: AtomicBool,
}

/// Listens until it is dropped.
pub(super) struct Server {
    port: u16,
    shared: Arc<Shared>,
    folder: TempDir,
}

/// The archive for this machine.
pub(super) fn archive_name() -> String {
    format!("deployer-{}-unknown-linux-musl.tar.gz", std::env::consts::ARCH)
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A program that prints this version.
pub(super) fn program(version: &str) -> String {
    format!("#!/bin/sh\necho 'deployer {version} (c0ffee00c0ff x86_64-unknown-linux-musl)'\n")
}

/// A program as an archive of a release has it.
pub(super) fn packed(program: &[u8]) -> Vec<u8> {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("deployer"), program).unwrap();
    packed_from(&folder)
}

/// The `deployer` of a folder, with a licence.
pub(super) fn packed_from(folder: &TempDir) -> Vec<u8> {
    std::fs::write(folder.path().join("LICENSE"), "MIT").unwrap();
    let pack = "chmod 755 deployer; tar -cf - deployer LICENSE | gzip -1";
    let done = Command::new("sh").args(["-c", pack]).current_dir(folder.path()).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    done.stdout
}

impl Server {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().map(Result::unwrap) {
                if of_thread.stopped.load(Ordering::SeqCst) {
                    break;
                }
                let shared = Arc::clone(&of_thread);
                thread::spawn(move || shared.respond(stream));
            }
        });
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("signed"), "").unwrap();
        Self { port, shared, folder }
    }

    /// A server with one release: this version's.
    pub(super) fn with_release() -> Self {
        let server = Self::start();
        server.publish(VERSION);
        server
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The file of all attestations that were signed.
    pub(super) fn signed(&self) -> PathBuf {
        self.folder.path().join("signed")
    }

    /// Publishes a release for this machine, attested as it should be; returns the archive's SHA-256.
    pub(super) fn publish(&self, version: &str) -> String {
        self.publish_archive(version, &archive_name(), packed(program(version).as_bytes()))
    }

    pub(super) fn publish_archive(&self, version: &str, name: &str, archive: Vec<u8>) -> String {
        let sum = sha256(&archive);
        self.put(&format!("v{version}/SHA256SUMS"), Response::File(format!("{sum}  {name}\n").into_bytes()));
        self.put(&format!("v{version}/{name}"), Response::File(archive));
        let tag = format!("v{version}");
        self.attest(
            version,
            &sum,
            &Signed { repository: "OWNER/deployer", workflow: "release", commit: COMMIT, tag: &tag },
        );
        sum
    }

    /// Signs an attestation, and puts it into a release in place of the one that is there.
    pub(super) fn attest(&self, version: &str, sum: &str, by: &Signed) {
        let Signed { repository, workflow, commit, tag } = by;
        let line =
            format!("{sum} {repository} {repository}/.github/workflows/{workflow}.yml {commit} refs/tags/{tag}\n");
        let before = std::fs::read_to_string(self.signed()).unwrap();
        std::fs::write(self.signed(), before + &line).unwrap();
        self.put(&format!("v{version}/bundle.jsonl"), Response::File(line.into_bytes()));
    }

    pub(super) fn put(&self, path: &str, response: Response) {
        self.shared.responses.lock().unwrap().insert(path.to_owned(), response);
    }

    /// A file of a release.
    pub(super) fn file(&self, path: &str) -> Vec<u8> {
        match &self.shared.responses.lock().unwrap()[path] {
            Response::File(bytes) => bytes.clone(),
            _ => panic!("{path} is not a file"),
        }
    }

    /// What was requested since the last call.
    pub(super) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut *self.shared.requests.lock().unwrap())
    }

    /// Waits for a request.
    pub(super) fn wait_for(&self, path: &str) {
        for _ in 0..600 {
            if self.shared.requests.lock().unwrap().iter().any(|request| request == path) {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("{path} was not requested");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // The thread waits for a connection.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Shared {
    /// One response, after which the connection is closed.
    fn respond(&self, mut stream: TcpStream) {
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
            head.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let path = head.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
        self.requests.lock().unwrap().push(path.clone());
        let response = match self.responses.lock().unwrap().get(&path) {
            Some(Response::File(bytes)) => with_body("200 OK", bytes, bytes.len()),
            Some(Response::Half(bytes)) => with_body("200 OK", bytes, bytes.len() / 2),
            Some(Response::Status(code)) => with_body(&format!("{code} x"), b"<html>sorry</html>", 18),
            Some(Response::Login) => {
                b"HTTP/1.1 302 Found\r\nLocation: /login?to=there\r\nContent-Length: 0\r\n\r\n".to_vec()
            }
            Some(Response::Page) => with_body("200 OK", b"\n<!DOCTYPE html><p>Blocked", 26),
            Some(Response::Nothing) => Vec::new(),
            None if path.starts_with("login") => with_body("200 OK", b"<html><form>", 12),
            None => with_body("404 Not Found", b"Not Found", 9),
        };
        if response.is_empty() {
            // Until the client gives up.
            stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
            let _ = stream.read(&mut byte);
        }
        let _ = stream.write_all(&response);
    }
}

/// A response that announces the whole body and has this much of it.
fn with_body(status: &str, body: &[u8], sent: usize) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    [head.as_bytes(), &body[..sent]].concat()
}
