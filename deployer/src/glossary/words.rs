//! Text -> words, also those within identifiers; and where a pattern occurs.

use std::ops::Range;

/// A word as it is written.
pub(super) struct Word {
    pub(super) text: String,
    /// From 1 on.
    pub(super) line: usize,
    /// Nothing but blanks, the marks of a comment, an underscore or a quote is between the word before and this one.
    joined: bool,
}

/// Words in a row, each with its alternatives. One with a capital matches only as it is written.
pub(super) struct Pattern(Vec<Vec<Alternative>>);

struct Alternative {
    text: &'static str,
    exact: bool,
}

impl Pattern {
    pub(super) fn of(text: &'static str) -> Self {
        let alternative = |text: &'static str| Alternative { text, exact: text.contains(char::is_uppercase) };
        Self(text.split(' ').map(|word| word.split('|').map(alternative).collect()).collect())
    }
}

/// All words of a text. `camelCase` and `snake_case` are split; `nobody's` is one word.
pub(super) fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let mut joined = !words.is_empty() && !line.trim().is_empty();
        let (mut start, mut before) = (None, ' ');
        // A blank ends the last word.
        for (place, letter) in line.char_indices().chain([(line.len(), ' ')]) {
            let belongs = letter.is_ascii_alphabetic() || letter == '\'' && before.is_ascii_alphabetic();
            let hump = letter.is_ascii_uppercase() && before.is_ascii_lowercase();
            if let Some(first) = start.filter(|_| !belongs || hump) {
                let text = line[first..place].trim_end_matches('\'').to_owned();
                words.push(Word { text, line: number, joined });
                (start, joined) = (None, true);
            }
            match belongs {
                true if start.is_none() => start = Some(place),
                true => {}
                false => joined &= letter.is_whitespace() || "_/*#!\\-".contains(letter),
            }
            before = letter;
        }
    }
    words
}

/// Where a pattern occurs.
pub(super) fn covers(words: &[Word], pattern: &Pattern) -> impl Iterator<Item = Range<usize>> {
    let Pattern(places) = pattern;
    let is = |word: &Word, Alternative { text, exact }: &Alternative| match exact {
        true => word.text == *text,
        false => *text == "*" || word.text.eq_ignore_ascii_case(text),
    };
    let fits = move |word: &Word, place: &[Alternative]| place.iter().any(|text| is(word, text));
    let starts = words.windows(places.len()).enumerate().filter(move |(_, row)| {
        row.iter().zip(places).all(|(word, place)| fits(word, place)) && row[1..].iter().all(|word| word.joined)
    });
    starts.map(|(start, row)| start..start + row.len())
}
