//! Why a request fails.

use serde_json::{Map, Value, json};

use super::super::wire::Reply;

/// A request that is refused, or not supported by the simulator.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// AWS carries it out, the simulator does not: the case is to fail by name, not on an invented refusal.
    Unknown,
    Refused(Box<Refusal>),
}

/// A refusal in DynamoDB's words.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
    more: Map<String, Value>,
}

impl Fault {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self::Refused(Box::new(Refusal { status: 400, code, message: message.into(), more: Map::new() }))
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new("ValidationException", message)
    }

    /// No such table.
    pub(super) fn no_table() -> Self {
        Self::new("ResourceNotFoundException", "Requested resource not found")
    }

    /// With one more field beside the message.
    pub(super) fn with(mut self, name: &str, value: Value) -> Self {
        if let Self::Refused(refusal) = &mut self {
            refusal.more.insert(name.to_owned(), value);
        }
        self
    }

    /// The response; none for what is not simulated.
    pub(super) fn reply(self) -> Option<Reply> {
        let Self::Refused(refusal) = self else { return None };
        let Refusal { status, code, message, mut more } = *refusal;
        // An error that has more fields (reasons, the item) writes `Message`, every other one `message`.
        let field = if more.is_empty() { "message" } else { "Message" };
        more.insert(field.to_owned(), json!(message));
        // What the front of all services refuses has a namespace of its own.
        let namespace = match code {
            "ValidationException" => "com.amazon.coral.validate",
            "SerializationException" => "com.amazon.coral.service",
            _ => "com.amazonaws.dynamodb.v20120810",
        };
        more.insert("__type".to_owned(), json!(format!("{namespace}#{code}")));
        Some(reply(status, &Value::Object(more)))
    }
}

/// JSON as this protocol names it.
pub(super) fn reply(status: u16, body: &Value) -> Reply {
    let headers = vec![("content-type".to_owned(), "application/x-amz-json-1.0".to_owned())];
    Reply { status, headers, body: body.to_string().into_bytes() }
}
