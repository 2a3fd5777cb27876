//! What makes the package of a function that its runtime loads from files: its sources, and what they need from elsewhere.

use std::collections::BTreeSet;
use std::path::Path;

use super::project::{Code, Project, folder_of};
use crate::aws::Settings;

impl Project {
    /// The sources as they are, with what they need from elsewhere.
    pub(super) fn packaged(&self, key: &str, folder: &str, runtime: &str, settings: &Settings) -> Code {
        let at = |file: &str| {
            let places =
                [folder, ""].map(|place| if place.is_empty() { file.to_owned() } else { format!("{place}/{file}") });
            places.into_iter().find(|path| self.files.contains(path))
        };
        let output = format!(".deployer/package/{key}");
        let installed = if runtime.starts_with("python") {
            at("requirements.txt").map(|file| (install_python(&output, &file, runtime, settings), vec![file]))
        } else {
            at("package-lock.json").filter(|_| at("package.json").is_some_and(|file| self.has_dependencies(&file))).map(
                |lock| {
                    let manifest = at("package.json").unwrap_or_default();
                    let install = format!(
                        "cp {manifest} {lock} {output}/ && npm ci --prefix {output} --omit=dev --ignore-scripts"
                    );
                    (install, vec![manifest, lock])
                },
            )
        };
        if installed.is_none() && !folder.is_empty() {
            return Code::Folder(folder.to_owned());
        }
        let sources = self.sources(folder);
        let copied = if folder.is_empty() { sources.join(" ") } else { format!("{folder}/.") };
        let mut command = format!("rm -rf {output} && mkdir -p {output} && cp -R {copied} {output}/");
        let mut inputs = if folder.is_empty() { sources } else { vec![folder.to_owned()] };
        if let Some((install, files)) = installed {
            command.push_str(" && ");
            command.push_str(&install);
            inputs.extend(files);
        }
        inputs.sort();
        inputs.dedup();
        Code::Command { command, output, inputs }
    }

    /// What of the project's own folder is a part of the function: what is no setting of a tool, and no test.
    fn sources(&self, folder: &str) -> Vec<String> {
        if !folder.is_empty() {
            return Vec::new();
        }
        const OTHER: [&str; 8] = ["tests", "test", "docs", "infra", "terraform", "cdk.out", "README.md", "LICENSE"];
        const ENDS: [&str; 7] = [".py", ".js", ".mjs", ".cjs", ".json", ".rb", ".txt"];
        let tops: BTreeSet<&str> = self.files.iter().filter_map(|file| file.split('/').next()).collect();
        let is_source = |top: &&str| {
            let is_file = self.files.contains(*top);
            !top.starts_with('.') && !OTHER.contains(top) && (!is_file || ENDS.iter().any(|end| top.ends_with(end)))
        };
        tops.into_iter().filter(is_source).map(str::to_owned).collect()
    }

    /// What a build script of `package.json` makes, where it has run: nothing but its output says where that goes.
    pub(super) fn built(&self, (key, name): (&str, &str), files: &[String]) -> Result<Option<Code>, String> {
        let script = self.manifest("package.json").and_then(|manifest| manifest["scripts"]["build"].as_str().map(drop));
        if script.is_none() {
            return Ok(None);
        }
        let Some(output) = folder_of(&self.outputs(), files, (key, name))? else {
            let file = files.first().map_or("", String::as_str);
            return Err(format!("needs `{file}`, which `npm run build` has not made yet: run that, then this again"));
        };
        let install = if self.files.contains("package-lock.json") { "npm ci" } else { "npm install" };
        let others = ["package.json", "package-lock.json", "tsconfig.json", "src"].map(str::to_owned);
        let is_there = |input: &String| self.files.contains(input) || self.root.join(input).is_dir();
        let inputs: Vec<String> = others.into_iter().filter(is_there).collect();
        Ok(Some(Code::Command { command: format!("{install} && npm run build"), output, inputs }))
    }

    /// The files in the folders that builds write.
    fn outputs(&self) -> BTreeSet<String> {
        let mut folders: Vec<_> = ["dist", "build", "out", "lib"].map(|name| self.root.join(name)).to_vec();
        let mut files = BTreeSet::new();
        while let Some(folder) = folders.pop() {
            for path in std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
                match path.strip_prefix(&self.root).ok().and_then(Path::to_str) {
                    Some(_) if path.is_dir() && !path.ends_with("node_modules") => folders.push(path),
                    Some(name) => drop(files.insert(name.to_owned())),
                    None => {}
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

/// Installs Python packages as Lambda runs them, not as this machine does.
fn install_python(output: &str, requirements: &str, runtime: &str, settings: &Settings) -> String {
    let machine = if settings.architecture().as_deref() == Some("arm64") { "aarch64" } else { "x86_64" };
    let version = runtime.trim_start_matches("python");
    format!(
        "python3 -m pip install --quiet --target {output} --platform manylinux2014_{machine} --python-version {version} \
         --only-binary=:all: -r {requirements}"
    )
}
