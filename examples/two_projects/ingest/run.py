"""The work of the DAG `ingest`: `python run.py decades 2011-01-05` and so on."""

import csv
import json
import os
import sys
from pathlib import Path

import boto3

TABLE = Path(__file__).with_name("nino-1-2.csv")


def months(until: str) -> list[tuple[str, float]]:
    """Return each month before a day, such as 1950-01, and its temperature."""
    with TABLE.open(newline="") as file:
        found = [
            (f"{row['YEAR']}-{number:02}", float(text))
            for row in csv.DictReader(file)
            for number, text in enumerate(list(row.values())[1:], start=1)
        ]
    return [(month, temperature) for month, temperature in found if month < until[:7]]


def bucket() -> str:
    return os.environ["BUCKET"]


def decades(until: str) -> None:
    """Put out the decades of which there are months; the next task is mapped over them."""
    found = sorted({f"{month[:3]}0s" for month, _ in months(until)})
    print(f"{TABLE.name} has months of {len(found)} decades before {until}")
    print("airflow-output:", json.dumps(found))


def tidy(decade: str, until: str) -> None:
    """Write a decade with a month a line, and put out where."""
    rows = [f"{month},{temperature}" for month, temperature in months(until) if f"{month[:3]}0s" == decade]
    key = f"decades/{decade}.csv"
    boto3.client("s3").put_object(Bucket=bucket(), Key=key, Body="\n".join(rows).encode())
    print(f"Wrote {len(rows)} months of the {decade}")
    print("airflow-output:", json.dumps(key))


def publish(keys: str) -> None:
    """Join the decades, look for months that are missing, and write the table that others read."""
    s3 = boto3.client("s3")
    parts = [s3.get_object(Bucket=bucket(), Key=key)["Body"].read().decode() for key in json.loads(keys)]
    rows = sorted("\n".join(parts).splitlines())
    given = [row.partition(",")[0] for row in rows]
    years = range(int(given[0][:4]), int(given[-1][:4]) + 1)
    whole = [f"{year}-{number:02}" for year in years for number in range(1, 13)]
    if missing := sorted(set(whole[: whole.index(given[-1])]) - set(given)):
        sys.exit(f"no temperature of {', '.join(missing)}")
    s3.put_object(Bucket=bucket(), Key="temperatures.csv", Body="\n".join(["month,temperature", *rows]).encode())
    print(f"Published {len(rows)} months, {given[0]} to {given[-1]}")
    print("airflow-output:", json.dumps({"months": len(rows), "last": given[-1]}))


if __name__ == "__main__":
    {"decades": decades, "tidy": tidy, "publish": publish}[sys.argv[1]](*sys.argv[2:])
