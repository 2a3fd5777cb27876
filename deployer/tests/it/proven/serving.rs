//! What an environment serves and has, as the emulator tells it without the front.

use serde_json::Value;

use crate::stack;

/// What takes the traffic of an environment, as the emulator has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Serving {
    /// Of both functions.
    pub versions: [String; 2],
    pub weights: [Value; 2],
    /// Of the versions.
    pub codes: [String; 2],
    pub deployment: String,
    variable: Value,
}

impl Serving {
    pub(super) fn of(environment: &str) -> Self {
        let get = |path: &str| stack().behind(environment, "GET", path, None, &Value::Null);
        let aliases = functions(environment).map(|name| get(&format!("{name}/aliases/live")));
        let versions = aliases.each_ref().map(|alias| alias["FunctionVersion"].as_str().unwrap().to_owned());
        let [counter, preflight] = functions(environment);
        let code = |name: &str, version: &str| {
            let version = get(&format!("{name}/configuration?Qualifier={version}"));
            version["CodeSha256"].as_str().unwrap().to_owned()
        };
        let codes = [code(&counter, &versions[0]), code(&preflight, &versions[1])];
        let weights = aliases.map(|alias| alias["RoutingConfig"]["AdditionalVersionWeights"].clone());
        let stage = get(&format!("/restapis/{}/stages/{environment}", stack().api(environment)));
        let deployment = stage["deploymentId"].as_str().unwrap().to_owned();
        Self { versions, weights, codes, deployment, variable: stage["variables"]["deployment"].clone() }
    }

    /// Whether no alias splits its traffic and the stage says what it serves.
    pub(super) fn is_whole(&self) -> bool {
        let none = |weights: &Value| weights.as_object().is_none_or(serde_json::Map::is_empty);
        self.weights.iter().all(none) && self.variable == self.deployment.as_str()
    }
}

/// The paths of both functions of an environment.
pub(super) fn functions(environment: &str) -> [String; 2] {
    ["", "-options"].map(|which| format!("/2015-03-31/functions/resume-visitor-counter{which}-{environment}"))
}

/// All versions of a function by its path.
pub(super) fn versions(environment: &str, name: &str) -> Vec<Value> {
    let all = stack().behind(environment, "GET", &format!("{name}/versions?MaxItems=10000"), None, &Value::Null);
    all["Versions"].as_array().unwrap().iter().filter(|version| version["Version"] != "$LATEST").cloned().collect()
}
