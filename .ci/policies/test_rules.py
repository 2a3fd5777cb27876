"""Broken policies: each must be found, for what is wrong with it and nothing else.

    IAM_DATA=… python3 -m unittest
"""

import os
import unittest

import rules
from reference import Reference, can_match

REFERENCE = Reference(os.environ["IAM_DATA"])
FUNCTION = "arn:aws:lambda:us-east-1:111111111111:function:f"
API = "arn:aws:apigateway:us-east-1::/restapis/abc123"
TABLE = "arn:aws:dynamodb:us-east-1:111111111111:table/t"
GITHUB = "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com"
CLAIM = "token.actions.githubusercontent.com"


def policy(actions, resources, condition=None, effect="Allow"):
    statement = {"Effect": effect, "Action": actions, "Resource": resources}
    return {"Statement": [statement | ({"Condition": condition} if condition else {})]}


def found(document, reason=None):
    return rules.of_identity(REFERENCE, document, lambda actions, resources: reason)


def trust(condition, principal=None, action="sts:AssumeRoleWithWebIdentity"):
    return {"Statement": [{"Effect": "Allow", "Action": action, "Principal": principal or {"Federated": GITHUB}, "Condition": condition}]}


WHOLE = {"StringEquals": {f"{CLAIM}:aud": "sts.amazonaws.com", f"{CLAIM}:sub": "repo:o/n:environment:dev"}}


