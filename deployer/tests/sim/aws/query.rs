//! The query protocol of STS, IAM and CloudWatch: a form goes in, XML comes out.

use super::wire::{Reply, Request, decoded};

/// The pairs of a form.
#[derive(Clone, Debug)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// The form in the body; the pairs of the address count as well.
    pub(crate) fn of(request: &Request) -> Self {
        let body = String::from_utf8_lossy(&request.body);
        let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
        let text = |text: &str| decoded(&text.replace('+', " "));
        let sent = pairs.map(|(name, value)| (text(name), text(value)));
        Self(sent.chain(request.query.iter().cloned()).collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The members of a list, in their order: `ActionNames.member.1`, `ActionNames.member.2`, …
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        (1..).map_while(|index| self.get(&format!("{name}.member.{index}"))).collect()
    }
}

/// The operation that a request of this protocol names.
pub(crate) fn action(request: &Request) -> Option<String> {
    // Nothing else sends a form, and a body may be a zip of many megabytes.
    let sends_a_form = request.header("content-type").is_none_or(|kind| kind.starts_with("application/x-www-form"));
    sends_a_form.then(|| Form::of(request).get("Action").map(str::to_owned)).flatten()
}

/// What an operation gives back: `<XResponse><XResult>…</XResult></XResponse>`.
pub(crate) fn result(operation: &str, namespace: &str, inner: &str) -> Reply {
    xml(
        200,
        &format!(
            "<{operation}Response xmlns=\"{namespace}\"><{operation}Result>{inner}</{operation}Result>\
             <ResponseMetadata><RequestId>00000000-0000-4000-8000-000000000000</RequestId></ResponseMetadata>\
             </{operation}Response>"
        ),
    )
}

pub(crate) fn error(status: u16, code: &str, message: &str) -> Reply {
    let kind = if status < 500 { "Sender" } else { "Receiver" };
    xml(
        status,
        &format!(
            "<ErrorResponse><Error><Type>{kind}</Type><Code>{code}</Code><Message>{}</Message></Error>\
             <RequestId>00000000-0000-4000-8000-000000000000</RequestId></ErrorResponse>",
            escaped(message)
        ),
    )
}

fn xml(status: u16, body: &str) -> Reply {
    Reply { status, headers: vec![("content-type".to_owned(), "text/xml".to_owned())], body: body.as_bytes().to_vec() }
}

/// An element with a text in it.
pub(crate) fn tag(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>", escaped(text))
}

/// A list: each member is XML already.
pub(crate) fn members(name: &str, members: impl IntoIterator<Item = String>) -> String {
    let members: String = members.into_iter().map(|member| format!("<member>{member}</member>")).collect();
    format!("<{name}>{members}</{name}>")
}

/// Text that may stand in XML.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
