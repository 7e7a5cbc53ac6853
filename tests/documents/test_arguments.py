"""docs/arguments.md tells of each argument of Airflow's DAG and operators; a new one fails here until it is told of."""

from __future__ import annotations

import inspect
from dataclasses import fields
from pathlib import Path

import pytest
from airflow.sdk import DAG, BaseOperator

import airflow_ecs_dag
from documents.argument_table import DAG_ARGUMENTS, TASK_ARGUMENTS, Fate, arguments_of, rows

PAGE = (Path(__file__).parents[2] / "docs" / "arguments.md").read_text()
OF_DAG = set(inspect.signature(airflow_ecs_dag.AirflowEcsDag.__init__).parameters)
OF_TASK = {each.name for each in fields(airflow_ecs_dag.EcsTask)}


@pytest.mark.parametrize(("owner", "fates"), [(DAG, DAG_ARGUMENTS), (BaseOperator, TASK_ARGUMENTS)])
def test_each_argument_of_airflow_has_its_fate_and_no_other(owner: type, fates: dict[str, Fate]) -> None:
    assert set(arguments_of(owner)) == set(fates)
    assert all(line in PAGE.splitlines() for line in rows(owner, fates))


def test_what_is_supported_is_there_under_that_name() -> None:
    for fate in DAG_ARGUMENTS.values():
        assert fate.verdict != "supported" or fate.spelled in OF_DAG
        assert fate.spelled or fate.why
    for fate in TASK_ARGUMENTS.values():
        assert fate.verdict != "supported" or fate.spelled in OF_TASK | OF_DAG | set(airflow_ecs_dag.__all__)
        assert fate.spelled or fate.why


def test_the_page_has_no_row_more() -> None:
    told = [line for line in PAGE.splitlines() if line.startswith("| `")]
    assert told == [*rows(DAG, DAG_ARGUMENTS), *rows(BaseOperator, TASK_ARGUMENTS)]
