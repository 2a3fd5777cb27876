//! Rules for everything that a run prints or stores.

use clap::Parser as _;
use clap::error::ErrorKind;
use deployer::cli::Cli;

/// The secret access key of every run.
pub(crate) const SECRET_KEY: &str = "simulated/secret/access/key";
/// The value of an environment variable of every function.
pub(crate) const PASSWORD: &str = "swordfish-of-the-simulation";
/// What an address has that is signed.
const SIGNED: [&str; 3] = ["X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token"];

/// The secrets in a text that is printed or stored: invariant 13.
pub(crate) fn secrets(text: &str, session: Option<&str>) -> Vec<String> {
    let secrets = [SECRET_KEY, PASSWORD].into_iter().chain(SIGNED).chain(session);
    secrets.filter(|secret| text.contains(secret)).map(|secret| format!("`{secret}` is printed or stored")).collect()
}

/// The commands in a text that the command line does not take: invariants 14 and 16. A command may be named by its first
/// words, without what it needs besides.
pub(crate) fn strange_commands(text: &str) -> Vec<String> {
    let commands = text.split('`').filter(|part| part.starts_with("deployer ") && !part.contains('\n'));
    commands.filter_map(|command| strange(command).map(|why| format!("`{command}` is not a command: {why}"))).collect()
}

/// Why the command line does not take a command, if it does not.
pub(crate) fn strange(command: &str) -> Option<ErrorKind> {
    let kind = Cli::try_parse_from(command.split_whitespace()).err()?.kind();
    let is_short = matches!(
        kind,
        ErrorKind::MissingRequiredArgument
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            | ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
    );
    (!is_short).then_some(kind)
}
