//! The names of tests: of functions with an attribute, of functions that a list names, and of calls that take a name.

/// Letters.
pub(super) const LONGEST: usize = 72;

/// A test and where it is.
pub(super) struct Named {
    pub(super) file: String,
    pub(super) line: usize,
    pub(super) name: String,
}

/// The tests of a file.
pub(super) fn of_tests(file: &str, text: &str) -> Vec<Named> {
    let named = |(line, name): (usize, &str)| Named { file: file.to_owned(), line, name: name.to_owned() };
    if file.ends_with(".rs") { names(text).into_iter().map(named).collect() } else { Vec::new() }
}

fn names(text: &str) -> Vec<(usize, &str)> {
    let (mut names, mut is_test, mut is_list) = (Vec::new(), false, false);
    for (line, number) in text.lines().map(str::trim).zip(1..) {
        is_test |= line == "#[test]" || line.starts_with("#[tokio::test");
        if let Some((_, name)) = line.split_once("fn ").filter(|_| is_test) {
            names.extend(name.split_once('(').map(|(name, _)| (number, name)));
            is_test = false;
        }
        // `test("a name", || ...)` of a test binary that runs a table.
        if let Some((_, name)) = line.split_once("test(\"") {
            names.extend(name.split_once('"').map(|(name, _)| (number, name)));
        }
        // `tests![module::a_name, ...]`, on one line or several.
        let (macro_name, items) = line.rsplit_once("![").unwrap_or(("", line));
        is_list |= !macro_name.is_empty();
        let items = items.split([',', ']']).map(str::trim).filter(|item| is_list && is_path(item));
        names.extend(items.filter_map(|path| Some((number, path.rsplit_once("::")?.1))));
        is_list &= !line.contains(']');
    }
    names
}

fn is_path(item: &str) -> bool {
    item.contains("::") && item.chars().all(|letter| letter.is_ascii_alphanumeric() || "_:".contains(letter))
}

#[test]
fn every_kind_of_test_is_found() {
    let text = "#[test]\nfn a() {}\n#[tokio::test(start_paused = true)]\n#[ignore]\nasync fn b() {\nfn c() {}\n\
                test(\"d e\", || {\ntests![\n    f::g,\n    h(),\n]\ni::j\ntests![k::l, m::n,]\no::p\n";
    let names: Vec<_> = of_tests("a.rs", text).into_iter().map(|named| (named.line, named.name)).collect();
    assert_eq!(
        names,
        [(2, "a"), (5, "b"), (7, "d e"), (9, "g"), (13, "l"), (13, "n")].map(|(line, name)| (line, name.to_owned()))
    );
    assert!(of_tests("a.md", text).is_empty());
}
