"""Checks every policy of terraform/bootstrap, terraform/modules/roles and terraform/modules/pipeline_roles by AWS's service authorization
reference, and that both modules agree about what the deployer needs.

    check.py FOLDER_OF_IAM_DATA ROLES.json PIPELINE_ROLES.json BOOTSTRAP.json

The last three are the output of `terraform test -json -verbose` for `tests/rendered` of each. Exits 1 and prints each problem in a line.
"""

import collections
import fnmatch
import json
import sys

import rules
from reference import Reference


def runs(file):
    """The plan of each run by its name: its resources and its outputs."""
    found = {}
    with open(file) as lines:
        for line in lines:
            if '"type":"test_plan"' not in line and '"type":"test_summary"' not in line:
                continue
            message = json.loads(line)
            if message["type"] == "test_summary" and message["test_summary"]["status"] != "pass":
                sys.exit(f"{file}: {message['@message']}")
            if message["type"] == "test_plan":
                found[message["@testrun"]] = message["test_plan"]
    if not found:
        sys.exit(f"{file}: no run planned anything")
    return found


class Check:
    def __init__(self, reference):
        self.reference = reference
        self.reasons = {}
        self.problems = []
        self.counts = collections.Counter()

    def learn(self, plans):
        """The reasons beside the statements."""
        for plan in plans.values():
            for statements in plan["output_changes"]["statements"]["after"].values():
                for statement in statements:
                    if statement["reason"]:
                        key = json.dumps([statement["actions"], statement["resources"]])
                        self.reasons[key] = statement["reason"]

    def reason(self, actions, resources):
        return self.reasons.get(json.dumps([actions, resources]))

    def add(self, where, problems):
        self.problems += [f"{where}: {problem}" for problem in problems]

    def document(self, resource, attribute, where):
        text = resource["change"]["after"].get(attribute)
        if not text:
            self.add(where, ["its text is not known in the plan"])
            return {"Statement": []}
        document = json.loads(text)
        self.counts["policies"] += 1
        self.counts["statements"] += len(rules.listed(document["Statement"]))
        return document

    def plan(self, name, plan):
        of_role, attached, inline = collections.defaultdict(list), collections.Counter(), collections.Counter()
        for resource in plan["resource_changes"]:
            kind, where = resource["type"], f"{name}: {resource['address']}"
            if kind == "aws_iam_policy":
                document = self.document(resource, "policy", where)
                self.add(where, rules.of_identity(self.reference, document, self.reason) + rules.too_long(document, rules.MANAGED))
                role = resource["change"]["after"]["name"].rpartition("-")[0]
                of_role[role].append(document)
            elif kind == "aws_iam_role_policy":
                document = self.document(resource, "policy", where)
                self.add(where, rules.of_identity(self.reference, document, self.reason))
                inline[resource["change"]["after"]["role"]] += rules.size(document)
            elif kind == "aws_iam_role":
                document = self.document(resource, "assume_role_policy", where)
                self.add(where, rules.of_trust(self.reference, document) + rules.too_long(document, rules.TRUST))
            elif kind == "aws_iam_role_policy_attachment":
                attached[resource["change"]["after"]["role"]] += 1
            elif kind == "aws_s3_bucket_policy":
                self.add(where, rules.of_bucket(self.reference, self.document(resource, "policy", where)))
            elif "policy" in kind or "iam" in kind and kind != "aws_iam_openid_connect_provider":
                self.add(where, ["there is no check for it"])
        for role, documents in of_role.items():
            self.add(f"{name}: {role}", rules.of_required(self.reference, documents))
        self.add(name, [f"{role}: {count} policies attached, and IAM takes {rules.ATTACHED}" for role, count in attached.items() if count > rules.ATTACHED])
        self.add(name, [f"{role}: {count} characters of its own, and IAM takes {rules.INLINE}" for role, count in inline.items() if count > rules.INLINE])


def lacking(less, more):
    """What a role of the first module may do, and that of the second may not: `ACTION on RESOURCE`."""
    def grants(statements):
        return [(action, resource) for statement in statements for action in statement["actions"] for resource in statement["resources"]]

    # `[` would begin a set of characters; no ARN has one.
    allowed = grants(more)
    return [
        f"{action} on {resource}"
        for action, resource in grants(less)
        if not any(action == other and fnmatch.fnmatchcase(resource, pattern) for other, pattern in allowed)
    ]


def agree(roles, pipeline_roles):
    """The visitor counter's own roles may do all that any project's may: the deployer needs the same of both."""
    own = roles["dev_once_its_api_is_known"]["output_changes"]["statements"]["after"]
    general = pipeline_roles["the_visitor_counters_dev"]["output_changes"]["statements"]["after"]
    problems = []
    for role in ("deploy", "plan", "read"):
        more = [statement for policy, statements in own.items() if policy.startswith(f"{role}-") for statement in statements]
        if not general[role] or not more:
            problems.append(f"{role}: one of the modules has no statement for it")
        problems += [f"{role}: the module roles lacks {grant}, which pipeline_roles has" for grant in lacking(general[role], more)]
    # The policy of the deployer alone. Of optional parts, and of the environment that releases come from, there are none there.
    released = own["deploy-release"]
    problems += [f"deploy: pipeline_roles lacks {grant}, which the policy `release` has" for grant in lacking(released, general["deploy"])]
    return problems


def main(data, roles, pipeline_roles, bootstrap):
    check = Check(Reference(data))
    roles, pipeline_roles, bootstrap = runs(roles), runs(pipeline_roles), runs(bootstrap)
    check.learn(roles)
    check.learn(pipeline_roles)
    for root, plans in (("roles", roles), ("pipeline_roles", pipeline_roles), ("bootstrap", bootstrap)):
        for name, plan in plans.items():
            check.plan(f"{root}: {name}", plan)
    check.add("both modules", agree(roles, pipeline_roles))
    problems = list(dict.fromkeys(check.problems))
    print("\n".join(problems))
    print(f"{check.counts['statements']} statements in {check.counts['policies']} policies: {len(problems)} problems")
    return 1 if problems or not check.counts["statements"] else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
