//! Looks into the folder: the sources and the build of each function.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::account::Found;
use super::cargo::{Bin, bins};
use crate::artifact::{handler_files, sources_below};
use crate::aws::Settings;
use crate::config::{FunctionResource, ProcessEnvironment};
use crate::failure::Failure;

/// The number of functions named whose code is not recognised.
const SHOWN: usize = 5;

/// Folders for what was installed or built.
const MADE: [&str; 9] =
    ["node_modules", "target", "dist", "build", "venv", ".venv", "__pycache__", "site-packages", ".deployer"];

/// Where a function's code comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Code {
    /// A binary of a cargo package, with the features that it needs.
    Cargo { package: String, bin: String, features: Vec<String> },
    /// A container image by its digest.
    Image(String),
    /// A folder as it is.
    Folder(String),
    /// A command that writes a folder.
    Command { command: String, output: String },
}

/// The folder with the sources.
pub(super) struct Project {
    pub(super) root: PathBuf,
    /// All files, relative to the folder.
    pub(super) files: BTreeSet<String>,
    bins: Vec<Bin>,
}

impl Project {
    /// Reads the folder, as far as the found functions need it.
    ///
    /// # Errors
    /// Cargo cannot read its workspace.
    pub(super) async fn read(root: &Path, process: &ProcessEnvironment, found: &Found) -> Result<Self> {
        let root = root.canonicalize().with_context(|| format!("cannot read `{}`", root.display()))?;
        let files = sources_below(process, &root, &[]).await.into_iter();
        let files = files.filter_map(|path| Some(path.strip_prefix(&root).ok()?.to_str()?.to_owned()));
        let files: BTreeSet<String> = files.filter(|file| !file.split('/').any(|part| MADE.contains(&part))).collect();
        let is_built =
            |settings: &Settings| settings.starts().is_some_and(|(runtime, _)| runtime.starts_with("provided"));
        let bins = match found.settings.values().any(is_built) {
            true => bins(&root, process, &files).await?,
            false => Vec::new(),
        };
        Ok(Self { root, files, bins })
    }

    /// The code of each function, by key.
    ///
    /// # Errors
    /// Some functions have no code here: the error names them.
    pub(super) fn codes(&self, found: &Found) -> Result<Vec<(String, Code)>> {
        let (mut codes, mut unknown) = (Vec::new(), Vec::new());
        for (key, function) in &found.contract.functions {
            let code = match found.images.get(key) {
                Some(image) => Ok(Code::Image(image.clone())),
                None => self.code(key, function, &found.settings[key], found.contract.functions.len()),
            };
            match code {
                Ok(code) => codes.push((key.clone(), code)),
                Err(why) => unknown.push(format!("function `{}` {why}", function.name)),
            }
        }
        if unknown.is_empty() {
            return Ok(codes);
        }
        let more = unknown.len().saturating_sub(SHOWN);
        unknown.truncate(SHOWN);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        let (root, unknown) = (self.root.display(), unknown.join("; "));
        Err(Failure::bad_input(format!("cannot find the code of every function in `{root}`: {unknown}{more}"))
            .hint(
                "run it in the folder with the sources, or write `deployer.toml` yourself: `docs/configuration.md` of the \
                 deployer's repository describes all keys",
            )
            .into())
    }

    fn code(&self, key: &str, function: &FunctionResource, settings: &Settings, of: usize) -> Result<Code, String> {
        let Some((runtime, handler)) = settings.starts() else {
            return Err("has no runtime".to_owned());
        };
        if runtime.starts_with("provided") {
            return self.bin(key, &function.name, of).ok_or_else(|| match self.bins.as_slice() {
                [] => format!("has the runtime `{runtime}`, but there is no cargo workspace"),
                bins => {
                    let names: Vec<_> = bins.iter().map(|bin| format!("`{}`", bin.name)).collect();
                    format!("matches none of the binaries {}", names.join(", "))
                }
            });
        }
        let files = handler_files(&runtime, &handler)
            .ok_or_else(|| format!("has the runtime `{runtime}`, whose sources `init` does not recognise"))?;
        if let Some(folder) = folder_of(&self.files, &files, (key, &function.name))? {
            return self.packaged(key, &folder, &runtime, settings);
        }
        self.built((key, &function.name), &files)?.ok_or_else(|| {
            let file = files.first().cloned().unwrap_or_default();
            format!("starts `{handler}` with `{runtime}`, but there is no `{file}`")
        })
    }

