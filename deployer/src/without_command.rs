//! What `deployer` prints without a command: what to type first in this folder.

use std::fmt::Write as _;

use anyhow::Result;

use crate::cli::Global;
use crate::config::{self, Config, ProcessEnvironment};

/// Without a `deployer.toml`, how to get one; with one, the commands of every day for its environments.
///
/// # Errors
/// There is a `deployer.toml`, and it cannot be read.
pub fn first_commands(global: &Global, process: ProcessEnvironment) -> Result<String> {
    if global.config.is_none() && !config::is_here()? {
        return Ok(without_file());
    }
    Config::load(global, process).map(|config| of_project(&config))
}

fn without_file() -> String {
    let (repository, version) = (env!("CARGO_PKG_REPOSITORY"), env!("CARGO_PKG_VERSION"));
    format!(
        "There is no `deployer.toml` here or in a folder above. What to type first:\n  \
         deployer init       Write one for Lambda functions that already exist in your AWS account\n  \
         deployer local up   Try an example without AWS, in `deployer/examples/python-http-api` of a clone of {repository}\n  \
         deployer --help     List the commands, exit codes and environment variables\n  \
         Documentation       {repository}/blob/v{version}/docs/quick-start.md"
    )
}

fn of_project(config: &Config) -> String {
    let names: Vec<&str> = config.environments().map(|environment| environment.name.as_str()).collect();
    let default = config.environment(None).ok().map(|environment| environment.name.as_str());
    let first = default.or(names.first().copied());
    let Some(first) = first else { return without_environments(config) };
    let mut rows = vec![
        ("status".to_owned(), "Show what is live".to_owned()),
        (format!("plan {first}"), format!("Show what a deploy to `{first}` would change")),
        (format!("deploy {first}"), format!("Release this checkout to `{first}`")),
    ];
    if let Some(next) = names.iter().find(|name| **name != first) {
        rows.push((format!("promote {first} {next}"), format!("Release to `{next}` what runs in `{first}`")));
    }
    rows.push((format!("rollback {first} --to previous"), "Go back to the previous release".to_owned()));
    rows.push(("--help".to_owned(), "List all commands".to_owned()));
    let local = if config.local { "--local " } else { "" };
    let width = rows.iter().map(|(command, _)| command.len()).max().unwrap_or_default();
    let which = if config.local { "local environments" } else { "environments" };
    let mut text = format!("`{}` has the {which} {}. Everyday commands:", config.app, names.join(", "));
    for (command, what) in rows {
        let _ = write!(text, "\n  deployer {local}{command:width$}   {what}");
    }
    text
}

/// With `--local` alone: a file without other environments is not valid.
fn without_environments(config: &Config) -> String {
    format!(
        "`{}` has no local environments. What to do first:\n  \
         [local]             Declare them in `deployer.toml` (docs/local.md)\n  \
         deployer --help     List the commands, exit codes and environment variables",
        config.app
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn of(environments: &str, local: bool) -> String {
        let file = format!("app = \"shop\"\nfunctions.api = {{}}\n{environments}");
        of_project(&Config::parse(&file, Path::new("deployer.toml"), local, ProcessEnvironment::default()).unwrap())
    }

    #[test]
    fn without_a_file_five_lines_show_how_to_begin() {
        let text =
            without_file().replace(env!("CARGO_PKG_VERSION"), "VERSION").replace(env!("CARGO_PKG_REPOSITORY"), "URL");
        assert_eq!(
            text,
            "There is no `deployer.toml` here or in a folder above. What to type first:\n  \
             deployer init       Write one for Lambda functions that already exist in your AWS account\n  \
             deployer local up   Try an example without AWS, in `deployer/examples/python-http-api` of a clone of URL\n  \
             deployer --help     List the commands, exit codes and environment variables\n  \
             Documentation       URL/blob/vVERSION/docs/quick-start.md"
        );
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/python-http-api/deployer.toml");
        assert!(example.exists());
    }

    #[test]
    fn a_project_with_two_environments_can_promote() {
        let two = "environments.prod = { ledger = \"l\", region = \"r\" }\nenvironments.dev = { ledger = \"l\", region = \"r\" }\n";
        assert_eq!(
            of(two, false),
            "`shop` has the environments dev, prod. Everyday commands:\n  \
             deployer status                       Show what is live\n  \
             deployer plan dev                     Show what a deploy to `dev` would change\n  \
             deployer deploy dev                   Release this checkout to `dev`\n  \
             deployer promote dev prod             Release to `prod` what runs in `dev`\n  \
             deployer rollback dev --to previous   Go back to the previous release\n  \
             deployer --help                       List all commands"
        );
    }

    #[test]
    fn a_project_with_one_environment_cannot() {
        let one = "environments.live = { ledger = \"l\", region = \"r\" }\n";
        assert!(!of(one, false).contains("promote"));
    }

    #[test]
    fn local_environments_are_used_with_their_flag() {
        let local = "environments.dev = { ledger = \"l\", region = \"r\" }\n[local]\ndev = { port = 24566, account = \"111111111111\" }\n";
        let text = of(local, true);
        assert!(text.starts_with("`shop` has the local environments dev."), "{text}");
        assert!(text.contains("\n  deployer --local deploy dev "), "{text}");
        let none = of("environments.dev = { ledger = \"l\", region = \"r\" }\n", true);
        assert!(none.starts_with("`shop` has no local environments. What to do first:\n  [local] "), "{none}");
    }
}
