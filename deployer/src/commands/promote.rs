//! `promote`: the bytes of a stable release of one environment, released to another.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use futures::future::try_join_all;
use futures::try_join;

use super::clock::Clock;
use super::from::FromReader;
use super::order::order;
use crate::artifact::{Artifact, Checked, Manifest, Package};
use crate::aws::{Reader, Writer};
use crate::config::{Config, Environment};
use crate::context::Context;
use crate::engine::{Engine, Intended, Outcome};
use crate::failure::Failure;
use crate::ledger::{Contract, Ledger, Origin, Release};
use crate::observe::{Definition, Observed, observe, recall};
use crate::plan::{After, FunctionPlan, Goal, Plan, Wanted, plan, short};

/// The options of `promote`.
#[derive(Debug, Clone, Default)]
pub struct Promote {
    /// The release of FROM; its live one if none is named.
    pub release: Option<u32>,
    /// A folder that `build --out` made: only its bytes may be promoted.
    pub artifact: Option<PathBuf>,
    /// Move traffic at once, whatever TO's strategy.
    pub at_once: bool,
    /// Promote although TO runs a later commit.
    pub downgrade: bool,
    /// Promote although the API definitions differ.
    pub allow_definition_diff: bool,
    /// Record drift of TO as a release, then go on.
    pub adopt: bool,
    /// Start although an alarm is in ALARM.
    pub ignore_alarms: bool,
    /// Start although the credentials end before traffic has moved.
    pub ignore_expiry: bool,
}

/// A release of another environment, with the contract that says what its functions are called there.
struct Source {
    release: Release,
    contract: Contract,
}

/// Promotes a release of `from` to `to`.
///
/// # Errors
/// See [`Engine::release`]; and everything that is refused before anything has changed.
pub async fn promote(context: Context<'_>, from: &Environment, to: &Environment, options: &Promote) -> Result<Outcome> {
    let Context { config, world, events } = context;
    let mut timings = Clock::start();
    if from.name == to.name {
        return Err(Failure::bad_input(format!("`{}` cannot be promoted to itself", from.name))
            .hint("name two environments; to release this checkout there, use `deployer deploy`")
            .into());
    }
    config.refuse_unreadable()?;
    let artifact = options.artifact.as_deref().map(|folder| Artifact::open(config, folder)).transpose()?;
    let aws = Writer::open(to, world).await;
    let (engine, interrupt) = (Engine::start(context, to, &aws), &world.interrupt);
    let reader = interrupt.or(FromReader::open(from, to, &aws.reader, events)).await?;
    let (source, observed) = interrupt
        .or(async {
            let source = async {
                source(config, from, &reader.aws, options.release).await.map_err(|error| reader.explain(error))
            };
            try_join!(source, observe(config, to, &aws.reader))
        })
        .await?;
    observed.refuse_other_functions(config)?;
    observed.refuse_unsendable(config, to)?;
    let observed = engine.prepare(observed, options.adopt).await?;
    let verifier = engine.verifier(&observed)?;
    verifier.refuse_unreachable()?;
    let traffic = if options.at_once { &to.traffic.at_once() } else { &to.traffic };
    let wanted = Wanted { goal: Goal::Bytes(&source.release), traffic };
    let planned = plan(wanted, &observed)?;
    if planned.is_empty() {
        return engine.unchanged(&observed, &verifier).await;
    }
    source.fits(from, &observed, options)?;
    if let Some(live) = &observed.ledger.live {
        let checked = Checked { commit: source.release.artifact.commit(), ..Checked::default() };
        order(config, &to.name, live, checked).await.allow(events, options.downgrade)?;
    }
    if let Some(artifact) = &artifact {
        source.comes_from(&artifact.manifest, from, &planned)?;
    }
    engine.credentials_outlast(&planned.traffic, options.ignore_expiry).await?;
    let ignored = engine.alarms_allow(&observed, traffic, options.ignore_alarms)?;
    timings.read();
    let packages = interrupt.or(source.packages(&reader.aws, &planned, &observed)).await;
    let packages = packages.map_err(|error| reader.explain(error))?;
    timings.fetched();
    let intended = Intended {
        observed: &observed,
        wanted,
        plan: &planned,
        packages: &packages,
        artifact: source.release.artifact.clone(),
        from: Some(Origin { environment: from.name.clone(), release: source.release.number }),
        timings: timings.so_far(),
        ignored: &ignored,
        verifier: &verifier,
    };
    Box::pin(engine.release(&intended)).await
}

