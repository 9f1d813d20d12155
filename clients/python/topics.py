"""Walks through topics with boto3: topics.py URL. Fails with an assertion where an answer is not what AWS gives."""

import http.server
import json
import queue
import sys
import threading
import urllib.request

import boto3
from botocore.config import Config

options = dict(
    endpoint_url=sys.argv[1],
    region_name="us-east-1",
    aws_access_key_id="123456789012",
    aws_secret_access_key="x",
    config=Config(retries={"max_attempts": 0}),
)
sns = boto3.client("sns", **options)
sqs = boto3.client("sqs", **options)


def make_queue(name, **attributes):
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def drain(url, wanted):
    found = []
    while len(found) < wanted:
        answer = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=10, MessageAttributeNames=["All"]
        )
        assert answer.get("Messages"), (url, found)
        for m in answer["Messages"]:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
            found.append(m)
    assert "Messages" not in sqs.receive_message(QueueUrl=url), url
    return found


def refused(kind, call, **arguments):
    try:
        call(**arguments)
    except getattr(sns.exceptions, kind) as e:
        return e.response["Error"]["Message"]
    raise AssertionError(f"{call} took {arguments}")


def text(value, kind="String"):
    return {"DataType": kind, "StringValue": value}


# fan-out with filters, raw and in the envelope
topic = sns.create_topic(Name="orders", Tags=[{"Key": "env", "Value": "test"}])["TopicArn"]
all_url, all_arn = make_queue("all")
sales_url, sales_arn = make_queue("sales")
gold_url, gold_arn = make_queue("gold")
sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=all_arn)
sales = sns.subscribe(
    TopicArn=topic,
    Protocol="sqs",
    Endpoint=sales_arn,
    Attributes={"RawMessageDelivery": "true", "FilterPolicy": json.dumps({"kind": ["sale"], "price": [{"numeric": [">=", 10]}]})},
    ReturnSubscriptionArn=True,
)["SubscriptionArn"]
sns.subscribe(
    TopicArn=topic,
    Protocol="sqs",
    Endpoint=gold_arn,
    Attributes={"FilterPolicyScope": "MessageBody", "FilterPolicy": json.dumps({"customer": {"grade": [{"prefix": "go"}]}})},
)
sns.publish(TopicArn=topic, Message="cheap", MessageAttributes={"kind": text("sale"), "price": text("9.99", "Number")})
sns.publish(TopicArn=topic, Message="dear", Subject="Look", MessageAttributes={"kind": text("sale"), "price": text("10", "Number")})
answer = sns.publish_batch(
    TopicArn=topic,
    PublishBatchRequestEntries=[
        {"Id": "a", "Message": json.dumps({"customer": {"grade": "gold"}})},
        {"Id": "b", "Message": json.dumps({"default": "d", "sqs": "for queues"}), "MessageStructure": "json"},
    ],
)
assert [e["Id"] for e in answer["Successful"]] == ["a", "b"] and not answer["Failed"], answer
messages = [json.loads(m["Body"]) for m in drain(all_url, 4)]
assert {m["Message"] for m in messages} == {"cheap", "dear", '{"customer": {"grade": "gold"}}', "for queues"}, messages
assert [m["Subject"] for m in messages if "Subject" in m] == ["Look"], messages
(raw,) = drain(sales_url, 1)
assert raw["Body"] == "dear" and raw["MessageAttributes"]["price"] == text("10", "Number"), raw
(gold,) = drain(gold_url, 1)
assert json.loads(gold["Body"])["Type"] == "Notification", gold

shown = sns.get_subscription_attributes(SubscriptionArn=sales)["Attributes"]
assert shown["FilterPolicyScope"] == "MessageAttributes" and shown["PendingConfirmation"] == "false", shown
said = refused("InvalidParameterException", sns.set_subscription_attributes, SubscriptionArn=sales, AttributeName="FilterPolicy", AttributeValue='{"a":{"b":["c"]}}')
assert said == "Invalid parameter: Filter policy scope MessageAttributes does not support nested filter policy", said

# a dead-letter queue
dead_url, dead_arn = make_queue("dead")
gone_url, gone_arn = make_queue("gone")
sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=gone_arn, Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": dead_arn})})
sqs.delete_queue(QueueUrl=gone_url)
sns.publish(TopicArn=topic, Message="late")
assert json.loads(drain(dead_url, 1)[0]["Body"])["Message"] == "late"


# a web server, which confirms
class Subscriber(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        posts.put((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"])).decode()))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


posts = queue.Queue()
web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Subscriber)
threading.Thread(target=web.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{web.server_port}/"
answer = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=address)
assert answer["SubscriptionArn"] == "pending confirmation", answer
headers, body = posts.get(timeout=30)
request = json.loads(body)
assert headers["x-amz-sns-message-type" if "x-amz-sns-message-type" in headers else "X-Amz-Sns-Message-Type"] == request["Type"] == "SubscriptionConfirmation"
pending = [s for s in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] if s["Protocol"] == "http"]
assert pending[0]["SubscriptionArn"] == "PendingConfirmation", pending
assert refused("InvalidParameterException", sns.confirm_subscription, TopicArn=topic, Token="0") == "Invalid parameter: Token"
with urllib.request.urlopen(request["SubscribeURL"]) as confirmed:
    assert "ConfirmSubscriptionResponse" in confirmed.read().decode()
again = sns.confirm_subscription(TopicArn=topic, Token=request["Token"])
sns.publish(TopicArn=topic, Message="to the web")
headers, body = posts.get(timeout=30)
message = json.loads(body)
assert message["Message"] == "to the web", message
with urllib.request.urlopen(message["SigningCertURL"]) as certificate:
    assert certificate.read().startswith(b"-----BEGIN CERTIFICATE-----")
sns.unsubscribe(SubscriptionArn=again["SubscriptionArn"])

# a FIFO topic
fifo = sns.create_topic(Name="orders.fifo", Attributes={"FifoTopic": "true", "ContentBasedDeduplication": "true"})["TopicArn"]
line_url, line_arn = make_queue("line.fifo", FifoQueue="true")
sns.subscribe(TopicArn=fifo, Protocol="sqs", Endpoint=line_arn, Attributes={"RawMessageDelivery": "true"})
numbers = [sns.publish(TopicArn=fifo, Message=m, MessageGroupId="g")["SequenceNumber"] for m in ("1", "2", "1", "3")]
assert numbers[0] == numbers[2] < numbers[1] < numbers[3], numbers
assert [m["Body"] for m in drain(line_url, 3)] == ["1", "2", "3"]

# tags, permissions, the end
assert sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == [{"Key": "env", "Value": "test"}]
sns.tag_resource(ResourceArn=topic, Tags=[{"Key": "a", "Value": "b"}])
sns.untag_resource(ResourceArn=topic, TagKeys=["env"])
assert sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == [{"Key": "a", "Value": "b"}]
sns.add_permission(TopicArn=topic, Label="others", AWSAccountId=["111111111111"], ActionName=["Publish"])
assert "others" in sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"]
sns.remove_permission(TopicArn=topic, Label="others")
sns.delete_topic(TopicArn=topic)
refused("NotFoundException", sns.publish, TopicArn=topic, Message="x")
print("walked")
