// Reads a stream that is resharded meanwhile with lifion-kinesis, a consumer library that leases shards among consumers and reads
// children after their parents, by itself: node consume.mjs URL. Two consumers share the stream; each record must arrive once, and those
// of a key in order. The library keeps its leases in DynamoDB, for which dynalite stands in.
import assert from "node:assert/strict";
import AWS from "aws-sdk";
import dynalite from "dynalite";
import Kinesis from "lifion-kinesis";

const endpoint = process.argv[2];
const credentials = { region: "us-east-1", accessKeyId: "123456789012", secretAccessKey: "x" };
const streams = new AWS.Kinesis({ ...credentials, endpoint, maxRetries: 0 });
const tables = dynalite({ createTableMs: 0 });
await new Promise((done) => tables.listen(0, "127.0.0.1", done));

async function until(what, ready) {
  const end = Date.now() + 60_000;
  while (Date.now() < end) {
    if (await ready()) return;
    await new Promise((done) => setTimeout(done, 20));
  }
  assert.fail(`waited in vain until ${what()}`);
}

const StreamName = "leased";
const status = async () => (await streams.describeStreamSummary({ StreamName }).promise()).StreamDescriptionSummary.StreamStatus;
const active = () => until(() => "the stream is active", async () => (await status()) === "ACTIVE");
await streams.createStream({ StreamName, ShardCount: 2 }).promise();
await active();

const keys = Array.from({ length: 12 }, (_, n) => `key-${n}`);
const seen = new Map(keys.map((key) => [key, []]));
const readers = [new Set(), new Set()]; // the shards that each consumer has read from
const complaints = [];
let count = 0;
for (const shards of readers) {
  const complain = (...text) => complaints.push(text.join(" "));
  const consumer = new Kinesis({
    ...credentials, endpoint, streamName: StreamName, consumerGroup: "group", tags: { reader: "lifion" }, initialPositionInStream: "TRIM_HORIZON",
    leaseAcquisitionInterval: 100, pollDelay: 20, noRecordsPollDelay: 50, shouldParseJson: false,
    dynamoDb: { ...credentials, endpoint: `http://127.0.0.1:${tables.address().port}`, tableName: "leases" },
    logger: { warn: complain, error: complain },
  });
  consumer.on("error", complain);
  consumer.on("data", ({ records, shardId }) => {
    shards.add(shardId);
    for (const { data, partitionKey } of records) {
      seen.get(partitionKey).push(Number(data));
      count++;
    }
  });
  await consumer.startConsumer();
}
assert.deepEqual((await streams.listTagsForStream({ StreamName }).promise()).Tags, [{ Key: "reader", Value: "lifion" }]);

// A round puts a record of each key; the rounds follow each other.
let rounds = 0;
async function put(n) {
  for (const end = rounds + n; rounds < end; rounds++) {
    const answer = await streams.putRecords({ StreamName, Records: keys.map((PartitionKey) => ({ PartitionKey, Data: String(rounds) })) }).promise();
    assert.equal(answer.FailedRecordCount, 0);
  }
}
const caughtUp = () => until(() => `all is read: ${count} of ${rounds * keys.length}, ${complaints}`, () => count >= rounds * keys.length);

await put(10);
await streams.splitShard({ StreamName, ShardToSplit: "shardId-000000000000", NewStartingHashKey: String(2n ** 126n) }).promise();
while ((await status()) !== "ACTIVE") await put(1);
await put(10);
await streams.updateShardCount({ StreamName, TargetShardCount: 6, ScalingType: "UNIFORM_SCALING" }).promise();
while ((await status()) !== "ACTIVE") await put(1);
await put(10);

// The library waits for one parent of a merged shard and not for the other, which it must therefore have read before.
await caughtUp();
const open = (await streams.listShards({ StreamName, ShardFilter: { Type: "AT_LATEST" } }).promise()).Shards;
assert.equal(open.length, 6);
const start = (shard) => BigInt(shard.HashKeyRange.StartingHashKey);
open.sort((a, b) => (start(a) < start(b) ? -1 : 1));
await streams.mergeShards({ StreamName, ShardToMerge: open[0].ShardId, AdjacentShardToMerge: open[1].ShardId }).promise();
await active();
await put(10);
await caughtUp();

for (const [key, numbers] of seen) assert.deepEqual(numbers, Array.from({ length: rounds }, (_, n) => n), key);
assert.ok(readers.every((shards) => shards.size > 0) && readers[0].isDisjointFrom?.(readers[1]) !== false, readers);
assert.deepEqual(complaints, []);
console.log("walked");
process.exit(0); // the library leaves timers behind
