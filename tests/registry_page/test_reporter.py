"""What the DAG processor tells: only what changed, never at the cost of a refresh, and how old it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.models.variable import Variable
from airflow.utils.session import create_session
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from airflow_ecs_dag_loader.registry_page import report_store
from airflow_ecs_dag_loader.registry_page.report import (
    MOST_TEXTS,
    Pulse,
    Report,
    ReportedFamily,
    ReportedPlace,
    ReportError,
    State,
)
from airflow_ecs_dag_loader.registry_page.report_store import pulse_key, read_pulse, read_report, report_key
from airflow_ecs_dag_loader.scan_error import ScanError
from airflow_ecs_dag_schema import PolicyError
from sources.conftest import ORDERS, published, sources
from strict_ecs.faults import Fault

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_ecs_dag_loader import EcsDagBundle
    from registry_page.conftest import Site


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys that are written from now on."""
    keys: list[str] = []
    write = report_store._write

    def noted(key: str, *rest: Any) -> None:
        keys.append("report" if key.endswith(".definitions") else "pulse")
        write(key, *rest)

    monkeypatch.setattr(report_store, "_write", noted)
    return keys


def pulse_of(site: Site) -> Pulse:
    with create_session() as session:
        text = read_pulse(site.fleet.name, session)
    assert text is not None
    return Pulse.of_text(text)


def report_of(site: Site) -> Report:
    with create_session() as session:
        text = read_report(site.fleet.name, session)
    assert text is not None
    return Report.of_text(text)


def bundle_at(site: Site, now: list[float], **arguments: Any) -> EcsDagBundle:
    """Return a DAG processor's bundle for which it is ``now[0]``."""
    bundle = site.fleet.bundle(**arguments)
    bundle._reporter._clock = lambda: now[0]
    return bundle


def test_the_report_is_written_when_it_is_another_one_and_the_pulse_each_half_minute(
    site: Site, written: list[str]
) -> None:
    now = [1e9]
    site.fleet.deploy(ORDERS, "orders")
    bundle = bundle_at(site, now)

    def refreshed(after: float) -> list[str]:
        now[0] += after
        written.clear()
        bundle.refresh()
        return written

    assert refreshed(0) == ["report", "pulse"]
    assert refreshed(5) == []
    assert refreshed(26) == ["pulse"]
    assert pulse_of(site).written_at == 1e9 + 31
    site.fleet.deploy(ORDERS, "more")
    assert refreshed(1) == ["report", "pulse"]
    assert [each.dag_id for each in report_of(site).families] == ["more", "orders"]


def test_another_processor_that_finds_the_same_writes_no_report(site: Site, written: list[str]) -> None:
    site.fleet.deploy(ORDERS, "orders")
    site.fleet.bundle().refresh()
    written.clear()
    site.fleet.bundle().refresh()
    assert written == ["pulse"]


def test_a_report_that_somebody_deleted_comes_back(site: Site) -> None:
    now = [1e9]
    site.fleet.deploy(ORDERS, "orders")
    bundle = bundle_at(site, now)
    bundle.refresh()
    with create_session() as session:
        session.query(Variable).filter(Variable.key == report_key(site.fleet.name)).delete()
    now[0] += 31
    bundle.refresh()
    assert len(report_of(site).families) == 1


