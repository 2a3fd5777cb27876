//! The manual: a page for `deployer` and one for each command, made of the command line's own help.

use std::path::Path;

use anyhow::{Context as _, Result};
use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

use crate::cli::Cli;

/// The main page.
///
/// # Errors
/// It cannot be made.
pub fn main_page() -> Result<Vec<u8>> {
    rendered(command()).context("cannot render the man page")
}

/// Writes a page for `deployer` and for each command into a folder, which is created if needed. Returns how many.
///
/// # Errors
/// The folder or a page cannot be written.
pub fn write(folder: &Path) -> Result<usize> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create the folder `{}`", folder.display()))?;
    let mut command = command();
    command.build();
    let mut pages = Vec::new();
    collect(command, &mut pages);
    for page in &pages {
        let path = folder.join(Man::new(page.clone()).get_filename());
        let written = rendered(page.clone()).and_then(|text| std::fs::write(&path, text));
        written.with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(pages.len())
}

/// A page, whose examples keep their lines: the library would fill them up to paragraphs.
fn rendered(command: Command) -> std::io::Result<Vec<u8>> {
    let after = command.get_after_long_help().or(command.get_after_help()).map(ToString::to_string);
    let has_commands = command.has_subcommands();
    let (man, mut page) = (Man::new(command).manual("deployer"), Vec::new());
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if has_commands {
        man.render_subcommands_section(&mut page)?;
    }
    page.extend_from_slice(sections(&after.unwrap_or_default()).as_bytes());
    Ok(page)
}

/// What follows the options in the help: paragraphs, some with a title and lines of their own.
fn sections(help: &str) -> String {
    let mut page = String::new();
    for section in help.split("\n\n") {
        let (title, lines) = section.split_once(":\n").unwrap_or(("Notes", section));
        page.push_str(&format!(".SH {}\n.nf\n", title.to_uppercase()));
        for line in lines.lines() {
            let line = line.strip_prefix("  ").unwrap_or(line);
            // A dot or a quote at the beginning would be a request.
            let line = line.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq").replace('…', "...");
            page.push_str(&format!("\\&{line}\n"));
        }
        page.push_str(".fi\n");
    }
    page
}

fn command() -> Command {
    // Its pages are the same for every target.
    Cli::command().name("deployer").version(env!("CARGO_PKG_VERSION"))
}

fn collect(command: Command, pages: &mut Vec<Command>) {
    let below: Vec<Command> = command.get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect();
    pages.push(command);
    below.into_iter().for_each(|command| collect(command, pages));
}
