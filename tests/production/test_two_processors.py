"""A hundred families, PostgreSQL, a scheduler, an API server and two DAG processors, while stacks come, change and go.

What Airflow had is looked at twice a second and judged afterwards. No test here says how fast anything has to be; the
one limit is Airflow's own setting after which a DAG whose file is gone must be stale.
"""

from __future__ import annotations

import os
import random
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config

from airflow_ecs_dag_cli.airflow_api import AirflowApiError
from airflow_ecs_dag_cli.local_aws import isolated_environment
from airflow_ecs_dag_loader.snapshot import Snapshot
from production.dag_watch import DagWatch, Look, flaws
from production.deployments import CLUSTER, Deployments
from production.installation import BUNDLE, PROCESSORS, STALE_SECONDS, Installation
from strict_ecs.http_door import on_loopback
from strict_ecs.strict_aws import StrictAws

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_ecs import ECSClient

    from airflow_ecs_dag_cli.postgres_server import PostgresServer
    from production.deployments import Life
    from strict_ecs.strict_aws import Region

pytestmark = [pytest.mark.airflow, pytest.mark.postgresql, pytest.mark.timeout(1500)]

ACCOUNT, REGION = "111122223333", "eu-west-1"
FAMILIES = 100
LASTING = 10
"""Families whose stacks are never deleted, so that their runs can end."""
SEED = 2019
CHANGES = ["update"] * 22 + ["create"] * 10 + ["destroy"] * 8 + ["roll back"] * 3
RUNS = 8
SECONDS_A_CHANGE = 2.0
TASK_SECONDS = 6.0
WAIT_SECONDS = 400.0
"""How long Airflow may take before a test gives up; not what it should take."""


@dataclass(frozen=True)
class History:
    """What was done, and what Airflow made of it.

    Attributes:
        lives: What was deployed.
        looks: What Airflow had, in order.
        last: What it had in the end.
        runs: The last state of each run that was triggered, by its DAG and its id.
        refused: What Airflow's API answered to a run of a DAG whose stack was deleted, by the DAG.
        parsed: Of each machine, the files that its DAG processor parsed; of a replaced one, since it was replaced.
        hashes: Of each machine, Airflow's own hash over each DAG as the files there have it.
        versions: Of each machine, the version of its bundle.
        region: The account.
    """

    lives: list[Life]
    looks: list[Look]
    last: Look
    runs: dict[tuple[str, str], str]
    refused: dict[str, int]
    parsed: dict[str, set[str]]
    hashes: dict[str, dict[str, str]]
    versions: dict[str, str]
    region: Region

    @property
    def expected(self) -> set[str]:
        """The ids of the DAGs that must be there in the end."""
        return {life.dag_id for life in self.lives if life.ended is None and not life.is_refused}


