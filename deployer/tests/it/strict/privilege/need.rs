//! What a call needs to be allowed: AWS's own names, by the Service Authorization Reference.

use std::collections::BTreeMap;

use hyper::http::request::Parts;
use serde_json::Value;

use super::super::name::{self, Service};
use super::super::rules::parameters;

/// One question to IAM.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Need {
    /// As `lambda:UpdateAlias`.
    pub action: String,
    /// The ARN of what it is done to; `*` where IAM has no resource.
    pub resource: String,
    /// What conditions may ask for: all values of each key, the key in lower case.
    pub keys: BTreeMap<String, Vec<String>>,
}

impl Need {
    pub(crate) fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self { action: action.into(), resource: resource.into(), keys: BTreeMap::new() }
    }

    pub(crate) fn with(mut self, key: &str, values: Vec<String>) -> Self {
        self.keys.insert(key.to_lowercase(), values);
        self
    }

    /// All that a request needs which did not come through the strict proxy, by the SDK's name of the service.
    ///
    /// # Panics
    /// The service is not known here. The operation is taken as it is.
    pub(crate) fn all(service: &str, operation: &str, parts: &Parts, body: &[u8], account: &str) -> Vec<Self> {
        let service = match service {
            "Lambda" => Service::Lambda,
            "API Gateway" => Service::ApiGateway,
            "DynamoDB" => Service::DynamoDb,
            _ => panic!("there is no rule for calls of {service}"),
        };
        of(service, operation, parts, body, account)
    }

    /// The API that it is about, if it is one that exists: what is below it has its tags.
    pub(crate) fn rest_api(&self) -> Option<&str> {
        let (_, path) = self.resource.split_once("::/restapis/")?;
        path.split('/').next().filter(|id| self.action.starts_with("apigateway:") && !id.is_empty())
    }
}

/// Where a call is made.
struct Place<'a> {
    region: &'a str,
    account: &'a str,
}

impl Place<'_> {
    /// The ARN of something of an account and region.
    fn arn(&self, service: &str, what: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{what}", self.region, self.account)
    }
}

/// All that a call of `account` needs; nothing for what AWS asks IAM nothing about: a page of a stage, the signed address
/// of a zip, and who one is.
pub(in super::super) fn of(service: Service, name: &str, parts: &Parts, body: &[u8], account: &str) -> Vec<Need> {
    let region = name::region(parts).unwrap_or("us-east-1");
    let place = Place { region, account };
    match service {
        Service::Open => Vec::new(),
        Service::Lambda => lambda(&place, name, parts, body),
        Service::ApiGateway => apigateway(region, parts, body),
        Service::DynamoDb => dynamodb(&place, name, body),
        Service::Ssm => {
            let request: Value = serde_json::from_slice(body).unwrap_or_default();
            // A name begins with a slash, and so does its part of the ARN.
            let parameter = request["Name"].as_str().unwrap_or("?");
            vec![Need::new(format!("ssm:{name}"), place.arn("ssm", &format!("parameter{parameter}")))]
        }
        // Whatever alarms are named, IAM is asked for all of them.
        Service::CloudWatch | Service::CloudWatchCbor | Service::CloudWatchJson => {
            vec![Need::new(format!("cloudwatch:{name}"), place.arn("cloudwatch", "alarm:*"))]
        }
        Service::Logs => {
            let request: Value = serde_json::from_slice(body).unwrap_or_default();
            let group = request["logGroupName"].as_str().unwrap_or("?");
            vec![Need::new(format!("logs:{name}"), place.arn("logs", &format!("log-group:{group}:log-stream:")))]
        }
        Service::Sts if name == "GetCallerIdentity" => Vec::new(),
        Service::Sts => vec![Need::new(format!("sts:{name}"), field(body, "RoleArn"))],
        Service::Iam if name == "SimulatePrincipalPolicy" => {
            vec![Need::new("iam:SimulatePrincipalPolicy", field(body, "PolicySourceArn"))]
        }
        Service::Iam => {
            let role = format!("arn:aws:iam::{account}:role/{}", field(body, "RoleName"));
            vec![Need::new(format!("iam:{name}"), role)]
        }
        Service::S3 => s3(name, parts),
    }
}

