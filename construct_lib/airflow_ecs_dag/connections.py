"""Airflow connections for a DAG's container: secrets by reference, under Airflow's names for environment variables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast

from aws_cdk import aws_ecs as ecs

from airflow_ecs_dag_schema.problems import DagDefinitionError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_cdk import aws_secretsmanager as secretsmanager


class StoredSecret(Protocol):
    """A secret of Secrets Manager, ``secretsmanager.Secret`` or ``ISecret``.

    Of ``ISecret`` itself pyright thinks that no class has it.
    """

    @property
    def secret_arn(self) -> str:
        """Its ARN."""


Connections: TypeAlias = Mapping[str, StoredSecret | ecs.Secret]
_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}\Z", re.ASCII)
_PREFIX = "AIRFLOW_CONN_"


class ContainerConnections:
    """The connections of one container, checked; :meth:`add` gives them to it.

    Raises:
        DagDefinitionError: A name can't be, or is taken; a value is no secret.
    """

    def __init__(self, container: ecs.ContainerDefinition, connections: object) -> None:
        self._container = container
        self._secrets: dict[str, ecs.Secret] = {}
        problems: list[Problem] = []
        if not isinstance(connections, Mapping):
            message = "expected secrets by the id of their connection, such as {'orders_db': secret}"
            raise DagDefinitionError([Problem("connections", message, type(connections).__name__)])
        taken = dict(_variables(container)) if connections else {}
        for name, secret in connections.items():
            path = f"connections.{name}"
            if not isinstance(name, str) or not _NAME.match(name):
                message = "the id of a connection is 1 to 100 of a-z 0-9 _, beginning with a letter: rename it"
                problems.append(Problem(path, message, repr(name)))
                continue
            variable = f"{_PREFIX}{name.upper()}"
            if variable in taken:
                message = f"the container has {taken[variable]} {variable} already: keep one of the two"
                problems.append(Problem(path, message, variable))
            if isinstance(secret, ecs.Secret):
                self._secrets[variable] = secret
            elif hasattr(secret, "secret_arn"):
                self._secrets[variable] = ecs.Secret.from_secrets_manager(cast("secretsmanager.ISecret", secret))
            else:
                message = (
                    "expected a secret such as secretsmanager.Secret.from_secret_name_v2(...), or an ecs.Secret; the "
                    "value itself is for nobody to read: put it into Secrets Manager"
                )
                problems.append(Problem(path, message, type(secret).__name__))
        if problems:
            raise DagDefinitionError(problems)

    def add(self) -> None:
        """Give the container the secrets, and its execution role the right to read them."""
        for variable, secret in self._secrets.items():
            self._container.add_secret(variable, secret)

    def given_twice(self) -> Iterator[Problem]:
        """Yield a problem for each that somebody gave to the container as a plain variable afterwards."""
        if not self._secrets:
            return
        plain = {name for name, kind in _variables(self._container) if kind == _PLAIN}
        for variable in sorted(self._secrets.keys() & plain):
            yield Problem("connections", "the container has this environment variable, too: keep one", variable)


_PLAIN = "the environment variable"


def _variables(container: ecs.ContainerDefinition) -> Iterator[tuple[str, str]]:
    rendered = container.render_container_definition()
    for entries, kind in ((rendered.secrets, "the secret"), (rendered.environment, _PLAIN)):
        if isinstance(entries, list):
            for entry in entries:
                name = getattr(entry, "name", None)
                if isinstance(name, str):
                    yield name, kind
