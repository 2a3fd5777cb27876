//! A client whose calls wait for their turn: there is no other way to use it.

use crate::rates::Rate;

/// The client of one service, at one rate.
#[derive(Debug, Clone)]
pub(super) struct Paced<C> {
    client: C,
    rate: Rate,
}

impl<C> Paced<C> {
    pub(super) fn new(client: C, rate: &Rate) -> Self {
        Self { client, rate: rate.clone() }
    }

    /// The client, for one call, when that may go out.
    pub(super) async fn turn(&self) -> &C {
        self.rate.turn().await;
        &self.client
    }
}
