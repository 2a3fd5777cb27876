//! The headers that distinguish a release from the one before it.
//!
//! In: the version that Lambda runs this code as, and the API's deployment as its stage names it.
//! Out: headers, always valid ones. It decides nothing.

/// The longest mark, in characters; the real ones are numbers and ids of about ten.
const LIMIT: usize = 128;

/// The published version of the function that responds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marks {
    version: String,
}

impl Marks {
    /// Marks of `version`, as Lambda names it: a number, or `$LATEST`.
    #[must_use]
    pub fn new(version: &str) -> Self {
        Self { version: clean(version).unwrap_or_else(|| "unknown".to_owned()) }
    }

    /// The version, clean enough for a header.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// `x-function-version`, and `x-api-deployment` where the stage named its `deployment`.
    pub fn headers(&self, deployment: Option<&str>) -> impl Iterator<Item = (&'static str, String)> + use<> {
        let version = ("x-function-version", self.version.clone());
        let deployment = deployment.and_then(clean).map(|id| ("x-api-deployment", id));
        std::iter::once(version).chain(deployment)
    }
}

/// What of `value` may be in a header, or nothing: API Gateway responds with 502 to a whole
/// response if one header is malformed.
fn clean(value: &str) -> Option<String> {
    let value: String = value.chars().filter(char::is_ascii_graphic).take(LIMIT).collect();
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(version: &str, deployment: Option<&str>) -> Vec<(&'static str, String)> {
        Marks::new(version).headers(deployment).collect()
    }

    #[test]
    fn both_marks_are_shown_as_they_are() {
        let both = [("x-function-version", "7".into()), ("x-api-deployment", "ab12cd".into())];
        assert_eq!(headers("7", Some("ab12cd")), both);
    }

    #[test]
    fn without_a_deployment_only_the_version_is_shown() {
        let version = [("x-function-version", "$LATEST".into())];
        assert_eq!(headers("$LATEST", None), version);
        assert_eq!(headers("$LATEST", Some("\r\n")), version);
    }

    #[test]
    fn a_version_that_is_not_there_is_unknown() {
        assert_eq!(Marks::new("").version(), "unknown");
    }

    proptest! {
        #[test]
        fn a_mark_is_always_a_valid_header_value(version in ".*", deployment in ".*") {
            for (_, value) in headers(&version, Some(&deployment)) {
                prop_assert!(!value.is_empty() && value.len() <= LIMIT);
                prop_assert!(value.bytes().all(|byte| byte.is_ascii_graphic()));
            }
        }
    }
}
