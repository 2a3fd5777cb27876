//! Text and addresses from the ledger, made safe for a page.

use url::Url;

/// The longest text of the ledger that is shown whole, in characters.
const LONGEST: usize = 2_000;

/// A text as HTML: nothing in it is markup, and nothing in it turns the direction of a line.
pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for (count, letter) in crate::report::printable(text).chars().enumerate() {
        if count == LONGEST {
            html.push('…');
            break;
        }
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            letter => html.push(letter),
        }
    }
    html
}

/// A link, if the address is one that a browser opens as a page; else only its words, which are HTML already.
pub(super) fn link(address: &str, words: &str) -> String {
    match page(address) {
        Some(url) => format!("<a href=\"{}\" rel=\"noopener noreferrer\">{words}</a>", escaped(url.as_str())),
        None => words.to_owned(),
    }
}

/// An address of `http` or `https`, without a name or a password in it.
fn page(address: &str) -> Option<Url> {
    let mut url = Url::parse(address).ok()?;
    let is_page = matches!(url.scheme(), "http" | "https") && url.has_host();
    let is_clean = url.set_username("").is_ok() && url.set_password(None).is_ok();
    (is_page && is_clean).then_some(url)
}

/// Where a repository shows its commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository(Url);

impl Repository {
    /// Of the address that git or GitHub gives: `https://…`, `ssh://…` or `git@host:owner/name.git`.
    pub fn of(address: &str) -> Option<Self> {
        let address = address.trim().trim_end_matches('/');
        let address = address.strip_suffix(".git").unwrap_or(address);
        let address = match (address.strip_prefix("ssh://"), address.split_once(':')) {
            (Some(rest), _) => {
                let (host, path) = rest.split_once('/')?;
                let host = host.rsplit('@').next()?.split(':').next()?;
                format!("https://{host}/{path}")
            }
            (None, Some((host, path))) if !path.starts_with("//") => {
                format!("https://{}/{}", host.rsplit('@').next()?, path.trim_start_matches('/'))
            }
            _ => address.to_owned(),
        };
        // A path of this machine has no host with a dot, a port or a name for itself.
        page(&address).filter(|url| url.path().len() > 1).map(Self)
    }

    /// A commit as a link, if it is a commit's id.
    pub(super) fn commit(&self, id: &str, words: &str) -> String {
        if !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return words.to_owned();
        }
        let kind = if self.0.host_str() == Some("bitbucket.org") { "commits" } else { "commit" };
        link(&format!("{}/{kind}/{id}", self.0.as_str().trim_end_matches('/')), words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        let hostile = "<script>alert('x')</script> & \"\u{202e}\u{0}";
        assert_eq!(escaped(hostile), "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;\u{fffd}\u{fffd}");
        assert_eq!(escaped(&"a".repeat(3_000)).chars().count(), LONGEST + 1);
    }

    #[test]
    fn only_web_addresses_become_links() {
        for address in ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "ftp://a/b", "x", "", "//a/b"]
        {
            assert_eq!(link(address, "run"), "run", "{address}");
        }
        let quoted = link("https://ci.example/1?a=\"><script>", "run");
        assert!(quoted.starts_with("<a href=\"https://ci.example/1?a=%22%3E%3Cscript%3E\""), "{quoted}");
        assert!(link("https://ada:secret@ci.example/1", "run").contains("href=\"https://ci.example/1\""));
    }

    #[test]
    fn a_repository_has_one_page_however_git_reaches_it() {
        let expected = "https://github.com/o/r";
        for address in [
            "https://github.com/o/r",
            "https://github.com/o/r.git",
            "https://x-access-token:secret@github.com/o/r/",
            "git@github.com:o/r.git",
            "ssh://git@github.com/o/r.git",
            "ssh://git@github.com:22/o/r.git",
        ] {
            assert_eq!(Repository::of(address).map(|repository| repository.0.to_string()).as_deref(), Some(expected));
        }
        for address in ["/srv/git/r.git", "../r", "", "file:///srv/r", "https://github.com"] {
            assert_eq!(Repository::of(address), None, "{address}");
        }
    }

    #[test]
    fn a_commit_is_a_link_only_if_it_is_an_id() {
        let repository = Repository::of("git@github.com:o/r.git").unwrap();
        assert!(repository.commit("0123abc", "0123abc").contains("href=\"https://github.com/o/r/commit/0123abc\""));
        assert_eq!(repository.commit("../../x", "x"), "x");
    }
}
