//! Before anything is compared: the two functions do the same.

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::{
    aws::Aws,
    function::{Function, Running},
    rounds::event,
};

/// What of a visit is the same for every writer, on one day.
const STORED: [&str; 3] = ["visitor_ip", "user_agent", "path"];

/// # Errors
///
/// When they respond or write differently.
pub(crate) fn check(aws: &Aws, one: &Function, other: &Function) -> Result<()> {
    let (ones, others) = (Running::start(one, aws)?, Running::start(other, aws)?);
    for (method, path) in [("GET", "/count"), ("GET", "/health"), ("POST", "/count"), ("GET", "/nowhere")] {
        let event = event(method, path);
        let (of_one, of_other) = (did(aws, &ones, &event)?, did(aws, &others, &event)?);
        ensure!(of_one == of_other, "{method} {path}: {} {of_one:#?}, {} {of_other:#?}", one.name, other.name);
    }
    Ok(())
}

/// Its response to `event`, with the body read, and what was written of a visit last.
fn did(aws: &Aws, running: &Running, event: &Value) -> Result<(Value, Vec<Value>)> {
    let (_, mut response) = running.invoke(event)?;
    let body: Value = serde_json::from_str(response["body"].as_str().unwrap_or_default())?;
    response["body"] = body;
    let written = aws.written();
    Ok((response, STORED.iter().map(|name| written[name].clone()).collect()))
}
