//! The sources of the deployer, parsed: functions with the names that they bind, calls and constants.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Attribute, Block, Expr, FnArg, Macro, ReturnType, Signature, Token};

use super::bindings::{Binding, Bindings, EVERYWHERE, Value, is_text};

/// A line and a column.
pub(super) type Place = (usize, usize);

pub(super) fn place(ident: &syn::Ident) -> Place {
    let start = ident.span().start();
    (start.line, start.column)
}

pub(super) struct Function {
    pub(super) name: String,
    /// The path of the file below `src`.
    pub(super) file: &'static str,
    pub(super) body: &'static Block,
    pub(super) returns: &'static ReturnType,
    pub(super) bindings: Vec<Binding>,
}

#[derive(Clone)]
pub(super) struct Call {
    pub(super) caller: usize,
    pub(super) place: Place,
    /// Whether it names nothing but the function: only then it may be a closure.
    pub(super) is_plain: bool,
    pub(super) arguments: Vec<&'static Expr>,
}

#[derive(Default)]
pub(super) struct Sources {
    pub(super) functions: Vec<Function>,
    /// By file and name.
    pub(super) constants: BTreeMap<(&'static str, String), &'static Expr>,
    pub(super) calls: HashMap<String, Vec<Call>>,
}

impl Sources {
    pub(super) fn read(folder: &Path) -> Self {
        let mut sources = Self::default();
        for path in files(folder) {
            let text = std::fs::read_to_string(&path).unwrap();
            let file: &'static syn::File = Box::leak(Box::new(syn::parse_file(&text).unwrap()));
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            Items { sources: &mut sources, file: name.leak() }.visit_file(file);
        }
        for caller in 0..sources.functions.len() {
            let body = sources.functions[caller].body;
            Calls { all: &mut sources.calls, caller }.visit_block(body);
        }
        sources
    }
}

/// Every file that is part of the program and not of its tests.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && !["catalogue", "tests"].contains(&name) {
            all.extend(files(&path));
        } else if name.ends_with(".rs") && !["tests.rs", "general.rs", "reference.rs"].contains(&name) {
            all.push(path);
        }
    }
    all.sort();
    all
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || attribute.path().is_ident("cfg")
                && attribute.parse_args::<syn::Path>().is_ok_and(|condition| condition.is_ident("test"))
    })
}

struct Items<'a> {
    sources: &'a mut Sources,
    file: &'static str,
}

impl Items<'_> {
    fn function(&mut self, signature: &'static Signature, body: &'static Block) {
        let name: &'static str = signature.ident.to_string().leak();
        let mut bindings = Bindings { all: Vec::new(), closure: "", until: EVERYWHERE };
        let typed = signature.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(typed) => Some(typed),
            _ => None,
        });
        for (index, typed) in typed.enumerate() {
            bindings.bind(&typed.pat, Value::Parameter { owner: name, index, is_text: is_text(&typed.ty) });
        }
        bindings.visit_block(body);
        let (bindings, returns) = (bindings.all, &signature.output);
        self.sources.functions.push(Function { name: name.to_owned(), file: self.file, body, returns, bindings });
    }
}

impl Visit<'static> for Items<'_> {
    fn visit_item_mod(&mut self, module: &'static syn::ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'static syn::ItemFn) {
        if !is_test(&function.attrs) {
            self.function(&function.sig, &function.block);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'static syn::ImplItemFn) {
        if !is_test(&function.attrs) {
            self.function(&function.sig, &function.block);
        }
    }

    fn visit_trait_item_fn(&mut self, function: &'static syn::TraitItemFn) {
        if let Some(body) = &function.default {
            self.function(&function.sig, body);
        }
    }

    fn visit_item_const(&mut self, constant: &'static syn::ItemConst) {
        self.sources.constants.insert((self.file, constant.ident.to_string()), &constant.expr);
    }

    fn visit_impl_item_const(&mut self, constant: &'static syn::ImplItemConst) {
        self.sources.constants.insert((self.file, constant.ident.to_string()), &constant.expr);
    }
}

struct Calls<'a> {
    all: &'a mut HashMap<String, Vec<Call>>,
    caller: usize,
}

impl Visit<'static> for Calls<'_> {
    fn visit_expr_call(&mut self, call: &'static syn::ExprCall) {
        if let Expr::Path(path) = &*call.func
            && let Some(last) = path.path.segments.last()
        {
            let arguments = call.args.iter().collect();
            let (name, place, is_plain) = (last.ident.to_string(), place(&last.ident), path.path.segments.len() == 1);
            self.all.entry(name).or_default().push(Call { caller: self.caller, place, is_plain, arguments });
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'static syn::ExprMethodCall) {
        let (name, place) = (call.method.to_string(), place(&call.method));
        let arguments = call.args.iter().collect();
        self.all.entry(name).or_default().push(Call { caller: self.caller, place, is_plain: false, arguments });
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, found: &'static Macro) {
        arguments(found).iter().for_each(|argument| self.visit_expr(argument));
    }
}

thread_local! {
    /// Parsed once: an expression is known by its address.
    static ARGUMENTS: RefCell<HashMap<usize, &'static [Expr]>> = RefCell::default();
}

/// The arguments of a macro that takes expressions; none if it takes anything else.
pub(super) fn arguments(found: &Macro) -> &'static [Expr] {
    let parsed = || -> &'static [Expr] {
        let parser = Punctuated::<Expr, Token![,]>::parse_terminated;
        parser.parse2(found.tokens.clone()).map(|all| all.into_iter().collect::<Vec<_>>()).unwrap_or_default().leak()
    };
    ARGUMENTS.with_borrow_mut(|all| *all.entry(std::ptr::from_ref(found).addr()).or_insert_with(parsed))
}
