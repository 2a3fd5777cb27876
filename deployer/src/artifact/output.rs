//! The output of a command, or one that existed already: a zip that is taken as it is, or a folder that is packed so that the same
//! content always has the same bytes.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{BufReader, BufWriter, Read, Seek, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use zip::read::ZipFile;
use zip::{ZipArchive, ZipWriter};

use super::elf::{self, Runtime};
use super::hasher::Hasher;
use super::pack::{ENTRY, options};
use super::package::{Zip, in_pieces};
use super::reads::add_file;
use super::{UNPACKED_LIMIT, refuse_over};
use crate::config::{Config, Output};
use crate::failure::Failure;

/// What a package may contain.
const CONTENTS: &str = "a package can contain files, folders, and links to other files in the package: remove everything else from the output";

/// The content of an output.
pub(super) enum Contents {
    /// A zip.
    Zip(PathBuf),
    /// Files and links of a folder, by their names in the zip.
    Folder(BTreeMap<String, Entry>),
}

/// One entry of a folder.
pub(super) enum Entry {
    /// A file, and whether it may be run.
    File(PathBuf, bool),
    /// A link, and where it leads from the folder that it is in.
    Link(String),
}

/// Whether its owner may run a file.
pub(super) fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| may_run(&found))
}

fn may_run(found: &Metadata) -> bool {
    found.permissions().mode() & 0o100 != 0
}

impl Contents {
    /// Reads the output of the function with this key.
    ///
    /// # Errors
    /// It is missing, empty, or contains something that cannot be in a zip: a link that leads out of it or nowhere, a socket, a name that is
    /// not UTF-8.
    pub(super) fn read(config: &Config, key: &str, output: &Output) -> Result<Self> {
        let (path, name) = (config.root.join(&output.output), output.output.display());
        let named = format!("the output `{name}` of function `{key}`");
        let refused = |what: &str| {
            let hint = match &output.made {
                Some(_) => {
                    "set `output` to the file or folder that `command` writes, relative to the folder of `deployer.toml`"
                }
                None => "build it first, or set `command` in `build` of the function",
            };
            Failure::bad_input(format!("{named} {what}")).hint(hint)
        };
        let Ok(found) = path.metadata() else { return Err(refused("does not exist").into()) };
        let contents = match found.is_dir() {
            true => Self::of_folder(&path)
                .with_context(|| Failure::bad_input(format!("{named} cannot be packed")).hint(CONTENTS))?,
            false if path.extension().is_some_and(|extension| extension == "zip") => {
                File::open(&path).with_context(|| refused("cannot be read"))?;
                Self::Zip(path)
            }
            false => return Err(refused("is neither a folder nor a file that ends with `.zip`").into()),
        };
        match &contents {
            Self::Folder(entries) if entries.is_empty() => Err(refused("is empty").into()),
            _ => Ok(contents),
        }
    }

    fn of_folder(folder: &Path) -> Result<Self> {
        let inside = folder.canonicalize().with_context(|| format!("cannot read `{}`", folder.display()))?;
        let (mut entries, mut folders) = (BTreeMap::new(), vec![inside.clone()]);
        while let Some(next) = folders.pop() {
            for found in std::fs::read_dir(&next).with_context(|| format!("cannot read `{}`", next.display()))? {
                let path = found?.path();
                let shown = path.strip_prefix(&inside).unwrap_or(&path);
                let name = shown.to_str().with_context(|| format!("the name {} is not UTF-8", shown.display()))?;
                let kind = path.symlink_metadata()?;
                if kind.is_dir() {
                    folders.push(path);
                } else if kind.is_symlink() {
                    entries.insert(name.to_owned(), link(&inside, &path, name)?);
                } else if kind.is_file() {
                    entries.insert(name.to_owned(), Entry::File(path.clone(), may_run(&kind)));
                } else {
                    anyhow::bail!("`{name}` is neither a file, a folder nor a link");
                }
            }
        }
        Ok(Self::Folder(entries))
    }

    /// Adds names, modes and bytes.
    pub(super) fn add_to(&self, hasher: &mut Hasher) {
        match self {
            Self::Zip(path) => add_file(hasher, b"zip", path),
            Self::Folder(entries) => {
                for (name, entry) in entries {
                    match entry {
                        Entry::Link(to) => {
                            hasher.add("link", name.as_bytes());
                            hasher.add("to", to.as_bytes());
                        }
                        Entry::File(path, runs) => {
                            hasher.add(if *runs { "program" } else { "file" }, b"");
                            add_file(hasher, name.as_bytes(), path);
                        }
                    }
                }
            }
        }
    }

