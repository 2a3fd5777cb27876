//! The text that an expression makes: what is not known before the program runs is a `PLACEHOLDER`.
//!
//! Where the text depends on a branch, on what a caller gives, or on the item of a list, that is a choice: each text is made of one way
//! through all of them, so that the hint is the one of the message.

use std::cell::RefCell;
use std::collections::HashMap;

use syn::{Expr, Lit};

use super::bindings::{Value, is_text};
use super::branches::{branches, called, end, ends};
use super::sources::{Place, Sources};

/// How often one error may differ before it is not readable as a list any more.
const MOST: usize = 60;
const DEEPEST: usize = 14;

/// One way through the choices: by the address of what chooses.
pub(super) type Way = HashMap<usize, usize>;

/// Where an expression is, and how its function was called if that is known.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) function: usize,
    pub(super) place: Place,
    pub(super) call: Option<(&'a [&'static Expr], &'a Frame<'a>)>,
    pub(super) depth: usize,
}

impl Frame<'_> {
    pub(super) fn new(function: usize, place: Place) -> Self {
        Self { function, place, call: None, depth: 0 }
    }
}

pub(super) struct Reader<'a> {
    pub(super) sources: &'a Sources,
    pub(super) way: Way,
    /// Whether a call gives a text that says something, by its address.
    pub(super) known: &'a RefCell<HashMap<usize, bool>>,
    /// The first choice that the way does not know, and how many branches it has.
    pub(super) open: Option<(usize, usize)>,
}

