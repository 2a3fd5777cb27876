//! Cargo's configuration files (`.cargo/config.toml`): what of them a binary is made of, and the flags that keep the
//! checkout's place out of it.

use std::path::{Path, PathBuf};

use crate::config::Config;

/// The tables that change what is compiled. Others say where from (registries), how fast, or where to.
const COUNT: [&str; 6] = ["target", "env", "profile", "patch", "paths", "unstable"];
/// Of `[build]` only these.
const BUILD: [&str; 5] = ["rustflags", "rustc", "rustc-wrapper", "rustc-workspace-wrapper", "target"];

/// The configuration that cargo reads in a folder, the nearest file first.
pub(super) struct Settings(Vec<toml::Table>);

impl Settings {
    pub(super) fn read(config: &Config, folder: &Path) -> Self {
        let home = config.process.cargo_home();
        let mut folders: Vec<_> = folder.ancestors().map(|folder| folder.join(".cargo")).collect();
        folders.extend(home.filter(|home| !folders.contains(home)));
        let mut tables = Vec::new();
        for folder in folders {
            // Where there are both, cargo reads the one without an ending.
            let file = ["config", "config.toml"].map(|name| folder.join(name)).into_iter().find(|path| path.is_file());
            file.into_iter().for_each(|path| read(&path, &mut tables));
        }
        Self(tables)
    }

    /// What of it a binary is made of, as text.
    pub(super) fn text(&self) -> String {
        self.0.iter().map(counting).filter(|table| !table.is_empty()).map(|table| table.to_string()).collect()
    }

    /// All of it, as text.
    pub(super) fn everything(&self) -> String {
        self.0.iter().map(ToString::to_string).collect()
    }

    /// Whether it is configured how to link for a target: by a linker, flags that name one, or another program in the place of cargo.
    pub(super) fn names_linker(&self, config: &Config, triple: &str) -> bool {
        let text = |name: &str| config.process.get(name).map(|value| value.to_string_lossy().into_owned());
        let flags = ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", &variable(triple, "RUSTFLAGS")].map(text);
        let by_flags = |flags: &str| flags.contains("linker");
        let of_target = self.0.iter().filter_map(|table| table.get("target")?.as_table()).flatten();
        let of_target = of_target.filter(|(key, _)| key.as_str() == triple || key.starts_with("cfg("));
        let of_build = self.0.iter().filter_map(|table| table.get("build")?.get("rustflags"));
        text(&variable(triple, "LINKER")).is_some()
            || flags.iter().flatten().any(|flags| by_flags(flags))
            || of_target.map(|(_, table)| table).chain(of_build).any(|found| by_flags(&found.to_string()))
            || Path::new(&config.process.cargo()).file_stem().is_some_and(|name| name != "cargo")
    }

    /// Where flags of the compiler are set: flags set there too are added to them. Cargo takes the first kind that there
    /// is: of the environment, of the target, of `[build]`.
    fn flags(&self, config: &Config, triple: &str) -> Vec<String> {
        let variable = variable(triple, "RUSTFLAGS");
        let by_variable = config.process.get(&variable).map(|_| format!("target.{triple}.rustflags"));
        let tables = self.0.iter().filter_map(|table| table.get("target")?.as_table()).flatten();
        let set = tables.filter(|(_, table)| table.get("rustflags").is_some()).map(|(key, _)| key);
        let set = set.filter(|key| key.as_str() == triple || key.starts_with("cfg("));
        let set = set.map(|key| format!("target.{}.rustflags", toml::Value::from(key.as_str())));
        let mut keys: Vec<_> = set.chain(by_variable).chain(["build.rustflags".to_owned()]).collect();
        keys.sort();
        keys.dedup();
        keys
    }
}

/// The variable in which cargo reads a setting of a target.
fn variable(triple: &str, setting: &str) -> String {
    format!("CARGO_TARGET_{}_{setting}", triple.to_uppercase().replace('-', "_"))
}

