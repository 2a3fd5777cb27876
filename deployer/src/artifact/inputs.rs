//! The source hash of a function that a command builds, over the command and its inputs. For an output that exists already the hash
//! is over its content, and for an image over its digest.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::hasher::Hasher;
use super::output::{Contents, is_executable};
use super::reads::{add_file, plain};
use super::{files, own_folder};
use crate::config::{Code, Config, Function, ImageSource, Recipe};
use crate::failure::Failure;

/// What one function is made of.
pub(super) struct Inputs {
    /// In hexadecimal, and independent of where the checkout is.
    pub(super) hash: String,
    /// The inputs; nothing for an output that is there already.
    places: Vec<PathBuf>,
    /// What commands write: it is made of something else.
    written: Vec<PathBuf>,
}

impl Inputs {
    /// What the function with this key is made of; nothing for one that cargo builds.
    ///
    /// # Errors
    /// An input, or an output that no command makes, is missing.
    pub(super) async fn read(config: &Config, key: &str, function: &Function) -> Result<Option<Self>> {
        let mut hasher = Hasher::new();
        // The content may differ for another processor, so it has to be checked again.
        if !matches!(function.code, Code::Image(ImageSource::Given(_))) {
            hasher.add("architecture", function.architecture.to_string().as_bytes());
        }
        let there = |hasher: Hasher| Some(Self { hash: hasher.hex(), places: Vec::new(), written: Vec::new() });
        let recipe = match &function.code {
            Code::Cargo(_) => return Ok(None),
            Code::Output(output) => {
                hasher.add("output", output.output.as_os_str().as_encoded_bytes());
                let Some(recipe) = &output.made else {
                    Contents::read(config, key, output)?.add_to(&mut hasher);
                    return Ok(there(hasher));
                };
                recipe
            }
            // Its digest covers its content. Its repository does not matter.
            Code::Image(ImageSource::Given(image)) => {
                hasher.add("image", image.digest().as_bytes());
                return Ok(there(hasher));
            }
            Code::Image(ImageSource::Printed(recipe)) => {
                hasher.add("image", b"");
                recipe
            }
        };
        Self::of_recipe(config, key, recipe, hasher).await.map(Some)
    }

    async fn of_recipe(config: &Config, key: &str, recipe: &Recipe, mut hasher: Hasher) -> Result<Self> {
        hasher.add("command", recipe.command.as_bytes());
        let mut written = vec![own_folder(config)];
        written.extend(config.outputs().map(|(_, other)| plain(&config.root.join(&other.output))));
        let mut places = Vec::new();
        let all = [PathBuf::from(".")];
        for name in recipe.inputs.as_deref().unwrap_or(&all) {
            let path = plain(&config.root.join(name));
            if !path.exists() {
                let what = format!("function `{key}` has the input `{}`, which does not exist", name.display());
                return Err(Failure::bad_input(what)
                    .hint("fix `inputs` in `deployer.toml`: its paths are relative to the folder of that file")
                    .into());
            }
            hasher.add("input", name.as_os_str().as_encoded_bytes());
            let files = match path.is_dir() {
                true => files::named(&config.process, &path, &written).await,
                false => BTreeSet::from([path.clone()]),
            };
            for file in files {
                hasher.add(if is_executable(&file) { "program" } else { "file" }, b"");
                let name = file.strip_prefix(&path).unwrap_or(&file);
                add_file(&mut hasher, name.as_os_str().as_encoded_bytes(), &file);
            }
            places.push(path);
        }
        Ok(Self { hash: hasher.hex(), places, written })
    }

    /// Whether a file is one of the inputs, or was one.
    pub(super) fn cover(&self, path: &Path) -> bool {
        let is_below = |places: &[PathBuf]| places.iter().any(|place| path.starts_with(place));
        is_below(&self.places) && !is_below(&self.written)
    }
}
