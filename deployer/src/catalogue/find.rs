//! Every place in the sources that makes an error.

use std::collections::BTreeMap;

use syn::visit::{self, Visit};
use syn::{Expr, Macro};

use super::bindings::Value;
use super::branches::called;
use super::sources::{Place, Sources, arguments, place};
use super::text::{Frame, says, ways};

/// What an error is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A failure, with the name of its exit class.
    Failure(String),
    /// What goes before a cause.
    Context,
    /// What becomes part of another message.
    Reason,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Message {
    pub(super) kind: Kind,
    pub(super) file: &'static str,
    pub(super) line: usize,
    pub(super) text: String,
    pub(super) hint: Option<String>,
}

/// A place that makes an error.
struct Made {
    function: usize,
    what: What,
    hint: Option<&'static Expr>,
}

enum What {
    Failure(&'static syn::ExprCall),
    Macro(&'static Macro, usize),
    Context(&'static Expr),
    Reason(&'static Expr, Option<&'static Expr>),
}

#[derive(Default)]
pub(super) struct Found {
    pub(super) messages: Vec<Message>,
    /// What makes an error and cannot be read, with its file and line.
    pub(super) unreadable: Vec<String>,
}

pub(super) fn messages(sources: &Sources) -> Found {
    let mut found = Found::default();
    for index in 0..sources.functions.len() {
        let function = &sources.functions[index];
        if ["failure.rs", "ending.rs"].contains(&function.file) || function.file.starts_with("aws/") {
            continue;
        }
        let mut visitor = Visitor { sources, function: index, made: BTreeMap::new(), lost: Vec::new() };
        visitor.visit_block(function.body);
        found.unreadable.extend(visitor.lost.iter().map(|(line, what)| format!("{}:{line}: {what}", function.file)));
        for (place, made) in visitor.made {
            read(sources, place, &made, &mut found);
        }
    }
    found.messages.sort();
    found.messages.dedup_by(|one, other| {
        (&one.kind, one.file, &one.text, &one.hint) == (&other.kind, other.file, &other.text, &other.hint)
    });
    found
}

fn read(sources: &Sources, place: Place, made: &Made, found: &mut Found) {
    let (frame, file) = (Frame::new(made.function, place), sources.functions[made.function].file);
    let texts = ways(sources, |reader| {
        let (kind, text) = match &made.what {
            What::Failure(call) => {
                let class = called(call);
                let exit = match class.as_str() {
                    "new" => reader.text(&call.args[0], &frame),
                    "bad_input" => "exit BadInput".to_owned(),
                    "refused" => "exit Refused".to_owned(),
                    _ => "exit Error".to_owned(),
                };
                (Kind::Failure(exit.replace("exit ", "")), reader.text(call.args.last().unwrap(), &frame))
            }
            What::Macro(found, skipped) => {
                (Kind::Failure("Error".to_owned()), reader.formatted(found, *skipped, &frame))
            }
            What::Context(words) => (Kind::Context, reader.text(words, &frame)),
            What::Reason(words, _) => (Kind::Reason, reader.text(words, &frame)),
        };
        let hint = match &made.what {
            What::Reason(_, way) => way.map(|way| reader.text(way, &frame)),
            _ => made.hint.map(|hint| reader.text(hint, &frame)),
        };
        Message { kind, file, line: place.0, text, hint }
    });
    found.messages.extend(texts);
}

struct Visitor<'a> {
    sources: &'a Sources,
    function: usize,
    made: BTreeMap<Place, Made>,
    lost: Vec<(usize, String)>,
}

fn constructor(call: &syn::ExprCall) -> Option<Place> {
    let Expr::Path(path) = &*call.func else { return None };
    let mut names = path.path.segments.iter().rev();
    let (last, of) = (names.next()?, names.next()?);
    let made = ["new", "bad_input", "refused", "error"].iter().any(|name| last.ident == *name);
    (made && of.ident == "Failure").then(|| place(&last.ident))
}

impl Visitor<'_> {
    fn add(&mut self, place: Place, what: What) {
        self.made.entry(place).or_insert(Made { function: self.function, what, hint: None });
    }

    /// The constructor that a chain of methods begins with.
    fn base(&self, expr: &'static Expr, before: Place) -> Option<&'static syn::ExprCall> {
        match expr {
            Expr::MethodCall(call) => self.base(&call.receiver, before),
            Expr::Call(call) if constructor(call).is_some() => Some(call),
            Expr::Closure(closure) => self.base(&closure.body, before),
            Expr::Path(path) => {
                let name = path.path.get_ident()?.to_string();
                let bindings = self.sources.functions[self.function].bindings.iter();
                let found = bindings
                    .filter(|found| found.name == name && found.is_seen_from(before))
                    .max_by_key(|found| found.place)?;
                match found.value {
                    Value::Is(expr) => self.base(expr, found.place),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Whether an expression is a failure, which is read where it is made.
    fn is_failure(&self, expr: &'static Expr, before: Place) -> bool {
        struct Any(bool);
        impl Visit<'_> for Any {
            fn visit_expr_call(&mut self, call: &syn::ExprCall) {
                self.0 |= constructor(call).is_some();
                visit::visit_expr_call(self, call);
            }
        }
        let mut any = Any(false);
        any.visit_expr(expr);
        let (name, is_ours) = match expr {
            Expr::Call(call) => (called(call), true),
            Expr::Path(path) => (path.path.segments.last().unwrap().ident.to_string(), true),
            Expr::Closure(closure) => return any.0 || self.is_failure(&closure.body, before),
            Expr::MethodCall(call) => return any.0 || self.is_failure(&call.receiver, before),
            _ => (String::new(), false),
        };
        let bound = self.sources.functions[self.function]
            .bindings
            .iter()
            .find(|found| found.name == name && found.is_seen_from(before));
        any.0
            || bound.is_some_and(|found| matches!(found.value, Value::Is(value) if self.is_failure(value, found.place)))
            || is_ours
                && self.sources.functions.iter().filter(|all| all.name == name).any(|all| {
                    let mut any = Any(false);
                    any.visit_block(all.body);
                    any.0
                })
    }

    fn reason(&mut self, at: Place, words: &'static Expr) {
        let frame = Frame::new(self.function, at);
        if ways(self.sources, |reader| reader.text(words, &frame)).iter().any(|text| says(text) && text.contains(' '))
            && !self.is_failure(words, at)
        {
            self.add(at, What::Reason(words, None));
        }
    }
}

impl Visit<'static> for Visitor<'_> {
    fn visit_expr_call(&mut self, call: &'static syn::ExprCall) {
        if let Some(place) = constructor(call) {
            self.add(place, What::Failure(call));
        } else if let Expr::Path(path) = &*call.func {
            let segments: Vec<_> = path.path.segments.iter().map(|segment| &segment.ident).collect();
            let at = place(segments[segments.len() - 1]);
            let names: Vec<String> = segments.iter().map(ToString::to_string).collect();
            match names.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                ["Err"] => self.reason(at, &call.args[0]),
                ["Some"]
                    if ["contradiction", "unreadable"]
                        .contains(&self.sources.functions[self.function].name.as_str()) =>
                {
                    self.reason(at, &call.args[0]);
                }
                [.., "Contradiction", "new"] => self.add(at, What::Reason(&call.args[1], None)),
                [.., "Older"] => self.add(at, What::Reason(&call.args[0], None)),
                [.., "Error", "msg"] => self.add(at, What::Reason(&call.args[0], None)),
                _ => {}
            }
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_struct(&mut self, found: &'static syn::ExprStruct) {
        let name = &found.path.segments.last().unwrap().ident;
        let field = |name: &str| {
            found
                .fields
                .iter()
                .find(|field| matches!(&field.member, syn::Member::Named(named) if named == name))
                .map(|field| &field.expr)
        };
        if name == "Unreadable"
            && let Some(what) = field("what")
        {
            self.add(place(name), What::Reason(what, field("way")));
        }
        visit::visit_expr_struct(self, found);
    }

    fn visit_expr_method_call(&mut self, call: &'static syn::ExprMethodCall) {
        visit::visit_expr_method_call(self, call);
        let at = place(&call.method);
        match (call.method.to_string().as_str(), call.args.len()) {
            ("hint", 1) => {
                match self.base(&call.receiver, at).and_then(constructor).and_then(|at| self.made.get_mut(&at)) {
                    Some(made) if made.hint.is_none() => made.hint = Some(&call.args[0]),
                    _ => self.lost.push((at.0, "a hint of what is not made here".to_owned())),
                }
            }
            ("context" | "with_context", 1) if !self.is_failure(&call.args[0], at) => {
                self.add(at, What::Context(&call.args[0]));
            }
            // What drift there is comes as a list.
            ("push", 1) if self.sources.functions[self.function].name == "drift" => self.reason(at, &call.args[0]),
            ("ok_or" | "ok_or_else" | "map_err", 1) => self.reason(at, &call.args[0]),
            _ => {}
        }
    }

    fn visit_macro(&mut self, found: &'static Macro) {
        let name = &found.path.segments.last().unwrap().ident;
        match name.to_string().as_str() {
            "bail" | "anyhow" => self.add(place(name), What::Macro(found, 0)),
            "ensure" => self.add(place(name), What::Macro(found, 1)),
            _ => {}
        }
        let parsed = arguments(found);
        parsed.iter().for_each(|argument| self.visit_expr(argument));
        let makes = ["Failure", "bail", "anyhow", "ensure", "hint", "context", "with_context"];
        if parsed.is_empty()
            && found
                .tokens
                .to_string()
                .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
                .any(|word| makes.contains(&word))
        {
            self.lost.push((place(name).0, format!("an error in `{name}!`")));
        }
    }
}
