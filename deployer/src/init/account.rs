//! Looks into the account: the application's functions with their aliases, what calls them, and the ledger.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use futures::future::try_join_all;

use super::{Init, environment, functions, ledgers, plain};
use crate::artifact::Package;
use crate::aws::{AwsError, Reader, Settings, Writer};
use crate::config::{Contract, FunctionResource, PackageType, ProcessEnvironment};
use crate::failure::Failure;
use crate::ledger::Ledger;
use crate::world::World;

/// What was found.
pub(super) struct Found {
    /// The application's name.
    pub(super) app: String,
    /// The ledgers by environment, including the requested one.
    pub(super) ledgers: BTreeMap<String, String>,
    /// What the environment consists of.
    pub(super) contract: Contract,
    /// Whether the contract is in a ledger, and so need not be declared.
    pub(super) in_ledger: bool,
    /// The runtime, handler and processor of each function.
    pub(super) settings: BTreeMap<String, Settings>,
    /// A reading request for each function, where one is known.
    pub(super) requests: BTreeMap<String, String>,
    /// The image of each function that runs one.
    pub(super) images: BTreeMap<String, String>,
}

impl Found {
    /// What is known before any function was read.
    pub(super) fn new(app: String, contract: Contract, ledgers: BTreeMap<String, String>, in_ledger: bool) -> Self {
        Self {
            app,
            ledgers,
            contract,
            in_ledger,
            settings: BTreeMap::new(),
            requests: BTreeMap::new(),
            images: BTreeMap::new(),
        }
    }
}

/// Looks in a ledger that infrastructure code has written, else among the functions.
///
/// # Errors
/// Nothing was found, or the choice is ambiguous; or the credentials lack a permission.
pub(super) async fn find(options: &Init, folder: &Path, process: &ProcessEnvironment, world: &World) -> Result<Found> {
    let region = region(options, process).await?;
    let ledger = options.ledger.clone().unwrap_or_default();
    let reader = Reader::open(&environment(options, region.clone(), ledger), world).await;
    let account = reader.sts.caller().await?.account;
    let mut found = match ledgers::written(options, &region, &reader, world).await? {
        Some(found) => found,
        None => {
            let app =
                options.app.clone().unwrap_or_else(|| plain(&folder.file_name().unwrap_or_default().to_string_lossy()));
            functions::chosen(options, (&app, account, region), &reader).await?
        }
    };
    let live = try_join_all(found.contract.functions.values().map(|function| live(&reader, function))).await?;
    for (key, (settings, image)) in found.contract.functions.keys().zip(live) {
        found.images.extend(image.map(|image| (key.clone(), image)));
        found.settings.insert(key.clone(), settings);
    }
    Ok(found)
}

/// The settings of the live version, and its image, if it has one.
async fn live(reader: &Reader, function: &FunctionResource) -> Result<(Settings, Option<String>), AwsError> {
    let FunctionResource { name, alias, .. } = function;
    let settings = reader.lambda.version(name, alias).await?.settings;
    if settings.package_type() != PackageType::Image.as_str() {
        return Ok((settings, None));
    }
    let image = match reader.lambda.code(name, alias).await? {
        Package::Image(image) => Some(image.to_string()),
        Package::Zip(_) => None,
    };
    Ok((settings, image))
}

/// Whether the ledger has no release of the application yet.
pub(super) async fn is_new(aws: &Writer, app: &str) -> Result<bool> {
    Ok(Ledger::new(&aws.reader.table, app).recent(|seen| !seen.is_empty()).await?.is_empty())
}

async fn region(options: &Init, process: &ProcessEnvironment) -> Result<String> {
    let set = |name: &str| process.get(name).and_then(|value| value.to_str()).filter(|value| !value.is_empty());
    let known = options.region.as_deref().or_else(|| set("AWS_REGION")).or_else(|| set("AWS_DEFAULT_REGION"));
    if let Some(known) = known {
        return Ok(known.to_owned());
    }
    crate::aws::region_of_profile(options.profile.as_deref())
        .await
        .ok_or_else(|| Failure::bad_input("no region is set").hint("pass one, such as `--region eu-central-1`").into())
}
