// Splits, merges and counts shards with the AWS SDK for JavaScript while it puts, reads all of it through parents and children, and sets
// what else a stream has: node reshard.mjs URL. Exits with a failed assertion where an answer is not what AWS gives.
import assert from "node:assert/strict";
import * as kinesis from "@aws-sdk/client-kinesis";

const streams = new kinesis.KinesisClient({
  endpoint: process.argv[2], region: "us-east-1", credentials: { accessKeyId: "123456789012", secretAccessKey: "x" }, maxAttempts: 1,
});
const StreamName = "shards-js";
const send = (name, input) => streams.send(new kinesis[`${name}Command`]({ StreamName, ...input }));
const active = () => kinesis.waitUntilStreamExists({ client: streams, maxWaitTime: 30, minDelay: 1, maxDelay: 1 }, { StreamName });
const id = (n) => `shardId-${String(n).padStart(12, "0")}`;
const ids = (shards) => shards.map((s) => s.ShardId);
const keys = Array.from({ length: 20 }, (_, n) => `key-${n}`);

// A round puts a record of each key; the rounds follow each other.
let rounds = 0;
async function put(n) {
  for (const end = rounds + n; rounds < end; rounds++) {
    const Records = keys.map((key) => ({ PartitionKey: key, Data: new TextEncoder().encode(`${key} ${rounds}`) }));
    assert.equal((await send("PutRecords", { Records })).FailedRecordCount, 0);
  }
}

await send("CreateStream", { ShardCount: 2, Tags: { made: "here" } });
await active();
await put(5);
await send("SplitShard", { ShardToSplit: id(0), NewStartingHashKey: String(2n ** 126n) });
await active();
await put(5);
await send("MergeShards", { ShardToMerge: id(3), AdjacentShardToMerge: id(1) });
await active();
await put(5);
const count = await send("UpdateShardCount", { TargetShardCount: 4, ScalingType: "UNIFORM_SCALING" });
assert.deepEqual([count.CurrentShardCount, count.TargetShardCount], [2, 4]);
await active();
await put(5);

const { Shards, NextToken } = await send("ListShards", { MaxResults: 6 });
const rest = await streams.send(new kinesis.ListShardsCommand({ NextToken }));
const shards = [...Shards, ...rest.Shards];
assert.deepEqual(ids(shards), Array.from({ length: 9 }, (_, n) => id(n)));
assert.equal(rest.NextToken, undefined);
assert.deepEqual([shards[4].ParentShardId, shards[4].AdjacentParentShardId], [id(3), id(1)]);
assert.deepEqual(ids((await send("ListShards", { ShardFilter: { Type: "AT_LATEST" } })).Shards), [5, 6, 7, 8].map(id));

// Parents to their end, then the children that the end names.
const last = new Map(keys.map((key) => [key, -1]));
const done = new Set();
for (const ready = [id(0), id(1)]; ready.length > 0;) {
  const ShardId = ready.pop();
  const open = shards.find((s) => s.ShardId === ShardId).SequenceNumberRange.EndingSequenceNumber === undefined;
  let { ShardIterator } = await send("GetShardIterator", { ShardId, ShardIteratorType: "TRIM_HORIZON" });
  for (;;) {
    const page = await streams.send(new kinesis.GetRecordsCommand({ ShardIterator, Limit: 30 }));
    for (const record of page.Records) {
      const [key, n] = new TextDecoder().decode(record.Data).split(" ");
      assert.deepEqual([key, Number(n)], [record.PartitionKey, last.get(key) + 1], ShardId);
      last.set(key, Number(n));
    }
    ShardIterator = page.NextShardIterator;
    assert.equal(ShardIterator === undefined, page.ChildShards !== undefined);
    if (ShardIterator === undefined) {
      done.add(ShardId);
      ready.push(...page.ChildShards.filter((c) => c.ParentShards.every((p) => done.has(p))).map((c) => c.ShardId));
      break;
    }
    if (open && page.Records.length === 0 && page.MillisBehindLatest === 0) break; // the tip
  }
}
for (const [key, n] of last) assert.equal(n, rounds - 1, key);

// tags
await send("AddTagsToStream", { Tags: { team: "größe", stage: "test" } });
await send("RemoveTagsFromStream", { TagKeys: ["made", "never"] });
assert.deepEqual((await send("ListTagsForStream", {})).Tags, [{ Key: "stage", Value: "test" }, { Key: "team", Value: "größe" }]);

// retention
const retention = async () => (await send("DescribeStreamSummary", {})).StreamDescriptionSummary.RetentionPeriodHours;
await send("IncreaseStreamRetentionPeriod", { RetentionPeriodHours: 72 });
assert.equal(await retention(), 72);
await send("DecreaseStreamRetentionPeriod", { RetentionPeriodHours: 24 });
assert.equal(await retention(), 24);
await assert.rejects(send("IncreaseStreamRetentionPeriod", { RetentionPeriodHours: 8761 }), (e) => {
  assert.ok(e instanceof kinesis.InvalidArgumentException);
  assert.equal(e.message, "Maximum allowed retention period is 8760 hours. Requested retention period (8761 hours) is too long.");
  return true;
});

await send("DeleteStream", {});
await kinesis.waitUntilStreamNotExists({ client: streams, maxWaitTime: 30, minDelay: 1 }, { StreamName });
streams.destroy();
console.log("walked");
