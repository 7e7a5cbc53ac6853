"""Task definitions beside the DAG's own that its tasks run, and how they consent to it.

Nobody can have another team's task definition run under its roles: one of its containers must carry the Docker label
``airflow.run_by`` with the ids of the DAGs that may run it, divided by spaces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs

from airflow_ecs_dag.container import containers_of
from airflow_ecs_dag.ecs_task import EcsTask
from airflow_ecs_dag.placement import ONLY_LAUNCH_TYPE
from airflow_ecs_dag_schema.problems import DagDefinitionError, Problem
from airflow_ecs_dag_schema.task_definition import RUN_BY_LABEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_ecs_dag.flow import Flow
    from airflow_ecs_dag.placement import Placement


class OtherTaskDefinitions:
    """What the tasks of a flow say about task definitions and containers.

    Attributes:
        by_task: Fields of the contract, by the task's ``id()``.
        of_app: The others of this app, each once, with the names of the containers that are run.
        are_there: Whether there are any, of this app or by name.
    """

    def __init__(self, flow: Flow, place: Placement) -> None:
        """Look at each task.

        Raises:
            DagDefinitionError: A task definition or a container can't be.
        """
        self._place = place
        self.by_task: dict[int, dict[str, Any]] = {}
        self.of_app: dict[ecs.TaskDefinition, set[str]] = {}
        self.are_there = False
        problems: list[Problem] = []
        for task in flow.tasks:
            if isinstance(task, EcsTask) and (task.task_definition is not None or task.container is not None):
                self.by_task[id(task)] = dict(self._fields(task, problems))
        if problems:
            raise DagDefinitionError(problems)

    def consent(self, dag_id: str) -> None:
        """Write the consent of those of this app that they are run by the DAG ``dag_id``."""
        for container in self._run_containers():
            container.add_docker_label(RUN_BY_LABEL, " ".join(sorted({*_dag_ids(container), dag_id})))

    def without_consent(self, dag_id: str) -> Iterator[Problem]:
        """Yield a problem for each of this app whose consent somebody took away afterwards."""
        for container in self._run_containers():
            if dag_id not in _dag_ids(container):
                message = (
                    f"the label {RUN_BY_LABEL} of the container {container.container_name} no longer names the DAG "
                    f"{dag_id!r}, which runs it: don't give it to the container, AirflowEcsDag does"
                )
                yield Problem("task_definition", message, container.task_definition.node.path)

    def _run_containers(self) -> Iterator[ecs.ContainerDefinition]:
        for other, names in self.of_app.items():
            yield from (each for each in containers_of(other) if each.container_name in names)

    def _fields(self, task: EcsTask, problems: list[Problem]) -> Iterator[tuple[str, Any]]:
        path = f"tasks.{task.task_id}"
        own = self._place.task_definition
        given = task.task_definition
        name = _container_name(task.container)
        if isinstance(given, str):
            self.are_there = True
            yield "task_definition", given
        elif given is not None and not isinstance(given, ecs.TaskDefinition):
            message = "expected a task definition made in this app, or the family or the ARN of another one, as a text"
            problems.append(Problem(f"{path}.task_definition", message, repr(given)))
            return
        else:
            definition = own if given is None else given
            problems.extend(_container_problems(f"{path}.container", definition, name))
            if given is not None and given.node.path != own.node.path:
                problems.extend(self._misfits(f"{path}.task_definition", given))
                yield from self._of_app(task, given, name)
                return
        if name is not None:
            yield "container_name", name

    def _of_app(self, task: EcsTask, other: ecs.TaskDefinition, name: str | None) -> Iterator[tuple[str, Any]]:
        self.are_there = True
        default = other.default_container
        run = name or (None if default is None else default.container_name)
        self.of_app.setdefault(other, set()).update(() if run is None else (run,))
        yield "task_definition", other.family
        if run is not None:
            yield "container_name", run
        if task.launch_type is None and not task.capacity_provider_strategies and (wanted := self._launch_type(other)):
            yield "launch_type", wanted

    def _launch_type(self, other: ecs.TaskDefinition) -> str | None:
        """Return the launch type that ``other`` needs where the DAG's would not do."""
        if self._place.capacity_provider_strategies:
            return None
        of_dag = self._place.launch_type_of_dag()
        if of_dag is None:
            return ONLY_LAUNCH_TYPE.get(other.compatibility)
        can = {"FARGATE": other.is_fargate_compatible, "EC2": other.is_ec2_compatible}.get(
            of_dag, other.is_external_compatible
        )
        return None if can else ONLY_LAUNCH_TYPE.get(other.compatibility, "EC2")

    def _misfits(self, path: str, other: ecs.TaskDefinition) -> Iterator[Problem]:
        own = self._place.task_definition
        here, there = cdk.Stack.of(own).environment, cdk.Stack.of(other).environment
        if here != there and "unknown-" not in here + there:
            message = f"it is deployed to {there}, the DAG to {here}: put both into one account and region"
            yield Problem(path, message, other.node.path)
        modes = [definition.network_mode == ecs.NetworkMode.AWS_VPC for definition in (own, other)]
        if modes[0] != modes[1]:
            message = (
                f"its network mode is {other.network_mode.value.lower()}, that of the DAG's task definition "
                f"{own.network_mode.value.lower()}, and the DAG's subnets are for both: make them alike"
            )
            yield Problem(path, message, other.node.path)
        if other.default_container is None:
            yield Problem(path, "it has no essential container: call add_container(...) first", other.node.path)


def _container_problems(path: str, definition: ecs.TaskDefinition, name: str | None) -> Iterator[Problem]:
    names = [container.container_name for container in containers_of(definition)]
    if name is not None and name not in names:
        known = ", ".join(names) or "none"
        yield Problem(path, f"the task definition has no such container; its containers are {known}", name)


def _container_name(given: object) -> str | None:
    return given if isinstance(given, str | None) else str(getattr(given, "container_name", given))


def _dag_ids(container: ecs.ContainerDefinition) -> list[str]:
    labels = container.render_container_definition().docker_labels
    given = cast("dict[str, str]", labels).get(RUN_BY_LABEL, "") if isinstance(labels, dict) else ""
    return given.split()
