//! A file -> a plan of Terraform's, or why it is not one. Nothing that cannot be read for certain is taken for harmless.
//!
//! The format: <https://developer.hashicorp.com/terraform/internals/json-format>

use serde::Deserialize;
use serde_json::{Map, Value};

/// A plan, as far as it matters here.
#[derive(Debug, Deserialize)]
pub struct TerraformPlan {
    format_version: String,
    /// A state has none: it is no harmless plan.
    #[serde(rename = "planned_values")]
    _planned: serde::de::IgnoredAny,
    #[serde(default)]
    errored: bool,
    #[serde(default)]
    pub(super) resource_changes: Vec<ResourceChange>,
    /// What Terraform leaves for a later plan.
    #[serde(default)]
    pub(super) deferred_changes: Vec<serde::de::IgnoredAny>,
    /// Calls of providers around the changes (Terraform 1.14).
    #[serde(default)]
    pub(super) action_invocations: Vec<Invocation>,
}

/// The change of one resource.
#[derive(Debug, Deserialize)]
pub(super) struct ResourceChange {
    pub address: String,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    mode: Option<String>,
    /// The key of an old one whose successor exists already: left by an apply that was broken off.
    #[serde(default)]
    pub deposed: Option<String>,
    pub change: Change,
}

#[derive(Debug, Deserialize)]
pub(super) struct Change {
    pub actions: Vec<String>,
    #[serde(default)]
    pub before: Value,
    #[serde(default)]
    pub after: Value,
    /// `true` at each place of `after` whose value only the apply shows.
    #[serde(default)]
    pub after_unknown: Value,
}

/// A call of a provider.
#[derive(Debug, Deserialize)]
pub(super) struct Invocation {
    pub address: String,
}

/// What a plan does to one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Nothing,
    Create,
    Update,
    Delete,
    /// Deletes, then creates.
    Swap,
    /// Creates, then deletes; or creates, and leaves the old one to whatever else knows it.
    Overlap,
}

impl ResourceChange {
    /// What would be done; `None` for actions that this deployer does not know.
    pub(super) fn action(&self) -> Option<Action> {
        if self.mode.as_deref() == Some("data") {
            return Some(Action::Nothing);
        }
        let actions: Vec<&str> = self.change.actions.iter().map(String::as_str).collect();
        Some(match actions[..] {
            // What Terraform forgets (`removed` with `destroy = false`) stays as it is.
            ["no-op" | "read" | "forget"] => Action::Nothing,
            ["create"] => Action::Create,
            ["update"] => Action::Update,
            ["delete"] => Action::Delete,
            ["delete", "create"] => Action::Swap,
            ["create", "delete" | "forget"] => Action::Overlap,
            _ => return None,
        })
    }
}

/// Why a file is not a plan that can be compared.
#[derive(Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// What it is, to follow the file's name.
    pub what: String,
    /// What to do.
    pub way: String,
}

const WRITE: &str = "write it with `terraform plan -out=FILE` and `terraform show -json FILE`";

fn unreadable<T>(what: impl Into<String>, way: impl Into<String>) -> Result<T, Unreadable> {
    Err(Unreadable { what: what.into(), way: way.into() })
}

impl TerraformPlan {
    /// Reads what `terraform show -json` wrote.
    ///
    /// # Errors
    /// It is not a complete plan in a format that is known, or does something that is not.
    pub fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        if let Some(other) = other_form(bytes) {
            return Err(other);
        }
        let plan = match serde_json::from_slice::<Self>(bytes) {
            Ok(plan) => plan,
            Err(error) => return Err(other_json(bytes, &error)),
        };
        if plan.format_version.split('.').next() != Some("1") {
            return unreadable(
                format!("has `format_version` `{}`; this deployer reads 1", plan.format_version),
                "plan with Terraform 1.1 or newer, or use a newer version of the deployer",
            );
        }
        if plan.errored {
            return unreadable(
                "is the plan of a run that failed: it is not complete",
                "see what `terraform plan` said",
            );
        }
        match plan.resource_changes.iter().find(|change| change.action().is_none()) {
            Some(unknown) => unreadable(
                format!("does `{}` to `{}`, which is unknown here", unknown.change.actions.join("+"), unknown.address),
                "use a newer version of the deployer",
            ),
            None => Ok(plan),
        }
    }

    /// How many resources it changes. What Terraform forgets is a change of its state.
    pub fn changes(&self) -> usize {
        let nothing = |change: &&ResourceChange| !["no-op", "read"].contains(&change.change.actions.concat().as_str());
        self.resource_changes.iter().filter(nothing).count()
    }
}

/// The other things that people have instead of JSON, by how they begin.
fn other_form(bytes: &[u8]) -> Option<Unreadable> {
    let (what, way) = match bytes {
        [] => ("is empty", "see what `terraform show -json` said: it wrote nothing"),
        [b'P', b'K', 3, 4, ..] => {
            ("is a plan in Terraform's own form", "write it as JSON: `terraform show -json` with this file")
        }
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [_, 0, _, 0, ..] | [0, _, 0, _, ..] => (
            "is in UTF-16, as PowerShell's `>` writes it",
            "write it with `terraform show -json PLAN | Out-File -Encoding utf8NoBOM FILE`, or in another shell",
        ),
        [0xef, 0xbb, 0xbf, ..] => (
            "begins with a byte order mark, which JSON does not allow",
            "write it with `terraform show -json PLAN | Out-File -Encoding utf8NoBOM FILE`, or in another shell",
        ),
        _ => return other_text(bytes),
    };
    Some(Unreadable { what: what.to_owned(), way: way.to_owned() })
}

