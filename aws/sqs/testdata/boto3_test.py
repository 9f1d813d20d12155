"""Every operation through boto3, which checks the digests of what it sends. Called by TestBoto3 with the endpoint."""
import sys

import boto3
from botocore.exceptions import ClientError

sqs = boto3.client("sqs", endpoint_url=sys.argv[1])


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e.response
        return e.response
    raise AssertionError("not refused with " + code)


url = sqs.create_queue(QueueName="orders", Attributes={"DelaySeconds": "0"})["QueueUrl"]
assert url == sys.argv[1] + "/000000000000/orders", url
assert sqs.get_queue_url(QueueName="orders")["QueueUrl"] == url
assert sqs.list_queues(QueueNamePrefix="ord")["QueueUrls"] == [url]
assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix="none")

attributes = {
    "text": {"DataType": "String", "StringValue": "ä"},
    "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
}
sent = sqs.send_message(QueueUrl=url, MessageBody='"&quot;\r\n<ä>', MessageAttributes=attributes)
batch = sqs.send_message_batch(QueueUrl=url, Entries=[
    {"Id": "1", "MessageBody": "one", "MessageAttributes": attributes},
    {"Id": "2", "MessageBody": "two"},
])
assert [e["Id"] for e in batch["Successful"]] == ["1", "2"] and "Failed" not in batch, batch

got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=20, AttributeNames=["All"],
                          MessageAttributeNames=["All"])["Messages"]
assert [m["Body"] for m in got] == ['"&quot;\r\n<ä>', "one", "two"], got
assert got[0]["MessageId"] == sent["MessageId"] and got[0]["MessageAttributes"] == attributes, got
assert got[0]["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"], got
assert got[0]["Attributes"]["ApproximateReceiveCount"] == "1", got
assert "Messages" not in sqs.receive_message(QueueUrl=url)

sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=got[0]["ReceiptHandle"], VisibilityTimeout=0)
again = sqs.receive_message(QueueUrl=url)["Messages"][0]
assert again["MessageId"] == sent["MessageId"], again
changed = sqs.change_message_visibility_batch(QueueUrl=url, Entries=[
    {"Id": "1", "ReceiptHandle": got[1]["ReceiptHandle"], "VisibilityTimeout": 60},
    {"Id": "2", "ReceiptHandle": "garbage", "VisibilityTimeout": 60},
])
assert [e["Code"] for e in changed["Failed"]] == ["ReceiptHandleIsInvalid"], changed
sqs.delete_message(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"])
deleted = sqs.delete_message_batch(QueueUrl=url, Entries=[
    {"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(got)])
assert len(deleted["Successful"]) == 3, deleted

sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "7"})
all_attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
assert all_attributes["VisibilityTimeout"] == "7", all_attributes
assert all_attributes["ApproximateNumberOfMessages"] == "0", all_attributes
assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=url)

refused("InvalidAttributeName", sqs.get_queue_attributes, QueueUrl=url, AttributeNames=["FifoQueue"])
refused("QueueAlreadyExists", sqs.create_queue, QueueName="orders", Attributes={"VisibilityTimeout": "8"})
refused("AWS.SimpleQueueService.TooManyEntriesInBatchRequest", sqs.send_message_batch, QueueUrl=url,
        Entries=[{"Id": str(i), "MessageBody": "x"} for i in range(11)])
sqs.purge_queue(QueueUrl=url)
purged = refused("AWS.SimpleQueueService.PurgeQueueInProgress", sqs.purge_queue, QueueUrl=url)
assert purged["ResponseMetadata"]["HTTPStatusCode"] == 403, purged
sqs.delete_queue(QueueUrl=url)
refused("AWS.SimpleQueueService.NonExistentQueue", sqs.get_queue_url, QueueName="orders")

# A FIFO queue whose poison goes to a dead-letter queue, and from there back.
dead = sqs.create_queue(QueueName="dead.fifo", Attributes={"FifoQueue": "true"}, tags={"team": "a"})["QueueUrl"]
dead_arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
line = sqs.create_queue(QueueName="line.fifo", Attributes={
    "FifoQueue": "true", "ContentBasedDeduplication": "true", "VisibilityTimeout": "0",
    "RedrivePolicy": '{"deadLetterTargetArn":"%s","maxReceiveCount":"1"}' % dead_arn,
})["QueueUrl"]
assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [line]
first = sqs.send_message(QueueUrl=line, MessageBody="poison", MessageGroupId="g")
twin = sqs.send_message(QueueUrl=line, MessageBody="poison", MessageGroupId="g")
assert first["MessageId"] == twin["MessageId"] and first["SequenceNumber"] == twin["SequenceNumber"], (first, twin)
refused("MissingParameter", sqs.send_message, QueueUrl=line, MessageBody="x")
got = sqs.receive_message(QueueUrl=line, AttributeNames=["All"], MaxNumberOfMessages=10)["Messages"]
assert len(got) == 1 and got[0]["Attributes"]["SequenceNumber"] == first["SequenceNumber"], got
refused("InvalidParameterValue", sqs.delete_message, QueueUrl=line, ReceiptHandle=got[0]["ReceiptHandle"])
assert "Messages" not in sqs.receive_message(QueueUrl=line)
letter = sqs.receive_message(QueueUrl=dead, AttributeNames=["All"], VisibilityTimeout=0)["Messages"][0]
assert letter["MessageId"] == first["MessageId"] and letter["Attributes"]["DeadLetterQueueSourceArn"].endswith(":line.fifo"), letter
if hasattr(sqs, "start_message_move_task"):  # older ones do not have it
    sqs.start_message_move_task(SourceArn=dead_arn)
    back = sqs.receive_message(QueueUrl=line, WaitTimeSeconds=20)["Messages"][0]
    assert back["Body"] == "poison" and back["MessageId"] != first["MessageId"], back
    while (task := sqs.list_message_move_tasks(SourceArn=dead_arn)["Results"][0])["Status"] == "RUNNING":
        pass
    assert task["Status"] == "COMPLETED" and task["ApproximateNumberOfMessagesMoved"] == 1, task
    refused("ResourceNotFoundException", sqs.start_message_move_task, SourceArn=dead_arn, DestinationArn=dead_arn + "x")

assert sqs.list_queue_tags(QueueUrl=dead)["Tags"] == {"team": "a"}
sqs.tag_queue(QueueUrl=dead, Tags={"stage": "test"})
sqs.untag_queue(QueueUrl=dead, TagKeys=["team"])
assert sqs.list_queue_tags(QueueUrl=dead)["Tags"] == {"stage": "test"}
sqs.add_permission(QueueUrl=dead, Label="all", AWSAccountIds=["111111111111"], Actions=["SendMessage"])
assert "SQS:SendMessage" in sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["Policy"])["Attributes"]["Policy"]
sqs.remove_permission(QueueUrl=dead, Label="all")
assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["Policy"])

print("ok")