    /// The zip of the function with this key in a temporary file, once it is certain that Lambda takes it.
    ///
    /// # Errors
    /// It is not a zip, is too big unpacked, or has a program or library that could not run on Lambda.
    pub(super) fn packed(self, config: &Config, key: &str) -> Result<Zip> {
        let made = Zip::make(|mut file| match self {
            Self::Zip(path) => Ok(in_pieces(&mut File::open(path)?, |piece| file.write_all(piece)).map(drop)?),
            Self::Folder(entries) => pack(BufWriter::new(file), key, &entries),
        });
        let zip = made.with_context(|| format!("cannot pack function `{key}`"))?;
        refuse_what_cannot_start(config, key, BufReader::new(zip.file()?))?;
        Ok(zip)
    }
}

/// A link, if it leads to something in the folder.
fn link(inside: &Path, path: &Path, name: &str) -> Result<Entry> {
    let to = std::fs::read_link(path)?;
    let end = path.canonicalize().with_context(|| format!("the link `{name}` leads nowhere: `{}`", to.display()))?;
    anyhow::ensure!(
        end.starts_with(inside) && to.is_relative(),
        "the link `{name}` leads out of it: `{}`",
        to.display()
    );
    let to = to.to_str().with_context(|| format!("the link `{name}` leads to a name that is not UTF-8"))?;
    Ok(Entry::Link(to.to_owned()))
}

fn pack(to: impl Write + Seek, key: &str, entries: &BTreeMap<String, Entry>) -> Result<()> {
    let mut zip = ZipWriter::new(to);
    let mut unpacked = 0;
    for (name, entry) in entries {
        match entry {
            Entry::Link(to) => zip.add_symlink(name, to, options(false).unix_permissions(0o777))?,
            Entry::File(path, runs) => {
                // Before it is read: it could be a whole disk.
                unpacked += path.metadata()?.len();
                refuse_over(key, "package", unpacked)?;
                zip.start_file(name, options(*runs))?;
                in_pieces(&mut File::open(path)?, |piece| zip.write_all(piece))?;
            }
        }
    }
    zip.finish()?.flush()?;
    Ok(())
}

/// Checks that Lambda can unpack it and run its contents.
fn refuse_what_cannot_start(config: &Config, key: &str, zip: impl Read + Seek) -> Result<()> {
    let not_a_zip = || {
        Failure::bad_input(format!("the output of function `{key}` is not a zip that can be read"))
            .hint("build it again; nothing was changed")
    };
    let mut zip = ZipArchive::new(zip).with_context(not_a_zip)?;
    let (mut unpacked, runtime) = (0, Runtime::of(config, key));
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).with_context(not_a_zip)?;
        unpacked += entry.size();
        refuse_over(key, "package", unpacked)?;
        let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
        refuse_entry(key, &name, &entry)?;
        // Not more than its declared size: a zip may come from elsewhere.
        let content = program(&mut entry.by_ref().take(UNPACKED_LIMIT), &name).with_context(not_a_zip)?;
        let check = if name == ENTRY { elf::check_entry } else { elf::check_in_package };
        check(&content, runtime).with_context(|| {
            Failure::refused(format!("`{name}` of function `{key}` could not run on Lambda")).hint(elf::HINT_IN_PACKAGE)
        })?;
    }
    Ok(())
}

/// The content of an entry, if it is a program or may be one. Anything else is only read, so that it is certain that it can be.
fn program(entry: &mut impl Read, name: &str) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    entry.by_ref().take(elf::MAGIC.len() as u64).read_to_end(&mut content)?;
    match name == ENTRY || content == elf::MAGIC {
        true => entry.read_to_end(&mut content).map(drop)?,
        false => std::io::copy(entry, &mut std::io::sink()).map(drop)?,
    }
    Ok(content)
}

/// Refuses an entry that leads out of the package, or that the function could not read: Lambda runs it as another user.
fn refuse_entry(key: &str, name: &str, entry: &ZipFile<'_, impl Read>) -> Result<()> {
    let refused = |what: &str, hint: &str| {
        Failure::bad_input(format!("`{name}` in the output of function `{key}` {what}")).hint(hint)
    };
    if entry.enclosed_name().is_none() {
        return Err(refused(
            "is a path that leads out of the package",
            "leave it out, or put the file into the package",
        )
        .into());
    }
    match entry.unix_mode() {
        Some(mode) if !entry.is_symlink() && !entry.is_dir() && mode & 0o004 == 0 => Err(refused(
            "is not readable by all users, which Lambda requires",
            "run `chmod -R a+rX` on the files and pack them again",
        )
        .into()),
        _ => Ok(()),
    }
}
