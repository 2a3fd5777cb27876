//! Makes the picture of a terminal in the README: `.ci/terminal`.
//!
//! In: an example project, the binary `deployer` that was built beside this one, and where the SVG goes. A copy of the project is released
//! on a local AWS of its own; what the commands draw on a terminal becomes the picture. Nothing in it is made up but the prompt.

mod project;
mod recording;
mod svg;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use project::Project;

/// A command, the edit of `src/app.py` before it, and how it ends.
struct Scene {
    edit: Option<(&'static str, &'static str)>,
    command: &'static str,
    code: u32,
}

/// What the picture shows: a release, one that its check stops, and what is live after both.
const SCENES: [Scene; 3] = [
    Scene { edit: Some(("\"Call Ada\"", "\"Call Grace\"")), command: "deployer deploy dev", code: 0 },
    Scene { edit: Some(("\"text\": text", "\"note\": text")), command: "deployer deploy dev", code: 6 },
    Scene { edit: None, command: "deployer status dev", code: 0 },
];

fn main() -> Result<()> {
    let file = std::env::args_os().nth(1).map(PathBuf::from).context("name the file of the picture")?;
    let own = std::env::current_exe()?;
    let deployer = own.parent().and_then(Path::parent).context("no folder above this program")?.join("deployer");
    let project = Project::up(deployer)?;
    let mut lines = Vec::new();
    for Scene { edit, command, code } in SCENES {
        if let Some((from, to)) = edit {
            project.edit("src/app.py", from, to)?;
        }
        let recording = recording::record(&project, command)?;
        anyhow::ensure!(recording.code == code, "`{command}` ended with {}, not with {code}", recording.code);
        if !lines.is_empty() {
            lines.push(recording::Line::default());
        }
        lines.push(recording::prompt(command));
        lines.extend(recording.lines);
    }
    std::fs::write(&file, svg::draw(&lines)).with_context(|| format!("cannot write `{}`", file.display()))
}
