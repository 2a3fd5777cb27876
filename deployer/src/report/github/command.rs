//! Workflow commands: lines that GitHub Actions obeys, and what keeps any other line from being one.
//!
//! Escaping as GitHub's own toolkit does it (actions/toolkit, `packages/core/src/command.ts`).

/// The command `name`. Neither a property nor the data can end it and begin another.
pub(super) fn command(name: &str, properties: &[(&str, String)], data: &str) -> String {
    let properties: Vec<_> = properties.iter().map(|(key, value)| format!("{key}={}", property(value))).collect();
    let space = if properties.is_empty() { "" } else { " " };
    format!("::{name}{space}{}::{}", properties.join(","), escaped(data))
}

fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    escaped(text).replace(':', "%3A").replace(',', "%2C")
}

/// `words` without commands in them: what comes from AWS or from a file must not speak to GitHub. The runner obeys
/// `::` at the beginning of a line, after white space too, and the older `##[` anywhere.
pub(in crate::report) fn harmless(words: &str) -> String {
    let line = |line: &str| match line.trim_start().strip_prefix("::") {
        Some(rest) => format!("{}: :{rest}", &line[..line.len() - line.trim_start().len()]),
        None => line.to_owned(),
    };
    // A carriage return ends a line for the runner.
    let lines = words.split('\n').map(|whole| whole.split('\r').map(line).collect::<Vec<_>>().join("\r"));
    lines.collect::<Vec<_>>().join("\n").replace("##[", "## [")
}

/// JSON without commands in it, and the same JSON: `##[` only occurs in strings, where `#` may be escaped.
pub(in crate::report) fn harmless_json(json: &str) -> String {
    json.replace("##[", "#\\u0023[")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_cannot_be_ended_by_what_it_carries() {
        let hostile = "100 %0A\r\n::error::x,y=z";
        let expected = "::error title=100 %250A%0D%0A%3A%3Aerror%3A%3Ax%2Cy=z,line=3::100 %250A%0D%0A::error::x,y=z";
        assert_eq!(command("error", &[("title", hostile.to_owned()), ("line", "3".to_owned())], hostile), expected);
        assert_eq!(command("endgroup", &[], ""), "::endgroup::");
    }

    #[test]
    fn words_are_no_commands() {
        let hostile = "a ::b::\n  ::error::x\r::add-mask::e\n\t::stop-commands::t\nsee ##[error]y";
        let expected = "a ::b::\n  : :error::x\r: :add-mask::e\n\t: :stop-commands::t\nsee ## [error]y";
        assert_eq!(harmless(hostile), expected);
        assert_eq!(harmless("std::env\n"), "std::env\n");
    }

    #[test]
    fn json_stays_the_same_and_is_not_a_command() {
        let text = serde_json::to_string(&["##[add-mask]e", "\\##["]).unwrap();
        let safe = harmless_json(&text);
        assert!(!safe.contains("##["), "{safe}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&safe).unwrap(), ["##[add-mask]e", "\\##["]);
    }
}
