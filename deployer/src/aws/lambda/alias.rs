//! Aliases: where the traffic goes, and how it is sent elsewhere.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_lambda::types::AliasRoutingConfiguration;

use super::{LambdaReader, LambdaWriter, named};
use crate::aws::{AwsError, move_timeouts};

/// Where an alias points.
#[derive(Debug, Clone, PartialEq)]
pub struct Alias {
    /// The version that takes the traffic, or most of it.
    pub version: String,
    /// Further versions with their share of the traffic, 0 to 1.
    pub weights: BTreeMap<String, f64>,
    /// Changes with every change of the alias.
    pub revision: String,
    /// What was said by the one who moved it last; empty if nothing was.
    pub description: String,
}

/// Where an alias is to point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Routing<'a> {
    /// The version that takes the traffic, or the rest of it.
    pub version: &'a str,
    /// A second version with its share of the traffic, 0 to 1.
    pub weight: Option<(&'a str, f64)>,
    /// What is said of the move, to be found on the alias afterwards.
    pub description: &'a str,
}

impl LambdaReader {
    /// Where the alias points.
    pub async fn alias(&self, function: &str, alias: &str) -> Result<Alias, AwsError> {
        let response = self.control.turn().await.get_alias().function_name(function).name(alias).send().await;
        let response = response.map_err(|error| AwsError::new("GetAlias", named(function, alias), &error))?;
        Ok(Alias {
            version: response.function_version.unwrap_or_default(),
            weights: positive(response.routing_config),
            revision: response.revision_id.unwrap_or_default(),
            description: response.description.unwrap_or_default(),
        })
    }

    /// All aliases of a function, by name.
    pub async fn aliases(&self, function: &str) -> Result<BTreeMap<String, Alias>, AwsError> {
        let pages = self.control.turn().await.list_aliases().function_name(function).into_paginator().items().send();
        let all = pages.collect::<Result<Vec<_>, _>>().await;
        let all = all.map_err(|error| AwsError::new("ListAliases", format!("`{function}`"), &error))?;
        let aliases = all.into_iter().map(|found| {
            let alias = Alias {
                version: found.function_version.unwrap_or_default(),
                weights: positive(found.routing_config),
                revision: found.revision_id.unwrap_or_default(),
                description: found.description.unwrap_or_default(),
            };
            (found.name.unwrap_or_default(), alias)
        });
        Ok(aliases.collect())
    }
}

/// One move of an alias, whose turn it is.
#[derive(Debug)]
pub struct AliasMove<'a>(&'a aws_sdk_lambda::Client);

impl LambdaWriter {
    /// Waits until an alias may be moved. Whether it still has to be is looked at afterwards: this may take a while.
    pub async fn alias_move(&self) -> AliasMove<'_> {
        AliasMove(self.0.turn().await)
    }
}

impl AliasMove<'_> {
    /// Points an alias, if it still has the given revision, elsewhere. Returns the alias as AWS does.
    ///
    /// It ends within [`crate::aws::MOVE`], whatever AWS does: a run that takes a lock over waits no longer.
    pub async fn send(self, function: &str, alias: &str, to: &Routing<'_>, revision: &str) -> Result<Alias, AwsError> {
        // An empty routing configuration is said, not left out: an old weight would stay otherwise.
        let weights: HashMap<_, _> =
            to.weight.map(|(version, share)| (version.to_owned(), share)).into_iter().collect();
        let routing = AliasRoutingConfiguration::builder().set_additional_version_weights(Some(weights)).build();
        let request = self.0.update_alias().function_name(function).name(alias).function_version(to.version);
        let request = request.routing_config(routing).description(to.description).revision_id(revision);
        let quick = aws_sdk_lambda::config::Builder::new().timeout_config(move_timeouts());
        let response = request.customize().config_override(quick).send().await;
        let response = response.map_err(|error| AwsError::new("UpdateAlias", named(function, alias), &error))?;
        Ok(Alias {
            version: response.function_version.unwrap_or_default(),
            weights: positive(response.routing_config),
            revision: response.revision_id.unwrap_or_default(),
            description: response.description.unwrap_or_default(),
        })
    }
}

/// A weight of 0 takes no traffic: it is none.
fn positive(routing: Option<AliasRoutingConfiguration>) -> BTreeMap<String, f64> {
    let weights = routing.and_then(|routing| routing.additional_version_weights).unwrap_or_default();
    weights.into_iter().filter(|(_, weight)| *weight > 0.0).collect()
}
