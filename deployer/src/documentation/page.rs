//! A Markdown file -> its headings, links, and code.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// What a test reads of a page.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// The path from the root of the repository, with `/`.
    pub(super) path: String,
    /// The anchors of its headings, as GitHub and mdBook make them.
    pub(super) anchors: BTreeSet<String>,
    /// Where its links and images lead.
    pub(super) links: Vec<String>,
    /// The blocks of code with their language.
    pub(super) blocks: Vec<(String, String)>,
    /// What is between backticks.
    pub(super) quoted: Vec<String>,
}

impl Page {
    pub(super) fn read(root: &Path, file: &Path) -> Self {
        let path = file.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
        Self::parse(path, &std::fs::read_to_string(file).unwrap())
    }

    fn parse(path: String, text: &str) -> Self {
        let mut page = Self { path, ..Self::default() };
        let mut seen = BTreeMap::<String, usize>::new();
        let (mut heading, mut block) = (None::<String>, None::<(String, String)>);
        for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    let anchor = anchor(&heading.take().unwrap_or_default());
                    let times = seen.entry(anchor.clone()).or_default();
                    page.anchors.insert(if *times == 0 { anchor } else { format!("{anchor}-{times}") });
                    *times += 1;
                }
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push(dest_url.into_string());
                }
                Event::Start(Tag::CodeBlock(kind)) => {
                    let language = match kind {
                        CodeBlockKind::Fenced(language) => language.into_string(),
                        CodeBlockKind::Indented => String::new(),
                    };
                    block = Some((language, String::new()));
                }
                Event::End(TagEnd::CodeBlock) => page.blocks.extend(block.take()),
                Event::Text(text) | Event::Code(text) if heading.is_some() => heading.as_mut().unwrap().push_str(&text),
                Event::Text(text) if block.is_some() => block.as_mut().unwrap().1.push_str(&text),
                Event::Code(text) => page.quoted.push(text.into_string()),
                _ => {}
            }
        }
        page
    }
}

/// The anchor of a heading: letters, digits, `-` and `_` in lower case, and `-` for a space.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter_map(|character| match character {
        ' ' => Some('-'),
        '-' | '_' => Some(character),
        _ => character.is_alphanumeric().then_some(character),
    });
    kept.flat_map(char::to_lowercase).collect()
}

#[test]
fn a_page_is_read_as_github_shows_it() {
    let text = "# `[a.B]` of c-d\n## One\n## One\n[x](y.md#z) `deployer status`\n\n```sh\nls\n```\n";
    let page = Page::parse("a.md".to_owned(), text);
    assert_eq!(page.anchors, ["ab-of-c-d", "one", "one-1"].map(str::to_owned).into());
    assert_eq!((page.links, page.quoted), (vec!["y.md#z".to_owned()], vec!["deployer status".to_owned()]));
    assert_eq!(page.blocks, [("sh".to_owned(), "ls\n".to_owned())]);
}
