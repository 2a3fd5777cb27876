//! What is claimed of AWS, by the group of probes that tries it.

/// One claim.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) id: &'static str,
    pub(super) group: &'static str,
    pub(super) text: &'static str,
}

const fn claim(group: &'static str, id: &'static str, text: &'static str) -> Claim {
    Claim { id, group, text }
}

/// All of them, in the order of the report.
pub(super) const ALL: &[Claim] = &[
    claim(
        "function",
        "revision-moves-twice",
        "An update moves RevisionId twice: at the call, and when LastUpdateStatus turns Successful",
    ),
    claim(
        "function",
        "conflict-in-progress",
        "While an update is InProgress, PublishVersion is refused: 409 ResourceConflictException",
    ),
    claim("function", "read-lag-update", "GetFunction may show the code from before an UpdateFunctionCode"),
    claim(
        "function",
        "publish-wrong-sha",
        "PublishVersion with a wrong CodeSha256 is refused: 400 InvalidParameterValueException",
    ),
    claim(
        "function",
        "publish-wrong-revision",
        "PublishVersion with a wrong RevisionId is refused: 412 PreconditionFailedException",
    ),
    claim("function", "publish-moves-latest", "PublishVersion moves the RevisionId of $LATEST"),
    claim("function", "read-lag-publish", "GetFunction may return 404 for a version that was just published"),
    claim(
        "function",
        "publish-idempotent",
        "PublishVersion with no update in between returns the version that is there",
    ),
    claim("function", "same-bytes-new-version", "The same bytes uploaded again and published are a new version"),
    claim(
        "function",
        "configuration-new-version",
        "A change of configuration alone needs a new version: the alias keeps the old settings",
    ),
    claim("function", "dry-run-writes-nothing", "UpdateFunctionCode with DryRun changes neither code nor RevisionId"),
    claim("function", "update-publish-pending", "UpdateFunctionCode with Publish returns a version in state Pending"),
    claim(
        "function",
        "alias-to-pending",
        "UpdateAlias to a version in state Pending is refused: 409 ResourceConflictException",
    ),
    claim(
        "function",
        "alias-wrong-revision",
        "UpdateAlias with a wrong RevisionId is refused: 412 PreconditionFailedException",
    ),
    claim(
        "function",
        "alias-to-missing-version",
        "UpdateAlias to a version that does not exist is refused: 404 ResourceNotFoundException",
    ),
    claim("function", "routing-kept", "UpdateAlias that does not state a routing configuration keeps the old weights"),
    claim("function", "weights-honoured", "An alias splits invokes by its weights"),
    claim("function", "executed-version", "Invoke on an alias names the version that ran in ExecutedVersion"),
    claim("function", "log-tail", "Invoke with LogType=Tail returns the end of that invocation's log"),
    claim("function", "version-keeps-its-zip", "GetFunction on a version gives the zip of that version"),
    claim("function", "control-plane-throttled", "Lambda's control plane returns 429 past about 15 requests a second"),
    claim("function", "control-plane-retry-after", "Lambda's 429 carries Retry-After"),
    claim("api", "missing-permission-500", "Without the alias's permission the API returns 500"),
    claim("api", "permission-opens", "With the permission on the alias the API returns 200"),
    claim(
        "api",
        "create-deployment-limit",
        "A second CreateDeployment within 5 s is refused: 429 TooManyRequestsException",
    ),
    claim("api", "create-deployment-retry-after", "API Gateway's 429 carries Retry-After"),
    claim("api", "stage-runs-snapshot", "A stage runs its deployment's definition, not the API's present one"),
    claim("api", "unknown-deployment", "UpdateStage to an unknown deployment is refused: 400 BadRequestException"),
    claim("api", "update-stage-response", "UpdateStage returns the stage as it is after the change"),
    claim("api", "read-lag-stage", "GetStage may show the stage from before an UpdateStage"),
    claim("api", "switch-takes-a-while", "A stage does not switch at once for every request"),
    claim("api", "switch-flips-back", "After a first response of the new deployment, old ones may follow"),
    claim("api", "delete-live-deployment", "Deleting the deployment of a stage is refused: 400 BadRequestException"),
    claim("api", "deployment-by-description", "A deployment can be found by its description"),
    claim("table", "condition-returns-item", "A failed condition returns the item that was in the way, if asked to"),
];
