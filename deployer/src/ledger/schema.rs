//! The schema of the ledger's items, and the version of the deployer that wrote each of them.
//!
//! A version that reads an item of a newer schema refuses it before anything is written. Within one schema a newer version only adds
//! fields that an older one may ignore: [`super::beyond`] keeps them.

use serde_json::{Value, json};

use super::{LIVE, RELEASE};
use crate::failure::Failure;

/// The schema of the items that this version writes. Version 0.1.0 wrote it into the contract alone, so an item without one has this
/// schema.
pub(super) const SCHEMA: u64 = 2;

/// The schema of an item whose release is packed (`packed.rs`), and the newest one that this version reads of a release.
pub(super) const PACKED: u64 = 3;

/// This version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The names of what every item has: its key, its schema and the version that wrote it.
pub(super) const COMMON: [&str; 4] = ["pk", "sk", "schema", "deployer"];

/// What every item that this version writes says of itself.
pub(super) fn signature() -> [(&'static str, Value); 2] {
    [("schema", json!(SCHEMA)), ("deployer", json!(VERSION))]
}

/// Refuses an item of a newer schema.
///
/// # Errors
/// It names the item, its schema, and the version to install.
pub(super) fn refuse_newer(ledger: &str, key: &str, item: &Value) -> Result<(), Failure> {
    let read = if key == LIVE || key.starts_with(RELEASE) { PACKED } else { SCHEMA };
    let Some(newer) = item["schema"].as_u64().filter(|schema| *schema > read) else { return Ok(()) };
    let by = version(item).map_or_else(|| "a newer version".to_owned(), |version| format!("deployer {version}"));
    let hint = match version(item) {
        Some(version) => format!(
            "install deployer {version} or a newer version: `curl -fsSL https://github.com/OWNER/deployer/releases/download/v{version}/install.sh | sh`"
        ),
        None => "install a newer version of deployer: `curl -fsSL https://github.com/OWNER/deployer/releases/latest/download/install.sh | sh`"
            .to_owned(),
    };
    let what = format!(
        "item `{key}` of ledger `{ledger}` has schema {newer}, written by {by}, but deployer {VERSION} reads only up to schema {read}"
    );
    Err(Failure::refused(what).hint(hint))
}

/// The version that wrote an item. It becomes a part of a command that people run, so it must look like a version.
fn version(item: &Value) -> Option<&str> {
    let is_plain = |text: &&str| {
        text.len() <= 32
            && text.starts_with(|first: char| first.is_ascii_digit())
            && text.chars().all(|each| each.is_ascii_alphanumeric() || matches!(each, '.' | '-'))
    };
    item["deployer"].as_str().filter(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ending::Ending as _;
    use crate::failure::Exit;

    fn refused(item: &Value) -> String {
        let error = anyhow::Error::from(refuse_newer("l", "live", item).unwrap_err());
        assert_eq!(error.exit(), Exit::Refused);
        format!("{error}: {}", error.hint().unwrap_or_default())
    }

    #[test]
    fn a_newer_schema_is_refused_with_the_version_to_install() {
        let error = refused(&json!({"schema": 4, "deployer": "0.9.0"}));
        assert!(error.contains("item `live` of ledger `l` has schema 4, written by deployer 0.9.0"), "{error}");
        let command =
            concat!("`curl -fsSL ", env!("CARGO_PKG_REPOSITORY"), "/releases/download/v0.9.0/install.sh | sh`");
        assert!(error.contains(command), "{error}");
        let unknown = refused(&json!({"schema": 4}));
        assert!(unknown.contains("written by a newer version") && unknown.contains("/releases/latest/"), "{unknown}");
    }

    #[test]
    fn text_from_a_ledger_never_becomes_a_part_of_a_command() {
        for hostile in ["1; rm -rf ~", "0.9.0`", "$(id)", "-x", "", "1/../../evil", &"1".repeat(33)] {
            let error = refused(&json!({"schema": 4, "deployer": hostile}));
            assert!(error.contains("written by a newer version"), "{error}");
        }
    }

    #[test]
    fn an_item_without_a_schema_is_of_the_first_one() {
        for item in [json!({}), json!({"schema": 3}), json!({"schema": 2}), json!({"schema": 1})] {
            assert!(refuse_newer("l", "live", &item).is_ok());
        }
    }
}
