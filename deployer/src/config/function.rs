//! One function: where its code comes from, and the processor that it runs on.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use serde::Deserialize;

use super::Config;
use super::architecture::Architecture;
use super::file::Build;
use super::image::Image;
use super::table::DeclaredBuild;
use crate::failure::Failure;

/// A function of `deployer.toml`.
#[derive(Debug, Clone)]
pub struct Function {
    /// Where its code comes from.
    pub code: Code,
    /// The processor that it runs on.
    pub architecture: Architecture,
}

/// Where a function's code comes from.
#[derive(Debug, Clone)]
pub enum Code {
    /// A binary of a cargo package.
    Cargo(Package),
    /// A zip or a folder that something else makes.
    Output(Output),
    /// A container image.
    Image(ImageSource),
}

/// The package type of a Lambda function, which never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackageType {
    /// A zip.
    Zip,
    /// A container image.
    Image,
}

impl PackageType {
    /// What AWS calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Zip => "Zip",
            Self::Image => "Image",
        }
    }
}

impl std::fmt::Display for PackageType {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Zip => "a zip",
            Self::Image => "a container image",
        })
    }
}

impl Function {
    /// What Lambda is given for it.
    pub fn package_type(&self) -> PackageType {
        match self.code {
            Code::Cargo(_) | Code::Output(_) => PackageType::Zip,
            Code::Image(_) => PackageType::Image,
        }
    }
}

/// The part of the cargo workspace that a function is built from.
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
    /// The target triple.
    pub target: String,
}

/// A zip or a folder that becomes a function's zip.
#[derive(Debug, Clone)]
pub struct Output {
    /// A file that ends with `.zip`, or a folder; from the folder of `deployer.toml`.
    pub output: PathBuf,
    /// What makes it. None: it is there already.
    pub made: Option<Recipe>,
}

/// Where a container image comes from.
#[derive(Debug, Clone)]
pub enum ImageSource {
    /// It is there already.
    Given(Image),
    /// A command pushes it, and prints what it is called.
    Printed(Recipe),
}

/// A command with what it reads.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Run by `sh` in the folder of `deployer.toml`.
    pub command: String,
    /// Files and folders, from the folder of `deployer.toml`. None: all that git does not ignore there.
    pub inputs: Option<Vec<PathBuf>>,
}

/// A function as the file declares it.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct DeclaredFunction {
    /// Where the package comes from: `"cargo"`, or a table. By default cargo builds it.
    #[serde(default)]
    build: DeclaredBuild,
    /// The architecture of the function. By default that of `build.target`.
    architecture: Option<Architecture>,
    /// The environments that have this function. By default all.
    pub(super) environments: Option<Vec<String>>,
    /// The cargo package to build. By default the key of the function.
    package: Option<String>,
    /// The binary of that package, which becomes `bootstrap` in the zip. By default the name of the package.
    bin: Option<String>,
    /// The cargo features to enable in addition to the default ones.
    #[serde(default)]
    features: Vec<String>,
    /// Whether the default features of the package are enabled. By default they are.
    default_features: Option<bool>,
}

impl DeclaredFunction {
    /// Whether an environment has it.
    pub(super) fn is_in(&self, environment: &str) -> bool {
        self.environments.as_ref().is_none_or(|all| all.iter().any(|name| name == environment))
    }

    /// The function with this key.
    ///
    /// # Errors
    /// A contradiction, or a value that is not possible.
    pub(super) fn read(self, key: &str, of_all: &Build) -> Result<Function, String> {
        let Self { build, architecture, package, bin, features, default_features, environments: _ } = self;
        let of_cargo = package.is_some() || bin.is_some() || !features.is_empty() || default_features.is_some();
        let architecture = architecture.unwrap_or_else(|| of_all.architecture());
        let code = match build {
            DeclaredBuild::Table(_) if of_cargo => {
                return Err(format!(
                    "function `{key}` has a `build` table and also `package`, `bin`, `features` or `default_features`, which are for cargo \
                     builds: remove one of the two"
                ));
            }
            DeclaredBuild::Table(table) => table.read().map_err(|why| format!("function `{key}`: {why}"))?,
            DeclaredBuild::Cargo => {
                let package = package.unwrap_or_else(|| key.to_owned());
                // Cargo names the binary of a package after the package.
                let bin = bin.unwrap_or_else(|| package.clone());
                let (default_features, target) =
                    (default_features.unwrap_or(true), architecture.target_like(&of_all.target));
                Code::Cargo(Package { package, bin, features, default_features, target })
            }
        };
        Ok(Function { code, architecture })
    }
}

