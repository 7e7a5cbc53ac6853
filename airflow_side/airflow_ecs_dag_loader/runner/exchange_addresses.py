"""Where in S3 one task instance's inputs and output are, worked out anew by whoever asks."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from airflow_ecs_dag_loader.runner.ecs_task_identity import EcsTaskIdentity
from airflow_ecs_dag_loader.runner.verdict import EcsTaskFailedError
from airflow_ecs_dag_schema.exchange import LARGEST_OBJECT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk import Context

_NOT_IN_KEYS = re.compile(r"[^A-Za-z0-9_=-]", re.ASCII)
_LONGEST_RUN = 100
_DIGEST = 16


@dataclass(frozen=True)
class ExchangeAddresses:
    """The addresses of one task instance, the same in each of its tries.

    Were they a try's own, the ECS task of a try that was cut off could not be told to do the work of the next one.

    Attributes:
        run: What the addresses of all tasks of the run begin with.
        name: The task instance's own part.
    """

    run: str
    name: str

    @classmethod
    def of(cls, exchange: str, context: Context, *, task_id: str | None = None) -> Self:
        """Return those of the task instance of ``context``, or of another task of its run, in a DAG's exchange."""
        instance = context["ti"]
        run_id = _NOT_IN_KEYS.sub("-", instance.run_id)[:_LONGEST_RUN]
        # Runs may have ids that look alike in a key, and two installations of Airflow runs of the same id.
        own = hashlib.sha256(EcsTaskIdentity.of(context, task_id=task_id).started_by.encode()).hexdigest()[:_DIGEST]
        return cls(f"{exchange}/{instance.dag_id}/{run_id}/", f"{task_id or instance.task_id}-{own}")

    @property
    def output(self) -> str:
        """Where the container may write its output."""
        return f"{self.run}{self.name}.output.json"

    def inputs(self, body: bytes) -> str:
        """Return where these inputs are; other inputs are elsewhere, so an object never changes."""
        return f"{self.run}{self.name}.{hashlib.sha256(body).hexdigest()[:_DIGEST]}.input.json"

    def is_output(self, value: object) -> bool:
        """Tell whether an output is the address that the task instance was given for it.

        To lie below the DAG's folder is not enough: with a shorter exchange, another DAG's folder may begin alike.
        """
        return value == self.output


def inputs_body(inputs: Mapping[str, str]) -> bytes:
    """Return the object that holds ``inputs``.

    Raises:
        EcsTaskFailedError: They are too large.
    """
    body = json.dumps(inputs, ensure_ascii=False, sort_keys=True).encode("utf-8", "surrogatepass")
    if len(body) > LARGEST_OBJECT:
        largest = max(inputs, key=lambda name: len(inputs[name]))
        raise EcsTaskFailedError(
            f"the inputs are {len(body)} bytes as JSON, Airflow hands on {LARGEST_OBJECT} at most; most of it is "
            f"{largest}: let the task before put it into S3, and its address out"
        )
    return body
