//! The application's functions where no contract names them: the chosen ones, each with the alias that callers use.

use std::collections::BTreeMap;

use anyhow::Result;
use futures::future::try_join_all;

use super::account::Found;
use super::{Choice, Init, api, ledgers, plain};
use crate::aws::{Alias, Reader};
use crate::config::{Contract, FunctionResource};
use crate::failure::Failure;
use crate::retention::{self, is_of_another};

/// CloudFormation's tag on everything that it creates, also for the tools that write its templates.
pub(super) const STACK_TAG: &str = "aws:cloudformation:stack-name";
/// The tag with the name that a function has in the template.
const LOGICAL_TAG: &str = "aws:cloudformation:logical-id";
/// The number of names shown where none was chosen.
const SHOWN: usize = 20;

/// The chosen functions, each with its alias, and what calls them.
pub(super) async fn chosen(
    options: &Init,
    (app, account, region): (&str, String, String),
    reader: &Reader,
) -> Result<Found> {
    let all = reader.lambda.names().await?;
    let chosen = by_choice(&options.choice, app, &all, reader).await?;
    if chosen.is_empty() {
        return Err(none_chosen(&options.choice, app, &all, (&account, &region)));
    }
    let environment = &options.environment;
    let functions = try_join_all(chosen.iter().map(async |(name, logical)| {
        let aliases = reader.lambda.aliases(name).await?;
        let alias = alias(options, name, &aliases)?;
        refuse_of_another((name, &alias), &aliases, &retention::mark(app, environment))?;
        let url = reader.lambda.url(name, &alias).await?.map(|found| found.url.trim_end_matches('/').to_owned());
        let key =
            logical.as_ref().map_or_else(|| key(name, app, environment), |logical| plain(&logical.to_lowercase()));
        anyhow::Ok((key, FunctionResource { name: name.clone(), alias, architecture: None, url }))
    }))
    .await?;
    let mut by_key = BTreeMap::new();
    for (key, function) in functions {
        // Two names may differ only in the part that the key leaves out.
        let key = if by_key.contains_key(&key) { plain(&function.name) } else { key };
        if let Some(other) = by_key.insert(key.clone(), function) {
            return Err(Failure::bad_input(format!(
                "two functions would get the key `{key}`, one of them `{}`",
                other.name
            ))
            .hint("choose fewer functions with `--name PART`, and add the others to `deployer.toml` afterwards")
            .into());
        }
    }
    let (api, requests) = api::behind(options, &by_key, (&account, &region), reader).await?;
    let contract = Contract {
        environment: environment.clone(),
        account,
        region,
        functions: by_key,
        api,
        alarms: Vec::new(),
        artifact_bucket: None,
    };
    let ledger = options.ledger.clone().unwrap_or_else(|| ledgers::usual(app, environment));
    let ledgers = [(environment.clone(), ledger)].into();
    Ok(Found { requests, ..Found::new(app.to_owned(), contract, ledgers, false) })
}

/// The names of the chosen functions, each with its name in the CloudFormation template, if it has one.
async fn by_choice(
    choice: &Choice,
    app: &str,
    all: &[String],
    reader: &Reader,
) -> Result<Vec<(String, Option<String>)>> {
    let named = |part: &str| {
        let part = part.to_lowercase();
        all.iter().filter(move |name| name.to_lowercase().contains(&part)).cloned().collect::<Vec<_>>()
    };
    let candidates = match choice {
        Choice::App => named(app),
        Choice::Name(part) => named(part),
        Choice::Tag(..) => all.to_vec(),
    };
    let tags = try_join_all(candidates.iter().map(|name| reader.lambda.tags(name))).await?;
    let tagged = candidates.into_iter().zip(tags);
    let chosen = tagged.filter(|(_, tags)| match choice {
        Choice::Tag(key, value) => tags.get(key) == Some(value),
        _ => true,
    });
    Ok(chosen.map(|(name, mut tags)| (name, tags.remove(LOGICAL_TAG))).collect())
}

/// Refuses an alias that the deployer already moves for another application or environment: their two ledgers are independent.
fn refuse_of_another((name, alias): (&str, &str), all: &BTreeMap<String, Alias>, mark: &str) -> Result<()> {
    let Some(found) = all
        .get(alias)
        .filter(|found| is_of_another(&found.description, mark))
        .filter(|found| !found.description.contains("fencing token"))
    else {
        return Ok(());
    };
    let what = format!(
        "alias `{alias}` of `{name}` is already released from another ledger: its description is `{}`",
        found.description
    );
    Err(Failure::refused(what)
        .hint("use the `deployer.toml` that releases it, or pass its ledger with `--ledger TABLE`")
        .into())
}

