//! What may be removed or replaced unnoticed: it takes no requests, and nothing that does needs it.

/// Types of the AWS provider.
pub const HARMLESS: &[&str] = &[
    "aws_api_gateway_documentation_part",
    "aws_api_gateway_documentation_version",
    "aws_cloudfront_monitoring_subscription",
    "aws_cloudfront_realtime_log_config",
    "aws_cloudtrail",
    "aws_cloudwatch_dashboard",
    "aws_cloudwatch_log_anomaly_detector",
    "aws_cloudwatch_log_data_protection_policy",
    "aws_cloudwatch_log_stream",
    "aws_cloudwatch_metric_stream",
    "aws_cloudwatch_query_definition",
    "aws_dynamodb_contributor_insights",
    "aws_dynamodb_table_export",
    "aws_dynamodb_tag",
    "aws_ecr_registry_scanning_configuration",
    "aws_flow_log",
    "aws_resourcegroups_group",
    "aws_route53_query_log",
    "aws_s3_bucket_analytics_configuration",
    "aws_s3_bucket_intelligent_tiering_configuration",
    "aws_s3_bucket_inventory",
    "aws_s3_bucket_logging",
    "aws_s3_bucket_metric",
    "aws_s3_bucket_ownership_controls",
    "aws_synthetics_canary",
    "aws_xray_group",
    "aws_xray_sampling_rule",
];

/// Providers without resources on a network: values, files, clocks. A resource that depends on one is compared separately.
pub const HARMLESS_PROVIDERS: &[&str] =
    &["archive", "external", "local", "null", "random", "template", "terraform", "time", "tls"];
