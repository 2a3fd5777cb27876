//! Where things are kept: tables, parameters, buckets.

use serde_json::Value;

use super::super::trace::Request;
use super::{Needs, arn, as_of_the_deployer, making, one, text, unknown};
use crate::strict::Need;

pub(super) fn dynamodb(request: &Request, body: &Value) -> Needs {
    match request.operation() {
        "CreateTable" => {
            if !body["SSESpecification"]["KMSMasterKeyId"].is_null() {
                return Err("there is no rule for a key of one's own".to_owned());
            }
            let table = arn("dynamodb", &format!("table/{}", text(body, "TableName")));
            Ok(making("dynamodb:CreateTable", "dynamodb:TagResource", &table, &body["Tags"]))
        }
        "ListTagsOfResource" => Ok(one("dynamodb", request, text(body, "ResourceArn").to_owned())),
        "DescribeContinuousBackups"
        | "DescribeTable"
        | "DescribeTimeToLive"
        | "GetItem"
        | "PutItem"
        | "UpdateContinuousBackups"
        | "UpdateTimeToLive" => Ok(as_of_the_deployer(request)),
        _ => unknown(request),
    }
}

/// AWS's own keys allow every principal of the account through the service: no right of KMS is needed.
pub(super) fn ssm(request: &Request, body: &Value) -> Needs {
    let parameter = |field: &str| arn("ssm", &format!("parameter{}", text(body, field)));
    match request.operation() {
        "PutParameter" => Ok(making("ssm:PutParameter", "ssm:AddTagsToResource", &parameter("Name"), &body["Tags"])),
        "GetParameter" => Ok(one("ssm", request, parameter("Name"))),
        "ListTagsForResource" if body["ResourceType"] == "Parameter" => {
            Ok(one("ssm", request, parameter("ResourceId")))
        }
        "DescribeParameters" => Ok(one("ssm", request, "*".to_owned())),
        _ => unknown(request),
    }
}

/// The actions that S3 names otherwise than the operation.
const NAMES: [(&str, &str); 11] = [
    ("HeadBucket", "ListBucket"),
    ("GetBucketAccelerateConfiguration", "GetAccelerateConfiguration"),
    ("GetBucketCors", "GetBucketCORS"),
    ("GetBucketEncryption", "GetEncryptionConfiguration"),
    ("GetBucketLifecycleConfiguration", "GetLifecycleConfiguration"),
    ("GetBucketReplication", "GetReplicationConfiguration"),
    ("GetObjectLockConfiguration", "GetBucketObjectLockConfiguration"),
    ("GetPublicAccessBlock", "GetBucketPublicAccessBlock"),
    ("PutPublicAccessBlock", "PutBucketPublicAccessBlock"),
    ("PutBucketEncryption", "PutEncryptionConfiguration"),
    ("PutBucketLifecycleConfiguration", "PutLifecycleConfiguration"),
];

/// By the path, as a local endpoint has buckets.
pub(super) fn s3(request: &Request) -> Needs {
    let path = request.url().path().trim_start_matches('/').to_owned();
    let (name, key) = path.split_once('/').unwrap_or((&path, ""));
    let bucket = format!("arn:aws:s3:::{name}");
    let object = format!("{bucket}/{key}");
    let renamed = NAMES.iter().find(|(operation, _)| *operation == request.operation()).map(|(_, name)| *name);
    let action = format!("s3:{}", renamed.unwrap_or(request.operation()));
    match request.operation() {
        // Other workspaces. Where they may not be listed Terraform goes on (tried with 1.11.4).
        "ListObjectsV2" if request.parameter("prefix").as_deref() == Some("env:/") => Ok(Vec::new()),
        "ListObjectsV2" => {
            let prefix = request.parameter("prefix").unwrap_or_default();
            Ok(vec![Need::new("s3:ListBucket", bucket).with("s3:prefix", vec![prefix])])
        }
        // Without ListBucket a key that does not exist is refused like one that may not be read.
        "GetObject" | "HeadObject" if request.parameter("versionId").is_none() => {
            Ok(vec![Need::new("s3:GetObject", object), Need::new("s3:ListBucket", bucket)])
        }
        // A key of one's own, or who may read a new bucket, would need more.
        "PutObject" if ["", "AES256"].contains(&request.header("x_amz_server_side_encryption")) => {
            Ok(one("s3", request, object))
        }
        "CreateBucket" if ["", "private"].contains(&request.header("x_amz_acl")) => Ok(one("s3", request, bucket)),
        "DeleteObject" => Ok(one("s3", request, object)),
        "GetBucketAcl"
        | "GetBucketLogging"
        | "GetBucketPolicy"
        | "GetBucketRequestPayment"
        | "GetBucketTagging"
        | "GetBucketVersioning"
        | "GetBucketWebsite"
        | "PutBucketPolicy"
        | "PutBucketTagging"
        | "PutBucketVersioning" => Ok(vec![Need::new(action, bucket)]),
        _ if renamed.is_some() => Ok(vec![Need::new(action, bucket)]),
        _ => unknown(request),
    }
}
