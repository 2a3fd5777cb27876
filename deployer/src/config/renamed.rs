//! Keys of `deployer.toml` and of the stack contract that were renamed: a file with an old one gets the new one as a hint.

use serde_json::Value;

/// A key that was renamed.
struct Renamed {
    /// The table that it is in; `*` is any name.
    table: &'static str,
    old: &'static str,
    new: &'static str,
}

/// What was renamed so far. A row is never removed, and a name is never used again for something else.
const RENAMED: [Renamed; 1] = [
    // With schema 2 of the contract, when an API got a kind.
    Renamed { table: "environments.*.stack.api", old: "rest_api_id", new: "id" },
];

/// Where `deployer.toml` has the contract.
const CONTRACT: &str = "environments.*.stack.";

/// The first renamed key in a file, with its successor.
pub(super) fn in_file(text: &str) -> Option<String> {
    let file: Value = toml::from_str(text).ok()?;
    RENAMED.iter().find_map(|renamed| renamed.at(renamed.table, &file))
}

/// The same in a contract of the ledger.
pub(crate) fn in_contract(item: &Value) -> Option<String> {
    RENAMED.iter().find_map(|renamed| renamed.at(renamed.table.strip_prefix(CONTRACT)?, item))
}

impl Renamed {
    fn at(&self, table: &str, value: &Value) -> Option<String> {
        let Self { old, new, .. } = self;
        let place = places(value, table, "").into_iter().find(|(_, table)| table.get(old).is_some())?.0;
        Some(format!("`{old}` in `{place}` is now `{new}`"))
    }
}

/// The tables that a path leads to, with their names.
fn places<'a>(value: &'a Value, path: &str, above: &str) -> Vec<(String, &'a Value)> {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let below = value.as_object().into_iter().flatten().filter(|(name, _)| first == "*" || *name == first);
    let found = below.flat_map(|(name, value)| {
        let name = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
        match rest {
            Some(rest) => places(value, rest, &name),
            None => vec![(name, value)],
        }
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::config::{Config, ProcessEnvironment};
    use crate::ending::Ending as _;

    /// A valid file but for this key, at its place.
    fn file(table: &str, key: &str) -> String {
        let stack = "account = '111111111111'\nfunctions = {}\n";
        let table = table.replace('*', "dev");
        format!(
            "app = 'shop'\n[functions.api]\n[environments.dev]\nledger = 'l'\nregion = 'eu-west-1'\n\
             [environments.dev.stack]\n{stack}[{table}]\nkind = 'rest'\nstage = 'dev'\nurl = 'https://x'\n{key} = 'value'\n"
        )
    }

    #[test]
    fn every_renamed_key_is_named_with_its_successor() {
        let read = |text: &str| Config::parse(text, Path::new("deployer.toml"), false, ProcessEnvironment::default());
        for Renamed { table, old, new } in RENAMED {
            let error = read(&file(table, old)).unwrap_err();
            let place = table.replace('*', "dev");
            let expected = format!("`{old}` in `{place}` is now `{new}`");
            assert!(error.hint().is_some_and(|hint| hint.contains(&expected)), "{:?}", error.hint());
            assert!(read(&file(table, new)).is_ok(), "{new}");
        }
    }

    #[test]
    fn a_renamed_key_of_a_contract_is_named() {
        let item = json!({"schema": 2, "api": {"rest_api_id": "a"}});
        assert_eq!(in_contract(&item).unwrap(), "`rest_api_id` in `api` is now `id`");
        assert_eq!(in_contract(&json!({"api": {"id": "a"}})), None);
    }
}
