//! Finds all mistakes in `deployer.toml` at once. Serde ends at the first one: this removes it from the table, and reads the rest again.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::Deserialize as _;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer, Error};

use super::file::File;

/// More of them would not help.
const MOST: usize = 20;

/// The file, or all mistakes in it, in their order.
pub(super) fn read(text: &str) -> Result<File, Vec<Error>> {
    let (mut table, mut mistakes) = DeTable::parse_recoverable(text);
    if !mistakes.is_empty() {
        // After a syntax error the parser may report correct parts as further errors.
        mistakes.truncate(1);
        return Err(mistakes);
    }
    let mut left_out = BTreeSet::new();
    while mistakes.len() < MOST {
        let error = match File::deserialize(Deserializer::from(table.clone())) {
            Ok(file) if mistakes.is_empty() => return Ok(file),
            Ok(_) => break,
            Err(error) => error,
        };
        let span = error.span();
        // What is missing because it was left out was named already.
        if !left_out.iter().any(|name| error.message().starts_with(&format!("missing field `{name}`"))) {
            mistakes.push(error);
        }
        match span.and_then(|span| leave_out(table.get_mut(), &span)) {
            Some(name) => drop(left_out.insert(name)),
            None => break,
        }
    }
    mistakes.sort_by_key(|mistake| mistake.span().map_or(0, |span| span.start));
    Err(mistakes)
}

/// Leaves out the smallest entry that a mistake is in: its name.
fn leave_out(table: &mut DeTable<'_>, span: &Range<usize>) -> Option<String> {
    let encloses = |outer: Range<usize>| outer.start <= span.start && span.end <= outer.end;
    let key =
        table.iter().find(|(key, value)| encloses(key.span()) || within(value, span)).map(|(key, _)| key.clone())?;
    let value = table.get_mut(&key)?;
    // The whole of a table lacks something: then it is the table that goes.
    let is_whole = value.get_ref().is_table() && value.span() == *span;
    if !is_whole && let Some(name) = leave_out_below(value.get_mut(), span) {
        return Some(name);
    }
    table.remove(&key);
    Some(key.get_ref().to_string())
}

fn leave_out_below(value: &mut DeValue<'_>, span: &Range<usize>) -> Option<String> {
    match value {
        DeValue::Table(table) => leave_out(table, span),
        DeValue::Array(items) => {
            let index = items.iter().position(|item| within(item, span))?;
            if let DeValue::Table(table) = items.get_mut(index)?.get_mut()
                && let Some(name) = leave_out(table, span)
            {
                return Some(name);
            }
            let others = std::mem::replace(items, std::iter::empty().collect())
                .into_iter()
                .enumerate()
                .filter(|(other, _)| *other != index);
            *items = others.map(|(_, item)| item).collect();
            Some(String::new())
        }
        _ => None,
    }
}

/// Whether a mistake is in a value. The span of a table that is written as `[a.b]` is that of its header alone.
fn within(value: &Spanned<DeValue<'_>>, span: &Range<usize>) -> bool {
    let outer = value.span();
    outer.start <= span.start && span.end <= outer.end
        || match value.get_ref() {
            DeValue::Table(table) => table.iter().any(|(key, value)| {
                key.span().start <= span.start && span.end <= key.span().end || within(value, span)
            }),
            DeValue::Array(items) => items.iter().any(|item| within(item, span)),
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = "app = 'shop'\n[functions.api]\n[environments.dev]\nledger = 'l'\nregion = 'eu-west-1'\n";

    fn mistakes(text: &str) -> Vec<String> {
        read(text)
            .map(|_| Vec::new())
            .unwrap_or_else(|all| all.iter().map(|error| error.message().to_owned()).collect())
    }

    #[test]
    fn every_mistake_is_reported_but_not_its_consequences() {
        assert_eq!(mistakes(VALID), [""; 0]);
        let text = VALID
            .replace("[functions.api]", "[functions.api]\nbim = 'x'\nfeatures = 1")
            .replace("region = 'eu-west-1'", "region = 7")
            + "[[checks]]\nfunction = 'api'\n[[checks]]\nname = 'x'\nfunction = 'api'\nstatuss = 200\n[lock]\nlease_seconds = 'x'\n";
        let found = mistakes(&text);
        for (found, expected) in found.iter().zip([
            "unknown field `bim`",
            "invalid type: integer `1`, expected a sequence",
            "invalid type: integer `7`, expected a string",
            "missing field `name`",
            "unknown field `statuss`",
            "invalid type: string \"x\"",
        ]) {
            assert!(found.starts_with(expected), "{found}");
        }
        assert_eq!(found.len(), 6, "{found:?}");
    }

    #[test]
    fn a_missing_key_is_reported_by_name() {
        assert_eq!(mistakes(""), ["missing field `app`"]);
        assert_eq!(mistakes("app = 1"), ["invalid type: integer `1`, expected a string"]);
    }

    #[test]
    fn a_mistake_of_syntax_is_the_only_one() {
        assert_eq!(mistakes("app = \n[functions\n").len(), 1);
    }
}