    /// The binary with the function's name, or the only one.
    fn bin(&self, key: &str, name: &str, of: usize) -> Option<Code> {
        // Several matches count as none: the wrong program might take the traffic.
        let by = |is: &dyn Fn(&Bin) -> bool| {
            let mut all = self.bins.iter().filter(|bin| is(bin));
            all.next().filter(|_| all.next().is_none())
        };
        let words = |text: &str| text.split(['-', '_']).map(str::to_lowercase).collect::<Vec<_>>();
        let name_has = |bin: &Bin| words(name).windows(words(&bin.name).len()).any(|part| part == words(&bin.name));
        let only = self.bins.first().filter(|_| self.bins.len() == 1 && of == 1);
        let found = by(&|bin| bin.name == key)
            .or_else(|| by(&|bin| bin.package == key))
            .or_else(|| by(&|bin| bin.name == name))
            .or_else(|| by(&name_has))
            .or(only)?;
        let Bin { package, name, features } = found.clone();
        Some(Code::Cargo { package, bin: name, features })
    }
}

/// The folder with one of these files: the one with the function's name in its path, or the least deep one.
pub(super) fn folder_of(
    all: &BTreeSet<String>,
    files: &[String],
    (key, name): (&str, &str),
) -> Result<Option<String>, String> {
    let folders = files.iter().flat_map(|file| {
        all.iter().filter_map(move |path| {
            let folder = path.strip_suffix(file.as_str())?;
            (folder.is_empty() || folder.ends_with('/')).then(|| folder.trim_end_matches('/').to_owned())
        })
    });
    let folders: BTreeSet<String> = folders.collect();
    let depth = |folder: &String| if folder.is_empty() { 0 } else { folder.split('/').count() };
    let named: Vec<_> =
        folders.iter().filter(|folder| folder.split('/').any(|part| part == key || part == name)).collect();
    let candidates = if named.is_empty() { folders.iter().collect() } else { named };
    let Some(least) = candidates.iter().map(|folder| depth(folder)).min() else { return Ok(None) };
    let nearest: Vec<_> = candidates.into_iter().filter(|folder| depth(folder) == least).collect();
    match nearest.as_slice() {
        [only] => Ok(Some((*only).clone())),
        several => {
            let names: Vec<_> = several.iter().map(|folder| format!("`{folder}`")).collect();
            Err(format!("could be in any of the folders {}", names.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn project(files: &[&str]) -> Project {
        Project {
            root: PathBuf::from("/nowhere"),
            files: files.iter().map(|file| (*file).to_owned()).collect(),
            bins: Vec::new(),
        }
    }

    fn code(project: &Project, key: &str, runtime: &str, handler: &str) -> Result<Code, String> {
        let settings =
            Settings::of_configuration(&json!({"Runtime": runtime, "Handler": handler, "Architectures": ["arm64"]}));
        let function = FunctionResource {
            name: format!("shop-{key}-dev"),
            alias: "live".to_owned(),
            architecture: None,
            url: None,
        };
        project.code(key, &function, &settings, 2)
    }

    #[test]
    fn a_folder_of_sources_is_packaged_as_it_is() {
        let found = code(&project(&["functions/hello/index.mjs"]), "hello", "nodejs22.x", "index.handler");
        assert_eq!(found, Ok(Code::Folder("functions/hello".to_owned())));
    }

    #[test]
    fn the_folder_with_the_functions_name_is_preferred() {
        let both = project(&["orders/index.js", "mail/index.js"]);
        assert_eq!(code(&both, "mail", "nodejs22.x", "index.handler"), Ok(Code::Folder("mail".to_owned())));
        let refused = code(&both, "other", "nodejs22.x", "index.handler").unwrap_err();
        assert_eq!(refused, "could be in any of the folders `mail`, `orders`");
    }

    #[test]
    fn python_packages_are_installed_for_the_functions_processor() {
        let found = code(&project(&["src/app.py", "requirements.txt"]), "api", "python3.13", "app.handle").unwrap();
        let Code::Command { command, output } = found else { panic!("{found:?}") };
        assert!(
            command.starts_with("rm -rf .deployer/package/api && mkdir -p .deployer/package/api && cp -R src/. "),
            "{command}"
        );
        assert!(command.contains("--platform manylinux2014_aarch64 --python-version 3.13 "), "{command}");
        assert!(command.ends_with(" -r requirements.txt"), "{command}");
        assert_eq!(output, ".deployer/package/api");
    }

    #[test]
    fn python_sources_are_copied_without_caches_and_with_quoting() {
        let found = code(&project(&["my app/$(x)/app.py"]), "api", "python3.13", "app.handle").unwrap();
        let Code::Command { command, .. } = found else { panic!("{found:?}") };
        assert!(command.contains("cp -R 'my app/$(x)/.' .deployer/package/api/ && find "), "{command}");
    }

    #[test]
    fn an_ignored_file_beside_the_sources_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("src")).unwrap();
        for file in ["index.js", ".env"] {
            std::fs::write(folder.path().join("src").join(file), "").unwrap();
        }
        let project = Project { root: folder.path().to_owned(), ..project(&["src/index.js"]) };
        let refused = code(&project, "api", "nodejs22.x", "index.handler").unwrap_err();
        assert!(refused.starts_with("is in `src`, where git ignores `src/.env`"), "{refused}");
    }

    #[test]
    fn sources_in_the_root_are_copied_without_tests_and_tools() {
        let files =
            ["app.py", "shop/__init__.py", "tests/test_app.py", "terraform/main.tf", "deployer.toml", "README.md"];
        let found = code(&project(&files), "api", "python3.13", "app.handle").unwrap();
        let Code::Command { command, .. } = found else { panic!("{found:?}") };
        assert!(command.contains("cp -R app.py shop .deployer/package/api/ && "), "{command}");
    }

    #[test]
    fn a_binary_is_found_by_key_package_or_function_name() {
        let bin = |package: &str, name: &str| Bin {
            package: package.to_owned(),
            name: name.to_owned(),
            features: Vec::new(),
        };
        let mixed = Project {
            bins: vec![bin("shop", "worker"), bin("api", "http"), bin("tools", "mail_sender")],
            ..project(&[])
        };
        let of = |key: &str, name: &str| match mixed.bin(key, name, 3) {
            Some(Code::Cargo { package, bin, .. }) => Some((package, bin)),
            _ => None,
        };
        assert_eq!(of("worker", "x"), Some(("shop".to_owned(), "worker".to_owned())));
        assert_eq!(of("api", "x"), Some(("api".to_owned(), "http".to_owned())));
        assert_eq!(of("sender", "shop-mail-sender-dev"), Some(("tools".to_owned(), "mail_sender".to_owned())));
        assert_eq!(of("other", "other"), None);
        // A part of a word does not match, nor does one of several.
        assert_eq!(of("x", "shop-workers-dev"), None);
        let project = Project { bins: vec![bin("api", "migrate"), bin("api", "server")], ..project(&[]) };
        assert_eq!(project.bin("api", "shop-api", 1), None);
    }

    #[test]
    fn an_unrecognised_function_gets_a_reason() {
        let nothing = project(&["main.go"]);
        for (runtime, handler, expected) in [
            ("provided.al2023", "bootstrap", "has the runtime `provided.al2023`, but there is no cargo workspace"),
            ("python3.13", "app.handle", "starts `app.handle` with `python3.13`, but there is no `app.py`"),
            ("java21", "a.B::c", "has the runtime `java21`, whose sources `init` does not recognise"),
        ] {
            assert_eq!(code(&nothing, "api", runtime, handler), Err(expected.to_owned()));
        }
    }
}
