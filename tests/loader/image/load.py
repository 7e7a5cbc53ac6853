"""Read the output of another task, or the task's own inputs."""

import json
import sys

import boto3

bucket, _, key = sys.argv[1].removeprefix("s3://").partition("/")
value = json.load(boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"])
print("read", json.dumps(value))
