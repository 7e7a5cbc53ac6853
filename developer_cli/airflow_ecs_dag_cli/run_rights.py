"""What Airflow's role must be allowed to run a DAG, in the words of ``AirflowEcsDag.grant_run``'s policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ecs_dag_schema.exchange import bucket_and_key
from airflow_ecs_dag_schema.references import named_outputs
from airflow_ecs_dag_schema.tasks import EcsTaskSpec
from airflow_ecs_dag_schema.undeployed import without_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_ecs_dag_cli.verdicts import Verdict

Right = tuple[str, str]
"""The actions, and what they are on; tokens in it where only the deployment knows."""


def run_rights(verdict: Verdict) -> set[Right]:
    """Return what it takes to run a DAG; nothing if the DAG can't be read."""
    return set(_rights(verdict))


def _rights(verdict: Verdict) -> Iterator[Right]:
    spec, definition = verdict.spec, verdict.definition
    if spec is None:
        return
    where = f" on the cluster {spec.ecs.cluster}" if spec.ecs.cluster else ""
    own = definition.family or f"(the family of {without_tokens(definition.place or verdict.dag_id)})"
    others = sorted(
        {task.task_definition for task in spec.tasks if isinstance(task, EcsTaskSpec) and task.task_definition}
    )
    for family in (own, *(_family(each) for each in others)):
        yield "ecs:RunTask", f"{family}{where}"
    yield "ecs:DescribeTasks, StopTask, ListTasks, TagResource", f"its ECS tasks{where}"
    if others:
        yield "ecs:DescribeTaskDefinition", "every task definition"
    for role in definition.roles:
        yield "iam:PassRole", role
    ran = spec.ecs.container_name or verdict.container.name
    group = next((each.log_group for each in definition.containers if each.name == ran), "")
    if group:
        yield "logs:GetLogEvents", f"the log group {group}"
    if spec.exchange is not None:
        bucket = f"{bucket_and_key(spec.exchange)[0]}, the objects of {spec.dag_id}"
        if any(True for task in spec.tasks for _ in named_outputs(task)):
            yield "s3:GetObject", bucket
        if any(isinstance(task, EcsTaskSpec) and task.inputs for task in spec.tasks):
            yield "s3:PutObject", bucket


def _family(task_definition: str) -> str:
    """Return the family of a task definition that a task names by family, revision or ARN."""
    return task_definition.rpartition("/")[2].partition(":")[0] if "${" not in task_definition else task_definition
