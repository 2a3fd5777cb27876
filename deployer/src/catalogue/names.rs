//! The text that a name stands for: a variable, a parameter, an element of a tuple.

use syn::{Expr, Lit};

use super::bindings::Value;
use super::branches::{branches, called, end};
use super::sources::Call;
use super::text::{Frame, Reader, Way, placeholder, says};

impl Reader<'_> {
    /// What a name stands for, if that says something, or else the name.
    pub(super) fn variable(&mut self, name: &str, frame: &Frame<'_>) -> String {
        let sources = self.sources;
        let function = &sources.functions[frame.function];
        let before = function.bindings.iter().filter(|found| found.name == name && found.is_seen_from(frame.place));
        let Some(binding) = before.max_by_key(|found| found.place) else {
            let here = sources.constants.get(&(function.file, name.to_owned()));
            // In the order of the files: one name may be a number here and a text there.
            let anywhere = || {
                let of_this_name = sources.constants.iter().filter(|((_, found), _)| found == name);
                of_this_name.map(|(_, constant)| constant).find(|constant| words(constant).is_some())
            };
            return here.or_else(anywhere).and_then(|constant| words(constant)).unwrap_or_else(|| placeholder(name));
        };
        let below = Frame { place: binding.place, depth: frame.depth + 1, ..*frame };
        let found = match binding.value {
            Value::Is(Expr::Closure(closure)) => {
                self.text(&closure.body, &Frame { place: end(&closure.body), ..below })
            }
            Value::Is(value) => self.text(value, &below),
            Value::Element(whole, index) => self.element(whole, index, &below),
            Value::Each(whole, index) => self.each(whole, index, &below),
            Value::Parameter { owner, index, is_text: true } => self.parameter(owner, index, frame),
            Value::Parameter { .. } | Value::Unknown => String::new(),
        };
        if says(&found) || matches!(binding.value, Value::Element(..) | Value::Is(..)) && found.is_empty() {
            found
        } else {
            placeholder(name)
        }
    }

    fn element(&mut self, whole: &'static Expr, index: usize, frame: &Frame<'_>) -> String {
        match whole {
            Expr::Tuple(tuple) if index < tuple.elems.len() => self.text(&tuple.elems[index], frame),
            Expr::If(_) | Expr::Match(_) | Expr::Block(_) => {
                let branches = branches(whole);
                let branch = self.choose(std::ptr::from_ref(whole).addr(), branches.len());
                branches.get(branch).map_or_else(String::new, |branch| self.element(branch, index, frame))
            }
            Expr::Try(inner) => self.element(&inner.expr, index, frame),
            Expr::Call(call) if ["Some", "Ok"].contains(&called(call).as_str()) => {
                self.element(&call.args[0], index, frame)
            }
            _ => "SOMETHING".to_owned(),
        }
    }

    fn each(&mut self, whole: &'static Expr, index: Option<usize>, frame: &Frame<'_>) -> String {
        let Expr::Array(array) = whole else { return String::new() };
        let item = self.choose(std::ptr::from_ref(whole).addr(), array.elems.len());
        match (array.elems.get(item), index) {
            (Some(item), Some(index)) => self.element(item, index, frame),
            (Some(item), None) => self.text(item, frame),
            (None, _) => String::new(),
        }
    }

    /// What is given for a parameter: by the one call that is known, or by each.
    fn parameter(&mut self, owner: &'static str, index: usize, frame: &Frame<'_>) -> String {
        let sources = self.sources;
        let is_closure = sources.functions[frame.function].name != owner;
        if let (Some((arguments, caller)), false) = (frame.call, is_closure) {
            let below = Frame { depth: frame.depth + 1, ..*caller };
            return arguments.get(index).map_or_else(String::new, |given| self.text(given, &below));
        }
        let (here, is_only) = (
            sources.functions[frame.function].file,
            sources.functions.iter().filter(|all| all.name == owner).count() == 1,
        );
        let is_ours = |call: &&Call| match is_closure {
            true => call.caller == frame.function && call.is_plain,
            false => is_only || sources.functions[call.caller].file == here,
        };
        let calls = sources.calls.get(owner).into_iter().flatten().filter(is_ours);
        let calls = calls.filter(|call| call.arguments.len() > index && self.says_something(call, frame.depth));
        let calls: Vec<&Call> = calls.collect();
        let call = self.choose(owner.as_ptr().addr(), calls.len());
        let Some(call) = calls.get(call) else { return String::new() };
        let caller = Frame { depth: frame.depth + 1, ..Frame::new(call.caller, call.place) };
        self.text(call.arguments[index], &caller)
    }

    /// Whether a call gives a text that says something.
    fn says_something(&self, call: &Call, depth: usize) -> bool {
        let address = std::ptr::from_ref(call).addr();
        if let Some(known) = self.known.borrow().get(&address) {
            return *known;
        }
        self.known.borrow_mut().insert(address, false);
        let caller = Frame { depth: depth + 1, ..Frame::new(call.caller, call.place) };
        let mut reader = Reader { sources: self.sources, way: Way::new(), known: self.known, open: None };
        let says = call.arguments.iter().any(|given| says(&reader.text(given, &caller)));
        self.known.borrow_mut().insert(address, says);
        says
    }
}

/// What a literal text says.
fn words(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Lit(syn::ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    }
}
