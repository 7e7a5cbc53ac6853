"""From a task of the contract to Airflow's operator: one function a kind, and what all kinds have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.latest_only import LatestOnlyOperator

from airflow_ecs_dag_loader.airflow_assets import airflow_asset
from airflow_ecs_dag_loader.airflow_operators import operator_of
from airflow_ecs_dag_loader.branching import OutputBranch, OutputShortCircuit, ParamItems
from airflow_ecs_dag_loader.console_links import stack_url
from airflow_ecs_dag_loader.runner.ecs_task_operator import MAP_INDEX_TEMPLATE, EcsTaskOperator
from airflow_ecs_dag_loader.runner.exchange_access import ExchangeAccess
from airflow_ecs_dag_loader.task_groups import TaskGroups
from airflow_ecs_dag_schema.problems import LabelError, Problem
from airflow_ecs_dag_schema.references import used_outputs
from airflow_ecs_dag_schema.tasks import (
    BranchSpec,
    EcsTaskSpec,
    ExpandItems,
    ExpandOutput,
    LatestOnlySpec,
    OperatorSpec,
    ParamItemsSpec,
    ShortCircuitSpec,
)

if TYPE_CHECKING:
    from airflow.sdk import DAG
    from airflow.sdk.types import Operator

    from airflow_ecs_dag_loader.dag_source import DagSource
    from airflow_ecs_dag_loader.definition import Container
    from airflow_ecs_dag_schema import DagSpec, EcsSettings
    from airflow_ecs_dag_schema.outputs import OutputRef
    from airflow_ecs_dag_schema.tasks import TaskSpec

_COMMON = (
    "retries",
    "retry_delay",
    "retry_exponential_backoff",
    "max_retry_delay",
    "execution_timeout",
    "depends_on_past",
    "wait_for_downstream",
    "pool",
    "pool_slots",
    "priority_weight",
    "weight_rule",
    "max_active_tis_per_dag",
    "max_active_tis_per_dagrun",
    "task_display_name",
    "doc_md",
)
"""What a task says in Airflow's own words; what it leaves out is Airflow's, or the DAG's default."""


