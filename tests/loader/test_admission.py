"""Who may become a DAG: each definition by itself, then the dag ids that two families claim."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_ecs_dag_loader.admission import Admitted, Refused, Verdict, admit
from airflow_ecs_dag_loader.bundle_prefixes import check_prefixes
from airflow_ecs_dag_loader.definition import Container, Definition
from airflow_ecs_dag_loader.registry import Registry
from airflow_ecs_dag_loader.snapshot import publish
from airflow_ecs_dag_loader.source import RegistrySource
from airflow_ecs_dag_schema import Policy, PolicyError
from loader.ecs_account import dag_labels
from loader.sources import SOURCE, found

if TYPE_CHECKING:
    from pathlib import Path


def ids(verdicts: list[Verdict]) -> dict[str, str]:
    """Return who has which dag id, by family."""
    return {each.spec.dag_id: each.definition.parsed_arn.family for each in verdicts if isinstance(each, Admitted)}


def refusals(verdicts: list[Verdict]) -> dict[str, str]:
    return {each.definition.parsed_arn.family: each.reason for each in verdicts if isinstance(each, Refused)}


def test_good_ones_are_admitted_each_by_itself() -> None:
    verdicts = admit(
        [found("a", dag_labels("a")), found("b", {"airflow.dag.oops": "1"}), found("c", dag_labels("c"))],
        source=SOURCE,
        owners={},
    )
    assert ids(verdicts) == {"a": "a", "c": "c"}
    assert list(refusals(verdicts)) == ["b"]


def test_a_bad_label_is_refused_with_all_its_author_needs() -> None:
    labels = dag_labels(
        tasks__build__retries="many", dag__schedule__kind="cron_trigger", dag__schedule__cron="61 * * * *"
    )
    (verdict,) = admit([found("reports", labels, revision=7)], source=SOURCE, owners={})
    assert isinstance(verdict, Refused)
    for part in (
        "reports", "revision 7", "123456789012", "eu-west-1",
        "airflow.tasks.build.retries", "'many'", "airflow.dag.schedule", "61 * * * *",
        "deploy it again",
    ):  # fmt: skip
        assert part in verdict.reason


def test_labels_on_two_containers_are_refused() -> None:
    definition = replace(found("reports"), problem="Airflow labels stand on more than one container (one, two)")
    assert "one, two" in refusals(admit([definition], source=SOURCE, owners={}))["reports"]


def test_a_container_that_is_not_there_is_refused_with_those_that_are() -> None:
    definition = replace(
        found("reports", dag_labels(ecs__container_name="worker")), containers=(Container("main"), Container("proxy"))
    )
    reason = refusals(admit([definition], source=SOURCE, owners={}))["reports"]
    assert "airflow.ecs.container_name" in reason
    assert "main, proxy" in reason
    assert "'worker'" in reason


def test_a_dag_without_a_cluster_needs_one_from_the_platform() -> None:
    labels = dag_labels()
    del labels["airflow.ecs.cluster"]
    reason = refusals(admit([found("reports", labels)], source=RegistrySource(), owners={}))["reports"]
    assert "airflow.ecs.cluster" in reason
    assert "argument cluster" in reason
    assert ids(admit([found("reports", labels)], source=RegistrySource(cluster="shared"), owners={})) == {
        "reports": "reports"
    }


def test_of_two_new_claims_none_wins_whatever_the_order() -> None:
    """A new disk remembers nobody, so a family that is named to come first must not win by that."""
    claims = [found("reports", dag_labels("same")), found("0000", dag_labels("same")), found("c", dag_labels("c"))]
    for order in (claims, claims[::-1]):
        verdicts = admit(order, source=SOURCE, owners={})
        assert ids(verdicts) == {"c": "c"}
        assert sorted(refusals(verdicts)) == ["0000", "reports"]
        for reason in refusals(verdicts).values():
            assert "airflow.dag.dag_id" in reason
            assert "it is not known which one had it first" in reason
            assert "'same'" in reason


def test_a_worker_gets_the_file_that_the_scheduler_names() -> None:
    claims = [found("reports", dag_labels("same")), found("0000", dag_labels("same"))]
    verdicts = admit(claims, source=SOURCE, owners={}, for_one_task=True)
    assert [isinstance(verdict, Admitted) for verdict in verdicts] == [True, True]


@pytest.mark.parametrize(
    ("own", "other", "clash"),
    [
        (None, None, True),
        ("a.", None, True),
        (None, "a.", True),
        ("a.", "a.b.", True),
        ("a.b.", "a.", True),
        ("a.", "a.", True),
        ("a.", "b.", False),
    ],
)
def test_no_two_bundles_may_claim_the_same_ids(
    monkeypatch: pytest.MonkeyPatch, own: str | None, other: str | None, *, clash: bool
) -> None:
    bundles: list[dict[str, object]] = [
        {"name": name, "classpath": "airflow_ecs_dag_loader.EcsDagBundle", "kwargs": {"dag_id_prefix": prefix}}
        for name, prefix in (("own", own), ("other", other))
    ]
    bundles.append({"name": "files", "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle", "kwargs": {}})
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps(bundles))
    with pytest.raises(PolicyError, match="the bundle other may claim the same dag ids") if clash else nullcontext():
        check_prefixes("own", [own])


class Refreshes:
    """A platform's refreshes in a row, each with what the one before wrote down."""

    def __init__(self, folder: pytest.TempPathFactory) -> None:
        self._folder = folder.mktemp("bundle")
        self._owners: dict[str, str] = {}

    def see(self, *definitions: Definition) -> list[Verdict]:
        verdicts = admit(definitions, source=SOURCE, owners=self._owners)
        self._owners = dict(publish(self._folder, registry=Registry(), verdicts=verdicts, source=SOURCE).owners)
        return verdicts