/// The release that is promoted: the one named, or what is live. It must be stable.
async fn source(config: &Config, from: &Environment, reader: &Reader, number: Option<u32>) -> Result<Source> {
    let ledger = Ledger::new(&reader.table, &config.app);
    let named = async {
        match number {
            Some(number) => ledger.release(number).await,
            None => Ok(None),
        }
    };
    let (state, named) = try_join!(recall(config, from, reader), named)?;
    let release = match number {
        None => state.live,
        Some(_) => named,
    };
    let release = release.ok_or_else(|| {
        let name = &from.name;
        let (what, hint) = match number {
            None => ("no release".to_owned(), format!("`deployer deploy {name}` makes the first one")),
            Some(number) => (format!("no release {number}"), format!("`deployer history {name}` lists the releases")),
        };
        Failure::refused(format!("`{name}` has {what}")).hint(hint)
    })?;
    if !release.stable {
        return Err(Failure::refused(format!("release {release} of `{}` is not stable: {}", from.name, release.state))
            .hint(format!(
                "promote one that took all the traffic and passed its checks: `deployer history {}` shows them",
                from.name
            ))
            .into());
    }
    Ok(Source { release, contract: state.contract })
}

impl Source {
    /// Whether TO can and should run this release.
    fn fits(&self, from: &Environment, observed: &Observed, options: &Promote) -> Result<()> {
        let (release, to) = (&self.release, &observed.ledger.contract);
        for (key, function) in &to.functions {
            if !release.parts.functions.contains_key(key) {
                return Err(Failure::refused(format!("release {release} of `{}` has no function `{key}`", from.name))
                    .hint(format!("release to `{}` again, then promote that release", from.name))
                    .into());
            }
            let Some(source) = self.contract.functions.get(key) else {
                return Err(Failure::refused(format!("the stack of `{}` has no function `{key}`", from.name))
                    .hint("give both environments the same functions, with your infrastructure code")
                    .into());
            };
            let both = source.architecture.as_ref().zip(function.architecture.as_ref());
            if let Some((theirs, ours)) = both.filter(|(theirs, ours)| theirs != ours) {
                return Err(Failure::refused(format!(
                    "function `{key}` is `{theirs}` in `{}` and `{ours}` in `{}`",
                    from.name, to.environment
                ))
                .hint("set the same architecture for both environments in your infrastructure code")
                .into());
            }
        }
        // Without an API there is no definition that could differ.
        let Some(api) = &observed.api else { return Ok(()) };
        if release.shape.is_empty() && release.parts.deployment.is_some() && !options.allow_definition_diff {
            let what =
                format!("the API definition that release {release} of `{}` was tested with is not known", from.name);
            return Err(Failure::refused(what)
                .hint(format!(
                    "release to `{}` again, then promote that; or allow it with `--allow-definition-diff`",
                    from.name
                ))
                .into());
        }
        let differing = Definition::differences(&release.shape, &api.definition.shape);
        if differing.is_empty() || options.allow_definition_diff {
            return Ok(());
        }
        Err(Failure::refused(format!(
            "the API of `{}` is not the one that release {release} of `{}` was tested with; it differs in {}",
            to.environment,
            from.name,
            differing.join(", ")
        ))
        .hint("make the API definitions of both stacks the same and release to the first environment, or allow it with `--allow-definition-diff`")
        .into())
    }