fn none_chosen(choice: &Choice, app: &str, all: &[String], (account, region): (&str, &str)) -> anyhow::Error {
    let what = match choice {
        Choice::App => format!("no function of this account has `{app}` in its name"),
        Choice::Name(part) => format!("no function of this account has `{part}` in its name"),
        Choice::Tag(key, value) if key == STACK_TAG => {
            format!("no function of this account belongs to the CloudFormation stack `{value}`")
        }
        Choice::Tag(key, value) => format!("no function of this account has the tag `{key}={value}`"),
    };
    let shown: Vec<_> = all.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let more = if all.len() > SHOWN { format!(" and {} more", all.len() - SHOWN) } else { String::new() };
    let there = match shown.is_empty() {
        true => format!("account `{account}` has no functions in region `{region}`"),
        false => format!("found: {}{more}", shown.join(", ")),
    };
    Failure::bad_input(format!("{what}; {there}"))
        .hint(
            "choose them with `--name PART`, `--tag KEY=VALUE` or `--cloudformation STACK`; if they are elsewhere, check the \
             credentials and the region",
        )
        .into()
}

/// The alias that callers use.
fn alias(options: &Init, function: &str, all: &BTreeMap<String, Alias>) -> Result<String> {
    let refused = |what: String, hint: String| Err(Failure::refused(what).hint(hint).into());
    let named = match (&options.alias, all.keys().collect::<Vec<_>>().as_slice()) {
        (Some(named), _) => named.clone(),
        (None, [only]) => (*only).clone(),
        (None, several) => {
            let usual =
                ["live", &options.environment].into_iter().find(|usual| several.iter().any(|name| name == usual));
            usual.map(str::to_owned).unwrap_or_default()
        }
    };
    let Some(found) = all.get(&named) else {
        if all.is_empty() {
            return refused(
                format!(
                    "function `{function}` has no alias: a release moves an alias from one published version to the next"
                ),
                format!(
                    "create one with `aws lambda publish-version --function-name {function}` and `aws lambda create-alias --function-name \
                     {function} --name live --function-version VERSION`, with the version that the first command prints, and \
                     point its callers at the alias"
                ),
            );
        }
        let names: Vec<_> = all.keys().map(|name| format!("`{name}`")).collect();
        let what = match named.is_empty() {
            true => format!("function `{function}` has the aliases {}", names.join(", ")),
            false => format!("function `{function}` has no alias `{named}`; it has {}", names.join(", ")),
        };
        return refused(what, "pass the one that callers use: `--alias NAME`".to_owned());
    };
    if found.version == "$LATEST" {
        return refused(
            format!("alias `{named}` of `{function}` points to `$LATEST`, which changes with every upload"),
            "point it at a published version, in your infrastructure code too".to_owned(),
        );
    }
    if !found.weights.is_empty() {
        return refused(
            format!("alias `{named}` of `{function}` splits its traffic over several versions"),
            "finish or undo that traffic shift first".to_owned(),
        );
    }
    Ok(named)
}

/// A function's name without the names of its application and environment.
fn key(name: &str, app: &str, environment: &str) -> String {
    let is_divider = |letter: char| "-_".contains(letter);
    let short = name.strip_prefix(app).map_or(name, |rest| rest.trim_start_matches(is_divider));
    let short = short.strip_suffix(environment).map_or(short, |rest| rest.trim_end_matches(is_divider));
    let short = short
        .strip_prefix(environment)
        .filter(|rest| rest.starts_with(is_divider))
        .map_or(short, |rest| rest.trim_start_matches(is_divider));
    if short.is_empty() { plain(name) } else { plain(short) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_leaves_out_the_application_and_environment() {
        for (name, expected) in [
            ("shop-orders-dev", "orders"),
            ("shop-dev-orders", "orders"),
            ("shop_orders", "orders"),
            ("shop-dev", "shop-dev"),
            ("shop", "shop"),
            ("orders", "orders"),
            ("shop-devices", "devices"),
        ] {
            assert_eq!(key(name, "shop", "dev"), expected, "{name}");
        }
    }

    fn aliases(all: &[(&str, &str)]) -> BTreeMap<String, Alias> {
        let alias = |version: &str| Alias {
            version: version.to_owned(),
            weights: BTreeMap::new(),
            revision: String::new(),
            description: String::new(),
        };
        all.iter().map(|(name, version)| ((*name).to_owned(), alias(version))).collect()
    }

    #[test]
    fn the_callers_alias_is_found_or_required() {
        let options = Init { environment: "dev".to_owned(), ..Init::default() };
        let of = |all: &[(&str, &str)]| alias(&options, "f", &aliases(all)).map_err(|error| error.to_string());
        assert_eq!(of(&[("prod", "7")]).unwrap(), "prod");
        assert_eq!(of(&[("blue", "7"), ("live", "8")]).unwrap(), "live");
        assert_eq!(of(&[("blue", "7"), ("dev", "8")]).unwrap(), "dev");
        assert_eq!(of(&[("blue", "7"), ("green", "8")]).unwrap_err(), "function `f` has the aliases `blue`, `green`");
        assert!(of(&[]).unwrap_err().starts_with("function `f` has no alias: "));
        assert!(of(&[("live", "$LATEST")]).unwrap_err().contains("points to `$LATEST`"));
        let named = Init { alias: Some("gone".to_owned()), ..options };
        let refused = alias(&named, "f", &aliases(&[("live", "1")])).unwrap_err().to_string();
        assert_eq!(refused, "function `f` has no alias `gone`; it has `live`");
    }
}
