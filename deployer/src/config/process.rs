//! The process environment: what of it we use, and what of it a child may see.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use anyhow::Result;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::failure::Failure;

/// A snapshot of the process environment, taken once.
#[derive(Debug, Clone, Default)]
pub struct ProcessEnvironment(BTreeMap<OsString, OsString>);

/// Variables with these beginnings would change what our children do: a user's own AWS and Terraform settings.
/// `RUST_LOG` and the like stay; nothing of ours is configured by it.
const PRIVATE: [&str; 3] = ["AWS_", "TF_", "TERRAFORM_"];

impl ProcessEnvironment {
    /// Takes the snapshot.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn capture() -> Self {
        Self(std::env::vars_os().collect())
    }

    /// A snapshot of these variables and no others.
    pub fn of<N: Into<OsString>, V: Into<OsString>>(variables: impl IntoIterator<Item = (N, V)>) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// Every variable.
    pub(super) fn all(&self) -> &BTreeMap<OsString, OsString> {
        &self.0
    }

    /// Whether `DEPLOYER_LOCAL` selects the local AWS.
    ///
    /// # Errors
    /// It is set to a word that means neither yes nor no.
    pub fn local_requested(&self) -> Result<bool> {
        let Some(value) = self.0.get(OsStr::new("DEPLOYER_LOCAL")) else { return Ok(false) };
        match value.to_string_lossy().trim().to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(true),
            "" | "0" | "false" | "no" | "off" => Ok(false),
            other => Err(Failure::bad_input(format!("`DEPLOYER_LOCAL` is `{other}`, which is neither 1 nor 0"))
                .hint("set it to 1 for the local AWS, or unset it")
                .into()),
        }
    }

    /// The file with the token by which the run assumes a role, which the SDK reads too.
    pub(crate) fn web_identity_token(&self) -> Option<PathBuf> {
        self.0.get(OsStr::new("AWS_WEB_IDENTITY_TOKEN_FILE")).filter(|file| !file.is_empty()).map(PathBuf::from)
    }

    /// The root certificates (PEM) of `AWS_CA_BUNDLE`, which AWS's own tools read: those of a proxy that inspects TLS.
    ///
    /// # Errors
    /// The file cannot be read, or has no certificate.
    pub fn certificates(&self) -> Result<Vec<Vec<u8>>> {
        let Some(file) = self.0.get(OsStr::new("AWS_CA_BUNDLE")).filter(|file| !file.is_empty()) else {
            return Ok(Vec::new());
        };
        let refused = |why: String| {
            Failure::bad_input(format!("cannot use the CA bundle `{}` from `AWS_CA_BUNDLE`: {why}", file.display()))
                .hint("set it to a PEM file with root certificates, or unset it")
        };
        let pem = std::fs::read(file).map_err(|error| refused(error.to_string()))?;
        match roots(&pem) {
            Ok(0) => Err(refused("it contains no certificate".to_owned()).into()),
            Ok(_) => Ok(vec![pem]),
            Err(error) => Err(refused(error).into()),
        }
    }

    /// Whether words may be coloured, as far as the environment says (<https://no-color.org>).
    pub fn allows_color(&self) -> bool {
        self.text("NO_COLOR").is_none_or(|value| value.is_empty())
            && self.text("TERM").is_none_or(|term| term != "dumb")
    }

    /// Whether the terminal can change lines in place.
    pub fn allows_live_lines(&self) -> bool {
        self.text("TERM").is_some_and(|term| !term.is_empty() && term != "dumb")
    }

    /// Whether the terminal shows more than ASCII, as the locale's variables say: the first that is set decides.
    pub fn allows_unicode(&self) -> bool {
        let set = ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .find_map(|name| self.text(name).filter(|value| !value.is_empty()));
        let locale = set.map(|value| value.to_uppercase()).unwrap_or_default();
        locale.contains("UTF-8") || locale.contains("UTF8")
    }

    /// The environment for a child that must not see the user's AWS and Terraform settings.
    pub fn without_cloud_settings(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0.iter().filter(|(name, _)| !is_private(name)).map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// Only the variables that any program needs to run.
    pub fn bare(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        const BARE: [&str; 5] = ["PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH"];
        let known = self.0.iter().filter(|(name, _)| BARE.iter().any(|bare| name.as_os_str() == *bare));
        known.map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// Cargo: the one that runs us, or the first on the path.
    pub fn cargo(&self) -> OsString {
        self.0.get(OsStr::new("CARGO")).cloned().unwrap_or_else(|| "cargo".into())
    }

    /// The compiler: the one that cargo would run.
    pub fn rustc(&self) -> OsString {
        self.0.get(OsStr::new("RUSTC")).cloned().unwrap_or_else(|| "rustc".into())
    }

    /// Cargo's home: its registry, checkouts and user settings.
    pub fn cargo_home(&self) -> Option<PathBuf> {
        let named = self.0.get(OsStr::new("CARGO_HOME")).filter(|path| !path.is_empty()).map(PathBuf::from);
        named.or_else(|| Some(self.home()?.join(".cargo")))
    }

    /// One variable.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// The commit that GitHub Actions checked out for this job, if it says one.
    pub fn github_commit(&self) -> Option<String> {
        self.text("GITHUB_ACTIONS").filter(|value| value == "true")?;
        let is_commit = |id: &String| matches!(id.len(), 40 | 64) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        self.text("GITHUB_SHA").filter(is_commit)
    }

    /// Compiler flags from outside, which change what a function is made of.
    pub fn compiler_flags(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        let counts = |name: &str| {
            matches!(name, "RUSTFLAGS" | "CARGO_ENCODED_RUSTFLAGS" | "CARGO_BUILD_RUSTFLAGS" | "RUSTC_WRAPPER")
                || matches!(name, "RUSTC_WORKSPACE_WRAPPER" | "CFLAGS" | "CC")
                || name.starts_with("CARGO_PROFILE_")
                || name.starts_with("CARGO_TARGET_") && name != "CARGO_TARGET_DIR"
        };
        let named = self.0.iter().filter(move |(name, _)| name.to_str().is_some_and(counts));
        named.map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// The user's home folder.
    pub fn home(&self) -> Option<PathBuf> {
        self.0.get(OsStr::new("HOME")).map(PathBuf::from)
    }

    /// Where downloads are kept between runs: `$XDG_CACHE_HOME/deployer`, or `~/.cache/deployer`.
    pub fn cache(&self) -> Option<PathBuf> {
        let base = self.0.get(OsStr::new("XDG_CACHE_HOME")).map(PathBuf::from).filter(|path| path.is_absolute());
        Some(base.or_else(|| Some(self.home()?.join(".cache")))?.join("deployer"))
    }

    /// Terraform's own cache of providers, if the user has one: a place where a mirror may be found.
    pub fn terraform_plugin_cache(&self) -> Option<PathBuf> {
        self.0.get(OsStr::new("TF_PLUGIN_CACHE_DIR")).map(PathBuf::from)
    }

    /// Who started this run on GitHub. After a re-run by another person, `GITHUB_ACTOR` is still the first one.
    pub fn github_actor(&self) -> Option<String> {
        self.first_of(&["GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR"])
    }

    /// The user of the system.
    pub fn user(&self) -> Option<String> {
        self.first_of(&["USER", "LOGNAME"])
    }

    fn first_of(&self, names: &[&str]) -> Option<String> {
        names.iter().filter_map(|name| self.text(name)).find(|name| !name.is_empty())
    }

    /// The page of the GitHub Actions run that this is, if it is one: of this attempt, if it is not the first.
    pub fn run_url(&self) -> Option<String> {
        let (server, repository) = (self.text("GITHUB_SERVER_URL")?, self.text("GITHUB_REPOSITORY")?);
        let attempt = self.text("GITHUB_RUN_ATTEMPT").and_then(|attempt| attempt.parse::<u32>().ok());
        let again = attempt.filter(|attempt| *attempt > 1);
        let again = again.map_or_else(String::new, |attempt| format!("/attempts/{attempt}"));
        Some(format!("{server}/{repository}/actions/runs/{}{again}", self.text("GITHUB_RUN_ID")?))
    }

    /// The page of the repository that GitHub Actions runs for.
    pub fn repository_url(&self) -> Option<String> {
        Some(format!("{}/{}", self.text("GITHUB_SERVER_URL")?, self.text("GITHUB_REPOSITORY")?))
    }

    /// What GitHub Actions offers to a step, if this is one.
    pub fn github(&self) -> Option<GitHubStep> {
        self.text("GITHUB_ACTIONS").filter(|value| value == "true")?;
        let path = |name: &str| self.0.get(OsStr::new(name)).filter(|path| !path.is_empty()).map(PathBuf::from);
        Some(GitHubStep {
            summary: path("GITHUB_STEP_SUMMARY"),
            output: path("GITHUB_OUTPUT"),
            workspace: path("GITHUB_WORKSPACE"),
        })
    }

    fn text(&self, name: &str) -> Option<String> {
        self.0.get(OsStr::new(name))?.to_str().map(str::to_owned)
    }
}

/// What GitHub Actions offers to one step of a job.
#[derive(Debug, Clone, Default)]
pub struct GitHubStep {
    /// The file whose Markdown the run's page shows.
    pub summary: Option<PathBuf>,
    /// The file that takes the step's outputs.
    pub output: Option<PathBuf>,
    /// The checkout: files in annotations are named from here.
    pub workspace: Option<PathBuf>,
}

/// How many root certificates there are, each of them one that a connection can use.
fn roots(pem: &[u8]) -> Result<usize, String> {
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        store.add(certificate).map_err(|error| error.to_string())?;
    }
    Ok(store.len())
}

fn is_private(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    PRIVATE.iter().any(|beginning| name.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> ProcessEnvironment {
        ProcessEnvironment(pairs.iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    #[test]
    fn children_get_none_of_the_users_aws_and_terraform_settings() {
        let all =
            [("AWS_PROFILE", "x"), ("AWS_ENDPOINT_URL", "x"), ("TF_LOG", "x"), ("TF_VAR_a", "x"), ("PATH", "/bin")];
        let environment = environment(&all);
        let seen: Vec<_> = environment.without_cloud_settings().map(|(name, _)| name).collect();
        assert_eq!(seen, ["PATH"]);
    }

    #[test]
    fn usual_words_select_the_local_aws_and_others_are_refused() {
        let selected = |value: &str| environment(&[("DEPLOYER_LOCAL", value)]).local_requested();
        assert!(!environment(&[]).local_requested().unwrap());
        for value in ["1", "true", "yes", "on", "TRUE", " On "] {
            assert!(selected(value).unwrap(), "{value}");
        }
        for value in ["", "0", "false", "no", "off", "No", "OFF"] {
            assert!(!selected(value).unwrap(), "{value}");
        }
        for value in ["local", "2", "y es"] {
            let error = selected(value).unwrap_err().to_string();
            assert!(error.contains("`DEPLOYER_LOCAL`") && error.contains(&format!("`{value}`")), "{error}");
        }
    }

    #[test]
    fn certificates_are_those_of_the_bundle() {
        let folder = tempfile::tempdir().unwrap();
        let of = |name: &str, text: &[u8]| {
            let file = folder.path().join(name);
            std::fs::write(&file, text).unwrap();
            environment(&[("AWS_CA_BUNDLE", file.to_str().unwrap())]).certificates()
        };
        let root = rcgen::generate_simple_self_signed(["proxy.example".to_owned()]).unwrap().cert.pem();
        assert_eq!(of("root.pem", root.as_bytes()).unwrap(), [root.into_bytes()]);
        assert!(environment(&[]).certificates().unwrap().is_empty());
        assert!(environment(&[("AWS_CA_BUNDLE", "")]).certificates().unwrap().is_empty());
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (name, text) in [("empty.pem", ""), ("text.pem", "hello"), ("broken.pem", broken)] {
            let error = of(name, text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("`AWS_CA_BUNDLE`"), "{error}");
        }
        let missing = environment(&[("AWS_CA_BUNDLE", "/nowhere.pem")]).certificates().unwrap_err().to_string();
        assert!(missing.contains("/nowhere.pem") && missing.contains("No such file"), "{missing}");
    }

    #[test]
    fn the_run_url_needs_all_of_its_parts() {
        let server = ("GITHUB_SERVER_URL", "https://github.example");
        assert_eq!(environment(&[server]).run_url(), None);
        let whole = environment(&[server, ("GITHUB_REPOSITORY", "o/r"), ("GITHUB_RUN_ID", "7")]);
        assert_eq!(whole.run_url().unwrap(), "https://github.example/o/r/actions/runs/7");
    }

    #[test]
    fn the_run_url_leads_to_the_attempt() {
        let run =
            [("GITHUB_SERVER_URL", "https://github.example"), ("GITHUB_REPOSITORY", "o/r"), ("GITHUB_RUN_ID", "7")];
        for (attempt, end) in [("1", "/7"), ("2", "/7/attempts/2"), ("12", "/7/attempts/12"), ("", "/7"), ("x", "/7")] {
            let all = [&run[..], &[("GITHUB_RUN_ATTEMPT", attempt)]].concat();
            let url = environment(&all).run_url().unwrap();
            assert_eq!(url.strip_prefix("https://github.example/o/r/actions/runs"), Some(end), "{attempt}");
        }
    }

    #[test]
    fn the_actor_is_the_person_that_started_this_attempt() {
        let [again, first, user] = [("GITHUB_TRIGGERING_ACTOR", "grace"), ("GITHUB_ACTOR", "ada"), ("USER", "runner")];
        assert_eq!(environment(&[user, first, again]).github_actor().unwrap(), "grace");
        let again = ("GITHUB_TRIGGERING_ACTOR", "");
        assert_eq!(environment(&[user, first, again]).github_actor().unwrap(), "ada");
        assert_eq!(environment(&[user]).github_actor(), None);
        assert_eq!(environment(&[("USER", ""), ("LOGNAME", "grace")]).user().unwrap(), "grace");
    }

    #[test]
    fn a_step_of_github_is_known_by_what_github_sets() {
        let file = ("GITHUB_STEP_SUMMARY", "/s");
        for not_one in ["", "false", "1"] {
            assert!(environment(&[file, ("GITHUB_ACTIONS", not_one)]).github().is_none(), "{not_one}");
        }
        let all = [file, ("GITHUB_ACTIONS", "true"), ("GITHUB_OUTPUT", "")];
        let step = environment(&all).github().unwrap();
        assert_eq!((step.summary, step.output, step.workspace), (Some("/s".into()), None, None));
    }
}
