//! A repository whose workflows run, and where its AWS listens.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::harness::{know, repository};

/// The repository that this test was built from, under the name of a fork.
pub(crate) const REPOSITORY: &str = "example/resume-visitor-counter";

/// The same repository as others call its workflows, `uses: OWNER/deployer/…@v0.2.0`.
pub(crate) const PUBLISHED: &str = "OWNER/deployer";

/// A repository on GitHub.
pub(crate) struct Project {
    /// `owner/name`.
    pub repository: String,
    /// What `actions/checkout` lays down: a clone of it, if it is a git repository (its last commit is then that of an event without
    /// one), else a copy.
    pub sources: PathBuf,
    /// The folder with its `.github`.
    pub workflows: PathBuf,
    /// What the names of its roles and of its bucket for states begin with: `PREFIX-ENV-deploy`, `PREFIX-tfstate-ACCOUNT`.
    pub prefix: String,
    /// Its environments, each with its AWS.
    pub local: BTreeMap<String, Local>,
}

/// The local AWS of an environment.
pub(crate) struct Local {
    pub port: u16,
    /// The account that its roles are in.
    pub account: String,
    /// What `local up` keeps of it, `.deployer/local/ENV`: the file `credentials`, and Terraform's settings in `terraform.tfrc`.
    pub kept: PathBuf,
}

type Variables = BTreeMap<String, BTreeMap<String, String>>;

impl Project {
    /// This repository, with sources that a test may have changed.
    pub(crate) fn this(sources: PathBuf, local: BTreeMap<String, Local>) -> Self {
        let prefix = "resume-visitor-counter".to_owned();
        Self { repository: REPOSITORY.to_owned(), sources, workflows: repository(), prefix, local }
    }

    /// Another repository, whose workflows are in its own sources.
    pub(crate) fn foreign(name: &str, sources: PathBuf, prefix: &str, local: BTreeMap<String, Local>) -> Self {
        Self { repository: name.to_owned(), workflows: sources.clone(), sources, prefix: prefix.to_owned(), local }
    }

    pub(super) fn is_this(&self) -> bool {
        self.repository == REPOSITORY
    }

    /// The variables of its GitHub environments `ENV`, `ENV-plan` and `ENV-rollback`.
    pub(super) fn variables(&self) -> Variables {
        let mut all = Variables::new();
        for (environment, local) in &self.local {
            for (suffix, role) in [("", "deploy"), ("-plan", "plan"), ("-rollback", "deploy")] {
                let role = format!("arn:aws:iam::{}:role/{}-{environment}-{role}", local.account, self.prefix);
                let bucket = format!("{}-tfstate-{}", self.prefix, local.account);
                let of_it = [("AWS_ROLE_ARN", role), ("AWS_REGION", "us-east-1".to_owned()), ("STATE_BUCKET", bucket)];
                let of_it = of_it.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
                all.insert(format!("{environment}{suffix}"), of_it);
            }
        }
        all
    }

    /// The AWS with an account: that of the GitHub environment, where several have it.
    pub(super) fn with_account(&self, account: &str, environment: &str) -> Option<&Local> {
        let named = environment.trim_end_matches("-plan").trim_end_matches("-rollback");
        let of_it = self.local.get(named).filter(|local| local.account == account);
        of_it.or_else(|| self.local.values().find(|local| local.account == account))
    }
}

impl Local {
    pub(crate) fn new(port: u16, account: &str, kept: PathBuf) -> Self {
        know(port, kept.join("credentials"));
        Self { port, account: account.to_owned(), kept }
    }
}
