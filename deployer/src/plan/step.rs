//! The steps of a plan, and the order in which they go.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::{After, ApiChange, First, Plan};
use crate::duration::spoken;
use crate::ledger::ReleaseKind;

/// What the ledger calls the step that moves the stage.
pub const MOVE_STAGE: &str = "move the stage";

/// Steps that go side by side. The next phase begins when all of them are done.
pub type Phase = Vec<Step>;

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Uploads code if it has to, publishes a version, waits for it, and sends it its checks. No traffic moves.
    Prepare(String),
    /// Freezes the definition into a deployment that takes no traffic yet.
    CreateDeployment,
    /// Gives the new version of a function this percentage of its alias's traffic.
    ShiftAlias(String, u8),
    /// Moves the alias of a function to its new version, with all the traffic.
    MoveAlias(String),
    /// Moves the stage to the new deployment.
    MoveStage(StageBefore),
    /// Sends the checks until the new parts respond as declared.
    Verify(Verification),
    /// Watches the alarms for so long.
    Watch(Duration),
    /// The same where there are no alarms.
    Wait(Duration),
}

/// Which deployment the stage has to be at before it is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StageBefore {
    /// The observed one: a stage that was moved in the meantime stays where it is.
    AsObserved,
    /// Any: a rollback must not wait, and what it observed is a moment old.
    Anything,
}

/// What a verification after a switch expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verification {
    /// When it takes place.
    pub moment: Moment,
    /// How the checks are sent.
    pub sent: Sent,
    /// Which checks are sent.
    pub checks: Checks,
    /// Whether the release's versions have to be the ones that respond.
    pub versions: bool,
    /// Whether the stage has to be at the release's deployment.
    pub deployment: bool,
    /// Which routes the stage has by then.
    pub routes: Routes,
    /// Whether only the version that responds is checked, and not its response: the current checks are not those that an earlier release
    /// passed.
    pub identity_only: bool,
    /// Whether nothing moves after it: then the checks that write have their one turn.
    pub last: bool,
    /// Whether the stage is verified after it, which needs as many requests again.
    pub stage_follows: bool,
}

/// How checks reach the functions after a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Sent {
    /// Through the URL of the API or of the function, as clients' requests.
    ThroughUrl,
    /// By Invoke of the alias: the stack has no URL.
    ByInvoke,
}

/// Which checks a verification sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checks {
    /// Those of the functions that got another version.
    OfMovedFunctions,
    /// All of them.
    All,
}

/// Which routes a stage has at a moment of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Routes {
    /// Those that the checks were written for.
    Declared,
    /// The routes before the release: a new one does not exist yet.
    Before,
    /// The routes of the release that is restored.
    Restored,
}

/// When checks are sent after a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The traffic is split: old and new versions respond.
    Shifting,
    /// New code under the old definition.
    AfterAliases,
    /// Everything new.
    AfterStage,
    /// During a rollback: the earlier definition has to take effect before the code moves.
    StageBack,
}

impl Plan {
    /// The steps in order. Forward: aliases before the stage, so that the new definition never meets old code; the
    /// aliases are verified before the stage moves. Back to an earlier release: the other way round, so that the
    /// newer definition never meets the older code.
    pub fn phases(&self) -> Vec<Phase> {
        let aliases = self.moved().cloned().map(Step::MoveAlias).collect::<Phase>();
        let stage = self.api_change().is_some();
        let mut phases = Vec::new();
        if self.kind == ReleaseKind::Rollback && self.first == First::Stage {
            if stage {
                phases.push(vec![self.move_stage()]);
            }
            if stage && !aliases.is_empty() {
                phases.push(vec![self.verify(Moment::StageBack)]);
            }
            phases.push(aliases);
            phases.push(vec![self.verify(if stage { Moment::AfterStage } else { Moment::AfterAliases })]);
        } else {
            phases.push(self.preparations());
            if !aliases.is_empty() {
                phases.extend(self.shift());
                phases.extend([aliases, vec![self.verify(Moment::AfterAliases)]]);
            }
            if stage {
                phases.extend([vec![self.move_stage()], vec![self.verify(Moment::AfterStage)]]);
            }
            if !self.traffic.watch.is_zero() {
                phases.push(vec![self.watch(self.traffic.watch)]);
            }
        }
        phases.retain(|phase| !phase.is_empty());
        phases
    }

