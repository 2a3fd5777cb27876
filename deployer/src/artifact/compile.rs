//! Cargo, run for the functions: what is made of the bytes of each binary, and what was read to make it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context as _, Result};

use super::cross::{Builder, missing};
use super::dep_info::{Found, Message};
use super::settings::Remap;
use super::source::Crates;
use super::words;
use super::workspace::{cargo, not_started, selection};
use crate::config::{Config, Package};
use crate::failure::Failure;

/// Compiles every function. Functions of one package with the same features and target share one run of cargo. The next run may write
/// over the binaries of the last one, where two packages name theirs alike, so `packed` gets them right after it. Returns for each
/// function what `packed` makes, and what was read to make its binary, if the compiler said so.
pub(super) async fn compile<T>(
    config: &Config,
    crates: &Crates,
    packed: impl Fn(&str, &[u8]) -> Result<T>,
) -> Result<BTreeMap<String, (T, Option<Found>)>> {
    let mut groups = BTreeMap::new();
    for (key, function) in config.packages() {
        let target = crates.targets.get(&function.target);
        let target = target.with_context(|| {
            format!(
                "the build target `{}` was not looked up: this is a bug of `deployer`, please report it",
                function.target
            )
        })?;
        let builder = target.builder.ok_or_else(|| missing(key, &function.target))?;
        let features = (&function.features, function.default_features);
        let group = (&function.target, &function.package, features);
        let (.., functions) = groups.entry(group).or_insert((builder, &target.remap, Vec::new()));
        functions.push((key, function));
    }
    let (mut binaries, folder) = (BTreeMap::new(), crates.roots().target);
    for (builder, remap, functions) in groups.values() {
        let messages = compile_group(config, crates, (*builder, remap), functions).await?;
        let found = Found::of(&messages, crates.roots());
        for (key, function) in functions {
            let path = builder.place(binary(&messages, key, function)?, folder, &function.bin);
            let bytes = std::fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
            binaries.insert((*key).clone(), (packed(key, &bytes)?, found.clone()));
        }
    }
    Ok(binaries)
}

/// Where cargo reports that a function's binary is.
fn binary<'a>(messages: &'a [Message], key: &str, function: &Package) -> Result<&'a PathBuf> {
    let is_it = |message: &&Message| {
        let target = message.target.as_ref();
        message.reason == "compiler-artifact"
            && target.is_some_and(|target| target.name == function.bin && target.kind.iter().any(|kind| kind == "bin"))
    };
    messages.iter().filter(is_it).find_map(|message| message.executable.as_ref()).with_context(|| {
        Failure::error(format!("cargo made no binary `{}` for function `{key}`", function.bin))
            .hint("check `package` and `bin` of the function in `deployer.toml`, and that `cargo` on the PATH is not a wrapper that hides cargo's messages")
    })
}

/// One run of cargo, and its messages.
async fn compile_group(
    config: &Config,
    crates: &Crates,
    (builder, remap): (Builder, &Remap),
    functions: &[(&String, &Package)],
) -> Result<Vec<Message>> {
    let Some((_, first)) = functions.first() else { return Ok(Vec::new()) };
    let mut cargo = cargo(config, &crates.folder);
    cargo.args(builder.arguments(config, &first.target, crates.roots().target));
    cargo.args(["--locked", "--message-format", "json-render-diagnostics", "--profile", &config.build.profile]);
    for (_, function) in functions {
        cargo.args(["--bin", &function.bin]);
    }
    cargo.args(selection(first)).args(&remap.arguments);
    cargo.envs(remap.variable.iter().map(|(name, value)| (name, value)));
    cargo.stdout(Stdio::piped());
    let (output, words) = words::run(&mut cargo).await.with_context(|| not_started(config))?;
    if !output.status.success() {
        let names: Vec<_> = functions.iter().map(|(key, _)| format!("`{key}`")).collect();
        let binaries: String = functions.iter().map(|(_, function)| format!(" --bin {}", function.bin)).collect();
        let what = format!(
            "function {} does not compile: `cargo build --package {}{binaries}` failed{}",
            names.join(", "),
            first.package,
            words.why()
        );
        return Err(Failure::error(what).hint("fix the compiler's errors above; nothing was changed").into());
    }
    let lines = output.stdout.split(|byte| *byte == b'\n');
    Ok(lines.filter_map(|line| serde_json::from_slice(line).ok()).collect())
}
