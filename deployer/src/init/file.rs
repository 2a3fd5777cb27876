//! The text of a first `deployer.toml`.

use std::fmt::Write as _;

use anyhow::Result;
use toml::Value;

use super::Init;
use super::account::Found;
use super::project::Code;

const HEAD: &str = "\
# What `deployer` releases, to which environments, and how it checks a release. `deployer init` wrote this file once: edit it freely.
# All keys are described in `docs/configuration.md` of the deployer's repository.
";

const CHECKS: &str = "
# A check is sent to each new version before it takes traffic, and again after the switch: both must pass. Without checks a new
# version takes traffic untested. A check must not change anything: use a `GET` request, or a harmless event.
#
# [[checks]]
# name = \"health\"
";

const TRAFFIC: &str = "
# How traffic moves to a new version: all at once, unless it is set here. A release is reverted if an alarm of the stack contract
# goes into ALARM meanwhile.
#
# [traffic]
# strategy = \"canary\"
# percent = 10
# bake_seconds = 300
";

/// The text, with comments about the next steps.
pub(super) fn render(found: &Found, codes: &[(String, Code)], options: &Init) -> Result<String> {
    let mut text = HEAD.to_owned();
    let quoted = |text: &str| Value::from(text).to_string();
    let _ = writeln!(text, "\napp = {}\ndefault_environment = {}", quoted(&found.app), quoted(&options.environment));
    for (key, code) in codes {
        let name = &found.contract.functions[key].name;
        let started = found.settings[key]
            .starts()
            .map_or_else(String::new, |(runtime, handler)| format!(": handler `{handler}`, runtime {runtime}"));
        let _ = writeln!(text, "\n# {name}{started}\n[functions.{key}]");
        if found.settings[key].architecture().as_deref() == Some("arm64") {
            text.push_str("architecture = \"arm64\"\n");
        }
        match code {
            Code::Image(image) => {
                text.push_str("# The image that is live. If a command builds and pushes new ones: `build = { image_command = \"…\" }`.\n");
                let _ = writeln!(text, "build = {{ image = {} }}", quoted(image));
            }
            Code::Cargo { package, bin, features } => {
                let _ = writeln!(text, "package = {}\nbin = {}", quoted(package), quoted(bin));
                if !features.is_empty() {
                    let _ = writeln!(text, "features = {}", Value::from(features.clone()));
                }
            }
            Code::Folder(folder) => {
                let _ = writeln!(text, "build = {{ output = {} }}", quoted(folder));
            }
            Code::Command { command, output } => {
                let (command, output) = (quoted(command), quoted(output));
                let _ = writeln!(text, "[functions.{key}.build]\ncommand = {command}\noutput = {output}");
            }
        }
    }
    for (name, ledger) in &found.ledgers {
        let (ledger, region) = (quoted(ledger), quoted(&found.contract.region));
        let _ = writeln!(text, "\n[environments.{name}]\nledger = {ledger}\nregion = {region}");
        if let Some(profile) = &options.profile {
            let _ = writeln!(text, "profile = {}", quoted(profile));
        }
    }
    if !found.in_ledger {
        let _ = write!(
            text,
            "\n# The environment's resources. `deployer doctor` compares them with the account.\n{}",
            found.contract.declaration()?
        );
    }
    text.push_str(CHECKS);
    text.push_str(&sample(found));
    text.push_str(TRAFFIC);
    Ok(text)
}

/// A check of the function with the best known request.
fn sample(found: &Found) -> String {
    let quoted = |text: &str| Value::from(text).to_string();
    let functions = &found.contract.functions;
    let by_request = found.requests.iter().next().map(|(key, request)| (key, request.as_str()));
    let by_url = functions.iter().find(|(_, function)| function.url.is_some()).map(|(key, _)| (key, "GET /"));
    match (by_request.or(by_url), functions.keys().next()) {
        (Some((key, request)), _) => {
            format!("# function = {}\n# request = {}\n# status = 200\n", quoted(key), quoted(request))
        }
        (None, Some(key)) if found.contract.url_of(key).is_some() => {
            format!(
                "# function = {}\n# request = \"GET /\"     # a route of this function\n# status = 200\n",
                quoted(key)
            )
        }
        (None, key) => {
            let key = key.map_or("", String::as_str);
            format!("# function = {}\n# event = \"event.json\"   # a file with a harmless event\n", quoted(key))
        }
    }
}
