//! The text of `format!` and its like.

use syn::{Expr, Lit, Macro};

use super::sources::{arguments, place};
use super::text::{Frame, Reader};

impl Reader<'_> {
    /// The text of `format!` and its like, whose arguments begin after `skipped` others.
    pub(super) fn formatted(&mut self, found: &'static Macro, skipped: usize, frame: &Frame<'_>) -> String {
        let frame = &Frame { place: frame.place.max(place(&found.path.segments.last().unwrap().ident)), ..*frame };
        let Some((template, given)) = arguments(found).get(skipped..).and_then(<[Expr]>::split_first) else {
            return String::new();
        };
        match template {
            Expr::Lit(syn::ExprLit { lit: Lit::Str(template), .. }) if !found.path.is_ident("concat") => {
                self.template(&template.value(), given, frame)
            }
            other => self.text(other, frame),
        }
    }

    fn template(&mut self, template: &str, given: &'static [Expr], frame: &Frame<'_>) -> String {
        let (mut text, mut rest, mut next) = (String::new(), template, 0);
        while let Some(at) = rest.find(['{', '}']) {
            text.push_str(&rest[..at]);
            let (brace, after) = rest[at..].split_at(1);
            if let Some(after) = after.strip_prefix(brace) {
                text.push_str(brace);
                rest = after;
                continue;
            }
            let (inside, after) = after.split_once('}').unwrap();
            let (name, format) = inside.split_once(':').unwrap_or((inside, ""));
            let value = match (name, name.parse::<usize>()) {
                ("", _) => {
                    next += 1;
                    given.get(next - 1).map(|given| self.text(given, frame))
                }
                (_, Ok(index)) => given.get(index).map(|given| self.text(given, frame)),
                (name, _) => {
                    let assigned = given.iter().find_map(|given| match given {
                        Expr::Assign(assign) => match &*assign.left {
                            Expr::Path(path) if path.path.is_ident(name) => Some(&*assign.right),
                            _ => None,
                        },
                        _ => None,
                    });
                    Some(match assigned {
                        Some(value) => self.text(value, frame),
                        None => self.variable(name, frame),
                    })
                }
            };
            let value = value.unwrap_or_else(|| "SOMETHING".to_owned());
            text.push_str(&if format.contains('?') { format!("\"{value}\"") } else { value });
            rest = after;
        }
        text + rest
    }
}
