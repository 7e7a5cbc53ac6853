"""Stacks that come, change and go, one ECS task definition family each, and what Airflow must make of each of them."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from loader.ecs_account import dag_labels

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient

    from strict_ecs.task_definitions import TaskDefinitions

CLUSTER = "work"
"""That of ``dag_labels``."""
_RETRIES = {"dag__defaults__retries": "3", "dag__defaults__retry_delay": "PT2S"}
"""A task whose revision is deregistered between its start and RunTask has to be tried again."""


@dataclass
class Life:
    """One family from its first deployment on. Moments are by :func:`time.monotonic`.

    Attributes:
        family: Its name.
        dag_id: What its labels say.
        newest: Its newest ACTIVE revision after each change, in order.
        began: When its stack was there; 0 for one that was there before all else.
        ended: When its stack's deletion began, if it did.
        is_refused: Whether Airflow must refuse it, with an import error.
    """

    family: str
    dag_id: str
    newest: list[int] = field(default_factory=lambda: [1])
    began: float = 0.0
    ended: float | None = None
    is_refused: bool = False


class Deployments:
    """The stacks of one account and region, changed as CloudFormation changes them.

    Args:
        ecs: A client of the account.
    """

    def __init__(self, ecs: ECSClient) -> None:
        self._ecs = ecs
        self._numbers = itertools.count(1)
        self._arns: dict[str, str] = {}
        self.lives: list[Life] = []

    @property
    def living(self) -> list[Life]:
        """The families that are deployed now, and whose DAG Airflow must have."""
        return [life for life in self.lives if life.ended is None and not life.is_refused]

    def begin(self, definitions: TaskDefinitions, count: int) -> None:
        """Be what earlier deployments left: ``count`` families, each with one revision, at no call."""
        for _ in range(count):
            life = self._new()
            life.began = 0.0
            self._arns[life.family] = definitions.register(life.family, labels(life.dag_id))

    def create(self) -> Life:
        """Deploy a new stack."""
        life = self._new()
        self._arns[life.family] = self._register(life)
        return life

    def claim(self, other: Life) -> Life:
        """Deploy a new stack whose DAG has the id of another one's."""
        life = self._new(dag_id=other.dag_id, is_refused=True)
        self._arns[life.family] = self._register(life)
        return life

    def create_broken(self) -> Life:
        """Deploy a new stack whose labels are no DAG."""
        life = self._new(is_refused=True)
        self._arns[life.family] = self._register(life, dag__retires="3")
        return life

    def update(self, life: Life) -> None:
        """Deploy a stack again: the new revision is there first, then the old one goes."""
        before = self._arns[life.family]
        life.newest.append(max(life.newest) + 1)
        self._arns[life.family] = self._register(life)
        self._ecs.deregister_task_definition(taskDefinition=before)

    def roll_back(self, life: Life) -> None:
        """Deploy a stack again, in vain: the new revision goes, the old one is the newest again."""
        life.newest += [max(life.newest) + 1, life.newest[-1]]
        self._ecs.deregister_task_definition(taskDefinition=self._register(life))

    def destroy(self, life: Life) -> None:
        """Delete a stack."""
        life.ended = time.monotonic()
        self._ecs.deregister_task_definition(taskDefinition=self._arns.pop(life.family))

    def _new(self, *, dag_id: str | None = None, is_refused: bool = False) -> Life:
        family = f"team-{next(self._numbers):03}"
        self.lives.append(Life(family, dag_id or family, began=time.monotonic(), is_refused=is_refused))
        return self.lives[-1]

    def _register(self, life: Life, **more: str) -> str:
        container: Any = {"name": "main", "image": "work", "memory": 128, "dockerLabels": labels(life.dag_id, **more)}
        answer = self._ecs.register_task_definition(family=life.family, containerDefinitions=[container])
        return answer["taskDefinition"]["taskDefinitionArn"]


def labels(dag_id: str, **more: str) -> dict[str, str]:
    """Return the labels of a DAG with one ECS task, and ``more`` as :func:`dag_labels` takes it."""
    return dag_labels(dag_id, **_RETRIES, **more)
