"""``list`` and ``doctor`` with a bundle's own configuration: its places, its verdicts, and what can't be read."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.models.dag import DagModel
from airflow.models.dagbundle import DagBundleModel
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from typer.testing import CliRunner

from airflow_ecs_dag_cli.local_aws import isolated_environment
from airflow_ecs_dag_cli.main import app
from airflow_ecs_dag_loader import EcsDagBundle
from loader.ecs_account import dag_labels
from strict_ecs.botocore_door import in_this_process
from strict_ecs.faults import Fault
from strict_ecs.http_door import on_loopback
from strict_ecs.strict_aws import StrictAws
from strict_ecs.virtual_clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typer.testing import Result

    from strict_ecs.task_definitions import TaskDefinitions

REGION, OTHER = "eu-west-1", "us-east-1"
PLATFORM, ORDERS, STOCK = "100000000001", "100000000002", "100000000003"
ROLE = f"arn:aws:iam::{STOCK}:role/airflow-scan"
BUNDLES = "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"
SOURCES: list[dict[str, Any]] = [
    {"name": "orders", "regions": [REGION, OTHER], "cluster": "work", "dag_id_prefix": "orders."},
    {
        "name": "stock",
        "regions": [REGION],
        "role_arn": ROLE,
        "external_id": "stock-91c2",
        "cluster": "work",
        "dag_id_prefix": "stock.",
        "max_dags": 2,
    },
]


@dataclass
class Platform:
    """Airflow's machine, and AWS: the platform's own account, and one behind a role.

    Attributes:
        aws: AWS.
        folder: Where the machine has its files.
    """

    aws: StrictAws
    folder: Path

    def registry(self, account: str = PLATFORM, region: str = REGION) -> TaskDefinitions:
        return self.aws.region(account, region).definitions

    def deploy(self, dag_id: str, *, account: str = PLATFORM, region: str = REGION, family: str | None = None) -> str:
        return self.registry(account, region).register(family or dag_id.replace(".", "-"), dag_labels(dag_id))

    def sources_file(self, *sources: dict[str, Any]) -> str:
        path = self.folder / "sources.yaml"
        path.write_text(json.dumps({"sources": list(sources) or SOURCES}))  # YAML, too
        return str(path)

    def described(self) -> int:
        return len(self.aws.made("DescribeTaskDefinition"))


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    clock = VirtualClock()
    made = Platform(StrictAws(clock=clock.now), tmp_path)
    for account in (PLATFORM, ORDERS, STOCK):
        made.registry(account)
    made.aws.roles.add_role(ROLE, external_id="stock-91c2")
    own = {
        "AWS_ACCESS_KEY_ID": PLATFORM,
        "AWS_SECRET_ACCESS_KEY": "not-aws",
        "AWS_DEFAULT_REGION": REGION,
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",  # the command sets it, and no other test shall have it
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(tmp_path / "bundles"),
        "COLUMNS": "200",
    }
    for variable, value in (isolated_environment({}) | own).items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("AWS_PROFILE", "")
    monkeypatch.delenv("AWS_PROFILE")
    with in_this_process(made.aws, clock):
        yield made


def configure(monkeypatch: pytest.MonkeyPatch, **bundles: dict[str, Any]) -> None:
    """Let Airflow's configuration have bundles of ECS DAGs, beside its usual one."""
    configured = [
        {"name": "files", "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle", "kwargs": {}},
        *(
            {"name": name, "classpath": "airflow_ecs_dag_loader.EcsDagBundle", "kwargs": kwargs}
            for name, kwargs in bundles.items()
        ),
    ]
    monkeypatch.setenv(BUNDLES, json.dumps(configured))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def listed(*arguments: str, status: int = 0) -> dict[str, tuple[str, str | None]]:
    """Return state and source of each family, by account, region and name."""
    result = run("list", "--json", *arguments)
    assert result.exit_code == status, result.output
    return {
        f"{dag['account']}/{dag['region']}/{dag['family']}": (dag["state"], dag["source"])
        for dag in json.loads(result.stdout)["dags"]
    }


