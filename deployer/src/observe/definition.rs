//! The API's definition as it is now: its fingerprint, what of it two environments can be compared by, and what its
//! routes call. Pure: it takes raw JSON.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::ledger::{Contract, RestApi};

/// A definition, as far as a release needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Definition {
    /// Differs whenever a new deployment is needed.
    pub fingerprint: String,
    /// Piece by piece, without what is an environment's own (account, ids, stage, names, origins): hashes by name.
    pub shape: BTreeMap<String, String>,
    /// Which alias each route calls: `GET /orders` -> `NAME:ALIAS`, which may contain `${stageVariables.x}`. Routes that call no
    /// Lambda are not in it.
    pub routes: BTreeMap<String, String>,
    /// The routes that call it by a role of their own: the function's policy plays no part then.
    pub by_role: BTreeSet<String>,
    /// Every route, and what a request to it needs that a check does not send, if it does.
    pub needs: BTreeMap<String, Option<&'static str>>,
    /// Whether the API does not respond under its own host name, only under a custom domain.
    pub only_custom_domain: bool,
}

impl Definition {
    /// Of the raw parts by name, as API Gateway lists them.
    pub(super) fn of(parts: BTreeMap<String, Value>, contract: &Contract, api: &RestApi) -> Self {
        let shape = shape(&parts, contract, api);
        let routes = methods(&parts)
            .filter_map(|(name, method)| Some((name, called(method["methodIntegration"]["uri"].as_str()?)?)));
        let by_role = methods(&parts).filter(|(_, method)| method["methodIntegration"]["credentials"].is_string());
        let by_role = by_role.map(|(name, _)| name).collect();
        Self {
            routes: routes.collect(),
            by_role,
            needs: methods(&parts)
                .map(|(name, method)| {
                    let authorization = method["authorizationType"].as_str().unwrap_or_default();
                    (name, needed(authorization, method["apiKeyRequired"] == true))
                })
                .collect(),
            only_custom_domain: parts.get("api").is_some_and(|api| api["disableExecuteApiEndpoint"] == true),
            shape,
            fingerprint: fingerprint(parts),
        }
    }

    /// The pieces in which two definitions differ, as far as environments are comparable.
    pub fn differences(ours: &BTreeMap<String, String>, theirs: &BTreeMap<String, String>) -> Vec<String> {
        let only = |name: &String| !ours.contains_key(name);
        let names = ours.keys().chain(theirs.keys().filter(|name| only(name)));
        names.filter(|name| ours.get(*name) != theirs.get(*name)).cloned().collect()
    }
}

/// Every method of every resource, as (`GET /orders`, method).
fn methods(parts: &BTreeMap<String, Value>) -> impl Iterator<Item = (String, &Value)> {
    let resources = parts.get("resources").and_then(Value::as_array).into_iter().flatten();
    resources.flat_map(|resource| {
        let path = resource["path"].as_str().unwrap_or("?").to_owned();
        let methods = resource["resourceMethods"].as_object().into_iter().flatten();
        methods.map(move |(verb, method)| (format!("{verb} {path}"), method))
    })
}

/// What a request to a method needs, beyond what everybody can send.
pub fn needed(authorization: &str, needs_key: bool) -> Option<&'static str> {
    match authorization {
        "AWS_IAM" => Some("an IAM signature"),
        "CUSTOM" | "COGNITO_USER_POOLS" | "JWT" => Some("a token for its authorizer"),
        _ if needs_key => Some("an API key"),
        _ => None,
    }
}

/// `NAME:ALIAS` of `…:lambda:path/2015-03-31/functions/arn:aws:lambda:REGION:ACCOUNT:function:NAME:ALIAS/invocations`.
fn called(uri: &str) -> Option<String> {
    let arn = uri.split_once("/functions/")?.1.strip_suffix("/invocations")?;
    Some(arn.split_once(":function:")?.1.to_owned())
}

/// A text with the stage's variables in the place of their names, `${stageVariables.x}`; what there is not stays as it is.
pub fn with_variables(text: &str, variables: &BTreeMap<String, String>) -> String {
    variables
        .iter()
        .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${{stageVariables.{name}}}"), value))
}

/// SHA-256 over the canonical form of a definition, the first 32 hexadecimal digits: a deployment's description
/// has to have room for it.
fn fingerprint(definition: BTreeMap<String, Value>) -> String {
    let canonical: Value =
        definition.into_iter().map(|(name, part)| (name, canonical(part))).collect::<Map<_, _>>().into();
    hash(&canonical)
}

