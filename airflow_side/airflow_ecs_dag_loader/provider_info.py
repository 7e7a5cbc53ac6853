"""What Airflow is told of this package as a provider: its links, and its options in Airflow's configuration."""

from __future__ import annotations

from typing import Any


def get_provider_info() -> dict[str, Any]:
    """Return what the entry point ``apache_airflow_provider`` is to return. Each process of Airflow may call it."""
    links = "airflow_ecs_dag_loader.runner.ecs_task_links"
    return {
        "package-name": "airflow-ecs-dag",
        "name": "Airflow ECS DAGs",
        "description": "DAGs that projects deploy with their stacks, as labels of ECS task definitions.",
        "extra-links": [
            f"{links}.{name}" for name in ("EcsTaskLink", "TaskDefinitionLink", "LogStreamLink", "StackLink")
        ],
        "config": {
            "airflow_ecs_dag": {
                "description": "How the ECS tasks of DAGs from ECS task definitions are run.",
                "options": {
                    "deferrable": {
                        "description": "Whether a task waits for its ECS task in the triggerer, and holds no worker.",
                        "version_added": "0.1.0",
                        "type": "boolean",
                        "example": None,
                        "default": "True",
                    },
                    "shortest_deferral": {
                        "description": "Seconds that a task spends in the triggerer at least, so that Airflow's "
                        "scheduler has noticed that it left its worker before it comes back.",
                        "version_added": "0.1.0",
                        "type": "float",
                        "example": "20",
                        "default": "8",
                    },
                    "end_in_triggerer": {
                        "description": "Whether the triggerer itself ends a task whose container ended well, without "
                        "a second worker. Each success then makes the DAG processor parse the DAG's file, and "
                        "listeners are not told of it.",
                        "version_added": "0.1.0",
                        "type": "boolean",
                        "example": "True",
                        "default": "False",
                    },
                    "log_reads_per_second": {
                        "description": "Calls of GetLogEvents a second of one process, in one region.",
                        "version_added": "0.1.0",
                        "type": "float",
                        "example": "2.5",
                        "default": "5",
                    },
                    "start_timeout": {
                        "description": "Seconds for which a task asks ECS again while ECS has no room for it.",
                        "version_added": "0.1.0",
                        "type": "float",
                        "example": "3600",
                        "default": "900",
                    },
                },
            }
        },
    }
