"""`python run.py ingest 2026-01-31`."""

import sys

print(f"Wrote the prices of {sys.argv[2]}")
