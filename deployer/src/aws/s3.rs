//! S3: zips that are too big to be sent to Lambda directly.

use aws_config::SdkConfig;

use super::calls::Counting;
use super::throttle::Throttle;
use super::{AwsError, Calls, Kind, read_retries, upload_timeouts};

/// Writes to the buckets that the credentials reach.
#[derive(Debug, Clone)]
pub struct S3Writer(aws_sdk_s3::Client);

impl S3Writer {
    /// `by_path` addresses a bucket by the path, not by a host of its own: a loopback address has no such hosts.
    pub(super) fn new(shared: &SdkConfig, calls: &Calls, by_path: bool) -> Self {
        let config = aws_sdk_s3::config::Builder::from(shared)
            .interceptor(Counting::writes(calls))
            // An object that is put twice has two versions of the same bytes, and one of them is used: no harm.
            .retry_config(read_retries())
            .retry_classifier(Throttle)
            .timeout_config(upload_timeouts())
            .force_path_style(by_path);
        Self(aws_sdk_s3::Client::from_conf(config.build()))
    }

    /// Puts an object. Returns its version, by which it is found whatever is put there later.
    ///
    /// # Errors
    /// The bucket keeps no versions.
    pub async fn put(&self, bucket: &str, key: &str, bytes: Vec<u8>) -> Result<String, AwsError> {
        let object = || format!("object `{key}` of bucket `{bucket}`");
        let response = self.0.put_object().bucket(bucket).key(key).body(bytes.into()).send().await;
        let response =
            response.map_err(|error| AwsError::new("PutObject", object(), &error).for_lack_of("s3:PutObject"))?;
        // Where versioning was suspended, S3 calls every object's version `null`.
        let version = response.version_id.filter(|version| version != "null");
        let reason = "the bucket keeps no versions: enable its versioning";
        version.ok_or_else(|| AwsError::found(Kind::Other, "PutObject", object(), reason))
    }
}
