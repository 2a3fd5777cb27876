//! A plan of Terraform's that may be applied.

use serde::Serialize;

use super::View;

/// `guard`.
#[derive(Debug, Serialize)]
pub struct GuardView {
    changes: usize,
}

impl GuardView {
    /// Of a plan with so many changes, none of which cuts live traffic.
    pub fn new(changes: usize) -> Self {
        Self { changes }
    }
}

impl View for GuardView {
    fn text(&self) -> String {
        let changes = if self.changes == 1 { "1 change".to_owned() } else { format!("{} changes", self.changes) };
        format!("{changes}, none of which cuts live traffic\n")
    }
}