fn other_text(bytes: &[u8]) -> Option<Unreadable> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let (what, way) = if lines.clone().any(|line| line.starts_with("[command]") || line.starts_with("::")) {
        (
            "has lines of setup-terraform's wrapper around the plan",
            "set `terraform_wrapper: false` in the step of `hashicorp/setup-terraform`",
        )
    } else if lines.clone().next().is_none() {
        ("is empty", "see what `terraform show -json` said: it wrote nothing")
    } else if lines.clone().next().is_some_and(|line| line.starts_with("{\"@level\"")) {
        ("is the log of `terraform plan -json`", WRITE)
    } else if lines.any(|line| {
        ["Terraform will perform", "No changes.", "Terraform used the selected", "Plan: "]
            .iter()
            .any(|start| line.starts_with(start))
    }) {
        ("is a plan in words", "write it as JSON: `terraform show -json PLAN`; the words go to `--text`")
    } else {
        return None;
    };
    Some(Unreadable { what: what.to_owned(), way: way.to_owned() })
}

/// What JSON that is not a plan is.
fn other_json(bytes: &[u8], error: &serde_json::Error) -> Unreadable {
    let document = serde_json::from_slice::<Map<String, Value>>(bytes);
    let what = match document {
        _ if error.is_eof() => "ends in the middle".to_owned(),
        Ok(document) if document.contains_key("values") && !document.contains_key("planned_values") => {
            "is a state, not a plan".to_owned()
        }
        Ok(document) if document.contains_key("planned_values") && !document.contains_key("format_version") => {
            "has no `format_version`".to_owned()
        }
        _ => format!("is not a Terraform plan in JSON ({error})"),
    };
    Unreadable { what, way: WRITE.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PLAN: &str = r#"{"format_version": "1.2", "planned_values": {}, "resource_changes": []}"#;

    fn refused(bytes: &[u8]) -> Unreadable {
        TerraformPlan::read(bytes).unwrap_err()
    }

    #[test]
    fn each_other_form_of_a_file_has_its_own_message() {
        let utf16 = |bytes: &dyn Fn(u16) -> [u8; 2]| PLAN.encode_utf16().flat_map(bytes).collect::<Vec<_>>();
        let little = utf16(&|unit| unit.to_le_bytes());
        let cases: [(&[u8], &str); 15] = [
            (b"", "is empty"),
            (b" \n\n", "is empty"),
            (b"PK\x03\x04rest", "Terraform's own form"),
            (&[&[0xff, 0xfe], &little[..]].concat(), "UTF-16"),
            (&little, "UTF-16"),
            (&utf16(&|unit| unit.to_be_bytes()), "UTF-16"),
            (&[b"\xef\xbb\xbf", PLAN.as_bytes()].concat(), "byte order mark"),
            (b"{\"@level\":\"info\"}\n{\"@level\":\"info\"}", "log of `terraform plan -json`"),
            (b"\nTerraform used the selected providers\n", "plan in words"),
            (b"No changes. Your infrastructure matches", "plan in words"),
            (br#"{"format_version": "1.0", "values": {}}"#, "is a state"),
            (br#"{"planned_values": {}}"#, "no `format_version`"),
            (&PLAN.as_bytes()[..40], "ends in the middle"),
            (b"{}", "not a Terraform plan in JSON"),
            (b"app = \"x\"", "not a Terraform plan in JSON"),
        ];
        for (bytes, words) in cases {
            let refused = refused(bytes);
            assert!(refused.what.contains(words) && !refused.way.is_empty(), "{words}: {refused:?}");
        }
    }

    #[test]
    fn the_lines_of_setup_terraforms_wrapper_name_the_setting_that_takes_them_away() {
        let before = format!("[command]terraform-bin show -json plan\n{PLAN}\n");
        let after = format!("{PLAN}\n::debug::Terraform exited with code 0.\n::debug::stdout: x\n");
        for text in [before, after] {
            assert!(refused(text.as_bytes()).way.contains("`terraform_wrapper: false`"), "{text}");
        }
    }

    #[test]
    fn a_format_of_another_major_version_is_refused_and_a_newer_minor_one_read() {
        for version in ["2.0", "0.2", "10.0", "x", ""] {
            let refused = refused(PLAN.replace("1.2", version).as_bytes());
            assert!(refused.what.contains(&format!("`{version}`")), "{refused:?}");
        }
        for version in ["1", "1.0", "1.99"] {
            assert_eq!(TerraformPlan::read(PLAN.replace("1.2", version).as_bytes()).unwrap().changes(), 0);
        }
    }

    #[test]
    fn a_plan_that_failed_or_does_something_unknown_is_not_taken_for_a_harmless_one() {
        let errored = json!({"format_version": "1.2", "planned_values": {}, "errored": true});
        assert!(refused(errored.to_string().as_bytes()).what.contains("not complete"));
        for actions in [&["invoke"][..], &[], &["delete", "create", "update"]] {
            let change = json!({"address": "a.b", "type": "a", "change": {"actions": actions}});
            let plan = json!({"format_version": "1.2", "planned_values": {}, "resource_changes": [change]});
            assert!(refused(plan.to_string().as_bytes()).what.contains("`a.b`"), "{actions:?}");
        }
        let nothing = json!({"format_version": "1.2", "planned_values": {}, "resource_changes": [{}]});
        assert!(refused(nothing.to_string().as_bytes()).what.contains("not a Terraform plan"));
    }
}
