//! Versions and deployments that no rollback needs any more, and their removal.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Result;
use futures::future::{join_all, try_join_all};
use futures::try_join;
use jiff::Timestamp;

use super::Engine;
use super::attempt::Left;
use crate::aws::{AwsError, Kind, Reader, Writer};
use crate::config::{Config, Environment};
use crate::events::Events;
use crate::ledger::{Contract, LedgerState, MadeVersions, Release};
use crate::observe::{Listed, list};
use crate::retention::{self, Kept, Made, is_own, kept_releases, needed};

/// What may be removed, by the key of its function; the API's deployments under [`None`].
pub type Dispensable = Vec<(Option<String>, Made)>;

/// After a release, removes what it made dispensable. A failure here does not fail the release.
///
/// It starts from what was listed before the release: there is something to remove only if a function has more versions of the
/// deployer's own than are kept, or if the release made a deployment. The others were pruned when they were moved: listing all versions
/// of a hundred functions takes 14 s.
pub(super) async fn after(engine: &Engine<'_>, contract: &Contract, release: &Release, left: &Left) {
    // Fewer releases than are kept: nothing can have become dispensable.
    let keeps = engine.config.retention.releases;
    if usize::try_from(release.number).is_ok_and(|number| number <= keeps) {
        return;
    }
    let mark = engine.mark();
    let is_crowded = |(key, listed): &(&String, &Listed)| {
        let made = listed.made(|version| left.made.has(key, &version.version, &version.code_sha256));
        // The one that the release has just made is not in the listing, and each kept release has one to go back to.
        made.iter().filter(|made| is_own(made, &mark)).count() > keeps
    };
    let keys: Vec<String> = left.listed.keys().cloned().collect();
    let turn = whose_turn(&keys, release.number);
    let in_turn = left.listed.iter().filter(|(key, _)| turn.contains(key));
    let crowded: BTreeMap<&String, &Listed> = in_turn.filter(is_crowded).collect();
    let made_deployment = release.parts.deployment != release.previous_parts.deployment;
    if crowded.is_empty() && !made_deployment {
        return;
    }
    let swept = async {
        let (now, grace) = (engine.world().now(), engine.config.retention.grace);
        let history = engine.ledger().recent(|newest| retention::is_enough(newest, keeps, grace, now)).await?;
        let kept = kept_releases(&history, keeps, grace, now);
        let rule = Rule { kept: &kept, mark: &mark, grace, now };
        let versions = crowded.iter().flat_map(|(key, listed)| rule.versions(key, listed, &left.made));
        let mut found: Dispensable = versions.collect();
        if made_deployment {
            found.extend(rule.deployments(engine.reader(), contract).await?);
        }
        anyhow::Ok(sweep(engine.aws, contract, &found, engine.events).await)
    };
    match swept.await {
        Ok(0) => {}
        Ok(removed) => {
            engine.events.progress("Pruned", &format!("{removed} versions and deployments that nothing needs"));
        }
        Err(error) => engine.events.warn(&format!("nothing was pruned: {error:#}")),
    }
}

/// How many functions are pruned after one release. `deployer prune` prunes all.
const AFTER_A_RELEASE: usize = 50;

/// Those of the functions that are pruned after a release: of many a part, in turn with the next releases, because the removals would
/// take a minute at AWS's rates.
fn whose_turn(keys: &[String], release: u32) -> BTreeSet<&String> {
    let turns = keys.len().div_ceil(AFTER_A_RELEASE).max(1);
    let turn = usize::try_from(release).unwrap_or_default() % turns;
    keys.iter().skip(turn * AFTER_A_RELEASE).take(AFTER_A_RELEASE).collect()
}

/// What may be removed.
///
/// # Errors
/// AWS cannot be read.
pub async fn dispensable(
    config: &Config,
    environment: &Environment,
    reader: &Reader,
    (state, history): (&LedgerState, &[Release]),
) -> Result<Dispensable, AwsError> {
    let mark = &*retention::mark(&config.app, &environment.name);
    let (now, grace) = (reader.world.now(), config.retention.grace);
    let kept = kept_releases(history, config.retention.releases, grace, now);
    let rule = Rule { kept: &kept, mark, grace, now };
    let contract = &state.contract;
    let versions = try_join_all(contract.functions.iter().map(async |(key, function)| {
        let listed = list(reader, function, "").await?.1;
        Ok(rule.versions(key, &listed, &state.made).collect::<Vec<_>>())
    }));
    let (versions, deployments) = try_join!(versions, rule.deployments(reader, contract))?;
    Ok(versions.into_iter().flatten().chain(deployments).collect())
}

