"""The line of the task log that stands for those of a container with another log driver."""

from __future__ import annotations

import pytest

from airflow_ecs_dag_loader.runner.lines_elsewhere import lines_elsewhere

ARN = "arn:{}:ecs:eu-west-1:111122223333:task-definition/reports:7"


@pytest.mark.parametrize(
    ("task_definition", "where"),
    [
        (
            ARN.format("aws"),
            "https://eu-west-1.console.aws.amazon.com/ecs/v2/task-definitions/reports/7/containers?region=eu-west-1",
        ),
        (ARN.format("aws-iso"), ARN.format("aws-iso")),
        ("reports:7", "reports:7"),
        ("reports", "reports"),
    ],
)
def test_it_leads_to_the_task_definition(task_definition: str, where: str) -> None:
    line = lines_elsewhere("main", task_definition)
    assert "container main are not in CloudWatch Logs" in line
    assert line.endswith(f": {where}")
