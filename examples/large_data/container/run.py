"""The work of the example: `python run.py stations s3://...` and so on; Airflow says where inputs and output are."""

import json
import os
import sys
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import boto3

STATIONS = {"De Bilt": 0, "Eelde": -10, "Vlissingen": 10}
"""How much warmer it is there than in De Bilt, in tenths of a degree."""


def bucket_and_key(address: str) -> tuple[str, str]:
    bucket, _, key = address.removeprefix("s3://").partition("/")
    return bucket, key


def read(address: str) -> Any:  # noqa: ANN401 - any JSON value
    bucket, key = bucket_and_key(address)
    return json.load(boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"])


def put_out(value: object) -> None:
    """Write the output to where Airflow said, and put its address out."""
    address = os.environ["AIRFLOW_OUTPUT_S3"]
    bucket, key = bucket_and_key(address)
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=json.dumps(value))
    print("airflow-output:", json.dumps(address))


def readings() -> None:
    """Put out a row for each station and hour, as the query of the inputs would."""
    inputs = read(os.environ["AIRFLOW_INPUT_S3"])
    print(inputs["query"])
    until = datetime.fromisoformat(inputs["until"])
    hours = [until - timedelta(hours=number) for number in range(365 * 24)]
    put_out(
        [
            {"station": station, "hour": hour.isoformat(), "temperature": 100 + warmer + hour.month}
            for station, warmer in STATIONS.items()
            for hour in hours
        ]
    )


def stations(address: str) -> None:
    """Put out a list with all temperatures of each station: the next task is mapped over it."""
    by_station = groupby(read(address), key=lambda row: row["station"])
    put_out([{"station": name, "temperatures": [row["temperature"] / 10 for row in rows]} for name, rows in by_station])


def mean() -> None:
    inputs = read(os.environ["AIRFLOW_INPUT_S3"])
    temperatures = json.loads(inputs["temperatures"])
    print(f"{inputs['station']}: {sum(temperatures) / len(temperatures):.2f} degrees, {len(temperatures)} hours")


if __name__ == "__main__":
    {"readings": readings, "stations": stations, "mean": mean}[sys.argv[1]](*sys.argv[2:])
