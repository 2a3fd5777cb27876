//! The simulated Lambda: functions, versions, aliases, and what belongs to them.
//!
//! A request gets its name and its parts ([`asked`]), passes the rates ([`rules`]), brings the function up to the present
//! ([`elapse`]), and goes to its operation ([`alias`], [`around`], [`code`], [`invoke`], [`publish`], [`read`]).

mod alias;
mod around;
mod asked;
mod code;
mod download;
mod elapse;
mod invoke;
mod model;
mod package;
mod policy;
mod publish;
mod read;
#[cfg(test)]
mod recorded;
mod refusal;
mod route;
mod rules;
mod setup;
mod show;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::wire::{Moment, Reply, Request};
use asked::Asked;
use model::Function;
use refusal::Refusal;
use rules::Buckets;

pub(crate) use asked::name;
pub(crate) use invoke::{App, Call, Ran};
pub(crate) use model::Configuration;
pub(crate) use package::Pull;
pub(crate) use route::RouteError;
pub(crate) use rules::{Failure, Rates, Rules};

/// The service in one account and region.
#[derive(Clone, Debug)]
pub(crate) struct Lambda {
    pub(crate) rules: Rules,
    pub(crate) account: String,
    pub(crate) region: String,
    /// What no run may ever do, and one did.
    pub(crate) violations: Vec<String>,
    pub(crate) log: Vec<Logged>,
    functions: BTreeMap<String, Function>,
    /// Every zip that there ever was, by its digest: a signed address outlives its version.
    zips: BTreeMap<String, Arc<Vec<u8>>>,
    /// The images in ECR, as far as this account's functions may have them.
    images: BTreeMap<String, Pull>,
    buckets: Buckets,
    ids: Ids,
}

/// What happened, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Logged {
    /// Invoke ran this version of a function, and its response had the status 200.
    Passed(String, String),
    /// Something other than the deployer pointed an alias of a function at this version.
    Placed(String, String),
    /// UpdateAlias gave traffic of a function to this version.
    Moved(String, String),
}

/// What Lambda itself calls: the code of functions, and S3 for zips.
pub(crate) struct Around<'a> {
    pub(crate) app: &'a mut dyn App,
    pub(crate) objects: &'a dyn Objects,
}

/// The buckets that zips may come from.
pub(crate) trait Objects {
    /// An object's bytes, of the given version or of the newest one.
    fn object(&self, bucket: &str, key: &str, version: Option<&str>) -> Result<Vec<u8>, ObjectError>;
}

/// S3's error for an object that it does not return.
#[derive(Clone, Debug, Copy, PartialEq, Eq)]
pub(crate) enum ObjectError {
    NoBucket,
    NoKey,
    NoVersion,
    /// The caller may not read it.
    Denied,
    /// The bucket is in another region than the function.
    OtherRegion,
}

/// No bucket at all.
pub(crate) struct NoObjects;

impl Objects for NoObjects {
    fn object(&self, _: &str, _: &str, _: Option<&str>) -> Result<Vec<u8>, ObjectError> {
        Err(ObjectError::NoBucket)
    }
}

/// Ids that look like those of AWS, and are the same in every replay.
#[derive(Clone, Debug, Default)]
struct Ids {
    salt: String,
    given: u64,
}

impl Ids {
    fn next(&mut self) -> String {
        self.given += 1;
        let hex = hex(&Sha256::digest(format!("{} {}", self.salt, self.given)));
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32])
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Lambda {
    pub(crate) fn new(account: &str, region: &str) -> Self {
        Self {
            rules: Rules::default(),
            account: account.to_owned(),
            region: region.to_owned(),
            violations: Vec::new(),
            log: Vec::new(),
            functions: BTreeMap::new(),
            zips: BTreeMap::new(),
            images: BTreeMap::new(),
            buckets: Buckets::default(),
            ids: Ids { salt: format!("{account} {region}"), given: 0 },
        }
    }

    /// The response to a request; `None` for an operation that is not simulated.
    pub(crate) fn handle(&mut self, request: &Request, moment: &mut Moment, around: &mut Around<'_>) -> Option<Reply> {
        let operation = name(request)?;
        let admitted = self.buckets.admit(operation, self.rules.rates.as_ref(), moment.now).map_err(Refusal::throttled);
        let asked = admitted.and_then(|()| Asked::of(request));
        let result = match &asked {
            Ok(asked) => {
                self.elapse(&asked.function, moment.now);
                self.operate(operation, asked, moment, around)?
            }
            Err(refusal) => Err(refusal.clone()),
        };
        Some(result.unwrap_or_else(Refusal::reply).with("x-amzn-requestid", &self.ids.next()))
    }

    fn operate(
        &mut self,
        operation: &str,
        asked: &Asked<'_>,
        moment: &mut Moment,
        around: &mut Around<'_>,
    ) -> Option<Result<Reply, Refusal>> {
        Some(match operation {
            "GetFunction" => self.get_function(asked, moment),
            "GetFunctionConfiguration" => self.get_configuration(asked, moment),
            "ListVersionsByFunction" => self.list_versions(asked, moment),
            "GetAlias" => self.get_alias(asked, moment),
            "ListAliases" => self.list_aliases(asked, moment),
            "ListFunctions" => self.list_functions(asked),
            "UpdateFunctionCode" => self.update_code(asked, moment, around.objects),
            "PublishVersion" => self.publish_version(asked, moment),
            "UpdateAlias" => self.update_alias(asked, moment),
            "DeleteFunction" => self.delete_function(asked, moment),
            "Invoke" => self.invoke(asked, moment, around.app),
            "GetPolicy" => self.get_policy(asked),
            "GetProvisionedConcurrencyConfig" => self.get_provisioned(asked, moment),
            "GetFunctionConcurrency" => self.get_concurrency(asked),
            "ListEventSourceMappings" => self.list_event_sources(asked),
            "GetAccountSettings" => Ok(self.get_account_settings()),
            _ => return None,
        })
    }

    fn arn(&self, function: &str, qualifier: &str) -> String {
        let arn = format!("arn:aws:lambda:{}:{}:function:{function}", self.region, self.account);
        if qualifier.is_empty() { arn } else { format!("{arn}:{qualifier}") }
    }

    fn function(&self, asked: &Asked<'_>) -> Result<&Function, Refusal> {
        let missing = || Refusal::no_function(&self.arn(&asked.function, &asked.qualifier));
        self.functions.get(&asked.function).ok_or_else(missing)
    }

    /// Lets pass what has passed for a function until now.
    fn elapse(&mut self, function: &str, now: Duration) {
        if let Some(function) = self.functions.get_mut(function) {
            elapse::elapse(function, now, &self.rules, &mut self.ids);
        }
    }
}
