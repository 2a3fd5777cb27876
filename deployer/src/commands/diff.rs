//! `diff`: what differs between two environments, and what a promotion from one to the other would bring. It only reads:
//! FROM as a promotion reads it.

use std::collections::BTreeMap;

use anyhow::Result;
use futures::future::join_all;
use futures::try_join;

use super::from::FromReader;
use crate::artifact::{self, Commits};
use crate::aws::{Calls, Reader, Settings};
use crate::config::{Config, Contract, Environment};
use crate::context::Context;
use crate::failure::Failure;
use crate::ledger::{Ledger, LedgerState, Release};
use crate::observe::{Definition, Observed, observe, recall};

/// Of more commits than this only the number is shown.
const SHOWN: usize = 30;

/// What differs between two environments.
#[derive(Debug)]
pub struct Diff {
    /// Where a promotion would come from.
    pub from: Side,
    /// Where it would go to.
    pub to: Side,
    /// The commits between the two releases, or why they are not known.
    pub commits: Result<Compared, String>,
    /// The functions by key.
    pub functions: BTreeMap<String, FunctionDiff>,
    /// The pieces of the API definition that differ, as `GET /orders`: whether FROM and TO have them. Or why it is not known.
    pub definition: Result<BTreeMap<String, (bool, bool)>, String>,
    /// The pieces of the API definition that are the same.
    pub same: Vec<String>,
    /// Every call of AWS.
    pub calls: Calls,
}

/// One of the two environments.
#[derive(Debug)]
pub struct Side {
    /// Its name.
    pub environment: String,
    /// The release that is compared; none before the first one.
    pub release: Option<Release>,
}

/// The commits between two releases.
#[derive(Debug, Default)]
pub struct Compared {
    /// Those that a promotion would bring.
    pub brought: Commits,
    /// Those that only TO has: a promotion would take them away.
    pub lost: Commits,
}

/// How one function differs.
#[derive(Debug)]
pub struct FunctionDiff {
    /// The digests of its code in FROM and in TO; none without such a function, or without a release.
    pub code: (Option<String>, Option<String>),
    /// The names of the settings that differ, where both have the function; or why they are not known.
    pub settings: Result<Vec<String>, String>,
    /// The names of the settings that are the same.
    pub same: Vec<String>,
}

/// Compares a release of `from`, its live one if none is named, with what is live in `to`.
///
/// # Errors
/// One of the two cannot be read.
pub async fn diff(context: Context<'_>, (from, number): (&Environment, Option<u32>), to: &Environment) -> Result<Diff> {
    let Context { config, world, events } = context;
    if from.name == to.name {
        return Err(Failure::bad_input(format!("`{}` cannot be compared with itself", from.name))
            .hint("name two environments; `deployer history` shows the releases of one")
            .into());
    }
    let theirs = Reader::open(to, world).await;
    let reader = FromReader::open(from, to, &theirs, events).await?;
    let source = async { source(config, from, &reader.aws, number).await.map_err(|error| reader.explain(error)) };
    let ((state, release), observed) = try_join!(source, observe(config, to, &theirs))?;
    let live = observed.ledger.live.clone();
    let (functions, commits) = futures::join!(
        functions(&reader.aws, (&state, release.as_ref()), &observed),
        commits(config, release.as_ref(), live.as_ref()),
    );
    let definition = definition(release.as_ref(), &observed);
    let same = match (&definition, &release) {
        (Ok(differing), Some(release)) => same(differing, release, &observed),
        _ => Vec::new(),
    };
    Ok(Diff {
        definition,
        same,
        functions,
        commits,
        from: Side { environment: from.name.clone(), release },
        to: Side { environment: to.name.clone(), release: live },
        calls: theirs.calls,
    })
}

/// The ledger of FROM, and the release that is compared.
async fn source(
    config: &Config,
    from: &Environment,
    reader: &Reader,
    number: Option<u32>,
) -> Result<(LedgerState, Option<Release>)> {
    let state = recall(config, from, reader).await?;
    let Some(number) = number else {
        let live = state.live.clone();
        return Ok((state, live));
    };
    let release = Ledger::new(&reader.table, &config.app).release(number).await?;
    let release = release.ok_or_else(|| {
        Failure::refused(format!("`{}` has no release {number}", from.name))
            .hint(format!("`deployer history {}` lists the releases", from.name))
    })?;
    Ok((state, Some(release)))
}

