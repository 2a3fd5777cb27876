//! One function: where its code comes from.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Where a function's code comes from.
#[derive(Debug, Clone)]
pub enum Code {
    /// A binary of a cargo package.
    Cargo(Package),
    /// A zip or a folder that something else makes.
    Output(Output),
}

/// What of the cargo workspace a function is made of.
#[derive(Debug, Clone)]
pub struct Package {
    /// The cargo package.
    pub package: String,
    /// The binary of that package that becomes `bootstrap`.
    pub bin: String,
    /// The cargo features, beside the default ones.
    pub features: Vec<String>,
    /// Whether the package's default features are on, as for cargo.
    pub default_features: bool,
}

/// A zip or a folder that becomes a function's zip.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Makes it, run by `sh` in the folder of `deployer.toml`. None: it is there already.
    pub command: Option<String>,
    /// A file that ends with `.zip`, or a folder; from the folder of `deployer.toml`.
    pub output: PathBuf,
    /// The files and folders that it is made of, from the folder of `deployer.toml`. None: all that git does not ignore there.
    pub inputs: Option<Vec<PathBuf>>,
}

/// A function as the file declares it.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct DeclaredFunction {
    /// Where its package comes from: cargo by default.
    #[serde(default)]
    build: DeclaredBuild,
    /// The cargo package. By default the function's key.
    package: Option<String>,
    /// The binary of that package that becomes `bootstrap`. By default the function's key.
    bin: Option<String>,
    /// The cargo features, beside the default ones.
    #[serde(default)]
    features: Vec<String>,
    /// Whether the package's default features are on. By default they are.
    default_features: Option<bool>,
}

/// `"cargo"`, or a table.
#[derive(Debug, Clone, Default)]
enum DeclaredBuild {
    #[default]
    Cargo,
    Output(Output),
}

#[cfg(test)]
impl schemars::JsonSchema for DeclaredBuild {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "DeclaredBuild".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let table = generator.subschema_for::<Output>();
        schemars::json_schema!({"anyOf": [{"const": "cargo"}, table]})
    }
}

impl<'de> Deserialize<'de> for DeclaredBuild {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = DeclaredBuild;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("`\"cargo\"`, or a table with `output` and maybe `command` and `inputs`")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<DeclaredBuild, E> {
                match text {
                    "cargo" => Ok(DeclaredBuild::Cargo),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
                }
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<DeclaredBuild, M::Error> {
                let output = Output::deserialize(MapAccessDeserializer::new(map))?;
                match output.contradiction() {
                    Some(why) => Err(M::Error::custom(why)),
                    None => Ok(DeclaredBuild::Output(output)),
                }
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl Output {
    fn contradiction(&self) -> Option<String> {
        let inside =
            |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        let nothing = |path: &Path| path.components().all(|part| part == Component::CurDir);
        if self.command.as_ref().is_some_and(|command| command.trim().is_empty()) {
            return Some("`command` is empty: leave it out where the output is there already".to_owned());
        }
        if nothing(&self.output) || !inside(&self.output) {
            let output = self.output.display();
            return Some(format!("`output` is `{output}`: name a zip or a folder below the folder of `deployer.toml`"));
        }
        if self.command.is_none() && self.inputs.is_some() {
            return Some("`inputs` needs a `command`: without one, what counts is the output itself".to_owned());
        }
        let inputs = self.inputs.iter().flatten();
        let absolute = inputs.clone().find(|path| path.is_absolute() || path.as_os_str().is_empty());
        if let Some(path) = absolute {
            return Some(format!("`inputs` names `{}`: name paths from the folder of `deployer.toml`", path.display()));
        }
        (self.inputs.is_some() && inputs.count() == 0)
            .then(|| "`inputs` is empty: no change would ever be seen".to_owned())
    }
}

impl DeclaredFunction {
    /// The code of the function with this key.
    ///
    /// # Errors
    /// What parsed but cannot be meant.
    pub(super) fn code(self, key: &str) -> Result<Code, String> {
        let Self { build, package, bin, features, default_features } = self;
        let of_cargo = package.is_some() || bin.is_some() || !features.is_empty() || default_features.is_some();
        match build {
            DeclaredBuild::Output(_) if of_cargo => Err(format!(
                "function `{key}` has a `build` table, and `package`, `bin`, `features` or `default_features`, which are cargo's: \
                 leave one of the two out"
            )),
            DeclaredBuild::Output(output) => Ok(Code::Output(output)),
            DeclaredBuild::Cargo => {
                let package = package.unwrap_or_else(|| key.to_owned());
                // Cargo names the binary of a package after the package.
                let bin = bin.unwrap_or_else(|| package.clone());
                Ok(Code::Cargo(Package { package, bin, features, default_features: default_features.unwrap_or(true) }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Result<Code, String> {
        let declared: DeclaredFunction = toml::from_str(text).map_err(|error| error.to_string())?;
        declared.code("worker")
    }

    #[test]
    fn package_and_binary_default_to_the_key() {
        let Code::Cargo(package) = code("").unwrap() else { panic!("not cargo's") };
        assert_eq!(
            (package.package.as_str(), package.bin.as_str(), package.default_features),
            ("worker", "worker", true)
        );
        let Code::Cargo(package) = code("build = 'cargo'\npackage = 'jobs'").unwrap() else { panic!("not cargo's") };
        assert_eq!((package.package.as_str(), package.bin.as_str()), ("jobs", "jobs"));
    }

    #[test]
    fn a_command_has_an_output_and_maybe_inputs() {
        let text = "build = { command = 'make', output = 'dist', inputs = ['src', '../shared'] }";
        let Code::Output(output) = code(text).unwrap() else { panic!("cargo's") };
        assert_eq!(output.command.as_deref(), Some("make"));
        assert_eq!(output.inputs.unwrap(), [Path::new("src"), Path::new("../shared")]);
    }

    #[test]
    fn what_cannot_be_meant_is_named() {
        for (text, expected) in [
            ("build = 'docker'", "`\"cargo\"`, or a table"),
            ("build = 1", "`\"cargo\"`, or a table"),
            ("build = { command = 'make' }", "missing field `output`"),
            ("build = { output = 'dist', imputs = [] }", "unknown field `imputs`"),
            ("build = { output = '/dist' }", "below the folder of `deployer.toml`"),
            ("build = { output = '../dist' }", "below the folder of `deployer.toml`"),
            ("build = { output = '.' }", "below the folder of `deployer.toml`"),
            ("build = { output = 'dist', inputs = ['src'] }", "`inputs` needs a `command`"),
            ("build = { command = 'make', output = 'dist', inputs = [] }", "no change would ever be seen"),
            ("build = { command = 'make', output = 'dist', inputs = ['/etc'] }", "`/etc`"),
            ("build = { command = ' ', output = 'dist' }", "`command` is empty"),
            ("build = { output = 'dist' }\nfeatures = ['x']", "function `worker` has a `build` table"),
        ] {
            let error = code(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
