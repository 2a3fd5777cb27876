//! S3: buckets and the versions of their objects.

mod body;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::query::escaped;
use super::signature::{Protocol, signed};
use super::wire::{Moment, Reply, Request, decoded};

/// What a test may vary.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    /// How likely a request is to be refused with 503 SlowDown: from 0 to 1.
    pub(crate) slow_down: f64,
}

/// Whether a bucket keeps the versions of its objects.
#[derive(Clone, Debug, Copy, PartialEq, Eq)]
pub(crate) enum Versioning {
    Enabled,
    /// Every new object has the version `null`, and takes the place of the one that had it.
    Suspended,
    /// It was never enabled: no response names a version.
    Never,
}

/// The buckets of all accounts.
#[derive(Clone, Debug, Default)]
pub(crate) struct S3 {
    pub(crate) rules: Rules,
    buckets: BTreeMap<String, Bucket>,
    /// Buckets without access.
    pub(crate) closed: BTreeSet<String>,
    /// What was put: when, into which bucket, under which key.
    pub(crate) puts: Vec<(Duration, String, String)>,
}

#[derive(Clone, Debug)]
struct Bucket {
    region: String,
    versioning: Versioning,
    objects: BTreeMap<String, Vec<Stored>>,
}

/// One version of an object, the newest last.
#[derive(Clone, Debug)]
struct Stored {
    version: String,
    etag: String,
    bytes: Vec<u8>,
}

/// What a request is about.
struct Place {
    bucket: String,
    key: String,
}

impl S3 {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn create_bucket(&mut self, name: &str, region: &str, versioning: Versioning) {
        let bucket = Bucket { region: region.to_owned(), versioning, objects: BTreeMap::new() };
        self.buckets.insert(name.to_owned(), bucket);
    }

    /// The bytes of an object: of that version, or of the newest.
    pub(crate) fn object(&self, bucket: &str, key: &str, version: Option<&str>) -> Option<&[u8]> {
        self.find(bucket, key, version).map(|stored| stored.bytes.as_slice())
    }

    fn find(&self, bucket: &str, key: &str, version: Option<&str>) -> Option<&Stored> {
        let versions = self.buckets.get(bucket)?.objects.get(key)?;
        match version {
            Some(version) => versions.iter().find(|stored| stored.version == version),
            None => versions.last(),
        }
    }

    pub(crate) fn name(request: &Request) -> Option<&'static str> {
        if Protocol::of(request) != Protocol::S3 || place(request).key.is_empty() {
            return None;
        }
        // Sub-resources and parts of uploads are other operations.
        let only = |known: &[&str]| request.query.iter().all(|(name, _)| known.contains(&name.as_str()));
        match request.method.as_str() {
            "PUT" if only(&["x-id"]) && request.header("x-amz-copy-source").is_none() => Some("PutObject"),
            "GET" if only(&["x-id", "versionId"]) => Some("GetObject"),
            "HEAD" if only(&["x-id", "versionId"]) => Some("HeadObject"),
            _ => None,
        }
    }

    pub(crate) fn handle(&mut self, request: &Request, moment: &mut Moment) -> Option<Reply> {
        let operation = Self::name(request)?;
        let place = place(request);
        if let Err(refused) = self.admits(&place, request, moment) {
            return Some(refused);
        }
        Some(match operation {
            "PutObject" => self.put(&place, request, moment),
            "GetObject" => self.get(&place, request),
            _ => Reply { body: Vec::new(), ..self.get(&place, request) },
        })
    }

    fn admits(&self, place: &Place, request: &Request, moment: &mut Moment) -> Result<(), Reply> {
        if moment.chance.f64() < self.rules.slow_down {
            return Err(error(503, "SlowDown", "Please reduce your request rate."));
        }
        if self.closed.contains(&place.bucket) {
            return Err(error(403, "AccessDenied", "Access Denied"));
        }
        let Some(bucket) = self.buckets.get(&place.bucket) else {
            return Err(error(404, "NoSuchBucket", "The specified bucket does not exist"));
        };
        match signed(request) {
            Ok(signed) if signed.region != bucket.region => {
                let words = format!(
                    "The authorization header is malformed; the region '{}' is wrong; expecting '{}'",
                    signed.region, bucket.region
                );
                Err(error(400, "AuthorizationHeaderMalformed", &words))
            }
            _ if place.key.len() > 1024 => Err(error(400, "KeyTooLongError", "Your key is too long")),
            _ => Ok(()),
        }
    }

    fn put(&mut self, place: &Place, request: &Request, moment: &mut Moment) -> Reply {
        let bytes = match body::sent(request) {
            Ok(bytes) => bytes,
            Err(refused) => return refused,
        };
        let Some(bucket) = self.buckets.get_mut(&place.bucket) else { return Reply::empty(404) };
        let version = match bucket.versioning {
            Versioning::Enabled => (0..32).map(|_| moment.chance.alphanumeric()).collect(),
            Versioning::Suspended | Versioning::Never => "null".to_owned(),
        };
        // Clients may not read an MD5 into it: it is none for encrypted objects.
        let etag =
            Sha256::digest(&bytes).iter().take(16).fold(String::new(), |etag, byte| etag + &format!("{byte:02x}"));
        let versions = bucket.objects.entry(place.key.clone()).or_default();
        versions.retain(|stored| stored.version != version);
        versions.push(Stored { version: version.clone(), etag: etag.clone(), bytes });
        self.puts.push((moment.now, place.bucket.clone(), place.key.clone()));
        let reply = Reply::empty(200).with("etag", &format!("\"{etag}\""));
        match bucket.versioning {
            Versioning::Never => reply,
            Versioning::Enabled | Versioning::Suspended => reply.with("x-amz-version-id", &version),
        }
    }

    fn get(&self, place: &Place, request: &Request) -> Reply {
        let version = request.asked("versionId");
        let Some(stored) = self.find(&place.bucket, &place.key, version) else {
            return match version {
                Some(_) => error(404, "NoSuchVersion", "The specified version does not exist."),
                None => error(404, "NoSuchKey", "The specified key does not exist."),
            };
        };
        let reply = Reply { body: stored.bytes.clone(), ..Reply::empty(200) };
        let reply =
            reply.with("content-type", "application/octet-stream").with("etag", &format!("\"{}\"", stored.etag));
        match self.buckets.get(&place.bucket).map(|bucket| bucket.versioning) {
            Some(Versioning::Enabled | Versioning::Suspended) => reply.with("x-amz-version-id", &stored.version),
            _ => reply,
        }
    }
}

/// By the host (`BUCKET.s3.REGION.amazonaws.com/KEY`) or by the path (`/BUCKET/KEY`).
fn place(request: &Request) -> Place {
    let path = request.path.strip_prefix('/').unwrap_or(&request.path);
    let bucket = request.host.split_once(".s3.").or_else(|| request.host.split_once(".s3-")).map(|(bucket, _)| bucket);
    let (bucket, key) = bucket.map_or_else(|| path.split_once('/').unwrap_or((path, "")), |bucket| (bucket, path));
    Place { bucket: decoded(bucket), key: decoded(key) }
}

/// An error: without a wrapper, other than in the query protocol.
pub(crate) fn error(status: u16, code: &str, message: &str) -> Reply {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{}</Message></Error>",
        escaped(message)
    );
    Reply { body: body.into_bytes(), ..Reply::empty(status) }.with("content-type", "application/xml")
}
