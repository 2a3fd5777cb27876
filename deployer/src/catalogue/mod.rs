//! Every error message of the deployer with its hint, read from the sources: `docs/errors.md`.
//!
//! A message is found where it is made: `Failure`, `bail!`, `ensure!`, `anyhow!`, `context`, an `Err` with words. What makes an error and
//! cannot be read fails the test, so that no message is missing from the page.

mod bindings;
mod branches;
mod find;
mod names;
mod page;
mod sources;
mod template;
mod text;

use std::path::Path;

use find::{Found, Kind};
use text::says;

/// Where a message is a value that is made elsewhere, and is on the page as that; or the words of another program.
const MADE_ELSEWHERE: [(&str, &str); 16] = [
    ("artifact/git.rs", "LINES"),
    ("commands/order.rs", "HOW"),
    ("config/contradictions.rs", "WHAT"),
    ("config/function.rs", "WHAT"),
    ("config/mod.rs", "WHY"),
    ("engine/revert.rs", "WORDS"),
    ("init/functions.rs", "WHAT"),
    ("local/emulator.rs", "LAST"),
    ("local/tool.rs", "WORDS"),
    ("plan/refuse.rs", "WHY"),
    ("report/mod.rs", "FIRST_LINES"),
    ("verify/mod.rs", "SELF"),
    ("verify/verifier.rs", "WHY"),
    ("verify/event/mod.rs", "WHY"),
    ("verify/event/http.rs", "WHY"),
    ("verify/event/rest.rs", "WHY"),
];

#[test]
fn every_error_is_on_the_page_of_errors() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let Found { messages, unreadable } = find::messages(&sources::Sources::read(&root.join("src")));
    let bare = messages.iter().filter(|message| !says(&message.text));
    let unknown = bare.filter(|message| !MADE_ELSEWHERE.contains(&(message.file, message.text.as_str())));
    let unknown = unknown.map(|message| format!("{}:{}: what is `{}`?", message.file, message.line, message.text));
    let faults = messages.iter().flat_map(|message| {
        let of = format!("{}:{}: `{}`: ", message.file, message.line, message.text);
        page::faults(message).into_iter().map(move |fault| format!("{of}{fault}"))
    });
    let wrong: Vec<String> = unreadable.into_iter().chain(unknown).chain(faults).collect();
    assert!(messages.iter().any(|message| message.kind == Kind::Failure("Locked".to_owned())), "no message was found");
    let (file, wanted) = (root.join("../docs/errors.md"), page::page(&messages));
    let is_kept = std::fs::read_to_string(&file).is_ok_and(|found| found == wanted);
    std::fs::write(&file, wanted).unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(is_kept, "`docs/errors.md` was out of date, and has been rewritten: check it, and commit it");
}
