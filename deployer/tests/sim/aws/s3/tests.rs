use std::collections::BTreeMap;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::super::wire::{Moment, Reply, Request};
use super::{S3, Versioning};

fn send(s3: &mut S3, method: &str, [host, path]: [&str; 2], body: &[u8]) -> Reply {
    let authorization =
        "AWS4-HMAC-SHA256 Credential=AKIDADA/19700101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=0";
    let digest = Sha256::digest(body).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    let headers = [
        ("authorization", authorization),
        ("x-amz-date", "19700101T000000Z"),
        ("x-amz-content-sha256", digest.as_str()),
    ];
    let (path, version) = path.split_once("?versionId=").map_or((path, None), |(path, version)| (path, Some(version)));
    let request = Request {
        method: method.to_owned(),
        host: host.to_owned(),
        path: path.to_owned(),
        query: version.map(|version| ("versionId".to_owned(), version.to_owned())).into_iter().collect(),
        headers: BTreeMap::from(headers.map(|(name, value)| (name.to_owned(), value.to_owned()))),
        body: body.to_vec(),
    };
    let epoch = jiff::Timestamp::UNIX_EPOCH;
    let mut moment = Moment { now: Duration::ZERO, epoch, chance: fastrand::Rng::with_seed(body.len() as u64) };
    s3.handle(&request, &mut moment).expect("a known operation")
}

fn version(reply: &Reply) -> Option<&str> {
    reply.headers.iter().find(|(name, _)| name == "x-amz-version-id").map(|(_, version)| version.as_str())
}

fn code(reply: &Reply) -> String {
    let body = String::from_utf8_lossy(&reply.body).into_owned();
    body.split_once("<Code>").unwrap().1.split_once('<').unwrap().0.to_owned()
}

#[test]
fn a_version_of_an_object_never_changes() {
    let mut s3 = S3::new();
    s3.create_bucket("zips", "eu-west-1", Versioning::Enabled);
    let by_path = |key: &'static str| ["127.0.0.1", key];
    let first = send(&mut s3, "PUT", by_path("/zips/a%20b.zip"), b"one");
    let second = send(&mut s3, "PUT", ["zips.s3.eu-west-1.amazonaws.com", "/a%20b.zip"], b"second");
    assert_eq!(s3.object("zips", "a b.zip", version(&first)), Some(b"one".as_slice()));
    assert_eq!(s3.object("zips", "a b.zip", None), Some(b"second".as_slice()));
    let path = format!("/a%20b.zip?versionId={}", version(&second).unwrap());
    assert_eq!(send(&mut s3, "GET", ["zips.s3.eu-west-1.amazonaws.com", &path], b"").body, b"second");
    assert_eq!(code(&send(&mut s3, "GET", by_path("/zips/a%20b.zip?versionId=x"), b"")), "NoSuchVersion");
    assert_eq!(code(&send(&mut s3, "GET", by_path("/zips/none"), b"")), "NoSuchKey");
}

#[test]
fn a_bucket_without_versioning_has_no_versions() {
    let mut s3 = S3::new();
    s3.create_bucket("never", "eu-west-1", Versioning::Never);
    s3.create_bucket("suspended", "eu-west-1", Versioning::Suspended);
    s3.create_bucket("elsewhere", "us-east-1", Versioning::Enabled);
    s3.create_bucket("closed", "eu-west-1", Versioning::Enabled);
    s3.closed.insert("closed".to_owned());
    let mut put = |path| send(&mut s3, "PUT", ["127.0.0.1", path], b"x");
    assert_eq!(version(&put("/never/k")), None);
    assert_eq!(version(&put("/suspended/k")), Some("null"));
    for (path, status, expected) in [
        ("/none/k", 404, "NoSuchBucket"),
        ("/closed/k", 403, "AccessDenied"),
        ("/elsewhere/k", 400, "AuthorizationHeaderMalformed"),
    ] {
        let reply = put(path);
        assert_eq!((reply.status, code(&reply).as_str()), (status, expected), "{path}");
    }
}
