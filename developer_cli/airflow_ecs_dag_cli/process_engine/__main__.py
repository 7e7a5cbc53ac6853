"""`python -m airflow_ecs_dag_cli.process_engine --socket PATH --images PATH`."""

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from airflow_ecs_dag_cli.process_engine.descriptions import NOTICE
from airflow_ecs_dag_cli.process_engine.server import ProcessEngine

READY = "process engine ready"


def main() -> int:
    """Serve until SIGTERM or SIGINT; exit with 2 if it cannot."""
    parser = argparse.ArgumentParser(
        prog="process_engine",
        description="A Docker Engine API on a Unix socket that runs each container as a plain process. "
        "There is no isolation: containers run as your own user, with your files and your network.",
    )
    parser.add_argument("--socket", type=Path, required=True, help="Unix socket to listen on, at most 103 bytes")
    parser.add_argument("--images", type=Path, required=True, help='JSON file: {"IMAGE URI": {"directory": "..."}}')
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    try:
        asyncio.run(_serve(options.socket, options.images))
    except ValueError as error:
        print(f"process engine: {error}", file=sys.stderr)  # noqa: T201 -- this is a command's own output
        return 2
    return 0


async def _serve(socket_path: Path, images: Path) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    async with ProcessEngine(socket_path, images):
        print(NOTICE, flush=True)  # noqa: T201 -- this is a command's own output
        print(f"{READY}: unix://{socket_path}", flush=True)  # noqa: T201 -- this is a command's own output
        await ended.wait()


if __name__ == "__main__":
    sys.exit(main())
