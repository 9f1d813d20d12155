"""Walks over versions, aliases, permissions and concurrency with boto3: versions.py URL. Fails with an assertion where an
answer is not what AWS gives."""

import io
import json
import sys
import zipfile

import boto3
from botocore.config import Config

functions = boto3.client(
    "lambda",
    endpoint_url=sys.argv[1],
    region_name="us-east-1",
    aws_access_key_id="123456789012",
    aws_secret_access_key="x",
    config=Config(retries={"max_attempts": 0}),
)
name = "orders"
arn = "arn:aws:lambda:us-east-1:123456789012:function:" + name
often = {"Delay": 0.05, "MaxAttempts": 600}


def code(says):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("index.py", f"def handler(event, context):\n    return [{says!r}, context.function_version, context.invoked_function_arn]\n")
    return out.getvalue()


def invoke(qualifier=None, **more):
    if qualifier:
        more["Qualifier"] = qualifier
    answer = functions.invoke(FunctionName=name, **more)
    said = json.load(answer["Payload"])
    assert answer["ExecutedVersion"] == said[1], (answer["ExecutedVersion"], said)
    return said


def refused(kind, call, **arguments):
    try:
        call(FunctionName=name, **arguments)
    except getattr(functions.exceptions, kind) as e:
        return e.response
    raise AssertionError(f"{call} took {arguments}")


# versions
created = functions.create_function(
    FunctionName=name,
    Role="arn:aws:iam::123456789012:role/r",
    Runtime="python3.%d" % sys.version_info.minor,
    Handler="index.handler",
    Timeout=10,
    Code={"ZipFile": code("one")},
    Publish=True,
    Tags={"env": "test"},
)
assert (created["Version"], created["State"]) == ("1", "Pending"), created
functions.get_waiter("function_exists").wait(FunctionName=name, WaiterConfig=often)
functions.get_waiter("function_active").wait(FunctionName=name, WaiterConfig=often)
functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig=often)
functions.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="1", WaiterConfig=often)
updated = functions.update_function_code(FunctionName=name, ZipFile=code("two"), Publish=True)
assert updated["FunctionArn"] == arn + ":2", updated
functions.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="2", WaiterConfig=often)
functions.get_waiter("function_updated").wait(FunctionName=name, WaiterConfig=often)
functions.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=often)
assert functions.publish_version(FunctionName=name)["Version"] == "2", "nothing had changed"
pages = functions.get_paginator("list_versions_by_function").paginate(FunctionName=name, PaginationConfig={"PageSize": 1})
assert [v["Version"] for page in pages for v in page["Versions"]] == ["$LATEST", "1", "2"]
pages = functions.get_paginator("list_functions").paginate(FunctionVersion="ALL", PaginationConfig={"PageSize": 2})
assert [f["Version"] for page in pages for f in page["Functions"]] == ["$LATEST", "1", "2"]
assert invoke() == ["two", "$LATEST", arn]
assert invoke("1") == ["one", "1", arn + ":1"]
assert invoke("2") == ["two", "2", arn + ":2"]

# aliases
alias = functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
assert alias["AliasArn"] == arn + ":live" and "RoutingConfig" not in alias, alias
assert invoke("live") == ["one", "1", arn + ":live"]
functions.update_alias(FunctionName=name, Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}}, RevisionId=alias["RevisionId"])
shares = [invoke("live")[1] for _ in range(64)]
assert set(shares) == {"1", "2"}, shares
refused("PreconditionFailedException", functions.update_alias, Name="live", Description="x", RevisionId=alias["RevisionId"])
refused("ResourceConflictException", functions.delete_function, Qualifier="1")
functions.update_alias(FunctionName=name, Name="live", FunctionVersion="2", RoutingConfig={})
assert invoke("live") == ["two", "2", arn + ":live"]
assert [a["Name"] for page in functions.get_paginator("list_aliases").paginate(FunctionName=name) for a in page["Aliases"]] == ["live"]
functions.delete_function(FunctionName=name, Qualifier="1")
refused("ResourceNotFoundException", functions.invoke, Qualifier="1")

# permissions
statement = json.loads(
    functions.add_permission(
        FunctionName=name, Qualifier="live", StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com", SourceArn="arn:aws:s3:::b"
    )["Statement"]
)
policy = functions.get_policy(FunctionName=name, Qualifier="live")
assert json.loads(policy["Policy"])["Statement"] == [statement], policy
assert statement["Resource"] == arn + ":live", statement
refused("ResourceNotFoundException", functions.get_policy)
functions.remove_permission(FunctionName=name, Qualifier="live", StatementId="s3", RevisionId=policy["RevisionId"])
refused("ResourceNotFoundException", functions.get_policy, Qualifier="live")

# concurrency
functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
throttled = refused("TooManyRequestsException", functions.invoke, Qualifier="live")
assert throttled["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded", throttled
functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=100)
assert functions.get_function(FunctionName=name)["Concurrency"] == {"ReservedConcurrentExecutions": 100}
refused("InvalidParameterValueException", functions.put_function_concurrency, ReservedConcurrentExecutions=901)
settings = functions.get_account_settings()
assert settings["AccountLimit"]["UnreservedConcurrentExecutions"] == 900, settings
assert settings["AccountUsage"]["FunctionCount"] == 1, settings
functions.delete_function_concurrency(FunctionName=name)
assert "ReservedConcurrentExecutions" not in functions.get_function_concurrency(FunctionName=name)
assert invoke("live")[0] == "two"

# company
assert functions.list_tags(Resource=arn)["Tags"] == {"env": "test"}
assert functions.list_provisioned_concurrency_configs(FunctionName=name)["ProvisionedConcurrencyConfigs"] == []
functions.delete_function(FunctionName=name)
refused("ResourceNotFoundException", functions.get_function)
refused("ResourceNotFoundException", functions.get_alias, Name="live")
print("walked")
