"""Labels of 2019 have notices that name today's spelling; following them gives labels without a notice."""

from __future__ import annotations

import inspect
import re

import pytest

from airflow_ecs_dag import AirflowEcsDag, EcsTask
from airflow_ecs_dag_schema import decode, encode
from airflow_ecs_dag_schema.deprecations import notices
from airflow_ecs_dag_schema.json_schema import label_schema
from airflow_ecs_dag_schema.undeployed import token
from vectors.vector_files import Vector, read_vectors

OLD = {
    "airflow.dag.name": "reports",
    "airflow.dag.concurrency": "12",
    "airflow.dag.schedule_interval": "@daily",
    "airflow.dag.start_date": "2019-12-04T03:00:00",
    "airflow.dag.end_date": "2029-12-04T03:00:00Z",
    "airflow.dag.retries": "1",
    "airflow.dag.depends_on_past": "false",
    "airflow.dag.email.1": "a@example.com",
    "airflow.dag.email_on_failure": "true",
    "airflow.dag.email_on_retry": "false",
    "airflow.dag.owner": "Frank",
    "airflow.tasks.build.class": "airflow.operators.latest_only_operator.LatestOnlyOperator",
    "airflow.tasks.send.command": "python",
    "airflow.tasks.send.args.0": "{{ ds }}",
    "airflow.tasks.send.depends.3": "build",
}
TODAY = {
    "airflow.dag.name": "airflow.dag.dag_id",
    "airflow.dag.concurrency": "airflow.dag.max_active_tasks",
    "airflow.dag.schedule_interval": "airflow.dag.schedule.cron",
    "airflow.dag.start_date": "airflow.dag.start_date",
    "airflow.dag.retries": "airflow.dag.defaults.retries",
    "airflow.dag.depends_on_past": "airflow.dag.defaults.depends_on_past",
    "airflow.dag.email.1": "airflow.dag.alerts.0.to.1",
    "airflow.dag.email_on_failure": "airflow.dag.alerts.0.on.0",
    "airflow.dag.email_on_retry": "airflow.dag.alerts.0.on.1",
    "airflow.tasks.build.class": "airflow.tasks.build.kind",
    "airflow.tasks.send.command": "airflow.tasks.send.command.0",
    "airflow.tasks.send.depends.3": "airflow.tasks.send.upstream.3",
}


def test_each_label_that_is_spelled_otherwise_today_has_a_notice() -> None:
    found = {notice.path: notice for notice in notices(OLD)}
    assert found.keys() == {"airflow.schema_version", *TODAY}
    for label, today in TODAY.items():
        match = re.match(r"a label of 2019, today (\S+?)(?: \(.+\))?; in AirflowEcsDag (.+)", found[label].message)
        assert match, found[label].message
        assert match[1] == today
        assert found[label].value == OLD[label]


def test_what_they_name_is_there_today() -> None:
    """The label is one of version 1, and the argument one of the construct, or of the task."""
    schema = label_schema()
    arguments = {*inspect.signature(AirflowEcsDag.__init__).parameters, *inspect.signature(EcsTask).parameters}
    for notice in notices(OLD)[1:]:
        label = notice.message.partition("today ")[2].split(";")[0].split(" ")[0]
        assert label in schema["properties"] or any(re.search(each, label) for each in schema["patternProperties"])
        named = re.findall(r"(\w+)=", notice.message.partition("in AirflowEcsDag ")[2].partition("(")[0])
        assert set(named) <= arguments


@pytest.mark.parametrize(
    "vector", [pytest.param(vector, id=name) for name, vector in read_vectors("2019") if vector.valid]
)
def test_labels_written_today_have_none(vector: Vector) -> None:
    assert notices(vector.labels)[0].path == "airflow.schema_version"
    assert notices(encode(decode(vector.labels))) == ()


def test_labels_of_others_have_none() -> None:
    assert notices({}) == ()
    assert notices({"com.example": "x", "airflow.run_by": "reports"}) == ()
    assert (
        notices({"airflow.dag.name": "x", "airflow.run_by": "y", "airflow.dag.nonsense": "z"})[1:]
        == notices({"airflow.dag.name": "x"})[1:]
    )


def test_a_value_that_only_the_deployment_knows_changes_nothing() -> None:
    labels = dict.fromkeys(OLD, token("Ref X"))
    assert {notice.path for notice in notices(labels)} >= {"airflow.schema_version", *TODAY}
