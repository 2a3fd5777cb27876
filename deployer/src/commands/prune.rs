//! `prune`: versions and deployments that no kept release could go back to.

use anyhow::Result;
use futures::try_join;

use crate::aws::Writer;
use crate::config::Environment;
use crate::context::Context;
use crate::engine::{dispensable, sweep};
use crate::ledger::Ledger;
use crate::observe::recall;
use crate::report::PruneView;

/// Shows what may go, and with `remove` removes it.
///
/// # Errors
/// Nothing can be read. What could not be removed is no error here: a warning says so, and the view counts it.
pub async fn prune(context: Context<'_>, environment: &Environment, remove: bool) -> Result<PruneView> {
    let Context { config, world, report } = context;
    let aws = Writer::open(environment, world).await;
    let ledger = Ledger::new(&aws.reader.table, &config.app);
    let (state, history) = try_join!(recall(config, environment, &aws.reader), ledger.history())?;
    let found = dispensable(config, &aws.reader, &state.contract, &history).await?;
    let mut view = PruneView::new(&environment.name, &found);
    if remove {
        view.removed(sweep(&aws, &state.contract, &found, report).await);
    }
    Ok(view)
}