class TaskBuilder:
    """Makes the tasks of one DAG.

    Args:
        dag: Whose they are.
        spec: What they are.
        source: What they are run with.
    """

    def __init__(self, dag: DAG, spec: DagSpec, source: DagSource) -> None:
        self._spec = spec
        self._source = source
        self._groups = TaskGroups(dag, spec)
        self._specs = {task.task_id: task for task in spec.tasks}
        self._with_used_output = frozenset(task_id for task in spec.tasks for task_id in used_outputs(task))
        self._built: dict[str, Operator] = {}

    def task(self, task_id: str) -> Operator:
        """Return the task ``task_id``, made when it is asked for, without its arrows.

        Raises:
            LabelError: Airflow can't have it, or the platform does not allow it.
        """
        if task_id not in self._built:
            task = self._specs[task_id]
            operator = self._operator(task, self._common(task))
            if task.is_setup:
                operator.as_setup()  # type: ignore[no-untyped-call] # Airflow's own
            if task.is_teardown:
                operator.as_teardown(on_failure_fail_dagrun=task.on_failure_fail_dagrun)
            self._built[task_id] = operator
        return self._built[task_id]

    def _label(self, task: TaskSpec) -> str:
        return f"airflow.tasks.{self._spec.keys[task.task_id]}"

    def _common(self, task: TaskSpec) -> dict[str, Any]:
        arguments: dict[str, Any] = {
            "task_id": task.task_id.rpartition(".")[2],
            "task_group": self._groups.of(task.task_id),
        }
        if not task.is_teardown:
            arguments["trigger_rule"] = task.trigger_rule
        for name in _COMMON:
            if (value := getattr(task, name)) is not None:
                arguments[name] = value
        if task.outlets:
            arguments["outlets"] = [
                airflow_asset(asset, label=f"{self._label(task)}.outlets.{number}")
                for number, asset in enumerate(task.outlets)
            ]
        return arguments

    def _operator(self, task: TaskSpec, common: dict[str, Any]) -> Operator:
        match task:
            case EcsTaskSpec():
                return self._ecs_task(task, common)
            case LatestOnlySpec():
                return LatestOnlyOperator(**common)
            case ShortCircuitSpec():
                return OutputShortCircuit(
                    **self._output(task.output),
                    ignore_downstream_trigger_rules=task.ignore_downstream_trigger_rules,
                    **common,
                )
            case BranchSpec():
                return OutputBranch(**self._output(task.output), **common)
            case ParamItemsSpec():
                return ParamItems(param=task.param, **common)
            case OperatorSpec():
                return self._foreign(task, common)

    def _output(self, output: OutputRef) -> dict[str, Any]:
        arguments: dict[str, Any] = {"output_task_id": output.task_id, "output_key": output.key}
        if self._spec.exchange is not None:
            arguments["exchange"] = ExchangeAccess(
                self._spec.exchange,
                self._source.account,
                region_name=self._source.region,
                aws_conn_id=self._source.aws_conn_id,
            )
        return arguments

    def _foreign(self, task: OperatorSpec, common: dict[str, Any]) -> Operator:
        label = self._label(task)
        operator_class, arguments = operator_of(task, self._source, label=label)
        try:
            return operator_class(**common, **arguments)
        except Exception as error:
            raise LabelError(
                [
                    Problem(
                        f"{label}.arguments",
                        f"the operator refuses its arguments ({type(error).__name__}: {error}): change them",
                        task.operator,
                    )
                ]
            ) from error

    def _ecs_task(self, task: EcsTaskSpec, common: dict[str, Any]) -> Operator:
        arguments = {
            **common,
            **_run_task_arguments(self._spec.ecs, task),
            "command": list(task.container_command),
            "task_definition": self._source.task_definition,
            "cluster": self._source.cluster,
            "aws_conn_id": self._source.aws_conn_id,
            "region_name": self._source.region,
        }
        if self._spec.stack is not None:
            place = {"partition": self._source.partition, "region": self._source.region}
            arguments["stack_url"] = stack_url(self._spec.stack, **place)
        if task.task_definition is None:
            container = self._source.task_containers.get(task.container_name or "", self._source.container)
            arguments |= _container_arguments(container)
            if sidecars := [name for name in self._source.essential_containers if name != container.name]:
                arguments["essential_sidecars"] = sidecars
        else:
            arguments["other_task_definition"] = task.task_definition
            if task.container_name is not None:
                arguments["container_name"] = task.container_name
        arguments |= {} if self._spec.exchange is None else {"exchange": self._spec.exchange}
        if task.task_id in self._with_used_output:
            arguments["output_needed"] = True
        if task.map_index_template is not None:
            arguments |= {"map_name": task.map_index_template, "map_index_template": MAP_INDEX_TEMPLATE}
        match task.expand:
            case None:
                return EcsTaskOperator(**arguments)
            case ExpandItems():
                return EcsTaskOperator.partial(**arguments).expand(item=list(task.expand.items))
            case ExpandOutput():
                producer: Any = self.task(task.expand.task_id)
                return EcsTaskOperator.partial(**arguments).expand(item=producer.output)


def _run_task_arguments(ecs: EcsSettings, task: EcsTaskSpec) -> dict[str, Any]:
    """Return how to run the ECS task, in the operator's words; what the task says goes before what the DAG says."""
    own = task if task.launch_type or task.capacity_provider_strategy else ecs
    strategy = [
        {"capacityProvider": each.name, "weight": each.weight, "base": each.base}
        for each in own.capacity_provider_strategy
    ]
    arguments = {
        "launch_type": own.launch_type,
        "capacity_provider_strategy": strategy,
        "platform_version": task.platform_version or ecs.platform_version,
        "network_configuration": _network(ecs),
        "tags": {tag.key: tag.value for tag in (*ecs.tags, *task.tags)},
        "environment": dict(task.environment),
        "inputs": dict(task.inputs),
        "cpu": task.cpu,
        "memory_limit_mib": task.memory_limit_mib,
        "ephemeral_storage_gib": task.ephemeral_storage_gib,
        "skip_on_exit_code": list(task.skip_on_exit_code),
    }
    return {name: value for name, value in arguments.items() if value}


def _network(ecs: EcsSettings) -> dict[str, Any]:
    if not ecs.subnets:
        return {}
    vpc: dict[str, Any] = {"subnets": list(ecs.subnets)}
    if ecs.security_groups:
        vpc["securityGroups"] = list(ecs.security_groups)
    if ecs.assign_public_ip is not None:
        vpc["assignPublicIp"] = "ENABLED" if ecs.assign_public_ip else "DISABLED"
    return {"awsvpcConfiguration": vpc}


def _container_arguments(container: Container) -> dict[str, Any]:
    """Return which container runs the command, and where its lines go, in the words of ``EcsRunTaskOperator``."""
    arguments: dict[str, Any] = {"container_name": container.name}
    if container.logs is not None:
        arguments["awslogs_group"] = container.logs.group
        arguments["awslogs_region"] = container.logs.region
        arguments["awslogs_stream_prefix"] = container.logs.stream_prefix
    return arguments
