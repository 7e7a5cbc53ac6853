"""The work of the DAG `train`: `python run.py train s3://.../temperatures.csv 3` and so on.

The forecast of a month is what is usual in that month of the year, and a part of how unusual the sea is now.
"""

import csv
import json
import os
import sys
from statistics import fmean

import boto3

TESTED = 120
"""Months at the end that the model is not shown, but tested on."""


def read(address: str) -> list[float]:
    """Return the temperatures of the months of a table, which begins with a January."""
    bucket, _, key = address.removeprefix("s3://").partition("/")
    text = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    return [float(row["temperature"]) for row in csv.DictReader(text.splitlines())]


def train(address: str, ahead: str) -> None:
    """Fit the part by least squares on the earlier months, test it on the later ones, and put out how good it is."""
    temperatures, lag = read(address), int(ahead)
    shown = len(temperatures) - TESTED
    usual = [fmean(temperatures[month:shown:12]) for month in range(12)]
    unusual = [temperature - usual[month % 12] for month, temperature in enumerate(temperatures)]
    pairs = list(zip(unusual[: shown - lag], unusual[lag:shown], strict=True))
    part = sum(now * later for now, later in pairs) / sum(now * now for now, _ in pairs)

    tested = range(shown, len(temperatures))
    error = fmean(abs(unusual[month] - part * unusual[month - lag]) for month in tested)
    of_usual = fmean(abs(unusual[month]) for month in tested)
    model = {"ahead": lag, "part": round(part, 3), "usual": [round(each, 2) for each in usual]}
    key = f"candidates/{lag}.json"
    boto3.client("s3").put_object(Bucket=os.environ["BUCKET"], Key=key, Body=json.dumps(model).encode())
    print(f"{lag} months ahead it is off by {error:.2f} degrees, the usual temperature by {of_usual:.2f}")
    print("airflow-output:", json.dumps({"model": key, "error": error, "of_usual": of_usual}))


def choose(results: str) -> None:
    """Put out the model that gains most on the usual temperature."""
    best = max(json.loads(results), key=lambda each: 1 - each["error"] / each["of_usual"])
    better = f"{1 - best['error'] / best['of_usual']:.0%}"
    print(f"{best['model']} is {better} better than the usual temperature")
    print("airflow-output:", json.dumps({"model": best["model"], "better": better}))


def release(key: str) -> None:
    """Copy a model to where it is used."""
    bucket = os.environ["BUCKET"]
    boto3.client("s3").copy_object(Bucket=bucket, Key="released.json", CopySource={"Bucket": bucket, "Key": key})
    print(f"Released {key}")


if __name__ == "__main__":
    {"train": train, "choose": choose, "release": release}[sys.argv[1]](*sys.argv[2:])
