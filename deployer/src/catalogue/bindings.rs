//! The names that a function binds, with what is known of their values.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Block, Expr, Local, Pat, Type};

use super::sources::{Place, place};

/// What a name is bound to.
#[derive(Clone, Copy)]
pub(super) enum Value {
    /// An expression.
    Is(&'static Expr),
    /// An element of a tuple.
    Element(&'static Expr, usize),
    /// An element of each tuple in an array, or each item.
    Each(&'static Expr, Option<usize>),
    /// A parameter of the function or closure of that name.
    Parameter { owner: &'static str, index: usize, is_text: bool },
    /// Something else.
    Unknown,
}

pub(super) struct Binding {
    pub(super) name: String,
    pub(super) place: Place,
    /// Where its scope ends, as far as that matters here.
    pub(super) until: Place,
    pub(super) value: Value,
}

impl Binding {
    pub(super) fn is_seen_from(&self, place: Place) -> bool {
        self.place < place && place <= self.until
    }
}

/// Whether a type is text: what a caller gives is part of a message then.
pub(super) fn is_text(kind: &Type) -> bool {
    struct Text(bool);
    impl Visit<'_> for Text {
        fn visit_ident(&mut self, ident: &syn::Ident) {
            self.0 |= ident == "str" || ident == "String" || ident == "Display" || ident == "Exit";
        }
    }
    let mut text = Text(false);
    text.visit_type(kind);
    text.0
}

/// Past the end of every function.
pub(super) const EVERYWHERE: Place = (usize::MAX, 0);

/// The names that a body binds, in their order.
pub(super) struct Bindings {
    pub(super) all: Vec<Binding>,
    /// The name that the next closure is bound to.
    pub(super) closure: &'static str,
    /// Where the innermost scope ends.
    pub(super) until: Place,
}

impl Bindings {
    /// Binds and visits what is in a scope of its own.
    fn within(&mut self, whole: &impl Spanned, inside: impl FnOnce(&mut Self)) {
        let end = whole.span().end();
        let outer = std::mem::replace(&mut self.until, (end.line, end.column));
        inside(self);
        self.until = outer;
    }

    fn closure(&mut self, closure: &'static syn::ExprClosure, value: impl Fn(usize) -> Value) {
        self.within(closure, |this| {
            for (index, pattern) in closure.inputs.iter().enumerate() {
                this.bind(pattern, value(index));
            }
            this.visit_expr(&closure.body);
        });
    }

    /// Binds what is not seen before the end of `init`: a name may be that of an older value there.
    fn after(&mut self, init: &impl Spanned, pattern: &'static Pat, value: Value) {
        let (first, end) = (self.all.len(), init.span().end());
        self.bind(pattern, value);
        self.all[first..].iter_mut().for_each(|binding| binding.place = (end.line, end.column));
    }

    pub(super) fn bind(&mut self, pattern: &'static Pat, value: Value) {
        match pattern {
            Pat::Ident(pattern) => {
                let (name, place, until) = (pattern.ident.to_string(), place(&pattern.ident), self.until);
                self.all.push(Binding { name, place, until, value });
            }
            Pat::Type(pattern) => {
                let value = match value {
                    Value::Parameter { owner, index, .. } => {
                        Value::Parameter { owner, index, is_text: is_text(&pattern.ty) }
                    }
                    other => other,
                };
                self.bind(&pattern.pat, value);
            }
            Pat::Reference(pattern) => self.bind(&pattern.pat, value),
            Pat::Paren(pattern) => self.bind(&pattern.pat, value),
            Pat::Tuple(pattern) => {
                for (index, pattern) in pattern.elems.iter().enumerate() {
                    let value = match value {
                        Value::Is(whole) => Value::Element(whole, index),
                        Value::Each(whole, None) => Value::Each(whole, Some(index)),
                        _ => Value::Unknown,
                    };
                    self.bind(pattern, value);
                }
            }
            Pat::TupleStruct(pattern) => pattern.elems.iter().for_each(|pattern| self.bind(pattern, inner(value))),
            Pat::Struct(pattern) => pattern.fields.iter().for_each(|field| self.bind(&field.pat, Value::Unknown)),
            Pat::Slice(pattern) => pattern.elems.iter().for_each(|pattern| self.bind(pattern, Value::Unknown)),
            Pat::Or(pattern) => pattern.cases.iter().for_each(|pattern| self.bind(pattern, Value::Unknown)),
            _ => {}
        }
    }
}

/// What is in a `Some` of a value: the same, as messages go.
fn inner(value: Value) -> Value {
    match value {
        Value::Is(_) => value,
        _ => Value::Unknown,
    }
}

impl Visit<'static> for Bindings {
    fn visit_local(&mut self, local: &'static Local) {
        let Some(init) = &local.init else { return self.bind(&local.pat, Value::Unknown) };
        if let (Pat::Ident(pattern), Expr::Closure(_)) = (&local.pat, &*init.expr) {
            self.closure = pattern.ident.to_string().leak();
        }
        visit::visit_local_init(self, init);
        self.after(&*init.expr, &local.pat, Value::Is(&init.expr));
    }

    fn visit_expr_let(&mut self, found: &'static syn::ExprLet) {
        visit::visit_expr(self, &found.expr);
        self.after(&*found.expr, &found.pat, Value::Is(&found.expr));
    }

    fn visit_block(&mut self, block: &'static Block) {
        self.within(block, |this| visit::visit_block(this, block));
    }

    fn visit_expr_closure(&mut self, closure: &'static syn::ExprClosure) {
        let owner = std::mem::take(&mut self.closure);
        self.closure(closure, |index| match owner {
            "" => Value::Unknown,
            owner => Value::Parameter { owner, index, is_text: true },
        });
    }

    /// A closure that gets what the receiver is or has.
    fn visit_expr_method_call(&mut self, call: &'static syn::ExprMethodCall) {
        self.visit_expr(&call.receiver);
        for argument in &call.args {
            match argument {
                Expr::Closure(closure) if call.method == "map_err" => {
                    self.closure(closure, |_| Value::Is(&call.receiver));
                }
                other => self.visit_expr(other),
            }
        }
    }

    fn visit_expr_match(&mut self, found: &'static syn::ExprMatch) {
        self.visit_expr(&found.expr);
        for arm in &found.arms {
            self.within(arm, |this| {
                let value = match &arm.pat {
                    Pat::TupleStruct(pattern) if !pattern.path.is_ident("Ok") => Value::Is(&found.expr),
                    _ => Value::Unknown,
                };
                this.bind(&arm.pat, value);
                this.visit_expr(&arm.body);
            });
        }
    }

    fn visit_expr_for_loop(&mut self, found: &'static syn::ExprForLoop) {
        self.visit_expr(&found.expr);
        self.within(found, |this| {
            this.bind(&found.pat, Value::Each(&found.expr, None));
            this.visit_block(&found.body);
        });
    }
}
