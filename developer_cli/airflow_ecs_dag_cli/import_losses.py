"""What an import can't carry over: which part of a DAG, where it stands, why not, and what to do instead."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_ecs_dag_cli.python_dag import SourceDag


@dataclass(frozen=True, kw_only=True)
class Loss:
    """A part of a DAG that is not carried over.

    Attributes:
        dag_id: The DAG, as it is written; empty for all of the file.
        part: What it is, such as ``task extract: python_callable``.
        reason: Why not, and what to do instead.
        where: File, line and column; empty if they are not known.
        task_id: The task that it belongs to; empty for the DAG itself.
    """

    dag_id: str
    part: str
    reason: str
    where: str = ""
    task_id: str = ""

    @property
    def text(self) -> str:
        """What is said about it, without its place."""
        return f"{self.part}: {self.reason}"


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What a file was read as.

    Attributes:
        kind: What the file is, in words.
        dags: Its DAGs, as far as they could be read.
        losses: What is missing in them.
        notes: What is worth knowing and not missing.
    """

    kind: str
    dags: Sequence[SourceDag] = field(default=())
    losses: Sequence[Loss] = field(default=())
    notes: Sequence[str] = field(default=())
