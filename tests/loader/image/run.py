"""What the containers of the loader's tests do: run.py WHAT [ARGUMENT ...]."""

from __future__ import annotations

import os
import sys
import time

what, *arguments = sys.argv[1:]
if what == "exit":
    sys.exit(int(arguments[0]))
elif what == "say":
    print(*arguments, sep="\n")  # noqa: T201 - what a container says
elif what == "environment":
    print(*(f"{name}={os.environ.get(name)}" for name in arguments), sep="\n")  # noqa: T201 - what a container says
elif what == "output":
    print(f"airflow-output: {arguments[0]}")  # noqa: T201 - what a container says
elif what == "output-and-exit":
    print(f"airflow-output: {arguments[0]}")  # noqa: T201 - what a container says
    sys.exit(int(arguments[1]))
elif what == "count":
    for number in range(int(arguments[0])):
        print(f"line {number}", flush=number % 100 == 0)  # noqa: T201 - what a container says
elif what == "work":
    time.sleep(float(arguments[0]))
elif what == "hold":
    print("holding", flush=True)  # noqa: T201 - what a container says
    time.sleep(600)
else:
    print("did", what, *arguments)  # noqa: T201 - what a container says
