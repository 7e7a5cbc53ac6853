"""Alerts through Amazon SES and Amazon SNS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.notifications import ses, sns

from airflow_ecs_dag_loader.alert_text import alert_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

    from airflow_ecs_dag_schema.alerts import AlertEvent

_LONGEST_SUBJECT = 100
"""Characters of a subject that SNS takes."""


class SesNotifier(ses.SesNotifier):
    """E-mail through Amazon SES.

    Args:
        event: What it tells of.
        kwargs: Those of Airflow's ``SesNotifier``, without texts.
    """

    template_fields: Sequence[str] = ()

    def __init__(self, *, event: AlertEvent, **kwargs: Any) -> None:  # noqa: ANN401 - SesNotifier's own
        super().__init__(subject="", html_content="", **kwargs)
        self.event = event

    def notify(self, context: Context) -> None:
        """Send one mail."""
        text = alert_text(self.event, context)
        self.subject, self.html_content = text.subject, text.html
        super().notify(context)  # type: ignore[no-untyped-call] # the provider's own


class SnsNotifier(sns.SnsNotifier):
    """A message to an SNS topic, in the topic's own region.

    Args:
        event: What it tells of.
        target_arn: The topic.
        kwargs: Those of Airflow's ``SnsNotifier``, without texts.
    """

    template_fields: Sequence[str] = ()

    def __init__(self, *, event: AlertEvent, target_arn: str, **kwargs: Any) -> None:  # noqa: ANN401 - SnsNotifier's own
        super().__init__(message="", target_arn=target_arn, region_name=target_arn.split(":")[3], **kwargs)
        self.event = event

    def notify(self, context: Context) -> None:
        """Publish one message."""
        text = alert_text(self.event, context)
        self.subject, self.message = text.subject[:_LONGEST_SUBJECT], text.plain
        super().notify(context)  # type: ignore[no-untyped-call] # the provider's own
