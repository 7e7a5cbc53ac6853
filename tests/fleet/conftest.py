"""Two accounts behind roles, the loader's bundle as Airflow makes it, and Airflow's own parser."""

from __future__ import annotations

import itertools
import sys
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import BundleDagBag
from botocore.loaders import JSONFileLoader

from airflow_ecs_dag_cli.local_aws import LocalAws, isolated_environment
from airflow_ecs_dag_loader import EcsDagBundle
from airflow_ecs_dag_loader.runner.ecs_task_operator import EcsTaskOperator
from airflow_ecs_dag_loader.scan_error import ScanError
from loader.bundle_files import bundle_config
from loader.ecs_account import dag_labels
from strict_ecs.botocore_door import in_this_process
from strict_ecs.strict_aws import StrictAws
from strict_ecs.virtual_clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from strict_ecs.task_definitions import TaskDefinitions

REGION = "eu-west-1"
PLATFORM, HIT, WELL = "100000000001", "100000000002", "100000000003"
"""The account of Airflow itself, one that faults hit, and one that none does."""
REFRESH_INTERVAL = 30.0
_names = itertools.count()


@dataclass
class Fleet:
    """AWS with two accounts, and one Airflow that reads both.

    Attributes:
        aws: All accounts.
        clock: By which all wait.
        name: The bundle's.
    """

    aws: StrictAws
    clock: VirtualClock
    name: str

    @property
    def hit(self) -> TaskDefinitions:
        return self.aws.region(HIT, REGION).definitions

    @property
    def well(self) -> TaskDefinitions:
        return self.aws.region(WELL, REGION).definitions

    def bundle(self) -> EcsDagBundle:
        """Return that of one more process of the same Airflow, which has nothing in memory."""
        made = DagBundlesManager().get_bundle(self.name)  # type: ignore[no-untyped-call] # Airflow's
        assert isinstance(made, EcsDagBundle)
        return made

    def refresh(self, bundle: EcsDagBundle, times: int = 1) -> None:
        """Refresh as the DAG processor does: a scan that fails is the log's, and the next one comes."""
        for _ in range(times):
            self.clock.settle()
            self.clock.sleep(REFRESH_INTERVAL)
            try:
                bundle.refresh()
            except ScanError as error:
                print(f"refresh failed: {error}")  # noqa: T201 - shown if the test fails
            self.clock.settle()


def deploy(definitions: TaskDefinitions, family: str, times: int = 1) -> str:
    """Register revisions of a family whose DAG has its name; return the last one's ARN."""
    return [definitions.register(family, dag_labels(family)) for _ in range(times)][-1]


@dataclass(frozen=True)
class Parsed:
    """What Airflow has of a bundle.

    Attributes:
        revisions: By dag id, the number of the revision that its task runs.
        errors: By file.
    """

    revisions: dict[str, int]
    errors: dict[str, str]


def parsed(bundle: EcsDagBundle) -> Parsed:
    """Parse a bundle as the DAG processor does."""
    bag = BundleDagBag(dag_folder=bundle.path, bundle_path=bundle.path, bundle_name=bundle.name)
    revisions = {}
    for dag_id, dag in bag.dags.items():
        task = dag.get_task("build")
        assert isinstance(task, EcsTaskOperator)
        revisions[dag_id] = int(str(task.task_definition).rpartition(":")[2])
    return Parsed(revisions, dict(bag.import_errors))


_read_service_model = cache(JSONFileLoader().load_file)


def _service_model(_: JSONFileLoader, path: str) -> Any:
    """Read each of botocore's descriptions of a service once for all tests: each client does it anew."""
    return _read_service_model(path)


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with LocalAws(tmp_path_factory.mktemp("fleet-aws")) as aws:
        yield aws


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Fleet]:
    """Both accounts are empty."""
    clock = VirtualClock()
    made = Fleet(StrictAws(clock=clock.now), clock, f"fleet-{next(_names)}")
    sources = []
    for name, number in (("hit", HIT), ("well", WELL)):
        role, external_id = f"arn:aws:iam::{number}:role/airflow-scan", f"external-{name}"
        made.aws.region(number, REGION)
        made.aws.roles.add_role(role, external_id=external_id)
        sources.append(
            {
                "name": name,
                "regions": [REGION],
                "role_arn": role,
                "external_id": external_id,
                "cluster": "work",
                "shared_dag_ids": True,
            }
        )
    made.aws.region(PLATFORM, REGION)
    own = {"AWS_ACCESS_KEY_ID": PLATFORM, "AWS_SECRET_ACCESS_KEY": "not-aws", "AWS_DEFAULT_REGION": REGION}
    for variable, value in (isolated_environment({}) | own).items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(tmp_path))
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", bundle_config(made.name, sources=sources))
    monkeypatch.setattr(JSONFileLoader, "load_file", _service_model)
    monkeypatch.setattr(sys, "path", list(sys.path))  # Airflow adds a bundle's folder and leaves it there
    with in_this_process(made.aws, clock):
        yield made
