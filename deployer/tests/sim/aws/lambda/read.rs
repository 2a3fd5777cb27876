//! Reads of versions and aliases: each may be a little stale.

use serde_json::{Value, json};

use super::Lambda;
use super::asked::{Asked, marker};
use super::model::{Facts, Function, LATEST};
use super::package::{Code, Package};
use super::refusal::Refusal;
use super::show::{self, Shown};
use crate::aws::wire::{Moment, Reply};

impl Lambda {
    pub(super) fn get_function(&mut self, asked: &Asked<'_>, moment: &mut Moment) -> Result<Reply, Refusal> {
        let function = self.function(asked)?;
        let seen = function.seen(&self.rules, moment);
        let (configuration, code) = self.configuration(asked, (function, seen), moment)?;
        let code = match &code.package {
            Package::Zip(_) => {
                let location = self.location(&asked.function, &code.sha256, moment);
                json!({ "RepositoryType": "S3", "Location": location })
            }
            Package::Image(image) => json!({ "RepositoryType": "ECR", "ImageUri": image, "ResolvedImageUri": image }),
        };
        let mut shown = json!({ "Configuration": configuration, "Code": code });
        if !function.tags.is_empty() {
            shown["Tags"] = json!(function.tags);
        }
        if let Some(reserved) = function.reserved {
            shown["Concurrency"] = json!({ "ReservedConcurrentExecutions": reserved });
        }
        Ok(Reply::json(200, &shown))
    }

    /// Only the name of each function: the deployer reads nothing else.
    pub(super) fn list_functions(&mut self, asked: &Asked<'_>) -> Result<Reply, Refusal> {
        let (most, from) = asked.page(self.rules.page)?;
        let names: Vec<_> = self.functions.keys().skip(from).collect();
        let page: Vec<_> = names.iter().take(most).map(|name| json!({ "FunctionName": name })).collect();
        let mut shown = json!({ "Functions": page });
        if names.len() > most {
            shown["NextMarker"] = json!(marker(from + most));
        }
        Ok(Reply::json(200, &shown))
    }

    pub(super) fn get_configuration(&mut self, asked: &Asked<'_>, moment: &mut Moment) -> Result<Reply, Refusal> {
        let function = self.function(asked)?;
        let seen = function.seen(&self.rules, moment);
        let (configuration, _) = self.configuration(asked, (function, seen), moment)?;
        Ok(Reply::json(200, &configuration))
    }

    /// A version's configuration with its code.
    fn configuration(
        &self,
        asked: &Asked<'_>,
        (function, seen): (&Function, &Facts),
        moment: &Moment,
    ) -> Result<(Value, Code), Refusal> {
        let missing = || Refusal::no_function(&function.qualified(&asked.qualifier));
        let version = seen.version(&asked.qualifier).ok_or_else(missing)?;
        let (epoch, rules) = (moment.epoch, &self.rules);
        let shown = Shown { function, qualifier: &asked.qualifier, epoch, rules }.alone(version);
        Ok((shown, version.code.clone()))
    }

    pub(super) fn list_versions(&mut self, asked: &Asked<'_>, moment: &mut Moment) -> Result<Reply, Refusal> {
        let function = self.function(asked)?;
        let seen = function.seen(&self.rules, moment);
        let (most, from) = asked.page(self.rules.page)?;
        // `$LATEST` is the first one, as 0. A page begins after a number, so that a version that comes or goes between two
        // pages shifts nothing.
        let all = std::iter::once((0, &seen.latest)).chain(seen.versions.iter().map(|(number, each)| (*number, each)));
        let rest: Vec<_> = all.filter(|(number, _)| from == 0 || *number >= from as u64).collect();
        let page = rest.iter().take(most).map(|(_, version)| {
            let (epoch, rules) = (moment.epoch, &self.rules);
            Shown { function, qualifier: &version.version, epoch, rules }.listed(version)
        });
        let mut shown = json!({ "Versions": page.collect::<Vec<_>>() });
        if let Some((next, _)) = rest.get(most) {
            shown["NextMarker"] = json!(marker(usize::try_from(*next).unwrap_or(usize::MAX)));
        }
        Ok(Reply::json(200, &shown))
    }

    pub(super) fn get_alias(&mut self, asked: &Asked<'_>, moment: &mut Moment) -> Result<Reply, Refusal> {
        let missing = || Refusal::no_alias(&self.arn(&asked.function, &asked.alias));
        let function = self.functions.get(&asked.function).ok_or_else(missing)?;
        let alias = function.seen(&self.rules, moment).aliases.get(&asked.alias).ok_or_else(missing)?;
        Ok(Reply::json(200, &show::alias(function, alias)))
    }

    pub(super) fn list_aliases(&mut self, asked: &Asked<'_>, moment: &mut Moment) -> Result<Reply, Refusal> {
        let function = self.function(asked)?;
        let seen = function.seen(&self.rules, moment);
        let (most, from) = asked.page(self.rules.page)?;
        let wanted = asked.request.asked("FunctionVersion");
        if let Some(version) = wanted.filter(|version| *version != LATEST && seen.version(version).is_none()) {
            return Err(Refusal::no_function(&function.qualified(version)));
        }
        let all: Vec<_> =
            seen.aliases.values().filter(|alias| wanted.is_none_or(|version| alias.names(version))).collect();
        let page: Vec<_> = all.iter().skip(from).take(most).map(|alias| show::alias(function, alias)).collect();
        let next = from + page.len();
        let mut shown = json!({ "Aliases": page });
        if next < all.len() {
            shown["NextMarker"] = json!(marker(next));
        }
        Ok(Reply::json(200, &shown))
    }
}
