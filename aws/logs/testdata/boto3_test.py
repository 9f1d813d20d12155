"""Every operation through boto3, with its paginators. Called by TestBoto3 with the endpoint."""
import sys
import time

import boto3
from botocore.exceptions import ClientError

logs = boto3.client("logs", endpoint_url=sys.argv[1])
now = int(time.time() * 1000)


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e.response
        return e.response["Error"]["Message"]
    raise AssertionError("not refused with " + code)


for name in ["a", "b/1", "b/2"]:
    logs.create_log_group(logGroupName=name, tags={"team": "x"})
refused("ResourceAlreadyExistsException", logs.create_log_group, logGroupName="a")
pages = list(logs.get_paginator("describe_log_groups").paginate(PaginationConfig={"PageSize": 1}))
assert [g["logGroupName"] for p in pages for g in p["logGroups"]] == ["a", "b/1", "b/2"], pages
group = logs.describe_log_groups(logGroupNamePrefix="b/1")["logGroups"][0]
arn = group["arn"].removesuffix(":*")
logs.put_retention_policy(logGroupName="b/1", retentionInDays=3)
assert logs.describe_log_groups(logGroupNamePrefix="b/1")["logGroups"][0]["retentionInDays"] == 3
logs.delete_retention_policy(logGroupName="b/1")
logs.tag_resource(resourceArn=arn, tags={"k": "v"})
logs.untag_resource(resourceArn=arn, tagKeys=["team"])
assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"k": "v"}
assert logs.list_tags_log_group(logGroupName="b/1")["tags"] == {"k": "v"}

for i in range(120):
    logs.create_log_stream(logGroupName="a", logStreamName="s%03d" % i)
streams = [s["logStreamName"] for p in logs.get_paginator("describe_log_streams").paginate(logGroupName="a") for s in p["logStreams"]]
assert streams == ["s%03d" % i for i in range(120)], streams
for k in range(3):
    for i in range(5):
        logs.put_log_events(logGroupName="a", logStreamName="s%03d" % i, logEvents=[
            {"timestamp": now - 100000 + 1000 * k + 10 * j + i, "message": "%d %d %d ü\n" % (k, j, i)} for j in range(20)])
latest = logs.describe_log_streams(logGroupName="a", orderBy="LastEventTime", descending=True, limit=2)["logStreams"]
assert [s["logStreamName"] for s in latest] == ["s004", "s003"], latest
assert latest[0]["lastEventTimestamp"] == now - 100000 + 2000 + 190 + 4

pages = list(logs.get_paginator("filter_log_events").paginate(logGroupName="a", PaginationConfig={"PageSize": 37}))
events = [e for p in pages for e in p["events"]]
assert len(pages) == 9 and len(events) == 300 and len({e["eventId"] for e in events}) == 300, (len(pages), len(events))
assert events == sorted(events, key=lambda e: e["timestamp"])
found = logs.filter_log_events(logGroupName="a", logStreamNamePrefix="s00", filterPattern='[k=2, j>=19, i]')["events"]
assert [e["message"] for e in found] == ["2 19 %d ü\n" % i for i in range(5)], found

# As the CLI reads a stream to its end, and back.
token, seen = None, []
while True:
    page = logs.get_log_events(logGroupName="a", logStreamName="s001", startFromHead=True, limit=25, **({"nextToken": token} if token else {}))
    seen += page["events"]
    if page["nextForwardToken"] == token:
        break
    token = page["nextForwardToken"]
assert len(seen) == 60 and seen[-1]["message"] == "2 19 1 ü\n", seen
back = logs.get_log_events(logGroupName="a", logStreamName="s001", nextToken=page["nextBackwardToken"], limit=10)
assert back["events"] == seen[-10:], back
assert logs.get_log_events(logGroupName="a", logStreamName="s001", limit=10)["events"] == seen[-10:]

answer = logs.put_log_events(logGroupName="a", logStreamName="s000", logEvents=[{"timestamp": now + 10800000, "message": "x"}])
assert answer["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 0}, answer
message = refused("InvalidParameterException", logs.put_log_events, logGroupName="a", logStreamName="s000",
                  logEvents=[{"timestamp": now, "message": "x" * 1048551}])
assert message == "Upload too large: 1048577 bytes exceeds limit of 1048576", message
logs.put_log_events(logGroupName="a", logStreamName="s000", logEvents=[{"timestamp": now, "message": "x" * 1048550}])
refused("ResourceNotFoundException", logs.get_log_events, logGroupName="a", logStreamName="none")
refused("UnknownOperationException", logs.describe_subscription_filters, logGroupName="a")
logs.delete_log_stream(logGroupName="a", logStreamName="s000")
for name in ["a", "b/1", "b/2"]:
    logs.delete_log_group(logGroupName=name)
assert logs.describe_log_groups()["logGroups"] == []
print("ok")
