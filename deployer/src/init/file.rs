//! The text of a first `deployer.toml`.

use std::fmt::Write as _;

use anyhow::Result;
use toml::Value;

use super::Init;
use super::account::Found;
use super::project::Code;

const HEAD: &str = "\
# What `deployer` releases, where to, and how it checks a release. Made by `deployer init` of what was there; it is yours now.
# Every key is described in `docs/configuration.md` of the deployer's repository.
";

const CHECKS: &str = "
# A check is sent to each new version before it takes traffic, and must pass; then it is sent once more to what takes the traffic.
# Without one a new version takes traffic whatever it does. It must not change anything: `GET`, or an event that is harmless.
#
# [[checks]]
# name = \"health\"
";

const TRAFFIC: &str = "
# How traffic moves to a new version: all at once, unless it says otherwise here. A release is reverted if an alarm of the stack
# contract goes into ALARM in the meantime.
#
# [traffic]
# strategy = \"canary\"
# percent = 10
# bake_seconds = 300
";

/// The text, with comments that say what comes next.
pub(super) fn render(found: &Found, codes: &[(String, Code)], options: &Init) -> Result<String> {
    let mut text = HEAD.to_owned();
    let quoted = |text: &str| Value::from(text).to_string();
    let _ = writeln!(text, "\napp = {}\ndefault_environment = {}", quoted(&found.app), quoted(&options.environment));
    for (key, code) in codes {
        let name = &found.contract.functions[key].name;
        let started = found.settings[key]
            .starts()
            .map_or_else(String::new, |(runtime, handler)| format!(", which starts `{handler}` with {runtime}"));
        let _ = writeln!(text, "\n# {name}{started}.\n[functions.{key}]");
        if found.settings[key].architecture().as_deref() == Some("arm64") {
            text.push_str("architecture = \"arm64\"\n");
        }
        match code {
            Code::Image(image) => {
                text.push_str("# What is live. Where a command pushes and prints a new one: `build = { image_command = \"…\" }`.\n");
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
            "\n# What the environment consists of. `deployer doctor` compares it with what there is.\n{}",
            found.contract.declaration()?
        );
    }
    text.push_str(CHECKS);
    text.push_str(&sample(found));
    text.push_str(TRAFFIC);
    Ok(text)
}

/// A check of the function of which the most is known.
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
            format!(
                "# function = {}\n# event = \"event.json\"   # a file with an event that changes nothing\n",
                quoted(key)
            )
        }
    }
}
