"""Several sources in one bundle: scanned at once, each failing alone, within a rate and a budget."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from airflow.observability import stats
from structlog.testing import capture_logs

from airflow_ecs_dag_loader import EcsDagBundle
from airflow_ecs_dag_loader.scan_error import ScanError
from airflow_ecs_dag_loader.snapshot import Snapshot
from sources.conftest import ORDERS, PLATFORM, REGION, STOCK, published, role, sources
from strict_ecs.faults import Fault

if TYPE_CHECKING:
    from sources.conftest import Fleet


def test_each_source_is_scanned_with_its_role_in_each_of_its_regions(fleet: Fleet) -> None:
    fleet.deploy(ORDERS, "orders")
    fleet.deploy(ORDERS, "american-orders", "us-east-1")
    fleet.deploy(STOCK, "stock")
    fleet.deploy(PLATFORM, "not-looked-for")
    bundle = fleet.bundle(sources=[*sources("orders", regions=[REGION, "us-east-1"]), *sources("stock")])
    bundle.refresh()
    assert sorted(published(bundle)) == ["american-orders", "orders", "stock"]
    names = {call.parameters["RoleSessionName"] for call in fleet.aws.made("AssumeRole")}
    assert names == {"airflow-ecs-dag-orders", "airflow-ecs-dag-stock"}
    state = bundle.base_dir / "state"
    assert sorted(str(path.relative_to(state)) for path in state.rglob("*.json")) == [
        "orders/eu-west-1.json",
        "orders/us-east-1.json",
        "published.json",
        "stock/eu-west-1.json",
    ]


def test_without_a_role_the_process_scans_with_what_it_has(fleet: Fleet) -> None:
    fleet.deploy(PLATFORM, "own")
    bundle = fleet.bundle(sources=[{"name": "own", "regions": [REGION]}])
    bundle.refresh()
    assert list(published(bundle)) == ["own"]
    assert fleet.calls() == ["ListTaskDefinitions", "DescribeTaskDefinition"]


def test_tasks_run_with_the_connection_for_running(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SCANNER", json.dumps({"conn_type": "aws", "login": PLATFORM, "password": "x"}))
    fleet.deploy(ORDERS, "orders")
    for arguments, expected in (
        ({"aws_conn_id": "scanner", "run_aws_conn_id": "runner"}, "runner"),
        ({"aws_conn_id": "scanner"}, "scanner"),
    ):
        bundle = fleet.bundle(sources=sources("orders", **arguments))
        bundle.refresh()
        assert f"'aws_conn_id': '{expected}'" in published(bundle)["orders"]
        assert "external" not in published(bundle)["orders"]


def test_a_connection_with_a_role_of_its_own_is_an_error_of_that_source_alone(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CHAIN", json.dumps({"conn_type": "aws", "extra": {"role_arn": role(STOCK)}}))
    fleet.deploy(STOCK, "stock")
    bundle = fleet.bundle(sources=[*sources("orders", aws_conn_id="chain"), *sources("stock")])
    with capture_logs() as logs:
        bundle.refresh()
    (line,) = [each for each in logs if "can't be read" in each["event"]]
    assert line["reason"].endswith("give role_arn in one of the two")
    assert (line["source"], line["region"]) == ("orders", REGION)
    assert list(published(bundle)) == ["stock"]


def test_what_fails_keeps_its_dags_and_the_others_go_on(fleet: Fleet) -> None:
    fleet.deploy(ORDERS, "orders")
    fleet.deploy(STOCK, "stock")
    bundle = fleet.bundle()
    bundle.refresh()
    before = published(bundle)
    fleet.aws.faults.add(Fault.ACCESS_DENIED, account=ORDERS, count=None)
    fleet.deploy(ORDERS, "orders")
    fleet.deploy(STOCK, "stock")
    for process in (bundle, fleet.bundle()):
        process.refresh()
        assert published(process)["orders"] == before["orders"]
        assert "stock:2" in published(process)["stock"]
    fleet.aws.faults.clear()
    bundle.refresh()
    assert "orders:2" in published(bundle)["orders"]


def test_if_all_fail_the_refresh_does_and_names_each(fleet: Fleet) -> None:
    fleet.deploy(ORDERS, "orders")
    bundle = fleet.bundle()
    bundle.refresh()
    version = bundle.get_current_version()
    fleet.aws.faults.add(Fault.ACCESS_DENIED, "ListTaskDefinitions", count=None)
    with pytest.raises(ScanError, match=r"(?s)orders/eu-west-1: List.*stock/eu-west-1: List"):
        bundle.refresh()
    assert bundle.get_current_version() == version


def test_a_source_that_never_answered_takes_nothing_of_another_away(fleet: Fleet) -> None:
    """A disk whose state is lost, and one account down: the files of both stay, and who has a dag id too."""
    fleet.deploy(ORDERS, "orders")
    fleet.deploy(STOCK, "stock")
    bundle = fleet.bundle()
    bundle.refresh()
    for path in (bundle.base_dir / "state").rglob("eu-west-1.json"):
        path.unlink()
    fleet.aws.faults.add(Fault.ACCOUNT_DOWN, account=ORDERS, count=None)
    again = fleet.bundle()
    again.refresh()
    assert sorted(published(again)) == ["orders", "stock"]
    assert Snapshot.read(again.base_dir).owners["orders"] == f"{ORDERS}/{REGION}/orders"


def test_a_source_that_never_answered_keeps_nothing_of_another_there(fleet: Fleet) -> None:
    fleet.deploy(ORDERS, "orders")
    fleet.deploy(STOCK, "stock")
    fleet.deploy(STOCK, "old")
    fleet.bundle(sources=sources("stock")).refresh()
    fleet.aws.faults.add(Fault.ACCOUNT_DOWN, account=ORDERS, count=None)
    found = fleet.account(STOCK).find("old:1")
    assert found
    fleet.account(STOCK).deregister(found.arn)
    bundle = fleet.bundle()
    bundle.refresh()
    assert list(published(bundle)) == ["stock"]


def test_while_the_account_is_not_known_what_another_place_answers_for_may_leave(fleet: Fleet) -> None:
    """Without a role only AWS can tell whose families a source that never answered has: any that no other one sees."""
    fleet.deploy(ORDERS, "orders")
    fleet.deploy(STOCK, "stock")
    fleet.bundle().refresh()
    fleet.aws.faults.add(Fault.ACCOUNT_DOWN, account=PLATFORM, count=None)
    for number, family in ((ORDERS, "orders"), (STOCK, "stock")):
        found = fleet.account(number).find(f"{family}:1")
        assert found
        fleet.account(number).deregister(found.arn)
    own = {"name": "own", "regions": [REGION], "shared_dag_ids": True}
    bundle = fleet.bundle(sources=[*sources("stock"), own])
    bundle.refresh()
    assert list(published(bundle)) == ["orders"]


def test_a_source_that_is_taken_out_takes_its_dags_with_it(fleet: Fleet) -> None:
    fleet.deploy(ORDERS, "orders")
    fleet.deploy(STOCK, "stock")
    fleet.bundle().refresh()
    bundle = fleet.bundle(sources=sources("stock"))
    bundle.refresh()
    assert list(published(bundle)) == ["stock"]
    assert not (bundle.base_dir / "state" / "orders").exists()


def test_credentials_of_another_account_are_not_believed(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (PLATFORM, STOCK):
        fleet.deploy(number, "reports")
    own = [{"name": "own", "regions": [REGION], "cluster": "work"}]
    bundle = fleet.bundle(sources=own)
    bundle.refresh()
    before = published(bundle)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", STOCK)
    again = fleet.bundle(sources=own)
    with pytest.raises(ScanError, match=f"from account {STOCK}, but here {PLATFORM} was scanned before: correct the"):
        again.refresh()
    assert published(again) == before


def test_only_families_with_the_prefix_are_looked_at(fleet: Fleet) -> None:
    for family in ("team-a-one", "team-b-two", "team-c-three"):
        fleet.deploy(ORDERS, family)
    fleet.calls()
    bundle = fleet.bundle(sources=sources("orders", family_prefix="team-a-"))
    bundle.refresh()
    assert list(published(bundle)) == ["team-a-one"]
    assert fleet.calls("DescribeTaskDefinition") == ["DescribeTaskDefinition"]
    bundle = fleet.bundle(sources=sources("orders", family_prefix="team-b-"))
    bundle.refresh()
    assert list(published(bundle)) == ["team-b-two"]


def test_two_sources_with_the_same_families_have_them_once(fleet: Fleet) -> None:
    fleet.deploy(ORDERS, "orders")
    (first,) = sources("orders")
    bundle = fleet.bundle(sources=[first, {**first, "name": "again", "cluster": "other"}])
    bundle.refresh()
    assert "'name': 'orders'" in published(bundle)["orders"]


def test_the_first_owner_keeps_a_dag_id_whichever_source_claims_it_next(fleet: Fleet) -> None:
    fleet.deploy(STOCK, "same")
    bundle = fleet.bundle()
    bundle.refresh()
    fleet.deploy(ORDERS, "thief", dag__dag_id="same")
    bundle.refresh()
    assert "DagRefusedError" in published(bundle)["thief"]
    assert "DagRefusedError" not in published(bundle)["same"]


def test_an_owner_that_can_not_be_looked_for_keeps_its_dag_id(fleet: Fleet) -> None:
    fleet.deploy(STOCK, "same")
    bundle = fleet.bundle()
    bundle.refresh()
    (bundle.base_dir / "state" / "stock" / f"{REGION}.json").unlink()
    fleet.aws.faults.add(Fault.ACCESS_DENIED, account=STOCK, count=None)
    fleet.deploy(ORDERS, "thief", dag__dag_id="same")
    again = fleet.bundle()
    again.refresh()
    assert "DagRefusedError" in published(again)["thief"]
    assert "same:1" in published(again)["same"]


def test_limits_of_one_source_are_not_those_of_another(fleet: Fleet) -> None:
    for family in ("a", "b"):
        fleet.deploy(ORDERS, f"orders-{family}")
        fleet.deploy(STOCK, f"stock-{family}")
    bundle = fleet.bundle(
        sources=[*sources("orders", max_dags=1), *sources("stock", clusters=["other"])], policy={"max_dags": 5}
    )
    bundle.refresh()
    refused = {family for family, text in published(bundle).items() if "DagRefusedError" in text}
    assert refused == {"orders-b", "stock-a", "stock-b"}
    assert "source.too-many-dags" in published(bundle)["orders-b"]


def test_nothing_changed_costs_a_call_a_hundred_families(fleet: Fleet) -> None:
    for number in range(101):
        fleet.account(ORDERS).register(f"web-{number}")
    fleet.deploy(ORDERS, "orders")
    bundle = fleet.bundle(sources=sources("orders"), refresh_budget=100)
    bundle.refresh()
    for process in (bundle, fleet.bundle(sources=sources("orders"))):
        fleet.calls()
        process.refresh()
        assert fleet.calls("ListTaskDefinitions") == ["ListTaskDefinitions"] * 2
        assert fleet.calls("DescribeTaskDefinition") == []


def test_a_share_of_awss_rate_is_enough(fleet: Fleet) -> None:
    for number in range(200):
        fleet.account(ORDERS).register(f"web-{number}")
    begin = fleet.clock.settle()
    fleet.bundle(sources=sources("orders"), refresh_budget=1000).refresh()
    assert fleet.aws.codes().keys() == {""}
    assert fleet.clock.settle() - begin == pytest.approx((203 - 40) / 16, abs=1)


def test_a_budget_leaves_the_rest_for_the_next_refresh_and_asks_for_it_at_once(fleet: Fleet) -> None:
    for number in range(60):
        fleet.deploy(ORDERS, f"family-{number:02}")
    bundle = fleet.bundle(sources=sources("orders"), refresh_budget=0.1)
    assert bundle.refresh_interval == 30
    sizes = []
    for _ in range(100):
        bundle.refresh()
        sizes.append(len(published(bundle)))
        if bundle.refresh_interval:
            break
        bundle = fleet.bundle(sources=sources("orders"), refresh_budget=0.1)  # a process that starts anew
        bundle.refresh()
        fleet.clock.settle()
    assert bundle.refresh_interval == 30
    assert sizes == sorted(sizes)
    assert sizes[0] < 60
    assert sizes[-1] == 60
    answered = [each for each in fleet.aws.made("DescribeTaskDefinition") if not each.code]
    assert len(answered) == 60


@pytest.mark.parametrize(
    ("families", "budget"), [pytest.param(60, 0.0001, id="proofs are held"), pytest.param(120, 2.0, id="scans are")]
)
def test_airflow_gets_no_dag_of_a_new_disk_before_all_are_there(fleet: Fleet, families: int, budget: float) -> None:
    for number in range(families):
        fleet.deploy(ORDERS, f"family-{number:03}")
    refusals = 0
    while refusals < 100:
        bundle = fleet.bundle(sources=sources("orders"), refresh_budget=budget)  # a process that starts anew
        try:
            bundle.initialize()
        except ScanError as error:
            assert "not all of the registry is read yet" in str(error)  # noqa: PT017 - it comes as often as it must
            assert not bundle.is_initialized
            refusals += 1
            fleet.clock.settle()
        else:
            break
    assert refusals > 0
    assert bundle.is_initialized
    assert len(published(bundle)) == families


def test_airflow_gets_what_another_processor_may_show_already_with_the_first_it_gets(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    for number in range(30):
        fleet.deploy(ORDERS, f"old-{number:02}")
    fleet.bundle(sources=sources("orders"), refresh_budget=1000).refresh()
    for number in range(30):
        fleet.deploy(ORDERS, f"new-{number:02}")
    bundle = fleet.bundle(sources=sources("orders"), refresh_budget=0.0001)  # a processor that starts again
    with pytest.raises(ScanError, match="not all of the registry is read yet"):
        bundle.initialize()
    assert len(published(bundle)) < 60
    while bundle.refresh_interval == 0:
        bundle.refresh()
    bundle.initialize()
    assert len(published(bundle)) == 60


def test_a_place_that_does_not_answer_keeps_no_other_ones_dags_waiting(fleet: Fleet) -> None:
    fleet.deploy(ORDERS, "orders")
    fleet.deploy(STOCK, "stock")
    fleet.aws.faults.add(Fault.ACCESS_DENIED, account=STOCK, count=None)
    bundle = fleet.bundle()
    bundle.initialize()
    assert bundle.is_initialized
    assert sorted(published(bundle)) == ["orders"]


def test_a_process_that_others_refreshes_held_back_asks_for_its_own_turn(fleet: Fleet) -> None:
    fleet.deploy(ORDERS, "orders")
    bundle = fleet.bundle(sources=sources("orders"))
    bundle.refresh()
    fleet.clock.sleep(60)
    assert bundle.refresh_interval == 30
    fleet.clock.sleep(1)
    assert bundle.refresh_interval == 0
    fleet.aws.faults.add(Fault.THROTTLED, "ListTaskDefinitions", count=100)
    with pytest.raises(ScanError):
        bundle.refresh()
    assert bundle.refresh_interval == 30


def test_what_is_deployed_comes_before_what_is_new_and_the_old_dag_stays_until_then(fleet: Fleet) -> None:
    for number in range(30):
        fleet.deploy(ORDERS, f"old-{number:02}")
    bundle = fleet.bundle(sources=sources("orders"), refresh_budget=1000)
    bundle.refresh()
    bundle = fleet.bundle(sources=sources("orders"), refresh_budget=0.0001)
    for number in range(30):
        fleet.deploy(ORDERS, f"a-new-{number:02}")
        fleet.deploy(ORDERS, f"old-{number:02}")
    bundle.refresh()
    found = published(bundle)
    assert len(found) >= 30
    assert not any(family.startswith("a-new") for family in found)
    assert {f"old-{number:02}:2" in found[f"old-{number:02}"] for number in range(30)} == {True, False}


def test_no_dag_of_a_lost_state_leaves_while_a_budget_holds_its_families_back(fleet: Fleet) -> None:
    for number in range(60):
        fleet.deploy(ORDERS, f"family-{number:02}")
    fleet.bundle(sources=sources("orders"), refresh_budget=1000).refresh()
    bundle = fleet.bundle(sources=sources("orders"), refresh_budget=0.0001)
    for path in (bundle.base_dir / "state").rglob("*.json"):
        path.unlink()
    (bundle.path / "hostile.py").write_text("open('/tmp/hostile', 'w')  # airflow dag")
    bundle.refresh()
    assert sorted(published(bundle)) == [f"family-{number:02}" for number in range(60)]


def test_of_two_claims_on_a_new_disk_none_wins_however_the_budget_parts_them(fleet: Fleet) -> None:
    for number in range(30):
        fleet.deploy(ORDERS, f"family-{number:02}")
    fleet.deploy(ORDERS, "0-thief", dag__dag_id="same")
    fleet.deploy(ORDERS, "same")
    bundle = fleet.bundle(sources=sources("orders"), refresh_budget=0.0001)
    for _ in range(20):
        bundle.refresh()
    assert bundle.refresh_interval == 30
    refused = {family for family, text in published(bundle).items() if "DagRefusedError" in text}
    assert refused == {"0-thief", "same"}


def test_a_list_that_lost_most_of_it_costs_a_question_each_and_no_dag(fleet: Fleet) -> None:
    for number in range(120):
        fleet.deploy(ORDERS, f"family-{number:03}")
        fleet.account(ORDERS).register(f"web-{number:03}")
    bundle = fleet.bundle(sources=sources("orders"), refresh_budget=1000)
    bundle.refresh()
    before = published(bundle)
    fleet.calls()
    fleet.aws.faults.add(Fault.LOST_PAGE_TOKEN, "ListTaskDefinitions")
    bundle.refresh()
    assert published(bundle) == before
    assert len(fleet.calls("DescribeTaskDefinition")) == 20
    bundle.refresh()
    assert fleet.calls("DescribeTaskDefinition") == []  # also not for those without labels


def test_a_list_of_very_many_revisions_holds_no_refresh_up_and_no_other_source(fleet: Fleet) -> None:
    """Whoever may register task definitions may register a hundred thousand."""
    for _ in range(15_000):
        fleet.account(ORDERS).register("orders")
    fleet.deploy(ORDERS, "orders")
    fleet.deploy(STOCK, "stock")
    bundle = fleet.bundle(refresh_budget=3)
    seconds = []
    while "orders" not in published(bundle):
        began = fleet.clock.settle()
        bundle.refresh()
        seconds.append(fleet.clock.settle() - began)
        assert "stock" in published(bundle)
        assert len(seconds) < 10
    assert bundle.refresh_interval == 30
    assert len(seconds) > 1
    assert max(seconds) < 3
    pages = 151
    assert fleet.calls("ListTaskDefinitions", account=ORDERS) == ["ListTaskDefinitions"] * pages


def test_a_long_list_serves_until_what_it_names_is_described(fleet: Fleet) -> None:
    for number in range(5_000):
        fleet.account(ORDERS).register(f"family-{number % 500}")
    bundle = fleet.bundle(sources=sources("orders"), refresh_budget=2)
    for _ in range(500):
        bundle.refresh()
        if bundle.refresh_interval:
            break
        fleet.clock.settle()
    assert bundle.refresh_interval == 30
    assert len(Snapshot.read(bundle.base_dir).definitions) == 500
    made = fleet.calls()
    assert made.count("DescribeTaskDefinition") == 500
    assert made.count("ListTaskDefinitions") < 500


def test_a_long_list_that_fails_is_begun_anew(fleet: Fleet) -> None:
    for _ in range(8_000):
        fleet.account(ORDERS).register("orders")
    fleet.deploy(ORDERS, "orders")
    bundle = fleet.bundle(sources=sources("orders"), refresh_budget=0.1)
    bundle.refresh()
    assert bundle.refresh_interval == 0
    fleet.aws.faults.add(Fault.ACCESS_DENIED, "ListTaskDefinitions")
    with pytest.raises(ScanError):
        bundle.refresh()
    for _ in range(20):
        fleet.clock.settle()
        bundle.refresh()
    assert "orders:8001" in published(bundle)["orders"]


def test_no_thread_outlives_a_refresh(fleet: Fleet) -> None:
    before = threading.enumerate()
    fleet.bundle().refresh()
    assert threading.enumerate() == before


class Backend:
    """Takes what is sent, in the place of a metrics service."""

    def __init__(self) -> None:
        self.sent: dict[tuple[str, str], Any] = {}

    def gauge(self, stat: str, value: Any, *, tags: dict[str, Any] | None = None, **_: Any) -> None:
        assert tags
        assert tags["region"] == REGION
        self.sent[stat, tags["source"]] = value

    timing = gauge

    def incr(self, stat: str, count: int, *, tags: dict[str, Any]) -> None:
        self.gauge(stat, count, tags=tags)


def test_metrics_and_lines_of_the_log(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = Backend()
    monkeypatch.setattr(f"{stats.gauge.__module__}._backend", backend)
    fleet.deploy(ORDERS, "orders")
    fleet.deploy(ORDERS, "bad", tasks__build__retries="many")
    fleet.account(ORDERS).register("web")
    bundle = fleet.bundle()
    fleet.aws.faults.add(Fault.THROTTLED, "DescribeTaskDefinition", account=ORDERS)
    with capture_logs() as logs:
        bundle.refresh()
    names = ("calls", "throttles", "definitions", "dags", "refused", "pending", "snapshot_age_seconds")
    assert [backend.sent[f"ecs_registry.{name}", "orders"] for name in names] == [5, 1, 3, 1, 1, 0, 0.0]
    assert [backend.sent[f"ecs_registry.{name}", "stock"] for name in names[:4]] == [1, 0, 0, 0]
    assert backend.sent["ecs_registry.scan_seconds", "orders"].total_seconds() > 0
    lines = [each for each in logs if each["event"] == "the ECS registry changed"]
    assert [(each["source"], each["account"], each["definitions"]) for each in lines] == [
        ("orders", ORDERS, 3),
        ("stock", "", 0),
    ]
    with capture_logs() as logs:
        bundle.refresh()
    assert logs == []
    fleet.aws.faults.add(Fault.ACCESS_DENIED, account=ORDERS, count=None)
    with capture_logs() as logs:
        bundle.refresh()
    (line,) = logs
    assert (line["log_level"], line["source"], line["account"]) == ("error", "orders", ORDERS)
    assert "AccessDenied" in line["reason"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"call_share": 0}, "call_share is 0: give a part"),
        ({"call_share": 1.01}, "call_share is 1.01: give a part"),
        ({"refresh_budget": 0}, "refresh_budget is 0: give seconds above 0"),
    ],
)
def test_arguments_out_of_their_range(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        EcsDagBundle(name="x", **arguments)
