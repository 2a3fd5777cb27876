//! The rule of a composite alarm: `ALARM("a") AND NOT (OK(b) OR INSUFFICIENT_DATA(c))`, `TRUE`, `FALSE`.

use super::alarm::State;

/// Whether a rule is true; `None` if it is not a rule.
pub(super) fn holds(rule: &str, state: &dyn Fn(&str) -> State) -> Option<bool> {
    let mut parser = Parser { rest: rule.trim_start(), state };
    let holds = parser.any()?;
    parser.rest.is_empty().then_some(holds)
}

struct Parser<'a> {
    rest: &'a str,
    state: &'a dyn Fn(&str) -> State,
}

impl<'a> Parser<'a> {
    /// Takes a word, if it is next.
    fn takes(&mut self, word: &str) -> bool {
        let Some(after) = self.rest.strip_prefix(word) else { return false };
        let whole = !word.ends_with(char::is_alphabetic) || !after.starts_with(|sign: char| sign.is_alphanumeric());
        if whole {
            self.rest = after.trim_start();
        }
        whole
    }

    fn any(&mut self) -> Option<bool> {
        let mut holds = self.all()?;
        while self.takes("OR") {
            holds |= self.all()?;
        }
        Some(holds)
    }

    fn all(&mut self) -> Option<bool> {
        let mut holds = self.one()?;
        while self.takes("AND") {
            holds &= self.one()?;
        }
        Some(holds)
    }

    fn one(&mut self) -> Option<bool> {
        if self.takes("NOT") {
            return self.one().map(|holds| !holds);
        }
        if self.takes("(") {
            let holds = self.any()?;
            return self.takes(")").then_some(holds);
        }
        if self.takes("TRUE") {
            return Some(true);
        }
        if self.takes("FALSE") {
            return Some(false);
        }
        let states = [("INSUFFICIENT_DATA", State::InsufficientData), ("ALARM", State::Alarm), ("OK", State::Ok)];
        let (_, wanted) = states.into_iter().find(|(word, _)| self.takes(word))?;
        let name = self.name()?;
        Some((self.state)(name) == wanted)
    }

    /// A name in parentheses, in quotes or not; instead of a name it may be the alarm's ARN.
    fn name(&mut self) -> Option<&'a str> {
        let inner = self.rest.strip_prefix('(')?;
        let (name, after) = inner.split_once(')')?;
        self.rest = after.trim_start();
        let name = name.trim().trim_matches(['"', '\'']);
        Some(name.rsplit_once(":alarm:").map_or(name, |(_, name)| name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_by_their_grammar() {
        let state = |name: &str| if name == "bad" { State::Alarm } else { State::Ok };
        for (rule, expected) in [
            ("ALARM(bad)", Some(true)),
            ("ALARM(\"good\") OR NOT OK('bad')", Some(true)),
            ("ALARM(bad) AND (OK(bad) OR FALSE)", Some(false)),
            ("ALARM(arn:aws:cloudwatch:eu-west-1:1:alarm:bad)", Some(true)),
            ("ALARM bad", None),
            ("ALARM(bad) ALARM(bad)", None),
        ] {
            assert_eq!(holds(rule, &state), expected, "{rule}");
        }
    }
}
