"""What the scan of the ECS registry costs, behind AWS's own rates: calls, seconds, and what is lost of it.

    python benchmarks/registry_scan.py [--seed 1] [--latency 0.025]

It runs against the tests' strict ECS, in memory and on a clock that moves where somebody sleeps: seconds are those that
botocore's retries, the loader's own rate and AWS's answers take, and none of this machine's work. A call takes
`--latency`; `--seed` draws which families have a DAG, and botocore's back-off.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import os
import random
import sys
import tempfile
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.append(str(REPOSITORY / "tests"))
HOME = tempfile.TemporaryDirectory(prefix="registry-scan-")
PLATFORM = "100000000000"
"""Airflow's own account; in the strict ECS its number is its access key too."""
os.environ |= {
    "AIRFLOW_HOME": HOME.name,
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
    "AWS_ACCESS_KEY_ID": PLATFORM,
    "AWS_SECRET_ACCESS_KEY": "not-aws",
}

import boto3  # noqa: E402 - below Airflow's home
from figure_table import HEAD, Row, versions  # noqa: E402

from airflow_ecs_dag_loader import EcsDagBundle  # noqa: E402
from airflow_ecs_dag_loader.aws_clients import RETRIES  # noqa: E402
from airflow_ecs_dag_loader.call_rate import AWS_BURST, AWS_CALLS_A_SECOND, DEFAULT_SHARE, CallRate  # noqa: E402
from airflow_ecs_dag_loader.registry import Registry, scan  # noqa: E402
from loader.ecs_account import dag_labels  # noqa: E402
from strict_ecs.botocore_door import in_this_process  # noqa: E402
from strict_ecs.strict_aws import StrictAws  # noqa: E402
from strict_ecs.token_buckets import UNLIMITED  # noqa: E402
from strict_ecs.virtual_clock import VirtualClock  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_ecs import ECSClient

REGIONS = ("eu-west-1", "us-east-1")
PAGE = 100
COLD = 1_000
PLACES, FAMILIES = 20, 500
DAGS = 10
"""Families with a DAG in each of the places; the others are services, which a scan can't tell apart before it asks."""
MOST_THROTTLES = 0.02
SLOWER_AT_MOST = 1.1
"""Goal of all places at once against the slowest one alone."""


@dataclass
class World:
    """An AWS for one measurement, and the time in it."""

    aws: StrictAws
    clock: VirtualClock
    seed: int

    def fill(self, account: str, region: str, families: int, *, dags: int = 0) -> None:
        """Register families, some of them with DAGs."""
        definitions = self.aws.region(account, region).definitions
        order = random.Random(f"{self.seed}/{account}/{region}")  # noqa: S311 - which ones have a DAG, no secret
        with_dag = set(order.sample(range(families), dags))
        for number in range(families):
            dag_id = f"a{account}-{region}-{number:05}"
            definitions.register(f"family-{number:05}", dag_labels(dag_id) if number in with_dag else None)

    @property
    def throttled(self) -> float:
        """The part of the calls that AWS turned down."""
        codes = Counter(call.code for call in self.aws.calls)
        return codes["ThrottlingException"] / codes.total()


@contextmanager
def world(seed: int, latency: float) -> Iterator[World]:
    clock = VirtualClock()
    made = World(StrictAws(clock=clock.now), clock, seed)
    random.seed(seed)  # botocore draws how long it backs off
    with in_this_process(made.aws, clock, latency=latency):
        yield made


def client() -> ECSClient:
    return boto3.client("ecs", region_name=REGIONS[0], config=RETRIES)


def calls_of_nothing_new(families: int, seed: int, latency: float) -> Row:
    """Scan what was scanned already."""
    with world(seed, latency) as here:
        here.aws.rates = UNLIMITED
        here.fill(PLATFORM, REGIONS[0], families)
        ecs = client()
        known = scan(ecs, known={}).definitions
        here.aws.calls.clear()
        again = scan(ecs, known=known)
        if again.definitions != known:
            raise SystemExit(f"a second scan of {families} families found something else than the first")
        calls = len(here.aws.calls)
    return Row(f"calls with nothing changed, {families:,} families", calls, math.ceil(families / PAGE) + 1, "calls", 1)


def calls_of_2019(families: int) -> Row:
    """Say what the loader of 2019 calls, by its description: it lists and then describes each, every time."""
    limit = math.ceil(families / PAGE) + 1
    return Row(
        f"the same, loader of 2019, by arithmetic, {families:,}", families + families / PAGE, limit, "calls", None
    )