class Identity(unittest.TestCase):
    def assert_one(self, problems, *parts):
        self.assertEqual(len(problems), 1, problems)
        for part in parts:
            self.assertIn(part, problems[0])

    def test_right_policies_have_no_problem(self):
        for document in [
            policy(["lambda:UpdateAlias"], [FUNCTION]),
            policy("lambda:AddPermission", FUNCTION, {"StringEquals": {"lambda:Principal": "apigateway.amazonaws.com"}}),
            policy(["apigateway:PATCH"], [API, f"{API}/stages/dev"], {"StringEquals": {"aws:ResourceTag/Environment": "dev"}}),
            policy(["s3:GetObject"], ["arn:aws:s3:::bucket/app/dev/terraform.tfstate"]),
            policy(["dynamodb:GetItem"], [TABLE], {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["total"]}}),
            policy(["iam:PassRole"], ["arn:aws:iam::111111111111:role/r"], {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}),
        ]:
            self.assertEqual(found(document), [])

    def test_an_action_that_does_not_exist(self):
        self.assert_one(found(policy(["lambda:MoveAlias"], [FUNCTION])), "lambda:MoveAlias", "no such action")
        self.assert_one(found(policy(["lamda:UpdateAlias"], [FUNCTION])), "no such action")
        self.assert_one(found(policy(["lambda:updateAlias"], [FUNCTION])), "no such action")
        self.assert_one(found(policy(["lambda:*"], [FUNCTION])), "no such action")

    def test_a_resource_of_a_type_that_the_action_does_not_take(self):
        problems = found(policy(["lambda:UpdateAlias"], [TABLE]))
        self.assertIn("lambda:UpdateAlias: takes function, and none of these is one: " + TABLE, problems)
        self.assertTrue(found(policy(["s3:GetObject"], ["arn:aws:s3:::bucket"])), "a bucket is not an object")
        self.assertTrue(found(policy(["apigateway:POST"], [API])), "an API is made below /restapis")
        self.assertTrue(found(policy(["apigateway:SetWebACL"], [f"{API}/resources/x"])), "only stages have web ACLs")

    def test_an_action_none_of_whose_resources_is_of_its_type(self):
        both = policy(["lambda:UpdateAlias", "dynamodb:GetItem"], [FUNCTION])
        self.assert_one(found(both), "dynamodb:GetItem", "none of these is one")

    def test_a_resource_that_no_action_takes(self):
        self.assert_one(found(policy(["lambda:UpdateAlias"], [FUNCTION, TABLE])), f"no action takes {TABLE}")

    def test_an_action_that_takes_no_resource(self):
        traces = "xray:PutTraceSegments"
        self.assertIn(f"{traces}: takes no resource but `*`", found(policy([traces], [FUNCTION])))
        self.assertEqual(found(policy([traces], ["*"]), "IAM has none"), [])

    def test_a_condition_key_of_another_action(self):
        foreign = {"StringEquals": {"lambda:Principal": "apigateway.amazonaws.com"}}
        self.assert_one(found(policy(["lambda:UpdateAlias"], [FUNCTION], foreign)), "no condition key lambda:Principal")
        tag = {"StringEquals": {"aws:ResourceTag/Environment": "dev"}}
        tags = "arn:aws:apigateway:us-east-1::/tags/a"
        self.assert_one(found(policy(["apigateway:PUT"], [tags], tag)), "no condition key aws:ResourceTag/Environment")
        typo = {"StringEquals": {"aws:ResourceTags/Environment": "dev"}}
        self.assert_one(found(policy(["apigateway:PATCH"], [API], typo)), "no condition key")

    def test_one_of_several_actions_lacks_the_condition_key(self):
        key = {"StringEquals": {"lambda:Principal": "apigateway.amazonaws.com"}}
        both = policy(["lambda:AddPermission", "lambda:CreateAlias"], [FUNCTION], key)
        self.assert_one(found(both), "lambda:CreateAlias")

    def test_a_wildcard_without_a_reason(self):
        for resource in [f"{FUNCTION}:*", f"{FUNCTION}?", "*"]:
            self.assert_one(found(policy(["lambda:GetFunction"], [resource])), "without a `reason`", resource)
            self.assertEqual(found(policy(["lambda:GetFunction"], [resource]), "versions are numbered"), [])

    def test_a_statement_of_another_form(self):
        for statement in [
            {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
            {"Effect": "Allow", "Action": "lambda:GetFunction", "NotResource": FUNCTION},
            {"Effect": "Deny", "Action": "lambda:GetFunction", "Resource": FUNCTION},
        ]:
            self.assertTrue(found({"Statement": [statement]}, "because"))

    def test_an_action_that_lacks_a_second_kind_of_resource(self):
        subnet = "arn:aws:ec2:us-east-1:111111111111:subnet/*"
        lacking = [policy(["ec2:CreateSubnet"], [subnet])]
        self.assert_one(rules.of_required(REFERENCE, lacking), "ec2:CreateSubnet", "vpc")
        whole = lacking + [policy(["ec2:CreateSubnet"], ["arn:aws:ec2:us-east-1:111111111111:vpc/*"])]
        self.assertEqual(rules.of_required(REFERENCE, whole), [])


class Others(unittest.TestCase):
    def test_who_may_take_a_role(self):
        self.assertEqual(rules.of_trust(REFERENCE, trust(WHOLE)), [])
        more = {"StringEquals": WHOLE["StringEquals"] | {f"{CLAIM}:ref": "refs/heads/main", f"{CLAIM}:job_workflow_ref": "o/n/.github/workflows/deploy.yml@refs/heads/main"}}
        self.assertEqual(rules.of_trust(REFERENCE, trust(more)), [])
        for broken in [
            trust({"StringEquals": {f"{CLAIM}:aud": "sts.amazonaws.com"}}),
            trust({"StringEquals": WHOLE["StringEquals"] | {f"{CLAIM}:branch": "main"}}),
            trust({"StringLike": WHOLE["StringEquals"] | {f"{CLAIM}:sub": "repo:o/n:*"}}),
            trust({}, {"AWS": "*"}, "sts:AssumeRole"),
            trust(WHOLE, action="sts:AssumeRoleWithToken"),
        ]:
            self.assertEqual(len(rules.of_trust(REFERENCE, broken)), 1, broken)

    def test_a_buckets_policy_only_denies(self):
        deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
        self.assertEqual(rules.of_bucket(REFERENCE, {"Statement": [deny]}), [])
        self.assertEqual(len(rules.of_bucket(REFERENCE, {"Statement": [deny | {"Effect": "Allow"}]})), 1)

    def test_a_document_that_iam_would_not_take(self):
        self.assertEqual(rules.too_long(policy(["lambda:GetFunction"], [FUNCTION]), rules.MANAGED), [])
        self.assertEqual(len(rules.too_long(policy(["lambda:GetFunction"] * 400, [FUNCTION]), rules.MANAGED)), 1)

    def test_a_wildcard_stands_for_what_a_type_could_be(self):
        stage = {"arn": "arn:${Partition}:apigateway:${Region}::/restapis/${RestApiId}/stages/${StageName}"}
        api = {"arn": "arn:${Partition}:apigateway:${Region}::/restapis/${RestApiId}"}
        for resource, kind, expected in [
            (API, api, True),
            (API, stage, False),
            (f"{API}/stages/dev", api, False),
            (f"{API}/*", stage, True),
            (f"{API}/res*", stage, False),
            ("arn:aws:apigateway:us-east-1::/restapis/*", stage, True),
            ("arn:aws:apigateway:us-east-1::/restapis/*", api, True),
            ("arn:aws:apigateway:us-east-1::/restapis/", api, False),
            ("arn:aws:apigateway:us-east-1::/domainnames/*", api, False),
        ]:
            self.assertEqual(can_match(resource, kind), expected, resource)


if __name__ == "__main__":
    unittest.main()
