"""Every operation through boto3. Called by TestBoto3 with the endpoint."""
import datetime
import decimal
import sys

import boto3
from botocore.exceptions import ClientError

cloudwatch = boto3.client("cloudwatch", endpoint_url=sys.argv[1])
now = datetime.datetime.now(datetime.timezone.utc).replace(second=0, microsecond=0)
start = now - datetime.timedelta(minutes=10)
stage = [{"Name": "Stage", "Value": "prod <&>"}]


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e.response
        return e.response["Error"]["Message"]
    raise AssertionError("not refused with " + code)


# long enough for newer versions to compress it
cloudwatch.put_metric_data(Namespace="App", MetricData=[
    {"MetricName": "Latency", "Dimensions": stage, "Timestamp": start, "Unit": "Milliseconds", "Value": float(i)} for i in range(200)
])
cloudwatch.put_metric_data(Namespace="App", MetricData=[
    {"MetricName": "Latency", "Dimensions": stage, "Timestamp": start + datetime.timedelta(minutes=1), "Unit": "Milliseconds",
     "StatisticValues": {"SampleCount": 2, "Sum": 30, "Minimum": 10, "Maximum": 20}},
    {"MetricName": "Size", "Values": [1, 2], "Counts": [3, 4]},
])

answer = cloudwatch.get_metric_statistics(
    Namespace="App", MetricName="Latency", Dimensions=stage, StartTime=start, EndTime=now, Period=60,
    Statistics=["Sum", "SampleCount", "Maximum"])
assert answer["Label"] == "Latency"
assert answer["Datapoints"] == [
    {"Timestamp": start, "SampleCount": 200.0, "Sum": 19900.0, "Maximum": 199.0, "Unit": "Milliseconds"},
    {"Timestamp": start + datetime.timedelta(minutes=1), "SampleCount": 2.0, "Sum": 30.0, "Maximum": 20.0, "Unit": "Milliseconds"},
], answer

answer = cloudwatch.get_metric_statistics(
    Namespace="App", MetricName="Latency", Dimensions=stage, StartTime=start, EndTime=now, Period=60, ExtendedStatistics=["p50"])
assert len(answer["Datapoints"]) == 1 and abs(answer["Datapoints"][0]["ExtendedStatistics"]["p50"] - 99) < 1, answer

answer = cloudwatch.get_metric_data(
    StartTime=start, EndTime=now + datetime.timedelta(minutes=1), ScanBy="TimestampAscending",
    MetricDataQueries=[
        {"Id": "m", "MetricStat": {"Metric": {"Namespace": "App", "MetricName": "Latency", "Dimensions": stage}, "Period": 60, "Stat": "Sum"}},
        {"Id": "e", "Expression": "FILL(m, 0) / 10"},
        {"Id": "none", "MetricStat": {"Metric": {"Namespace": "App", "MetricName": "None"}, "Period": 60, "Stat": "Sum"}},
    ])
m, e, none = answer["MetricDataResults"]
assert m["Values"] == [19900.0, 30.0] and m["Timestamps"] == [start, start + datetime.timedelta(minutes=1)], m
assert m["StatusCode"] == "Complete" and m["Label"] == "Latency", m
assert e["Values"] == [1990.0, 3.0] + [0.0] * 9, e
assert none["Values"] == [] and none["StatusCode"] == "Complete", none

metrics = [m for page in cloudwatch.get_paginator("list_metrics").paginate(Namespace="App") for m in page["Metrics"]]
assert metrics == [
    {"Namespace": "App", "MetricName": "Latency", "Dimensions": stage},
    {"Namespace": "App", "MetricName": "Size", "Dimensions": []},
], metrics

message = refused("InvalidParameterValue", cloudwatch.put_metric_data, Namespace="App", MetricData=[{"MetricName": "m", "Value": decimal.Decimal("NaN")}])
assert message == "The value NaN for parameter MetricData.member.1.Value is invalid.", message
message = refused("InvalidParameterValue", cloudwatch.get_metric_statistics, Namespace="App", MetricName="Latency", StartTime=now,
                  EndTime=start, Period=60, Statistics=["Sum"])
assert message == "The parameter StartTime must be less than the parameter EndTime.", message
refused("InvalidParameterCombination", cloudwatch.put_metric_data, Namespace="App",
        MetricData=[{"MetricName": "m", "Value": 1, "Values": [1]}])
refused("InvalidParameterValue", cloudwatch.put_metric_data, Namespace="AWS/Lambda", MetricData=[{"MetricName": "m", "Value": 1}])
refused("ValidationError", cloudwatch.get_metric_data, StartTime=start, EndTime=now, MetricDataQueries=[{"Id": "a", "Expression": "RATE(b)"}])
print("ok")
