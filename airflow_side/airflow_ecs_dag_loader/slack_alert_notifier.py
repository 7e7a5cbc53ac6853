"""Alerts to Slack, where ``apache-airflow-providers-slack`` is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.slack.notifications import slack

from airflow_ecs_dag_loader.alert_text import alert_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

    from airflow_ecs_dag_schema.alerts import AlertEvent

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
"""What Slack reads as mark-up: a run that is called ``<!channel>`` wakes nobody."""


class SlackNotifier(slack.SlackNotifier):
    """A message to a Slack channel.

    Args:
        event: What it tells of.
        kwargs: Those of Airflow's ``SlackNotifier``, without texts.
    """

    template_fields: Sequence[str] = ()

    def __init__(self, *, event: AlertEvent, **kwargs: Any) -> None:  # noqa: ANN401 - SlackNotifier's own
        super().__init__(**kwargs)
        self.event = event

    def notify(self, context: Context) -> None:
        """Write one message."""
        text = alert_text(self.event, context)
        self.text = f"{text.subject}\n{text.plain}".translate(_ESCAPES)
        super().notify(context)  # type: ignore[no-untyped-call] # the provider leaves it out
