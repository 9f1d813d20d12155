// Reads a shard through enhanced fan-out with the AWS SDK for JavaScript, over HTTP/2 in clear text: node fanout.mjs URL. Exits with a
// failed assertion where an answer is not what AWS gives.
import assert from "node:assert/strict";
import * as kinesis from "@aws-sdk/client-kinesis";

const streams = new kinesis.KinesisClient({
  endpoint: process.argv[2], region: "us-east-1", credentials: { accessKeyId: "123456789012", secretAccessKey: "x" }, maxAttempts: 1,
});
const send = (name, input) => streams.send(new kinesis[`${name}Command`](input));
const StreamName = "fan-js";

async function until(what, ready) {
  const end = Date.now() + 30_000;
  while (Date.now() < end) {
    const got = await ready();
    if (got) return got;
    await new Promise((done) => setTimeout(done, 20));
  }
  assert.fail(`waited in vain until ${what}`);
}

const put = (data) => send("PutRecord", { StreamName, PartitionKey: "a", Data: new TextEncoder().encode(data) });
const text = (record) => new TextDecoder().decode(record.Data);

async function register(ConsumerName) {
  const { Consumer } = await send("RegisterStreamConsumer", { StreamARN, ConsumerName });
  assert.equal(Consumer.ConsumerStatus, "CREATING");
  const { ConsumerARN } = Consumer;
  assert.equal(ConsumerARN, `${StreamARN}/consumer/${ConsumerName}:${Consumer.ConsumerCreationTimestamp.getTime() / 1000}`);
  await until("the consumer is active", async () => (await send("DescribeStreamConsumer", { ConsumerARN })).ConsumerDescription.ConsumerStatus === "ACTIVE");
  return ConsumerARN;
}

async function subscribe(ConsumerARN, StartingPosition) {
  const { EventStream } = await send("SubscribeToShard", { ConsumerARN, ShardId: "shardId-000000000000", StartingPosition });
  return EventStream[Symbol.asyncIterator]();
}

async function next(events) {
  const { value, done } = await events.next();
  assert.ok(!done);
  return value.SubscribeToShardEvent;
}

await send("CreateStream", { StreamName, ShardCount: 1 });
await kinesis.waitUntilStreamExists({ client: streams, maxWaitTime: 30, minDelay: 1 }, { StreamName });
const { StreamARN } = (await send("DescribeStreamSummary", { StreamName })).StreamDescriptionSummary;
const [first, second] = [await register("first"), await register("second")];

// What was put before and what is put meanwhile, on the connection on which the subscription waits.
await put("before");
const events = await subscribe(first, { Type: "TRIM_HORIZON" });
let event = await next(events);
assert.deepEqual(event.Records.map(text), ["before"]);
const numbers = [event.ContinuationSequenceNumber];
for (const data of ["grüß dich", "again"]) {
  const [{ SequenceNumber }, pushed] = await Promise.all([put(data), next(events)]);
  assert.deepEqual(pushed.Records.map(text), [data]);
  assert.equal(pushed.Records[0].SequenceNumber, SequenceNumber);
  assert.equal(pushed.ChildShards, undefined);
  assert.equal(pushed.MillisBehindLatest, 0);
  assert.ok(pushed.Records[0].ApproximateArrivalTimestamp instanceof Date);
  assert.ok(BigInt(pushed.ContinuationSequenceNumber) > BigInt(SequenceNumber));
  assert.ok(BigInt(pushed.ContinuationSequenceNumber) > BigInt(numbers.at(-1)));
  numbers.push(pushed.ContinuationSequenceNumber);
}

// At once again is too early.
await assert.rejects(subscribe(first, { Type: "LATEST" }), (e) => {
  assert.ok(e instanceof kinesis.ResourceInUseException);
  assert.equal(e.message, `Another active subscription exists for this consumer: 123456789012:${StreamName}:shardId-000000000000:first`);
  return true;
});

// Another consumer goes on from there, beside the first.
await put("after");
const others = await subscribe(second, { Type: "AFTER_SEQUENCE_NUMBER", SequenceNumber: numbers.at(-1) });
event = await next(others);
assert.deepEqual(event.Records.map(text), ["after"]);
assert.deepEqual((await next(events)).Records.map(text), ["after"]);

// An idle subscription says so after five seconds.
const idle = await next(others);
assert.deepEqual(idle.Records, []);
assert.ok(BigInt(idle.ContinuationSequenceNumber) > BigInt(event.ContinuationSequenceNumber));

// A shard that is split ends with its children, after the last of its records.
await send("SplitShard", { StreamName, ShardToSplit: "shardId-000000000000", NewStartingHashKey: String(2n ** 127n) });
do event = await next(others); while (event.ChildShards === undefined);
assert.equal(event.ContinuationSequenceNumber, undefined);
assert.deepEqual(event.Records, []);
assert.deepEqual(event.ChildShards.map((c) => [c.ShardId, c.ParentShards]), [
  ["shardId-000000000001", ["shardId-000000000000"]], ["shardId-000000000002", ["shardId-000000000000"]],
]);
assert.ok((await others.next()).done);
while (!(await events.next()).done);

// One ends with its consumer, the other with the stream.
const children = await Promise.all([[first, 1], [second, 2]].map(async ([ConsumerARN, shard]) => {
  const { EventStream } = await send("SubscribeToShard", { ConsumerARN, ShardId: `shardId-00000000000${shard}`, StartingPosition: { Type: "LATEST" } });
  return EventStream[Symbol.asyncIterator]();
}));
await send("DeregisterStreamConsumer", { ConsumerARN: first });
const ends = async (events) => { for (;;) if ((await events.next()).done) return; };
await assert.rejects(ends(children[0]), kinesis.ResourceNotFoundException);
await assert.rejects(send("DeleteStream", { StreamName }), kinesis.ResourceInUseException);
await send("DeleteStream", { StreamName, EnforceConsumerDeletion: true });
await assert.rejects(ends(children[1]), kinesis.ResourceNotFoundException);
streams.destroy();
console.log("walked");
