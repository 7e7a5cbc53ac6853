"""From the contract to Airflow: ``build_dag`` is pure; it reads neither AWS nor Airflow's database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG

from airflow_ecs_dag_loader.alert_notifiers import notifier, profiles_for
from airflow_ecs_dag_loader.console_links import stack_url, task_definition_url
from airflow_ecs_dag_loader.dag_source import DagSource
from airflow_ecs_dag_loader.deadlines import deadline_alerts
from airflow_ecs_dag_loader.param_schemas import airflow_params
from airflow_ecs_dag_loader.task_builder import TaskBuilder
from airflow_ecs_dag_loader.timetables import timetable
from airflow_ecs_dag_schema.schedule import Continuous

if TYPE_CHECKING:
    from airflow_ecs_dag_schema import DagSpec
    from airflow_ecs_dag_schema.alerts import AlertEvent

__all__ = ["DagSource", "build_dag"]


def build_dag(spec: DagSpec, source: DagSource) -> DAG:
    """Return the Airflow DAG that ``spec`` means, to be run as ECS tasks of ``source``.

    Raises:
        LabelError: The platform does not have or allow something that it names, or Airflow can't have it.
    """
    dag = DAG(
        dag_id=spec.dag_id,
        description=spec.description,
        doc_md=_doc(spec, source),
        tags=list(spec.tags),
        schedule=timetable(spec.schedule),
        start_date=spec.start_date,
        end_date=spec.end_date,
        catchup=spec.catchup,
        dagrun_timeout=spec.dagrun_timeout,
        deadline=deadline_alerts(spec, source.alert_profiles),
        fail_fast=spec.fail_fast,
        is_paused_upon_creation=spec.is_paused_upon_creation,
        params=airflow_params(spec.params),
        default_args=_default_args(spec, source),
        on_success_callback=_notifiers(spec, source, "success"),
        # The newest revision is the one that runs; Airflow keeps the history of the DAG's shape by itself.
        disable_bundle_versioning=True,
        **_only_if_said(spec),
    )
    with dag:
        builder = TaskBuilder(dag, spec, source)
        for task in spec.tasks:
            builder.task(task.task_id)
    for task in spec.tasks:
        for before in task.upstream:
            builder.task(task.task_id).set_upstream(builder.task(before))
        for edge in task.edge_labels:
            dag.set_edge_info(edge.upstream, task.task_id, {"label": edge.label})
    return dag


def _only_if_said(spec: DagSpec) -> dict[str, Any]:
    """Return the arguments whose default is the platform's, or made from others, where the DAG says something."""
    arguments = {
        "dag_display_name": spec.display_name,
        "owner_links": None if spec.owner_link is None else {spec.owner: spec.owner_link},
        "max_active_runs": 1 if isinstance(spec.schedule, Continuous) else spec.max_active_runs,
        "max_active_tasks": spec.max_active_tasks,
        "max_consecutive_failed_dag_runs": spec.max_consecutive_failed_dag_runs,
    }
    return {name: value for name, value in arguments.items() if value is not None}


def _default_args(spec: DagSpec, source: DagSource) -> dict[str, Any]:
    arguments = {
        "owner": spec.owner,
        **{name: value for name, value in spec.defaults if value is not False},
        "on_failure_callback": _notifiers(spec, source, "failure"),
        "on_retry_callback": _notifiers(spec, source, "retry"),
    }
    return {name: value for name, value in arguments.items() if value is not None}


def _notifiers(spec: DagSpec, source: DagSource, event: AlertEvent) -> list[Any] | None:
    return [notifier(profile, event) for profile in profiles_for(event, spec, source.alert_profiles)] or None


def _doc(spec: DagSpec, source: DagSource) -> str:
    """Return what the DAG's page says: where the DAG comes from, then the author's text, which can't hide that.

    The end is never the author's: Airflow reads a text that ends in ``.md`` as the path of a file.
    """
    links = {
        "Repository": spec.repository,
        "CloudFormation stack": spec.stack and stack_url(spec.stack, partition=source.partition, region=source.region),
        "ECS task definition": task_definition_url(source.task_definition),
    }
    listed = " | ".join(f"[{name}]({url})" for name, url in links.items() if url)
    found = f"revision {source.revision}, in account {source.account}, region {source.region}"
    own = [
        f"Declared by ECS task definition `{source.family}`, {found}.",
        f"Its tasks run as ECS tasks in cluster `{source.cluster}`, container `{source.container.name}`.",
    ]
    authors = ["---", spec.doc_md.rstrip(), "---\n"] if spec.doc_md else []
    return "\n\n".join([*([listed] if listed else []), *own, *authors])
