"""What the platform offers to DAGs by name: alert profiles, and operators beside the built-in ones.

Projects name them; only the platform's policy says what they are. Secrets are in Airflow's connections, never here.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from airflow_ecs_dag_schema.operators import Argument, OperatorSignature
from airflow_ecs_dag_schema.values import (
    BUILT_AT_USE,
    EmailAddress,
    Flag,
    FrozenModel,
    Line,
    Many,
    Map,
    Name,
    Word,
    pattern,
)

_ConnectionId = Annotated[Word, pattern(r"[A-Za-z0-9_.-]{1,250}", "the id of an Airflow connection")]
_Region = Annotated[Word, pattern(r"[a-z0-9-]{1,40}", "an AWS region such as eu-west-1")]
_ClassPath = Annotated[
    Word, pattern(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+", "the dotted path of an operator's class")
]
Glob = Annotated[Line, pattern(r"[\x21-\x7e]+", "printable ASCII without spaces, in which * is any text")]


class EmailProfile(FrozenModel):
    """E-mail to fixed addresses, through an SMTP connection."""

    kind: Literal["email"] = "email"
    to: Annotated[Many[EmailAddress], Field(min_length=1, max_length=20)]
    smtp_conn_id: _ConnectionId = "smtp_default"


class SesProfile(FrozenModel):
    """E-mail to fixed addresses, through Amazon SES."""

    kind: Literal["ses"] = "ses"
    mail_from: EmailAddress
    to: Annotated[Many[EmailAddress], Field(min_length=1, max_length=20)]
    aws_conn_id: _ConnectionId | None = None
    region_name: _Region | None = None


class SlackProfile(FrozenModel):
    """A message to a Slack channel, through a connection of type Slack API."""

    kind: Literal["slack"] = "slack"
    channel: Line
    slack_conn_id: _ConnectionId = "slack_api_default"


class SnsProfile(FrozenModel):
    """A message to an SNS topic."""

    kind: Literal["sns"] = "sns"
    target_arn: Annotated[Word, pattern(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]+", "an SNS topic's ARN")]
    aws_conn_id: _ConnectionId | None = None


AnyAlertProfile = Annotated[EmailProfile | SesProfile | SlackProfile | SnsProfile, Field(discriminator="kind")]
ALERT_PROFILE: TypeAdapter[AnyAlertProfile] = TypeAdapter(AnyAlertProfile, config=BUILT_AT_USE)
"""Reads an alert profile from plain JSON values."""


class OperatorRule(FrozenModel):
    """An operator that DAGs may use, and how.

    Attributes:
        values: For an argument, the texts that it may be; ``*`` is any text. An argument without an entry may be
            anything that its type allows.
        operator_class: For an operator that is not built in, the dotted path of its class; Airflow's side imports it.
        arguments: For an operator that is not built in, its arguments.
        fixed: Arguments that the platform gives to it, such as ``aws_conn_id``: texts.
        deferrable: Whether it takes ``deferrable=True``.
    """

    values: Map[Name, Annotated[Many[Glob], Field(max_length=1_000)]] = Field(default={})
    operator_class: _ClassPath | None = None
    arguments: Map[Name, Argument] = Field(default={})
    fixed: Map[Name, Line] = Field(default={})
    deferrable: Flag = False

    @property
    def signature(self) -> OperatorSignature:
        """The arguments of an operator that is not built in."""
        return OperatorSignature(arguments=self.arguments)

    @model_validator(mode="after")
    def _check_class(self) -> Self:
        if self.operator_class is None and (self.arguments or self.deferrable):
            raise ValueError("arguments and deferrable are for operators with an operator_class: give it, too")
        if both := self.fixed.keys() & self.arguments.keys():
            raise ValueError(
                f"{', '.join(sorted(both))}: an argument is either the platform's (fixed) or the project's"
            )
        return self
