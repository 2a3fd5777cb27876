//! The function that all release, and new code for each round.

use std::fs;
use std::io::{Cursor, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use tokio::process::Command;
use zip::write::SimpleFileOptions;

use crate::tools::output;

/// A binary without dependencies.
#[derive(Debug)]
pub(crate) struct Code {
    binary: Vec<u8>,
}

/// Where the code of a case goes.
#[derive(Debug, Clone)]
pub(crate) enum Package {
    /// The binary, for a tool that packs it.
    Binary(PathBuf),
    /// A zip with it, for a tool that does not.
    Zip(PathBuf),
    /// Not code, but a variable of the function, in a file of such.
    Variable(PathBuf),
}

impl Code {
    /// Compiles it, in a second.
    pub(crate) async fn compile(scratch: &Path) -> Result<Self> {
        let (source, binary) = (scratch.join("function.rs"), scratch.join("bootstrap"));
        fs::write(&source, include_str!("function.rs"))?;
        let mut rustc = Command::new(Path::new(env!("CARGO")).with_file_name("rustc"));
        rustc.args(["--edition", "2024", "-O", "-C", "strip=symbols", "-o"]).arg(&binary).arg(&source);
        output(&mut rustc).await?;
        Ok(Self { binary: fs::read(binary)? })
    }

    /// Writes the code that `what` names: different bytes for each name, and nothing else is different.
    pub(crate) fn write(&self, what: &str, to: &Package) -> Result<()> {
        let mut binary = self.binary.clone();
        binary.extend(format!("\n{what}\n").bytes());
        let (Package::Binary(path) | Package::Zip(path) | Package::Variable(path)) = to;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        match to {
            Package::Binary(path) => {
                fs::write(path, binary)?;
                fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
            }
            Package::Variable(path) => fs::write(path, format!("CODE={}\n", what.replace(' ', "-")))?,
            Package::Zip(path) => {
                let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
                zip.start_file("bootstrap", SimpleFileOptions::default().unix_permissions(0o755))?;
                zip.write_all(&binary)?;
                fs::write(path, zip.finish()?.into_inner())?;
            }
        }
        Ok(())
    }
}
