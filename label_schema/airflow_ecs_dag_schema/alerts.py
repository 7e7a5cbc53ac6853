"""Whom to tell when something happens to a run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from airflow_ecs_dag_schema.values import AuthorValue, EmailAddress, Many, Word, pattern, sorted_unique

AlertEvent = Literal["failure", "missed_deadline", "retry", "success"]
AlertProfileName = Annotated[Word, pattern(r"[A-Za-z0-9_-]{1,100}", "the name of an alert profile of the platform's")]
_Events = Annotated[Many[AlertEvent], Field(min_length=1), AfterValidator(sorted_unique)]


class EmailAlert(AuthorValue):
    """An e-mail through the ``smtp_default`` connection of the platform's Airflow.

    Attributes:
        to: 1 to 20 addresses, in the order given.
        on: ``failure``: a task failed and has no try left; ``retry``: a task failed and will be tried again
            (both: one mail a task, as in 2019); ``success``: the run succeeded (one mail a run);
            ``missed_deadline``: the run was not through within the DAG's ``deadline`` (one mail a run).
    """

    kind: Literal["email"] = "email"
    to: Annotated[Many[EmailAddress], Field(min_length=1, max_length=20)]
    on: _Events = ("failure",)


class ProfileAlert(AuthorValue):
    """A message by a profile that the platform configured: Slack, SNS, SES or e-mail, and to whom.

    Attributes:
        profile: Its name.
        on: As for ``EmailAlert``.
    """

    kind: Literal["profile"] = "profile"
    profile: AlertProfileName
    on: _Events = ("failure",)


ALERTS = (EmailAlert, ProfileAlert)
"""The kinds of alert, as classes."""
AnyAlert = Annotated[EmailAlert | ProfileAlert, Field(discriminator="kind")]
