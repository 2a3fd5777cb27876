//! The settings of a version, compared as a whole.
//!
//! Comes in: a configuration as AWS sent it. Goes out: what of it differs, by name. No value ever leaves this file.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::config::PackageType;

/// The settings of a version by path, as `MemorySize` or `Environment.Variables.TABLE`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Settings(BTreeMap<String, String>);

/// The settings that may be there or not.
const OPTIONAL: [&str; 14] = [
    "Architectures",
    "DeadLetterConfig",
    "Environment",
    "EphemeralStorage",
    "FileSystemConfigs",
    "Handler",
    "ImageConfigResponse",
    "KMSKeyArn",
    "Layers",
    "LoggingConfig",
    "Runtime",
    "SnapStart",
    "TracingConfig",
    "VpcConfig",
];

impl Settings {
    /// The names of the settings in which the two differ. What only one of them has, and cannot be set, AWS has added since:
    /// that does not count as a change.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let names = self.0.keys().chain(other.0.keys().filter(|name| !self.0.contains_key(*name)));
        let differs = |name: &&String| match (self.0.get(*name), other.0.get(*name)) {
            (Some(ours), Some(theirs)) => ours != theirs,
            _ => OPTIONAL.contains(&name.split('.').next().unwrap_or(name)),
        };
        names.filter(differs).cloned().collect()
    }

    /// The names of the settings that have the same value, in order.
    pub fn shared(&self, other: &Self) -> Vec<String> {
        self.0.iter().filter(|(name, value)| other.0.get(*name) == Some(value)).map(|(name, _)| name.clone()).collect()
    }

    /// The same without what an environment has for itself: its account number and its name, in each ARN. Variables stay as they are.
    #[must_use]
    pub fn neutral(&self, account: &str, environment: &str) -> Self {
        let neutral = |(name, value): (&String, &String)| {
            let is_arn = value.contains("arn:") && !name.starts_with("Environment");
            let text = if is_arn { without(&without(value, account), environment) } else { value.clone() };
            (name.clone(), text)
        };
        Self(self.0.iter().map(neutral).collect())
    }

    /// What AWS shows an error of in place of its value, and that error's code: `Environment` where the caller may not decrypt
    /// the variables. Nobody knows then whether it has changed.
    pub fn unreadable(&self) -> Option<(&str, &str)> {
        self.0.iter().find_map(|(name, value)| Some((name.strip_suffix(".Error.ErrorCode")?, value.trim_matches('"'))))
    }

    /// The processor that the code is for, `x86_64` or `arm64`: no secret. `None` if AWS does not say.
    pub fn architecture(&self) -> Option<String> {
        // A list of one, as AWS has it.
        serde_json::from_str::<Vec<String>>(self.0.get("Architectures")?).ok()?.into_iter().next()
    }

    /// What the function is made of, as AWS calls it: `Zip`, or `Image`. No secret.
    pub fn package_type(&self) -> String {
        let found = self.0.get("PackageType").and_then(|text| serde_json::from_str(text).ok());
        found.unwrap_or_else(|| PackageType::Zip.as_str().to_owned())
    }

    /// Runtime and handler; `None` of a container image. No secrets.
    pub fn starts(&self) -> Option<(String, String)> {
        let text = |name: &str| serde_json::from_str::<String>(self.0.get(name)?).ok();
        Some((text("Runtime")?, text("Handler")?))
    }

    /// Runtime and handler, where what is started has to be in the package: a layer may bring it. No secrets.
    pub fn entry_point(&self) -> Option<(String, String)> {
        self.starts().filter(|_| !self.0.keys().any(|name| name.starts_with("Layers")))
    }

    /// The log group, where it is not the function's own. No secret.
    pub fn log_group(&self) -> Option<String> {
        serde_json::from_str(self.0.get("LoggingConfig.LogGroup")?).ok()
    }

    /// Those of a configuration as AWS sends it, for tests of what reads them.
    #[cfg(test)]
    pub(crate) fn of_configuration(configuration: &Value) -> Self {
        Self::of(configuration)
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
        let name = configuration["FunctionName"].as_str().unwrap_or_default();
        let own_group = json!(format!("/aws/lambda/{name}")).to_string();
        let is_default = |name: &str, value: &str| {
            let default = DEFAULTS.iter().find(|(default, _)| *default == name).map(|(_, value)| *value);
            default == Some(value) || (name == "LoggingConfig.LogGroup" && value == own_group)
        };
        settings.retain(|name, value| !is_default(name, value));
        Self(settings)
    }
}

/// Values may be secrets, so they do not even show up in a debug print.
impl std::fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

/// What AWS shows where nothing was set, as JSON: a version that is older than the setting does not have it.
const DEFAULTS: [(&str, &str); 5] = [
    ("EphemeralStorage.Size", "512"),
    ("LoggingConfig.LogFormat", "\"Text\""),
    ("PackageType", "\"Zip\""),
    ("SnapStart.ApplyOn", "\"None\""),
    ("TracingConfig.Mode", "\"PassThrough\""),
];

