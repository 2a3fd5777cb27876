//! What runs on this machine.

use std::fmt::Write as _;

use super::View;
use crate::local::Local;
use crate::report::screen::Screen;

impl View for Local {
    fn text(&self, _: &Screen) -> String {
        let mut text = String::new();
        for (name, environment) in &self.environments {
            let process =
                environment.process.map_or_else(|| "not running".to_owned(), |process| format!("process {process}"));
            let _ = writeln!(text, "{name:<6} {}  {process}", environment.endpoint);
            if let Some(url) = &environment.url {
                let _ = writeln!(text, "       {url}");
            }
        }
        text + &self.next
    }
}