fn read(path: &Path, tables: &mut Vec<toml::Table>) {
    // Cargo itself reports a malformed file, and inclusions in a circle.
    let text = std::fs::read_to_string(path).ok().filter(|_| tables.len() < 64);
    let Some(table) = text.and_then(|text| text.parse::<toml::Table>().ok()) else { return };
    let included = match table.get("include") {
        Some(toml::Value::Array(all)) => all.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    };
    tables.push(table);
    for entry in included {
        let name = entry.as_str().or_else(|| entry.get("path")?.as_str());
        let name = name.and_then(|name| Some(path.parent()?.join(name)));
        name.into_iter().for_each(|path| read(&path, tables));
    }
}

fn counting(table: &toml::Table) -> toml::Table {
    let mut counting: toml::Table = table
        .iter()
        .filter(|(key, _)| COUNT.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let build = table.get("build").and_then(toml::Value::as_table).into_iter().flatten();
    let build: toml::Table = build
        .filter(|(key, _)| BUILD.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if !build.is_empty() {
        counting.insert("build".to_owned(), build.into());
    }
    counting
}

/// How cargo is made to keep the places of this machine out of the binaries: arguments, and the variable of compiler flags
/// where the user has one, which would silence the arguments.
pub(super) struct Remap {
    pub(super) arguments: Vec<String>,
    pub(super) variable: Option<(&'static str, String)>,
}

impl Remap {
    pub(super) fn of(config: &Config, settings: &Settings, places: &Places<'_>) -> Self {
        let flags = places.flags(config);
        let text = |name: &str| config.process.get(name).and_then(std::ffi::OsStr::to_str);
        if let Some(encoded) = text("CARGO_ENCODED_RUSTFLAGS") {
            let all = encoded.split('\u{1f}').filter(|flag| !flag.is_empty()).map(str::to_owned).chain(flags);
            let all = all.collect::<Vec<_>>().join("\u{1f}");
            return Self { arguments: Vec::new(), variable: Some(("CARGO_ENCODED_RUSTFLAGS", all)) };
        }
        if let Some(plain) = text("RUSTFLAGS") {
            let all = plain.split(' ').filter(|flag| !flag.is_empty()).map(str::to_owned).chain(flags);
            let all = all.collect::<Vec<_>>().join("\u{1f}");
            return Self { arguments: Vec::new(), variable: Some(("CARGO_ENCODED_RUSTFLAGS", all)) };
        }
        let value = toml::Value::Array(flags.into_iter().map(toml::Value::String).collect());
        let set = settings
            .flags(config, places.triple)
            .into_iter()
            .flat_map(|key| ["--config".to_owned(), format!("{key}={value}")]);
        Self { arguments: set.collect(), variable: None }
    }
}

/// Folders whose paths the compiler would write into binaries, and the target that these are for.
pub(super) struct Places<'a> {
    pub(super) triple: &'a str,
    pub(super) workspace: &'a Path,
    pub(super) target: &'a Path,
}

impl Places<'_> {
    fn flags(&self, config: &Config) -> Vec<String> {
        let mut places = Vec::new();
        // Each source of crates has a folder of its own, named after where this machine gets them.
        for (kind, name) in [("registry/src", "/registry"), ("git/checkouts", "/git")] {
            let folder = config.process.cargo_home().map(|home| home.join(kind));
            let sources = folder.and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten();
            places.extend(sources.map(|source| match kind {
                "registry/src" => (source.path(), name.to_owned()),
                _ => (source.path(), format!("{name}/{}", source.file_name().to_string_lossy())),
            }));
        }
        places.sort();
        // Packages of the workspace are compiled by relative paths. Its own place shows only in debug information: a target
        // folder that several checkouts share is worth more, for other flags compile everything again.
        if self.target.starts_with(self.workspace) {
            places.push((self.workspace.to_path_buf(), "/workspace".to_owned()));
        }
        places.push((self.target.to_path_buf(), "/target".to_owned()));
        // A path with a space or `=` would be read as something else in some places: better not remapped.
        let plain = |path: &PathBuf| path.to_str().is_some_and(|path| !path.contains(['=', '\u{1f}']));
        places.retain(|(path, _)| plain(path));
        places.into_iter().map(|(path, name)| format!("--remap-path-prefix={}={name}", path.display())).collect()
    }
}