class Platform:
    """Airflow, the account that it follows, and whoever deploys there."""

    def __init__(self, airflow: Installation, watch: DagWatch, deployments: Deployments) -> None:
        self.airflow = airflow
        self.watch = watch
        self.deployments = deployments
        self.runs: dict[tuple[str, str], str] = {}
        self._lasting = deployments.living[:LASTING]

    def wait_for(self, what: Callable[[], object], describe: Callable[[], str]) -> None:
        """Wait until ``what`` is true."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not what():
            self.airflow.supervise()
            self.watch.check()
            assert time.monotonic() < deadline, f"not within {WAIT_SECONDS:g} s: {describe()}"
            time.sleep(0.5)

    def settle(self) -> None:
        """Wait until Airflow has what is deployed."""
        self.wait_for(lambda: not self._differences(), lambda: "; ".join(self._differences()))

    def change(self, kind: str, chance: random.Random) -> None:
        """Let one stack change; which one, ``chance`` says."""
        deployments = self.deployments
        match kind:
            case "update":
                deployments.update(chance.choice(deployments.living))
            case "roll back":
                deployments.roll_back(chance.choice(deployments.living))
            case "destroy":
                deployments.destroy(chance.choice([life for life in deployments.living if life not in self._lasting]))
            case "create":
                deployments.create()
            case "claim":
                deployments.claim(chance.choice(self._lasting))
            case "break":
                deployments.create_broken()
            case "trigger":
                dag_id = chance.choice(self._lasting).dag_id
                self.runs[dag_id, self.airflow.api.trigger(dag_id, logical_date=None)] = ""
            case "replace":
                self.airflow.replace_machine(PROCESSORS[1])

    def end_of_runs(self) -> None:
        """Wait until all runs have ended."""

        def going() -> list[tuple[str, str]]:
            self.runs = {run: self.airflow.api.run_state(*run) for run in self.runs}
            return [run for run, state in self.runs.items() if state not in {"success", "failed"}]

        self.wait_for(lambda: not going(), lambda: f"the end of {going()}")

    def end_of_parsing(self) -> None:
        """Wait until each DAG processor has parsed what is deployed."""

        def missing() -> dict[str, set[str]]:
            expected = {f"{ACCOUNT}/{REGION}/{life.family}.py" for life in self.deployments.living}
            return {machine: rest for machine in PROCESSORS if (rest := expected - self.airflow.parsed_files(machine))}

        self.wait_for(lambda: not missing(), lambda: f"the parsing of {missing()}")

    def refusals(self) -> dict[str, int]:
        """Try to run each DAG whose stack was deleted; return the status of what Airflow answers."""
        return {
            life.dag_id: self._status_of_trigger(life.dag_id)
            for life in self.deployments.lives
            if life.ended is not None
        }

    def _status_of_trigger(self, dag_id: str) -> int:
        try:
            self.airflow.api.trigger(dag_id, logical_date=None)
        except AirflowApiError as error:
            return error.status
        return 200

    def _differences(self) -> list[str]:
        now = self.watch.now()
        wanted = {life.dag_id: life.newest[-1] for life in self.deployments.living}
        found = {dag_id: now.dags[dag_id].revision for dag_id in now.live()}
        errors = {PurePath(path).stem for path in now.errors}
        refused = {life.family for life in self.deployments.lives if life.is_refused}
        return [
            *(
                f"{dag_id}: {found.get(dag_id)}, not {wanted.get(dag_id)}"
                for dag_id in sorted(found.keys() | wanted.keys())
                if found.get(dag_id) != wanted.get(dag_id)
            ),
            *(f"import error of {family}" for family in sorted(errors ^ refused)),
        ]


@pytest.fixture(scope="module")
def history(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> History:
    """Start it all, let the stacks change, and end it all."""
    aws = StrictAws(clock=time.time)
    region = aws.region(ACCOUNT, REGION)
    region.tasks.create_cluster({"clusterName": CLUSTER})
    region.tasks.run_seconds = TASK_SECONDS
    with ExitStack() as stack:
        url = stack.enter_context(on_loopback(aws))
        deployments = Deployments(_client(url))
        deployments.begin(region.definitions, FAMILIES)
        airflow = Installation(
            tmp_path_factory.mktemp("airflow"),
            database_url=postgres.url,
            environment=isolated_environment(os.environ, endpoint_url=url, region=REGION)
            | {"AWS_ACCESS_KEY_ID": ACCOUNT},
            # A budget that a first scan of a hundred families doesn't fit in, so that a new machine needs several.
            bundle={"region_name": REGION, "refresh_budget": 2.0},
        )
        stack.enter_context(airflow)
        watch = stack.enter_context(DagWatch(postgres.url))
        platform = Platform(airflow, watch, deployments)
        platform.settle()
        _let_change(platform)
        platform.settle()
        platform.end_of_parsing()
        platform.end_of_runs()
        last = watch.now()
        refused = platform.refusals()
        parsed = {machine: airflow.parsed_files(machine) for machine in PROCESSORS}
        hashes = {machine: airflow.dag_hashes(machine) for machine in PROCESSORS}
        versions = {
            machine: Snapshot.read_published(airflow.storage(machine) / BUNDLE).version for machine in PROCESSORS
        }
    return History(deployments.lives, watch.looks, last, platform.runs, refused, parsed, hashes, versions, region)


def _let_change(platform: Platform) -> None:
    """Make all changes in an order by chance; a machine is replaced in the middle of it."""
    chance = random.Random(SEED)  # noqa: S311 - no secret is made of it
    kinds = [*CHANGES, *["trigger"] * RUNS]
    chance.shuffle(kinds)
    middle = len(kinds) // 2
    kinds[middle:middle] = ["replace"]
    kinds[middle // 2 : middle // 2] = ["claim", "break"]  # what the new machine finds is not what there was first
    for kind in kinds:
        platform.airflow.supervise()
        platform.watch.check()
        platform.change(kind, chance)
        time.sleep(SECONDS_A_CHANGE)


def _client(url: str) -> ECSClient:
    return boto3.client(
        "ecs",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="not-aws",  # noqa: S106 - the opposite of a secret
        config=Config(retries={"mode": "standard", "total_max_attempts": 10}, proxies={}),
    )


def test_no_dag_flaps(history: History) -> None:
    found = flaws(history.looks, history.lives, leaves_within=STALE_SECONDS, comes_within=STALE_SECONDS)
    assert not found, "\n".join(found)


def test_airflow_has_the_newest_revision_of_each_family_in_the_end(history: History) -> None:
    expected = {
        life.dag_id: life.newest[-1]
        for life in history.lives
        if life.dag_id in history.expected and not life.is_refused
    }
    assert {dag_id: history.last.dags[dag_id].revision for dag_id in history.last.live()} == expected


def test_what_is_refused_is_an_import_error_of_its_own_family(history: History) -> None:
    refused = {life.family for life in history.lives if life.is_refused}
    assert {PurePath(path).stem for path in history.last.errors} == refused
    assert len(refused) == 2


def test_no_dag_of_a_deleted_stack_can_be_run(history: History) -> None:
    assert set(history.refused.values()) == {404}, history.refused
    assert len(history.refused) == CHANGES.count("destroy")


def test_the_runs_succeed_while_their_dags_are_deployed_anew(history: History) -> None:
    assert set(history.runs.values()) == {"success"}, history.runs
    assert len(history.runs) == RUNS


def test_both_processors_parsed_all_of_it(history: History) -> None:
    expected = {f"{ACCOUNT}/{REGION}/{life.family}.py" for life in history.lives if life.dag_id in history.expected}
    for machine in PROCESSORS:
        assert expected <= history.parsed[machine], machine


def test_both_processors_write_the_same_dags(history: History) -> None:
    one, two = PROCESSORS
    assert history.hashes[one].keys() == history.expected
    assert history.hashes[one] == history.hashes[two]
    assert history.hashes[one] == {dag_id: history.last.dags[dag_id].dag_hash for dag_id in history.last.live()}
    assert history.versions[one] == history.versions[two] != ""