/// The functions that at least one of the two has.
async fn functions(
    reader: &Reader,
    (state, release): (&LedgerState, Option<&Release>),
    observed: &Observed,
) -> BTreeMap<String, FunctionDiff> {
    let parts = release.map(|release| release.parts.functions.clone()).unwrap_or_default();
    let keys = parts.keys().chain(observed.functions.keys().filter(|key| !parts.contains_key(*key)));
    let compared = keys.map(async |key| {
        let (part, there) = (parts.get(key), observed.functions.get(key));
        let settings = match (part, state.contract.functions.get(key), there) {
            (Some(part), Some(resource), Some(there)) => {
                let here = reader.lambda.version(&resource.name, &part.version).await;
                let compared = here.map(|here| {
                    let (ours, theirs) =
                        (own(&here.settings, &state.contract), own(&there.live.settings, &observed.ledger.contract));
                    (names(&ours, &theirs), ours.shared(&theirs))
                });
                compared.map_err(|error| error.to_string())
            }
            _ => Ok((Vec::new(), Vec::new())),
        };
        let (settings, same) = match settings {
            Ok((settings, same)) => (Ok(settings), same),
            Err(why) => (Err(why), Vec::new()),
        };
        let code = (part.map(|part| part.code_sha256.clone()), there.map(|there| there.live.code_sha256.clone()));
        (key.clone(), FunctionDiff { code, settings, same })
    });
    join_all(compared).await.into_iter().collect()
}

/// Settings without what an environment has for itself.
fn own(settings: &Settings, contract: &Contract) -> Settings {
    settings.neutral(&contract.account, &contract.environment)
}

/// The names of the settings that differ, in order. Values are secrets: they are compared, and go nowhere.
fn names(ours: &Settings, theirs: &Settings) -> Vec<String> {
    let mut names = ours.differences(theirs);
    names.sort();
    names
}

/// As `promote` compares them: what the release was tested with, and what TO has now.
fn definition(release: Option<&Release>, observed: &Observed) -> Result<BTreeMap<String, (bool, bool)>, String> {
    let (Some(api), Some(release)) = (&observed.api, release) else { return Ok(BTreeMap::new()) };
    if release.shape.is_empty() && release.parts.deployment.is_some() {
        return Err(format!("the definition that release {release} was tested with is not recorded"));
    }
    let (ours, theirs) = (&release.shape, &api.definition.shape);
    let differing = Definition::differences(ours, theirs).into_iter();
    Ok(differing.map(|name| (name.clone(), (ours.contains_key(&name), theirs.contains_key(&name)))).collect())
}

/// The pieces of the definitions that do not differ.
fn same(differing: &BTreeMap<String, (bool, bool)>, release: &Release, observed: &Observed) -> Vec<String> {
    let theirs = observed.api.as_ref().map(|api| &api.definition.shape);
    let both = release.shape.keys().filter(|name| theirs.is_some_and(|theirs| theirs.contains_key(*name)));
    both.filter(|name| !differing.contains_key(*name)).cloned().collect()
}

async fn commits(config: &Config, from: Option<&Release>, to: Option<&Release>) -> Result<Compared, String> {
    let (Some(from), Some(to)) = (from, to) else { return Err("one of the two has no release yet".to_owned()) };
    let unknown = |release: &Release| format!("release {release} does not name its commit");
    let ours = from.artifact.commit.as_deref().ok_or_else(|| unknown(from))?;
    let theirs = to.artifact.commit.as_deref().ok_or_else(|| unknown(to))?;
    if ours == theirs {
        return Ok(Compared::default());
    }
    let (brought, lost) = futures::join!(
        artifact::between(config, (theirs, ours), SHOWN),
        artifact::between(config, (ours, theirs), SHOWN)
    );
    let both = brought.zip(lost).ok_or("git does not have both commits with their history here")?;
    Ok(Compared { brought: both.0, lost: both.1 })
}
