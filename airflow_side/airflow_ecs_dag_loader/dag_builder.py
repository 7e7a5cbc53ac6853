"""From the contract to Airflow: ``build_dag`` is pure; it reads neither AWS nor Airflow's database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.providers.standard.operators.latest_only import LatestOnlyOperator
from airflow.sdk import DAG

from airflow_ecs_dag_loader.ecs_task_operator import EcsTaskOperator
from airflow_ecs_dag_loader.timetables import timetable
from airflow_ecs_dag_schema.schedule import Continuous
from airflow_ecs_dag_schema.tasks import EcsTaskSpec, LatestOnlySpec

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

    from airflow_ecs_dag_loader.definition import Container, Definition
    from airflow_ecs_dag_loader.source import RegistrySource
    from airflow_ecs_dag_schema import DagSpec, EcsSettings


@dataclass(frozen=True)
class DagSource:
    """Where a DAG was found, and with what its ECS tasks are run.

    Attributes:
        task_definition: ARN of the revision that carries the DAG.
        account: The account it was found in, 12 digits.
        region: The region it was found in.
        family: Family of the task definition.
        revision: Revision of the task definition.
        container: The container whose command, exit code and log count.
        cluster: Name or ARN of the cluster.
        aws_conn_id: Airflow connection for RunTask; ``None`` for the process's own credentials.
    """

    task_definition: str
    account: str
    region: str
    family: str
    revision: int
    container: Container
    cluster: str
    aws_conn_id: str | None = None

    @classmethod
    def of(cls, definition: Definition, spec: DagSpec, source: RegistrySource) -> Self:
        """Put together what the registry, the labels and the platform say."""
        arn = definition.parsed_arn
        return cls(
            task_definition=arn.text,
            account=arn.account,
            region=arn.region,
            family=arn.family,
            revision=arn.revision,
            container=definition.container(spec.ecs.container_name),
            cluster=spec.ecs.cluster or source.cluster or "default",
            aws_conn_id=source.aws_conn_id,
        )


def build_dag(spec: DagSpec, source: DagSource) -> DAG:
    """Return the Airflow DAG that ``spec`` means, to be run as ECS tasks of ``source``."""
    with DAG(
        dag_id=spec.dag_id,
        description=spec.description,
        doc_md=_doc(source),
        tags=list(spec.tags),
        schedule=timetable(spec.schedule),
        start_date=spec.start_date,
        end_date=spec.end_date,
        catchup=spec.catchup,
        dagrun_timeout=spec.dagrun_timeout,
        default_args=_default_args(spec),
        on_success_callback=_notifiers(spec, "success"),
        # The newest revision is the one that runs; Airflow keeps the history of the DAG's shape by itself.
        disable_bundle_versioning=True,
        **_limits(spec),
    ) as dag:
        tasks = {task.task_id: _operator(task, spec, source) for task in spec.tasks}
    for task in spec.tasks:
        for before in task.upstream:
            tasks[task.task_id].set_upstream(tasks[before])
    return dag


def _limits(spec: DagSpec) -> dict[str, Any]:
    runs = 1 if isinstance(spec.schedule, Continuous) else spec.max_active_runs
    limits = {"max_active_runs": runs, "max_active_tasks": spec.max_active_tasks}
    return {name: value for name, value in limits.items() if value is not None}


def _default_args(spec: DagSpec) -> dict[str, Any]:
    defaults = spec.defaults
    arguments = {
        "owner": spec.owner,
        "retries": defaults.retries,
        "retry_delay": defaults.retry_delay,
        "execution_timeout": defaults.execution_timeout,
        "depends_on_past": defaults.depends_on_past,
        "on_failure_callback": _notifiers(spec, "failure"),
        "on_retry_callback": _notifiers(spec, "retry"),
    }
    return {name: value for name, value in arguments.items() if value is not None}


def _notifiers(spec: DagSpec, event: str) -> list[Any] | None:
    return [SmtpNotifier(to=list(alert.to)) for alert in spec.alerts if event in alert.on] or None


def _operator(task: EcsTaskSpec | LatestOnlySpec, spec: DagSpec, source: DagSource) -> BaseOperator:
    arguments: dict[str, Any] = {"task_id": task.task_id, "trigger_rule": task.trigger_rule}
    for name in ("retries", "retry_delay", "execution_timeout", "depends_on_past"):
        if (value := getattr(task, name)) is not None:
            arguments[name] = value
    if isinstance(task, LatestOnlySpec):
        return LatestOnlyOperator(**arguments)
    return EcsTaskOperator(
        task_definition=source.task_definition,
        cluster=source.cluster,
        command=list(task.container_command),
        aws_conn_id=source.aws_conn_id,
        region_name=source.region,
        **_run_task_arguments(spec.ecs),
        **_container_arguments(source.container),
        **arguments,
    )


def _run_task_arguments(ecs: EcsSettings) -> dict[str, Any]:
    """Return where to run, in the words of ``EcsRunTaskOperator``."""
    arguments: dict[str, Any] = {"launch_type": ecs.launch_type}
    if ecs.capacity_provider_strategy:
        arguments["capacity_provider_strategy"] = [
            {"capacityProvider": each.name, "weight": each.weight, "base": each.base}
            for each in ecs.capacity_provider_strategy
        ]
    if ecs.subnets:
        vpc: dict[str, Any] = {"subnets": list(ecs.subnets)}
        if ecs.security_groups:
            vpc["securityGroups"] = list(ecs.security_groups)
        if ecs.assign_public_ip is not None:
            vpc["assignPublicIp"] = "ENABLED" if ecs.assign_public_ip else "DISABLED"
        arguments["network_configuration"] = {"awsvpcConfiguration": vpc}
    return arguments


def _container_arguments(container: Container) -> dict[str, Any]:
    """Return which container runs the command, and where its lines go, in the words of ``EcsRunTaskOperator``."""
    arguments: dict[str, Any] = {"container_name": container.name}
    if container.logs is not None:
        arguments["awslogs_group"] = container.logs.group
        arguments["awslogs_region"] = container.logs.region
        arguments["awslogs_stream_prefix"] = container.logs.stream_prefix
    return arguments


def _doc(source: DagSource) -> str:
    """Return what the DAG's page says about where it comes from; a project has no say in this text."""
    return (
        f"Declared by ECS task definition `{source.family}`, revision {source.revision}, in account {source.account}, "
        f"region {source.region}.\n\nIts tasks run as ECS tasks in cluster `{source.cluster}`, container "
        f"`{source.container.name}`."
    )
