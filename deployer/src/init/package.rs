//! What makes the package of a function that its runtime loads from files: its sources, and what they need from elsewhere.

use std::collections::BTreeSet;
use std::path::Path;

use super::project::{Code, Project};
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

    /// What a build script of `package.json` makes: the handler's file is only there afterwards.
    pub(super) fn built(&self, key: &str, files: &[String]) -> Option<Code> {
        let manifest = self.manifest("package.json")?;
        manifest["scripts"]["build"].as_str()?;
        let file = Path::new(files.first()?);
        let is_source = |path: &String| {
            let path = Path::new(path);
            path.file_stem() == file.file_stem() && path.extension().is_some_and(|end| end == "ts" || end == "mts")
        };
        self.files.iter().find(|path| is_source(path))?;
        let install = if self.files.contains("package-lock.json") { "npm ci" } else { "npm install" };
        let others = ["package.json", "package-lock.json", "tsconfig.json"].map(str::to_owned);
        let mut inputs: Vec<String> = others.into_iter().filter(|file| self.files.contains(file)).collect();
        inputs.push(if self.files.iter().any(|file| file.starts_with("src/")) {
            "src".to_owned()
        } else {
            key.to_owned()
        });
        inputs.sort();
        Some(Code::Command { command: format!("{install} && npm run build"), output: "dist".to_owned(), inputs })
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
