//! IAM: the roles that functions, gateways and triggers use. A change takes effect within seconds, also for live versions.

use super::Part::{Aid, Grant, InPath};
use super::When::{AllowsLess, Changes, Created, Loses};
use super::{Row, UNUSED, loss, of, warning};

const LACKS: &str = "what uses it loses the permissions that it gave";
const LESS: &str = "what uses it loses permissions at once, including the live version";
const EXCLUSIVE: &str = "detaches everything that it does not name";

pub(super) const ROWS: &[Row] = &[
    of(
        "aws_iam_role",
        InPath,
        "what uses it is refused; a new role of the same name is another principal",
        &[
            loss("assume_role_policy", AllowsLess, "what could assume the role no longer can", UNUSED),
            loss("managed_policy_arns", Loses, LESS, UNUSED),
            loss("inline_policy", Loses, LESS, UNUSED),
            warning("permissions_boundary", Changes, "it may allow less than the old one"),
        ],
    ),
    of("aws_iam_role_policy", InPath, LACKS, &[loss("policy", AllowsLess, LESS, UNUSED)]),
    of("aws_iam_role_policy_attachment", Grant, LACKS, &[]),
    of("aws_iam_policy", Grant, LACKS, &[loss("policy", AllowsLess, LESS, UNUSED)]),
    of(
        "aws_iam_policy_attachment",
        Grant,
        LACKS,
        &[
            loss("roles", Loses, LESS, UNUSED),
            loss("users", Loses, LESS, UNUSED),
            loss("groups", Loses, LESS, UNUSED),
            warning("policy_arn", Created, EXCLUSIVE),
        ],
    ),
    of(
        "aws_iam_role_policies_exclusive",
        Aid,
        "nothing: the policies stay",
        &[loss("policy_names", Loses, LESS, UNUSED), warning("policy_names", Created, EXCLUSIVE)],
    ),
    of(
        "aws_iam_role_policy_attachments_exclusive",
        Aid,
        "nothing: the policies stay",
        &[loss("policy_arns", Loses, LESS, UNUSED), warning("policy_arns", Created, EXCLUSIVE)],
    ),
    of("aws_iam_service_linked_role", InPath, "the service may not act in the account", &[]),
    of(
        "aws_iam_openid_connect_provider",
        InPath,
        "workflows cannot assume their roles",
        &[loss("client_id_list", Loses, "workflows cannot assume their roles", UNUSED)],
    ),
    of("aws_iam_user", InPath, "requests signed with its keys are refused", &[]),
    of("aws_iam_access_key", Grant, "requests signed with it are refused", &[]),
    of("aws_iam_user_policy", InPath, LACKS, &[loss("policy", AllowsLess, LESS, UNUSED)]),
    of("aws_iam_user_policy_attachment", Grant, LACKS, &[]),
];
