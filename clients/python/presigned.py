"""Walks over presigned URLs of S3 with boto3 and AWS's command line as they are configured by default: presigned.py URL
open|iam [ACCESS_KEY SECRET]. Fails with an assertion where an answer is not what AWS gives."""

import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request

import boto3
from botocore.config import Config

endpoint, mode = sys.argv[1], sys.argv[2]
key, secret = sys.argv[3:5] if mode == "iam" else ("123456789012", "x")


def client(service, key=key, secret=secret, token=None, **config):
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(retries={"max_attempts": 0}, **config),
    )


def ask(url, method="GET", body=None, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method)) as answer:
            return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode(), e.headers


def refused(code, url, method="GET", body=None, **headers):
    status, text, _ = ask(url, method, body, **headers)
    assert status == 403 and code in text, (code, status, text, url)


objects = client("s3")
objects.create_bucket(Bucket="letters")
place = {"Bucket": "letters", "Key": "a b/\u00e4+c~"}


def link(operation, client=objects, expires=60, **more):
    url = client.generate_presigned_url(operation, Params={**place, **more}, ExpiresIn=expires)
    assert "AWSAccessKeyId=" in url and "X-Amz-" not in url, url
    return url


put = link("put_object", ContentType="text/plain", Metadata={"from": "ann"})
assert ask(put, "PUT", b"dear bob", Content_Type="text/plain")[0] == 200
head = objects.head_object(**place)
assert head["ContentType"] == "text/plain" and head["Metadata"] == {"from": "ann"}, head
status, text, headers = ask(link("get_object", ResponseContentType="text/html; charset=utf-8"))
assert (status, text, headers["Content-Type"]) == (200, "dear bob", "text/html; charset=utf-8"), (status, text, headers)
assert ask(link("head_object"), "HEAD")[0] == 200

aws = "/usr/bin/aws" if os.path.exists("/usr/bin/aws") else shutil.which("aws")
if aws:
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_DEFAULT_REGION": "us-east-1"}
    objects.put_object(Bucket="letters", Key="k", Body=b"from the command line")
    command = [aws, "--endpoint-url", endpoint, "s3", "presign", "s3://letters/k", "--expires-in", "60"]
    url = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()
    assert ask(url)[:2] == (200, "from the command line"), url

if mode == "iam":
    get = link("get_object")
    refused("SignatureDoesNotMatch", get.replace("~", "x"))
    refused("SignatureDoesNotMatch", get, "DELETE")
    refused("SignatureDoesNotMatch", get + "&response-content-type=text/html")
    refused("SignatureDoesNotMatch", get + "&x-amz-checksum-mode=ENABLED")
    refused("SignatureDoesNotMatch", get.replace("Expires=", "Expires=1"))
    refused("SignatureDoesNotMatch", put, "PUT", b"x", Content_Type="text/html")
    refused("SignatureDoesNotMatch", put.replace("=ann", "=eve"), "PUT", b"x", Content_Type="text/plain")
    refused("SignatureDoesNotMatch", link("get_object", client("s3", secret="wrong")))
    refused("InvalidAccessKeyId", link("get_object", client("s3", key="AKIAUNKNOWN")))
    refused("Request has expired", link("get_object", expires=-1))

    # what the one who signed may not do, nobody does with his URL; nor without his session's token
    users = client("iam")
    users.create_user(UserName="reader")
    users.put_user_policy(
        UserName="reader",
        PolicyName="read",
        PolicyDocument='{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::letters/*"}}',
    )
    made = users.create_access_key(UserName="reader")["AccessKey"]
    reader = client("s3", made["AccessKeyId"], made["SecretAccessKey"])
    assert ask(link("get_object", reader))[0] == 200
    refused("s3:DeleteObject", link("delete_object", reader), "DELETE")
    session = client("sts", made["AccessKeyId"], made["SecretAccessKey"]).get_session_token()["Credentials"]
    get = link("get_object", client("s3", session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"]))
    assert ask(get)[0] == 200
    refused("InvalidAccessKeyId", get.replace("x-amz-security-token", "x-amz-other"))

assert ask(link("delete_object"), "DELETE")[0] == 204
assert ask(link("get_object"))[0] == 404
print("walked")
