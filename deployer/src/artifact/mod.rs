//! Sources to packages: source hash -> build -> whether it can start on Lambda -> deterministic zip, or image by digest -> manifest.
//!
//! Takes the workspace and `deployer.toml`, and returns an [`Artifact`]. Never calls AWS. What a source hash covers, and
//! why, is in `source.rs`.

mod checkout;
mod closure;
mod command;
mod commit;
mod compile;
mod cross;
mod dep_info;
mod elf;
mod files;
mod git;
mod handler;
mod hasher;
mod inputs;
mod manifest;
mod output;
mod pack;
mod package;
mod reads;
mod settings;
mod source;
mod words;
mod workspace;

use std::collections::BTreeMap;
use std::io::{BufReader, BufWriter};
use std::num::NonZero;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context as _, Result};

use self::elf::Runtime;
use self::output::Contents;
use self::source::Crates;
use crate::config::{Config, Function};
use crate::failure::Failure;

pub use checkout::{Checkout, Sources};
pub use commit::{Checked, ancestry, author, between, commit, repository};
pub use files::below as sources_below;
pub(crate) use files::named as files_below;
pub use git::{Ancestry, Commit, Commits};
pub use handler::files as handler_files;
pub use manifest::{Manifest, Packed, PackedFunction};
pub use pack::{pack, sha256};
pub(crate) use package::Arriving;
pub use package::{Package, Zip};
pub use reads::Reads;

/// The largest zip that UpdateFunctionCode takes directly, in bytes. Larger ones go through a bucket.
pub const DIRECT_UPLOAD_LIMIT: u64 = 50 * 1024 * 1024;
/// The largest package that Lambda takes, unpacked, in bytes.
const UNPACKED_LIMIT: u64 = 250 * 1024 * 1024;

/// The packages of one build, with their manifest.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// Describes them.
    pub manifest: Manifest,
    /// The folder that they are in.
    pub folder: PathBuf,
}

impl Artifact {
    /// Opens what `build --out` wrote, maybe on another machine, and checks that it is complete.
    ///
    /// # Errors
    /// There is none, it is of a newer deployer or another processor, its functions are not those of
    /// `deployer.toml`, or a zip is not what the manifest says.
    pub fn open(config: &Config, folder: &Path) -> Result<Self> {
        let manifest = manifest::read(folder)?;
        let artifact = Self { manifest, folder: folder.to_path_buf() };
        let refused = |what: String, hint: &str| {
            Err(Failure::refused(format!("artifact `{}` {what}", folder.display())).hint(hint).into())
        };
        if !artifact.manifest.functions.keys().eq(config.functions.keys()) {
            let (has, declared): (Vec<_>, Vec<_>) =
                (artifact.manifest.functions.keys().collect(), config.functions.keys().collect());
            return refused(
                format!("has the functions {has:?}, but `deployer.toml` has {declared:?}"),
                "build the artifact from this checkout",
            );
        }
        for ((key, packed), function) in artifact.manifest.functions.iter().zip(config.functions.values()) {
            if let Some((theirs, ours)) = packed.difference(function) {
                return refused(
                    format!("has function `{key}` {theirs}, but `deployer.toml` has it {ours}"),
                    "build the artifact from this checkout, for the function's architecture",
                );
            }
            artifact.package(packed)?;
        }
        Ok(artifact)
    }

    /// The package of a function.
    ///
    /// # Errors
    /// Its zip is not there, or not what the manifest says.
    pub fn package(&self, function: &PackedFunction) -> Result<Package> {
        let (zip, sha256) = match &function.package {
            Packed::Image { image } => return Ok(Package::Image(image.clone())),
            Packed::Zip { zip, sha256, .. } => (zip, sha256),
        };
        let path = self.folder.join(zip);
        let found = Zip::open(&path).with_context(|| {
            Failure::bad_input(format!("cannot read `{}`", path.display()))
                .hint("the artifact is incomplete: build it again with `deployer build --out DIR`")
        })?;
        if found.sha256() != *sha256 {
            return Err(Failure::refused(format!(
                "the SHA-256 of `{}` differs from the one in the artifact's manifest",
                path.display()
            ))
            .hint("the file was changed after the build: build again, and find out what changed it")
            .into());
        }
        Ok(Package::Zip(found))
    }
}

