//! What the tests go by: policies, read as IAM reads them.

use serde_json::{Value, json};

use crate::strict::{Need, Policy};

fn policy(statements: &Value) -> Policy {
    Policy::of([&json!({"Version": "2012-10-17", "Statement": statements})])
}

/// Whether a single statement lets a need pass.
fn allows(statement: &Value, need: &Need) -> bool {
    policy(&json!([statement])).allows(need)
}

pub(crate) fn a_policy_allows_its_statements_and_nothing_else() {
    let need = |action: &str, resource: &str| Need::new(action, resource);
    let (function, version) = ("arn:aws:lambda:r:1:function:f", "arn:aws:lambda:r:1:function:f:7");
    let one = |action: &str, resource: &str| json!({"Effect": "Allow", "Action": action, "Resource": resource});
    for (statement, action, resource, allowed) in [
        (one("lambda:UpdateAlias", function), "lambda:UpdateAlias", function, true),
        (one("lambda:updatealias", function), "lambda:UpdateAlias", function, true),
        (one("lambda:UpdateAlias", function), "lambda:UpdateAliases", function, false),
        (one("lambda:UpdateAlias", function), "lambda:UpdateAlias", version, false),
        (one("lambda:Update*", function), "lambda:UpdateAlias", function, true),
        (one("lambda:Get?lias", function), "lambda:GetAlias", function, true),
        (one("lambda:*", "arn:aws:lambda:r:1:function:f:*"), "lambda:DeleteFunction", version, true),
        (one("lambda:*", "arn:aws:lambda:r:1:function:f:*"), "lambda:DeleteFunction", function, false),
        (one("*", "*"), "s3:PutObject", "arn:aws:s3:::b/k", true),
        (one("s3:*", "arn:aws:s3:::B/k"), "s3:PutObject", "arn:aws:s3:::b/k", false),
        (json!({"Effect": "Allow", "Action": ["a:B", "a:C"], "Resource": ["x", "y"]}), "a:C", "y", true),
        (json!({"Effect": "Deny", "Action": "a:B", "Resource": "*"}), "a:B", "y", false),
    ] {
        assert_eq!(allows(&statement, &need(action, resource)), allowed, "{action} on {resource} by {statement}");
    }
    assert!(!policy(&json!([])).allows(&need("a:B", "x")), "what nothing allows is not allowed");
    let denied = json!([one("a:*", "*"), {"Effect": "Deny", "Action": "a:B", "Resource": "x"}]);
    assert!(!policy(&denied).allows(&need("a:B", "x")) && policy(&denied).allows(&need("a:B", "y")));
    conditions_are_met_as_iam_meets_them();
    what_is_taken_out_is_gone_and_nothing_else_is();
}

fn conditions_are_met_as_iam_meets_them() {
    let found = |values: &[&str]| {
        let values: Vec<_> = values.iter().map(|value| (*value).to_owned()).collect();
        let need = Need::new("a:B", "x");
        if values.is_empty() { need } else { need.with("A:Key", values) }
    };
    for (operator, wanted, values, met) in [
        ("StringEquals", "one", &["one"][..], true),
        ("StringEquals", "one", &["ONE"], false),
        ("StringEquals", "o*", &["one"], false),
        ("StringEquals", "one", &[], false),
        ("StringEqualsIfExists", "one", &[], true),
        ("StringEqualsIfExists", "one", &["two"], false),
        ("StringLike", "o*", &["one"], true),
        ("StringLikeIfExists", "o*", &["two"], false),
        ("ArnEquals", "arn:*:f", &["arn:aws:f"], true),
        ("ForAllValues:StringEquals", "one", &["one", "one"], true),
        ("ForAllValues:StringEquals", "one", &["one", "two"], false),
        ("ForAllValues:StringEquals", "one", &[], true),
        ("StringNotEquals", "one", &["two"], true),
        ("StringNotEquals", "one", &["one"], false),
        ("StringNotEquals", "one", &[], true),
        ("ForAllValues:StringNotEquals", "one", &["two", "three"], true),
        ("ForAllValues:StringNotEquals", "one", &["two", "one"], false),
    ] {
        let condition = json!({operator: {"a:key": wanted}});
        let statement = json!({"Effect": "Allow", "Action": "a:B", "Resource": "x", "Condition": condition});
        assert_eq!(allows(&statement, &found(values)), met, "{values:?} by {statement}");
        // What a denial's condition does not meet is not denied.
        let all = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
        let deny = json!({"Effect": "Deny", "Action": "a:B", "Resource": "x", "Condition": condition});
        assert_eq!(policy(&json!([all, deny])).allows(&found(values)), !met, "{values:?} by {deny}");
    }
    let both = json!({"StringEquals": {"a:key": "one", "a:other": "two"}});
    let statement = json!({"Effect": "Allow", "Action": "a:B", "Resource": "x", "Condition": both});
    assert!(!allows(&statement, &found(&["one"])), "every condition has to be met");
}

fn what_is_taken_out_is_gone_and_nothing_else_is() {
    let whole = policy(&json!([{"Effect": "Allow", "Action": ["a:B", "a:C"], "Resource": ["x", "y"]}]));
    let allowed = |policy: &Policy| {
        let all = [("a:B", "x"), ("a:B", "y"), ("a:C", "x"), ("a:C", "y")];
        all.map(|(action, resource)| policy.allows(&Need::new(action, resource)))
    };
    assert_eq!(allowed(&whole), [true; 4]);
    assert_eq!(allowed(&whole.without("a:B", None)), [false, false, true, true]);
    assert_eq!(allowed(&whole.without("a:B", Some("y"))), [true, false, true, true]);
    assert_eq!(whole.grants().len(), 4);
}

pub(crate) fn an_unknown_part_of_a_policy_fails_the_test() {
    let statement = |more: Value| {
        let mut statement = json!({"Effect": "Allow", "Action": "a:B", "Resource": "x"});
        statement.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        statement
    };
    for more in [
        json!({"NotAction": "a:C"}),
        json!({"Effect": "Maybe"}),
        json!({"Resource": "x/${aws:username}"}),
        json!({"Condition": {"StringNotLike": {"a:key": "one"}}}),
        json!({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}),
        json!({"Condition": {"ForAnyValue:StringEquals": {"a:key": "one"}}}),
    ] {
        let statement = statement(more);
        let read = std::panic::catch_unwind(|| policy(&json!([statement])));
        assert!(read.is_err(), "{statement} was taken for understood");
    }
    let single = policy(&json!([statement(json!({"Condition": {"StringEquals": {"a:key": "one"}}}))]));
    let many = Need::new("a:B", "x").with("a:key", vec!["one".to_owned(), "two".to_owned()]);
    let decision = std::panic::catch_unwind(|| single.allows(&many));
    assert!(decision.is_err(), "several values of a key for one were accepted");
}
