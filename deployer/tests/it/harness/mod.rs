//! A checkout of its own, the local AWS that the real binary starts for it, and commands in a scrubbed environment.

mod alarm;
mod checkout;
mod credentials;
mod emulator;
mod ended;
mod stack;
mod terraform;

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) use alarm::Alarm;
pub(crate) use checkout::{Checkout, SENTENCE, repository};
pub(crate) use credentials::{know, token};
pub(crate) use emulator::Emulator;
pub(crate) use ended::{Ended, Running};
pub(crate) use stack::{Stack, signed};

/// What a program needs to run; nothing of the user's AWS or Terraform. `PIP_*` and certificates are how a machine
/// reaches its registries.
pub(crate) fn bare() -> Vec<(String, String)> {
    let wanted = |name: &str| {
        ["PATH", "HOME", "LANG", "USER", "XDG_CACHE_HOME", "SSL_CERT_FILE", "HTTPS_PROXY", "https_proxy"]
            .contains(&name)
            || ["PIP_", "CARGO_HOME", "RUSTUP_"].iter().any(|beginning| name.starts_with(beginning))
    };
    #[expect(clippy::disallowed_methods, reason = "the one place of the tests that reads the environment")]
    std::env::vars().filter(|(name, _)| wanted(name)).collect()
}

/// Says stop when it is dropped: also when a test fails in between.
pub(crate) struct StopWhenDropped<'a>(pub(crate) &'a AtomicBool);

impl Drop for StopWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A client whose connections end with it: each request has a runtime of its own.
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// The same for requests to the emulator on a port, which ask for its token.
pub(crate) fn client_of(port: u16) -> reqwest::Client {
    let token = token(port).unwrap_or_default().parse().unwrap();
    let headers = reqwest::header::HeaderMap::from_iter([("x-amz-security-token".parse().unwrap(), token)]);
    reqwest::Client::builder().no_proxy().default_headers(headers).build().unwrap()
}

/// Waits for one request.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// A port that was free a moment ago, and is not one of those that the system assigns.
pub(crate) fn free_port() -> u16 {
    loop {
        let port = 20_000 + u16::from_le_bytes(*uuid::Uuid::new_v4().as_bytes().first_chunk().unwrap()) % 12_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Whether a process listens on a port.
pub(crate) fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// Copies a file, or a folder without what was built in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    if from.is_file() {
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(from, to).unwrap();
        return;
    }
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        if entry.file_name() != ".terraform" && entry.file_name() != "target" {
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    }
}

/// This machine's processor, as Lambda names it.
pub(crate) fn architecture() -> &'static str {
    if std::env::consts::ARCH == "aarch64" { "arm64" } else { "x86_64" }
}
