//! How a run ends: the exit code and the hint of an error, from its chain of causes. `main.rs` prints the chain, then the
//! hint, and exits with the code.

use crate::aws::{AwsError, Kind};
use crate::failure::{Exit, Failure};
use crate::verify::Failed;

/// The end of a run with an error.
pub trait Ending {
    /// The class: that of the outermost [`Failure`] in the chain, else that of the failed call.
    fn exit(&self) -> Exit;

    /// What to do: the hint of the [`Failure`], else that of the failed call.
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
    fn context_around_an_error_keeps_its_class_and_hint() {
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
