"""Airflow connections and variables of a local run: files that Airflow's own backend reads, checked before."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_cli.named_values import NamedValuesError, read_named_values, shown

if TYPE_CHECKING:
    from pathlib import Path

CONNECTIONS_FILE = "airflow-connections.yaml"
VARIABLES_FILE = "airflow-variables.yaml"
BACKEND = "airflow.secrets.local_filesystem.LocalFilesystemBackend"
FIELDS = frozenset(
    {
        "conn_id", "conn_type", "description", "extra", "extra_dejson", "host", "login", "password", "port", "schema",
        "uri",
    }
)  # fmt: skip
"""What a connection may have, as Airflow names it."""
_LARGEST_PORT = 65_535


@dataclass(frozen=True)
class ConnectionFiles:
    """Where Airflow finds connections and variables.

    Attributes:
        connections: The file with the connections, if any.
        variables: The file with the variables, if any.
    """

    connections: Path | None = None
    variables: Path | None = None

    @classmethod
    def of(cls, folder: Path, *, connections: Path | None, variables: Path | None) -> ConnectionFiles:
        """Find the files of a project and check what is in them.

        Args:
            folder: The project's folder, whose own files are taken where none is named.
            connections: The file with the connections.
            variables: The file with the variables.

        Raises:
            NamedValuesError: A file is not what it should be.
        """
        found = cls(
            connections=_file(connections, folder / CONNECTIONS_FILE),
            variables=_file(variables, folder / VARIABLES_FILE),
        )
        if found.connections:
            for name, value in read_named_values(found.connections).items():
                _check_connection(found.connections, name, value)
        if found.variables:
            read_named_values(found.variables)
        return found

    @property
    def settings(self) -> dict[str, str]:
        """The settings of Airflow, section and key, that make it read the files; none where there are no files."""
        arguments = {
            f"{name}_file_path": str(path)
            for name, path in (("connections", self.connections), ("variables", self.variables))
            if path is not None
        }
        return {"SECRETS__BACKEND": BACKEND, "SECRETS__BACKEND_KWARGS": json.dumps(arguments)} if arguments else {}


def _file(named: Path | None, usual: Path) -> Path | None:
    if named is not None:
        return named.resolve()
    return usual.resolve() if usual.exists() else None


def _check_connection(path: Path, name: str, value: Any) -> None:  # noqa: ANN401 - what the file has
    where = f"the connection {shown(name)} in {shown(path)}"
    if isinstance(value, str):
        if "://" not in value and not value.startswith("{"):
            raise NamedValuesError(f"{where} is no URI, such as postgresql://login:password@host:5432/schema")
        return
    if not isinstance(value, dict):
        raise NamedValuesError(
            f"{where} is neither a URI nor a mapping: write conn_type, host, login and so on below it"
        )
    if unknown := sorted(str(key) for key in value if key not in FIELDS):
        raise NamedValuesError(f"{where} has unknown fields {', '.join(map(shown, unknown))}; {_allowed()}")
    if "extra" in value and "extra_dejson" in value:
        raise NamedValuesError(f"{where} has extra and extra_dejson: keep one of them")
    port = value.get("port")
    if port is not None and not (str(port).isascii() and str(port).isdecimal() and int(port) <= _LARGEST_PORT):
        raise NamedValuesError(f"{where} has a port that is no number from 0 to {_LARGEST_PORT}: change it")
    for field in sorted(FIELDS - {"port", "extra", "extra_dejson"}):
        if not isinstance(value.get(field), str | None):
            raise NamedValuesError(f"{where} has a {field} that is no text: put it in quotes")


def _allowed() -> str:
    return f"allowed are {', '.join(sorted(FIELDS))}; put all else into extra"
