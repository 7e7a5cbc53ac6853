"""The task definition that a person names: a family, ``family:revision``, or an ARN."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from airflow_ecs_dag_loader.definition import TaskDefinitionArn

_NAME = re.compile(r"(?P<family>[A-Za-z0-9_-]{1,255})(?::(?P<revision>[1-9]\d{0,9}))?\Z", re.ASCII)


@dataclass(frozen=True)
class NamedFamily:
    """What was named; each part that was left out is ``None``."""

    family: str
    revision: int | None = None
    account: str | None = None
    region: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what a person typed.

        Raises:
            ValueError: It names no task definition.
        """
        if text.startswith("arn:"):
            try:
                arn = TaskDefinitionArn.parse(text)
            except ValueError:
                raise ValueError(
                    "expected an ARN such as arn:aws:ecs:eu-west-1:123456789012:task-definition/reports:7, "
                    f"not {text[:300]!a}"
                ) from None
            return cls(arn.family, arn.revision, arn.account, arn.region)
        match = _NAME.match(text)
        if match is None:
            raise ValueError(
                "expected a task definition's family (letters, digits, - and _), family:revision or ARN, "
                f"not {text[:300]!a}"
            )
        return cls(match["family"], int(match["revision"]) if match["revision"] else None)

    def __str__(self) -> str:
        """Return it as ECS's console shows it."""
        return self.family if self.revision is None else f"{self.family}:{self.revision}"