@pytest.mark.parametrize("what", ["_write", "read_pulse"])
def test_a_database_that_fails_fails_no_refresh_and_is_told_once(
    site: Site, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    def fails(*_arguments: Any, **_options: Any) -> None:
        raise OperationalError("select", {}, Exception("the database is away"))

    site.fleet.deploy(ORDERS, "orders")
    bundle = site.fleet.bundle()
    with monkeypatch.context() as patch:
        patch.setattr(report_store, what, fails)
        with capture_logs() as logs:
            bundle.refresh()
            bundle.refresh()
    told = [line for line in logs if "is not told" in line["event"]]
    assert [line["log_level"] for line in told] == ["warning"]
    assert "the database is away" in told[0]["error"]
    assert sorted(published(bundle)) == ["orders"]
    bundle.refresh()
    assert len(report_of(site).families) == 1


def test_a_process_that_may_not_ask_the_database_tells_nothing(
    site: Site, written: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "client")
    site.fleet.deploy(ORDERS, "orders")
    site.fleet.bundle().refresh()
    assert written == []


def test_a_place_that_fails_keeps_its_age_and_says_why(site: Site) -> None:
    site.fleet.deploy(ORDERS, "orders")
    bundle = site.fleet.bundle()
    bundle.refresh()
    site.fleet.aws.faults.add(Fault.ACCESS_DENIED, account=ORDERS, count=None)
    bundle.refresh()
    after = {each.key: each for each in pulse_of(site).places}
    (key,) = (key for key in after if key.startswith("orders/"))
    assert "AccessDenied" in after[key].error
    read_at = bundle._writer.states.file(key).stat().st_mtime  # the disk's time is not the test's
    assert after[key].read_at == pytest.approx(read_at, abs=0.01)
    assert [each.error for name, each in after.items() if name != key] == [""]
    assert [each.dag_id for each in report_of(site).families] == ["orders"]


def test_where_nothing_was_ever_read_the_reason_is_told(site: Site) -> None:
    site.fleet.aws.faults.add(Fault.ACCESS_DENIED, count=None)
    with pytest.raises(ScanError):
        site.fleet.bundle().refresh()
    assert "AccessDenied" in pulse_of(site).error
    (warning,) = site.json()["warnings"]
    assert "the last refresh changed nothing" in warning
    assert "AccessDenied" in warning


def test_a_policy_that_is_none_is_told_and_what_was_found_stays(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("{}")
    site.fleet.deploy(ORDERS, "orders")
    bundle = site.fleet.bundle(policy_file=str(file))
    bundle.refresh()
    file.write_text("no_such_rule: 1")
    with pytest.raises(PolicyError):
        bundle.refresh()
    assert "no_such_rule" in pulse_of(site).error
    found = site.json()
    assert "no_such_rule" in found["warnings"][0]
    assert [each["family"] for each in found["definitions"]] == ["orders"]
    assert len(found["sources"]) == 2
    file.write_text("{}")
    bundle.refresh()
    assert site.json()["warnings"] == []


def test_a_process_that_fails_from_its_start_on_hides_nothing_of_what_another_one_told(
    site: Site, tmp_path: Path
) -> None:
    site.fleet.deploy(ORDERS, "orders")
    site.fleet.bundle().refresh()
    before = site.json()
    file = tmp_path / "policy.yaml"
    file.write_text("no_such_rule: 1")
    with pytest.raises(PolicyError):
        site.fleet.bundle(policy_file=str(file)).refresh()
    after = site.json()
    assert "no_such_rule" in after["warnings"][0]
    assert after["definitions"] == before["definitions"]
    assert [each["key"] for each in after["sources"]] == [each["key"] for each in before["sources"]]
    assert all(each["read_at"] for each in after["sources"])


def test_errors_that_airflow_does_not_show_are_told_as_such(site: Site) -> None:
    for number in range(103):
        site.fleet.deploy(ORDERS, f"wrong-{number:03}", tasks__build__retries="many")
    site.fleet.bundle(sources=sources("orders"), policy={"max_dags": 1}, refresh_budget=1000).refresh()
    families = report_of(site).families
    assert {each.state for each in families} == {State.REFUSED}
    silent = [each for each in families if "more refused task definitions than Airflow shows" in each.reasons[0]]
    assert len(silent) == 3
    for each in silent:
        assert f"`airflow-ecs-dag doctor {each.arn.split('/')[1].split(':')[0]}`" in each.reasons[0]


def test_what_the_budget_did_not_reach_is_waiting(site: Site) -> None:
    for number in range(30):
        site.fleet.deploy(ORDERS, f"dag-{number:02}")
    site.fleet.bundle(sources=sources("orders"), refresh_budget=1000).refresh()
    bundle = site.fleet.bundle(sources=sources("orders"), refresh_budget=1e-9)  # over when it begins
    (bundle.base_dir / "state" / "published.json").unlink()  # what was made of them is lost, they themselves are not
    bundle.refresh()
    assert State.WAITING in {each.state for each in report_of(site).families}
    while bundle.refresh_interval == 0:
        bundle.refresh()
    assert {each.state for each in report_of(site).families} == {State.LIVE}


def test_what_the_policy_warns_of_is_told_of_a_live_dag(site: Site) -> None:
    site.fleet.deploy(ORDERS, "orders", dag__owner="Mallory")
    site.fleet.bundle(policy={"mode": "warn", "owners": ["Ann"]}).refresh()
    (found,) = report_of(site).families
    assert found.state is State.LIVE
    assert "owner.not-allowed" in found.warnings[0]


def test_a_thousand_reasons_are_cut(site: Site) -> None:
    site.fleet.deploy(ORDERS, "wrong", **{f"tasks__build__no_{number}": "x" * 500 for number in range(100)})
    site.fleet.bundle().refresh()
    (found,) = report_of(site).families
    assert len(found.reasons) == MOST_TEXTS + 1
    assert found.reasons[-1] == "and 90 more"


def test_the_names_of_variables_hold_nothing_of_the_bundles_name() -> None:
    long = pulse_key("secret-token-" * 100)
    assert "secret" not in long
    assert len(report_key("x" * 250)) < 250


def test_reports_survive_their_text() -> None:
    family = ReportedFamily(arn="a", place=0, state=State.LIVE, dag_id="\u00e9\U0001f600\u202e", reasons=("x",))
    report = Report(bundle="b", places=(ReportedPlace(key="k", source="s", region="r"),), families=(family,))
    assert report.to_text().isascii()
    assert Report.of_text(report.to_text()) == report


@pytest.mark.parametrize("text", ["\ud83d", "x" * 5_000, "\x00\u202e<b>"], ids=["half", "long", "hostile"])
def test_whatever_labels_hold_the_others_are_reported(site: Site, text: str) -> None:
    values = {f"dag__{name}": text for name in ("dag_id", "owner", "stack", "repository")}
    site.fleet.deploy(ORDERS, "hostile", **values)
    site.fleet.deploy(ORDERS, "orders")
    site.fleet.bundle().refresh()
    assert [(each.arn.split("/")[1], each.state) for each in report_of(site).families] == [
        ("hostile:1", State.REFUSED),
        ("orders:1", State.LIVE),
    ]
    assert "orders" in site.states()


def test_two_disks_in_different_order_make_the_same_report(site: Site, written: list[str]) -> None:
    now = [1e9]
    site.fleet.deploy(ORDERS, "b")
    old = bundle_at(site, now)
    old.refresh()
    site.fleet.deploy(ORDERS, "a")
    old.refresh()
    written.clear()
    (old.base_dir / "state" / "published.json").unlink()
    for state in (old.base_dir / "state").rglob("*.json"):
        state.unlink()
    bundle_at(site, now).refresh()
    assert written == ["pulse"]


def test_a_report_does_not_grow_without_end_when_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_ecs_dag_loader.registry_page import report as module  # noqa: PLC0415

    monkeypatch.setattr(module, "_LARGEST", 1_000)
    family = ReportedFamily(arn="a" * 2_000, place=0, state=State.LIVE)
    place = ReportedPlace(key="k", source="s", region="r")
    with pytest.raises(ReportError, match="more than 1000 bytes"):
        Report.of_text(Report(bundle="b", places=(place,), families=(family,)).to_text())


def test_a_family_of_no_place_is_no_report() -> None:
    family = ReportedFamily(arn="a", place=3, state=State.LIVE)
    with pytest.raises(ReportError, match="a place that it does not have"):
        Report.of_text(Report(bundle="b", families=(family,)).to_text())
