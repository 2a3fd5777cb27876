//! PublishVersion, and the deletion of versions.

use std::time::Duration;

use super::asked::Asked;
use super::model::{Function, LATEST, State, Update, Version};
use super::refusal::Refusal;
use super::show::Shown;
use super::{Ids, Lambda};
use crate::aws::wire::{Moment, Reply};

/// How a version is published.
pub(super) struct Publication {
    pub(super) now: Duration,
    /// Pending or Active.
    pub(super) state: State,
    pub(super) description: String,
}

/// Makes `$LATEST` a version. The RevisionId of `$LATEST` moves too (recorded).
pub(super) fn publish(function: &mut Function, publication: &Publication, ids: &mut Ids) -> Version {
    function.newest += 1;
    let latest = &mut function.facts.latest;
    let mut version = latest.clone();
    latest.revision = ids.next();
    version.version = function.newest.to_string();
    version.configuration.description.clone_from(&publication.description);
    version.revision = ids.next();
    version.modified = publication.now;
    version.before = None;
    version.state = publication.state.clone();
    // A Pending version has no `LastUpdateStatus` yet (recorded).
    version.update = if version.state.is("Pending") { Update::None } else { Update::Successful };
    function.facts.versions.insert(function.newest, version.clone());
    function.published = Some(function.newest);
    version
}

impl Lambda {
    pub(super) fn publish_version(&mut self, asked: &Asked<'_>, moment: &mut Moment) -> Result<Reply, Refusal> {
        let described = asked.text("Description");
        described_within(described)?;
        let function = self.function(asked)?;
        function.admit(asked.text("RevisionId"))?;
        let latest = &function.facts.latest;
        if let Some(wanted) =
            asked.text("CodeSha256").filter(|wanted| !wanted.is_empty() && *wanted != latest.code.sha256)
        {
            return Err(Refusal::invalid(&format!(
                "CodeSHA256 ({wanted}) is different from current CodeSHA256 in $LATEST ({}). Please try again with the \
                 CodeSHA256 in $LATEST.",
                latest.code.sha256
            )));
        }
        let description = described.unwrap_or(&latest.configuration.description).to_owned();
        let again = function.published.and_then(|number| function.facts.versions.get(&number)).cloned();
        if again.is_none() && self.stored() + latest.code.size() > self.rules.code_storage {
            return Err(Refusal::new(400, "CodeStorageExceededException", "Code storage limit exceeded."));
        }
        let Self { functions, rules, ids, .. } = self;
        let Some(function) = functions.get_mut(&asked.function) else { return Err(Refusal::no_function("")) };
        let version = match again {
            // No update came between: the same version again, as it is, and nothing moves (recorded).
            Some(version) => version,
            None => {
                function.keep(moment.now, rules);
                let state = rules.published(moment.now);
                publish(function, &Publication { now: moment.now, state, description }, ids)
            }
        };
        let shown = Shown { function, qualifier: &version.version, epoch: moment.epoch, rules }.alone(&version);
        Ok(Reply::json(201, &shown))
    }

    /// DeleteFunction: of one version only. Without a qualifier it deletes everything, which no run of ours may ever ask
    /// for.
    pub(super) fn delete_function(&mut self, asked: &Asked<'_>, moment: &mut Moment) -> Result<Reply, Refusal> {
        let (function, qualifier) = (&asked.function, &asked.qualifier);
        if qualifier.is_empty() || qualifier == LATEST {
            self.violations.push(format!("DeleteFunction of `{function}` without a version (qualifier `{qualifier}`)"));
        }
        if qualifier == LATEST {
            return Err(Refusal::invalid("$LATEST version cannot be deleted without deleting the function."));
        }
        let missing = self.arn(function, "");
        let Some(function) = self.functions.get_mut(function) else { return Err(Refusal::no_function(&missing)) };
        if qualifier.is_empty() {
            // The role may delete `function:NAME:*` only.
            let message = format!("not authorized to perform: lambda:DeleteFunction on resource: {}", function.arn);
            return Err(Refusal::new(403, "AccessDeniedException", &message));
        }
        let Ok(number) = qualifier.parse::<u64>() else {
            return Err(Refusal::invalid("Deletion of aliases is not currently supported."));
        };
        let aliases = function.facts.aliases.values().filter(|alias| alias.names(qualifier));
        let aliases: Vec<&str> = aliases.map(|alias| alias.name.as_str()).collect();
        if !aliases.is_empty() {
            let aliases = aliases.join(", ");
            return Err(Refusal::conflict(&format!(
                "Unable to delete version because the following aliases reference it: [{aliases}]"
            )));
        }
        // A version that does not exist is deleted as well (measured on AWS: floci-io/floci#2824).
        if function.facts.versions.contains_key(&number) {
            function.keep(moment.now, &self.rules);
            function.facts.versions.remove(&number);
            function.policies.remove(qualifier);
            function.provisioned.remove(qualifier);
        }
        Ok(Reply::empty(204))
    }
}

/// A description has 256 characters at most.
pub(super) fn described_within(description: Option<&str>) -> Result<(), Refusal> {
    match description.filter(|text| text.chars().count() > 256) {
        Some(text) => {
            Err(Refusal::validation(text, "description", "Member must have length less than or equal to 256"))
        }
        None => Ok(()),
    }
}
