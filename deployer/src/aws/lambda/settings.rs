//! The settings of a version, compared as a whole.
//!
//! Comes in: a configuration as AWS sent it. Goes out: what of it differs, by name. No value ever leaves this file.

use std::collections::BTreeMap;

use serde_json::Value;

/// The settings of a version by path, as `MemorySize` or `Environment.Variables.TABLE`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    /// The names of the settings in which the two differ.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let names = self.0.keys().chain(other.0.keys().filter(|name| !self.0.contains_key(*name)));
        names.filter(|name| self.0.get(*name) != other.0.get(*name)).cloned().collect()
    }

    /// The processor that the code is for, `x86_64` or `arm64`: no secret. `None` if AWS does not tell.
    pub fn architecture(&self) -> Option<String> {
        // A list of one, as AWS has it.
        serde_json::from_str::<Vec<String>>(self.0.get("Architectures")?).ok()?.into_iter().next()
    }

    /// One setting, for tests of what compares them.
    #[cfg(test)]
    pub(crate) fn with(name: &str, value: &str) -> Self {
        Self(BTreeMap::from([(name.to_owned(), value.to_owned())]))
    }

    /// Takes the settings out of a configuration as AWS sent it, whatever call it came by. What every version has for
    /// itself is left out, and with it all that a listing leaves out.
    pub(super) fn of(configuration: &Value) -> Self {
        const OWN: [&str; 20] = [
            "SigningJobArn",
            "SigningProfileVersionArn",
            "FunctionArn",
            "Version",
            "RevisionId",
            "LastModified",
            "CodeSize",
            "CodeSha256",
            "Description",
            "State",
            "StateReason",
            "StateReasonCode",
            "LastUpdateStatus",
            "LastUpdateStatusReason",
            "LastUpdateStatusReasonCode",
            "MasterArn",
            "ConfigSha256",
            // Lambda itself moves the runtime's patch version and the state of snapshots.
            "RuntimeVersionConfig",
            "SnapStart.OptimizationStatus",
            "FunctionName",
        ];
        let mut settings = BTreeMap::new();
        flatten("", configuration, &OWN, &mut settings);
        Self(settings)
    }
}

/// Values may be secrets, so they do not even show up in a debug print.
impl std::fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

fn flatten(path: &str, value: &Value, left_out: &[&str], into: &mut BTreeMap<String, String>) {
    let Some(object) = value.as_object() else {
        if !value.is_null() {
            into.insert(path.to_owned(), value.to_string());
        }
        return;
    };
    for (name, value) in object {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        // By the whole path: an environment variable may be called `Version` too.
        if !left_out.contains(&path.as_str()) {
            flatten(&path, value, left_out, into);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn configuration(memory: u32, table: &str) -> Value {
        json!({
            "FunctionArn": format!("arn:{memory}"), "RevisionId": table, "MemorySize": memory,
            "Environment": {"Variables": {"TABLE": table}},
            "SnapStart": {"ApplyOn": "None", "OptimizationStatus": table},
        })
    }

    fn settings(memory: u32, table: &str) -> Settings {
        Settings::of(&configuration(memory, table))
    }

    #[test]
    fn settings_differ_by_name_and_never_by_what_a_version_has_for_itself() {
        assert_eq!(settings(128, "a").differences(&settings(256, "b")), ["Environment.Variables.TABLE", "MemorySize"]);
        assert!(settings(128, "a").differences(&settings(128, "a")).is_empty());
    }

    #[test]
    fn a_listed_version_has_the_settings_that_it_has_on_its_own() {
        let listed = configuration(128, "a");
        let mut alone = listed.clone();
        // What AWS sends with a single function and leaves out of a listing.
        for name in ["State", "StateReason", "StateReasonCode", "LastUpdateStatus", "LastUpdateStatusReason"] {
            alone[name] = json!("x");
        }
        alone["RuntimeVersionConfig"] = json!({"RuntimeVersionArn": "x"});
        assert_eq!(Settings::of(&alone), Settings::of(&listed));
    }

    #[test]
    fn the_processor_may_be_read() {
        let settings = Settings::of(&json!({"Architectures": ["arm64"], "MemorySize": 128}));
        assert_eq!(settings.architecture().unwrap(), "arm64");
        assert_eq!(Settings::default().architecture(), None);
    }

    #[test]
    fn no_value_of_a_setting_shows_in_a_debug_print() {
        let printed = format!("{:?}", settings(128, "s3cret"));
        assert!(printed.contains("Environment.Variables.TABLE") && !printed.contains("s3cret"), "{printed}");
    }
}