@pytest.fixture
def refreshes(tmp_path_factory: pytest.TempPathFactory) -> Refreshes:
    return Refreshes(tmp_path_factory)


def test_the_first_owner_keeps_its_dag_id_and_the_next_takes_over_when_it_leaves(refreshes: Refreshes) -> None:
    first, second = found("z", dag_labels("same")), found("a", dag_labels("same"))
    refreshes.see(first)
    for revision in range(2, 5):
        verdicts = refreshes.see(found("z", dag_labels("same"), revision=revision), second)
        assert ids(verdicts) == {"same": "z"}
        assert "eu-west-1/z" in refusals(verdicts)["a"]
    assert ids(refreshes.see(second)) == {"same": "a"}
    assert ids(refreshes.see(first, second)) == {"same": "a"}


def test_the_same_family_in_another_account_or_region_is_another_owner(refreshes: Refreshes) -> None:
    here = found("same", dag_labels("same"))
    there = replace(here, arn=here.arn.replace("123456789012", "000000000001"))
    refreshes.see(here)
    (first, second) = refreshes.see(there, here)
    assert isinstance(first, Refused)
    assert isinstance(second, Admitted)


def test_an_owner_whose_newest_revision_is_refused_keeps_its_dag_id(refreshes: Refreshes) -> None:
    owner, other = found("z", dag_labels("same")), found("a", dag_labels("same"))
    broken = replace(owner, labels=dag_labels("same", tasks__build__retries="many"))
    refreshes.see(owner)
    for _ in range(2):
        verdicts = refreshes.see(broken, other)
        assert ids(verdicts) == {}
        assert "eu-west-1/z" in refusals(verdicts)["a"]
    assert ids(refreshes.see(owner, other)) == {"same": "z"}


def test_an_owner_that_takes_another_dag_id_gives_the_old_one_up(refreshes: Refreshes) -> None:
    owner, other = found("z", dag_labels("same")), found("a", dag_labels("same"))
    refreshes.see(owner)
    renamed = replace(owner, labels=dag_labels("renamed"))
    assert ids(refreshes.see(renamed, other)) == {"renamed": "z", "same": "a"}


SENSOR = {
    "tasks__wait__kind": "operator",
    "tasks__wait__operator": "sqs_sensor",
    "tasks__wait__arguments__sqs_queue": "https://sqs.eu-west-1.amazonaws.com/123456789012/news",
}
NIGHT = {"dag__alerts__0__kind": "profile", "dag__alerts__0__profile": "night"}
PLATFORM = {
    "alert_profiles": {"night": {"kind": "email", "to": ["night@example.com"]}},
    "operators": {"sqs_sensor": {"fixed": {"aws_conn_id": "aws_sensors"}}},
}


@pytest.mark.parametrize("mode", ["enforce", "warn"])
@pytest.mark.parametrize(
    ("more", "policy", "rule"),
    [
        (SENSOR, {}, "operator.not-allowed"),
        (SENSOR | {"tasks__wait__operator": "anything"}, {}, "operator.not-allowed"),
        (SENSOR, {"operators": {"sqs_sensor": {"values": {"sqs_queue": ["*/mine"]}}}}, "operator.argument"),
        (NIGHT, {}, "alert.profile"),
    ],
)
def test_what_the_platform_does_not_give_is_refused_in_both_modes(
    mode: str, more: dict[str, str], policy: dict[str, Any], rule: str
) -> None:
    definition = found("reports", dag_labels(**more))
    (verdict,) = admit([definition], source=SOURCE, owners={}, policy=Policy.of({"mode": mode, **policy}))
    assert isinstance(verdict, Refused)
    assert [each.rule for each in verdict.violations] == [rule]


def test_a_dag_is_given_what_it_uses_and_no_more() -> None:
    definitions = [
        found("plain"),
        found("sensor", dag_labels("sensor", **SENSOR)),
        found("night", dag_labels("night", **NIGHT)),
    ]
    policy = Policy.of(PLATFORM)
    without, alone, alert = (admit([each], source=SOURCE, owners={}, policy=policy)[0] for each in definitions)
    assert isinstance(without, Admitted)
    assert without.source == SOURCE
    assert isinstance(alone, Admitted)
    assert alone.source.alert_profiles == {}
    assert alone.source.operators.keys() == {"sqs_sensor"}
    assert isinstance(alert, Admitted)
    assert alert.source.alert_profiles.keys() == {"night"}
    assert alert.source.operators == {}


def test_what_the_platform_gives_reaches_the_file_that_airflow_parses(tmp_path: Path) -> None:
    definition = found("reports", dag_labels(**SENSOR, **NIGHT))
    verdicts = admit([definition, found("plain")], source=SOURCE, owners={}, policy=Policy.of(PLATFORM))
    publish(tmp_path, registry=Registry(), verdicts=verdicts, source=SOURCE)
    names: dict[str, Any] = {}
    (file,) = tmp_path.rglob("reports.py")
    exec(compile(file.read_text(), str(file), "exec"), names)  # noqa: S102 - what Airflow does with the file
    assert names["dag"].get_task("wait").aws_conn_id == "aws_sensors"
    assert names["dag"].get_task("build").on_failure_callback[0].to == ["night@example.com"]
    (plain,) = tmp_path.rglob("plain.py")
    assert "sqs" not in plain.read_text()
    assert "night" not in plain.read_text()