/// The functions by key; on the local AWS they are for this machine's processor.
///
/// # Errors
/// A contradiction, or a value that is not possible.
pub(super) fn read(
    declared: BTreeMap<String, DeclaredFunction>,
    build: &Build,
    local: bool,
) -> Result<BTreeMap<String, Function>> {
    let functions = declared.into_iter().map(|(key, function)| {
        let function = if local { DeclaredFunction { architecture: None, ..function } } else { function };
        Ok((key.clone(), function.read(&key, build)?))
    });
    // It was read once when the file was validated, so this does not fail.
    functions
        .collect::<Result<_, String>>()
        .map_err(|what| Failure::bad_input(what).hint("fix it in `deployer.toml`").into())
}

impl Config {
    /// The functions that cargo builds.
    pub fn packages(&self) -> impl Iterator<Item = (&String, &Package)> {
        self.functions.iter().filter_map(|(key, function)| match &function.code {
            Code::Cargo(package) => Some((key, package)),
            _ => None,
        })
    }

    /// The functions whose zip something else makes.
    pub fn outputs(&self) -> impl Iterator<Item = (&String, &Output)> {
        self.functions.iter().filter_map(|(key, function)| match &function.code {
            Code::Output(output) => Some((key, output)),
            _ => None,
        })
    }

    /// The functions of container images.
    pub fn images(&self) -> impl Iterator<Item = (&String, &ImageSource)> {
        self.functions.iter().filter_map(|(key, function)| match &function.code {
            Code::Image(source) => Some((key, source)),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn function(text: &str) -> Result<Function, String> {
        let declared: DeclaredFunction = toml::from_str(text).map_err(|error| error.to_string())?;
        declared.read("worker", &Build::default())
    }

    fn code(text: &str) -> Result<Code, String> {
        function(text).map(|function| function.code)
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
    fn a_function_may_run_on_another_processor_than_the_rest() {
        let function = function("architecture = 'arm64'").unwrap();
        let Code::Cargo(package) = function.code else { panic!("not cargo's") };
        assert_eq!((function.architecture, package.target.as_str()), (Architecture::Arm, "aarch64-unknown-linux-gnu"));
    }

    #[test]
    fn a_command_has_an_output_and_maybe_inputs() {
        let text = "build = { command = 'make', output = 'dist', inputs = ['src', '../shared'] }";
        let Code::Output(output) = code(text).unwrap() else { panic!("not an output") };
        let made = output.made.unwrap();
        assert_eq!(made.command, "make");
        assert_eq!(made.inputs.unwrap(), [Path::new("src"), Path::new("../shared")]);
    }

    #[test]
    fn an_image_is_given_or_printed_by_a_command() {
        let given = format!("build = {{ image = 'team/api@sha256:{}' }}", "a".repeat(64));
        let Code::Image(ImageSource::Given(image)) = code(&given).unwrap() else { panic!("not given") };
        assert_eq!(image.repository(), "team/api");
        let printed = "build = { image_command = './push.sh', inputs = ['Dockerfile', 'src'] }";
        let Code::Image(ImageSource::Printed(recipe)) = code(printed).unwrap() else { panic!("not printed") };
        assert_eq!((recipe.command.as_str(), recipe.inputs.unwrap().len()), ("./push.sh", 2));
    }

    #[test]
    fn builds_that_are_not_possible_are_refused_by_name() {
        let image = format!("image = 'team/api@sha256:{}'", "a".repeat(64));
        for (text, expected) in [
            ("build = 'docker'", "`\"cargo\"`, or a table"),
            ("build = 1", "`\"cargo\"`, or a table"),
            ("build = { command = 'make' }", "to build a container image, use `image_command`"),
            ("build = { inputs = ['src'] }", "`build` needs one of `output`, `image` and `image_command`"),
            ("build = { output = 'dist', imputs = [] }", "unknown field `imputs`"),
            ("build = { output = '/dist' }", "inside the folder of `deployer.toml`"),
            ("build = { output = '../dist' }", "inside the folder of `deployer.toml`"),
            ("build = { output = '.' }", "inside the folder of `deployer.toml`"),
            ("build = { output = 'dist', inputs = ['src'] }", "`inputs` needs a command"),
            ("build = { command = 'make', output = 'dist', inputs = [] }", "no change would ever be detected"),
            ("build = { command = 'make', output = 'dist', inputs = ['/etc'] }", "`/etc`"),
            ("build = { command = ' ', output = 'dist' }", "`command` is empty"),
            ("build = { output = 'dist' }\nfeatures = ['x']", "function `worker` has a `build` table"),
            ("build = { image = 'team/api:latest' }", "the image `team/api:latest` has no digest"),
            ("build = { image_command = '' }", "`image_command` is empty"),
            (&format!("build = {{ {image}, inputs = ['src'] }}"), "only changes of the image itself count"),
            (&format!("build = {{ {image}, output = 'dist' }}"), "more than one of `output`, `image`"),
            (&format!("build = {{ {image}, command = 'make' }}"), "to build a container image, use `image_command`"),
            (&format!("build = {{ {image} }}\nbin = 'x'"), "function `worker` has a `build` table"),
            ("architecture = 'riscv64'", "unknown variant `riscv64`, expected `x86_64` or `arm64`"),
        ] {
            let error = code(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
