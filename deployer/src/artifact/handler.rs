//! Whether a package has what its runtime will start: the file that the function's handler names.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{Read, Seek};

use zip::ZipArchive;

use super::pack::ENTRY;

/// The file that a runtime would look for and not find in this zip, as a user would name it. Nothing if it is there, or if that
/// cannot be said: for other runtimes, and for anything that is not a zip: Lambda refuses those itself.
pub(super) fn missing(zip: impl Read + Seek, runtime: &str, handler: &str) -> Option<String> {
    let zip = ZipArchive::new(zip).ok()?;
    let names: BTreeSet<Cow<'_, str>> = zip.file_names().flatten().collect();
    let files = files(runtime, handler)?;
    let is_extension = |name: &Cow<'_, str>| {
        let module = files.first().and_then(|file| file.strip_suffix(".py"));
        module
            .and_then(|module| name.strip_prefix(module))
            .is_some_and(|rest| rest.starts_with('.') && rest.ends_with(".so"))
    };
    let found = files.iter().any(|file| names.contains(file.as_str())) || names.iter().any(is_extension);
    if found { None } else { files.into_iter().next() }
}

/// The files that a runtime accepts for this handler, the usual one first. Empty for runtimes that load no file by its name.
pub fn files(runtime: &str, handler: &str) -> Option<Vec<String>> {
    let language = runtime.trim_end_matches(|letter: char| letter.is_ascii_digit() || ".xal".contains(letter));
    match language {
        "provided" | "provided." => Some(vec![ENTRY.to_owned()]),
        "python" => {
            let module = handler.rsplit_once('.')?.0.replace('.', "/");
            let ends = [".py", ".pyc", ".pyo", "/__init__.py", "/__init__.pyc"];
            Some(ends.map(|end| format!("{module}{end}")).to_vec())
        }
        "nodejs" => {
            let (folder, name) = handler.rsplit_once('/').map_or(("", handler), |(folder, name)| (folder, name));
            let module = format!("{}{}{}", folder, if folder.is_empty() { "" } else { "/" }, name.split_once('.')?.0);
            let module = module.strip_prefix("./").unwrap_or(&module);
            Some([".js", ".mjs", ".cjs", ""].map(|end| format!("{module}{end}")).to_vec())
        }
        "ruby" => Some(vec![format!("{}.rb", handler.split_once('.')?.0)]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use zip::ZipWriter;

    use super::super::pack::options;
    use super::*;

    fn zip(names: &[&str]) -> Cursor<Vec<u8>> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for name in names {
            zip.start_file(*name, options(false)).unwrap();
            zip.write_all(b"x").unwrap();
        }
        zip.finish().unwrap()
    }

    #[test]
    fn the_file_of_the_handler_is_found_where_the_runtime_looks() {
        for (runtime, handler, file) in [
            ("python3.12", "handler.handle", "handler.py"),
            ("python3.12", "app.api.handle", "app/api.py"),
            ("python3.12", "app/api.handle", "app/api.py"),
            ("python3.13", "app.handle", "app/__init__.py"),
            ("python3.13", "fast.handle", "fast.cpython-313-x86_64-linux-gnu.so"),
            ("nodejs20.x", "index.handler", "index.js"),
            ("nodejs22.x", "index.handler", "index.mjs"),
            ("nodejs22.x", "dist/index.api.handler", "dist/index.cjs"),
            ("ruby3.3", "lambda.handler", "lambda.rb"),
            ("ruby3.3", "lambda.Api::Handler.process", "lambda.rb"),
            ("provided.al2023", "anything", "bootstrap"),
        ] {
            assert_eq!(missing(zip(&[file, "other"]), runtime, handler), None, "{runtime} {handler}");
            assert!(missing(zip(&["other"]), runtime, handler).is_some(), "{runtime} {handler}");
        }
    }

    #[test]
    fn a_folder_too_deep_is_what_people_get_wrong() {
        assert_eq!(missing(zip(&["src/handler.py"]), "python3.12", "handler.handle").unwrap(), "handler.py");
        assert_eq!(missing(zip(&["dist/index.js"]), "nodejs22.x", "index.handler").unwrap(), "index.js");
        assert_eq!(missing(zip(&["target/bootstrap"]), "provided.al2023", "x").unwrap(), "bootstrap");
    }

    #[test]
    fn other_runtimes_and_other_files_are_not_checked() {
        assert_eq!(missing(zip(&["x.class"]), "java21", "example.Handler::handle"), None);
        assert_eq!(missing(zip(&["x.dll"]), "dotnet8", "A::B::C"), None);
        assert_eq!(missing(Cursor::new(b"no zip"), "python3.12", "handler.handle"), None);
        assert_eq!(missing(zip(&["x"]), "python3.12", "handler"), None);
    }
}
