//! Errors in a `deployer.toml` that parses: values that contradict each other or are not possible. All are reported at once, each with
//! its place.

use std::collections::BTreeSet;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::builds::is_credential;
use super::check::Verify;
use super::file::{File, is_plain};
use super::local;
use crate::failure::{Failure, Place};

/// A value that contradicts another one, or is not possible.
#[derive(Debug)]
pub(super) struct Contradiction {
    /// The keys that lead to it; of a list the number of the item.
    at: Vec<String>,
    what: String,
}

impl Contradiction {
    pub(super) fn new<const N: usize>(at: [&str; N], what: impl Into<String>) -> Self {
        Self { at: at.map(str::to_owned).to_vec(), what: what.into() }
    }

    /// Where it is in the text; where its last keys are not there, what should have them.
    fn place(&self, text: &str, path: &Path) -> Option<Place> {
        let whole = DeTable::parse(text).ok()?;
        let (mut table, mut found) = (Some(whole.get_ref()), None);
        let mut list: Option<&[Spanned<DeValue<'_>>]> = None;
        for key in &self.at {
            let next = match (table, list) {
                (Some(table), _) => {
                    table.iter().find(|(name, _)| name.get_ref() == key).map(|(name, value)| (name.span(), value))
                }
                (None, Some(list)) => {
                    key.parse::<usize>().ok().and_then(|index| list.get(index)).map(|value| (value.span(), value))
                }
                (None, None) => None,
            };
            let Some((span, value)) = next else { break };
            found = Some(span.start);
            (table, list) = (value.get_ref().as_table(), value.get_ref().as_array().map(|items| &**items));
        }
        found.map(|offset| Place::new(path, text, offset))
    }
}

/// The error that names all of them.
pub(super) fn failure(found: &[Contradiction], text: &str, path: &Path) -> Failure {
    let places: Vec<_> = found.iter().map(|found| found.place(text, path)).collect();
    let lines = found.iter().zip(&places).map(|(found, place)| match place {
        Some(Place { line, column, .. }) => format!("line {line}, column {column}: {}", found.what),
        None => found.what.clone(),
    });
    let lines: Vec<String> = lines.collect();
    let message = match lines.as_slice() {
        [one] => format!("`{}`: {one}", path.display()),
        errors => {
            let count = errors.len();
            format!("`{}` has {count} errors:\n  {}", path.display(), errors.join("\n  "))
        }
    };
    Failure::bad_input(message)
        .hint("`docs/configuration.md` in the repository of the deployer describes every key; nothing was changed")
        .at(places.into_iter().flatten().next())
}

/// All contradictions.
pub(super) fn of(file: &File) -> Vec<Contradiction> {
    let mut all = identity(file);
    all.extend(build(file));
    all.extend(functions(file));
    all.extend(checks(file));
    all.extend(verify(file));
    all.extend(stacks(file));
    all.extend(local::contradictions(&file.local, &file.environments));
    all
}

fn identity(file: &File) -> Vec<Contradiction> {
    let mut all = Vec::new();
    if file.app.is_empty() {
        all.push(Contradiction::new(["app"], "`app` must not be empty"));
    }
    for (table, is_empty) in [("functions", file.functions.is_empty()), ("environments", file.environments.is_empty())]
    {
        if is_empty {
            all.push(Contradiction::new([table], format!("`{table}` must not be empty")));
        }
    }
    // They become the names of files and of folders.
    let keys = file.functions.keys().map(|key| ("functions", key));
    for (table, key) in keys.chain(file.environments.keys().map(|key| ("environments", key))) {
        if !is_plain(key) {
            let what =
                format!("{key:?} cannot be the name of a function or environment: use letters, digits, `-` and `_`");
            all.push(Contradiction::new([table, key], what));
        }
    }
    if let Some(default) = file.default_environment.as_ref().filter(|name| !file.environments.contains_key(*name)) {
        let what = format!("`default_environment` names `{default}`, which is not in `environments`");
        all.push(Contradiction::new(["default_environment"], what));
    }
    all
}

fn build(file: &File) -> Vec<Contradiction> {
    let mut all = Vec::new();
    for name in file.build.pass_env.iter().filter(|name| is_credential(name)) {
        let what = format!("`build.pass_env` names `{name}`: credentials are never passed to a build");
        all.push(Contradiction::new(["build", "pass_env"], what));
    }
    let target = &file.build.target;
    if !["x86_64-", "aarch64-"].iter().any(|known| target.starts_with(known)) || !target.contains("-linux-") {
        let what = format!("`build.target` is `{target}`: Lambda runs only x86_64 and aarch64 Linux");
        all.push(Contradiction::new(["build", "target"], what));
    }
    all
}

fn functions(file: &File) -> Vec<Contradiction> {
    let wrong = file.functions.iter().filter_map(|(key, function)| {
        let what = function.clone().read(key, &file.build).err()?;
        Some(Contradiction::new(["functions", key], what))
    });
    let named =
        file.functions.iter().flat_map(|(key, function)| function.environments.iter().map(move |all| (key, all)));
    let nowhere = named.filter_map(|(key, all)| {
        let what = match all.iter().find(|name| !file.environments.contains_key(*name)) {
            Some(unknown) => format!("function `{key}` names `{unknown}`, which is not in `environments`"),
            None if all.is_empty() => {
                format!("function `{key}` is in no environment: remove its `environments`, or remove the function")
            }
            None => return None,
        };
        Some(Contradiction::new(["functions", key, "environments"], what))
    });
    wrong.chain(nowhere).collect()
}

fn checks(file: &File) -> Vec<Contradiction> {
    let (mut all, mut names) = (Vec::new(), BTreeSet::new());
    for (index, check) in file.checks.iter().enumerate() {
        let index = index.to_string();
        if let Some(what) = check.contradiction() {
            all.push(Contradiction::new(["checks", &index], what));
        }
        if !file.functions.contains_key(&check.function) {
            let what = format!("check `{}` names the unknown function `{}`", check.name, check.function);
            all.push(Contradiction::new(["checks", &index, "function"], what));
        }
        if !names.insert(&check.name) {
            all.push(Contradiction::new(["checks", &index, "name"], format!("two checks are called `{}`", check.name)));
        }
    }
    all
}

fn verify(file: &File) -> Vec<Contradiction> {
    let Verify { in_a_row, requests, timeout_seconds } = file.verify;
    if in_a_row == 0 || timeout_seconds == 0 {
        let what = "`verify.in_a_row` and `verify.timeout_seconds` must be at least 1";
        let key = if in_a_row == 0 { "in_a_row" } else { "timeout_seconds" };
        return vec![Contradiction::new(["verify", key], what)];
    }
    let fewest = file.verify.fewest_requests();
    if requests >= fewest {
        return Vec::new();
    }
    let what = format!(
        "`verify.in_a_row` is {in_a_row}, which may need {fewest} requests, but `verify.requests` is {requests}: \
         lower `in_a_row` or raise `requests`"
    );
    vec![Contradiction::new(["verify", "in_a_row"], what)]
}

fn stacks(file: &File) -> Vec<Contradiction> {
    let wrong = file.environments.iter().filter_map(|(name, environment)| {
        let what = environment.stack.as_ref()?.contradiction(name)?;
        Some(Contradiction::new(["environments", name, "stack"], what))
    });
    wrong.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../deployer.toml"));

    fn error(text: &str) -> anyhow::Error {
        File::parse(text, Path::new("deployer.toml")).unwrap_err()
    }

    fn message(text: &str) -> String {
        error(text).to_string()
    }

    #[test]
    fn contradictions_are_named() {
        let cases = [
            ("default_environment = \"dev\"", "default_environment = \"test\"", "which is not in `environments`"),
            ("x86_64-unknown-linux-gnu", "wasm32-wasip1", "Lambda runs only x86_64 and aarch64 Linux"),
            ("function = \"preflight\"\nrequest", "function = \"other\"\nrequest", "unknown function `other`"),
            ("name = \"count\"", "name = \"health\"", "two checks are called `health`"),
            ("in_a_row = 3", "in_a_row = 0", "must be at least 1"),
            ("in_a_row = 3", "in_a_row = 18", "lower `in_a_row`"),
            ("[lock]\nlease_seconds = 20", "[lock]\nlease_seconds = 1", "must be from 2 to 300"),
            ("percent = 10", "percent = 100", "must be from 1 to 99"),
            ("strategy = \"canary\"", "strategy = \"linear\"", "`linear` needs `step_percent` and `interval_seconds`"),
            (
                "reader_role = \"resume",
                "reader_role = \"arn:aws:sts::1:assumed-role/resume",
                "neither the name nor the ARN",
            ),
            ("releases = 10", "releases = 0", "must be at least 1"),
            ("grace_hours = 24", "grace_hours = 9223372036854775807", "must be at most 87600"),
            ("in_a_row = 3", "in_a_row = 4294967295", "lower `in_a_row`"),
            ("bake_seconds = 180", "bake_seconds = 9223372036854775807", "must be at most 86400"),
            ("watch_seconds = 0", "watch_seconds = 86401", "must be at most 86400"),
            ("[functions.counter]", "[functions.\"../counter\"]", "\"../counter\" cannot be the name of a function"),
            ("[environments.dev]", "[environments.\"a/b\"]", "\"a/b\" cannot be the name of a function or environment"),
            ("account = \"111111111111\"", "account = \"1111\"", "must have 12 digits"),
            ("port = 24567", "port = 24566", "must be above 1023, and different"),
            ("\"GET /health\"", "\"/health\"", "write it as `GET /health`"),
            ("newest_glibc = \"2.34\"", "newest_glibc = \"two\"", "write it as `2.34`"),
            (
                "package = \"function\"\nbin = \"preflight\"\ndefault_features = false",
                "build = { image = \"a:1\" }",
                "function `preflight`: the image `a:1` has no digest",
            ),
            ("[build]\n", "[build]\npass_env = [\"GITHUB_TOKEN\"]\n", "credentials are never passed to a build"),
            ("[build]\n", "[build]\npass_env = [\"AWS_SESSION_TOKEN\"]\n", "names `AWS_SESSION_TOKEN`"),
        ];
        for (from, to, expected) in cases {
            assert!(OURS.contains(from), "{from}");
            let text = message(&OURS.replacen(from, to, 1));
            assert!(text.contains(expected), "{text}");
        }
    }

    #[test]
    fn all_of_them_are_named_at_once_each_with_its_place() {
        let edits = [
            ("default_environment = \"dev\"", "default_environment = \"test\""),
            ("name = \"count\"", "name = \"health\""),
            ("bin = \"preflight\"", "bin = \"preflight\"\nbuild = { output = \"dist\" }"),
            ("port = 24567", "port = 24566"),
        ];
        let text = edits.iter().fold(OURS.to_owned(), |text, (from, to)| text.replacen(from, to, 1));
        let line = |part: &str| text.lines().position(|line| line.contains(part)).unwrap() + 1;
        let expected = [
            format!("line {}, column 1: `default_environment` names `test`", line("\"test\"")),
            format!("line {}, column 12: function `preflight` has a `build` table", line("[functions.preflight]")),
            "column 1: two checks are called `health`".to_owned(),
            format!("line {}, column 1: `local.prod.port` must be above 1023", line("prod = { port")),
        ];
        let (error, said) = (error(&text), message(&text));
        assert!(said.starts_with("`deployer.toml` has 4 errors:\n  line "), "{said}");
        for (line, expected) in said.lines().skip(1).zip(&expected) {
            assert!(line.contains(expected.as_str()), "`{expected}`: {said}");
        }
        assert_eq!(Failure::place_of(&error).unwrap().line, line("\"test\""));
    }
}
