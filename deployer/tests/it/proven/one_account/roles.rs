//! The roles as bootstrap rendered them: read out of its state.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::strict::Policy;

/// A role: who may take it, and its policies by what Terraform calls them.
#[derive(Debug, Clone)]
pub(super) struct Role {
    pub arn: String,
    pub trust: Value,
    pub documents: BTreeMap<String, Value>,
}

impl Role {
    /// All that it may do.
    pub(super) fn policy(&self) -> Policy {
        Policy::of(self.documents.values())
    }
}

/// All roles that bootstrap made for environments, by name: `<app>-dev-deploy`, …
pub(super) fn rendered(state: &str) -> BTreeMap<String, Role> {
    let state: Value = serde_json::from_str(state).unwrap();
    let of = |kind: &str| -> Vec<Value> {
        let resources = state["resources"].as_array().unwrap().iter().filter(|resource| resource["type"] == kind);
        let instances = resources.flat_map(|resource| resource["instances"].as_array().unwrap());
        instances.map(|instance| instance["attributes"].clone()).collect()
    };
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("`{value}` is not text")).to_owned();
    let document = |value: &Value| -> Value { serde_json::from_str(&text(value)).unwrap() };
    let mut roles: BTreeMap<String, Role> = of("aws_iam_role")
        .iter()
        .map(|role| {
            let trust = document(&role["assume_role_policy"]);
            (text(&role["name"]), Role { arn: text(&role["arn"]), trust, documents: BTreeMap::new() })
        })
        .collect();
    let policies: BTreeMap<String, Value> =
        of("aws_iam_policy").iter().map(|policy| (text(&policy["arn"]), policy.clone())).collect();
    for attached in of("aws_iam_role_policy_attachment") {
        // AWS's own policies are not in the state.
        if let Some(policy) = policies.get(&text(&attached["policy_arn"])) {
            let role = roles.get_mut(&text(&attached["role"])).unwrap();
            role.documents.insert(text(&policy["name"]), document(&policy["policy"]));
        }
    }
    for inline in of("aws_iam_role_policy") {
        let role = roles.get_mut(&text(&inline["role"])).unwrap();
        role.documents.insert(text(&inline["name"]), document(&inline["policy"]));
    }
    roles.retain(|_, role| !role.documents.is_empty());
    roles
}
