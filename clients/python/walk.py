"""Walks through the server with boto3: walk.py URL FUNCTION_ZIP. Fails with an assertion where an answer is not what AWS gives."""

import base64
import json
import sys
import time

import boto3
from botocore.config import Config

endpoint, archive = sys.argv[1:]


def client(service):
    return boto3.client(
        service,
        endpoint_url=endpoint,
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


streams, functions, queues = client("kinesis"), client("lambda"), client("sqs")

# streams
streams.create_stream(StreamName="py", ShardCount=2)
until(
    "the stream is active",
    lambda: streams.describe_stream_summary(StreamName="py")["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE",
)
stream = streams.describe_stream(StreamName="py")["StreamDescription"]
assert stream["StreamARN"] == "arn:aws:kinesis:us-east-1:123456789012:stream/py", stream
assert len(stream["Shards"]) == 2
put = streams.put_record(StreamName="py", PartitionKey="a", Data="grüß dich".encode())
many = streams.put_records(StreamName="py", Records=[{"PartitionKey": "a", "Data": bytes([n])} for n in range(50)])
assert many["FailedRecordCount"] == 0
assert all("EncryptionType" not in r for r in many["Records"])
iterator = streams.get_shard_iterator(
    StreamName="py", ShardId=put["ShardId"], ShardIteratorType="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=put["SequenceNumber"]
)["ShardIterator"]
got = streams.get_records(ShardIterator=iterator)
assert [r["Data"] for r in got["Records"]] == [bytes([n]) for n in range(50)], got
assert got["MillisBehindLatest"] == 0
assert got["Records"][0]["ApproximateArrivalTimestamp"].timestamp() <= time.time() + 1
try:
    streams.put_record(StreamName="none", PartitionKey="a", Data=b"")
    raise AssertionError("a put to no stream was taken")
except streams.exceptions.ResourceNotFoundException as e:
    assert e.response["Error"]["Message"] == "Stream none under account 123456789012 not found.", e.response

# functions
runtime = "python3.%d" % sys.version_info.minor
with open(archive, "rb") as f:
    functions.create_function(
        FunctionName="py",
        Role="arn:aws:iam::123456789012:role/r",
        Runtime=runtime,
        Handler="index.handler",
        Timeout=10,
        Code={"ZipFile": f.read()},
        Environment={"Variables": {"GREETING": "hello"}},
    )
functions.get_waiter("function_active_v2").wait(FunctionName="py", WaiterConfig={"Delay": 1, "MaxAttempts": 30})
answer = functions.invoke(FunctionName="py", Payload=json.dumps({"name": "wörld"}), LogType="Tail")
assert answer["StatusCode"] == 200 and "FunctionError" not in answer, answer
assert json.load(answer["Payload"]) == {"said": "hello wörld"}
assert "REPORT RequestId: " in base64.b64decode(answer["LogResult"]).decode()
failed = functions.invoke(FunctionName="py", Payload=b'{"fail":true}')
assert failed["FunctionError"] == "Unhandled"
error = json.load(failed["Payload"])
assert error["errorMessage"] == "told to fail" and error["errorType"] == "RuntimeError", error
try:
    functions.get_function(FunctionName="none")
    raise AssertionError("there is no such function")
except functions.exceptions.ResourceNotFoundException as e:
    assert e.response["Error"]["Message"] == "Function not found: arn:aws:lambda:us-east-1:123456789012:function:none", e.response

# a queue, and a mapping whose failures end there
url = queues.create_queue(QueueName="py", Attributes={"VisibilityTimeout": "5"})["QueueUrl"]
arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]["QueueArn"]
mapping = functions.create_event_source_mapping(
    EventSourceArn=stream["StreamARN"],
    FunctionName="py",
    StartingPosition="TRIM_HORIZON",
    MaximumRetryAttempts=0,
    DestinationConfig={"OnFailure": {"Destination": arn}},
)
assert mapping["State"] == "Creating", mapping
messages = until(
    "a failure document arrives", lambda: queues.receive_message(QueueUrl=url, WaitTimeSeconds=5).get("Messages")
)
document = json.loads(messages[0]["Body"])
assert document["requestContext"]["condition"] == "RetryAttemptsExhausted", document
assert document["KinesisBatchInfo"]["streamArn"] == stream["StreamARN"]
queues.delete_message(QueueUrl=url, ReceiptHandle=messages[0]["ReceiptHandle"])
try:
    functions.create_event_source_mapping(EventSourceArn=stream["StreamARN"], FunctionName="py", StartingPosition="LATEST")
    raise AssertionError("a second mapping of the same pair was taken")
except functions.exceptions.ResourceConflictException as e:
    assert mapping["UUID"] in e.response["Error"]["Message"], e.response

functions.delete_event_source_mapping(UUID=mapping["UUID"])
functions.delete_function(FunctionName="py")
streams.delete_stream(StreamName="py")
queues.delete_queue(QueueUrl=url)
print("walked")
