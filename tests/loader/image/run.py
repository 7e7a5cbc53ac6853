"""What the containers of the loader's tests do: run.py WHAT [ARGUMENT ...]."""

from __future__ import annotations

import os
import runpy
import sys
import time
from pathlib import Path

what, *arguments = sys.argv[1:]
if what == "exit":
    sys.exit(int(arguments[0]))
elif what == "say":
    print(*arguments, sep="\n")
elif what == "environment":
    print(*(f"{name}={os.environ.get(name)}" for name in arguments), sep="\n")
elif what == "output":
    print(f"airflow-output: {arguments[0]}")
elif what == "output-and-exit":
    print(f"airflow-output: {arguments[0]}")
    sys.exit(int(arguments[1]))
elif what == "count":
    for number in range(int(arguments[0])):
        print(f"line {number}", flush=number % 100 == 0)
elif what in {"load", "store"}:
    sys.argv[1:] = [arguments[0] if arguments else os.environ["AIRFLOW_INPUT_S3"]]
    runpy.run_path(str(Path(__file__).with_name(f"{what}.py")))
elif what == "work":
    time.sleep(float(arguments[0]))
elif what == "hold":
    print("holding", flush=True)
    time.sleep(600)
else:
    print("did", what, *arguments)
