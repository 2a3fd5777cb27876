//! The second look, under the lock, just before a release begins: what it moves or depends on, and nothing else. It writes nothing.
//!
//! What stays as it was is not read once more: the code behind an alias that still has its revision, and the settings of a `$LATEST`
//! that still has its own. What else could change in between is refused by AWS itself, since each write names the revision that it is
//! meant for.

use std::collections::BTreeMap;

use anyhow::Result;
use futures::future::try_join_all;
use futures::try_join;

use super::{Observed, ObservedApi, ObservedFunction, api, eventually, function, is_still, left, missing, observe};
use crate::aws::{Alias, AwsError, Reader, Stage, VersionState};
use crate::config::{Config, Environment};
use crate::ledger::{Candidate, FunctionPart, FunctionResource, Ledger, LedgerState};
use crate::retention::Made;

/// What is looked at once more.
#[derive(Debug)]
pub struct Look<'a> {
    /// What was seen before.
    pub before: &'a Observed,
    /// The functions that get another version, by key, with the digest of its code.
    pub wanted: BTreeMap<&'a str, &'a str>,
    /// Whether the API's definition becomes a deployment.
    pub definition: bool,
}

/// What is, and what is listed of the functions that get another version.
#[derive(Debug)]
pub struct Again {
    /// What is.
    pub observed: Observed,
    /// By the keys of the functions.
    pub listed: BTreeMap<String, Listed>,
}

impl ListedVersion {
    /// As what a run may have made.
    pub fn candidate(&self) -> Candidate<'_> {
        Candidate { version: &self.version, code_sha256: &self.code_sha256, description: &self.description }
    }
}

/// The versions and aliases of a function.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The versions that have the wanted code, the oldest first.
    pub same: Vec<VersionState>,
    /// All of them.
    pub versions: Vec<ListedVersion>,
    /// The aliases, those of others too.
    pub aliases: BTreeMap<String, Alias>,
}

/// A version, without its settings.
#[derive(Debug, Clone)]
pub struct ListedVersion {
    /// Its number.
    pub version: String,
    /// The digest of its code.
    pub code_sha256: String,
    /// Its description.
    pub description: String,
    /// When it was made, as Lambda writes it.
    pub modified: String,
}

/// Looks again.
///
/// # Errors
/// See [`observe`].
pub async fn again(config: &Config, environment: &Environment, reader: &Reader, look: &Look<'_>) -> Result<Again> {
    let ledger = Ledger::new(&reader.table, &config.app).with(environment.stack.as_ref());
    let (state, found) = try_join!(ledger.read(), live_again(reader, look))?;
    let before = &look.before.ledger;
    if state.contract.difference(&before.contract).is_some() {
        // What was looked at are no longer the objects that the contract names.
        return Ok(Again { observed: observe(config, environment, reader).await?, listed: BTreeMap::new() });
    }
    let caller = before.caller.clone();
    let Again { mut observed, listed } = found;
    observed.ledger = LedgerState { caller, ..state };
    Ok(Again { observed, listed })
}

async fn live_again(reader: &Reader, look: &Look<'_>) -> Result<Again> {
    let before = look.before;
    let left = left(&before.ledger, reader.world.now());
    let alarms =
        async { Ok(reader.cloudwatch.timed(&before.ledger.contract.alarms).await.map_err(|error| error.to_string())) };
    let functions = before.functions.iter().map(async |(key, known)| {
        let left = left.and_then(|parts| parts.functions.get(key));
        let (function, listed) = match look.wanted.get(key.as_str()) {
            Some(wanted) => moved(reader, known, wanted, left).await?,
            None if is_still(reader, &known.resource, known).await => (known.clone(), None),
            None => (function(reader, &known.resource, left).await?, None),
        };
        anyhow::Ok((key.clone(), function, listed))
    });
    let (found, api, alarms) = try_join!(
        try_join_all(functions),
        api_again(reader, look, left.and_then(|left| left.deployment.as_deref())),
        alarms
    )?;
    let (mut functions, mut listed) = (BTreeMap::new(), BTreeMap::new());
    for (key, function, list) in found {
        listed.extend(list.map(|list| (key.clone(), list)));
        functions.insert(key, function);
    }
    let (ledger, http_api) = (before.ledger.clone(), before.http_api.clone());
    Ok(Again { observed: Observed { ledger, functions, api, http_api, alarms }, listed })
}

/// A function that gets another version.
async fn moved(
    reader: &Reader,
    known: &ObservedFunction,
    wanted: &str,
    left: Option<&FunctionPart>,
) -> Result<(ObservedFunction, Option<Listed>)> {
    let resource = &known.resource;
    let (latest, listed) = list(reader, resource, wanted).await.map_err(|error| missing(error, resource))?;
    let same_alias = listed.aliases.get(&resource.alias) == Some(&known.alias);
    let function = match latest {
        Some(latest) if same_alias && latest.revision == known.latest.revision => known.clone(),
        _ => function(reader, resource, left).await?,
    };
    Ok((function, Some(listed)))
}

/// `$LATEST`, and the versions and aliases of a function.
///
/// # Errors
/// They cannot be listed.
pub async fn list(
    reader: &Reader,
    resource: &FunctionResource,
    wanted: &str,
) -> Result<(Option<VersionState>, Listed), AwsError> {
    let ((latest, all), aliases) =
        try_join!(reader.lambda.listed(&resource.name), reader.lambda.aliases(&resource.name))?;
    let versions = all.iter().map(|version| ListedVersion {
        version: version.version.clone(),
        code_sha256: version.code_sha256.clone(),
        description: version.description.clone(),
        modified: version.modified.clone(),
    });
    let versions = versions.collect();
    let same = all.into_iter().filter(|version| version.code_sha256 == wanted).collect();
    Ok((latest, Listed { same, versions, aliases }))
}

impl Listed {
    /// Whether the version is among them.
    pub fn has(&self, version: &str) -> bool {
        self.versions.iter().any(|found| found.version == version)
    }

    /// As what could be removed; `recorded` names those of a release.
    pub fn made(&self, recorded: impl Fn(&ListedVersion) -> bool) -> Vec<Made> {
        let made = self.versions.iter().map(|version| Made {
            id: version.version.clone(),
            description: version.description.clone(),
            recorded: recorded(version),
            created: when(&version.modified),
        });
        made.collect()
    }
}

/// Lambda writes `2026-01-10T00:00:00.000+0000`.
pub fn when(modified: &str) -> Option<jiff::Timestamp> {
    let zoned = jiff::fmt::strtime::parse("%Y-%m-%dT%H:%M:%S%.f%z", modified).ok()?;
    zoned.to_timestamp().ok()
}

/// The stage; its definition only where it becomes a deployment.
async fn api_again(reader: &Reader, look: &Look<'_>, deployment: Option<&str>) -> Result<Option<ObservedApi>> {
    match &look.before.api {
        Some(known) if !look.definition => {
            let is_left = |found: &Stage| deployment.is_none_or(|left| left == found.deployment);
            let stage = eventually::stage(reader, &known.resource, is_left).await?;
            Ok(Some(ObservedApi { stage, ..known.clone() }))
        }
        _ => api(reader, &look.before.ledger.contract, deployment).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_a_version_is_read_as_lambda_writes_it() {
        assert_eq!(when("2026-01-10T01:02:03.000+0000"), Some("2026-01-10T01:02:03Z".parse().unwrap()));
        assert_eq!(when("soon"), None);
    }
}
