"""Runs in a process of its own, to be killed: shows a stream's lines, and notes after each look how far it came."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import boto3
from botocore.config import Config

from airflow_ecs_dag_loader.runner.container_lines import ContainerLines
from airflow_ecs_dag_loader.runner.log_reads import LogReads
from container_logs.task_log_file import log_to


def main(url: str, log_file: str, note_file: str, ends: str) -> None:
    note = Path(note_file)
    client = boto3.client(
        "logs",
        endpoint_url=url,
        region_name="eu-west-1",
        aws_access_key_id="111122223333",
        aws_secret_access_key="not-aws",  # noqa: S106 - the opposite of a secret
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )
    lines = ContainerLines(
        client,
        group="/ecs/work",
        stream="airflow/main/0123",
        log=log_to(Path(log_file)),
        position=json.loads(note.read_text()) if note.exists() else None,
        reads=LogReads(1_000),
    )
    if ends == "ends":
        lines.show_rest(wait=0.05)
        return
    while True:
        if lines.show_new():
            new = note.with_suffix(".new")
            new.write_text(json.dumps(lines.position))
            new.replace(note)
        os.write(1, b".")
        time.sleep(0.02)


if __name__ == "__main__":
    main(*sys.argv[1:])
