"""The names of `airflow_ecs_dag` are its promise to authors."""

from __future__ import annotations

import airflow_ecs_dag


def test_the_public_names() -> None:
    assert airflow_ecs_dag.__all__ == [
        "AirflowEcsDag",
        "CapacityProvider",
        "DagDefinitionError",
        "EcsTask",
        "EmailAlert",
        "Flow",
        "LatestOnly",
        "Problem",
        "Schedule",
        "TaskDefaults",
    ]
    assert all(hasattr(airflow_ecs_dag, name) for name in airflow_ecs_dag.__all__)
