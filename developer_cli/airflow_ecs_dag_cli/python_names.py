"""The names of a Python file that is written: what it imports, its functions, their parameters and variables."""

from __future__ import annotations

import builtins
import keyword
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_ecs_dag_cli.python_text import Expression

_LONGEST = 40
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_OTHER = re.compile(r"[^a-z0-9]+")
_FUNCTION = re.compile(r"(?:Ref|GetAtt|ImportValue|Sub|If) ", re.ASCII)
AUTHORING = "airflow_ecs_dag"


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter of the function that makes a DAG.

    Attributes:
        name: Its name.
        annotation: Its type.
        default: Its default; ``None`` if it must be given.
        comment: What the DAG had there.
    """

    name: str
    annotation: str
    default: Expression | None = None
    comment: str = ""


@dataclass
class Imports:
    """What a file imports: names by module, and those that only its type hints need."""

    names: dict[str, set[str]] = field(default_factory=dict)
    for_types: dict[str, set[str]] = field(default_factory=dict)


class Names:
    """The names that one function uses.

    Args:
        imports: The imports of the file, which names are added to.
        reserved: Names that no variable may have.
    """

    def __init__(self, imports: Imports, reserved: Iterable[str]) -> None:
        self._imports = imports
        self._used = {*reserved}
        self._tokens: dict[tuple[str, str], str] = {}
        self.parameters: list[Parameter] = []

    def imported(self, name: str, module: str = AUTHORING) -> str:
        """Return ``name``, which the file imports from ``module``."""
        self._imports.names.setdefault(module, set()).add(name)
        return name

    def type_imported(self, name: str, module: str) -> str:
        """Return ``name``, which the file imports from ``module`` for type hints alone."""
        self._imports.for_types.setdefault(module, set()).add(name)
        return name

    def variable(self, text: str, otherwise: str) -> str:
        """Return a new name that resembles ``text``, or ``otherwise``."""
        name = identifier(text, otherwise)
        number, unique = 1, name
        while unique in self._used:
            number += 1
            unique = f"{name}_{number}"
        self._used.add(unique)
        return unique

    def add_parameter(self, name: str, annotation: str, *, default: Expression | None = None, comment: str = "") -> str:
        """Add a parameter; its name is used up then."""
        unique = self.variable(name, name)
        self.parameters.append(Parameter(name=unique, annotation=annotation, default=default, comment=comment))
        return unique

    def parameter_of(self, token: str, annotation: str = "str") -> str:
        """Return the parameter for a value that the deployment fills in, one for all of its places."""
        key = (token, annotation)
        if key not in self._tokens:
            name = identifier(_FUNCTION.sub("", token), "value")
            self._tokens[key] = self.add_parameter(name, annotation, comment=f"before: ${{{token}}}")
        return self._tokens[key]


def identifier(text: str, otherwise: str) -> str:
    """Return a short name in lower case that resembles ``text``."""
    name = _OTHER.sub("_", _CAMEL.sub("_", text).lower()).strip("_")[:_LONGEST].strip("_")
    if not name:
        return otherwise
    if name[0].isdigit():
        name = f"{otherwise}_{name}"
    return f"{name}_" if keyword.iskeyword(name) or keyword.issoftkeyword(name) or hasattr(builtins, name) else name


def class_name(text: str) -> str:
    """Return ``text`` as the id of a construct: ``convert-it`` is ``ConvertIt``."""
    parts = re.findall(r"[A-Za-z0-9]+", text, re.ASCII)
    return "".join(part[0].upper() + part[1:] for part in parts)[:100] or "Dag"
