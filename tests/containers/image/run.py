"""A container that does what its arguments say, one verb each, for the container tests."""

# ruff: noqa: T201 - what a container prints is its log

import os
import signal
import sys
import time


def main(verb: str, *values: str) -> int:
    """Do ``verb`` and return the exit code of the container.

    Args:
        verb: what to do.
        values: its arguments.
    """
    print("arguments", *values, flush=True)
    if verb == "exit":
        return int(values[0])
    if verb == "count":
        # No pause and no flush: the last lines leave in one write as the process ends.
        print("\n".join(f"line {number}" for number in range(int(values[0]))))
        return 0
    if verb == "output":
        # The output, and before it so many lines, in one write. Podman can lose the end of it if it ends there.
        lines = [f"line {number}" for number in range(int(values[1]))]
        print("\n".join([*lines, f"airflow-output: {values[0]}"]), flush=True)
        time.sleep(2)
        return 0
    if verb == "environment":
        print(*(f"{name}={os.environ.get(name)}" for name in values), sep="\n")
        return 0
    if verb == "allocate":
        block = bytearray(int(values[0]) * 2**20)  # MiB
        print("allocated", len(block))
        return 0
    if verb == "wait":
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
        print("waiting", flush=True)
        while True:
            time.sleep(1)
    print(f"unknown verb {verb!r}: allowed are exit, count, output, environment, allocate, wait", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
