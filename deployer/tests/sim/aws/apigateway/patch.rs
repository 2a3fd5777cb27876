//! The patch operations of UpdateStage.

use serde_json::{Value, json};

use super::super::wire::Reply;
use super::stage::{Canary, State};

/// AWS repeats all paths where one is none of them, and writes three of them without their commas.
pub(super) const PATHS: &str = "/deploymentId, /description, /cacheClusterEnabled, /cacheClusterSize, /clientCertificateId, \
    /accessLogSettings, /accessLogSettings/destinationArn, /accessLogSettings/format, \
    /{resourcePath}/{httpMethod}/metrics/enabled, /{resourcePath}/{httpMethod}/logging/dataTrace, \
    /{resourcePath}/{httpMethod}/logging/loglevel, \
    /{resourcePath}/{httpMethod}/throttling/burstLimit/{resourcePath}/{httpMethod}/throttling/rateLimit\
    /{resourcePath}/{httpMethod}/caching/ttlInSeconds, /{resourcePath}/{httpMethod}/caching/enabled, \
    /{resourcePath}/{httpMethod}/caching/dataEncrypted, \
    /{resourcePath}/{httpMethod}/caching/requireAuthorizationForCacheControl, \
    /{resourcePath}/{httpMethod}/caching/unauthorizedCacheControlHeaderStrategy, /*/*/metrics/enabled, \
    /*/*/logging/dataTrace, /*/*/logging/loglevel, /*/*/throttling/burstLimit /*/*/throttling/rateLimit \
    /*/*/caching/ttlInSeconds, /*/*/caching/enabled, /*/*/caching/dataEncrypted, \
    /*/*/caching/requireAuthorizationForCacheControl, /*/*/caching/unauthorizedCacheControlHeaderStrategy, \
    /variables/{variable_name}, /tracingEnabled";

/// The settings of a method: the path's end, and the name.
const SETTINGS: [(&str, &str); 10] = [
    ("metrics/enabled", "metricsEnabled"),
    ("logging/dataTrace", "dataTraceEnabled"),
    ("logging/loglevel", "loggingLevel"),
    ("throttling/burstLimit", "throttlingBurstLimit"),
    ("throttling/rateLimit", "throttlingRateLimit"),
    ("caching/ttlInSeconds", "cacheTtlInSeconds"),
    ("caching/enabled", "cachingEnabled"),
    ("caching/dataEncrypted", "cacheDataEncrypted"),
    ("caching/requireAuthorizationForCacheControl", "requireAuthorizationForCacheControl"),
    ("caching/unauthorizedCacheControlHeaderStrategy", "unauthorizedCacheControlHeaderStrategy"),
];

/// One operation.
#[derive(Clone, Debug, Copy)]
pub(super) struct Patch<'a> {
    op: &'a str,
    path: &'a str,
    value: Option<&'a str>,
}

impl<'a> Patch<'a> {
    pub(super) fn of(operation: &'a Value) -> Self {
        let text = |name: &str| operation[name].as_str();
        Self { op: text("op").unwrap_or_default(), path: text("path").unwrap_or_default(), value: text("value") }
    }

    /// Whether it names the deployment that the stage is to serve.
    pub(super) fn moves(self) -> bool {
        self.path == "/deploymentId"
    }

    fn removes(self) -> bool {
        self.op == "remove"
    }

