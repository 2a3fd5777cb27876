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
    let mut page = Vec::new();
    Man::new(command()).manual("deployer").render(&mut page)?;
    Ok(page)
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
        let path = folder.join(page.get_filename());
        let write = || -> std::io::Result<()> {
            let mut text = Vec::new();
            page.render(&mut text)?;
            std::fs::write(&path, text)
        };
        write().with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(pages.len())
}

fn command() -> Command {
    Cli::command().name("deployer")
}

fn collect(command: Command, pages: &mut Vec<Man>) {
    let below: Vec<Command> = command.get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect();
    pages.push(Man::new(command).manual("deployer"));
    below.into_iter().for_each(|command| collect(command, pages));
}
