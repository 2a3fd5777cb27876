//! What the pages print: the blocks of shell commands below a heading.

use crate::harness::repository;

/// The blocks of `sh` below a heading of a file of this repository, as they are printed, without the list's indentation.
pub(super) fn blocks(file: &str, heading: &str) -> Vec<String> {
    let text = std::fs::read_to_string(repository().join(file)).unwrap();
    let level = heading.split(' ').next().unwrap();
    let below = text.lines().skip_while(|line| *line != heading).skip(1);
    // A comment in a block begins like a heading.
    let (mut blocks, mut block): (Vec<String>, Option<(usize, String)>) = (Vec::new(), None);
    for line in below {
        match &mut block {
            Some(_) if line.trim() == "```" => blocks.extend(block.take().map(|(_, text)| text)),
            Some((indentation, text)) => *text += &format!("{}\n", line.get(*indentation..).unwrap_or_default()),
            None if line.trim() == "```sh" => block = Some((line.len() - line.trim_start().len(), String::new())),
            None if line.starts_with(&format!("{level} ")) => break,
            None => {}
        }
    }
    assert!(!blocks.is_empty(), "no commands below `{heading}` of {file}");
    blocks
}