def cold_scan(share: float, seed: int, latency: float) -> list[Row]:
    """Scan an account that was never scanned, in one go."""
    calls = COLD + math.ceil(COLD / PAGE)
    fastest = (calls - AWS_BURST) / AWS_CALLS_A_SECOND
    own = (calls - AWS_BURST * share) / (AWS_CALLS_A_SECOND * share)
    with world(seed, latency) as here:
        here.fill(PLATFORM, REGIONS[0], COLD)
        began = here.clock.now()
        rate = CallRate(share, clock=here.clock.now, sleep=here.clock.sleep)
        found: Registry = scan(client(), known={}, rate=rate)
        seconds = here.clock.now() - began
        throttled, lost = here.throttled, COLD - len(found.definitions)
    name = f"cold scan of {COLD:,}, call share {share:g}"
    rows = [
        Row(f"{name}: seconds, against this share's limit", seconds, own, "s", 1.05),
        Row(f"{name}: throttled calls", 100 * throttled, 100 * MOST_THROTTLES, "%", 1),
        Row(f"{name}: lost definitions", lost, 0, "", 0),
    ]
    if share < 1:
        rows.insert(1, Row(f"{name}: seconds, against AWS's limit", seconds, fastest, "s", None))
    return rows


def bundle_seconds(here: World, places: list[tuple[str, str]], name: str) -> tuple[float, int, float]:
    """Refresh a new bundle until it has all; return the seconds, the refreshes and the longest one's seconds."""
    sources = []
    for account in sorted({account for account, _ in places}):
        role, external_id = f"arn:aws:iam::{account}:role/airflow-scan", "x-bench"
        here.aws.roles.add_role(role, external_id=external_id)
        regions = [region for of, region in places if of == account]
        sources.append(
            {
                "name": f"a{account}",
                "regions": regions,
                "role_arn": role,
                "external_id": external_id,
                "cluster": "work",
                "dag_id_prefix": f"a{account}-",
            }
        )
    here.aws.region(PLATFORM, REGIONS[0])
    os.environ |= {
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(Path(HOME.name) / name),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(
            [{"name": name, "classpath": "airflow_ecs_dag_loader.EcsDagBundle", "kwargs": {"sources": sources}}]
        ),
    }
    bundle = EcsDagBundle(name=name, sources=sources)
    began = here.clock.settle()
    lasted = []
    while len(list(bundle.path.rglob("*.py"))) < DAGS * len(places) or bundle.refresh_interval == 0:
        start = here.clock.settle()
        bundle.refresh()
        lasted.append(here.clock.settle() - start)
    return here.clock.settle() - began, len(lasted), max(lasted)


def many_places(seed: int, latency: float) -> list[Row]:
    """Scan many accounts and regions at once, through the bundle, and the slowest one of them alone."""
    accounts = [f"{200_000_000_000 + number}" for number in range(PLACES // len(REGIONS))]
    places = [(account, region) for account in accounts for region in REGIONS]
    alone: list[float] = []
    for place in (places[0], places[-1]):
        with world(seed, latency) as here:
            here.fill(*place, FAMILIES, dags=DAGS)
            alone.append(bundle_seconds(here, [place], f"alone-{len(alone)}")[0])
    with world(seed, latency) as here:
        for place in places:
            here.fill(*place, FAMILIES, dags=DAGS)
        seconds, refreshes, longest = bundle_seconds(here, places, "all")
        throttled = here.throttled
    name = f"{PLACES} account-regions x {FAMILIES}"
    return [
        Row(f"{name}: seconds, against one alone", seconds, max(alone), "s", SLOWER_AT_MOST),
        Row(f"{name}: throttled calls", 100 * throttled, 100 * MOST_THROTTLES, "%", 1),
        Row(f"{name}: longest of {refreshes} refreshes, against its budget", longest, 10.0, "s", SLOWER_AT_MOST),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--latency", type=float, default=0.025, help="seconds that a call takes")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    given = (options.seed, options.latency)
    rows = [
        calls_of_nothing_new(1_000, *given),
        calls_of_2019(1_000),
        calls_of_nothing_new(10_000, *given),
        calls_of_2019(10_000),
        *cold_scan(1, *given),
        *cold_scan(DEFAULT_SHARE, *given),
        *many_places(*given),
    ]
    packages = versions("boto3", "botocore", "apache-airflow", "airflow-ecs-dag")
    print(f"{packages}; seed {options.seed}, {options.latency:g} s a call")
    print(f"seconds of a virtual clock; in each account-region {DAGS} of {FAMILIES} families have a DAG\n")
    print(HEAD)
    print(*rows, sep="\n")


if __name__ == "__main__":
    main()
