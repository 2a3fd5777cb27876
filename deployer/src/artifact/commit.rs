//! The commit that a checkout is of, and how two commits are related. It is only recorded, and compared before an older one
//! replaces a newer one. Without git, or if git refuses the checkout, the commit is the one that GitHub names, or unknown.

use super::checkout::Checkout;
use super::git::{Ancestry, Commit, Commits, Git};
use super::reads::Reads;
use crate::config::Config;

/// What is known of the commit of a checkout.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// The commit.
    pub commit: Option<Commit>,
    /// Whether what the packages are made of differs from it.
    pub dirty: bool,
    /// Why git cannot name the commit, if it should be able to.
    pub warning: Option<String>,
}

/// The commit of the checkout that `deployer.toml` is in. `checkout` is what the packages are made of; without it nothing is
/// dirty. `reads` is what their last build read beyond their files.
pub async fn commit(config: &Config, checkout: Option<&Checkout>, reads: Option<&Reads>) -> Checked {
    let folder = checkout.map_or(config.root.as_path(), Checkout::folder);
    let git = Git::new(&config.process, folder);
    match git.head().await {
        Ok(commit) => {
            let dirty = match checkout {
                Some(checkout) => git.changed().await.iter().any(|path| checkout.is_made_of(reads, path)),
                None => false,
            };
            Checked { commit: Some(commit), dirty, warning: None }
        }
        Err(words) => {
            let commit = config.process.github_commit().map(|id| Commit { id, at: None });
            // Without git there is nothing to warn about, unless GitHub names a commit.
            let is_expected = words.contains("not a git repository") && commit.is_none();
            let taken = match &commit {
                Some(commit) => format!("`{}` is taken from GITHUB_SHA, and its date is unknown", commit.id),
                None => "it is unknown".to_owned(),
            };
            let hint = if words.contains("dubious ownership") {
                format!("; let git read it: `git config --global --add safe.directory {}`", folder.display())
            } else {
                String::new()
            };
            let warning = format!("git does not say which commit this is ({words}); {taken}{hint}");
            Checked { commit, dirty: false, warning: (!is_expected).then_some(warning) }
        }
    }
}

/// The address of the repository that the checkout is of: as GitHub names it, or git's `origin`. It may have a password in it.
pub async fn repository(config: &Config) -> Option<String> {
    match config.process.repository_url() {
        Some(url) => Some(url),
        None => Git::new(&config.process, &config.root).origin().await,
    }
}

/// How two commits are related, as far as this checkout shows.
pub async fn ancestry(config: &Config, first: &str, second: &str) -> Ancestry {
    Git::new(&config.process, &config.root).ancestry(first, second).await
}

/// The commits that `to` has and `from` has not, at most `limit` of them; nothing if git does not know here.
pub async fn between(config: &Config, (from, to): (&str, &str), limit: usize) -> Option<Commits> {
    Git::new(&config.process, &config.root).log(from, to, limit).await
}

/// The name of who commits here, as git is configured.
pub async fn author(config: &Config) -> Option<String> {
    Git::new(&config.process, &config.root).author().await
}
