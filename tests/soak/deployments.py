"""What teams deploy and destroy while Airflow is killed: two regions of a strict ECS, and what Airflow should have."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ecs_dag_loader.file_names import dag_path, refusal_path
from loader.ecs_account import dag_labels

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from strict_ecs.strict_aws import StrictAws
    from strict_ecs.task_definitions import TaskDefinitions

ACCOUNT = "100000000001"
REGIONS = ("eu-central-1", "eu-west-1")
OWNED, THIEF = "owned", "a-thief"
"""A family that is never destroyed, and one that claims its dag id now and then."""
_MOST_FAMILIES = 8
_FEWEST_FAMILIES = 3


@dataclass(frozen=True)
class Expected:
    """What Airflow should have.

    Attributes:
        dags: By dag id: the region and the revision that its task runs.
        errors: The files with an error.
    """

    dags: dict[str, tuple[str, int]]
    errors: frozenset[str]

    def files(self, archives: int) -> set[str]:
        """Return the files of the DAGs and of the errors, one a family and in so many archives a region."""
        dags = {Path(dag_file(region, dag_id, archives)) for dag_id, (region, _) in self.dags.items()}
        if not archives:
            return {f"dags/{path}" for path in (*dags, *self.errors)}
        found = {f"families/{path}" for path in dags} | {f"dags/{path.parent}" for path in dags}
        return found | {f"{root}/{path}" for root in ("families", "dags") for path in self.errors}


def dag_file(region: str, family: str, archives: int) -> str:
    """Return the path of the file of a family's DAG."""
    return str(dag_path(f"{ACCOUNT}/{region}/{family}", archives))


def error_file(region: str, family: str) -> str:
    """Return the path of the file of a family's error."""
    return str(refusal_path(f"{ACCOUNT}/{region}/{family}"))


@dataclass
class Deployments:
    """The registry and what is deployed to it.

    Attributes:
        random: Draws what happens.
        aws: The registry; no rates, for each refresh is another process's.
    """

    random: Random
    aws: StrictAws
    _broken: set[str] = field(default_factory=set)
    _count: int = 0

    def __post_init__(self) -> None:
        for region in REGIONS:
            for _ in range(_FEWEST_FAMILIES):
                self._come(region)
            self._definitions(region).register(f"service-{region}", {})
        self._definitions(REGIONS[1]).register(OWNED, dag_labels(OWNED))

    def change(self, *, is_seen: bool, most: int = 4) -> None:
        """Let some of what happens to task definitions happen.

        Args:
            is_seen: Whether Airflow has seen :data:`OWNED`: before, it can't tell who had the dag id first.
            most: How much happens.
        """
        kinds: list[Callable[[str], None]] = [
            self._come, self._update, self._update, self._roll_back, self._go, self._break
        ]  # fmt: skip
        if is_seen:
            kinds.append(self._thief)
        for _ in range(self.random.randint(1, most)):
            self.random.choice(kinds)(self.random.choice(REGIONS))

    def destroy_region(self) -> None:
        """Take away all DAGs of the region of which no DAG has to stay."""
        for family in self._families(REGIONS[0]):
            self._leave(REGIONS[0], family)

    def expected(self) -> Expected:
        """Return what Airflow should have now."""
        dags: dict[str, tuple[str, int]] = {}
        errors = set()
        for region in REGIONS:
            for family, revision in self._definitions(region).newest().items():
                if family == THIEF or family in self._broken:
                    errors.add(error_file(region, family))
                elif not family.startswith("service"):
                    dags[family] = (region, revision)
        return Expected(dags, frozenset(errors))

    def _definitions(self, region: str) -> TaskDefinitions:
        return self.aws.region(ACCOUNT, region).definitions

    def _families(self, region: str) -> list[str]:
        newest = self._definitions(region).newest()
        return sorted(family for family in newest if family.startswith(region))

    def _come(self, region: str) -> None:
        if len(self._families(region)) < _MOST_FAMILIES:
            self._count += 1
            family = f"{region}-{self._count}"
            self._definitions(region).register(family, dag_labels(family))

    def _update(self, region: str) -> None:
        """Deploy a revision, as CloudFormation does: the old one is deregistered later, or stays."""
        for family in self._one(region):
            definitions = self._definitions(region)
            revision = definitions.newest()[family]
            definitions.register(family, dag_labels(family, dag__owner=f"team-{self.random.randrange(9)}"))
            self._broken.discard(family)
            if self.random.random() < 0.7:
                self._deregister(region, family, revision)

    def _roll_back(self, region: str) -> None:
        for family in self._one(region):
            if family not in self._broken:
                definitions = self._definitions(region)
                definitions.register(family, dag_labels(family, dag__owner="rolled-back"))
                self._deregister(region, family, definitions.newest()[family])

    def _break(self, region: str) -> None:
        for family in self._one(region):
            definitions = self._definitions(region)
            revision = definitions.newest()[family]
            definitions.register(family, dag_labels(family, tasks__build__retries="many"))
            self._deregister(region, family, revision)
            self._broken.add(family)

    def _go(self, region: str) -> None:
        if len(self._families(region)) > _FEWEST_FAMILIES:
            for family in self._one(region):
                self._leave(region, family)

    def _thief(self, _: str) -> None:
        if THIEF in self._definitions(REGIONS[0]).newest():
            self._leave(REGIONS[0], THIEF)
        else:
            self._definitions(REGIONS[0]).register(THIEF, dag_labels(OWNED))

    def _leave(self, region: str, family: str) -> None:
        definitions = self._definitions(region)
        while (revision := definitions.newest().get(family)) is not None:
            self._deregister(region, family, revision)
        self._broken.discard(family)

    def _one(self, region: str) -> list[str]:
        return self.random.sample(families, 1) if (families := self._families(region)) else []

    def _deregister(self, region: str, family: str, revision: int) -> None:
        found = self._definitions(region).find(f"{family}:{revision}")
        assert found is not None
        self._definitions(region).deregister(found.arn)
