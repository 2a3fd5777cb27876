//! Versions and deployments that no rollback needs any more, and their removal.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use futures::future::{join_all, try_join_all};
use futures::try_join;
use jiff::Timestamp;

use super::Engine;
use crate::aws::{AwsError, Kind, Reader, Writer};
use crate::config::{Config, Environment};
use crate::events::Events;
use crate::ledger::{Contract, Release};
use crate::observe::recall;
use crate::retention::{self, Kept, Made, kept_releases, needed};

/// What may be removed, by the key of its function; the API's deployments under [`None`].
pub type Dispensable = Vec<(Option<String>, Made)>;

/// After a release, removes what it made dispensable. A failure here does not fail the release.
pub(super) async fn after(engine: &Engine<'_>, release: &Release) {
    // Fewer releases than are kept: nothing can have become dispensable.
    if usize::try_from(release.number).is_ok_and(|number| number <= engine.config.retention.releases) {
        return;
    }
    let swept = async {
        let ledger = engine.ledger();
        let kept = engine.config.retention.clone();
        let is_enough = |seen: &[Release]| retention::is_enough(seen, kept.releases, kept.grace, engine.world().now());
        let (state, history) =
            try_join!(recall(engine.config, engine.environment, engine.reader()), ledger.recent(is_enough))?;
        let mut contract = state.contract;
        // The others were pruned when they were moved: listing all versions of a hundred functions takes 14 s.
        let moved = |key: &String| release.parts.functions.get(key) != release.previous_parts.functions.get(key);
        contract.functions.retain(|key, _| moved(key));
        let keys: Vec<String> = contract.functions.keys().cloned().collect();
        let turn = whose_turn(&keys, release.number);
        contract.functions.retain(|key, _| turn.contains(key));
        let found = dispensable(engine.config, engine.environment, engine.reader(), (&contract, &history)).await?;
        anyhow::Ok(sweep(engine.aws, &contract, &found, engine.events).await)
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

/// Those of the functions that are pruned after a release: of many a part, in turn with the next releases, because two listings of each
/// and the removals would take minutes at AWS's rates.
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
    (contract, history): (&Contract, &[Release]),
) -> Result<Dispensable, AwsError> {
    let mark = &*retention::mark(&config.app, &environment.name);
    let (now, grace) = (reader.world.now(), config.retention.grace);
    let kept = kept_releases(history, config.retention.releases, grace, now);
    let versions = try_join_all(contract.functions.iter().map(async |(key, function)| {
        let (versions, aliases) =
            try_join!(reader.lambda.versions(&function.name), reader.lambda.aliases(&function.name))?;
        let mut ids = needed(&kept, |parts| parts.functions.get(key).map(|part| &part.version));
        ids.extend(aliases.into_values().flat_map(|alias| alias.weights.into_keys().chain([alias.version])));
        let made = versions.into_iter().map(|version| Made {
            created: when(&version.modified),
            id: version.version,
            description: version.description,
        });
        let found = Kept { ids, mark, grace, now }.others(made.collect());
        Ok(found.into_iter().map(|made| (Some(key.clone()), made)).collect::<Vec<_>>())
    }));
    let deployments = async {
        let Some(api) = contract.rest() else { return Ok(Vec::new()) };
        let (deployments, serving) = try_join!(reader.api.deployments(&api.id), reader.api.serving(&api.id))?;
        let mut ids: BTreeSet<String> = needed(&kept, |parts| parts.deployment.as_ref());
        ids.extend(serving.into_iter().chain(api.initial_deployment.clone()));
        let made = deployments.into_iter().map(|found| Made {
            id: found.id,
            description: found.description,
            created: found.created,
        });
        Ok(Kept { ids, mark, grace, now }.others(made.collect()))
    };
    let (versions, deployments) = try_join!(versions, deployments)?;
    Ok(versions.into_iter().flatten().chain(deployments.into_iter().map(|made| (None, made))).collect())
}

/// Lambda writes `2026-01-10T00:00:00.000+0000`.
fn when(modified: &str) -> Option<Timestamp> {
    let zoned = jiff::fmt::strtime::parse("%Y-%m-%dT%H:%M:%S%.f%z", modified).ok()?;
    zoned.to_timestamp().ok()
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

    #[test]
    fn the_date_of_a_version_is_read_as_lambda_writes_it() {
        assert_eq!(when("2026-01-10T01:02:03.000+0000"), Some("2026-01-10T01:02:03Z".parse().unwrap()));
        assert_eq!(when("soon"), None);
    }
}
