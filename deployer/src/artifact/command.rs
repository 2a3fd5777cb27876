//! Runs the commands that make outputs, and those that push images and print their names.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::process::Command;

use super::package::Package;
use super::words;
use crate::config::{Config, Image, ImageSource};
use crate::failure::Failure;

/// A command that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(30 * 60);

/// Runs the command of every output that has one: each once, and one after another, since they may write to the same places.
///
/// # Errors
/// A command failed. Its output went to stderr.
pub(super) async fn make_outputs(config: &Config) -> Result<()> {
    let commands = config.outputs().filter_map(|(key, output)| Some((key, output.made.as_ref()?.command.as_str())));
    for (command, keys) in once(commands) {
        // Stdout is for results: what a build prints goes to stderr.
        run(config, command, &named(&keys), std::io::stderr().into()).await?;
    }
    Ok(())
}

/// The image of every function that has one, by key. A command that several functions have runs once.
///
/// # Errors
/// A command failed, or did not print one image by its digest.
pub(super) async fn images(config: &Config) -> Result<BTreeMap<String, Package>> {
    let (mut images, mut commands) = (BTreeMap::new(), Vec::new());
    for (key, source) in config.images() {
        match source {
            ImageSource::Given(image) => drop(images.insert(key.clone(), Package::Image(image.clone()))),
            ImageSource::Printed(recipe) => commands.push((key, recipe.command.as_str())),
        }
    }
    for (command, keys) in once(commands) {
        let functions = named(&keys);
        let printed = run(config, command, &functions, Stdio::piped()).await?;
        let image = image(&printed).map_err(|what| {
            Failure::bad_input(format!("`image_command` of function {functions} {what}: `{command}`")).hint(
                "it has to print the image that it pushed as `REPOSITORY@sha256:DIGEST` on stdout, and everything else on stderr; no function was changed",
            )
        })?;
        images.extend(keys.into_iter().map(|key| (key.clone(), Package::Image(image.clone()))));
    }
    Ok(images)
}

/// The only line that a command printed.
fn image(printed: &[u8]) -> Result<Image, String> {
    let text = String::from_utf8_lossy(printed);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.as_slice() {
        [] => Err("printed nothing on stdout".to_owned()),
        [one] => Image::try_from((*one).to_owned()).map_err(|why| format!("printed no image with a digest ({why})")),
        lines => Err(format!("printed {} lines on stdout", lines.len())),
    }
}

/// Each command once, with the functions that have it.
fn once<'a>(commands: impl IntoIterator<Item = (&'a String, &'a str)>) -> BTreeMap<&'a str, Vec<&'a String>> {
    let mut all = BTreeMap::<_, Vec<_>>::new();
    for (key, command) in commands {
        all.entry(command).or_default().push(key);
    }
    all
}

fn named(keys: &[&String]) -> String {
    keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}

/// Runs a command for the named functions. Returns what it printed on a stdout that is piped.
async fn run(config: &Config, command: &str, functions: &str, stdout: Stdio) -> Result<Vec<u8>> {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(&config.root);
    shell.env_clear().envs(config.process.for_builds(&config.build.pass_env));
    // A prompt would wait forever.
    shell.stdin(Stdio::null()).stdout(stdout).kill_on_drop(true);
    let failed = |how: String, why: &str, hint: &str| {
        Failure::error(format!("the build command of function {functions} {how}: `{command}`{why}")).hint(hint)
    };
    let ended = tokio::time::timeout(LONGEST, words::run(&mut shell)).await;
    let late = format!("did not finish within {} minutes", LONGEST.as_secs() / 60);
    let stopped = "it was stopped: look at its output above, then run again; nothing was changed";
    let ended = ended.map_err(|_| failed(late, "", stopped))?;
    let (ended, words) = ended.context("cannot run `sh`")?;
    if !ended.status.success() {
        let status = ended.status;
        let how =
            status.code().map_or_else(|| format!("failed ({status})"), |code| format!("failed with exit code {code}"));
        return Err(failed(how, &words.why(), "fix what its output above shows; nothing was changed").into());
    }
    Ok(ended.stdout)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::ProcessEnvironment;

    #[test]
    fn a_command_has_to_print_one_image_with_its_digest() {
        let reference = format!("team/api@sha256:{}", "a".repeat(64));
        assert_eq!(image(format!("\n{reference}\n").as_bytes()).unwrap().to_string(), reference);
        for (printed, expected) in [
            (String::new(), "printed nothing on stdout"),
            (" \n".to_owned(), "printed nothing on stdout"),
            (format!("{reference}\n{reference}\n"), "printed 2 lines on stdout"),
            ("team/api:latest".to_owned(), "printed no image with a digest (the image `team/api:latest` has no digest"),
        ] {
            let error = image(printed.as_bytes()).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_command_that_does_not_end_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let text = "app = 'a'\n[functions.f]\nbuild = { image_command = 'exec sleep 4000' }\n[environments.dev]\nledger = 'l'\nregion = 'r'\n";
        let path = folder.path().join("deployer.toml");
        let process = ProcessEnvironment::of([("PATH", "/usr/bin:/bin")]);
        let config = Config::parse(text, Path::new(&path), false, process).unwrap();
        let error = images(&config).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the build command of function `f` did not finish within 30 minutes: `exec sleep 4000`"
        );
    }
}