def checks(*arguments: str, status: int = 0) -> dict[str, dict[str, Any]]:
    result = run("doctor", "--json", *arguments)
    assert result.exit_code == status, result.output
    return {each["check"]: each for each in json.loads(result.stdout)["checks"]}


def test_each_place_is_read_with_its_own_role_prefix_and_policy(platform: Platform) -> None:
    platform.deploy("orders.daily")
    platform.deploy("orders.far", region=OTHER)
    platform.deploy("reports")
    for name in ("one", "two", "zzz"):
        platform.deploy(f"stock.{name}", account=STOCK)
    platform.registry(STOCK).register("web")
    assert listed("--sources-file", platform.sources_file(), status=1) == {
        f"{PLATFORM}/{REGION}/orders-daily": ("live", "orders"),
        f"{PLATFORM}/{REGION}/reports": ("refused", "orders"),
        f"{PLATFORM}/{OTHER}/orders-far": ("live", "orders"),
        f"{STOCK}/{REGION}/stock-one": ("live", "stock"),
        f"{STOCK}/{REGION}/stock-two": ("live", "stock"),
        f"{STOCK}/{REGION}/stock-zzz": ("refused", "stock"),
    }
    result = run("list", "--sources-file", platform.sources_file())
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert f"✓ stock.one stock-one:1 stock {STOCK}/{REGION} live 1 task, only when somebody triggers it" in lines
    assert lines[-1] == (
        f"{platform.folder}/sources.yaml, 3 places: 4 DAGs live, 2 refused; 1 family without Airflow labels "
        "(--all shows them)"
    )


def test_the_verdicts_are_those_of_the_bundle(platform: Platform) -> None:
    """A family that two sources reach, a dag id that two families claim, prefixes, policies and limits."""
    shared: list[dict[str, Any]] = [
        {"name": "parts", "regions": [REGION], "family_prefix": "part-", "cluster": "work"},
        {"name": "all", "regions": [REGION, OTHER], "dag_id_prefix": "p", "policy": {"max_tasks": 1}},
    ]
    sources = [{**each, "shared_dag_ids": True} for each in shared]
    platform.deploy("x", family="part-x")  # by the source all it would be refused
    platform.deploy("p.twice", family="part-twice")
    platform.deploy("p.twice", family="twice", region=OTHER)
    platform.deploy("quick")
    platform.deploy("p.slow")
    bundle = EcsDagBundle(name=f"verdicts-{platform.folder.name}", sources=sources)
    bundle.refresh()
    of_bundle = listed("--bundle-folder", str(bundle.base_dir), "--all", status=1)
    assert {state for state, _ in of_bundle.values()} == {"live", "refused", "duplicate"}
    found = listed("--sources-file", platform.sources_file(*sources), "--all", status=1)
    assert {family: state for family, (state, _) in found.items()} == {
        family: state for family, (state, _) in of_bundle.items()
    }
    part = f"{PLATFORM}/{REGION}/part-x"
    assert found[part] == ("live", "parts")
    assert of_bundle[part] == ("live", None)  # the folder doesn't say which one of the two is the first
    assert {family for family in found if found[family] != of_bundle[family]} == {part, part.replace("-x", "-twice")}


def test_a_place_that_cannot_be_read_is_said_and_the_others_are_shown(platform: Platform) -> None:
    platform.deploy("orders.daily")
    platform.deploy("stock.one", account=STOCK)
    platform.aws.faults.add(Fault.ACCESS_DENIED, account=STOCK, operation="ListTaskDefinitions", count=None)
    result = run("list", "--sources-file", platform.sources_file())
    assert result.exit_code == 2
    assert f"error: stock/{REGION}: access denied: these credentials may not" in result.stderr
    assert "orders-daily:1" in result.stdout
    assert "stock-one" not in result.stdout
    assert "3 places (1 can't be read): 1 DAG live" in result.stdout
    document = json.loads(run("list", "--json", "--sources-file", platform.sources_file()).stdout)
    assert document["ok"] is False
    assert document["error"].startswith("1 of the places of ")
    assert [(each["source"], each["region"], each["error"] is None) for each in document["places"]] == [
        ("orders", REGION, True),
        ("orders", OTHER, True),
        ("stock", REGION, False),
    ]


