"""``airflow dags test``, as who looks for a fault in a DAG runs it: Airflow's command line in processes of its own."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from airflow_ecs_dag_schema import DagSpec, EcsSettings, EcsTaskSpec, encode
from airflow_ecs_dag_schema.outputs import OutputRef
from airflow_ecs_dag_schema.tasks import ExpandOutput
from loader.bundle_files import bundle_config
from loader.ecs_account import REGION
from loader.ecs_operators import LOGS, ecs_tasks

if TYPE_CHECKING:
    from pathlib import Path

    from loader.ecs_account import EcsAccount

pytestmark = [pytest.mark.airflow, pytest.mark.emulator]

SPEC = DagSpec(
    dag_id="tried",
    ecs=EcsSettings(cluster="work"),
    tasks=(
        EcsTaskSpec(task_id="files", command=("output",), args=('["x", "y"]',)),
        EcsTaskSpec(
            task_id="each",
            command=("output", '{"file": "{{ item }}", "try": {{ try_number }}}'),
            expand=ExpandOutput(task_id="files"),
            upstream=("files",),
        ),
        EcsTaskSpec(task_id="all", command=("say", OutputRef(task_id="each").template), upstream=("each",)),
        EcsTaskSpec(
            task_id="again",
            command=("exit", "{{ try_number }}"),
            retries=1,
            retry_delay=timedelta(seconds=1),
            skip_on_exit_code=(2,),
        ),
    ),
)


@pytest.mark.parametrize("is_deferrable", [True, False], ids=["triggerer", "worker"])
def test_a_run_with_mapping_and_a_retry(work: EcsAccount, tmp_path: Path, *, is_deferrable: bool) -> None:
    work.register("tried", encode(SPEC), logConfiguration=LOGS)
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__AIRFLOW_ECS_DAG__DEFERRABLE": str(is_deferrable),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(tmp_path / "bundles"),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": bundle_config("ecs", region_name=REGION),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path / 'airflow.db'}",
    }

    def airflow(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "airflow", *command],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
        return said

    airflow("db", "migrate")
    airflow("dags", "reserialize")
    said = airflow("dags", "test", "tried", "2026-01-31")
    with closing(sqlite3.connect(tmp_path / "airflow.db")) as database:
        found = database.execute("select task_id, map_index, state, try_number from task_instance order by 1, 2")
        assert found.fetchall() == [
            ("again", -1, "skipped", 2),
            ("all", -1, "success", 1),
            ("each", 0, "success", 1),
            ("each", 1, "success", 1),
            ("files", -1, "success", 1),
        ]
    commands = [each["overrides"]["containerOverrides"][0]["command"] for each in ecs_tasks(work)]
    assert sorted(commands) == [
        ["exit", "1"],
        ["exit", "2"],
        ["output", '["x", "y"]'],
        ["output", '{"file": "x", "try": 1}'],
        ["output", '{"file": "y", "try": 1}'],
        ["say", '[{"file":"x","try":1},{"file":"y","try":1}]'],
    ]
    assert ("running trigger in line" in said) == is_deferrable