impl PackedFunction {
    /// The first difference to the function that `deployer.toml` declares: what it is here, and what it is there.
    fn difference(&self, function: &Function) -> Option<(String, String)> {
        let kinds = (self.package.package_type(), function.package_type());
        let architectures = (self.architecture, function.architecture);
        match () {
            () if kinds.0 != kinds.1 => Some((format!("as {}", kinds.0), format!("as {}", kinds.1))),
            () if architectures.0 != architectures.1 => {
                Some((format!("for `{}`", architectures.0), format!("for `{}`", architectures.1)))
            }
            () => None,
        }
    }
}

/// The deployer's own folder: nothing in it is a source.
pub(crate) fn own_folder(config: &Config) -> PathBuf {
    config.root.join(".deployer")
}

/// Makes the deployer's own folder, which git ignores.
pub(crate) fn make_own_folder(config: &Config) -> Result<()> {
    let folder = own_folder(config);
    manifest::make_folder(&folder)?;
    let ignore = folder.join(".gitignore");
    let made = if ignore.exists() { Ok(()) } else { std::fs::write(&ignore, "*\n") };
    made.with_context(|| format!("cannot write `{}`", ignore.display()))
}

/// Writes a file of the deployer's own.
fn write_own(config: &Config, name: &str, content: &[u8]) -> Result<()> {
    let folder = own_folder(config);
    manifest::make_folder(&folder)?;
    manifest::write_whole(&folder.join(name), content)
}

/// Where artifacts are kept unless a folder is named.
pub fn folder(config: &Config) -> PathBuf {
    own_folder(config).join("artifact")
}

/// The manifest of the artifact in `folder`. Its zips are not read.
///
/// # Errors
/// There is none, or it cannot be read.
pub fn manifest(folder: &Path) -> Result<Manifest> {
    manifest::read(folder)
}

/// Builds every function of `deployer.toml` and packs them into `folder`.
///
/// # Errors
/// A function does not compile (the compiler writes to stderr), would not start on Lambda, or is too large for it. The artifact of the build before stays as it was.
pub async fn build(config: &Config, checkout: &Checkout, folder: &Path) -> Result<(Artifact, Checked)> {
    let (mut packages, reads) = match &checkout.crates {
        Some(crates) => binaries(config, crates).await?,
        // Nothing beyond the inputs is known of a command.
        None => (BTreeMap::new(), Some(Reads::default())),
    };
    command::make_outputs(config).await?;
    packages.extend(outputs(config)?);
    packages.extend(command::images(config).await?);
    let sources = checkout.sources(reads.as_ref()).await;
    let checked = commit::commit(config, Some(checkout), reads.as_ref()).await;
    let manifest = Manifest::of(config, &packages, (&sources, reads), &checked);
    manifest::write(folder, &manifest, &packages)?;
    Ok((Artifact { manifest, folder: folder.to_path_buf() }, checked))
}

/// The zips of what something else has made. They are packed side by side: that is work.
fn outputs(config: &Config) -> Result<BTreeMap<String, Package>> {
    let (outputs, next): (Vec<_>, _) = (config.outputs().collect(), AtomicUsize::new(0));
    let pack = || {
        let mut packed = BTreeMap::new();
        while let Some((key, output)) = outputs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let zip = Contents::read(config, key, output).and_then(|contents| contents.packed(config, key));
            packed.insert((*key).clone(), zip.map(Package::Zip));
        }
        packed
    };
    let processors = thread::available_parallelism().map_or(1, NonZero::get).min(outputs.len());
    let packed = thread::scope(|scope| {
        let others: Vec<_> = (1..processors).map(|_| scope.spawn(pack)).collect();
        let mut packed = pack();
        for other in others {
            packed.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        packed
    });
    packed.into_iter().map(|(key, zip)| Ok((key, zip?))).collect()
}

/// The zips of what cargo builds, and what was read to make it, if that is known.
async fn binaries(config: &Config, crates: &Crates) -> Result<(BTreeMap<String, Package>, Option<Reads>)> {
    // One binary after another: they need not be in memory all at once.
    let packed = |key: &str, binary: &[u8]| {
        elf::check(binary, Runtime::of(config, key)).with_context(|| {
            Failure::refused(format!("the binary of function `{key}` would not start on Lambda")).hint(elf::HINT)
        })?;
        refuse_over(key, "binary", binary.len() as u64)?;
        Zip::make(|file| pack::pack_into(BufWriter::new(file), binary))
            .with_context(|| format!("cannot pack function `{key}`"))
    };
    let (mut zips, mut found) = (BTreeMap::new(), Some(BTreeMap::new()));
    for (key, (zip, read)) in compile::compile(config, crates, packed).await? {
        zips.insert(key.clone(), Package::Zip(zip));
        found = found.zip(read).map(|(mut all, read)| {
            all.insert(key, read);
            all
        });
    }
    let reads = found.and_then(|found| Reads::of(&found, &crates.files, crates.roots(), config));
    Ok((zips, reads))
}