    fn text(self) -> &'a str {
        self.value.unwrap_or_default()
    }

    /// A text that is absent where it is removed.
    fn optional(self) -> Option<String> {
        self.value.filter(|_| !self.removes()).map(str::to_owned)
    }

    /// Whether the value is `true`.
    fn flag(self) -> bool {
        !self.removes() && self.text().eq_ignore_ascii_case("true")
    }

    /// Carries it out. `exists` returns whether there is a deployment with an id.
    pub(super) fn apply(self, state: &mut State, exists: &dyn Fn(&str) -> bool) -> Result<(), Reply> {
        if !["add", "replace", "remove", "copy"].contains(&self.op) {
            return Err(bad("Invalid patch operation specified. Must be one of: [add, remove, replace, copy]"));
        }
        let parts: Vec<&str> = self.path.strip_prefix('/').unwrap_or(self.path).split('/').collect();
        match parts.as_slice() {
            ["deploymentId"] => self.deployment(&mut state.deployment, exists)?,
            ["description"] => state.description = self.optional(),
            ["documentationVersion"] => state.documentation_version = self.optional(),
            ["clientCertificateId"] => state.client_certificate = self.optional(),
            ["tracingEnabled"] => state.tracing = self.flag(),
            ["cacheClusterEnabled"] => {
                let size = state.cache_cluster.take().unwrap_or_else(|| "0.5".to_owned());
                state.cache_cluster = self.flag().then_some(size);
            }
            ["cacheClusterSize"] => state.cache_cluster = self.optional(),
            ["variables", name] => self.variable(name, &mut state.variables)?,
            ["accessLogSettings", rest @ ..] => self.access_log(rest, state)?,
            ["canarySettings", rest @ ..] => self.canary(rest, state, exists)?,
            _ => self.method(state)?,
        }
        Ok(())
    }

    fn deployment(self, deployment: &mut String, exists: &dyn Fn(&str) -> bool) -> Result<(), Reply> {
        if self.op != "replace" {
            return Err(bad("Invalid patch operation specified. Must be one of: [replace]"));
        }
        let id = self.text();
        if !exists(id) {
            return Err(bad("Deployment id does not exist"));
        }
        id.clone_into(deployment);
        Ok(())
    }

    /// A stage variable has letters, digits and some signs that a URL may have.
    fn variable(self, name: &str, variables: &mut std::collections::BTreeMap<String, String>) -> Result<(), Reply> {
        if self.removes() {
            variables.remove(name);
            return Ok(());
        }
        let value = self.text();
        let allowed = |sign: char| sign.is_ascii_alphanumeric() || "-._~:/?#&=,".contains(sign);
        if value.is_empty() || !value.chars().all(allowed) {
            return Err(bad(&format!(
                "Stage variable value {value} is invalid. Please use values with alphanumeric characters and the symbols \
                 ' ',-', '.', '_', ':', '/', '?', '&', '=', and ','."
            )));
        }
        if name.is_empty() || !name.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '_') {
            return Err(bad(&format!(
                "Stage variable name {name} is invalid. Please use names with alphanumeric characters and underscores."
            )));
        }
        variables.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    fn access_log(self, rest: &[&str], state: &mut State) -> Result<(), Reply> {
        match (self.removes(), rest) {
            (true, []) => state.access_log.clear(),
            (true, _) => return Err(self.nothing_to_remove()),
            (false, [name @ ("destinationArn" | "format")]) => {
                if self.text().is_empty() {
                    return Err(bad("Access Log value must not be empty"));
                }
                state.access_log.insert((*name).to_owned(), self.text().to_owned());
            }
            (false, _) => {
                return Err(bad(
                    "Invalid accessLogSettings path. Must be one of : [/accessLogSettings/destinationArn, \
                     /accessLogSettings/format]",
                ));
            }
        }
        Ok(())
    }

    fn canary(self, rest: &[&str], state: &mut State, exists: &dyn Fn(&str) -> bool) -> Result<(), Reply> {
        if rest.is_empty() && self.removes() {
            state.canary = None;
            return Ok(());
        }
        let deployment = state.deployment.clone();
        let canary = state.canary.get_or_insert_with(|| Canary { deployment, ..Canary::default() });
        match rest {
            ["deploymentId"] => self.deployment(&mut canary.deployment, exists)?,
            ["percentTraffic"] => canary.percent = self.text().parse().map_err(|_| self.invalid_value())?,
            ["useStageCache"] => canary.use_cache = self.flag(),
            ["stageVariableOverrides", name] => self.variable(name, &mut canary.variables)?,
            _ => return Err(self.invalid_path()),
        }
        Ok(())
    }

    /// `/*/*/throttling/burstLimit`, or the same of one method: `/~1visits/GET/…`, where `~1` is a slash.
    fn method(self, state: &mut State) -> Result<(), Reply> {
        let path = self.path.trim_start_matches('/');
        let setting = SETTINGS.iter().find_map(|(end, name)| {
            let method = path.strip_suffix(end)?.strip_suffix('/')?;
            Some((method, *name))
        });
        let named = |method: &str| method.replace("~1", "/").trim_start_matches('/').to_owned();
        match setting {
            Some((method, name)) if !self.removes() && method.contains('/') => {
                let value = self.setting(name)?;
                state.settings_of(&named(method)).insert(name.to_owned(), value);
                Ok(())
            }
            None if self.removes() && state.methods.remove(&named(path)).is_some() => Ok(()),
            _ if self.removes() => Err(self.nothing_to_remove()),
            _ => Err(self.invalid_path()),
        }
    }

    fn setting(self, name: &str) -> Result<Value, Reply> {
        let value = match name {
            "loggingLevel" | "unauthorizedCacheControlHeaderStrategy" => Some(json!(self.text())),
            "throttlingBurstLimit" | "cacheTtlInSeconds" => self.text().parse::<i32>().ok().map(|number| json!(number)),
            "throttlingRateLimit" => self.text().parse::<f64>().ok().map(|number| json!(number)),
            _ => self.text().parse::<bool>().ok().map(|flag| json!(flag)),
        };
        value.ok_or_else(|| self.invalid_value())
    }

    fn nothing_to_remove(self) -> Reply {
        let path = self.path.trim_start_matches('/');
        bad(&format!("Cannot remove method setting {path} because there is no method setting for this method "))
    }

    fn invalid_path(self) -> Reply {
        bad(&format!("Invalid method setting path: {}. Must be one of: [{PATHS}]", self.path))
    }

    fn invalid_value(self) -> Reply {
        bad(&format!("Invalid value specified for path {}", self.path))
    }
}

/// API Gateway's error for most invalid requests.
pub(super) fn bad(message: &str) -> Reply {
    Reply::error(400, "BadRequestException", message)
}
