//! What a function's proxy response means in HTTP.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::super::apigateway::Definition;
use super::super::wire::{Reply, Request};

/// All that a proxy response may have: one more, and it is malformed.
const FIELDS: [&str; 5] = ["statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"];
/// Headers that are API Gateway's own: a function's get another name ("Amazon API Gateway important notes").
const REMAPPED: [&str; 5] = ["connection", "content-length", "date", "server", "www-authenticate"];

/// The response; `None` if it is none that API Gateway understands.
pub(super) fn of(definition: &Definition, request: &Request, payload: &Value) -> Option<Reply> {
    let payload = payload.as_object()?;
    if payload.keys().any(|name| !FIELDS.contains(&name.as_str())) {
        return None;
    }
    let mut reply = Reply::empty(status(payload)?);
    for (name, value) in headers(payload)? {
        let mapped =
            if REMAPPED.contains(&name.to_lowercase().as_str()) { format!("x-amzn-remapped-{name}") } else { name };
        reply = reply.with(&mapped.to_lowercase(), &value);
    }
    if !reply.headers.iter().any(|(name, _)| name == "content-type") {
        reply = reply.with("content-type", "application/json");
    }
    let body = match payload.get("body") {
        None | Some(Value::Null) => String::new(),
        Some(value) => scalar(value)?,
    };
    let encoded = match payload.get("isBase64Encoded") {
        None | Some(Value::Null) => false,
        Some(value) => value.as_bool()?,
    };
    // Text stays text, base64 or not, unless the client accepts one of the API's binary types.
    let accepted = definition.is_binary(request.header("accept").unwrap_or_default());
    reply.body = if encoded && accepted { STANDARD.decode(body).ok()? } else { body.into_bytes() };
    Some(reply)
}

/// A number, or a text of digits; 200 where there is none.
fn status(payload: &Map<String, Value>) -> Option<u16> {
    let Some(status) = payload.get("statusCode") else { return Some(200) };
    let number = status.as_u64().or_else(|| status.as_str()?.parse().ok())?;
    u16::try_from(number).ok().filter(|status| (100..600).contains(status))
}

/// The headers: first those of several values, then the others. Names that differ in case are one.
fn headers(payload: &Map<String, Value>) -> Option<Vec<(String, String)>> {
    let mut headers: Vec<(String, String)> = Vec::new();
    let mut put = |name: &str, value: String| {
        let known = headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(known, _)| known.clone());
        headers.push((known.unwrap_or_else(|| name.to_owned()), value));
    };
    for (name, values) in map(payload.get("multiValueHeaders"))? {
        for value in values.as_array()? {
            put(name, scalar(value)?);
        }
    }
    for (name, value) in map(payload.get("headers"))? {
        if !value.is_null() {
            put(name, scalar(value)?);
        }
    }
    Some(headers)
}

/// The pairs of an object; none where there is nothing, and `None` where it is something else.
fn map(value: Option<&Value>) -> Option<Vec<(&String, &Value)>> {
    match value {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(value) => Some(value.as_object()?.iter().collect()),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}
