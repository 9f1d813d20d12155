"""Reads a shard through enhanced fan-out with boto3: fanout.py URL. Fails with an assertion where an answer is not what AWS gives."""

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


def until(what, ready):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        got = ready()
        if got:
            return got
        time.sleep(0.02)
    raise AssertionError(f"waited in vain until {what}")


def put(*records):
    for data in records:
        streams.put_record(StreamName="fan-py", PartitionKey="a", Data=data)


def register(name):
    consumer = streams.register_stream_consumer(StreamARN=arn, ConsumerName=name)["Consumer"]
    assert consumer["ConsumerStatus"] == "CREATING", consumer
    seconds = int(consumer["ConsumerCreationTimestamp"].timestamp())
    assert consumer["ConsumerARN"] == f"{arn}/consumer/{name}:{seconds}", consumer
    until(
        "the consumer is active",
        lambda: streams.describe_stream_consumer(ConsumerARN=consumer["ConsumerARN"])["ConsumerDescription"]["ConsumerStatus"] == "ACTIVE",
    )
    return consumer["ConsumerARN"]


def subscribe(consumer, **position):
    return streams.subscribe_to_shard(ConsumerARN=consumer, ShardId="shardId-000000000000", StartingPosition=position)["EventStream"]


streams.create_stream(StreamName="fan-py", ShardCount=1)
arn = until(
    "the stream is active",
    lambda: (s := streams.describe_stream_summary(StreamName="fan-py")["StreamDescriptionSummary"])["StreamStatus"] == "ACTIVE" and s["StreamARN"],
)
first, second = register("first"), register("second")
assert [c["ConsumerName"] for c in streams.list_stream_consumers(StreamARN=arn)["Consumers"]] == ["first", "second"]

# What was put before and what is put meanwhile, each with a number that goes on after it.
put(b"before")
events = subscribe(first, Type="TRIM_HORIZON")
seen, numbers = [], []
for event in events:
    event = event["SubscribeToShardEvent"]
    assert "ChildShards" not in event and event["MillisBehindLatest"] == 0, event
    numbers.append(event["ContinuationSequenceNumber"])
    for record in event["Records"]:
        assert int(record["SequenceNumber"]) < int(numbers[-1]), event
        assert record["PartitionKey"] == "a" and "EncryptionType" not in record, record
        seen.append(record["Data"])
    if len(seen) == 1:
        put("grüß dich".encode())
    elif len(seen) == 2:
        put(bytes(range(256)))
    else:
        break
assert seen == [b"before", "grüß dich".encode(), bytes(range(256))], seen
assert numbers == sorted(set(numbers), key=int) and len(numbers) >= 3, numbers

# At once again is too early.
try:
    subscribe(first, Type="LATEST")
    raise AssertionError("a second subscription was given")
except streams.exceptions.ResourceInUseException as e:
    assert e.response["Error"]["Message"] == "Another active subscription exists for this consumer: 123456789012:fan-py:shardId-000000000000:first", e

# Another consumer goes on from there.
events.close()
put(b"after")
events = subscribe(second, Type="AFTER_SEQUENCE_NUMBER", SequenceNumber=numbers[-1])
event = next(iter(events))["SubscribeToShardEvent"]
assert [r["Data"] for r in event["Records"]] == [b"after"], event

# An idle subscription says so after five seconds.
begun = time.monotonic()
idle = next(iter(events))["SubscribeToShardEvent"]
assert idle["Records"] == [] and int(idle["ContinuationSequenceNumber"]) > int(event["ContinuationSequenceNumber"]), idle
assert time.monotonic() - begun > 4, "an idle event came at once"

# A shard that is split ends with its children, after the last of its records.
streams.split_shard(StreamName="fan-py", ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127))
until("the shard is split", lambda: len(streams.list_shards(StreamName="fan-py")["Shards"]) == 3)
rest = [e["SubscribeToShardEvent"] for e in events]
assert all("ChildShards" not in e and "ContinuationSequenceNumber" in e for e in rest[:-1]), rest
assert "ContinuationSequenceNumber" not in rest[-1] and rest[-1]["Records"] == [], rest
assert [(c["ShardId"], c["ParentShards"]) for c in rest[-1]["ChildShards"]] == [
    ("shardId-000000000001", ["shardId-000000000000"]),
    ("shardId-000000000002", ["shardId-000000000000"]),
], rest
events = streams.subscribe_to_shard(ConsumerARN=second, ShardId="shardId-000000000001", StartingPosition={"Type": "TRIM_HORIZON"})["EventStream"]
put(b"child")
event = next(iter(events))["SubscribeToShardEvent"]
assert [r["Data"] for r in event["Records"]] == [b"child"], event

# Consumers hold their stream; it takes them along if it is told to.
try:
    streams.delete_stream(StreamName="fan-py")
    raise AssertionError("a stream with consumers was deleted")
except streams.exceptions.ResourceInUseException:
    pass
streams.deregister_stream_consumer(StreamARN=arn, ConsumerName="first")
streams.delete_stream(StreamName="fan-py", EnforceConsumerDeletion=True)
try:
    list(events)
    raise AssertionError("the subscription to a deleted stream ended well")
except Exception as e:
    assert e.response["Error"]["Code"] == "ResourceNotFoundException", e
print("walked")