    /// Whether the bytes that TO gets are those of the artifact. FROM's ledger names them, and each run that released to FROM
    /// could write it: where the artifact was attested, this ties the one to the other.
    fn comes_from(&self, manifest: &Manifest, from: &Environment, plan: &Plan) -> Result<()> {
        let Some((key, tested, packed)) = foreign(&plan.functions, manifest) else { return Ok(()) };
        let (release, from) = (&self.release, &from.name);
        let packed =
            packed.map_or_else(|| "lacks the function".to_owned(), |packed| format!("has `{}`", short(packed)));
        Err(Failure::refused(format!(
            "function `{key}` of release {release} of `{from}` has code `{}`, but the artifact {packed}",
            short(tested)
        ))
        .hint(format!("deploy this artifact to `{from}` first, or promote without `--artifact`"))
        .into())
    }

    /// The packages of the functions that get new code, as the ledger knows them.
    async fn packages(&self, reader: &Reader, plan: &Plan, observed: &Observed) -> Result<BTreeMap<String, Package>> {
        let changed = plan.functions.iter().filter(|(_, function)| !function.changes.is_empty());
        let packages = changed.filter_map(|(key, _)| {
            let (part, resource) = (self.release.parts.functions.get(key)?, self.contract.functions.get(key)?);
            Some(async move {
                let package = reader.lambda.code(&resource.name, &part.version).await;
                let package = package.with_context(|| format!("cannot fetch the package of function `{key}`"))?;
                if package.code_sha256() != part.code_sha256 {
                    let (version, name) = (&part.version, &resource.name);
                    return Err(Failure::refused(format!(
                        "version {version} of `{name}` does not have the code that its release tested"
                    ))
                    .hint(
                        "the function was deleted and created again since, or this is the local AWS, which keeps the newest code \
                         only: release a change to the first environment, then promote that release",
                    )
                    .into());
                }
                observed.refuse_unfit(key, &package)?;
                Ok::<_, anyhow::Error>((key.clone(), package))
            })
        });
        Ok(try_join_all(packages).await?.into_iter().collect())
    }
}

/// The first function that would get code which the artifact does not have: its key, that code, and what the artifact
/// has instead. Code that is live already is not promoted, and not compared.
fn foreign<'a>(
    functions: &'a BTreeMap<String, FunctionPlan>,
    manifest: &'a Manifest,
) -> Option<(&'a str, &'a str, Option<&'a str>)> {
    functions.iter().find_map(|(key, function)| {
        let After::NewCode(Some(tested)) = &function.after else { return None };
        let packed = manifest.functions.get(key).map(|packed| packed.package.code_sha256());
        (packed != Some(tested)).then_some((key.as_str(), tested.as_str(), packed))
    })
}

#[cfg(test)]
mod tests {
    use crate::artifact::{Packed, PackedFunction};
    use crate::config::Architecture;
    use crate::ledger::FunctionPart;

    use super::*;

    fn planned(key: &str, after: After) -> BTreeMap<String, FunctionPlan> {
        let function =
            FunctionPlan { name: key.to_owned(), before: FunctionPart::default(), after, changes: Vec::new() };
        BTreeMap::from([(key.to_owned(), function)])
    }

    fn manifest(key: &str, sha256: &str) -> Manifest {
        let package = Packed::Zip { zip: format!("{key}.zip"), sha256: sha256.to_owned(), size: 1 };
        let packed = PackedFunction { source_hash: String::new(), architecture: Architecture::X86, package };
        Manifest {
            schema: 1,
            source_hash: String::new(),
            commit: None,
            committed_at: None,
            dirty: false,
            functions: BTreeMap::from([(key.to_owned(), packed)]),
            reads: None,
        }
    }

    #[test]
    fn bytes_of_the_artifact_may_be_promoted_and_others_may_not() {
        let functions = planned("counter", After::NewCode(Some("tested=".to_owned())));
        assert_eq!(foreign(&functions, &manifest("counter", "tested=")), None);
        let other = manifest("counter", "other=");
        assert_eq!(foreign(&functions, &other), Some(("counter", "tested=", Some("other="))));
        let another = manifest("preflight", "tested=");
        assert_eq!(foreign(&functions, &another), Some(("counter", "tested=", None)));
    }

    #[test]
    fn code_that_is_live_already_need_not_be_in_the_artifact() {
        for after in [After::Same, After::LiveCode] {
            assert_eq!(foreign(&planned("counter", after), &manifest("counter", "other=")), None);
        }
    }
}
