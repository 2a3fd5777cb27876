//! Whether the functions as they are take what `deployer.toml` makes for them.

use anyhow::Result;

use super::Observed;
use crate::artifact::{self, Package};
use crate::config::{Config, Environment, PackageType};
use crate::failure::Failure;

/// What to do if a function and its code are for different processors.
pub(super) const SAME_PROCESSOR: &str = "set the function's architecture in your infrastructure code, and `architecture` of the function or \
                                         `build.target` in `deployer.toml`, to the same processor; nothing was changed";

impl Observed {
    /// Refuses what a function would never take. Lambda does not allow a function to change its package type, and an update of code may
    /// change its processor: never by accident.
    ///
    /// # Errors
    /// A function takes a zip and `deployer.toml` makes an image, or the other way round; or they are for two processors.
    pub fn refuse_other_functions(&self, config: &Config) -> Result<()> {
        for (key, function) in &self.functions {
            let (Some(declared), settings) = (config.functions.get(key), &function.latest.settings) else { continue };
            refuse_other_type(&function.resource.name, &settings.package_type(), declared.package_type())?;
            // The local AWS runs binaries for this machine, independent of the architecture of its functions.
            let found = settings.architecture().filter(|_| !config.local);
            if let Some(found) = found.filter(|found| *found != declared.architecture.to_string()) {
                let name = &function.resource.name;
                let what = format!(
                    "function `{name}` is `{found}` in Lambda, but `{}` in `deployer.toml`",
                    declared.architecture
                );
                return Err(Failure::refused(what).hint(SAME_PROCESSOR).into());
            }
        }
        Ok(())
    }

    /// Refuses a check that could not be sent.
    ///
    /// # Errors
    /// It is a request to a function that is behind nothing that the contract names.
    pub fn refuse_unsendable(&self, config: &Config, environment: &Environment) -> Result<()> {
        let contract = &self.ledger.contract;
        let mut requests = config.checks_in(environment).filter(|check| check.request().is_some());
        let Some(check) = requests.find(|check| contract.url_of(&check.function).is_none()) else { return Ok(()) };
        let what = format!(
            "check `{}` sends a request, but the stack contract of `{}` names neither an API nor a Function URL for `{}`",
            check.name, environment.name, check.function
        );
        Err(Failure::refused(what).hint(super::TO_SEND_AN_EVENT).into())
    }

    /// Refuses a package that the function with this key could not take or start.
    ///
    /// # Errors
    /// It is of another kind, too big, or lacks the file that the handler names.
    pub fn refuse_unfit(&self, key: &str, package: &Package) -> Result<()> {
        let Some(function) = self.functions.get(key) else { return Ok(()) };
        let settings = &function.latest.settings;
        refuse_other_type(&function.resource.name, &settings.package_type(), package.package_type())?;
        let bucket = self.ledger.contract.artifact_bucket.is_some();
        artifact::refuse_unfit(key, package, bucket, settings.entry_point().as_ref())
    }
}

/// Refuses to give the function of this name what it does not take: it is of the package type `found`, as AWS calls it.
///
/// # Errors
/// It takes something else.
pub fn refuse_other_type(name: &str, found: &str, given: PackageType) -> Result<()> {
    let takes = match [PackageType::Zip, PackageType::Image].into_iter().find(|known| known.as_str() == found) {
        Some(known) if known == given => return Ok(()),
        Some(known) => known.to_string(),
        None => {
            let what = format!("function `{name}` has the package type `{found}`, which this deployer cannot release");
            return Err(Failure::refused(what)
                .hint("use a newer version of the deployer, or leave the function out of `deployer.toml` and the stack contract; nothing was changed")
                .into());
        }
    };
    let what = format!("function `{name}` runs {takes}, but `deployer.toml` builds {given}");
    Err(Failure::refused(what)
        .hint(
            "Lambda cannot change the package type of a function: change `build` of the function in `deployer.toml`, or create another \
             function with your infrastructure code; nothing was changed",
        )
        .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ending::Ending as _;
    use crate::failure::Exit;

    #[test]
    fn a_function_accepts_only_its_own_package_type() {
        assert!(refuse_other_type("f", "Zip", PackageType::Zip).is_ok());
        assert!(refuse_other_type("f", "Image", PackageType::Image).is_ok());
        for (found, given, expected) in [
            ("Zip", PackageType::Image, "function `f` runs a zip, but `deployer.toml` builds a container image"),
            ("Image", PackageType::Zip, "function `f` runs a container image, but `deployer.toml` builds a zip"),
            ("Wasm", PackageType::Zip, "function `f` has the package type `Wasm`, which this deployer cannot release"),
        ] {
            let error = refuse_other_type("f", found, given).unwrap_err();
            assert_eq!((error.to_string().as_str(), error.exit()), (expected, Exit::Refused));
        }
    }
}
