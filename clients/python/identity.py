"""Walks through IAM and STS with boto3: identity.py URL, in the mode iam. The environment holds the account's own key.
Fails with an assertion where an answer is not what AWS gives."""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint = sys.argv[1]


def client(service, keys=None):
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name="us-east-1",
        config=Config(retries={"max_attempts": 0}),
        **(keys or {}),
    )


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e
        return e.response["Error"]["Message"]
    raise AssertionError(f"{call} was not refused")


def keys(answer):
    return {
        "aws_access_key_id": answer["AccessKeyId"],
        "aws_secret_access_key": answer["SecretAccessKey"],
        "aws_session_token": answer.get("SessionToken"),
    }


iam, sts = client("iam"), client("sts")
me = sts.get_caller_identity()
assert me["Arn"] == f"arn:aws:iam::{me['Account']}:root", me

trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
role = iam.create_role(RoleName="worker", AssumeRolePolicyDocument=json.dumps(trust), Tags=[{"Key": "team", "Value": "a"}])["Role"]
assert role["RoleId"].startswith("AROA") and role["Path"] == "/" and "MaxSessionDuration" not in role, role
assert iam.get_role(RoleName="worker")["Role"]["MaxSessionDuration"] == 3600
assert iam.get_role(RoleName="worker")["Role"]["AssumeRolePolicyDocument"] == trust
assert refused("EntityAlreadyExists", iam.create_role, RoleName="worker", AssumeRolePolicyDocument=json.dumps(trust)) == "Role with name worker already exists."
assert refused("NoSuchEntity", iam.get_role, RoleName="nobody") == "The role with name nobody cannot be found."
assert refused("MalformedPolicyDocument", iam.create_role, RoleName="x", AssumeRolePolicyDocument="{") == "This policy contains invalid Json"
managed = "arn:aws:iam::aws:policy/service-role/AWSLambdaKinesisExecutionRole"
iam.attach_role_policy(RoleName="worker", PolicyArn=managed)
missing = "arn:aws:iam::aws:policy/Nothing"
assert refused("NoSuchEntity", iam.attach_role_policy, RoleName="worker", PolicyArn=missing) == f"Policy {missing} does not exist or is not attachable."
assert iam.list_attached_role_policies(RoleName="worker")["AttachedPolicies"] == [{"PolicyName": "AWSLambdaKinesisExecutionRole", "PolicyArn": managed}]
version = iam.get_policy(PolicyArn=managed)["Policy"]["DefaultVersionId"]
document = iam.get_policy_version(PolicyArn=managed, VersionId=version)["PolicyVersion"]["Document"]
assert "kinesis:SubscribeToShard" in document["Statement"][0]["Action"], document
assert refused("DeleteConflict", iam.delete_role, RoleName="worker") == "Cannot delete entity, must detach all policies first."
assert iam.list_instance_profiles_for_role(RoleName="worker")["InstanceProfiles"] == []
iam.get_waiter("role_exists").wait(RoleName="worker")

allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["kinesis:*", "sts:AssumeRole"], "Resource": "*"}]}
policy = iam.create_policy(PolicyName="streams", PolicyDocument=json.dumps(allow))["Policy"]
deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
assert iam.create_policy_version(PolicyArn=policy["Arn"], PolicyDocument=json.dumps(deny))["PolicyVersion"]["VersionId"] == "v2"
assert [v["VersionId"] for v in iam.list_policy_versions(PolicyArn=policy["Arn"])["Versions"]] == ["v2", "v1"]
iam.create_user(UserName="ann")
ann = keys(iam.create_access_key(UserName="ann")["AccessKey"])
kinesis = client("kinesis", ann)
text = refused("AccessDeniedException", kinesis.list_streams)
assert text == f"User: arn:aws:iam::{me['Account']}:user/ann is not authorized to perform: kinesis:ListStreams because no identity-based policy allows the kinesis:ListStreams action", text
iam.attach_user_policy(UserName="ann", PolicyArn=policy["Arn"])
kinesis.list_streams()
assert iam.list_entities_for_policy(PolicyArn=policy["Arn"])["PolicyUsers"][0]["UserName"] == "ann"
iam.set_default_policy_version(PolicyArn=policy["Arn"], VersionId="v2")
assert "explicit deny in an identity-based policy" in refused("AccessDeniedException", kinesis.list_streams)
iam.set_default_policy_version(PolicyArn=policy["Arn"], VersionId="v1")

assume = {"RoleArn": role["Arn"], "RoleSessionName": "job"}
assert refused("AccessDenied", client("sts", ann).assume_role, **assume).endswith(f"is not authorized to perform: sts:AssumeRole on resource: {role['Arn']}")
trust["Statement"].append({"Effect": "Allow", "Principal": {"AWS": me["Account"]}, "Action": "sts:AssumeRole"})
iam.update_assume_role_policy(RoleName="worker", PolicyDocument=json.dumps(trust))
session = client("sts", ann).assume_role(**assume)["Credentials"]
assert client("sts", keys(session)).get_caller_identity()["Arn"] == f"arn:aws:sts::{me['Account']}:assumed-role/worker/job"
client("kinesis", keys(session)).list_streams()
token = client("sts", ann).get_session_token(DurationSeconds=900)["Credentials"]
assert client("sts", keys(token)).get_caller_identity()["Arn"].endswith(":user/ann")
wrong = dict(ann, aws_secret_access_key="wrong")
refused("InvalidSignatureException", client("kinesis", wrong).list_streams)
refused("SignatureDoesNotMatch", client("sts", wrong).get_caller_identity)
refused("SignatureDoesNotMatch", client("s3", wrong).list_buckets)
refused("InvalidClientTokenId", client("sts", {"aws_access_key_id": "AKIANOBODYNOBODYNOBO", "aws_secret_access_key": "x"}).get_caller_identity)

for name in ("a", "b", "c"):
    iam.create_user(UserName="page-" + name)
pages = list(iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 1}))
assert [p["Users"][0]["UserName"] for p in pages] == ["ann", "page-a", "page-b", "page-c"], pages
iam.detach_role_policy(RoleName="worker", PolicyArn=managed)
iam.delete_role(RoleName="worker")
refused("UnrecognizedClientException", client("kinesis", keys(session)).list_streams)
print("walked")