fn hash(value: &Value) -> String {
    let digest = Sha256::digest(value.to_string());
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a field says no more than its absence does: what is off or empty, and what AWS shows since it has a setting.
fn says_nothing(name: &str, value: &Value) -> bool {
    let is_nothing =
        matches!(value, Value::Null | Value::Bool(false)) || [json!(""), json!([]), json!({})].contains(value);
    let is_default = [("connectionType", "INTERNET"), ("responseTransferMode", "BUFFERED")];
    name == "_links" || is_nothing || is_default.iter().any(|(field, default)| name == *field && value == *default)
}

/// Sorted names, no links, and lists of objects in an order of their own: AWS promises none.
fn canonical(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<_> = object.into_iter().filter(|(name, value)| !says_nothing(name, value)).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            entries.into_iter().map(|(name, value)| (name, canonical(value))).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => {
            let mut items: Vec<_> = items.into_iter().map(canonical).collect();
            if items.iter().all(Value::is_object) {
                items.sort_by_cached_key(Value::to_string);
            }
            items.into()
        }
        plain => plain,
    }
}

/// The pieces of a definition, each hashed without what is the environment's own.
fn shape(parts: &BTreeMap<String, Value>, contract: &Contract, api: &RestApi) -> BTreeMap<String, String> {
    let own = Own::of(parts, contract, api);
    let mut pieces: BTreeMap<String, Value> =
        methods(parts).map(|(name, method)| (name, own.neutral(method))).collect();
    for (part, name, kind) in [
        ("gateway responses", "responseType", "gateway response"),
        ("authorizers", "name", "authorizer"),
        ("validators", "name", "request validator"),
        ("models", "name", "model"),
    ] {
        for item in parts.get(part).and_then(Value::as_array).into_iter().flatten() {
            let name = own.text(item[name].as_str().unwrap_or("?"));
            pieces.insert(format!("{kind} {name}"), own.neutral(item));
        }
    }
    for (name, value) in parts.get("api").and_then(Value::as_object).into_iter().flatten() {
        pieces.insert(format!("API {name}"), own.neutral(value));
    }
    pieces.into_iter().map(|(name, piece)| (name, hash(&canonical(piece)))).collect()
}

/// What is an environment's own, and what replaces it where two are compared.
struct Own(Vec<(String, String)>);

impl Own {
    fn of(parts: &BTreeMap<String, Value>, contract: &Contract, api: &RestApi) -> Self {
        let functions = contract.functions.iter();
        let mut words: Vec<_> =
            functions.map(|(key, function)| (function.name.clone(), format!("{{function {key}}}"))).collect();
        words.push((contract.account.clone(), "{account}".to_owned()));
        words.push((api.id.clone(), "{api}".to_owned()));
        words.push((api.stage.clone(), "{stage}".to_owned()));
        words.push((contract.environment.clone(), "{stage}".to_owned()));
        for part in ["authorizers", "validators"] {
            for item in parts.get(part).and_then(Value::as_array).into_iter().flatten() {
                if let (Some(id), Some(name)) = (item["id"].as_str(), item["name"].as_str()) {
                    words.push((id.to_owned(), format!("{{{name}}}")));
                }
            }
        }
        // The longest first: a function's name may contain the environment's.
        words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
        Self(words)
    }

    fn neutral(&self, value: &Value) -> Value {
        match value {
            Value::Object(object) => object
                .iter()
                .filter(|(name, _)| !["id", "parentId", "cacheNamespace", "_links"].contains(&name.as_str()))
                .map(|(name, value)| (self.text(name), self.neutral(value)))
                .collect::<Map<_, _>>()
                .into(),
            Value::Array(items) => items.iter().map(|item| self.neutral(item)).collect(),
            Value::String(text) => self.text(text).into(),
            plain => plain.clone(),
        }
    }

    /// A text with each whole word that is the environment's own, and each origin, replaced.
    fn text(&self, text: &str) -> String {
        let mut text = without_origins(text);
        for (word, place) in &self.0 {
            text = replace_word(&text, word, place);
        }
        text
    }
}

