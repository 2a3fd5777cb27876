//! Rules that no recording shows: lags, propagation, inactive versions, signed addresses.

mod calls;
mod lags;

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};
use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value, json};

use super::package::Code;
use super::{App, Around, Call, Configuration, Lambda, ObjectError, Objects, Ran, RouteError, Rules};
use crate::aws::wire::{Moment, Reply, Request, decoded};

/// A function that returns how it was called, or fails as its event demands.
pub(super) struct Echo;

impl App for Echo {
    fn run(&mut self, call: &Call) -> Ran {
        match call.event["fail"].as_str() {
            Some(kind) => Ran::FunctionError { kind: kind.to_owned(), message: "as you wish".to_owned() },
            None => Ran::Payload(json!({
                "version": call.version, "code": call.code_sha256, "environment": call.environment,
            })),
        }
    }
}

pub(super) fn moment(seed: u64) -> Moment {
    let epoch = "2026-01-31T12:00:00Z".parse().unwrap();
    Moment { now: Duration::ZERO, epoch, chance: fastrand::Rng::with_seed(seed) }
}

/// A request for a path with its query.
pub(super) fn request(method: &str, target: &str, body: Vec<u8>) -> Request {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    Request {
        method: method.to_owned(),
        host: "lambda.us-east-1.amazonaws.com".to_owned(),
        path: path.to_owned(),
        query: pairs.map(|(name, value)| (name.to_owned(), decoded(value))).collect(),
        headers: BTreeMap::new(),
        body,
    }
}

/// A zip with one file.
pub(super) fn zip(content: &str) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("bootstrap", zip::write::SimpleFileOptions::default()).unwrap();
    writer.write_all(content.as_bytes()).unwrap();
    writer.finish().unwrap().into_inner()
}

pub(super) fn sha256(zip: &[u8]) -> String {
    Code::of(zip.to_vec()).sha256
}

/// One bucket with one object.
struct Bucket;

impl Objects for Bucket {
    fn object(&self, bucket: &str, key: &str, version: Option<&str>) -> Result<Vec<u8>, ObjectError> {
        match (bucket, key, version) {
            ("bucket", "key", None | Some("v1")) => Ok(zip("s3")),
            ("bucket", "key", _) => Err(ObjectError::NoVersion),
            ("bucket", ..) => Err(ObjectError::NoKey),
            _ => Err(ObjectError::Denied),
        }
    }
}

struct World {
    lambda: Lambda,
    moment: Moment,
}

impl World {
    /// The function `f` with version 1 behind `live`, and versions 2 and 3.
    fn new(rules: Rules) -> Self {
        let mut lambda = Lambda::new("111111111111", "us-east-1");
        lambda.rules = Rules::instant();
        lambda.create_function("f", &zip("1"), Configuration::default());
        lambda.create_alias("f", "live", "1");
        let mut world = Self { lambda, moment: moment(1) };
        for content in ["2", "3"] {
            world.upload(content);
            assert_eq!(world.send("POST", "f/versions", &json!({})).status, 201);
        }
        world.lambda.rules = rules;
        world
    }

    fn upload(&mut self, content: &str) -> Reply {
        let text = base64::engine::general_purpose::STANDARD.encode(zip(content));
        self.send("PUT", "f/code", &json!({ "ZipFile": text }))
    }

    fn send(&mut self, method: &str, path: &str, body: &Value) -> Reply {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let request = request(method, &format!("/2015-03-31/functions/{path}"), body);
        let mut around = Around { app: &mut Echo, objects: &Bucket };
        self.lambda.handle(&request, &mut self.moment, &mut around).unwrap()
    }

    fn get(&mut self, path: &str) -> Value {
        body(&self.send("GET", path, &Value::Null))
    }

    fn move_live(&mut self, version: &str, weights: &Value) -> Reply {
        let routing = json!({ "AdditionalVersionWeights": weights });
        self.send("PUT", "f/aliases/live", &json!({ "FunctionVersion": version, "RoutingConfig": routing }))
    }

    fn wait(&mut self, millis: u64) {
        self.moment.now += Duration::from_millis(millis);
    }

    fn route(&mut self, qualifier: &str) -> Result<String, RouteError> {
        self.lambda.route("f", qualifier, &mut self.moment)
    }

    /// How often each version is reached through the alias, of 1000.
    fn reached(&mut self) -> BTreeMap<String, u32> {
        let mut reached = BTreeMap::new();
        for _ in 0..1000 {
            *reached.entry(self.route("live").unwrap_or_else(|error| format!("{error:?}"))).or_default() += 1;
        }
        reached
    }
}

fn body(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap_or_default()
}