/// By the verb, and the path as it is; without an account.
///
/// A change of tags is a change of what is tagged, too, and making an API with tags tags one whose id is `*`: both
/// were seen on AWS (iann0036/iam-dataset#39, mattclay/aws-terminator#284).
fn apigateway(region: &str, parts: &Parts, body: &[u8]) -> Vec<Need> {
    let (path, verb) = (parts.uri.path(), &parts.method);
    let arn = |path: &str| format!("arn:aws:apigateway:{region}::{path}");
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let tags: Vec<(&str, &str)> = request["tags"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
        .collect();
    let tagged = |need: Need| {
        let removed = parameters(parts).into_iter().filter(|(name, _)| name == "tagKeys").map(|(_, key)| key);
        let keys: Vec<String> = tags.iter().map(|(key, _)| (*key).to_owned()).chain(removed).collect();
        let need = if keys.is_empty() { need } else { need.with("aws:TagKeys", keys) };
        tags.iter()
            .fold(need, |need, (key, value)| need.with(&format!("aws:RequestTag/{key}"), vec![(*value).to_owned()]))
    };
    let mut needs = vec![tagged(Need::new(format!("apigateway:{verb}"), arn(path)))];
    if verb == "POST" && !tags.is_empty() {
        let made = arn(&format!("{path}/*")).replace(':', "%3A").replace('/', "%2F");
        needs.push(tagged(Need::new("apigateway:PUT", arn(&format!("/tags/{made}")))));
    }
    if let Some(of) = path.strip_prefix("/tags/").filter(|_| verb != "GET") {
        let of = of.replace("%3A", ":").replace("%3a", ":").replace("%2F", "/").replace("%2f", "/");
        needs.push(Need::new("apigateway:PATCH", of));
    }
    needs
}

fn lambda(place: &Place<'_>, name: &str, parts: &Parts, body: &[u8]) -> Vec<Need> {
    let function = parts.uri.path().trim_matches('/').split('/').nth(2);
    let whole = function.map_or("*".to_owned(), |function| place.arn("lambda", &format!("function:{function}")));
    let qualifier = parameters(parts).into_iter().find(|(name, _)| name == "Qualifier");
    let resource = qualifier.map_or_else(|| whole.clone(), |(_, qualifier)| format!("{whole}:{qualifier}"));
    let action = if name == "Invoke" { "InvokeFunction" } else { name };
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let need = Need::new(format!("lambda:{action}"), resource);
    let mut needs = vec![match request["Principal"].as_str() {
        Some(principal) => need.with("lambda:Principal", vec![principal.to_owned()]),
        None => need,
    }];
    // Lambda fetches the zip with the permissions of who asked.
    if let (Some(bucket), Some(key)) = (request["S3Bucket"].as_str(), request["S3Key"].as_str()) {
        let action = if request["S3ObjectVersion"].is_string() { "s3:GetObjectVersion" } else { "s3:GetObject" };
        needs.push(Need::new(action, format!("arn:aws:s3:::{bucket}/{key}")));
    }
    needs
}

/// A transaction needs what its elements need, and nothing for itself.
fn dynamodb(place: &Place<'_>, name: &str, body: &[u8]) -> Vec<Need> {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let table = |name: &Value| place.arn("dynamodb", &format!("table/{}", name.as_str().unwrap_or("?")));
    let one = |action: &str, element: &Value| {
        Need::new(format!("dynamodb:{action}"), table(&element["TableName"]))
            .with("dynamodb:LeadingKeys", leading(element))
    };
    let elements = |list: &str, actions: &[(&str, &str)]| -> Vec<Need> {
        let items = request[list].as_array().into_iter().flatten();
        let kinds = items.flat_map(|item| item.as_object().into_iter().flatten());
        kinds
            .map(|(kind, element)| {
                let action = actions.iter().find(|(known, _)| known == kind).map_or("?", |(_, action)| action);
                one(action, element)
            })
            .collect()
    };
    const WRITES: [(&str, &str); 4] = [
        ("Put", "PutItem"),
        ("Update", "UpdateItem"),
        ("Delete", "DeleteItem"),
        ("ConditionCheck", "ConditionCheckItem"),
    ];
    match name {
        "TransactWriteItems" => elements("TransactItems", &WRITES),
        "TransactGetItems" => elements("TransactItems", &[("Get", "GetItem")]),
        "BatchGetItem" => {
            let tables = request["RequestItems"].as_object().into_iter().flatten();
            let need = |(name, _): (&String, _)| {
                Need::new("dynamodb:BatchGetItem", place.arn("dynamodb", &format!("table/{name}")))
            };
            tables.map(need).collect()
        }
        _ => vec![one(name, &request)],
    }
}

/// The partition keys of an element, of the tables that there are.
fn leading(element: &Value) -> Vec<String> {
    let keys = ["Key", "Item"].iter().flat_map(|place| ["pk", "visit_id"].map(|name| &element[place][name]["S"]));
    keys.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// By the path, as buckets reach the strict proxy.
fn s3(name: &str, parts: &Parts) -> Vec<Need> {
    let path = parts.uri.path().trim_start_matches('/');
    let bucket = path.split('/').next().unwrap_or_default();
    let versioned = parameters(parts).iter().any(|(name, _)| name == "versionId");
    let (action, resource) = match (name, versioned) {
        ("GetObject" | "HeadObject", true) => ("GetObjectVersion", path),
        ("GetObject" | "HeadObject", false) => ("GetObject", path),
        ("HeadBucket" | "ListObjectsV2", _) => ("ListBucket", bucket),
        ("GetBucketVersioning", _) => (name, bucket),
        _ => (name, path),
    };
    vec![Need::new(format!("s3:{action}"), format!("arn:aws:s3:::{resource}"))]
}

/// A field of the query protocol, or nothing.
fn field(form: &[u8], name: &str) -> String {
    let address = format!("http://front/?{}", String::from_utf8_lossy(form));
    let form = reqwest::Url::parse(&address).unwrap();
    form.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}
