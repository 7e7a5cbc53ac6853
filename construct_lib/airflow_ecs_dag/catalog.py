"""All DAGs of one app: what only the whole tree shows is checked here, at synth."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import aws_cdk as cdk
import jsii
from constructs import Construct, IConstruct, IValidation

from airflow_ecs_dag.ledger import Claim
from airflow_ecs_dag_schema.problems import DagDefinitionError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import CodeType

    from airflow_ecs_dag.flow import Flow

_ID = "AirflowEcsDags"


@dataclass(frozen=True)
class CatalogEntry:
    """One ``AirflowEcsDag``.

    Attributes:
        path: Where it stands in the construct tree.
        dag_id: Its id in Airflow.
        family: The family of its task definition.
        task_definition: The path of its task definition.
        environment: Account and region, ``aws://123456789012/eu-west-1``; where the stack leaves them open, the
            stage too, because each stage is deployed to a place of its own.
    """

    path: str
    dag_id: str
    family: str
    task_definition: str
    environment: str


@jsii.implements(IValidation)
class Catalog(Construct):
    """The DAGs of an app, kept at the root of its tree; it makes no resource."""

    def __init__(self, root: IConstruct) -> None:
        super().__init__(cast("Construct", root), _ID)
        self._entries: list[CatalogEntry] = []
        self._claim = Claim()
        self.node.add_validation(self)

    @staticmethod
    def of(scope: IConstruct) -> Catalog:
        """Return the catalog of the app that ``scope`` is in; the first call makes it."""
        root = scope.node.root
        found = root.node.try_find_child(_ID)
        return found if isinstance(found, Catalog) else Catalog(root)

    def add(self, entry: CatalogEntry, flow: Flow, codes: Iterable[CodeType]) -> None:
        """Add a DAG, its tasks, and the author's code that made it."""
        self._entries.append(entry)
        self._claim.add(flow, codes)

    @staticmethod
    def check_free(task_definition: IConstruct) -> None:
        """Check that no DAG of the app is on ``task_definition`` yet.

        Raises:
            DagDefinitionError: One is.
        """
        catalog = task_definition.node.root.node.try_find_child(_ID)
        path = task_definition.node.path
        for entry in catalog._entries if isinstance(catalog, Catalog) else ():  # noqa: SLF001 - its own class
            if entry.task_definition == path:
                raise DagDefinitionError(
                    [
                        Problem(
                            "task_definition",
                            f"it carries the DAG {entry.dag_id!r} of {entry.path} already, and one task definition "
                            "carries one DAG: make another task definition",
                            path,
                        )
                    ]
                )

    def validate(self) -> list[str]:
        """Return what is wrong with the app's DAGs together; called by the CDK at synth."""
        return [*self._twice(), *self._claim.forgotten()]

    def _twice(self) -> Iterator[str]:
        ids: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        families: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for entry in self._entries:
            ids[entry.environment, entry.dag_id].append(entry.path)
            families[entry.environment, entry.family].append(entry.path)
        for (_, dag_id), paths in ids.items():
            if len(paths) > 1:
                yield (
                    f"{len(paths)} DAGs of one account and region have the dag_id {dag_id!r}, and Airflow shows "
                    f"only one: {', '.join(paths)}; give each its own dag_id, or each stack its own env"
                )
        for (_, family), paths in families.items():
            if len(paths) > 1:
                yield (
                    f"{len(paths)} DAGs of one account and region have task definitions of the family {family!r}, and "
                    f"each deployment would replace the other: {', '.join(paths)}; give each its own family"
                )


def environment_of(stack: cdk.Stack) -> str:
    """Return where a stack is deployed to, as in :class:`CatalogEntry`."""
    stage = cdk.Stage.of(stack)
    is_open = "unknown-" in stack.environment
    return f"{stack.environment} {stage.node.path}" if is_open and stage is not None else stack.environment