/// Replaces `word` where it is not part of a longer one; a hyphen belongs to a word only within `word` itself.
fn replace_word(text: &str, word: &str, place: &str) -> String {
    let (mut replaced, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(word).filter(|_| !word.is_empty()) {
        let (before, after) = (&rest[..at], &rest[at + word.len()..]);
        let whole = !before.ends_with(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric);
        replaced.push_str(before);
        replaced.push_str(if whole { place } else { word });
        rest = after;
    }
    replaced + rest
}

/// `https://www.example.com` is an environment's configuration, wherever it occurs.
fn without_origins(text: &str) -> String {
    let (mut replaced, mut rest) = (String::new(), text);
    while let Some(at) = [rest.find("https://"), rest.find("http://")].into_iter().flatten().min() {
        let host = rest[at..].find("//").map_or(at, |slashes| at + slashes + 2);
        let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
        let end = rest[host..].find(|c| !is_host(c)).map_or(rest.len(), |length| host + length);
        replaced.push_str(&rest[..at]);
        replaced.push_str("{origin}");
        rest = &rest[end..];
    }
    replaced + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(resources: Value) -> String {
        fingerprint(BTreeMap::from([("resources".to_owned(), resources)]))
    }

    #[test]
    fn the_fingerprint_covers_content_but_not_order_or_links() {
        let first = print(json!([{"id": "a", "path": "/"}, {"id": "b", "path": "/count", "_links": {"self": 1}}]));
        let second = print(json!([{"path": "/count", "id": "b"}, {"id": "a", "path": "/", "parentId": null}]));
        assert_eq!(first, second);
        assert_ne!(first, print(json!([{"id": "a", "path": "/"}, {"id": "b", "path": "/counts"}])));
    }

    #[test]
    fn a_field_that_aws_adds_with_its_default_is_not_a_change() {
        let print = |integration: Value| {
            print(json!([{"path": "/", "resourceMethods": {"GET": {"methodIntegration": integration}}}]))
        };
        let before = print(json!({"uri": "u"}));
        assert_eq!(
            before,
            print(json!({"uri": "u", "responseTransferMode": "BUFFERED", "cacheKeyParameters": [], "x": false}))
        );
        assert_ne!(before, print(json!({"uri": "u", "responseTransferMode": "STREAM"})));
    }

    #[test]
    fn the_order_of_plain_values_counts() {
        assert_ne!(print(json!([{"list": ["a", "b"]}])), print(json!([{"list": ["b", "a"]}])));
    }

    /// The definition of one environment: everything that may be its own, is.
    fn definition(environment: &str, account: &str, verb: &str) -> Definition {
        let contract = serde_json::from_value(json!({
            "environment": environment, "account": account, "region": "r",
            "functions": {"counter": {"name": format!("app-{environment}"), "alias": "live", "architecture": "x"}},
            "api": {"kind": "rest", "id": format!("id{account}"), "stage": environment, "url": "u", "initial_deployment": "d"},
        }));
        let uri = format!(
            "arn:aws:apigateway:r:lambda:path/2015-03-31/functions/arn:aws:lambda:r:{account}:function:app-{environment}:live/invocations"
        );
        let method = json!({
            "httpMethod": verb, "authorizerId": format!("auth{account}"),
            "methodIntegration": {"uri": uri, "cacheNamespace": account},
        });
        let parts = [
            ("resources", json!([{"id": account, "path": "/count", "resourceMethods": {verb: method}}])),
            ("authorizers", json!([{"id": format!("auth{account}"), "name": format!("key-{environment}")}])),
            (
                "gateway responses",
                json!([{"responseType": "DEFAULT_4XX", "responseParameters":
                {"origin": format!("'https://{environment}.example.com'")}}]),
            ),
        ];
        let parts = parts.map(|(name, part)| (name.to_owned(), part)).into();
        let contract: Contract = contract.unwrap();
        Definition::of(parts, &contract, contract.rest().unwrap())
    }

    #[test]
    fn two_environments_share_a_shape_but_not_a_fingerprint() {
        let (dev, prod) = (definition("dev", "111", "GET"), definition("prod", "222", "GET"));
        assert_eq!(Definition::differences(&dev.shape, &prod.shape), Vec::<String>::new());
        assert_ne!(dev.fingerprint, prod.fingerprint);
    }

    #[test]
    fn a_difference_in_the_shape_is_named_by_its_piece() {
        let (dev, prod) = (definition("dev", "111", "GET"), definition("prod", "222", "POST"));
        assert_eq!(Definition::differences(&dev.shape, &prod.shape), ["GET /count", "POST /count"]);
    }

    #[test]
    fn routes_name_the_alias_that_they_call() {
        assert_eq!(definition("dev", "111", "GET").routes["GET /count"], "app-dev:live");
        assert_eq!(called("arn:aws:apigateway:r:s3:path/bucket"), None);
    }

    #[test]
    fn only_whole_words_are_an_environments_own() {
        assert_eq!(replace_word("dev-x devx x:dev", "dev", "{stage}"), "{stage}-x devx x:{stage}");
    }
}