/// Refuses a zip that Lambda would not take, or that the runtime could not start. `entry_point` is the function's runtime and
/// handler, if these name a file of the package. An image cannot be looked into.
///
/// # Errors
/// The zip of function `key` has to go through a bucket, and the stack has none; it lacks the file that the handler names.
pub fn refuse_unfit(key: &str, package: &Package, bucket: bool, entry_point: Option<&(String, String)>) -> Result<()> {
    let Package::Zip(zip) = package else { return Ok(()) };
    if !bucket {
        let what = "for a direct upload, and the stack contract names no `artifact_bucket`";
        if let Some(size) = over(zip.size(), DIRECT_UPLOAD_LIMIT) {
            return Err(Failure::refused(format!("the zip of function `{key}` is {size} {what}"))
                .hint(
                    "add an S3 bucket as `artifact_bucket` to the stack contract, or make the zip smaller: strip binaries, and leave out files \
                     that only a build needs",
                )
                .into());
        }
    }
    let Some((runtime, handler)) = entry_point else { return Ok(()) };
    let Some(file) = zip.file().ok().and_then(|file| handler::missing(BufReader::new(file), runtime, handler)) else {
        return Ok(());
    };
    Err(Failure::refused(format!(
        "the package of function `{key}` has no `{file}`, where `{runtime}` looks for the handler `{handler}`"
    ))
    .hint("make sure that the file is at the top of the package, or change the handler in your infrastructure code")
    .into())
}

/// Refuses what is larger than Lambda allows when it is unpacked.
///
/// # Errors
/// It is.
fn refuse_over(key: &str, what: &str, size: u64) -> Result<()> {
    let Some(size) = over(size, UNPACKED_LIMIT) else { return Ok(()) };
    Err(Failure::refused(format!("the {what} of function `{key}` is {size} unpacked"))
        .hint("make it smaller: strip binaries, leave out files that only a build needs, or move data out of it")
        .into())
}

/// The size, and the limit that it is over.
fn over(size: u64, limit: u64) -> Option<String> {
    let megabytes = |bytes: u64| bytes / (1024 * 1024);
    let (size_mb, limit_mb) = (megabytes(size), megabytes(limit));
    (size > limit).then(|| format!("{size_mb} MB, but Lambda allows {limit_mb} MB"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(bytes: &[u8]) -> Package {
        let mut zip = Arriving::begin().unwrap();
        zip.add(bytes).unwrap();
        Package::Zip(zip.end())
    }

    #[test]
    fn a_package_without_the_file_of_its_handler_is_refused() {
        let zip = package(&pack(b"#!/bin/sh").unwrap());
        let with = |runtime: &str, handler: &str| {
            refuse_unfit("api", &zip, false, Some(&(runtime.to_owned(), handler.to_owned())))
        };
        assert!(with("provided.al2023", "bootstrap").is_ok());
        assert!(refuse_unfit("api", &zip, false, None).is_ok(), "a layer may bring it");
        let error = with("python3.12", "handler.handle").unwrap_err().to_string();
        let expected = "the package of function `api` has no `handler.py`, where `python3.12` looks for the handler `handler.handle`";
        assert_eq!(error, expected);
    }

    #[test]
    fn a_zip_over_the_limit_needs_a_bucket() {
        let of = |size: u64| package(&vec![0; usize::try_from(size).unwrap()]);
        assert!(refuse_unfit("counter", &of(DIRECT_UPLOAD_LIMIT), false, None).is_ok());
        assert!(refuse_unfit("counter", &of(DIRECT_UPLOAD_LIMIT + 1), true, None).is_ok());
        let error = refuse_unfit("counter", &of(DIRECT_UPLOAD_LIMIT + 1), false, None).unwrap_err();
        assert!(error.to_string().contains("`counter` is 50 MB"), "{error}");
        assert!(error.to_string().contains("no `artifact_bucket`"), "{error}");
    }
}
