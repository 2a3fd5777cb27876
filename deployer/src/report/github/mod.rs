//! A run of GitHub Actions: its log with groups and annotations, its page with a summary, the outputs for the steps
//! that follow.
//!
//! Commands are lines for stderr: the runner reads both streams, and stdout is the result's. Makes lines and appends
//! to the two files that GitHub names; never prints itself. It adds no masks: such a line contains the secret, in a
//! log that may go elsewhere too, and what puts credentials into a job (configure-aws-credentials, `secrets`) masks
//! them already.

mod command;
mod output;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::markdown::Markdown;
use crate::config::GitHubStep;
use crate::failure::Place;
use crate::world::World;

pub(super) use command::{harmless, harmless_json};

/// The step that this command runs in.
#[derive(Debug)]
pub(super) struct GitHub {
    step: GitHubStep,
    world: World,
    /// Whether the page already says how the command ended.
    shown: AtomicBool,
}

impl GitHub {
    pub(super) fn new(step: GitHubStep, world: &World) -> Self {
        Self { step, world: world.clone(), shown: AtomicBool::new(false) }
    }

    pub(super) fn group(title: &str) -> String {
        command::command("group", &[], title)
    }

    pub(super) fn end_group() -> String {
        command::command("endgroup", &[], "")
    }

    pub(super) fn warning(message: &str) -> String {
        command::command("warning", &[("title", "deployer".to_owned())], message)
    }

    /// An error, at its place in the checkout if it has one.
    pub(super) fn error(&self, title: &str, place: Option<&Place>, message: &str) -> String {
        let mut properties = vec![("title", title.to_owned())];
        if let Some(place) = place {
            properties.push(("file", self.in_checkout(&place.file).display().to_string()));
            properties.push(("line", place.line.to_string()));
            properties.push(("col", place.column.to_string()));
        }
        command::command("error", &properties, message)
    }

    fn in_checkout(&self, file: &Path) -> PathBuf {
        let inside = self.step.workspace.as_ref().and_then(|workspace| file.strip_prefix(workspace).ok());
        inside.unwrap_or(file).to_path_buf()
    }

    /// Shows it on the page of the run.
    pub(super) fn show(&self, summary: &Markdown) -> io::Result<()> {
        self.shown.store(true, Ordering::Relaxed);
        append(self.step.summary.as_deref(), &format!("{summary}\n"))
    }

    /// Whether something was shown already.
    pub(super) fn has_shown(&self) -> bool {
        self.shown.load(Ordering::Relaxed)
    }

    /// Hands values to the steps that follow.
    pub(super) fn hand_on(&self, outputs: &[(&str, String)]) -> io::Result<()> {
        if outputs.is_empty() {
            Ok(())
        } else {
            append(self.step.output.as_deref(), &output::lines(outputs, &self.world))
        }
    }
}

/// What another tool wrote there before stays. Nothing is written where GitHub names no file.
fn append(file: Option<&Path>, text: &str) -> io::Result<()> {
    let Some(file) = file else { return Ok(()) };
    std::fs::OpenOptions::new().create(true).append(true).open(file)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_shown_at_its_place_in_the_checkout() {
        let step = GitHubStep { workspace: Some("/checkout".into()), ..GitHubStep::default() };
        let place = Place { file: "/checkout/a,b/deployer.toml".into(), line: 3, column: 7 };
        let seen = GitHub::new(step, &World::real()).error("Bad input", Some(&place), "it is malformed\nhint: fix it");
        assert_eq!(
            seen,
            "::error title=Bad input,file=a%2Cb/deployer.toml,line=3,col=7::it is malformed%0Ahint: fix it"
        );
    }

    #[test]
    fn what_another_step_wrote_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("output");
        let step = GitHubStep { output: Some(file.clone()), ..GitHubStep::default() };
        std::fs::write(&file, "before=1\n").unwrap();
        GitHub::new(step, &World::real()).hand_on(&[("changed", "true".to_owned())]).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "before=1\nchanged=true\n");
    }

    #[test]
    fn a_file_that_cannot_be_written_is_an_error_for_the_caller() {
        let step = GitHubStep { summary: Some("/nowhere/at/all".into()), ..GitHubStep::default() };
        let github = GitHub::new(step, &World::real());
        assert!(github.show(&Markdown::default()).is_err());
        assert!(github.has_shown());
        assert!(GitHub::new(GitHubStep::default(), &World::real()).show(&Markdown::default()).is_ok());
    }
}
