"""The registry with a fleet of DAGs in it: one that other processes can call, and what a bundle leaves on its disk."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleet_files import ACCOUNT, LOG_CONFIGURATION, REGION, labels

from airflow_ecs_dag_loader import EcsDagBundle
from airflow_ecs_dag_loader.snapshot import Snapshot
from strict_ecs.botocore_door import in_this_process
from strict_ecs.http_door import on_loopback
from strict_ecs.strict_aws import StrictAws
from strict_ecs.token_buckets import UNLIMITED
from strict_ecs.virtual_clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUNDLE = "ecs"
ENOUGH = 1e9
"""Seconds of a refresh's budget that no fleet uses up."""


def deploy(aws: StrictAws, dag_id: str) -> None:
    """Register the task definition of a DAG."""
    aws.region(ACCOUNT, REGION).definitions.register(dag_id, labels(dag_id), logConfiguration=LOG_CONFIGURATION)


def bundle_config(**arguments: int) -> str:
    """Return Airflow's setting for our bundle."""
    kwargs = {"region_name": REGION, **arguments}
    return json.dumps([{"name": BUNDLE, "classpath": "airflow_ecs_dag_loader.EcsDagBundle", "kwargs": kwargs}])


@dataclass(frozen=True)
class Registry:
    """An ECS that other processes can call.

    Attributes:
        aws: What it holds.
        url: Where it answers.
    """

    aws: StrictAws
    url: str

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to call it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "not-aws",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@contextmanager
def registry(ids: list[str]) -> Iterator[Registry]:
    """Let an ECS with the rates of AWS's own answer on this machine."""
    aws = StrictAws()
    for dag_id in ids:
        deploy(aws, dag_id)
    with on_loopback(aws) as url:
        yield Registry(aws, url)


def publish(ids: list[str], archives: int = 0) -> tuple[Path, float]:
    """Let a bundle scan and publish all, on its disk; return the folder that Airflow parses, and the CPU seconds."""
    clock = VirtualClock()
    aws = StrictAws(clock=clock.now, rates=UNLIMITED)
    for dag_id in ids:
        deploy(aws, dag_id)
    with in_this_process(aws, clock):
        bundle = EcsDagBundle(name=BUNDLE, region_name=REGION, refresh_budget=ENOUGH, archives=archives)
        began = time.process_time()
        bundle.refresh()
        seconds = time.process_time() - began
    found = len(Snapshot.read_published(bundle.base_dir).owners)
    if found != len(ids):
        raise SystemExit(f"a refresh published {found} of {len(ids)} DAGs")
    return bundle.path, seconds
