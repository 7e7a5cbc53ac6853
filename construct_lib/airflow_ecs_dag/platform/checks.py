"""What the platform's arguments must look like, checked before any of them reaches the CDK.

A CDK token may stand anywhere: what it becomes is known only at deploy.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import aws_cdk as cdk

from airflow_ecs_dag_schema.problems import DagDefinitionError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TypeAlias

    from aws_cdk import aws_iam as iam

    AnyRole: TypeAlias = iam.IRole | iam.Role
    """Both, because to some type checkers the CDK's ``Role`` is no ``IRole``."""

ROLE_NAME = re.compile(r"[\w+=,.@-]{1,64}\Z", re.ASCII)
ROLE_PATH = re.compile(r"(?:[\w+=,.@-]{1,64}/){0,8}[\w+=,.@-]{1,64}\Z", re.ASCII)
ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/(?:[\w+=,.@-]{1,64}/){0,8}[\w+=,.@-]{1,64}\Z", re.ASCII)
_TOKEN = re.compile(r"\$\{Token\[[^]]+\]\}")
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}\Z", re.ASCII)


def require(subject: str, problems: Iterable[Problem]) -> None:
    """Raise ``DagDefinitionError`` if there is a problem."""
    if found := list(problems):
        raise DagDefinitionError(found, subject=subject)


def external_id_problems(external_id: object) -> Iterator[Problem]:
    """Yield what is wrong with an external id."""
    if not isinstance(external_id, str) or not fits(external_id, _EXTERNAL_ID):
        yield Problem(
            "external_id",
            "expected 2 to 1,224 of A-Z a-z 0-9 _ + = , . @ : / -: give each source an id of its own, such as "
            "'orders-7f3a'",
            repr(external_id),
        )


def role_name_problems(role_name: object) -> Iterator[Problem]:
    """Yield what is wrong with the name of a role to make; ``None`` leaves it to CloudFormation."""
    if role_name is not None and not (isinstance(role_name, str) and fits(role_name, ROLE_NAME)):
        yield Problem("role_name", "expected 1 to 64 of A-Z a-z 0-9 _ + = , . @ -", repr(role_name))


def role_arn_problems(path: str, roles: object, *, may_be_empty: bool) -> Iterator[Problem]:
    """Yield what is wrong with a list of roles, each a construct or an ARN."""

    def problem(role: object) -> str | None:
        if hasattr(role, "role_arn") or (isinstance(role, str) and fits(role, ROLE_ARN)):
            return None
        return (
            "expected a role or its ARN, such as 'arn:aws:iam::111111111111:role/airflow-loader'; whole accounts, "
            "users, sessions and * are not allowed: name each role"
        )

    yield from list_problems(path, roles, problem, may_be_empty=may_be_empty)


def list_problems(
    path: str, values: object, problem: Callable[[object], str | None], *, may_be_empty: bool = False
) -> Iterator[Problem]:
    """Yield what is wrong with a list, and with each of its items; ``problem`` says what is with one."""
    if not isinstance(values, list | tuple):
        yield Problem(path, "expected a list", repr(values))
        return
    if not values and not may_be_empty:
        yield Problem(path, "is empty, which would allow nothing: name at least one", repr(values))
    for index, value in enumerate(values):
        if message := problem(value):
            yield Problem(f"{path}.{index}", message, repr(value))


def fits(text: str, pattern: re.Pattern[str]) -> bool:
    """Tell whether a text has this form, or is known at deploy only; what stands around a token is never a ``*``."""
    if pattern.match(text):
        return True
    literal = _TOKEN.sub("", text)
    return literal != text and cdk.Token.is_unresolved(text) and not set("*?$") & set(literal)
