//! `build` of a function: `"cargo"`, or a table.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::function::{Code, ImageSource, Output, Recipe};

/// `"cargo"`, or a table.
#[derive(Debug, Clone, Default)]
pub(super) enum DeclaredBuild {
    #[default]
    Cargo,
    Table(BuildTable),
}

/// The table. It has `output`, `image` or `image_command`.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct BuildTable {
    /// The command that makes `output`. `sh` runs it in the folder of `deployer.toml`. Without one, `output` has to exist already.
    command: Option<String>,
    /// The package: a folder, which is zipped, or a file that ends with `.zip`. Relative to the folder of `deployer.toml`.
    output: Option<PathBuf>,
    /// A container image in ECR, with its digest: `REPOSITORY@sha256:DIGEST`.
    image: Option<String>,
    /// The command that builds and pushes a container image, run like `command`. It has to print `REPOSITORY@sha256:DIGEST` on stdout, and
    /// nothing else there.
    image_command: Option<String>,
    /// The files and folders that the command reads: the function is built again when one of them changes. Relative to the folder of
    /// `deployer.toml`. By default everything in that folder that git does not ignore.
    inputs: Option<Vec<PathBuf>>,
}

#[cfg(test)]
impl schemars::JsonSchema for DeclaredBuild {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "DeclaredBuild".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let table = generator.subschema_for::<BuildTable>();
        schemars::json_schema!({"anyOf": [{"const": "cargo"}, table]})
    }
}

impl<'de> Deserialize<'de> for DeclaredBuild {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = DeclaredBuild;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("`\"cargo\"`, or a table with `output`, `image` or `image_command`")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<DeclaredBuild, E> {
                match text {
                    "cargo" => Ok(DeclaredBuild::Cargo),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
                }
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<DeclaredBuild, M::Error> {
                BuildTable::deserialize(MapAccessDeserializer::new(map)).map(DeclaredBuild::Table)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl BuildTable {
    /// Where the code comes from.
    ///
    /// # Errors
    /// A contradiction, or a value that is not possible.
    pub(super) fn read(self) -> Result<Code, String> {
        let Self { command, output, image, image_command, inputs } = self;
        match (output, image, image_command) {
            (Some(output), None, None) => {
                let made = command.map(|command| recipe("command", command, inputs.clone())).transpose()?;
                refuse_inputs_alone(made.is_none(), inputs.as_ref(), "output")?;
                Ok(Code::Output(Output { output: inside(output)?, made }))
            }
            (None, Some(_) | None, Some(_) | None) if command.is_some() => {
                Err("`command` needs an `output`; to build a container image, use `image_command`".to_owned())
            }
            (None, Some(image), None) => {
                refuse_inputs_alone(true, inputs.as_ref(), "image")?;
                Ok(Code::Image(ImageSource::Given(image.try_into()?)))
            }
            (None, None, Some(command)) => {
                Ok(Code::Image(ImageSource::Printed(recipe("image_command", command, inputs)?)))
            }
            (None, None, None) => Err("`build` needs one of `output`, `image` and `image_command`".to_owned()),
            _ => Err("`build` has more than one of `output`, `image` and `image_command`: keep one".to_owned()),
        }
    }
}

fn recipe(key: &str, command: String, inputs: Option<Vec<PathBuf>>) -> Result<Recipe, String> {
    if command.trim().is_empty() {
        return Err(format!("`{key}` is empty: remove it if nothing has to be built"));
    }
    let named = inputs.iter().flatten();
    if let Some(path) = named.clone().find(|path| path.is_absolute() || path.as_os_str().is_empty()) {
        return Err(format!(
            "`inputs` has `{}`: paths have to be relative to the folder of `deployer.toml`",
            path.display()
        ));
    }
    if inputs.is_some() && named.count() == 0 {
        return Err(
            "`inputs` is empty, so no change would ever be detected: name the files and folders that the command reads"
                .to_owned(),
        );
    }
    Ok(Recipe { command, inputs })
}

fn refuse_inputs_alone(alone: bool, inputs: Option<&Vec<PathBuf>>, what: &str) -> Result<(), String> {
    match inputs {
        Some(_) if alone => Err(format!(
            "`inputs` needs a command: without one, only changes of the {what} itself count, so remove `inputs`"
        )),
        _ => Ok(()),
    }
}

fn inside(output: PathBuf) -> Result<PathBuf, String> {
    let inside = |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if output.components().all(|part| part == Component::CurDir) || !inside(&output) {
        let output = output.display();
        return Err(format!(
            "`output` is `{output}`: it has to be a zip or a folder inside the folder of `deployer.toml`"
        ));
    }
    Ok(output)
}
