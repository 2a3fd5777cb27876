//! The file of a page: whole, or not at all.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::failure::Failure;

/// Writes `text` to `path`. A file that is there is replaced, and keeps its permissions; what is not a file, a pipe say, is written to.
///
/// # Errors
/// It is a folder, or cannot be written; a file that was there is as it was.
pub fn write(path: &Path, text: &str) -> Result<()> {
    let found = std::fs::metadata(path).ok();
    if found.as_ref().is_some_and(std::fs::Metadata::is_dir) {
        return Err(Failure::bad_input(format!("`{}` is a folder", path.display()))
            .hint(format!("name a file, such as `{}`", path.join("releases.html").display()))
            .into());
    }
    let written = match &found {
        Some(found) if !found.is_file() => std::fs::write(path, text),
        _ => replace(path, text, found.map(|found| found.permissions())),
    };
    written.with_context(|| {
        Failure::error(format!("cannot write `{}`", path.display()))
            .hint("name a file in a folder that you may write to")
    })
}

fn replace(path: &Path, text: &str, permissions: Option<std::fs::Permissions>) -> std::io::Result<()> {
    // Where a link leads, not the link.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // As any new file has them: less what the user's mask takes away.
    let default = std::fs::Permissions::from_mode(0o666);
    let mut file = tempfile::Builder::new().prefix(".releases-").permissions(default).tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    file.persist(path).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ending::Ending as _;
    use crate::failure::Exit;

    #[test]
    fn a_file_is_replaced_and_keeps_its_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("page.html");
        write(&file, "one").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        let link = folder.path().join("link.html");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write(&link, "two").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "two");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "a temporary file is left");
    }

    #[test]
    fn a_folder_is_refused_and_a_missing_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = write(folder.path(), "x").unwrap_err();
        assert_eq!(error.exit(), Exit::BadInput);
        assert!(error.hint().unwrap().contains("releases.html"));
        let error = write(&folder.path().join("no/page.html"), "x").unwrap_err();
        assert!(format!("{error:#}").contains("no/page.html"), "{error:#}");
    }
}
