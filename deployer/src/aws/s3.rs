//! S3: zips that are too big to be sent to Lambda directly.

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::checksum_config::RequestChecksumCalculation;

use super::body::Body;
use super::calls::Counting;
use super::endpoint::of_bucket;
use super::request::{Client, Failure, Request, Service};
use super::wire::encoded_key;
use super::{AwsError, Calls, Kind, read_retries, upload_timeouts};
use crate::artifact::Zip;

/// Writes to the buckets that the credentials reach.
#[derive(Debug, Clone)]
pub struct S3Writer {
    client: Client,
    by_path: bool,
    has_checksums: bool,
}

impl S3Writer {
    /// `by_path` addresses a bucket by the path, not by a host of its own: a loopback address has no such hosts.
    pub(super) fn new(shared: &SdkConfig, calls: &Calls, by_path: bool) -> Self {
        // An object that is put twice has two versions of the same bytes, and one of them is used: no harm.
        let settings =
            shared.clone().into_builder().retry_config(read_retries()).timeout_config(upload_timeouts()).build();
        // A user's setting for stores that do not have checksums.
        let has_checksums = shared.request_checksum_calculation() != Some(RequestChecksumCalculation::WhenRequired);
        Self { client: Client::new(Service::S3, &settings, Counting::writes(calls)), by_path, has_checksums }
    }

    /// Puts an object. Returns its version, by which it is found whatever is put there later.
    ///
    /// # Errors
    /// The bucket keeps no versions.
    pub async fn put(&self, bucket: &str, key: &str, zip: &Zip) -> Result<String, AwsError> {
        let object = || format!("object `{key}` of bucket `{bucket}`");
        let put = self.put_object([bucket, key], zip).await;
        let version = put.map_err(|error| AwsError::new("PutObject", object(), &error).for_lack_of("s3:PutObject"))?;
        // Where versioning was suspended, S3 calls every object's version `null`.
        let version = version.filter(|version| version != "null");
        let reason = "the bucket keeps no versions: enable its versioning";
        version.ok_or_else(|| AwsError::found(Kind::Other, "PutObject", object(), reason))
    }

    async fn put_object(&self, [bucket, key]: [&str; 2], zip: &Zip) -> Result<Option<String>, Failure> {
        let (place, path) = of_bucket(&self.client.place().await?, bucket, self.by_path);
        let mut request = Request::bare("PutObject", "PUT", format!("{path}/{}?x-id=PutObject", encoded_key(key)));
        request.headers.push(("content-type", "application/octet-stream".to_owned()));
        if self.has_checksums {
            request.headers.push(("x-amz-checksum-sha256", zip.sha256()));
        }
        request.body = Body::of(zip).into_sdk();
        // A file that has changed since it was read is refused by S3.
        request.sha256 = Some(zip.sha256_hex());
        let version = |response: &HttpResponse| Some(response.headers().get("x-amz-version-id").map(str::to_owned));
        self.client.send_to(&place, request, version).await
    }
}
