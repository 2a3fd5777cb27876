//! Drift: where the live state differs from the ledger.

use crate::observe::Observed;

/// How the live state differs from the ledger, if it does. There is no drift before the first release.
pub fn drift(observed: &Observed) -> Option<String> {
    let live = observed.ledger.live.as_ref()?;
    let number = live.number;
    let mut drift = Vec::new();
    for (key, function) in &observed.functions {
        let (name, alias) = (&function.resource.name, &function.resource.alias);
        // A function that Terraform has added since: it waits for its first release.
        let Some(part) = live.parts.functions.get(key) else { continue };
        if function.alias.version != part.version {
            drift.push(format!(
                "alias `{alias}` of `{name}` points to version {}, but release {number} left it at version {}",
                function.alias.version, part.version
            ));
        } else if function.live.code_sha256 != part.code_sha256 {
            drift.push(format!("version {} of `{name}` has other code than release {number} published", part.version));
        }
        if !function.alias.weights.is_empty() {
            drift.push(format!("alias `{alias}` of `{name}` splits its traffic"));
        }
    }
    // An API that was added since waits for its first release.
    if let (Some(api), Some(left)) = (&observed.api, &live.parts.deployment) {
        let found = &api.stage.deployment;
        if found != left {
            drift.push(format!("the stage is at deployment `{found}`, but release {number} left it at `{left}`"));
        } else if api.stage.mark.as_ref().is_some_and(|mark| mark != left) {
            drift.push(format!(
                "the stage variable `deployment` does not name `{left}`, the deployment that the stage is at"
            ));
        }
    }
    (!drift.is_empty()).then(|| drift.join("; "))
}
