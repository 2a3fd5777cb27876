//! Markdown as GitHub renders it. Takes plain text only and escapes all of it: what AWS, a file or a commit says can
//! be no markup, no mention, no row of a table, and cannot leave its line.

use std::fmt::{self, Write as _};

/// A document.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Markdown(String);

impl Markdown {
    /// A document that begins with this heading.
    pub(super) fn titled(title: &str) -> Self {
        Self(format!("## {}\n", inline(title)))
    }

    /// A heading within the document.
    pub(super) fn heading(&mut self, title: &str) -> &mut Self {
        self.block(&format!("### {}", inline(title)))
    }

    /// A paragraph under a word of its own: `word` in bold, then `text`; as a block if it has lines, which then say
    /// where something is (a parser's arrow below a line).
    pub(super) fn labelled(&mut self, word: &str, text: &str) -> &mut Self {
        if text.contains('\n') {
            return self.block(&format!("**{}:**", inline(word))).block_of("text", text);
        }
        self.block(&format!("**{}:** {}", inline(word), inline(text)))
    }

    /// A paragraph. It must begin with a word of ours: at the beginning of a line a `-` would be markup.
    pub(super) fn paragraph(&mut self, text: &str) -> &mut Self {
        self.block(&inline(text))
    }

    /// A numbered list.
    pub(super) fn numbered(&mut self, items: impl Iterator<Item = String>) -> &mut Self {
        let items: Vec<_> = items.enumerate().map(|(at, item)| format!("{}. {}", at + 1, inline(&item))).collect();
        self.block(&items.join("\n"))
    }

    /// A table; nothing if it has no rows.
    pub(super) fn table<const N: usize>(&mut self, head: [&str; N], rows: &[[String; N]]) -> &mut Self {
        if rows.is_empty() {
            return self;
        }
        let mut text = row(head.iter().map(|cell| inline(cell)));
        text.push_str(&row(head.iter().map(|_| "---".to_owned())));
        for cells in rows {
            text.push_str(&row(cells.iter().map(|cell| inline(cell))));
        }
        self.block(text.trim_end())
    }

    /// A block to copy, or one that GitHub draws.
    pub(super) fn block_of(&mut self, language: &str, text: &str) -> &mut Self {
        let fence = "`".repeat(longest_run(text).max(2) + 1);
        self.block(&format!("{fence}{language}\n{}\n{fence}", text.trim_end()))
    }

    /// Links beside each other: titles and addresses.
    pub(super) fn links<'a>(&mut self, links: impl Iterator<Item = (&'a str, &'a str)>) -> &mut Self {
        let links: Vec<_> = links.map(|(title, url)| format!("[{}](<{}>)", inline(title), address(url))).collect();
        if links.is_empty() { self } else { self.block(&links.join(" · ")) }
    }

    fn block(&mut self, text: &str) -> &mut Self {
        let _ = writeln!(self.0, "{}{text}", if self.0.is_empty() { "" } else { "\n" });
        self
    }
}

impl fmt::Display for Markdown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn row(cells: impl Iterator<Item = String>) -> String {
    format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
}

/// Text in a line: what it has in backticks, as our messages do, stays code; anything else is plain text.
fn inline(text: &str) -> String {
    let text: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let mut pieces: Vec<&str> = text.split('`').collect();
    let odd = pieces.len().is_multiple_of(2).then(|| pieces.pop()).flatten();
    let mut line = String::new();
    for (index, piece) in pieces.iter().enumerate() {
        line.push_str(&if index % 2 == 1 { code(piece) } else { plain(piece) });
    }
    if let Some(rest) = odd {
        line.push_str("\\`");
        line.push_str(&plain(rest));
    }
    line
}

/// `text` has no backtick in it.
fn code(text: &str) -> String {
    match text {
        "" => "\\`\\`".to_owned(),
        // Within a table a backslash would not keep every `|` from ending the cell.
        _ if text.contains('|') => format!("<code>{}</code>", plain(text)),
        _ => format!("`{text}`"),
    }
}

fn plain(text: &str) -> String {
    let mut escaped = String::new();
    let mut before = ' ';
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            // Within a word it marks nothing; `\_` would cut an address short.
            '_' if before.is_alphanumeric() && letters.peek().is_some_and(|next| next.is_alphanumeric()) => {
                escaped.push(letter);
            }
            '\\' | '*' | '_' | '[' | ']' | '#' | '~' | '!' => escaped.extend(['\\', letter]),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '|' => escaped.push_str("&#124;"),
            '$' => escaped.push_str("&#36;"),
            // Mentions no account.
            '@' => escaped.push_str("@<!-- -->"),
            _ => escaped.push(letter),
        }
        before = letter;
    }
    escaped
}

/// An address within `<` and `>`.
fn address(url: &str) -> String {
    let mut safe = String::new();
    for letter in url.chars() {
        match letter {
            '<' | '>' | '|' | '\\' | '`' | ' ' | '"' => {
                let _ = write!(safe, "%{:02X}", u32::from(letter));
            }
            letter if letter.is_control() => {}
            letter => safe.push(letter),
        }
    }
    safe
}

fn longest_run(text: &str) -> usize {
    text.split(|letter| letter != '`').map(str::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_messages_keep_their_code() {
        assert_eq!(inline("alias `live` of `a_b`: version 7 -> 8"), "alias `live` of `a_b`: version 7 -&gt; 8");
    }

    #[test]
    fn hostile_text_is_not_markup() {
        let hostile = "a\n# b | c\r\n| d `e|f` `` **g** <img src=x> [h](i) @ada $x$ \\| _j_ k_l ` ::error::m";
        let expected = "a \\# b &#124; c  &#124; d <code>e&#124;f</code> \\`\\` \\*\\*g\\*\\* &lt;img src=x&gt; \\[h\\](i) \
                        @<!-- -->ada &#36;x&#36; \\\\&#124; \\_j\\_ k_l \\` ::error::m";
        assert_eq!(inline(hostile), expected);
    }

    #[test]
    fn a_row_has_as_many_cells_as_the_head() {
        let mut document = Markdown::titled("x");
        document.table(["", "b"], &[["a|b".to_owned(), "`c|d`\n| e".to_owned()]]).table(["none"], &[]);
        let expected = "## x\n\n|  | b |\n| --- | --- |\n| a&#124;b | <code>c&#124;d</code> &#124; e |\n";
        assert_eq!(document.to_string(), expected);
    }

    #[test]
    fn a_block_is_not_ended_by_what_is_in_it() {
        let mut document = Markdown::default();
        document.block_of("sh", "a\n```\nb\n");
        document.labelled("What", "a\n```\n## b").labelled("Why", "c | d");
        let expected = "````sh\na\n```\nb\n````\n\n**What:**\n\n````text\na\n```\n## b\n````\n\n**Why:** c &#124; d\n";
        assert_eq!(document.to_string(), expected);
    }

    #[test]
    fn a_link_leads_where_it_says() {
        let mut document = Markdown::default();
        document.links([("a](b", "https://x/y> z\n|")].into_iter());
        assert_eq!(document.to_string(), "[a\\](b](<https://x/y%3E%20z%7C>)\n");
    }
}
