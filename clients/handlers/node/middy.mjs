// A function on middy: one middleware decodes the records' data, another shortens the time that the handler has, and the handler names what failed.
import { appendFile } from "node:fs/promises";
import middy from "@middy/core";
import eventNormalizer from "@middy/event-normalizer";

async function takeOrder({ order }) {
  if (order.startsWith("bad")) throw new Error(`no order: ${order}`);
}

async function orders(event, context, { signal }) {
  signal.throwIfAborted();
  const labels = event.Records.map((record) => record.kinesis.data.order);
  await appendFile(process.env.LEDGER, JSON.stringify({ Request: context.awsRequestId, Labels: labels }) + "\n");
  const outcomes = await Promise.allSettled(event.Records.map((record) => takeOrder(record.kinesis.data)));
  const failed = event.Records.filter((_, i) => outcomes[i].status === "rejected");
  return { batchItemFailures: failed.map((record) => ({ itemIdentifier: record.kinesis.sequenceNumber })) };
}

export const handler = middy({ timeoutEarlyInMillis: 50 }).use(eventNormalizer()).handler(orders);
