"""All that a task can say about its ECS task."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_ecs_dag_loader import EcsTaskOperator
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec
from airflow_ecs_dag_schema.ecs_settings import CapacityProvider, EcsSettings, EcsTag
from loader.pairs.hand import DAG_ARGUMENTS, ECS

SPEC = DagSpec(
    dag_id="reports",
    ecs=EcsSettings(
        launch_type="FARGATE",
        subnets=["subnet-1", "subnet-2"],
        security_groups=["sg-1"],
        assign_public_ip=False,
        platform_version="1.4.0",
        tags=[EcsTag(key="team", value="flowers"), EcsTag(key="cost", value="12")],
    ),
    tasks=[
        EcsTaskSpec(
            task_id="build",
            command=["python", "build.py"],
            args=["{{ ds }}", "--all"],
            environment={"DAY": "{{ ds }}", "LEVEL": "info"},
            cpu=1024,
            memory_limit_mib=2048,
            ephemeral_storage_gib=40,
            capacity_provider_strategy=[CapacityProvider(name="FARGATE_SPOT", weight=3, base=1)],
            platform_version="LATEST",
            tags=[EcsTag(key="cost", value="13")],
            skip_on_exit_code=[99, 3],
        ),
        EcsTaskSpec(task_id="send", launch_type="EC2"),
    ],
)


def by_hand() -> DAG:
    network = {
        "awsvpcConfiguration": {
            "subnets": ["subnet-1", "subnet-2"],
            "securityGroups": ["sg-1"],
            "assignPublicIp": "DISABLED",
        }
    }
    with DAG("reports", schedule=None, **DAG_ARGUMENTS) as dag:
        EcsTaskOperator(
            task_id="build",
            command=["python", "build.py", "{{ ds }}", "--all"],
            environment={"DAY": "{{ ds }}", "LEVEL": "info"},
            cpu=1024,
            memory_limit_mib=2048,
            ephemeral_storage_gib=40,
            capacity_provider_strategy=[{"capacityProvider": "FARGATE_SPOT", "weight": 3, "base": 1}],
            platform_version="LATEST",
            network_configuration=network,
            tags={"team": "flowers", "cost": "13"},
            skip_on_exit_code=[3, 99],
            **ECS,
        )
        EcsTaskOperator(
            task_id="send",
            command=["send"],
            launch_type="EC2",
            platform_version="1.4.0",
            network_configuration=network,
            tags={"team": "flowers", "cost": "12"},
            **ECS,
        )
    return dag
