//! Where in the AWS console the parts of a release are.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::ledger::{Contract, Parts};

/// A link, with its title.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Link {
    /// What is there.
    pub(super) title: String,
    /// Where.
    pub(super) url: String,
}

/// The versions of the functions with their log groups, and the stage.
pub(super) fn links(contract: &Contract, parts: &Parts, log_groups: &BTreeMap<String, String>) -> Vec<Link> {
    let region = &contract.region;
    let console = format!("https://{region}.{}", domain(region));
    let mut links = Vec::new();
    let mut add = |title: String, url: String| links.push(Link { title, url });
    for (key, part) in &parts.functions {
        let Some(name) = contract.functions.get(key).map(|function| encoded(&function.name)) else { continue };
        let (version, home) = (encoded(&part.version), format!("home?region={region}"));
        add(
            format!("version {} of `{key}`", part.version),
            format!("{console}/lambda/{home}#/functions/{name}/versions/{version}?tab=code"),
        );
        if let Some(group) = log_groups.get(key) {
            let group = encoded_twice(group);
            add(format!("logs of `{key}`"), format!("{console}/cloudwatch/{home}#logsV2:log-groups/log-group/{group}"));
        }
    }
    if let Some(api) = contract.rest() {
        let id = encoded(&api.id);
        add(
            format!("stage `{}`", api.stage),
            format!("{console}/apigateway/main/apis/{id}/stages?api={id}&region={region}"),
        );
    }
    links
}

/// The console of the region's partition.
fn domain(region: &str) -> &'static str {
    match region.split('-').next() {
        Some("cn") => "console.amazonaws.cn",
        _ if region.starts_with("us-gov-") => "console.amazonaws-us-gov.com",
        _ => "console.aws.amazon.com",
    }
}

/// The console takes the name of a log group encoded twice, with `$` for `%`.
fn encoded_twice(group: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let letter =
        |letter: char| if is_plain(letter) { letter.to_string() } else { format!("$25{:02X}", u32::from(letter)) };
    group.chars().filter(char::is_ascii).map(letter).collect()
}

/// Names of AWS consist of letters, digits, `-` and `_`. Anything else is left out.
fn encoded(text: &str) -> String {
    text.chars().filter(|letter| letter.is_ascii_alphanumeric() || "-_$".contains(*letter)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_part_has_its_page() {
        let contract: Contract = serde_json::from_value(json!({
            "environment": "dev", "account": "111111111111", "region": "eu-west-1",
            "functions": {"counter": {"name": "c-dev", "alias": "live", "architecture": "x86_64"}},
            "api": {"kind": "rest", "id": "a1", "stage": "dev", "url": "http://x"},
        }))
        .unwrap();
        let parts: Parts = serde_json::from_value(json!({
            "functions": {"counter": {"version": "6", "code_sha256": "z"}, "gone": {"version": "1", "code_sha256": "z"}},
            "deployment": "d2",
        }))
        .unwrap();
        let groups = BTreeMap::from([("counter".to_owned(), "/aws/lambda/c-dev".to_owned())]);
        let seen: Vec<_> = links(&contract, &parts, &groups).into_iter().map(|link| (link.title, link.url)).collect();
        let expected = [
            (
                "version 6 of `counter`",
                "https://eu-west-1.console.aws.amazon.com/lambda/home?region=eu-west-1#/functions/c-dev/versions/6?tab=code",
            ),
            (
                "logs of `counter`",
                "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/$252Faws$252Flambda$252Fc-dev",
            ),
            (
                "stage `dev`",
                "https://eu-west-1.console.aws.amazon.com/apigateway/main/apis/a1/stages?api=a1&region=eu-west-1",
            ),
        ];
        let expected: Vec<_> = expected.iter().map(|(title, url)| ((*title).to_owned(), (*url).to_owned())).collect();
        assert_eq!(seen, expected);
    }
}
