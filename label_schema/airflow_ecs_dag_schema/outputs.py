"""What a task's container hands on to other tasks, and how they name it.

A container prints one line ``airflow-output: `` and a JSON value. Tasks after it name the value, or one entry of it, as
an :class:`OutputRef` or in a template in Airflow's own words: ``{{ ti.xcom_pull(task_ids='extract')['rows'] }}``.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from airflow_ecs_dag_schema.values import FrozenModel, TaskId, Word, pattern

OUTPUT_MARK = "airflow-output:"
"""What a line of the container begins with that holds its output; the last such line counts."""
LARGEST_OUTPUT = 48 * 1024
"""Bytes of an output as JSON; a larger one belongs into S3, and its address into the output."""

OutputKey = Annotated[
    Word, Field(min_length=1, max_length=200), pattern(r"[A-Za-z0-9_.-]+", "a key of A-Z a-z 0-9 _ . -")
]


class OutputRef(FrozenModel):
    """The output of a task before this one, or one entry of it.

    Attributes:
        task_id: The task whose container prints it.
        key: The entry of the output, which is a JSON object then; without it, the whole output.
    """

    task_id: TaskId
    key: OutputKey | None = None

    @property
    def template(self) -> str:
        """The template that stands for it in a task's command."""
        entry = "" if self.key is None else f"['{self.key}']"
        return f"{{{{ ti.xcom_pull(task_ids='{self.task_id}'){entry} }}}}"
