//! The credentials of one instance: made at its start, private to it, never printed.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use anyhow::{Context as _, Result};

use super::cannot;
use crate::config::LocalAccess;
use crate::world::World;

/// Makes the credentials of an instance that is about to start, and returns the token that it is to require. Every AWS SDK
/// reads the file (`AWS_SHARED_CREDENTIALS_FILE`); only its owner may.
pub(super) fn make(access: &LocalAccess, world: &World) -> Result<String> {
    let token = world.secret();
    let text = format!(
        "[default]\naws_access_key_id = {}\naws_secret_access_key = local\naws_session_token = {token}\n",
        access.account
    );
    let path = &access.credentials;
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).with_context(|| cannot("write", path))?;
    Ok(token)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_token_is_random_and_readable_by_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let access = |name: &str| LocalAccess {
            port: 1,
            account: "111111111111".to_owned(),
            credentials: folder.path().join(name),
        };
        let [first, second] = ["first", "second"].map(|name| make(&access(name), &World::real()).unwrap());
        assert_ne!(first, second);
        assert_eq!(access("first").token(), Some(first));
        let mode = std::fs::metadata(folder.path().join("first")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(access("none").token(), None);
    }
}
