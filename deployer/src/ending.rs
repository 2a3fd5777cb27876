//! How a run ends: the code and the hint that the chain of an error comes to. `main.rs` prints the chain, then the
//! hint, and exits with the code.

use crate::aws::{AwsError, Kind};
use crate::failure::{Exit, Failure};
use crate::verify::Failed;

/// What a run that ended with an error says of it.
pub trait Ending {
    /// The class: that of the outermost [`Failure`] in the chain, else what the failed call says.
    fn exit(&self) -> Exit;

    /// What to do: as given, else what the failed call suggests.
    fn hint(&self) -> Option<&str>;
}

impl Ending for anyhow::Error {
    fn exit(&self) -> Exit {
        match (self.downcast_ref::<Failure>(), self.downcast_ref::<AwsError>()) {
            (Some(failure), _) => failure.exit(),
            (None, Some(AwsError { kind: Kind::NoCredentials, .. })) => Exit::BadInput,
            _ if self.downcast_ref::<Failed>().is_some() => Exit::Reverted,
            _ => Exit::Error,
        }
    }

    fn hint(&self) -> Option<&str> {
        let given = self.downcast_ref::<Failure>().and_then(Failure::what_to_do);
        let of_call = || self.downcast_ref::<AwsError>().and_then(AwsError::hint);
        given.or_else(of_call).or_else(|| self.downcast_ref::<Failed>().map(Failed::hint))
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn class_and_hint_survive_the_context_that_is_put_around_them() {
        let root = anyhow::Error::from(std::io::Error::other("refused"));
        let error = root.context(Failure::refused("alias moved").hint("look")).context("outer");
        assert_eq!(error.exit(), Exit::Refused);
        assert_eq!(error.hint(), Some("look"));
    }

    #[test]
    fn an_error_without_a_class_is_a_plain_error() {
        let error = Err::<(), _>(std::io::Error::other("x")).context("y").unwrap_err();
        assert_eq!(error.exit(), Exit::Error);
        assert_eq!(error.hint(), None);
    }
}
