//! The tokens that the emulators of this process's checkouts ask for.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex};

/// The credentials file of an emulator, by its port.
static FILES: LazyLock<Mutex<HashMap<u16, PathBuf>>> = LazyLock::new(Mutex::default);

/// Remembers where the emulator on a port has its credentials.
pub(crate) fn know(port: u16, file: PathBuf) {
    FILES.lock().unwrap().insert(port, file);
}

/// The token of the emulator on a port. None where `local up` did not start it.
pub(crate) fn token(port: u16) -> Option<String> {
    let text = std::fs::read_to_string(FILES.lock().unwrap().get(&port)?).ok()?;
    text.lines().find_map(|line| line.strip_prefix("aws_session_token = ")).map(str::to_owned)
}