/// What decides whether something may go.
struct Rule<'a> {
    kept: &'a [&'a Release],
    mark: &'a str,
    grace: Duration,
    now: Timestamp,
}

impl Rule<'_> {
    /// The versions of a function that may be removed.
    fn versions(
        &self,
        key: &str,
        listed: &Listed,
        recorded: &MadeVersions,
    ) -> impl Iterator<Item = (Option<String>, Made)> + use<> {
        let mut ids = needed(self.kept, |parts| parts.functions.get(key).map(|part| &part.version));
        let aliases = listed.aliases.values();
        ids.extend(aliases.flat_map(|alias| alias.weights.keys().chain([&alias.version])).cloned());
        let made = listed.made(|version| recorded.has(key, &version.version, &version.code_sha256));
        let key = key.to_owned();
        self.others(ids, made).into_iter().map(move |made| (Some(key.clone()), made))
    }

    /// The API's deployments that may be removed.
    async fn deployments(&self, reader: &Reader, contract: &Contract) -> Result<Dispensable, AwsError> {
        let Some(api) = contract.rest() else { return Ok(Vec::new()) };
        let (deployments, serving) = try_join!(reader.api.deployments(&api.id), reader.api.serving(&api.id))?;
        let mut ids = needed(self.kept, |parts| parts.deployment.as_ref());
        ids.extend(serving.into_iter().chain(api.initial_deployment.clone()));
        let made = deployments.into_iter().map(|found| Made {
            id: found.id,
            description: found.description,
            recorded: false,
            created: found.created,
        });
        Ok(self.others(ids, made.collect()).into_iter().map(|made| (None, made)).collect())
    }

    fn others(&self, ids: BTreeSet<String>, made: Vec<Made>) -> Vec<Made> {
        Kept { ids, mark: self.mark, grace: self.grace, now: self.now }.others(made)
    }
}

/// Removes all of it, and returns how many. AWS itself refuses to remove what an alias or a stage names.
pub async fn sweep(aws: &Writer, contract: &Contract, found: &Dispensable, events: &dyn Events) -> usize {
    let mut by_owner: BTreeMap<Option<&String>, Vec<&Made>> = BTreeMap::new();
    for (owner, made) in found {
        by_owner.entry(owner.as_ref()).or_default().push(made);
    }
    // Side by side by owner, one after the other within one: the rates of AWS are low.
    let sweeps = by_owner.into_iter().map(async |(owner, all)| {
        let mut removed = 0;
        for made in all {
            let result = match (owner.and_then(|key| contract.functions.get(key)), contract.rest()) {
                (Some(function), _) => aws.lambda.delete_version(&function.name, &made.id).await,
                (None, Some(api)) => aws.api.delete_deployment(&api.id, &made.id).await,
                (None, None) => continue,
            };
            match result {
                Ok(()) => removed += 1,
                // It is gone already.
                Err(error) if error.kind == Kind::NotFound => removed += 1,
                Err(error) => {
                    let hint = error.hint().map(|hint| format!("; hint: {hint}")).unwrap_or_default();
                    events.warn(&format!("{error}{hint}"));
                    // The next one would be denied too.
                    if error.kind == Kind::Denied {
                        break;
                    }
                }
            }
        }
        removed
    });
    join_all(sweeps).await.into_iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_has_its_turn_in_consecutive_releases() {
        let keys = |count: u32| (0..count).map(|key| format!("{key:03}")).collect::<Vec<_>>();
        assert_eq!(whose_turn(&keys(50), 7).len(), 50);
        assert_eq!(whose_turn(&keys(0), 7).len(), 0);
        for count in [51, 120, 500] {
            let (keys, turns) = (keys(count), count.div_ceil(50));
            let all: Vec<_> = (7..7 + turns).flat_map(|release| whose_turn(&keys, release)).collect();
            assert_eq!(all.len(), keys.len());
            assert_eq!(all.into_iter().collect::<BTreeSet<_>>(), keys.iter().collect());
            assert!((0..9).all(|release| whose_turn(&keys, release).len() <= 50));
        }
    }
}
