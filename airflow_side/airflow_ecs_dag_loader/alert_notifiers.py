"""Airflow's notifiers for the alerts of a DAG: of each, only whom to tell is configured; the text is ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.smtp.notifications.smtp import SmtpNotifier

from airflow_ecs_dag_loader.alert_text import alert_text
from airflow_ecs_dag_schema.alerts import EmailAlert
from airflow_ecs_dag_schema.platform_parts import EmailProfile, SesProfile, SlackProfile, SnsProfile
from airflow_ecs_dag_schema.problems import LabelError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow.sdk import Context
    from airflow.sdk.bases.notifier import BaseNotifier

    from airflow_ecs_dag_schema import DagSpec
    from airflow_ecs_dag_schema.alerts import AlertEvent
    from airflow_ecs_dag_schema.platform_parts import AnyAlertProfile


class EmailNotifier(SmtpNotifier):
    """E-mail through an SMTP connection, whose ``from_email`` it is from.

    Args:
        event: What it tells of.
        kwargs: Those of ``SmtpNotifier``, without texts.
    """

    template_fields: Sequence[str] = ()  # type: ignore[assignment] # the provider's is a tuple of eleven

    def __init__(self, *, event: AlertEvent, **kwargs: Any) -> None:  # noqa: ANN401 - SmtpNotifier's own
        super().__init__(**kwargs)
        self.event = event

    def notify(self, context: Context) -> None:
        """Send one mail."""
        text = alert_text(self.event, context)
        with self.hook as smtp:
            smtp.send_email_smtp(
                smtp_conn_id=self.smtp_conn_id,
                from_email=smtp.from_email,
                to=self.to,
                subject=text.subject,
                html_content=text.html,
            )


def profiles_for(event: AlertEvent, spec: DagSpec, known: Mapping[str, AnyAlertProfile]) -> Iterator[AnyAlertProfile]:
    """Yield whom ``spec`` tells of ``event``.

    Args:
        event: What happened.
        spec: The DAG.
        known: The platform's profiles, by name.

    Raises:
        LabelError: It names a profile that the platform does not have.
    """
    for number, alert in enumerate(spec.alerts):
        if event not in alert.on:
            continue
        if isinstance(alert, EmailAlert):
            yield EmailProfile(to=alert.to)
        elif alert.profile in known:
            yield known[alert.profile]
        else:
            raise LabelError(
                [
                    Problem(
                        f"airflow.dag.alerts.{number}.profile",
                        f"this Airflow has no alert profile of this name, it has {', '.join(known) or 'none'}: choose "
                        "another one, or ask the platform for it",
                        alert.profile,
                    )
                ]
            )


def notifier(profile: AnyAlertProfile, event: AlertEvent) -> BaseNotifier:
    """Return what tells ``profile`` of ``event``.

    Raises:
        LabelError: What it takes is not installed in this Airflow.
    """
    match profile:
        case EmailProfile():
            return EmailNotifier(event=event, to=list(profile.to), smtp_conn_id=profile.smtp_conn_id)
        case SesProfile():
            from airflow_ecs_dag_loader.aws_alert_notifiers import SesNotifier  # noqa: PLC0415 - boto3, for those who use it

            return SesNotifier(
                event=event,
                mail_from=profile.mail_from,
                to=list(profile.to),
                aws_conn_id=profile.aws_conn_id,
                region_name=profile.region_name,
            )
        case SnsProfile():
            from airflow_ecs_dag_loader.aws_alert_notifiers import SnsNotifier  # noqa: PLC0415 - as above

            return SnsNotifier(event=event, target_arn=profile.target_arn, aws_conn_id=profile.aws_conn_id)
        case SlackProfile():
            try:
                from airflow_ecs_dag_loader.slack_alert_notifier import SlackNotifier  # noqa: PLC0415 - an extra
            except ModuleNotFoundError:
                raise LabelError(
                    [
                        Problem(
                            "airflow.dag.alerts",
                            "this Airflow can't write to Slack, apache-airflow-providers-slack is not installed: ask "
                            "the platform to install airflow-ecs-dag[slack], or choose another alert profile",
                        )
                    ]
                ) from None
            return SlackNotifier(event=event, channel=profile.channel, slack_conn_id=profile.slack_conn_id)
