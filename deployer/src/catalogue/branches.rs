//! What an expression may be, and where it ends.

use syn::spanned::Spanned as _;
use syn::{Block, Expr, Stmt};

use super::sources::Place;

/// Where an expression ends: the place that sees all that is bound inside.
pub(super) fn end(expr: &Expr) -> Place {
    let end = expr.span().end();
    (end.line, end.column)
}

pub(super) fn called(call: &syn::ExprCall) -> String {
    match &*call.func {
        Expr::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default(),
        _ => String::new(),
    }
}

/// What an expression may be: of branches that end the function, none.
pub(super) fn branches(expr: &'static Expr) -> Vec<&'static Expr> {
    match expr {
        Expr::If(found) => {
            let otherwise = found.else_branch.iter().flat_map(|(_, otherwise)| branches(otherwise));
            last(&found.then_branch).into_iter().flat_map(branches).chain(otherwise).collect()
        }
        Expr::Match(found) => found.arms.iter().flat_map(|arm| branches(&arm.body)).collect(),
        Expr::Block(found) => last(&found.block).into_iter().flat_map(branches).collect(),
        Expr::Return(_) | Expr::Continue(_) | Expr::Break(_) => Vec::new(),
        other => vec![other],
    }
}

fn last(block: &'static Block) -> Option<&'static Expr> {
    match block.stmts.last()? {
        Stmt::Expr(expr, None) => Some(expr),
        _ => None,
    }
}

/// What a function returns: each `return` and its last expression.
pub(super) fn ends(body: &'static Block) -> Vec<&'static Expr> {
    struct Returns(Vec<&'static Expr>);
    impl syn::visit::Visit<'static> for Returns {
        fn visit_expr_return(&mut self, found: &'static syn::ExprReturn) {
            self.0.extend(found.expr.as_deref());
        }

        fn visit_expr_closure(&mut self, _: &'static syn::ExprClosure) {}
    }
    let mut returns = Returns(Vec::new());
    syn::visit::Visit::visit_block(&mut returns, body);
    let last = last(body).into_iter().flat_map(branches);
    returns.0.into_iter().flat_map(branches).chain(last).collect()
}
