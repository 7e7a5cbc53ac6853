"""The task that runs a container."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_ecs_dag.frozen_values import frozen_items, frozen_map, frozen_texts
from airflow_ecs_dag.tasks import Task, WithOutput
from airflow_ecs_dag.template_values import Output, TemplateValue
from airflow_ecs_dag_schema.ecs_settings import CapacityProvider
from airflow_ecs_dag_schema.frozen_map import FrozenMap
from airflow_ecs_dag_schema.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import aws_ecs as ecs

    from airflow_ecs_dag.frozen_values import Items
    from airflow_ecs_dag.task_ids import TaskIds
    from airflow_ecs_dag_schema.ecs_settings import LaunchType

_NO_ENTRIES: FrozenMap[str, Any] = FrozenMap({})
_AS_GIVEN = ("cpu", "memory_limit_mib", "ephemeral_storage_gib", "launch_type", "skip_on_exit_code")
_LISTS = {"capacity_provider_strategies": (CapacityProvider, "[CapacityProvider(name='FARGATE_SPOT')]")}


@dataclass(frozen=True, kw_only=True, repr=False)
class EcsTask(Task, WithOutput):
    """A task that runs a container: ``EcsTask("convert", args=["{{ ds }}"])``.

    Texts of ``command``, ``args``, ``environment`` and ``inputs`` may hold templates, and outputs of tasks before it.

    Attributes:
        command: What the container is given instead of its CMD; without it, the task's id.
        args: Appended to the command.
        environment: Environment variables, beside those of the task definition; up to 100. No secrets: everyone who
            sees the DAG sees them.
        inputs: Texts by name for the container, of any size; it finds them, as a JSON object, in S3, at the address
            in the environment variable ``AIRFLOW_INPUT_S3``. The DAG needs an ``exchange``. No secrets here, either.
        cpu: CPU units of the ECS task, 1,024 are one vCPU; without it, the task definition's.
        memory_limit_mib: Memory of the ECS task; without it, the task definition's.
        ephemeral_storage_gib: Disk of the ECS task on Fargate, 21 to 200; without it, the task definition's.
        task_definition: Another one than the DAG's: one of this app, or a family or an ARN of the same account and
            region, which must consent to be run by the DAG with the Docker label ``airflow.run_by`` on a container.
            One of this app is given that label.
        container: The container that runs the command, or its name; without it, of the DAG's task definition the
            DAG's, and of another one of this app its first essential one.
        launch_type: Without it, the DAG's.
        capacity_provider_strategies: As in RunTask, instead of a launch type; without any, the DAG's.
        platform_version: Of Fargate; without it, the DAG's.
        ecs_tags: Tags of the ECS task, beside the DAG's.
        skip_on_exit_code: With one of these, 0 to 255, the task is skipped, and so are the tasks after it.
        expand: Makes one instance of the task for each text of a list, or for each entry of the list that a task
            before it puts out; ``item`` stands for it. At most 1,000 texts.
        map_index_template: The name of each instance on Airflow's page, such as ``"{{ item }}"``; without it, its
            number.
    """

    kind: ClassVar[str] = "ecs"
    argument_names: ClassVar[Mapping[str, str]] = {
        "capacity_provider_strategy": "capacity_provider_strategies",
        "container_name": "container",
        "expand.items": "expand",
        "expand.task_id": "expand",
        "tags": "ecs_tags",
    }

    command: Items[str | TemplateValue] | None = None
    args: Items[str | TemplateValue] = ()
    environment: Mapping[str, str | TemplateValue] = _NO_ENTRIES
    inputs: Mapping[str, str | TemplateValue] = _NO_ENTRIES
    cpu: int | None = None
    memory_limit_mib: int | None = None
    ephemeral_storage_gib: int | None = None
    task_definition: ecs.TaskDefinition | str | None = None
    container: ecs.ContainerDefinition | str | None = None
    launch_type: LaunchType | None = None
    capacity_provider_strategies: Items[CapacityProvider] = ()
    platform_version: ecs.FargatePlatformVersion | str | None = None
    ecs_tags: Mapping[str, str] = _NO_ENTRIES
    skip_on_exit_code: Items[int] = ()
    expand: Items[str] | Output | None = None
    map_index_template: str | TemplateValue | None = None

    def _freeze(self, path: str) -> list[Problem]:
        problems: list[Problem] = []
        if self.command is not None:
            self._keep("command", frozen_texts(f"{path}.command", self.command, problems))
        self._keep("args", frozen_texts(f"{path}.args", self.args, problems))
        example = "{'MODE': 'full'}"
        for name in ("environment", "inputs"):
            given = getattr(self, name)
            self._keep(name, frozen_map(f"{path}.{name}", given, (str, TemplateValue), example, problems))
        self._keep("ecs_tags", frozen_map(f"{path}.ecs_tags", self.ecs_tags, (str,), "{'team': 'data'}", problems))
        for name, (kind, example) in _LISTS.items():
            self._keep(name, frozen_items(f"{path}.{name}", getattr(self, name), kind, example, problems))
        self._keep(
            "skip_on_exit_code",
            frozen_items(f"{path}.skip_on_exit_code", self.skip_on_exit_code, int, "[99]", problems),
        )
        if isinstance(self.map_index_template, TemplateValue):
            self._keep("map_index_template", str(self.map_index_template))
        self._freeze_expand(f"{path}.expand", problems)
        return problems

    def _freeze_expand(self, path: str, problems: list[Problem]) -> None:
        if isinstance(self.expand, Output):
            if self.expand.key is not None:
                message = "a task is mapped over the whole output of another one, a list: put the list out by itself"
                problems.append(Problem(path, message, repr(self.expand)))
        elif isinstance(self.expand, TemplateValue):
            message = (
                "expected a list of texts or the output of a task; for a param's texts, that of a task "
                "ParamItems('texts', param=...)"
            )
            problems.append(Problem(path, message, repr(self.expand)))
        elif self.expand is not None:
            items = frozen_texts(path, self.expand, problems)
            self._keep("expand", items)
            problems.extend(
                Problem(f"{path}.{index}", "an item is data, nothing is filled in: use this in args", repr(each))
                for index, each in enumerate(items)
                if isinstance(each, TemplateValue)
            )

    def contract(self, ids: TaskIds) -> dict[str, Any]:
        """Return the fields of the contract, but for what needs the app: task definition and container."""
        found: dict[str, Any] = {name: getattr(self, name) for name in _AS_GIVEN}
        found["command"] = None if self.command is None else tuple(ids.text(word) for word in self.command)
        found["args"] = tuple(ids.text(word) for word in self.args)
        found["environment"] = {name: ids.text(text) for name, text in self.environment.items()}
        found["inputs"] = {name: ids.text(text) for name, text in self.inputs.items()}
        found["capacity_provider_strategy"] = self.capacity_provider_strategies
        found["platform_version"] = platform_version_text(self.platform_version)
        found["tags"] = tag_fields(self.ecs_tags)
        if self.map_index_template is not None:
            found["map_index_template"] = ids.text(self.map_index_template)
        if isinstance(self.expand, Output):
            found["expand"] = {"kind": "output", "task_id": ids.reference(self.expand).task_id}
        elif self.expand is not None:
            found["expand"] = {"kind": "items", "items": self.expand}
        return {name: value for name, value in found.items() if value is not None}


def platform_version_text(given: object) -> object:
    """Return the contract's text for a version of Fargate's platform: ``VERSION1_4`` is ``1.4.0``."""
    name = getattr(given, "name", None)
    return given if name is None else f"{name[7:].replace('_', '.')}.0" if name.startswith("VERSION") else name


def tag_fields(tags: Mapping[str, str]) -> tuple[dict[str, str], ...]:
    """Return the contract's fields of an author's tags, in order of their keys."""
    return tuple({"key": key, "value": tags[key]} for key in sorted(tags))
