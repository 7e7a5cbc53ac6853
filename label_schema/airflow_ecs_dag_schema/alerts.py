"""Whom to tell when something happens to a run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from airflow_ecs_dag_schema.values import AuthorValue, EmailAddress, Many, sorted_unique

AlertEvent = Literal["failure", "retry", "success"]


class EmailAlert(AuthorValue):
    """An e-mail through the ``smtp_default`` connection of the platform's Airflow.

    Attributes:
        to: 1 to 20 addresses, in the order given.
        on: ``failure``: a task failed and has no try left; ``retry``: a task failed and will be tried again
            (both: one mail a task, as in 2019); ``success``: the run succeeded (one mail a run).
    """

    kind: Literal["email"] = "email"
    to: Annotated[Many[EmailAddress], Field(min_length=1, max_length=20)]
    on: Annotated[Many[AlertEvent], Field(min_length=1), AfterValidator(sorted_unique)] = ("failure",)


AnyAlert = EmailAlert
"""The kinds of alert; a second one makes this a union told apart by ``kind``."""
