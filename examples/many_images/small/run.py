"""`DAY=2026-01-31 python run.py prepare`; the connection is in AIRFLOW_CONN_ORDERS_DB, for nobody to print."""

import json
import os

day = os.environ["DAY"]
print(f"Prepared {day} at level {os.environ['LEVEL']}, with a connection: {'AIRFLOW_CONN_ORDERS_DB' in os.environ}")
print("airflow-output:", json.dumps({"file": f"prepared-{day}.csv"}))
