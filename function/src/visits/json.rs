//! Figures -> JSON in ASCII.

use std::fmt::Write as _;

use serde::Serialize;

/// `value` as one JSON document. JSON itself escapes few of the characters that do something to a terminal;
/// here all that is not ASCII is escaped, which every reader of JSON undoes.
///
/// # Errors
///
/// Never, for the types of this crate.
pub fn text(value: &impl Serialize) -> anyhow::Result<String> {
    let json = serde_json::to_string_pretty(value)?;
    let mut ascii = String::with_capacity(json.len());
    let mut units = [0; 2];
    for character in json.chars() {
        if character.is_ascii() && character != '\u{7f}' {
            ascii.push(character);
        } else {
            for unit in character.encode_utf16(&mut units) {
                write!(ascii, "\\u{unit:04x}")?;
            }
        }
    }
    Ok(ascii)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_survives_and_is_ascii(given in any::<String>()) {
            let json = text(&given).unwrap();
            prop_assert!(json.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{}", json);
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), given);
        }
    }
}
