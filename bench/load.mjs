// The load that every server gets: AWS's own JavaScript client puts, and then reads all of it back. It prints one line of
// tab-separated figures: PutRecord calls a second and their p50 and p99 in milliseconds, PutRecords records a second,
// GetRecords records a second.
//
//	node load.mjs ENDPOINT SECONDS

import { createRequire } from "node:module";
import http from "node:http";

// The packages lie in the folder that peers.sh made, which is where it starts this file.
const need = createRequire(process.cwd() + "/");
const kinesis = need("@aws-sdk/client-kinesis");
const { NodeHttpHandler } = need("@smithy/node-http-handler");

const [endpoint, seconds] = [process.argv[2], Number(process.argv[3])];
const connections = 32;
const shards = 4;
const data = Buffer.alloc(1024, 7);
const client = new kinesis.KinesisClient({
  endpoint,
  region: "us-east-1",
  credentials: { accessKeyId: "bench", secretAccessKey: "bench" },
  maxAttempts: 1,
  // Plain HTTP/1.1, which all of them speak.
  requestHandler: new NodeHttpHandler({ httpAgent: new http.Agent({ keepAlive: true, maxSockets: connections }), requestTimeout: 20_000 }),
});
const stream = { StreamName: "bench" };

async function makeStream() {
  await client.send(new kinesis.CreateStreamCommand({ ...stream, ShardCount: shards }));
  for (let i = 0; i < 200; i++) {
    const { StreamDescriptionSummary: s } = await client.send(new kinesis.DescribeStreamSummaryCommand(stream));
    if (s.StreamStatus === "ACTIVE") return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error("the stream does not become ACTIVE");
}

// timed calls from so many workers for the time, and returns calls a second and the latencies in order.
async function timed(workers, call) {
  const took = [];
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: workers }, async (_, worker) => {
      for (let n = 0; performance.now() - begun < seconds * 1000; n++) {
        const at = performance.now();
        await call(worker, n);
        took.push(performance.now() - at);
      }
    }),
  );
  const rate = took.length / ((performance.now() - begun) / 1000);
  return { rate, took: took.sort((a, b) => a - b) };
}

async function readAll() {
  const begun = performance.now();
  let records = 0;
  for (let shard = 0; shard < shards; shard++) {
    const ShardId = "shardId-" + String(shard).padStart(12, "0");
    let { ShardIterator } = await client.send(new kinesis.GetShardIteratorCommand({ ...stream, ShardId, ShardIteratorType: "TRIM_HORIZON" }));
    while (performance.now() - begun < seconds * 1000) {
      const page = await client.send(new kinesis.GetRecordsCommand({ ShardIterator }));
      if (page.Records.length === 0) break;
      records += page.Records.length;
      ShardIterator = page.NextShardIterator;
    }
  }
  return records / ((performance.now() - begun) / 1000);
}

await makeStream();
const one = await timed(connections, (w, n) =>
  client.send(new kinesis.PutRecordCommand({ ...stream, Data: data, PartitionKey: `${w}.${n}` })),
);
const batch = Array.from({ length: 500 }, (_, i) => ({ Data: data, PartitionKey: String(i) }));
let refused = 0;
const many = await timed(4, async () => {
  const out = await client.send(new kinesis.PutRecordsCommand({ ...stream, Records: batch }));
  refused += out.FailedRecordCount ?? 0;
});
const kept = 1 - refused / (many.took.length * 500);
const got = await readAll();
const at = (p) => one.took[Math.floor(p * (one.took.length - 1))].toFixed(2);
console.log([one.rate.toFixed(0), at(0.5), at(0.99), (many.rate * 500 * kept).toFixed(0), got.toFixed(0)].join("\t"));
