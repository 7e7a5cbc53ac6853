"""Write an output to where Airflow said, and put its address out."""

import json
import os
import sys

import boto3

address = os.environ["AIRFLOW_OUTPUT_S3"]
bucket, _, key = address.removeprefix("s3://").partition("/")
boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=json.dumps(json.loads(sys.argv[1])))
print("airflow-output:", json.dumps(address))