/// All that `read` makes of the ways through the choices that it meets.
pub(super) fn ways<T>(sources: &Sources, mut read: impl FnMut(&mut Reader<'_>) -> T) -> Vec<T> {
    let (known, mut found, mut open) = (RefCell::default(), Vec::new(), vec![Way::new()]);
    while let Some(way) = open.pop() {
        let mut reader = Reader { sources, way, known: &known, open: None };
        let made = read(&mut reader);
        match reader.open {
            None => found.push(made),
            Some((choice, branches)) => {
                let ways = (0..branches).rev().map(|branch| {
                    let mut way = reader.way.clone();
                    way.insert(choice, branch);
                    way
                });
                open.extend(ways);
            }
        }
        assert!(found.len() + open.len() < MOST, "more than {MOST} texts of one error");
    }
    found
}

/// Whether a text is more than a placeholder.
pub(super) fn says(text: &str) -> bool {
    text.chars().any(|letter| !letter.is_ascii_uppercase() && !letter.is_ascii_digit() && letter != '_')
}

pub(super) fn placeholder(name: &str) -> String {
    name.trim_start_matches("r#").to_uppercase()
}

impl Reader<'_> {
    /// The branch that is taken of a choice.
    pub(super) fn choose(&mut self, choice: usize, branches: usize) -> usize {
        if branches < 2 {
            return 0;
        }
        match self.way.get(&choice) {
            Some(branch) => *branch,
            None => {
                self.open.get_or_insert((choice, branches));
                0
            }
        }
    }

    pub(super) fn text(&mut self, expr: &'static Expr, frame: &Frame<'_>) -> String {
        if frame.depth > DEEPEST {
            return "SOMETHING".to_owned();
        }
        match expr {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => text.value(),
                Lit::Int(number) => number.base10_digits().to_owned(),
                Lit::Char(letter) => letter.value().to_string(),
                _ => "SOMETHING".to_owned(),
            },
            Expr::Paren(inner) => self.text(&inner.expr, frame),
            Expr::Group(inner) => self.text(&inner.expr, frame),
            Expr::Reference(inner) => self.text(&inner.expr, frame),
            Expr::Unary(inner) => self.text(&inner.expr, frame),
            Expr::Try(inner) => self.text(&inner.expr, frame),
            Expr::Await(inner) => self.text(&inner.base, frame),
            Expr::Closure(closure) => self.text(&closure.body, frame),
            Expr::Field(field) => match &field.member {
                syn::Member::Named(name) => placeholder(&name.to_string()),
                syn::Member::Unnamed(_) => self.text(&field.base, frame),
            },
            Expr::Binary(sum) if matches!(sum.op, syn::BinOp::Add(_)) => {
                self.text(&sum.left, frame) + &self.text(&sum.right, frame)
            }
            Expr::Binary(quotient) => self.text(&quotient.left, frame),
            Expr::If(_) | Expr::Match(_) | Expr::Block(_) => {
                let branches = branches(expr);
                match self.choose(std::ptr::from_ref(expr).addr(), branches.len()) {
                    branch if branch < branches.len() => self.text(branches[branch], frame),
                    _ => "SOMETHING".to_owned(),
                }
            }
            Expr::Macro(found) => self.formatted(&found.mac, 0, frame),
            Expr::Path(path) => self.named(path, frame),
            Expr::Call(call) => self.called(call, frame),
            Expr::MethodCall(call) => self.method(call, frame),
            _ => "SOMETHING".to_owned(),
        }
    }

    fn named(&mut self, path: &'static syn::ExprPath, frame: &Frame<'_>) -> String {
        let name = path.path.segments.last().unwrap().ident.to_string();
        if path.path.segments.first().is_some_and(|first| first.ident == "Exit") {
            return format!("exit {name}");
        }
        if name == "None" || path.path.segments.len() == 2 && path.path.segments[0].ident == "String" && name == "new" {
            return String::new();
        }
        self.variable(&name, frame)
    }

    fn called(&mut self, call: &'static syn::ExprCall, frame: &Frame<'_>) -> String {
        let name = called(call);
        if ["Some", "Ok", "Err", "from", "Borrowed", "Owned", "from_utf8_lossy", "msg"].contains(&name.as_str())
            && call.args.len() == 1
        {
            return self.text(&call.args[0], frame);
        }
        if is_empty_string(&call.func) {
            return String::new();
        }
        let arguments: Vec<_> = call.args.iter().collect();
        self.returned(&name, &arguments, frame)
    }

    /// The text that a function of ours returns.
    fn returned(&mut self, name: &str, arguments: &[&'static Expr], frame: &Frame<'_>) -> String {
        let sources = self.sources;
        // A duration: its units would say nothing.
        if name == "spoken" {
            return "TIME".to_owned();
        }
        let named: Vec<_> = (0..sources.functions.len()).filter(|all| sources.functions[*all].name == name).collect();
        let ([index], true) = (named.as_slice(), frame.depth < DEEPEST) else { return self.closure(name, frame) };
        let function = &sources.functions[*index];
        match function.returns {
            syn::ReturnType::Type(_, kind) if is_text(kind) => {}
            _ => return placeholder(name),
        }
        let branches = ends(function.body);
        let branch = self.choose(std::ptr::from_ref(function.body).addr(), branches.len());
        let found = branches.get(branch).map_or_else(String::new, |branch| {
            let (place, call, depth) = (end(branch), Some((arguments, frame)), frame.depth + 1);
            self.text(branch, &Frame { function: *index, place, call, depth })
        });
        if says(&found) { found } else { placeholder(name) }
    }

    /// The text that a closure makes, which a name of this function is bound to.
    fn closure(&mut self, name: &str, frame: &Frame<'_>) -> String {
        let sources = self.sources;
        let bindings = &sources.functions[frame.function].bindings;
        match bindings.iter().find(|found| found.name == name).map(|found| found.value) {
            Some(Value::Is(Expr::Closure(closure))) => {
                let below = Frame { place: end(&closure.body), depth: frame.depth + 1, ..*frame };
                let found = self.text(&closure.body, &below);
                if says(&found) { found } else { placeholder(name) }
            }
            _ => placeholder(name),
        }
    }

    fn method(&mut self, call: &'static syn::ExprMethodCall, frame: &Frame<'_>) -> String {
        const SAME: [&str; 28] = [
            "to_owned",
            "to_string",
            "into",
            "clone",
            "cloned",
            "as_str",
            "as_deref",
            "as_ref",
            "trim",
            "trim_end",
            "display",
            "to_string_lossy",
            "as_secs",
            "unwrap_or_default",
            "into_owned",
            "join",
            "len",
            "as_millis",
            "next",
            "concat",
            "iter",
            "collect",
            "find",
            "filter",
            "to_vec",
            "to_str",
            "chars",
            "take",
        ];
        let name = call.method.to_string();
        let given = call.args.iter().collect::<Vec<_>>();
        match (name.as_str(), given.as_slice()) {
            ("unwrap_or" | "unwrap_or_else", [other]) => match self.choose(std::ptr::from_ref(call).addr(), 2) {
                0 => match self.text(&call.receiver, frame) {
                    // `None`: then the other one is the text.
                    nothing if nothing.is_empty() => self.text(other, frame),
                    found => found,
                },
                _ => self.text(other, frame),
            },
            ("map_or" | "map_or_else", [none, some]) => match self.choose(std::ptr::from_ref(call).addr(), 2) {
                0 => self.text(none, frame),
                _ => self.text(some, frame),
            },
            ("map" | "then" | "then_some" | "and_then" | "map_err", [made]) => {
                let found = self.text(made, frame);
                if says(&found) { found } else { self.text(&call.receiver, frame) }
            }
            // Of an error: what its own message is followed by.
            ("hint", []) => "(the hint of the cause is shown)".to_owned(),
            (same, _) if SAME.contains(&same) => self.text(&call.receiver, frame),
            (_, given) => self.returned(&name, given, frame),
        }
    }
}

/// `String::new`
fn is_empty_string(function: &Expr) -> bool {
    let Expr::Path(path) = function else { return false };
    path.path.segments.len() == 2 && path.path.segments[0].ident == "String" && path.path.segments[1].ident == "new"
}
