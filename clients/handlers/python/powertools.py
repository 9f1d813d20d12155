"""A function as the documentation of Powertools for AWS Lambda (Python) builds it: a processor gives each record to record_handler,
and answers with those that raised."""

import json
import os

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.kinesis_stream_event import KinesisStreamEvent, KinesisStreamRecord

processor = BatchProcessor(event_type=EventType.KinesisDataStreams)
logger = Logger(service="orders")


def record_handler(record: KinesisStreamRecord):
    order = record.kinesis.data_as_text()
    if order.startswith("bad"):
        raise ValueError("no order: " + order)
    logger.info({"order": order, "sequence_number": record.kinesis.sequence_number})


@logger.inject_lambda_context
def handler(event, context):
    labels = [record.kinesis.data_as_text() for record in KinesisStreamEvent(event).records]
    with open(os.environ["LEDGER"], "a") as ledger:
        ledger.write(json.dumps({"Request": context.aws_request_id, "Labels": labels}) + "\n")
    return process_partial_response(event=event, record_handler=record_handler, processor=processor, context=context)
