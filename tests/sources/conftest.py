"""Accounts behind roles that one bundle reads: a strict AWS in memory, on a clock of its own."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from airflow_ecs_dag_cli.local_aws import isolated_environment
from airflow_ecs_dag_loader import EcsDagBundle
from loader.bundle_files import family_files
from loader.ecs_account import dag_labels
from strict_ecs.botocore_door import in_this_process
from strict_ecs.strict_aws import StrictAws
from strict_ecs.virtual_clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from strict_ecs.task_definitions import TaskDefinitions

REGION = "eu-west-1"
PLATFORM, ORDERS, STOCK = "100000000001", "100000000002", "100000000003"
ACCOUNTS = {"orders": ORDERS, "stock": STOCK}


@dataclass
class Fleet:
    """AWS with the platform's account and two others.

    Attributes:
        aws: All accounts.
        clock: By which all wait.
        name: The bundle's.
    """

    aws: StrictAws
    clock: VirtualClock
    name: str

    def account(self, number: str, region: str = REGION) -> TaskDefinitions:
        return self.aws.region(number, region).definitions

    def deploy(self, number: str, family: str, region: str = REGION, **labels: str) -> str:
        """Register a revision of a family whose DAG has its name; return its ARN."""
        return self.account(number, region).register(family, dag_labels(family, **labels))

    def bundle(self, **arguments: Any) -> EcsDagBundle:
        """Return that of one more process of the same Airflow, which has nothing in memory."""
        return EcsDagBundle(**{"name": self.name, "sources": sources(), "refresh_interval": 30, **arguments})

    def age_disk(self, seconds: float) -> None:
        """Let what is on disk have been written or confirmed so long ago."""
        then = self.clock.settle() - seconds
        folder = self.bundle().base_dir
        for path in (*(folder / "state").rglob("*.json"), *family_files(folder).values()):
            os.utime(path, (then, then))

    def calls(self, operation: str | None = None, **place: str) -> list[str]:
        """Return the operations that were called since this was asked last."""
        made = [each.place.operation for each in self.aws.made(operation, **place)]
        self.aws.calls.clear()
        return made


def role(number: str) -> str:
    return f"arn:aws:iam::{number}:role/airflow-scan"


def sources(*names: str, **more: Any) -> list[dict[str, Any]]:
    """Return the fields of the sources, all or some."""
    return [
        {
            "name": name,
            "regions": [REGION],
            "role_arn": role(ACCOUNTS[name]),
            "external_id": f"external-{name}",
            "cluster": "work",
            "shared_dag_ids": True,
            **more,
        }
        for name in names or ACCOUNTS
    ]


def published(bundle: EcsDagBundle) -> dict[str, str]:
    """Return the text of each family's file, by family."""
    return {family: path.read_text() for family, path in family_files(bundle.base_dir).items()}


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Fleet]:
    """All accounts are empty."""
    clock = VirtualClock()
    made = Fleet(StrictAws(clock=clock.now), clock, f"sources-{uuid.uuid4().hex[:12]}")
    for name, number in ACCOUNTS.items():
        made.aws.region(number, REGION)
        made.aws.roles.add_role(role(number), external_id=f"external-{name}")
    made.aws.region(PLATFORM, REGION)
    own = {"AWS_ACCESS_KEY_ID": PLATFORM, "AWS_SECRET_ACCESS_KEY": "not-aws", "AWS_DEFAULT_REGION": REGION}
    for variable, value in (isolated_environment({}) | own).items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(tmp_path))
    with in_this_process(made.aws, clock):
        yield made
