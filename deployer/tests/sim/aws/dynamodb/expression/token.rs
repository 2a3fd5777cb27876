//! The words and signs of an expression.

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A name, a keyword or a function.
    Word(String),
    /// `#name`
    Name(String),
    /// `:value`
    Value(String),
    /// The index of a list.
    Index(usize),
    Sign(&'static str),
    End,
}

const SIGNS: [&str; 14] = ["<=", ">=", "<>", "=", "<", ">", "(", ")", "[", "]", ",", ".", "+", "-"];

impl Token {
    pub(super) fn text(&self) -> String {
        match self {
            Self::Word(text) | Self::Name(text) | Self::Value(text) => text.clone(),
            Self::Index(index) => index.to_string(),
            Self::Sign(sign) => (*sign).to_owned(),
            Self::End => "<EOF>".to_owned(),
        }
    }
}

/// The tokens of an expression.
///
/// # Errors
/// The sign that no expression has.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            (Token::Sign(sign), sign.len())
        } else if first == '#' || first == ':' {
            let length = 1 + word(&rest[1..]);
            if length == 1 {
                return Err(first.to_string());
            }
            let text = rest[..length].to_owned();
            (if first == '#' { Token::Name(text) } else { Token::Value(text) }, length)
        } else if first.is_ascii_digit() {
            let length = rest.bytes().take_while(u8::is_ascii_digit).count();
            (Token::Index(rest[..length].parse().map_err(|_| first.to_string())?), length)
        } else {
            let length = word(rest);
            if length == 0 {
                return Err(first.to_string());
            }
            (Token::Word(rest[..length].to_owned()), length)
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

fn word(text: &str) -> usize {
    text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count()
}
