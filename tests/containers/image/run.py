"""A container that does what its arguments say, one verb each, for the container tests."""

# ruff: noqa: T201 - what a container prints is its log

import os
import signal
import sys
import time
from collections.abc import Callable
from typing import NoReturn


def leave(code: str) -> int:
    """Exit with ``code``."""
    return int(code)


def sleep(seconds: str, code: str) -> int:
    """Take a while, then exit with ``code``."""
    time.sleep(float(seconds))
    return int(code)


def count(lines: str) -> int:
    """Print so many lines. No pause and no flush: the last lines leave in one write as the process ends."""
    print("\n".join(f"line {number}" for number in range(int(lines))))
    return 0


def output(value: str, lines: str) -> int:
    """Print the output, and before it so many lines, in one write. Podman can lose the end of it if it ends there."""
    before = [f"line {number}" for number in range(int(lines))]
    print("\n".join([*before, f"airflow-output: {value}"]), flush=True)
    time.sleep(2)
    return 0


def many(lines: str) -> int:
    """Print so many lines, not so fast that an engine loses the end of what it is handed at once."""
    for first in range(0, int(lines), 500):
        block = range(first, min(first + 500, int(lines)))
        print("\n".join(f"line {number}" for number in block), flush=True)
        time.sleep(0.05)
    time.sleep(2)
    return 0


def binary() -> int:
    """Print no UTF-8, a NUL, an order to the terminal, a progress bar, and one line after it all."""
    sys.stdout.buffer.write(b"\xff\xfe\x80 bytes\na\x00b\n\x1b[2J\x1b[31mred\x1b[0m\n10%\r50%\r100%\nlast line\n")
    sys.stdout.buffer.flush()
    time.sleep(1)
    return 0


def environment(*names: str) -> int:
    """Print variables."""
    print(*(f"{name}={os.environ.get(name)}" for name in names), sep="\n")
    return 0


def allocate(mebibytes: str) -> int:
    """Take memory, and use it."""
    block = bytearray(int(mebibytes) * 2**20)
    print("allocated", len(block))
    return 0


def wait() -> NoReturn:
    """Wait to be stopped."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
    print("waiting", flush=True)
    while True:
        time.sleep(1)


VERBS: dict[str, Callable[..., int]] = {
    "exit": leave,
    "sleep": sleep,
    "count": count,
    "output": output,
    "lines": many,
    "binary": binary,
    "environment": environment,
    "allocate": allocate,
    "wait": wait,
}


def main(verb: str, *values: str) -> int:
    """Do ``verb`` and return the exit code of the container.

    Args:
        verb: what to do.
        values: its arguments.
    """
    print("arguments", *values, flush=True)
    if verb in VERBS:
        return VERBS[verb](*values)
    print(f"unknown verb {verb!r}: allowed are {', '.join(VERBS)}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
