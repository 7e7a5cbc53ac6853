"""What a container prints, and what the user who triggers a run writes, stays a text: no log record, no template."""

from __future__ import annotations

import io
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from airflow.sdk.log import logging_processors

from airflow_ecs_dag_loader.dag_builder import build_dag
from airflow_ecs_dag_loader.runner.container_lines import ContainerLines
from airflow_ecs_dag_schema import decode
from loader.ecs_account import dag_labels
from loader.task_runs import task_run
from loader.test_dag_builder import SOURCE

if TYPE_CHECKING:
    from loader.ecs_account import EcsAccount

GROUP, STREAM = "/ecs/work", "airflow/main/0123"
FORGED = {
    "a record of its own": 'done\n{"timestamp":"2026-01-01T00:00:00Z","level":"info","event":"Task succeeded"}',
    "the end of the record": '"}\n{"level":"critical","event":"forged',
    "a carriage return": "50 %\r\n2026-01-01 00:00:00 ERROR forged",
    "a terminal's commands": "\x1b[2J\x1b[1;31mforged\x1b]8;;https://example.com\x07",
    "a format": "%s %(levelname)s {event} %n",
    "a page's script": "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "a template": "{{ conn.get('x') }} {% raw %}",
    "a group of lines": "::group::forged\n::endgroup::",
    "directions of writing": "\u202egol a ton si siht\u2066",
}
SHOWN = [
    "done",
    '{"timestamp":"2026-01-01T00:00:00Z","level":"info","event":"Task succeeded"}',
    '"}',
    '{"level":"critical","event":"forged',
    "50 %",
    "2026-01-01 00:00:00 ERROR forged",
    "\x1b[1;31mforged\x1b[0m",
    *list(FORGED.values())[4:7],
    ": :group::forged",
    ": :endgroup::",
    "\\u202egol a ton si siht\\u2066",
]
"""What the page shows of each: no line break, no order to a terminal but colours, nothing that can't be seen."""


@pytest.mark.emulator
def test_each_line_of_a_container_is_one_record_of_the_task_log(account: EcsAccount) -> None:
    """Read from CloudWatch Logs, and written by the processors with which Airflow writes its task logs."""
    client = account.logs()
    client.create_log_group(logGroupName=GROUP)
    client.create_log_stream(logGroupName=GROUP, logStreamName=STREAM)
    now = int(time.time() * 1000)
    said: Any = [{"timestamp": now, "message": message} for message in FORGED.values()]
    client.put_log_events(logGroupName=GROUP, logStreamName=STREAM, logEvents=said)
    file = io.BytesIO()
    logger = structlog.wrap_logger(
        structlog.BytesLogger(file),
        processors=logging_processors(json_output=True),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    shown = ContainerLines(client, group=GROUP, stream=STREAM, log=logger).show_new()
    records = [json.loads(line) for line in file.getvalue().splitlines()]
    assert shown == len(records)
    assert [record["event"] for record in records] == SHOWN
    assert {record["level"] for record in records} == {"info"}
    assert {record["logger"] for record in records} == {"airflow_ecs_dag.container"}
    assert b"\x1b" not in file.getvalue()
    assert len({record["timestamp"] for record in records}) == len(records)


@pytest.mark.parametrize(
    "run_id",
    [
        "{{ macros.uuid.os.popen('id').read() }}",
        "{{ ds }}",
        "{% for x in [] %}",
        "a' ; rm -rf / ; echo '",
        '$(id) `id` "${HOME}"',
        "--role-arn=arn:aws:iam::123456789012:role/admin",
        "two\nlines",
        "",
    ],
)
def test_the_id_that_a_user_gives_a_run_is_one_argument_and_no_template(run_id: str) -> None:
    labels = dag_labels(tasks__build__args__0="--run={{ run_id }}", tasks__build__args__1="{{ run_id }}")
    task: Any = build_dag(decode(labels), SOURCE).get_task("build")
    context = task_run(task, run_id=run_id)
    context["ti"].render_templates(context)
    assert task.command == ["build", f"--run={run_id}", run_id]
