"""What is wrong with a DAG, as data: every problem at once, each with its path and the value got."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from airflow_ecs_dag_schema.secret_texts import masked
from airflow_ecs_dag_schema.troubleshooting import told_at, where_told

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHOWN_VALUE = 120
"""Characters of a value that an error shows; the rest is cut."""
MOST_PROBLEMS = 1_000
"""Problems of one DAG that are looked for; whoever has so many mends the first ones first."""
_SHOWN_PROBLEMS = 30
"""Problems that an error's text shows; all are in ``problems``. Airflow keeps that text in a database column."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        path: Where: a label (``airflow.tasks.convert.retries``) or an author's argument (``tasks.convert.retries``).
        message: What is wrong, what is allowed and what to change; lower case, no full stop.
        value: The value got, as text; ``None`` where nothing was there.
    """

    path: str
    message: str
    value: str | None = None

    def __post_init__(self) -> None:
        """Keep a secret out of every message, whatever else is wrong with the label that holds it."""
        if self.value is not None:
            object.__setattr__(self, "value", masked(self.value, name=self.path.rpartition(".")[2]))

    def __str__(self) -> str:
        """Return the problem as one line: path, message, value got."""
        got = "" if self.value is None else f" (got {shown(self.value)})"
        return f"{self.path}: {self.message}{got}"


class DagDefinitionError(ValueError):
    """A DAG that can't be: the root of every error the project raises about a definition.

    Attributes:
        problems: All that is wrong, sorted by path; never empty.
    """

    _paragraph: ClassVar[str | None] = None
    """Where the documentation tells of it, if not by the text."""

    def __init__(self, problems: Iterable[Problem], *, subject: str = "the DAG") -> None:
        self.problems: tuple[Problem, ...] = tuple(
            sorted(set(problems), key=lambda problem: (problem.path, problem.message, problem.value or ""))
        )
        if not self.problems:
            raise ValueError("an error about a definition needs at least one problem")
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        lines = "\n".join(f"  - {problem}" for problem in self.problems[:_SHOWN_PROBLEMS])
        if len(self.problems) > _SHOWN_PROBLEMS:
            lines += f"\n  - ... and {len(self.problems) - _SHOWN_PROBLEMS} more"
        super().__init__(f"{count} in {subject}:\n{lines}")
        self.add_note(where_told(str(self)) if self._paragraph is None else told_at(self._paragraph))


class LabelError(DagDefinitionError):
    """Docker labels that do not describe a DAG; ``problems`` names each label."""

    def __init__(self, problems: Iterable[Problem], *, subject: str = "the Airflow labels") -> None:
        super().__init__(problems, subject=subject)


def label_path(key: str) -> str:
    """Return ``key`` as the path of a problem: short and printable, whatever a label is called."""
    return shown(key)[1:-1]


def shown(value: object) -> str:
    """Return ``value`` as a short, printable, ASCII-only text for an error message."""
    text = ascii(value)
    return text if len(text) <= _SHOWN_VALUE else f"{text[:_SHOWN_VALUE]}... ({len(text)} characters)"