def test_a_role_that_is_not_to_be_assumed(platform: Platform) -> None:
    platform.deploy("orders.daily")
    sources = [SOURCES[0], {**SOURCES[1], "external_id": "another"}]
    result = run("list", "--sources-file", platform.sources_file(*sources))
    assert result.exit_code == 2
    assert f"error: stock/{REGION}: access denied: these credentials may not sts:AssumeRole" in result.stderr


def test_nothing_that_can_be_read(platform: Platform) -> None:
    platform.aws.faults.add(Fault.ACCESS_DENIED, operation="ListTaskDefinitions", count=None)
    result = run("list", "--sources-file", platform.sources_file())
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"orders/{OTHER}" in result.stderr


def test_sources_that_are_none(platform: Platform) -> None:
    path = platform.sources_file({"name": "orders", "regions": []})
    result = run("list", "--sources-file", path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "sources.0.regions" in result.stderr
    assert "sources.0.regions" in json.loads(run("list", "--json", "--sources-file", path).stdout)["error"]
    doctor = run("doctor", "reports", "--sources-file", path)
    assert (doctor.exit_code, doctor.stdout) == (2, "")
    assert "sources.0.regions" in doctor.stderr


def test_the_policy_is_that_of_sources_without_their_own(platform: Platform) -> None:
    platform.deploy("orders.daily")
    policy = platform.folder / "policy.yaml"
    policy.write_text("mode: enforce\nschedules: [cron_trigger]\n")
    arguments = ("--sources-file", platform.sources_file(SOURCES[0]))
    assert listed(*arguments)[f"{PLATFORM}/{REGION}/orders-daily"] == ("live", "orders")
    refused = listed(*arguments, "--policy", str(policy), status=1)
    assert refused[f"{PLATFORM}/{REGION}/orders-daily"] == ("refused", "orders")


def test_an_airflow_connection_scans_its_place(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    platform.deploy("orders.daily", account=ORDERS)
    monkeypatch.setenv("AIRFLOW_CONN_ORDERS", json.dumps({"conn_type": "aws", "login": ORDERS, "password": "x"}))
    path = platform.sources_file({**SOURCES[0], "regions": [REGION], "aws_conn_id": "orders"})
    assert listed("--sources-file", path) == {f"{ORDERS}/{REGION}/orders-daily": ("live", "orders")}
    assert f"account {ORDERS}" in checks("orders-daily", "--sources-file", path)["credentials"]["text"]


def test_on_airflows_machine_no_option_is_needed(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    platform.deploy("orders.daily")
    platform.deploy("stock.one", account=STOCK)
    configure(monkeypatch, ecs={"sources_file": platform.sources_file(), "policy": {"max_tasks": 5}})
    result = run("list")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "the bundle ecs of Airflow's configuration, 3 places: 2 DAGs live"
    assert json.loads(run("list", "--json", "--bundle", "ecs").stdout)["bundle"] == "ecs"
    text = checks("stock-one")["place"]["text"]
    assert text == (f"stock/{REGION} of the bundle ecs of Airflow's configuration: {STOCK}/{REGION}, scanned as {ROLE}")
    assert "account" in json.loads(run("list", "--json", "--region", REGION).stdout)  # not the bundle's


def test_a_bundle_without_sources(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    platform.deploy("data.daily", region=OTHER)
    platform.deploy("else", region=OTHER)
    configure(monkeypatch, ecs={"region_name": OTHER, "dag_id_prefix": "data.", "cluster": "work"})
    assert listed(status=1) == {
        f"{PLATFORM}/{OTHER}/data-daily": ("live", "ecs"),
        f"{PLATFORM}/{OTHER}/else": ("refused", "ecs"),
    }
    assert " ecs " not in run("list").stdout.splitlines()[0]  # one source has no column


def test_which_bundle_is_meant(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    platform.deploy("b.daily")
    configure(monkeypatch, a={"dag_id_prefix": "a."}, b={"dag_id_prefix": "b."})
    for command in (["list"], ["doctor", "b-daily"]):
        result = run(*command)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "has the bundles of ECS DAGs a, b: choose one by --bundle NAME" in result.stderr
    assert listed("--bundle", "b") == {f"{PLATFORM}/{REGION}/b-daily": ("live", "b")}
    assert "no EcsDagBundle 'c', it has a, b" in run("list", "--bundle", "c").stderr
    configure(monkeypatch, a={"dag_id_prefix": "a."}, b={"dag_id_prefix": "a.b."})
    assert "the bundle b may claim the same dag ids" in run("list", "--bundle", "a").stderr
    configure(monkeypatch)
    assert "it has none" in run("list", "--bundle", "b").stderr
    assert f"account {PLATFORM}, region {REGION}" in run("list").stdout
    monkeypatch.setenv(BUNDLES, "[")
    assert "dag_bundle_config_list can't be read" in run("list").stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--sources-file", "SOURCES", "--region", REGION), "leave out --region"),
        (("--sources-file", "SOURCES", "--cluster", "work"), "each source has these of its own"),
        (("--bundle", "ecs", "--sources-file", "SOURCES"), "its configuration has these"),
        (("--bundle", "ecs", "--policy", "SOURCES"), "its configuration has these"),
    ],
)
@pytest.mark.parametrize("command", [("list",), ("doctor", "reports")])
def test_what_excludes_each_other(
    platform: Platform, command: tuple[str, ...], options: tuple[str, ...], said: str
) -> None:
    given = [platform.sources_file() if each == "SOURCES" else each for each in options]
    result = run(*command, *given)
    assert result.exit_code == 2
    assert said in " ".join(re.sub("[│╭╮╰╯─]", " ", result.stderr).split())


@pytest.fixture
def refreshed(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> EcsDagBundle:
    """The bundle of Airflow's configuration, after a refresh on this machine."""
    arguments: dict[str, Any] = {"sources": SOURCES}
    configure(monkeypatch, ecs=arguments)
    platform.deploy("orders.daily", family="zzz")
    platform.deploy("stock.one", account=STOCK)
    bundle = EcsDagBundle(name="ecs", **arguments)
    bundle.refresh()
    return bundle


@pytest.mark.usefixtures("refreshed")
def test_who_had_a_dag_id_first_keeps_it(platform: Platform) -> None:
    platform.deploy("orders.daily", family="aaa")
    found = listed(status=1)
    assert found[f"{PLATFORM}/{REGION}/zzz"] == ("live", "orders")
    assert found[f"{PLATFORM}/{REGION}/aaa"] == ("duplicate", "orders")
    assert listed("--sources-file", platform.sources_file(), status=1)[f"{PLATFORM}/{REGION}/zzz"][0] == "duplicate"
    assert checks("zzz")["duplicate"]["details"] == [f"aaa:1 in {PLATFORM}/{REGION} claims it too"]
    text = checks("aaa", status=1)["duplicate"]["text"]
    assert f"belongs to the task definition {PLATFORM}/{REGION}/zzz, which had it first" in text


def test_who_has_a_dag_id_in_airflow_keeps_it_on_a_machine_without_the_bundles_folder(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    initdb()
    name = f"owners-{platform.folder.name}"
    configure(monkeypatch, **{name: {"sources": SOURCES}})
    for family in ("aaa", "zzz"):
        platform.deploy("orders.daily", family=family)
    assert set(listed(status=1).values()) == {("duplicate", "orders")}
    dag = DagModel(dag_id="orders.daily")  # type: ignore[no-untyped-call] # Airflow leaves it out
    dag.bundle_name, dag.fileloc, dag.is_stale = name, "", False
    dag.relative_fileloc = f"{PLATFORM}/{REGION}/zzz.py"
    with create_session() as session:
        session.add(DagBundleModel(name=name))
        session.flush()
        session.add(dag)
    try:
        assert {family.rpartition("/")[2]: state for family, (state, _) in listed(status=1).items()} == {
            "aaa": "duplicate",
            "zzz": "live",
        }
    finally:
        with create_session() as session:
            # By SQL, and its own only: other tests' DAGs have runs, and a session would take these along.
            session.query(DagModel).filter(DagModel.bundle_name == name).delete(synchronize_session=False)


@pytest.mark.usefixtures("refreshed")
def test_what_the_bundle_knows_is_not_asked_again_and_nothing_is_written(platform: Platform) -> None:
    def files() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in (platform.folder / "bundles").rglob("*")}

    before, described = files(), platform.described()
    assert set(listed()) == {f"{PLATFORM}/{REGION}/zzz", f"{STOCK}/{REGION}/stock-one"}
    assert (files(), platform.described()) == (before, described)


@pytest.mark.usefixtures("refreshed")
def test_a_place_that_cannot_be_read_is_shown_as_the_bundle_found_it_last(platform: Platform) -> None:
    platform.aws.faults.add(Fault.ACCESS_DENIED, account=STOCK, operation="ListTaskDefinitions", count=None)
    result = run("list")
    assert result.exit_code == 2
    assert "what is shown of it is the bundle's last good scan" in result.stderr
    assert "stock-one:1" in result.stdout
    assert "zzz:1" in result.stdout


@pytest.mark.usefixtures("refreshed")
def test_the_doctor_looks_into_the_bundles_own_folder(platform: Platform) -> None:
    assert checks("zzz")["published"]["text"].startswith("zzz:1 as the DAG orders.daily, in its snapshot of ")
    shutil.rmtree(platform.folder / "bundles")
    published = checks("zzz")["published"]
    assert published["status"] == "not known"
    assert "holds no snapshot" in published["text"]


def test_the_doctor_names_the_place(platform: Platform) -> None:
    arn = platform.deploy("stock.one", account=STOCK)
    path = platform.sources_file()
    found = checks("stock-one", "--sources-file", path)
    assert next(iter(found)) == "place"
    assert found["place"]["text"] == f"stock/{REGION} of {path}: {STOCK}/{REGION}, scanned as {ROLE}"
    assert f"account {STOCK}, region {REGION}" in found["credentials"]["text"]
    assert found["admitted"]["text"] == "the policy lets it in"
    platform.deploy("orders.one", family="stock-one")
    found = checks("stock-one", "--sources-file", path)
    assert found["place"]["text"].startswith(f"orders/{REGION} of ")
    assert found["place"]["details"] == [
        f"stock/{REGION} has a family of this name too, in {STOCK}/{REGION}: name that one by its ARN"
    ]
    assert checks(arn, "--sources-file", path)["place"]["text"].startswith(f"stock/{REGION} of ")


def test_the_doctor_judges_by_the_places_prefix_and_limits(platform: Platform) -> None:
    platform.deploy("reports", account=STOCK)
    for name in ("one", "two", "zzz"):
        platform.deploy(f"stock.{name}", account=STOCK)
    path = platform.sources_file()
    foreign = checks("reports", "--sources-file", path, status=1)["admitted"]
    assert foreign["status"] == "problem"
    assert "dag-id.source-prefix" in foreign["details"][0]
    assert "source.too-many-dags" in checks("stock-zzz", "--sources-file", path, status=1)["duplicate"]["text"]


def test_a_family_that_two_sources_reach_is_the_first_ones(platform: Platform) -> None:
    sources = [{**SOURCES[0], "name": name, "shared_dag_ids": True} for name in ("first", "second")]
    platform.deploy("orders.daily")
    place = checks("orders-daily", "--sources-file", platform.sources_file(*sources))["place"]
    assert place["text"].startswith(f"first/{REGION} of ")
    assert place["details"] == [f"second/{REGION} reaches it too; it is the first one's, first/{REGION}"]


def test_a_family_that_no_place_has(platform: Platform) -> None:
    platform.deploy("orders.daily")
    path = platform.sources_file()
    place = checks("orders-dayli", "--sources-file", path, status=1)["place"]
    assert place["text"].startswith(f"no place of {path} has a task definition of the family orders-dayli")
    assert place["details"] == [f"families in orders/{REGION} with a name like it: orders-daily"]
    elsewhere = f"arn:aws:ecs:ap-south-1:{STOCK}:task-definition/x:1"
    place = checks(elsewhere, "--sources-file", path, status=1)["place"]
    assert place["details"][-1] == f"stock/{REGION} is another region or account of the account {STOCK}"
    path = platform.sources_file({**SOURCES[0], "family_prefix": "airflow-"})
    place = checks("orders-daily", "--sources-file", path, status=1)["place"]
    assert place["details"][0] == f"orders/{REGION} looks for families that begin with airflow-"


def test_a_family_that_was_deregistered(platform: Platform) -> None:
    arn = platform.deploy("stock.one", account=STOCK)
    platform.registry(STOCK).deregister(arn)
    found = checks("stock-one", "--sources-file", platform.sources_file(), status=1)
    assert found["place"]["text"].startswith(f"stock/{REGION} of ")
    assert "no revision of stock-one is ACTIVE" in found["found"]["text"]


def test_the_doctor_says_which_place_it_cannot_read(platform: Platform) -> None:
    platform.deploy("orders.daily")
    platform.aws.faults.add(Fault.ACCESS_DENIED, account=STOCK, operation="ListTaskDefinitions", count=None)
    path = platform.sources_file()
    found = checks("orders-daily", "--sources-file", path)
    assert found["place"]["details"][0].startswith(f"can't be read: stock/{REGION}: access denied")
    assert found["duplicate"]["status"] == "not known"
    place = checks("stock-one", "--sources-file", path, status=1)["place"]
    assert "that could be read has a task definition of the family stock-one" in place["text"]
    assert place["details"][0].startswith(f"can't be read: stock/{REGION}")


def test_as_a_user_runs_it_on_airflows_machine(tmp_path: Path) -> None:
    aws = StrictAws()
    for family in ("one", "two"):
        aws.region(PLATFORM, REGION).definitions.register(family, dag_labels("same" if family == "two" else family))
    kwargs = {"region_name": REGION, "cluster": "work"}
    bundles = [{"name": "ecs", "classpath": "airflow_ecs_dag_loader.EcsDagBundle", "kwargs": kwargs}]
    with on_loopback(aws) as url:
        environment = {
            **{name: text for name, text in os.environ.items() if not name.startswith(("AIRFLOW", "AWS_"))},
            **isolated_environment({}),
            "AIRFLOW_HOME": str(tmp_path / "airflow"),
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(tmp_path / "bundles"),
            "AWS_ACCESS_KEY_ID": PLATFORM,
            "AWS_SECRET_ACCESS_KEY": "not-aws",
            "AWS_ENDPOINT_URL": url,
            "HOME": str(tmp_path),
            BUNDLES: json.dumps(bundles),
        }
        command = str(Path(sys.executable).with_name("airflow-ecs-dag"))
        done = subprocess.run(
            [command, "list", "--json"], capture_output=True, text=True, check=False, timeout=120, env=environment
        )
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert document["bundle"] == "ecs"
    assert {dag["family"]: dag["state"] for dag in document["dags"]} == {"one": "live", "two": "live"}
    assert not (tmp_path / "airflow" / "airflow.db").exists()  # asking for a database would have made it
