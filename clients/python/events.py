"""Walks over asynchronous invocation, destinations, dead letters, layers and code from a bucket with boto3: events.py URL.
Fails with an assertion where an answer is not what AWS gives."""

import io
import json
import sys
import time
import urllib.request
import zipfile

import boto3
from botocore.config import Config


def client(service):
    return boto3.client(
        service,
        endpoint_url=sys.argv[1],
        region_name="us-east-1",
        aws_access_key_id="123456789012",
        aws_secret_access_key="x",
        config=Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}),
    )


functions, queues, buckets, topics = client("lambda"), client("sqs"), client("s3"), client("sns")
runtime = "python3.%d" % sys.version_info.minor
role = "arn:aws:iam::123456789012:role/r"


def archive(**files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        for name, text in files.items():
            z.writestr(name.replace("__", "/") + ".py", text)
    return out.getvalue()


def queue(name):
    return queues.create_queue(QueueName=name)["QueueUrl"], "arn:aws:sqs:us-east-1:123456789012:" + name


def receive(url):
    for _ in range(60):
        for m in queues.receive_message(QueueUrl=url, WaitTimeSeconds=1, MessageAttributeNames=["All"]).get("Messages", []):
            queues.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
            return m
    raise AssertionError("nothing came to " + url)


# a layer, whose module the function uses, and code from a bucket
one = functions.publish_layer_version(LayerName="words", Content={"ZipFile": archive(python__words="word = 'one'")}, CompatibleRuntimes=[runtime])
two = functions.publish_layer_version(LayerName="more", Content={"ZipFile": archive(python__words="word = 'two'")})
assert one["Version"] == 1 and one["LayerVersionArn"].endswith(":layer:words:1"), one
with urllib.request.urlopen(functions.get_layer_version(LayerName="words", VersionNumber=1)["Content"]["Location"]) as answer:
    assert len(answer.read()) == one["Content"]["CodeSize"]
assert [x["LayerName"] for x in functions.list_layers(CompatibleRuntime=runtime)["Layers"]] == ["words"]

code = "import words\ndef handler(event, context):\n    if event.get('fail'):\n        raise ValueError('no ' + words.word)\n    return words.word\n"
buckets.create_bucket(Bucket="code")
buckets.put_object(Bucket="code", Key="f.zip", Body=archive(index=code))
told_url, told = queue("told")
dead_url, dead = queue("dead")
functions.create_function(
    FunctionName="f", Role=role, Runtime=runtime, Handler="index.handler", Timeout=30, Code={"S3Bucket": "code", "S3Key": "f.zip"},
    Layers=[one["LayerVersionArn"], two["LayerVersionArn"]], DeadLetterConfig={"TargetArn": dead},
)
functions.get_waiter("function_active_v2").wait(FunctionName="f", WaiterConfig={"Delay": 0.05, "MaxAttempts": 600})
assert json.load(functions.invoke(FunctionName="f")["Payload"]) == "two"
functions.delete_layer_version(LayerName="more", VersionNumber=1)

# events
config = functions.put_function_event_invoke_config(
    FunctionName="f", MaximumRetryAttempts=0, MaximumEventAgeInSeconds=60,
    DestinationConfig={"OnSuccess": {"Destination": told}, "OnFailure": {"Destination": told}},
)
assert config["FunctionArn"].endswith(":function:f:$LATEST") and config["MaximumRetryAttempts"] == 0, config
answer = functions.invoke(FunctionName="f", InvocationType="Event", Payload=b'{"n": 1}')
assert answer["StatusCode"] == 202 and answer["Payload"].read() == b"" and "ExecutedVersion" not in answer, answer
document = json.loads(receive(told_url)["Body"])
assert document["requestContext"]["condition"] == "Success" and document["responsePayload"] == "two", document
assert document["requestPayload"] == {"n": 1} and document["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST"}, document
assert document["requestContext"]["requestId"] == answer["ResponseMetadata"]["RequestId"], document

assert functions.invoke_async(FunctionName="f", InvokeArgs=b'{"fail": true}')["Status"] == 202
document = json.loads(receive(told_url)["Body"])
assert document["requestContext"]["condition"] == "RetriesExhausted" and document["responsePayload"]["errorMessage"] == "no two", document
letter = receive(dead_url)
assert json.loads(letter["Body"]) == {"fail": True}, letter
attributes = {name: (a["DataType"], a["StringValue"]) for name, a in letter["MessageAttributes"].items()}
assert attributes["ErrorCode"] == ("Number", "200") and attributes["ErrorMessage"] == ("String", "no two"), attributes
assert attributes["RequestID"] == ("String", document["requestContext"]["requestId"]), attributes

# to a topic, and failures to a bucket
topic = topics.create_topic(Name="topic")["TopicArn"]
heard_url, heard = queue("heard")
topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=heard)
buckets.create_bucket(Bucket="failures")
functions.update_function_event_invoke_config(
    FunctionName="f", DestinationConfig={"OnSuccess": {"Destination": topic}, "OnFailure": {"Destination": "arn:aws:s3:::failures"}}
)
functions.invoke(FunctionName="f", InvocationType="Event")
assert json.loads(json.loads(receive(heard_url)["Body"])["Message"])["responsePayload"] == "two"
functions.invoke(FunctionName="f", InvocationType="Event", Payload=b'{"fail": true}')
for _ in range(600):
    found = buckets.list_objects_v2(Bucket="failures").get("Contents", [])
    if found:
        break
    time.sleep(0.1)
assert found and found[0]["Key"].startswith("aws/lambda/async/f/"), found
assert json.load(buckets.get_object(Bucket="failures", Key=found[0]["Key"])["Body"])["requestContext"]["condition"] == "RetriesExhausted"

functions.delete_function_event_invoke_config(FunctionName="f")
try:
    functions.get_function_event_invoke_config(FunctionName="f")
    raise SystemExit("the configuration is still there")
except functions.exceptions.ResourceNotFoundException as e:
    assert "doesn't have an EventInvokeConfig" in e.response["Error"]["Message"], e.response
print("walked")
