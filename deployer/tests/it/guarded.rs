//! What a serverless stack may have that this repository's has not: `guard` reads real plans of it, made against the local AWS.

use std::io::Write as _;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::stack;

const ACCOUNT: &str = "666666666666";
const FOLDER: &str = "guarded";

/// What is taken away, each with what a visitor would see.
const REMOVED: [(&str, &str); 11] = [
    ("aws_api_gateway_authorizer.rest", "methods that use it return 500"),
    ("aws_apigatewayv2_api.http", "the whole API is deleted"),
    ("aws_apigatewayv2_integration.http", "its routes get 500 at once"),
    ("aws_apigatewayv2_route.http", "its requests get 404 at once"),
    ("aws_apigatewayv2_stage.http", "the API's address gets 404"),
    ("aws_cloudwatch_event_target.hourly", "its target is no longer started"),
    ("aws_iam_role_policy_attachment.function", "loses the permissions that it gave"),
    ("aws_lambda_event_source_mapping.work", "no longer reach the function"),
    ("aws_lambda_function_url.worker", "its address no longer responds"),
    ("aws_vpc_security_group_ingress_rule.database", "connections that it allows are dropped"),
    ("aws_wafv2_web_acl_association.rest", "gets all requests, unfiltered"),
];

/// What is changed in place, each in which attribute.
const CHANGED: [&str; 7] = [
    "`aws_api_gateway_rest_api.rest` would change in `disable_execute_api_endpoint` (`false` -> `true`)",
    "`aws_apigatewayv2_api.http[\"one\"]` would change in `disable_execute_api_endpoint` (`false` -> `true`)",
    "`aws_cloudwatch_event_rule.hourly` would change in `state` (`ENABLED` -> `DISABLED`)",
    "`aws_iam_policy.function` would change in `policy` (loses `sqs:DeleteMessage` on `*`)",
    "`aws_lambda_event_source_mapping.work[\"one\"]` would change in `enabled` (`true` -> `false`)",
    "`aws_lambda_function_url.worker[\"one\"]` would change in `authorization_type` (`NONE` -> `AWS_IAM`)",
    "`aws_vpc_security_group_ingress_rule.database[\"one\"]` would change in `cidr_ipv4` (`10.0.0.0/16` -> `10.1.0.0/16`)",
];

pub(crate) fn guard_covers_the_types_of_other_serverless_stacks() {
    std::fs::create_dir_all(stack().checkout.root.join(FOLDER)).unwrap();
    stack().checkout.write("guarded/main.tf", include_str!("guarded/main.tf"));
    write_worker();
    terraform(&["init"]);
    terraform(&["apply", "-auto-approve"]);
    let refused = |change: &str| {
        terraform(&["plan", "-refresh=false", "-out=plan.tfplan", change]);
        let plan = terraform(&["show", "-json", "plan.tfplan"]);
        stack().checkout.write("guarded/plan.json", &plan);
        stack().checkout.deployer("guard guarded/plan.json").expect(4)
    };
    let removed = refused("-var=there=false");
    for (address, effect) in REMOVED {
        let line = removed.stderr.lines().find(|line| line.contains(&format!("`{address}[\"one\"]` would be removed")));
        assert!(line.is_some_and(|line| line.contains(effect)), "{address}, {effect}: {}", removed.stderr);
    }
    let changed = refused("-var=changed=true");
    let missing: Vec<_> = CHANGED.iter().filter(|change| !changed.stderr.contains(**change)).collect();
    assert!(missing.is_empty(), "not said {missing:?}: {}", changed.stderr);
}

fn terraform(arguments: &[&str]) -> String {
    stack().terraform_elsewhere(ACCOUNT, FOLDER, arguments).stdout
}

/// A function that is never called.
fn write_worker() {
    let file = std::fs::File::create(stack().checkout.root.join("guarded/worker.zip")).unwrap();
    let mut zip = ZipWriter::new(file);
    zip.start_file("bootstrap", SimpleFileOptions::default()).unwrap();
    zip.write_all(b"#!/bin/sh\n").unwrap();
    zip.finish().unwrap();
}
