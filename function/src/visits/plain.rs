//! Text that a stranger wrote -> text that does nothing to a terminal.
//!
//! The store drops control characters, but others write to a table too, and neither direction marks nor
//! characters without a width are control characters.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// `text` with all that is not printable, or not seen, escaped as Rust does: `\u{202e}`. A backslash is
/// doubled, so that no text can look like another one escaped.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '\'' => clean.push(character),
            other if other.width() == Some(0) => clean.extend(other.escape_unicode()),
            other => clean.extend(other.escape_debug()),
        }
    }
    clean
}

/// `text`, cut with `…` to no more than `columns`, and filled up with spaces.
#[must_use]
pub fn fit(text: &str, columns: usize) -> String {
    let mut fitted = text.to_owned();
    if text.width() > columns {
        while fitted.width() + 1 > columns && fitted.pop().is_some() {}
        fitted.push('…');
    }
    fitted.push_str(&" ".repeat(columns.saturating_sub(fitted.width())));
    fitted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn terminal_control_characters_are_shown_escaped() {
        assert_eq!(plain("/a\u{1b}[2J\r\n"), "/a\\u{1b}[2J\\r\\n");
        assert_eq!(
            plain("\u{9b}31m\u{202e}evil\u{2066}\u{200b}\u{feff}"),
            "\\u{9b}31m\\u{202e}evil\\u{2066}\\u{200b}\\u{feff}"
        );
        assert_eq!(plain("e\u{301}\u{e0041}\u{2028}"), "e\\u{301}\\u{e0041}\\u{2028}");
        assert_eq!(plain(r#"/größe?q='"\u{1b}"#), r#"/größe?q='"\\u{1b}"#);
    }

    #[test]
    fn a_text_is_fitted_by_columns_not_characters() {
        assert_eq!(fit("/a", 4), "/a  ");
        assert_eq!(fit("/count", 4), "/co…");
        assert_eq!(fit("日本語", 4), "日… ");
    }

    proptest! {
        #[test]
        fn nothing_unseen_is_left_of_any_text(text in any::<String>()) {
            let unseen = |c: char| c.is_control() || c.width().is_none_or(|width| width == 0);
            prop_assert!(!plain(&text).contains(unseen));
        }

        #[test]
        fn a_text_that_fits_has_exactly_its_columns(text in "[a-zé日]*", columns in 1_usize..40) {
            prop_assert_eq!(fit(&text, columns).width(), columns);
        }
    }
}
