"""The handler that the client walks deploy: it greets, fails when told to, and fails on Kinesis batches."""

import os


def handler(event, context):
    print("got", event)
    if event.get("fail") or "Records" in event:
        raise RuntimeError("told to fail")
    return {"said": f"{os.environ['GREETING']} {event['name']}"}
