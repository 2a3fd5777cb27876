//! `prune`: versions and deployments that no kept release could go back to.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use futures::future::{join_all, try_join_all};
use futures::try_join;
use jiff::Timestamp;

use crate::aws::{AwsError, Kind, Session};
use crate::config::Environment;
use crate::ledger::{Contract, Ledger, Release};
use crate::observe::recall;
use crate::report::{PruneView, Report};
use crate::retention::{Kept, Made, kept_releases, needed};
use crate::scope::{Context, Scope};

/// What may go, by the key of its function; the API's deployments under [`None`].
type Dispensable = Vec<(Option<String>, Made)>;

/// Shows what may go, and with `remove` removes it.
///
/// # Errors
/// Nothing can be read. What could not be removed is no error here: it is warned of, and the view counts it.
pub async fn prune(context: Context<'_>, environment: &Environment, remove: bool) -> Result<PruneView> {
    let Context { config, world, report } = context;
    let session = Session::open(environment, world).await;
    let ledger = Ledger::new(&session.table, &config.app);
    let (state, history) = try_join!(recall(config, environment, &session), ledger.history())?;
    let found = dispensable(&context.scope(environment, &session), &state.contract, &history).await?;
    let mut view = PruneView::new(&environment.name, &found);
    if remove {
        view.removed(sweep(&session, &state.contract, &found, report).await);
    }
    Ok(view)
}

/// After a release: what it made dispensable goes. The release stands whatever becomes of this.
pub(super) async fn after(scope: &Scope<'_>, release: &Release) {
    // Fewer releases than are kept: nothing can have become dispensable.
    if usize::try_from(release.number).is_ok_and(|number| number <= scope.config.retention.releases) {
        return;
    }
    let swept = async {
        let ledger = scope.ledger();
        let (state, history) = try_join!(recall(scope.config, scope.environment, scope.session), ledger.history())?;
        let found = dispensable(scope, &state.contract, &history).await?;
        anyhow::Ok(sweep(scope.session, &state.contract, &found, scope.report).await)
    };
    match swept.await {
        Ok(0) => {}
        Ok(removed) => scope.report.line("Pruned", &format!("{removed} versions and deployments that nothing needs")),
        Err(error) => scope.report.warn(&format!("nothing was pruned: {error:#}")),
    }
}

async fn dispensable(scope: &Scope<'_>, contract: &Contract, history: &[Release]) -> Result<Dispensable, AwsError> {
    let Scope { config, session, .. } = scope;
    let (now, grace, mark) = (session.world.now(), config.retention.grace, &*scope.mark());
    let kept = kept_releases(history, config.retention.releases, grace, now);
    let versions = try_join_all(contract.functions.iter().map(async |(key, function)| {
        let (versions, aliases) =
            try_join!(session.lambda.versions(&function.name), session.lambda.aliases(&function.name))?;
        let mut ids = needed(&kept, |parts| parts.functions.get(key).map(|part| &part.version));
        ids.extend(aliases.into_iter().flat_map(|alias| alias.weights.into_keys().chain([alias.version])));
        let made = versions.into_iter().map(|version| Made {
            created: when(&version.modified),
            id: version.version,
            description: version.description,
        });
        let found = Kept { ids, mark, grace, now }.others(made.collect());
        Ok(found.into_iter().map(|made| (Some(key.clone()), made)).collect::<Vec<_>>())
    }));
    let deployments = async {
        let api = &contract.api;
        let (deployments, serving) =
            try_join!(session.api.deployments(&api.rest_api_id), session.api.serving(&api.rest_api_id))?;
        let mut ids: BTreeSet<String> = needed(&kept, |parts| Some(&parts.deployment));
        ids.extend(serving);
        ids.insert(api.initial_deployment.clone());
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

/// Removes it, and answers how much. AWS itself refuses what an alias or a stage names.
async fn sweep(session: &Session, contract: &Contract, found: &Dispensable, report: &Report) -> usize {
    let mut by_owner: BTreeMap<Option<&String>, Vec<&Made>> = BTreeMap::new();
    for (owner, made) in found {
        by_owner.entry(owner.as_ref()).or_default().push(made);
    }
    // Side by side by owner, one after the other within one: the rates of AWS are low.
    let sweeps = by_owner.into_iter().map(async |(owner, all)| {
        let mut removed = 0;
        for made in all {
            let result = match owner.and_then(|key| contract.functions.get(key)) {
                Some(function) => session.lambda.delete_version(&function.name, &made.id).await,
                None => session.api.delete_deployment(&contract.api.rest_api_id, &made.id).await,
            };
            match result {
                Ok(()) => removed += 1,
                // Somebody else was quicker: what was to go is gone.
                Err(error) if error.kind == Kind::NotFound => removed += 1,
                Err(error) => {
                    let hint = error.hint().map(|hint| format!("; hint: {hint}")).unwrap_or_default();
                    report.warn(&format!("{error}{hint}"));
                    // Nor will the next one be allowed.
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
    fn the_date_of_a_version_is_read_as_lambda_writes_it() {
        assert_eq!(when("2026-01-10T01:02:03.000+0000"), Some("2026-01-10T01:02:03Z".parse().unwrap()));
        assert_eq!(when("soon"), None);
    }
}
