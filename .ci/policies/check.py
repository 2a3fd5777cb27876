"""Checks every policy of terraform/bootstrap and terraform/modules/roles by AWS's service authorization reference.

    check.py FOLDER_OF_IAM_DATA ROLES.json BOOTSTRAP.json

The last two are the output of `terraform test -json -verbose` for `tests/rendered` of each. Exits 1 and prints each problem in a line.
"""

import collections
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


def main(data, roles, bootstrap):
    check = Check(Reference(data))
    roles, bootstrap = runs(roles), runs(bootstrap)
    check.learn(roles)
    for root, plans in (("roles", roles), ("bootstrap", bootstrap)):
        for name, plan in plans.items():
            check.plan(f"{root}: {name}", plan)
    problems = list(dict.fromkeys(check.problems))
    print("\n".join(problems))
    print(f"{check.counts['statements']} statements in {check.counts['policies']} policies: {len(problems)} problems")
    return 1 if problems or not check.counts["statements"] else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
