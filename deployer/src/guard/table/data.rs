//! What functions read and write: tables, buckets, databases, parameters, secrets, keys.

use super::Part::{Aid, Grant, InPath, Record};
use super::When::{AllowsLess, Changes, Created, Loses, Lowered, TurnsOff, TurnsOn};
use super::{PEAK, Row, UNUSED, cut, loss, of, warning};

const DATA: &str = "its data is lost, and what reads or writes it fails";
const REFUSED: &str = "requests that it allowed are refused";
const RESTARTS: &str = "it restarts or moves, at once or in its next window: connections break";
const CLIENTS: &str = "functions can no longer reach it";

pub(super) const ROWS: &[Row] = &[
    of(
        "aws_dynamodb_table",
        InPath,
        DATA,
        &[
            loss("read_capacity", Lowered, "reads above it are throttled", PEAK),
            loss("write_capacity", Lowered, "writes above it are throttled", PEAK),
            loss("on_demand_throughput/max_read_request_units", Lowered, "reads above it are throttled", PEAK),
            loss("on_demand_throughput/max_write_request_units", Lowered, "writes above it are throttled", PEAK),
            warning("billing_mode", Changes, "other limits apply, and it can be changed only once a day"),
            loss("global_secondary_index", Loses, "queries of the index fail, also while it is rebuilt", UNUSED),
            loss("stream_enabled", TurnsOff, "readers of the stream get nothing", UNUSED),
            cut("stream_view_type", Changes, "the stream is replaced: events that were not read yet are lost", {
                "add a second reader of the table first, and move over to it"
            }),
            loss("replica", Loses, "what reads the table in that region fails", UNUSED),
            cut("ttl/attribute_name", Changes, "items expire by another attribute, or not at all", {
                "let the code write both attributes first; then change it"
            }),
            warning("ttl/enabled", TurnsOn, "items whose attribute is in the past are deleted"),
            warning("server_side_encryption", Changes, "functions need the new key's permissions at once"),
            warning("deletion_protection_enabled", TurnsOff, "the table can be deleted from then on"),
        ],
    ),
    of("aws_dynamodb_table_item", InPath, "its readers find nothing; if it is the stack contract, releases fail", &[]),
    of("aws_dynamodb_table_replica", InPath, "what reads the table in that region fails", &[]),
    of("aws_dynamodb_global_table", InPath, DATA, &[loss("replica", Loses, "what reads it there fails", UNUSED)]),
    of(
        "aws_dynamodb_resource_policy",
        Grant,
        "callers that it allows are refused",
        &[loss("policy", AllowsLess, REFUSED, UNUSED)],
    ),
    of("aws_dynamodb_kinesis_streaming_destination", Grant, "changes no longer reach the stream", &[]),
    of("aws_s3_bucket", InPath, "its objects are lost, and what reads or writes them fails", &[]),
    of("aws_s3_object", InPath, "what reads it fails", &[]),
    of(
        "aws_s3_bucket_policy",
        Grant,
        "callers that it allows are refused",
        &[loss("policy", AllowsLess, REFUSED, UNUSED)],
    ),
    of(
        "aws_s3_bucket_notification",
        Grant,
        "uploads no longer start anything",
        &[
            loss("lambda_function", Loses, "uploads no longer start the function", UNUSED),
            loss("queue", Loses, "uploads no longer reach the queue", UNUSED),
            loss("topic", Loses, "uploads no longer reach the topic", UNUSED),
            loss("eventbridge", TurnsOff, "uploads no longer reach EventBridge", UNUSED),
        ],
    ),
    of(
        "aws_s3_bucket_cors_configuration",
        Grant,
        "browsers refuse what is read from the bucket",
        &[loss("cors_rule", Loses, "browsers refuse what the rule allowed", UNUSED)],
    ),
    of(
        "aws_s3_bucket_public_access_block",
        Record,
        "nothing: more is allowed than before",
        &[
            loss("block_public_policy", TurnsOn, "policies that open the bucket are refused", UNUSED),
            loss("restrict_public_buckets", TurnsOn, "public access to the bucket ends", UNUSED),
            loss("ignore_public_acls", TurnsOn, "public access to the bucket ends", UNUSED),
            warning("restrict_public_buckets", Created, "public access to the bucket ends"),
        ],
    ),
    of("aws_s3_bucket_acl", Grant, "callers that it allows are refused", &[]),
    of(
        "aws_s3_bucket_website_configuration",
        Grant,
        "the bucket's website gets 404",
        &[
            loss("index_document", Changes, "pages get 404 until it is there", UNUSED),
            loss("redirect_all_requests_to", Changes, "all clients go elsewhere", UNUSED),
        ],
    ),
    of(
        "aws_s3_bucket_lifecycle_configuration",
        Record,
        "objects are kept forever",
        &[warning("rule", Changes, "objects may be deleted sooner")],
    ),
    of(
        "aws_s3_bucket_versioning",
        Record,
        "big packages are fetched by their version",
        &[loss(
            "versioning_configuration/status",
            Changes,
            "big packages are fetched by their version: releases fail",
            UNUSED,
        )],
    ),
    of(
        "aws_s3_bucket_server_side_encryption_configuration",
        Record,
        "S3 encrypts with its own key",
        &[warning("rule", Changes, "readers and writers need the new key's permissions at once")],
    ),
    of("aws_s3_access_point", InPath, "what reads or writes through it fails", &[]),
    of(
        "aws_ssm_parameter",
        InPath,
        "what reads it fails, at the next cold start at the latest",
        &[
            warning("value", Changes, "new environments read the new value, without any check"),
            warning("key_id", Changes, "functions need the new key's permissions at once"),
        ],
    ),
    of(
        "aws_secretsmanager_secret",
        InPath,
        "what reads it fails, at the next cold start at the latest",
        &[
            warning("kms_key_id", Changes, "functions need the new key's permissions at once"),
            loss("policy", AllowsLess, REFUSED, UNUSED),
        ],
    ),
    of(
        "aws_secretsmanager_secret_version",
        Grant,
        "what reads the secret finds no value",
        &[
            warning("secret_string", Changes, "new environments read the new value, without any check"),
            loss("version_stages", Loses, "what reads the secret by the stage fails", UNUSED),
        ],
    ),
    of(
        "aws_secretsmanager_secret_policy",
        Grant,
        "callers that it allows are refused",
        &[loss("policy", AllowsLess, REFUSED, UNUSED)],
    ),
    of("aws_secretsmanager_secret_rotation", Aid, "the secret is no longer rotated", &[]),
    of(
        "aws_kms_key",
        InPath,
        "what is encrypted with it, including stored data, can no longer be read",
        &[
            cut(
                "is_enabled",
                TurnsOff,
                "what is encrypted with it can no longer be read, including environment variables",
                "encrypt everything with another key first, and release",
            ),
            loss("policy", AllowsLess, REFUSED, UNUSED),
        ],
    ),
    of(
        "aws_kms_replica_key",
        InPath,
        "what is encrypted with it in that region can no longer be read",
        &[
            cut("enabled", TurnsOff, "what is encrypted with it can no longer be read", {
                "encrypt everything with another key first, and release"
            }),
            loss("policy", AllowsLess, REFUSED, UNUSED),
        ],
    ),
    of(
        "aws_kms_alias",
        InPath,
        "what names the key by it fails",
        &[warning("target_key_id", Changes, "functions need the new key's permissions at once")],
    ),
    of(
        "aws_kms_key_policy",
        Grant,
        "callers that it allows are refused",
        &[loss("policy", AllowsLess, REFUSED, UNUSED)],
    ),
    of("aws_kms_grant", Grant, "callers that it allows are refused", &[]),
    of(
        "aws_db_instance",
        InPath,
        DATA,
        &[
            cut("identifier", Changes, "it has another address from then on", {
                "create a second one beside it, move the functions with a release, then remove the old one with `--retired`"
            }),
            cut(
                "engine_version",
                Changes,
                RESTARTS,
                "change it outside Terraform in a quiet hour, or with a blue/green deployment, then plan again",
            ),
            cut(
                "instance_class",
                Changes,
                RESTARTS,
                "change it outside Terraform in a quiet hour, or with a blue/green deployment, then plan again",
            ),
            cut("password", Changes, "functions with the old one are refused at once", {
                "let functions read it from a secret that is rotated, or add a second user first"
            }),
            cut("port", Changes, CLIENTS, "create a second one beside it, and move the functions with a release"),
            loss("vpc_security_group_ids", Loses, CLIENTS, UNUSED),
            warning("parameter_group_name", Changes, RESTARTS),
            warning("ca_cert_identifier", Changes, "clients that trust only the old authority fail"),
            loss("iam_database_authentication_enabled", TurnsOff, "functions that sign in by IAM are refused", UNUSED),
            warning("multi_az", TurnsOff, "there is no longer a standby"),
            warning("deletion_protection", TurnsOff, "the database can be deleted from then on"),
        ],
    ),
    of(
        "aws_db_parameter_group",
        Grant,
        "the database cannot be restarted with it",
        &[warning("parameter", Changes, "some take effect at once, some with the next restart")],
    ),
    of(
        "aws_db_subnet_group",
        InPath,
        "the database has no network",
        &[warning("subnet_ids", Loses, "the database cannot move to a zone without a subnet")],
    ),
    of(
        "aws_db_proxy",
        InPath,
        CLIENTS,
        &[
            loss("vpc_security_group_ids", Loses, CLIENTS, UNUSED),
            warning("auth", Changes, "functions with other credentials are refused"),
            warning("require_tls", TurnsOn, "functions without TLS are refused"),
        ],
    ),
    of("aws_db_proxy_target", Grant, "functions reach no database through the proxy", &[]),
    of("aws_db_proxy_default_target_group", Aid, "the proxy pools with its defaults", &[]),
    of(
        "aws_rds_cluster",
        InPath,
        DATA,
        &[
            cut(
                "engine_version",
                Changes,
                RESTARTS,
                "change it outside Terraform in a quiet hour, or with a blue/green deployment, then plan again",
            ),
            cut("master_password", Changes, "functions with the old one are refused at once", {
                "let functions read it from a secret that is rotated, or add a second user first"
            }),
            cut("port", Changes, CLIENTS, "create a second one beside it, and move the functions with a release"),
            loss("vpc_security_group_ids", Loses, CLIENTS, UNUSED),
            loss("enable_http_endpoint", TurnsOff, "functions that use the Data API fail", UNUSED),
            loss("serverlessv2_scaling_configuration/max_capacity", Lowered, "queries above it are slow or fail", PEAK),
            warning("deletion_protection", TurnsOff, "the database can be deleted from then on"),
        ],
    ),
    of(
        "aws_rds_cluster_instance",
        InPath,
        CLIENTS,
        &[cut("instance_class", Changes, RESTARTS, "change it outside Terraform in a quiet hour, then plan again")],
    ),
    of(
        "aws_elasticache_cluster",
        InPath,
        DATA,
        &[warning("node_type", Changes, RESTARTS), loss("security_group_ids", Loses, CLIENTS, UNUSED)],
    ),
    of(
        "aws_elasticache_replication_group",
        InPath,
        DATA,
        &[warning("node_type", Changes, RESTARTS), loss("security_group_ids", Loses, CLIENTS, UNUSED)],
    ),
    of("aws_elasticache_serverless_cache", InPath, DATA, &[loss("security_group_ids", Loses, CLIENTS, UNUSED)]),
    of("aws_efs_file_system", InPath, DATA, &[]),
    of("aws_efs_mount_target", InPath, CLIENTS, &[loss("security_groups", Loses, CLIENTS, UNUSED)]),
    of("aws_efs_access_point", InPath, CLIENTS, &[]),
    of(
        "aws_efs_file_system_policy",
        Grant,
        "callers that it allows are refused",
        &[loss("policy", AllowsLess, REFUSED, UNUSED)],
    ),
    of("aws_ecr_repository", InPath, "functions whose image is in it cannot start again", &[]),
    of(
        "aws_ecr_repository_policy",
        Grant,
        "Lambda may not read the images: functions cannot start again",
        &[loss("policy", AllowsLess, REFUSED, UNUSED)],
    ),
    of(
        "aws_ecr_lifecycle_policy",
        Record,
        "images are kept forever",
        &[
            warning("policy", Changes, "an image that a version needs may be deleted"),
            warning("policy", Created, "an image that a version needs may be deleted"),
        ],
    ),
];
