"""`python run.py look 2026-01-31`: there is no file to wait for on a Saturday."""

import json
import sys
from datetime import date

day = date.fromisoformat(sys.argv[2])
files = 0 if day.isoweekday() == 6 else 1  # noqa: PLR2004 - Saturday
print(f"{files} file(s) will come on {day}")
print("airflow-output:", json.dumps({"files": files}))
