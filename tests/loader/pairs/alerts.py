"""Whom to tell of what: by mail, or by the platform's profiles."""

from __future__ import annotations

from dataclasses import replace

from airflow.sdk import DAG

from airflow_ecs_dag_loader import EcsTaskOperator
from airflow_ecs_dag_loader.alert_notifiers import EmailNotifier
from airflow_ecs_dag_loader.aws_alert_notifiers import SnsNotifier
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec, EmailAlert
from airflow_ecs_dag_schema.alerts import AlertEvent, ProfileAlert
from airflow_ecs_dag_schema.platform_parts import SnsProfile
from loader.pairs import hand
from loader.pairs.hand import DAG_ARGUMENTS, ECS

TOPIC = "arn:aws:sns:eu-west-1:123456789012:night"
SOURCE = replace(hand.SOURCE, alert_profiles={"night": SnsProfile(target_arn=TOPIC)})
SPEC = DagSpec(
    dag_id="reports",
    alerts=[
        EmailAlert(to=["team@example.com"], on=["success", "failure"]),
        ProfileAlert(profile="night", on=["failure", "retry"]),
    ],
    tasks=[EcsTaskSpec(task_id="build")],
)


def by_hand() -> DAG:
    def mail(event: AlertEvent) -> EmailNotifier:
        return EmailNotifier(event=event, to=["team@example.com"], smtp_conn_id="smtp_default")

    defaults = {
        "owner": "airflow",
        "retries": 0,
        "on_failure_callback": [mail("failure"), SnsNotifier(event="failure", target_arn=TOPIC, aws_conn_id=None)],
        "on_retry_callback": [SnsNotifier(event="retry", target_arn=TOPIC, aws_conn_id=None)],
    }
    arguments = DAG_ARGUMENTS | {"default_args": defaults, "on_success_callback": [mail("success")]}
    with DAG("reports", schedule=None, **arguments) as dag:
        EcsTaskOperator(task_id="build", command=["build"], **ECS)
    return dag
