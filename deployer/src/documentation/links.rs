//! Links: files and headings exist, addresses are addresses. Nothing is fetched.

use std::collections::BTreeMap;
use std::path::Path;

use url::Url;

use super::page::Page;
use super::{pages, root};

#[test]
fn every_link_leads_to_a_file_a_heading_or_an_https_address() {
    let pages = pages();
    let by_path: BTreeMap<_, _> = pages.iter().map(|page| (page.path.as_str(), page)).collect();
    let mut broken = Vec::new();
    let mut links = 0;
    for page in &pages {
        for link in &page.links {
            links += 1;
            broken.extend(why_broken(page, link, &by_path).map(|why| format!("{}: `{link}`: {why}", page.path)));
        }
    }
    assert!(links > 100, "{links} links");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

fn why_broken(page: &Page, link: &str, pages: &BTreeMap<&str, &Page>) -> Option<String> {
    if let Ok(address) = Url::parse(link) {
        return (address.scheme() != "https").then(|| "not an `https` address".to_owned());
    }
    let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    let path = if file.is_empty() { page.path.clone() } else { beside(&page.path, file)? };
    if !root().join(&path).exists() {
        return Some("no such file".to_owned());
    }
    let anchor = anchor?;
    let there = pages.get(path.as_str()).is_some_and(|page| page.anchors.contains(anchor));
    (!there).then(|| format!("no heading `{anchor}` there"))
}

/// The path from the root of what a page calls by a path from itself. None leaves the repository.
fn beside(page: &str, file: &str) -> Option<String> {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in file.split('/') {
        match part {
            ".." => drop(parts.pop()?),
            "." | "" => {}
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[test]
fn the_book_has_every_page_of_docs_once() {
    let pages = pages();
    let summary = pages.iter().find(|page| page.path == "docs/SUMMARY.md").unwrap();
    let mut listed: Vec<String> = summary.links.iter().map(|link| format!("docs/{link}")).collect();
    listed.sort();
    let of_book = |page: &&Page| Path::new(&page.path).parent() == Some(Path::new("docs")) && page.path != summary.path;
    let there: Vec<String> = pages.iter().filter(of_book).map(|page| page.path.clone()).collect();
    assert_eq!(listed, there, "`docs/SUMMARY.md` is on the left, the folder on the right");
}
