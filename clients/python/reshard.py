"""Splits, merges and counts shards with boto3 while it puts, reads all of it through parents and children, and sets what else a stream has:
reshard.py URL. Fails with an assertion where an answer is not what AWS gives."""

import sys
import time

import boto3
from botocore.config import Config

streams = boto3.client(
    "kinesis",
    endpoint_url=sys.argv[1],
    region_name="us-east-1",
    aws_access_key_id="123456789012",
    aws_secret_access_key="x",
    config=Config(retries={"max_attempts": 0}),
)
NAME = {"StreamName": "shards-py"}
KEYS = [f"key-{n}" for n in range(20)]
rounds = 0


def active():
    streams.get_waiter("stream_exists").wait(**NAME, WaiterConfig={"Delay": 0.05, "MaxAttempts": 600})


def put(n):
    """Puts n records of each key, those of a key one after the other."""
    global rounds
    for rounds in range(rounds, rounds + n):
        answer = streams.put_records(**NAME, Records=[{"PartitionKey": key, "Data": f"{key} {rounds}"} for key in KEYS])
        assert answer["FailedRecordCount"] == 0, answer
    rounds += 1


def shards(**more):
    """Follows the tokens alone: old paginators send the stream's name with them, which AWS refuses."""
    page = streams.list_shards(**NAME, **more)
    found = page["Shards"]
    while token := page.get("NextToken"):
        page = streams.list_shards(NextToken=token, MaxResults=2)
        found += page["Shards"]
    return found


def refuses(error, call, **arguments):
    try:
        call(**arguments)
    except error as e:
        return e.response["Error"]["Message"]
    raise AssertionError(f"{arguments} was taken")


streams.create_stream(**NAME, ShardCount=2)
active()
summary = streams.describe_stream_summary(**NAME)["StreamDescriptionSummary"]
assert summary["OpenShardCount"] == 2 and summary["RetentionPeriodHours"] == 24, summary
assert summary["EnhancedMonitoring"] == [{"ShardLevelMetrics": []}] and summary["EncryptionType"] == "NONE", summary

put(5)
streams.split_shard(**NAME, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**126))
active()
put(5)
streams.merge_shards(**NAME, ShardToMerge="shardId-000000000003", AdjacentShardToMerge="shardId-000000000001")
active()
put(5)
answer = streams.update_shard_count(**NAME, TargetShardCount=4, ScalingType="UNIFORM_SCALING")
assert answer["CurrentShardCount"] == 2 and answer["TargetShardCount"] == 4, answer
active()
put(5)
found = {s["ShardId"]: s for s in shards(MaxResults=3)}
assert list(found) == [f"shardId-{n:012}" for n in range(9)], found
assert [s["ShardId"] for s in shards(ShardFilter={"Type": "AT_LATEST"})] == [f"shardId-{n:012}" for n in range(5, 9)]
assert found["shardId-000000000004"]["ParentShardId"] == "shardId-000000000003", found
assert found["shardId-000000000004"]["AdjacentParentShardId"] == "shardId-000000000001", found
described = streams.get_paginator("describe_stream").paginate(**NAME, PaginationConfig={"PageSize": 4}).build_full_result()
assert described["StreamDescription"]["Shards"] == list(found.values()), described

# Parents to their end, then the children that the end names.
last = dict.fromkeys(KEYS, -1)
ready, done = ["shardId-000000000000", "shardId-000000000001"], set()
while ready:
    shard = ready.pop()
    iterator = streams.get_shard_iterator(**NAME, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    while iterator:
        page = streams.get_records(ShardIterator=iterator, Limit=30)
        for record in page["Records"]:
            key, number = record["Data"].decode().split()
            assert key == record["PartitionKey"] and int(number) == last[key] + 1, (shard, record, last[key])
            last[key] += 1
        iterator = page.get("NextShardIterator")
        assert (iterator is None) == ("ChildShards" in page), page
        if iterator and not page["Records"] and page["MillisBehindLatest"] == 0 and "EndingSequenceNumber" not in found[shard]["SequenceNumberRange"]:
            break  # the tip of an open shard
    done.add(shard)
    for child in page.get("ChildShards", []):
        if done.issuperset(child["ParentShards"]):
            ready.append(child["ShardId"])
assert set(last.values()) == {rounds - 1} and done == set(found), (last, done)
message = refuses(streams.exceptions.InvalidArgumentException, streams.split_shard, **NAME, ShardToSplit="shardId-000000000000", NewStartingHashKey="1000")
assert message == (
    "Shard shardId-000000000000 in stream shards-py under account 123456789012 has already been merged or split, and thus is not eligible for merging or splitting."
), message

# tags
streams.add_tags_to_stream(**NAME, Tags={"team": "größe", "stage": "test", "made": "here"})
streams.remove_tags_from_stream(**NAME, TagKeys=["made", "never"])
assert streams.list_tags_for_stream(**NAME)["Tags"] == [{"Key": "stage", "Value": "test"}, {"Key": "team", "Value": "größe"}]

# retention
streams.increase_stream_retention_period(**NAME, RetentionPeriodHours=72)
refuses(streams.exceptions.InvalidArgumentException, streams.increase_stream_retention_period, **NAME, RetentionPeriodHours=48)
streams.decrease_stream_retention_period(**NAME, RetentionPeriodHours=48)
active()
assert streams.describe_stream_summary(**NAME)["StreamDescriptionSummary"]["RetentionPeriodHours"] == 48
message = refuses(streams.exceptions.InvalidArgumentException, streams.decrease_stream_retention_period, **NAME, RetentionPeriodHours=1)
assert message == "Minimum allowed retention period is 24 hours. Requested retention period (1 hours) is too short.", message

streams.delete_stream(**NAME)
streams.get_waiter("stream_not_exists").wait(**NAME, WaiterConfig={"Delay": 0.05, "MaxAttempts": 600})
print("walked")
