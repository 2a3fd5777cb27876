//! One word for one thing: no file of the repository has a retired word, and the names of tests are short sentences.

mod names;
mod terms;
mod words;

use std::path::Path;
use std::process::Command;

use terms::{EXCEPTIONS, FOREIGN, PLAIN, RETIRED, RETIRED_IN_MESSAGES};
use words::{Pattern, Word, covers, words};

/// The folder of the list itself.
const OWN: &str = "deployer/src/glossary/";

#[test]
fn the_repository_has_no_retired_words() {
    let glossary = Glossary::new();
    let files = tracked();
    let own = files.iter().filter(|(name, _)| !FOREIGN.iter().any(|end| name.ends_with(end)) && !name.starts_with(OWN));
    let found: Vec<_> = own.flat_map(|(name, text)| glossary.retired(name, text)).collect();
    assert!(found.is_empty(), "{} retired words\n{}", found.len(), found.join("\n"));
}

#[test]
fn names_of_tests_are_short() {
    let named: Vec<_> = tracked().iter().flat_map(|(file, text)| names::of_tests(file, text)).collect();
    assert!(named.len() > 500, "{} tests found", named.len());
    let long = named.iter().filter(|named| named.name.len() > names::LONGEST);
    let long: Vec<_> = long
        .map(|named| format!("{}:{}: {} letters: {}", named.file, named.line, named.name.len(), named.name))
        .collect();
    assert!(long.is_empty(), "{} names of tests are longer than {}\n{}", long.len(), names::LONGEST, long.join("\n"));
}

#[test]
fn words_are_found_in_text_and_identifiers() {
    let glossary = Glossary::new();
    for text in ["It is held by a run", "held_by", "fn isHeldBy()", "HeldBy", "/// It is held\n/// by a run", "HELD_BY"]
    {
        assert_eq!(glossary.retired("a.rs", text).len(), 1, "{text}");
    }
    for text in ["upheld by", "held, by", "there is no lock", "it is no longer\nlocked", "`*` stands for all", "untold"]
    {
        assert_eq!(glossary.retired("a.rs", text), [""; 0], "{text}");
    }
    let found = glossary.retired("a.rs", "one\ntwo nobody's");
    assert_eq!(found, ["a.rs:2: `nobody's`: write \"has no owner\", or name what is meant"]);
}

/// Every exception of a path is needed: one that matches nothing has to go.
#[test]
fn every_exception_is_needed() {
    let files = tracked();
    for (path, pattern, reason) in EXCEPTIONS {
        let pattern = Pattern::of(pattern);
        let mut under = files.iter().filter(|(name, _)| name.starts_with(path));
        assert!(under.any(|(_, text)| covers(&words(text), &pattern).next().is_some()), "{path}: {reason}");
    }
}

/// The retired words of a message of the deployer, each with what to write instead.
pub(crate) fn retired_in_message(text: &str) -> Vec<String> {
    let mut glossary = Glossary::new();
    glossary.retired.extend(RETIRED_IN_MESSAGES.iter().map(|(pattern, instead)| (Pattern::of(pattern), *instead)));
    glossary.retired("message", text)
}

#[test]
fn messages_may_not_have_more_words_than_other_text() {
    assert_eq!(retired_in_message("it knows who is told").len(), 2);
    assert_eq!(Glossary::new().retired("a.rs", "it knows who is told").len(), 1);
    assert!(retired_in_message("run it again").is_empty());
}

struct Glossary {
    retired: Vec<(Pattern, &'static str)>,
    plain: Vec<Pattern>,
    exceptions: Vec<(&'static str, Pattern)>,
}

impl Glossary {
    fn new() -> Self {
        Self {
            retired: RETIRED.iter().map(|(pattern, instead)| (Pattern::of(pattern), *instead)).collect(),
            plain: PLAIN.iter().map(|pattern| Pattern::of(pattern)).collect(),
            exceptions: EXCEPTIONS.iter().map(|(path, pattern, _)| (*path, Pattern::of(pattern))).collect(),
        }
    }

    /// A line for each retired word of a file.
    fn retired(&self, file: &str, text: &str) -> Vec<String> {
        let words = words(text);
        let here = self.exceptions.iter().filter(|(path, _)| file.starts_with(path)).map(|(_, pattern)| pattern);
        let allowed: Vec<_> = self.plain.iter().chain(here).flat_map(|pattern| covers(&words, pattern)).collect();
        let mut found = Vec::new();
        for (pattern, instead) in &self.retired {
            for range in covers(&words, pattern) {
                if !allowed.iter().any(|allowed| allowed.start <= range.start && range.end <= allowed.end) {
                    found.push((words[range.start].line, phrase(&words[range]), instead));
                }
            }
        }
        found.sort();
        let line = |(line, phrase, instead)| format!("{file}:{line}: `{phrase}`: write {instead}");
        found.into_iter().map(line).collect()
    }
}

fn phrase(words: &[Word]) -> String {
    words.iter().map(|word| word.text.to_lowercase()).collect::<Vec<_>>().join(" ")
}

/// The files that git tracks, with their text, but those that are no text.
fn tracked() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let output = Command::new("git").args(["ls-files", "-z"]).current_dir(root).output().unwrap();
    let names = String::from_utf8(output.stdout).unwrap();
    // A file that was removed, and is not committed yet, is still listed.
    let read = |name: &str| Some((name.to_owned(), std::fs::read_to_string(root.join(name)).ok()?));
    let files: Vec<_> = names.split_terminator('\0').filter_map(read).collect();
    assert!(files.len() > 500, "git lists {} files: {}", files.len(), String::from_utf8_lossy(&output.stderr));
    files
}
