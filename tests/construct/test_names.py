"""The names of `airflow_ecs_dag` are its promise to authors."""

from __future__ import annotations

import airflow_ecs_dag


def test_the_public_names() -> None:
    assert airflow_ecs_dag.__all__ == [
        "AirflowEcsDag",
        "AirflowOperator",
        "Approval",
        "Asset",
        "BooleanParam",
        "Branch",
        "CapacityProvider",
        "DagDefinitionError",
        "DateParam",
        "DateTimeSensor",
        "DatetimeParam",
        "Deadline",
        "EcsTask",
        "EdgeLabel",
        "EmailAlert",
        "Empty",
        "ExternalTaskSensor",
        "Flow",
        "GlueJobSensor",
        "IntegerParam",
        "Item",
        "LatestOnly",
        "NumberParam",
        "Output",
        "ParamItems",
        "ParamRef",
        "Problem",
        "ProfileAlert",
        "S3KeySensor",
        "SageMakerTrainingSensor",
        "Schedule",
        "ShortCircuit",
        "SqsSensor",
        "StringListParam",
        "StringParam",
        "TaskDefaults",
        "TaskGroup",
        "TimeDeltaSensor",
        "TriggerDagRun",
        "all_of",
        "any_of",
        "bucket_asset",
        "item",
        "param",
    ]
    assert all(hasattr(airflow_ecs_dag, name) for name in airflow_ecs_dag.__all__)
