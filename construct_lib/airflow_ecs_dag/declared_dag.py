"""From the construct's arguments to a DAG that fits its task definition, with every problem at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk

from airflow_ecs_dag.catalog import Catalog
from airflow_ecs_dag.connections import ContainerConnections
from airflow_ecs_dag.container import check_task_definition, find_container
from airflow_ecs_dag.definition import collecting, define
from airflow_ecs_dag.exchange import DagExchange
from airflow_ecs_dag.flow import merged
from airflow_ecs_dag.label_room import fitting_labels
from airflow_ecs_dag.other_task_definitions import OtherTaskDefinitions
from airflow_ecs_dag.synth_checks import DeployedDag
from airflow_ecs_dag_schema.problems import DagDefinitionError, Problem
from airflow_ecs_dag_schema.references import used_outputs
from airflow_ecs_dag_schema.tasks import EcsTaskSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_cdk import aws_ecs as ecs
    from aws_cdk import aws_s3 as s3

    from airflow_ecs_dag.container import DagContainer
    from airflow_ecs_dag.flow import Flow
    from airflow_ecs_dag.placement import Placement
    from airflow_ecs_dag_schema import DagSpec


def declared(
    dag: Mapping[str, Any],
    tasks: object,
    place: Placement,
    container: str | ecs.ContainerDefinition | None,
    connections: object,
    *,
    bucket: s3.IBucket | None,
) -> tuple[DeployedDag, Flow]:
    """Return the DAG, not yet written to anything, and its flow.

    Args:
        dag: The fields of the DAG by name.
        tasks: What the author gave as tasks.
        place: Where they run.
        container: What the author gave as container.
        connections: What the author gave as connections.
        bucket: What the author gave as exchange.

    Raises:
        DagDefinitionError: With every problem found.
    """
    problems: list[Problem] = []
    fields = dict(dag)
    if isinstance(fields["params"], Mapping):
        fields["params"] = dict(fields["params"])
    carrier: DagContainer | None = None
    given: ContainerConnections | None = None
    others: OtherTaskDefinitions | None = None
    exchange: DagExchange | None = None
    ecs_fields: dict[str, Any] = {}
    with collecting(problems):
        check_task_definition(place.task_definition)
        fields["stack"] = cdk.Stack.of(place.task_definition).stack_id
        with collecting(problems):
            Catalog.check_free(place.task_definition)
        with collecting(problems):
            if bucket is not None:
                exchange = DagExchange(bucket, place.task_definition)
                fields["exchange"] = exchange.uri
        with collecting(problems):
            carrier = find_container(place.task_definition, container)
            given = ContainerConnections(carrier.container, connections)
        with collecting(problems):
            ecs_fields = place.fields()
        others = _others(tasks, place, problems)
    defined: tuple[DagSpec, Flow] | None = None
    with collecting(problems):
        defined = define(fields, tasks, ecs_fields, None if others is None else others.by_task)
    if problems or defined is None or carrier is None or given is None or others is None:
        raise DagDefinitionError(problems)
    spec, flow = defined
    if unread := list(_unread_outputs(spec, carrier)):
        raise DagDefinitionError(unread)
    labels = fitting_labels(spec, carrier)
    dag_of_app = DeployedDag(
        spec=spec, labels=labels, carrier=carrier, connections=given, others=others, exchange=exchange
    )
    return dag_of_app, flow


def _unread_outputs(spec: DagSpec, carrier: DagContainer) -> Iterator[Problem]:
    """Yield a problem for each task whose output is used, and would be where Airflow can't read it."""
    if carrier.log_driver == "awslogs":
        return
    used = {task_id for task in spec.tasks for task_id in used_outputs(task)}
    for task in spec.tasks:
        if not isinstance(task, EcsTaskSpec) or task.task_id not in used or task.task_definition is not None:
            continue
        if task.container_name in {None, carrier.name}:
            message = (
                f"other tasks use its output, a line of the container {carrier.name}, whose lines don't go to "
                "CloudWatch Logs: give the container logging=ecs.LogDriver.aws_logs(stream_prefix=...)"
            )
            yield Problem(f"tasks.{task.task_id}", message, f"log driver {carrier.log_driver or 'none'}")


def _others(tasks: object, place: Placement, problems: list[Problem]) -> OtherTaskDefinitions | None:
    try:
        flow = merged(tasks)
    except DagDefinitionError:
        return None  # `define` says what is wrong with the tasks
    with collecting(problems):
        return OtherTaskDefinitions(flow, place)
    return None
