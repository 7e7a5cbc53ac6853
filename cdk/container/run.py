"""The work of the sample DAG: `python run.py convert 2019-12-04`."""

import sys
from datetime import datetime


def convert(run_date: str) -> None:
    date = datetime.strptime(run_date, "%Y-%m-%d")  # noqa: DTZ007 - a day has no timezone
    print(f"Converted data of date {date}")


def main(command: str, *arguments: str) -> None:
    if command != "convert":
        sys.exit(f"unknown command {command!r}: the only one is convert")
    convert(*arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