/// A value as it is meant: the order of a set says nothing, and a layer is what its ARN says.
fn canonical(path: &str, value: &Value) -> Value {
    const SETS: [&str; 2] = ["VpcConfig.SecurityGroupIds", "VpcConfig.SubnetIds"];
    let Some(items) = value.as_array() else { return value.clone() };
    let mut items = items.clone();
    match path {
        "Layers" => items.iter_mut().for_each(|layer| *layer = layer["Arn"].take()),
        _ if SETS.contains(&path) => items.sort_by_key(Value::to_string),
        _ => {}
    }
    items.into()
}

fn flatten(path: &str, value: &Value, left_out: &[&str], into: &mut BTreeMap<String, String>) {
    let Some(object) = value.as_object() else {
        let value = canonical(path, value);
        // What is off or empty need not be there. An empty variable of the environment is one all the same.
        let is_nothing = [Value::Null, json!(false), json!(""), json!([])].contains(&value);
        if !is_nothing || path.starts_with("Environment.Variables.") {
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

/// A text with `{}` for each whole `word`.
fn without(text: &str, word: &str) -> String {
    let mut parts = text.split(word);
    let mut neutral = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let whole = !neutral.ends_with(char::is_alphanumeric) && !part.starts_with(char::is_alphanumeric);
        neutral.push_str(if whole { "{}" } else { word });
        neutral.push_str(part);
    }
    neutral
}

#[cfg(test)]
mod tests {
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
    fn an_environments_own_account_and_name_in_arns_do_not_differ() {
        let of = |account: &str, role: &str| {
            let mut configuration = configuration(128, "a");
            configuration["Role"] = json!(format!("arn:aws:iam::{account}:role/{role}"));
            Settings::of(&configuration)
        };
        let dev = of("111111111111", "shop-dev").neutral("111111111111", "dev");
        let differences = |role| dev.differences(&of("222222222222", role).neutral("222222222222", "prod"));
        assert_eq!(differences("shop-prod"), Vec::<String>::new());
        assert_eq!(differences("shop-product"), ["Role"]);
        assert_eq!(differences("other-prod"), ["Role"]);
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
    fn the_order_of_a_set_and_what_aws_adds_are_no_change() {
        let before = json!({"VpcConfig": {"SubnetIds": ["a", "b"]}, "Layers": [{"Arn": "l:1", "CodeSize": 1}]});
        let after = json!({
            "VpcConfig": {"SubnetIds": ["b", "a"], "Ipv6AllowedForDualStack": false},
            "Layers": [{"Arn": "l:1", "CodeSize": 1, "SigningJobArn": "s"}],
            "EphemeralStorage": {"Size": 512}, "TenancyOfTomorrow": {"Mode": "Default"}, "DeadLetterConfig": {"TargetArn": ""},
        });
        let differences = |before: &Value, after: &Value| Settings::of(after).differences(&Settings::of(before));
        assert_eq!(differences(&before, &after), Vec::<String>::new());
        for (name, value) in [
            ("Layers", json!([{"Arn": "l:2"}])),
            ("EphemeralStorage", json!({"Size": 1024})),
            ("DeadLetterConfig", json!({"TargetArn": "q"})),
        ] {
            let mut changed = after.clone();
            changed[name] = value;
            assert_eq!(differences(&before, &changed).len(), 1, "{name}");
        }
        let variables = |value: &str| json!({"Environment": {"Variables": {"A": value}}});
        assert_eq!(differences(&json!({}), &variables("")), ["Environment.Variables.A"]);
    }

    #[test]
    fn an_error_in_the_place_of_variables_is_not_a_value() {
        let hidden = json!({"Environment": {"Error": {"ErrorCode": "AccessDeniedException", "Message": "m"}}});
        assert_eq!(Settings::of(&hidden).unreadable(), Some(("Environment", "AccessDeniedException")));
        assert_eq!(settings(128, "a").unreadable(), None);
    }

    #[test]
    fn the_processor_and_the_kind_of_package_may_be_read() {
        let settings = Settings::of(&json!({"Architectures": ["arm64"], "MemorySize": 128, "PackageType": "Zip"}));
        assert_eq!((settings.architecture().unwrap(), settings.package_type()), ("arm64".to_owned(), "Zip".to_owned()));
        assert_eq!(Settings::of(&json!({"PackageType": "Image"})).package_type(), "Image");
        assert_eq!(Settings::default().architecture(), None);
    }

    #[test]
    fn no_value_of_a_setting_shows_in_a_debug_print() {
        let printed = format!("{:?}", settings(128, "s3cret"));
        assert!(printed.contains("Environment.Variables.TABLE") && !printed.contains("s3cret"), "{printed}");
    }
}