    /// What is prepared before anything moves.
    fn preparations(&self) -> Phase {
        let needs_version = |after: &After| matches!(after, After::LiveCode | After::NewCode(_));
        let functions = self.functions.iter().filter(|(_, function)| needs_version(&function.after));
        let mut phase: Phase = functions.map(|(key, _)| Step::Prepare(key.clone())).collect();
        if matches!(self.api_change(), Some(ApiChange::First | ApiChange::Definition(..))) {
            phase.push(Step::CreateDeployment);
        }
        phase
    }

    /// The phases of a shift that does not happen at once.
    fn shift(&self) -> Vec<Phase> {
        let stages = self.traffic.shift.stages().into_iter();
        let phases = stages.flat_map(|(percent, pause)| {
            let shift = self.moved().map(|key| Step::ShiftAlias(key.clone(), percent)).collect();
            [shift, vec![self.verify(Moment::Shifting)], vec![self.watch(pause)]]
        });
        phases.collect()
    }

    fn watch(&self, time: Duration) -> Step {
        if self.has_alarms { Step::Watch(time) } else { Step::Wait(time) }
    }

    fn move_stage(&self) -> Step {
        let back = self.kind == ReleaseKind::Rollback;
        Step::MoveStage(if back { StageBefore::Anything } else { StageBefore::AsObserved })
    }

    fn verify(&self, moment: Moment) -> Step {
        let (back, stage_moves) = (self.kind == ReleaseKind::Rollback, self.api_change().is_some());
        let deployment = matches!(moment, Moment::AfterStage | Moment::StageBack);
        Step::Verify(Verification {
            moment,
            sent: self.sent,
            checks: if deployment { Checks::All } else { Checks::OfMovedFunctions },
            versions: moment != Moment::StageBack,
            deployment,
            routes: match (back, stage_moves && !deployment) {
                (true, _) => Routes::Restored,
                (false, true) => Routes::Before,
                (false, false) => Routes::Declared,
            },
            identity_only: back,
            stage_follows: stage_moves && moment != Moment::AfterStage,
            last: moment == Moment::AfterStage || (moment == Moment::AfterAliases && !stage_moves),
        })
    }
}

impl Step {
    /// Whether the step moves traffic: such a step is never interrupted.
    pub fn moves_traffic(&self) -> bool {
        matches!(self, Self::ShiftAlias(..) | Self::MoveAlias(_) | Self::MoveStage(_))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prepare(key) => write!(formatter, "publish and check a version of `{key}`"),
            Self::CreateDeployment => write!(formatter, "create an API deployment"),
            Self::ShiftAlias(key, percent) => {
                write!(formatter, "give the new version of `{key}` {percent} % of the traffic")
            }
            Self::MoveAlias(key) => write!(formatter, "move the alias of `{key}`"),
            Self::MoveStage(_) => formatter.write_str(MOVE_STAGE),
            Self::Verify(Verification { moment, sent, .. }) => write!(formatter, "check {sent} {moment}"),
            Self::Watch(time) => write!(formatter, "watch the alarms for {}", spoken(*time)),
            Self::Wait(time) => write!(formatter, "wait {}, with no alarms to watch", spoken(*time)),
        }
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::ThroughUrl => "through the URL",
            Self::ByInvoke => "by Invoke",
        })
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Shifting => "during the shift",
            Self::AfterAliases => "after the aliases",
            Self::AfterStage => "after the stage",
            Self::StageBack => "after the stage went back",
        })
    }
}
