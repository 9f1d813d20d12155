// Walks through the server with the AWS SDK for JavaScript: node walk.mjs URL FUNCTION_ZIP. Its Kinesis client speaks HTTP/2 with
// prior knowledge, also without TLS. Exits with a failed assertion where an answer is not what AWS gives.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import * as kinesis from "@aws-sdk/client-kinesis";
import * as lambda from "@aws-sdk/client-lambda";
import * as sqs from "@aws-sdk/client-sqs";

const [endpoint, zip] = process.argv.slice(2);
const config = { endpoint, region: "us-east-1", credentials: { accessKeyId: "123456789012", secretAccessKey: "x" } };
const streams = new kinesis.KinesisClient(config);
const functions = new lambda.LambdaClient(config);
const queues = new sqs.SQSClient(config);

async function until(what, ready) {
  const end = Date.now() + 30_000;
  while (Date.now() < end) {
    const got = await ready();
    if (got) return got;
    await new Promise((done) => setTimeout(done, 20));
  }
  assert.fail(`waited in vain until ${what}`);
}

// streams
await streams.send(new kinesis.CreateStreamCommand({ StreamName: "js", ShardCount: 2 }));
await kinesis.waitUntilStreamExists({ client: streams, maxWaitTime: 30 }, { StreamName: "js" });
const { StreamDescription: stream } = await streams.send(new kinesis.DescribeStreamCommand({ StreamName: "js" }));
assert.equal(stream.StreamARN, "arn:aws:kinesis:us-east-1:123456789012:stream/js");
assert.equal(stream.Shards.length, 2);
assert.ok(stream.StreamCreationTimestamp instanceof Date);

const text = new TextEncoder().encode("grüß dich");
const put = await streams.send(new kinesis.PutRecordCommand({ StreamName: "js", PartitionKey: "a", Data: text }));
assert.match(put.ShardId, /^shardId-\d{12}$/);
const many = await streams.send(new kinesis.PutRecordsCommand({
  StreamName: "js",
  Records: Array.from({ length: 50 }, (_, n) => ({ PartitionKey: "a", Data: new Uint8Array([n]) })),
}));
assert.equal(many.FailedRecordCount, 0);

const { ShardIterator } = await streams.send(new kinesis.GetShardIteratorCommand({
  StreamName: "js", ShardId: put.ShardId, ShardIteratorType: "AT_SEQUENCE_NUMBER", StartingSequenceNumber: put.SequenceNumber,
}));
const got = await streams.send(new kinesis.GetRecordsCommand({ ShardIterator }));
assert.equal(got.Records.length, 51);
assert.deepEqual(got.Records[0].Data, text);
assert.equal(got.Records[0].SequenceNumber, put.SequenceNumber);
assert.deepEqual(got.Records.slice(1).map((r) => r.Data[0]), Array.from({ length: 50 }, (_, n) => n));
assert.equal(got.MillisBehindLatest, 0);

await assert.rejects(streams.send(new kinesis.PutRecordCommand({ StreamName: "none", PartitionKey: "a", Data: text })), (e) => {
  assert.ok(e instanceof kinesis.ResourceNotFoundException);
  assert.equal(e.message, "Stream none under account 123456789012 not found.");
  return true;
});

// functions
await functions.send(new lambda.CreateFunctionCommand({
  FunctionName: "js", Role: "arn:aws:iam::123456789012:role/r", Runtime: "nodejs20.x", Handler: "index.handler", Timeout: 10,
  Code: { ZipFile: await readFile(zip) }, Environment: { Variables: { GREETING: "hello" } },
}));
await lambda.waitUntilFunctionActiveV2({ client: functions, maxWaitTime: 30 }, { FunctionName: "js" });
const answer = await functions.send(new lambda.InvokeCommand({ FunctionName: "js", Payload: '{"name":"wörld"}', LogType: "Tail" }));
assert.equal(answer.StatusCode, 200);
assert.equal(answer.ExecutedVersion, "$LATEST");
assert.equal(answer.FunctionError, undefined);
assert.deepEqual(JSON.parse(answer.Payload.transformToString()), { said: "hello wörld" });
assert.match(Buffer.from(answer.LogResult, "base64").toString(), /REPORT RequestId: /);
const failed = await functions.send(new lambda.InvokeCommand({ FunctionName: "js", Payload: '{"fail":true}' }));
assert.equal(failed.FunctionError, "Unhandled");
assert.equal(JSON.parse(failed.Payload.transformToString()).errorMessage, "told to fail");

// a queue, and a mapping whose failures end there
const { QueueUrl } = await queues.send(new sqs.CreateQueueCommand({ QueueName: "js" }));
const { Attributes } = await queues.send(new sqs.GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }));
const mapping = await functions.send(new lambda.CreateEventSourceMappingCommand({
  EventSourceArn: stream.StreamARN, FunctionName: "js", StartingPosition: "TRIM_HORIZON", MaximumRetryAttempts: 0,
  DestinationConfig: { OnFailure: { Destination: Attributes.QueueArn } },
}));
assert.equal(mapping.State, "Creating");
const { Messages } = await until("a failure document arrives", async () => {
  const received = await queues.send(new sqs.ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 5 }));
  return received.Messages ? received : undefined;
});
const document = JSON.parse(Messages[0].Body);
assert.equal(document.requestContext.condition, "RetryAttemptsExhausted");
assert.equal(document.KinesisBatchInfo.streamArn, stream.StreamARN);
await queues.send(new sqs.DeleteMessageCommand({ QueueUrl, ReceiptHandle: Messages[0].ReceiptHandle }));

await functions.send(new lambda.DeleteEventSourceMappingCommand({ UUID: mapping.UUID }));
await until("the mapping is gone", async () => {
  try {
    await functions.send(new lambda.GetEventSourceMappingCommand({ UUID: mapping.UUID }));
    return false;
  } catch (e) {
    assert.ok(e instanceof lambda.ResourceNotFoundException);
    return true;
  }
});
await functions.send(new lambda.DeleteFunctionCommand({ FunctionName: "js" }));
await streams.send(new kinesis.DeleteStreamCommand({ StreamName: "js" }));
await kinesis.waitUntilStreamNotExists({ client: streams, maxWaitTime: 30 }, { StreamName: "js" });
await queues.send(new sqs.DeleteQueueCommand({ QueueUrl }));
for (const client of [streams, functions, queues]) client.destroy();
console.log("walked");
