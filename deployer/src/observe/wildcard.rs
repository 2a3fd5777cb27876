//! IAM's patterns: `*` is any text, `?` any one character.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>

/// Whether `text` is like `pattern`.
pub fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once(['*', '?']) {
        None => pattern == text,
        Some((before, after)) => text.strip_prefix(before).is_some_and(|rest| {
            if pattern.as_bytes()[before.len()] == b'*' {
                let starts = rest.char_indices().map(|(index, _)| index).chain([rest.len()]);
                starts.into_iter().any(|start| matches(after, &rest[start..]))
            } else {
                let mut rest = rest.chars();
                rest.next().is_some() && matches(after, rest.as_str())
            }
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_anything_and_a_question_mark_one_character() {
        for (pattern, text) in [("a*c", "abbc"), ("*", ""), ("a?c", "abc"), ("*/GET/*", "x/GET/y"), ("a*", "a")] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a*c", "abcd"), ("a?c", "ac"), ("", "a"), ("a?", "a")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn a_star_includes_slashes_as_iams_does() {
        assert!(matches("arn:aws:apigateway:r::/restapis/*", "arn:aws:apigateway:r::/restapis/a/stages/prod"));
    }
}
