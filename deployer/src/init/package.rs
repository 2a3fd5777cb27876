//! Builds for runtimes that load files: the sources, and the dependencies that they need.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::project::{Code, Project, folder_of};
use crate::aws::Settings;

impl Project {
    /// The sources as they are, with their dependencies.
    pub(super) fn packaged(&self, key: &str, folder: &str, runtime: &str, settings: &Settings) -> Result<Code, String> {
        self.refuse_ignored(folder)?;
        let at = |file: &str| {
            let places =
                [folder, ""].map(|place| if place.is_empty() { file.to_owned() } else { format!("{place}/{file}") });
            places.into_iter().find(|path| self.files.contains(path))
        };
        let output = format!(".deployer/package/{key}");
        let is_python = runtime.starts_with("python");
        let installed = match is_python {
            true => at("requirements.txt").map(|file| install_python(&output, &file, runtime, settings)),
            false => {
                let manifest = at("package.json").filter(|file| self.has_dependencies(file));
                manifest.zip(at("package-lock.json")).map(|(manifest, lock)| {
                    let (manifest, lock) = (quoted(&manifest), quoted(&lock));
                    format!("cp {manifest} {lock} {output}/ && npm ci --prefix {output} --omit=dev --ignore-scripts")
                })
            }
        };
        if installed.is_none() && !folder.is_empty() && !is_python {
            return Ok(Code::Folder(folder.to_owned()));
        }
        let copied = match folder.is_empty() {
            true => self.sources().iter().map(|source| quoted(source)).collect::<Vec<_>>().join(" "),
            false => quoted(&format!("{folder}/.")),
        };
        let mut command = format!("rm -rf {output} && mkdir -p {output} && cp -R {copied} {output}/");
        if is_python {
            // Left by local runs, and different after each.
            command.push_str(&format!(" && find {output} -name __pycache__ -prune -exec rm -rf {{}} +"));
        }
        command.extend(installed.map(|install| format!(" && {install}")));
        Ok(Code::Command { command, output })
    }

    /// A file beside the sources that git ignores would become part of the package: it may have secrets.
    fn refuse_ignored(&self, folder: &str) -> Result<(), String> {
        if folder.is_empty() {
            return Ok(());
        }
        let ignored = self.below([self.root.join(folder)].into()).into_iter().find(|file| !self.files.contains(file));
        ignored.map_or(Ok(()), |file| {
            Err(format!("is in `{folder}`, where git ignores `{file}`: the package would contain it; move it away, or write the build yourself"))
        })
    }

    /// The files and folders in the project's folder that belong to the function: no tool settings, tests or docs.
    fn sources(&self) -> Vec<String> {
        const OTHER: [&str; 8] = ["tests", "test", "docs", "infra", "terraform", "cdk.out", "README.md", "LICENSE"];
        const ENDS: [&str; 7] = [".py", ".js", ".mjs", ".cjs", ".json", ".rb", ".txt"];
        let tops: BTreeSet<&str> = self.files.iter().filter_map(|file| file.split('/').next()).collect();
        let is_source = |top: &&str| {
            let is_file = self.files.contains(*top);
            !top.starts_with('.') && !OTHER.contains(top) && (!is_file || ENDS.iter().any(|end| top.ends_with(end)))
        };
        tops.into_iter().filter(is_source).map(str::to_owned).collect()
    }

    /// The output of the build script of `package.json`, which must have run: only its output shows where it goes.
    pub(super) fn built(&self, (key, name): (&str, &str), files: &[String]) -> Result<Option<Code>, String> {
        let script = self.manifest("package.json").and_then(|manifest| manifest["scripts"]["build"].as_str().map(drop));
        if script.is_none() {
            return Ok(None);
        }
        let Some(output) = folder_of(&self.outputs(), files, (key, name))? else {
            let file = files.first().cloned().unwrap_or_default();
            return Err(format!("needs `{file}`, which `npm run build` has not made yet: run that first"));
        };
        let install = if self.files.contains("package-lock.json") { "npm ci" } else { "npm install" };
        Ok(Some(Code::Command { command: format!("{install} && npm run build"), output }))
    }

    /// The files in the folders that builds write.
    fn outputs(&self) -> BTreeSet<String> {
        self.below(["dist", "build", "out", "lib"].map(|name| self.root.join(name)).to_vec())
    }

    /// The files in these folders and below, also those that git ignores, except what was installed or compiled there.
    fn below(&self, mut folders: Vec<PathBuf>) -> BTreeSet<String> {
        let mut files = BTreeSet::new();
        while let Some(folder) = folders.pop() {
            for path in std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
                let is_made = path.ends_with("node_modules") || path.ends_with("__pycache__");
                match path.strip_prefix(&self.root).ok().and_then(Path::to_str) {
                    Some(_) if path.is_dir() && !is_made => folders.push(path),
                    Some(name) if !path.is_dir() => drop(files.insert(name.to_owned())),
                    _ => {}
                }
            }
        }
        files
    }

    fn has_dependencies(&self, file: &str) -> bool {
        let manifest = self.manifest(file).unwrap_or_default();
        manifest["dependencies"].as_object().is_some_and(|all| !all.is_empty())
    }

    fn manifest(&self, file: &str) -> Option<serde_json::Value> {
        serde_json::from_slice(&std::fs::read(self.root.join(file)).ok()?).ok()
    }
}

/// Installs Python packages for Lambda's platform, not this machine's.
fn install_python(output: &str, requirements: &str, runtime: &str, settings: &Settings) -> String {
    let machine = if settings.architecture().as_deref() == Some("arm64") { "aarch64" } else { "x86_64" };
    let version = runtime.trim_start_matches("python");
    format!(
        "python3 -m pip install --quiet --target {output} --platform manylinux2014_{machine} --python-version {version} \
         --only-binary=:all: -r {}",
        quoted(requirements)
    )
}

/// A path that the shell reads as one word, and no program as an option.
fn quoted(path: &str) -> String {
    let path = if path.starts_with('-') { format!("./{path}") } else { path.to_owned() };
    match path.chars().all(|letter| letter.is_ascii_alphanumeric() || "./_-".contains(letter)) {
        true => path,
        false => format!("'{}'", path.replace('\'', "'\\''")),
    }
}
