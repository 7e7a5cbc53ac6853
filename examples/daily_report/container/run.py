"""The work of the example: `python run.py find 2026-01-31` and so on; the line that Airflow keeps is its output."""

import json
import sys


def find(day: str) -> None:
    print(f"Looked for the sales of {day}")
    print("airflow-output:", json.dumps({"rows": 42, "report": "full" if day.endswith("31") else "short"}))


def load(country: str, rows: str) -> None:
    print(f"Loaded {country} with {rows}")


def check(day: str) -> None:
    print(f"Nothing to check on {day}")
    sys.exit(99)


def main(command: str, *arguments: str) -> None:
    work = {"find": find, "load": load, "check": check}
    if command in work:
        work[command](*arguments)
    else:
        print(command, *arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
