// A function as the documentation of Powertools for AWS Lambda (TypeScript) builds it: a processor gives each record to recordHandler,
// and answers with those that threw.
import { appendFile } from "node:fs/promises";
import { BatchProcessor, EventType, processPartialResponse } from "@aws-lambda-powertools/batch";
import { Logger } from "@aws-lambda-powertools/logger";

const processor = new BatchProcessor(EventType.KinesisDataStreams);
const logger = new Logger({ serviceName: "orders" });

const text = (record) => Buffer.from(record.kinesis.data, "base64").toString();

async function recordHandler(record) {
  if (text(record).startsWith("bad")) throw new Error(`no order: ${text(record)}`);
  logger.info("taken", { order: text(record), sequenceNumber: record.kinesis.sequenceNumber });
}

export async function handler(event, context) {
  logger.addContext(context);
  await appendFile(process.env.LEDGER, JSON.stringify({ Request: context.awsRequestId, Labels: event.Records.map(text) }) + "\n");
  return processPartialResponse(event, recordHandler, processor, { context });
}
