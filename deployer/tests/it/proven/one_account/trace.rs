//! What Terraform sent to AWS, out of its own log: the requests of the provider and of the state's backend, and what
//! they made that later requests are evaluated with.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// One request, as a line of the log has it.
#[derive(Debug, Clone)]
pub(super) struct Request(Value);

/// Everything of one log.
#[derive(Debug, Default)]
pub(super) struct Trace {
    pub requests: Vec<Request>,
    /// The responses about APIs that were made.
    apis: Vec<Value>,
}

impl Trace {
    /// Of a log in JSON.
    pub(super) fn of(log: &str) -> Self {
        let mut trace = Self::default();
        for line in log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            match line["@message"].as_str() {
                Some("HTTP Request Sent") => trace.requests.push(Request(line)),
                Some("HTTP Response Received") if line["rpc.method"] == "CreateRestApi" => {
                    let body = line["http.response.body"].as_str().unwrap_or_default();
                    trace.apis.push(serde_json::from_str(body).unwrap());
                }
                _ => {}
            }
        }
        trace
    }
}

/// What is known of things that requests are about but do not say.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Of each API, by its id.
    pub tags: BTreeMap<String, Vec<(String, String)>>,
    /// Of each role, by its name.
    pub boundaries: BTreeMap<String, String>,
}

impl Known {
    pub(super) fn of<'a>(traces: impl IntoIterator<Item = &'a Trace>) -> Self {
        let mut known = Self::default();
        for trace in traces {
            for api in &trace.apis {
                known.tags.insert(api["id"].as_str().unwrap().to_owned(), tags(&api["tags"]));
            }
            for request in trace.requests.iter().filter(|request| request.operation() == "CreateRole") {
                let body = request.body().unwrap();
                if let (Some(role), Some(boundary)) = (body["RoleName"].as_str(), body["PermissionsBoundary"].as_str())
                {
                    known.boundaries.insert(role.to_owned(), boundary.to_owned());
                }
            }
        }
        known
    }
}

impl Request {
    fn text(&self, key: &str) -> &str {
        self.0[key].as_str().unwrap_or_default()
    }

    /// As the SDK calls it: `DynamoDB`, `API Gateway`, …
    pub(super) fn service(&self) -> &str {
        self.text("rpc.service")
    }

    pub(super) fn operation(&self) -> &str {
        self.text("rpc.method")
    }

    /// The same by another name.
    pub(super) fn named(&self, operation: &str) -> Self {
        let mut line = self.0.clone();
        line["rpc.method"] = json!(operation);
        Self(line)
    }

    pub(super) fn verb(&self) -> &str {
        self.text("http.method")
    }

    /// A header as the log calls it: `x_amz_acl`.
    pub(super) fn header(&self, name: &str) -> &str {
        self.text(&format!("http.request.header.{name}"))
    }

    pub(super) fn url(&self) -> reqwest::Url {
        let url = self.text("http.url");
        reqwest::Url::parse(url).unwrap_or_else(|error| panic!("`{url}` of {}: {error}", self.operation()))
    }

    /// A parameter of the URL.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        self.url().query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    /// The body as it was sent. The log calls some whole ones truncated.
    pub(super) fn sent(&self) -> &str {
        self.text("http.request.body").trim_end_matches("[truncated...]").trim_end()
    }

    /// The fields of the body, of a form too, whose tags then are a list as in JSON.
    pub(super) fn body(&self) -> Result<Value, String> {
        match self.sent() {
            "" => Ok(json!({})),
            form if form.starts_with("Action=") => Ok(fields(form)),
            text => serde_json::from_str(text).map_err(|error| format!("its body in the log is not whole: {error}")),
        }
    }

    /// Whether it may change something.
    pub(super) fn writes(&self) -> bool {
        !["Get", "List", "Describe", "Head"].iter().any(|beginning| self.operation().starts_with(beginning))
    }
}

fn fields(form: &str) -> Value {
    let url = reqwest::Url::parse(&format!("http://form/?{form}")).unwrap();
    let pairs: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
    let mut fields = json!({});
    for (name, value) in &pairs {
        match name.strip_prefix("Tags.member.").and_then(|rest| rest.strip_suffix(".Key")) {
            Some(number) => {
                let tag = json!({"Key": value, "Value": pairs[&format!("Tags.member.{number}.Value")]});
                let tags = fields.as_object_mut().unwrap().entry("Tags").or_insert_with(|| json!([]));
                tags.as_array_mut().unwrap().push(tag);
            }
            None if name.starts_with("Tags.member.") => {}
            None => fields[name] = json!(value),
        }
    }
    fields
}

/// Tags in each of the forms in which AWS takes them: an object, or a list of keys and values.
pub(super) fn tags(value: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match value {
        Value::Object(tags) => tags.iter().map(|(key, value)| (key.clone(), text(value))).collect(),
        Value::Array(tags) => tags.iter().map(|tag| (text(&tag["Key"]), text(&tag["Value"]))).collect(),
        _ => Vec::new(),
    }
}
