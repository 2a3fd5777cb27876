//! The outputs of a step, as the file `GITHUB_OUTPUT` takes them.

use std::fmt::Write as _;

use crate::world::World;

/// `NAME=VALUE` a line. A value of several lines goes between random delimiters, so that none can
/// end itself and begin another output.
pub(super) fn lines(outputs: &[(&str, String)], world: &World) -> String {
    let mut text = String::new();
    for (name, value) in outputs {
        let _ = match value.contains(['\n', '\r']) {
            false => writeln!(text, "{name}={value}"),
            true => {
                let delimiter = format!("end_{}", world.secret());
                writeln!(text, "{name}<<{delimiter}\n{value}\n{delimiter}")
            }
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_one_line_is_a_line() {
        let outputs =
            [("release", "8".to_owned()), ("versions", r#"{"counter":"6"}"#.to_owned()), ("x", "a<<b=c".to_owned())];
        assert_eq!(lines(&outputs, &World::real()), "release=8\nversions={\"counter\":\"6\"}\nx=a<<b=c\n");
    }

    #[test]
    fn a_value_of_several_lines_cannot_become_another_output() {
        let hostile = "a\nchanged=true\nEOF\nrelease=9";
        let text = lines(&[("url", hostile.to_owned()), ("after", "\r".to_owned())], &World::real());
        let delimiter = text.lines().next().unwrap().strip_prefix("url<<").unwrap();
        assert!(delimiter.len() > 32 && !hostile.contains(delimiter));
        assert!(text.starts_with(&format!("url<<{delimiter}\n{hostile}\n{delimiter}\nafter<<end_")), "{text}");
        let again = || lines(&[("url", hostile.to_owned())], &World::real());
        assert_ne!(again(), again());
    }
}
