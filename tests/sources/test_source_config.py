"""What a platform may write as sources, and what it is told about what it may not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_ecs_dag_loader.bundle_prefixes import check_prefixes
from airflow_ecs_dag_loader.source_config import SourceError, read_source_configs, source_configs
from airflow_ecs_dag_schema import Policy, PolicyError
from sources.conftest import ORDERS, published, sources

if TYPE_CHECKING:
    from pathlib import Path

    from sources.conftest import Fleet

ROLE = "arn:aws:iam::123456789012:role/airflow-scan"
WHOLE: dict[str, Any] = {
    "name": "orders",
    "regions": ["eu-west-1", "us-east-1"],
    "role_arn": ROLE,
    "external_id": "orders-7f3a",
    "aws_conn_id": "scanner",
    "run_aws_conn_id": "runner",
    "family_prefix": "team-",
    "cluster": "shared",
    "clusters": ["shared", "arn:aws:ecs:eu-west-1:123456789012:cluster/*"],
    "dag_id_prefix": "orders.",
    "max_dags": 100,
    "policy": {"max_tasks": 5, "max_execution_timeout": "PT12H"},
}


def test_all_fields() -> None:
    (config,) = source_configs([WHOLE])
    policy = config.own_policy(Policy())
    assert policy == Policy.of(
        {"max_tasks": 5, "max_execution_timeout": "PT12H", "clusters": WHOLE["clusters"], "max_dags": 100}
    )


def test_short_fields_stand_in_the_bundles_policy() -> None:
    (config,) = source_configs([{"name": "a", "regions": ["eu-west-1"], "max_dags": 3}])
    platform = {
        "max_dags": 9,
        "operators": {"sqs_sensor": {}},
        "alert_profiles": {"n": {"kind": "email", "to": ["a@b.c"]}},
    }
    policy = config.own_policy(Policy.of(platform))
    assert policy == Policy.of({**platform, "max_dags": 3})


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        ({"name": "Orders"}, "sources.0.name", "1 to 40 of a-z 0-9 -"),
        ({"name": "a" * 41}, "sources.0.name", "1 to 40 of a-z 0-9 -"),
        ({"name": None}, "sources.0.name", "expected a text"),
        ({"regions": []}, "sources.0.regions", "needs at least 1 item"),
        ({"regions": "eu-west-1"}, "sources.0.regions", "expected a list"),
        ({"regions": ["../x"]}, "sources.0.regions.0", "the name of an AWS region"),
        ({"regions": ["eu-west-1", "eu-west-1"]}, "sources.0.regions", "eu-west-1"),
        ({"role_arn": "airflow-scan"}, "sources.0.role_arn", "the ARN of a role"),
        ({"role_arn": None}, "external_id", "only an assumed role asks for it"),
        ({"external_id": "a b"}, "sources.0.external_id", "2 to 1224 of"),
        ({"family_prefix": "a*"}, "sources.0.family_prefix", "1 to 255 of"),
        ({"family_prefx": "a"}, "sources.0.family_prefx", "unknown field; did you mean family_prefix?"),
        ({"cluster": 5}, "sources.0.cluster", "expected a text"),
        ({"max_dags": "5"}, "sources.0.max_dags", "expected a whole number"),
        ({"policy": {"max_task": 5}}, "sources.0.policy.max_task", "unknown field; did you mean max_tasks?"),
        ({"policy_file": "x.yaml"}, "policy_file", "exclude each other"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(change: dict[str, Any], path: str, words: str) -> None:
    with pytest.raises(SourceError) as raised:
        source_configs([{**WHOLE, **change}])
    (problem,) = raised.value.problems
    assert problem.path == path
    assert words in problem.message


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(SourceError) as raised:
        source_configs([{**WHOLE, "name": "A", "cluster": 5}, {"regions": ["x y"]}])
    assert [problem.path for problem in raised.value.problems] == [
        "sources.0.cluster",
        "sources.0.name",
        "sources.1.name",
        "sources.1.regions.0",
    ]


@pytest.mark.parametrize(
    ("first", "second", "overlap"),
    [
        ({}, {}, True),
        ({"dag_id_prefix": "a."}, {}, True),
        ({"dag_id_prefix": "a."}, {"dag_id_prefix": "a.b."}, True),
        ({"dag_id_prefix": "a."}, {"dag_id_prefix": "a.", "shared_dag_ids": True}, True),
        ({"dag_id_prefix": "a."}, {"dag_id_prefix": "b."}, False),
        ({"shared_dag_ids": True}, {"dag_id_prefix": "b.", "shared_dag_ids": True}, False),
    ],
)
def test_no_two_sources_may_claim_the_same_ids_unless_both_say_so(
    first: dict[str, Any], second: dict[str, Any], *, overlap: bool
) -> None:
    both = [{"name": name, "regions": ["eu-west-1"], **each} for name, each in (("one", first), ("two", second))]
    if not overlap:
        assert len(source_configs(both)) == 2
        return
    with pytest.raises(SourceError, match="the source one may claim the same dag ids") as raised:
        source_configs(both)
    assert [problem.path for problem in raised.value.problems] == ["sources.1.dag_id_prefix"]


@pytest.mark.parametrize("values", [None, [], {}, "orders", [None], [5], [[]], 5])
def test_what_is_no_list_of_sources(values: Any) -> None:
    with pytest.raises(SourceError, match="sources"):
        source_configs(values)


def test_two_sources_have_two_names() -> None:
    with pytest.raises(SourceError, match=r"sources.1.name: another source is called orders too"):
        source_configs([WHOLE, WHOLE])


@pytest.mark.parametrize("field", ["clusters", "max_dags"])
def test_a_short_field_that_the_sources_policy_has_too(field: str, tmp_path: Path) -> None:
    value = {"clusters": ["a"], "max_dags": 5}[field]
    file = tmp_path / "policy.yaml"
    file.write_text(repr({field: value}))
    for policy in ({"policy": {field: value}}, {"policy_file": str(file)}):
        (config,) = source_configs([{"name": "a", "regions": ["eu-west-1"], field: value, **policy}])
        with pytest.raises(SourceError, match=f"{field}: the source a and its policy both have it"):
            config.own_policy(Policy())


def test_a_short_field_is_checked_as_the_policys() -> None:
    (config,) = source_configs([{"name": "a", "regions": ["eu-west-1"], "clusters": ["a b"]}])
    with pytest.raises(PolicyError, match="the policy of the source a"):
        config.own_policy(Policy())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "expected the field sources"),
        (b"[]", "expected the field sources"),
        (b"sources: [", "not a YAML file"),
        (b"sources: []", "needs at least 1 item"),
        (b"sources: &a [*a]", "has an alias"),
        (b"source: []", "unknown field; did you mean sources?"),
        (b"sources: []\nsources: []", "gives sources again"),
        (b"\xff", "not UTF-8"),
        (b"#" * 300_000, "larger than"),
        (b"[" * 60 + b"]" * 60, "nested more than"),
    ],
)
def test_a_file_that_holds_no_sources(content: bytes, words: str, tmp_path: Path) -> None:
    file = tmp_path / "sources.yaml"
    file.write_bytes(content)
    with pytest.raises(SourceError) as raised:
        read_source_configs(file)
    assert words in str(raised.value)
    assert str(file) in str(raised.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="can't be read: No such file"):
        read_source_configs(tmp_path / "sources.yaml")


def test_a_file_is_read_anew_and_a_broken_one_changes_nothing(fleet: Fleet, tmp_path: Path) -> None:
    fleet.deploy(ORDERS, "orders")
    file = tmp_path / "sources.yaml"
    file.write_text(repr({"sources": sources("orders")}))
    bundle = fleet.bundle(sources=None, sources_file=str(file))
    bundle.refresh()
    before = published(bundle)
    assert list(before) == ["orders"]
    file.write_text("sources: []")
    with pytest.raises(SourceError):
        bundle.refresh()
    again = fleet.bundle(sources=None, sources_file=str(file))
    again.initialize()
    assert published(again) == before
    file.write_text(repr({"sources": sources("stock")}))
    bundle.refresh()
    assert published(bundle) == {}


@pytest.mark.parametrize("field", ["region_name", "aws_conn_id", "cluster", "dag_id_prefix"])
def test_sources_and_the_arguments_of_one_source_exclude_each_other(fleet: Fleet, field: str) -> None:
    with pytest.raises(SourceError, match="move them there"):
        fleet.bundle(**{field: "x"}).refresh()


def test_sources_are_given_once(fleet: Fleet) -> None:
    with pytest.raises(SourceError, match="sources and sources_file exclude each other: keep one"):
        fleet.bundle(sources_file="x").refresh()


@pytest.mark.parametrize(
    ("own", "others", "clash"),
    [
        (["a.", "b."], ["c."], False),
        (["a.", "b."], ["c.", "b.x."], True),
        (["a.", None], ["c."], True),
        (["a."], ["c.", None], True),
    ],
)
def test_no_two_bundles_may_claim_the_same_ids_with_any_of_their_sources(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own: list[str | None], others: list[str | None], *, clash: bool
) -> None:
    configs = [
        {"name": f"s{number}", "regions": ["eu-west-1"], "shared_dag_ids": True}
        | ({"dag_id_prefix": prefix} if prefix else {})
        for number, prefix in enumerate(others)
    ]
    file = tmp_path / "sources.yaml"
    file.write_text(repr({"sources": configs}))
    for kwargs in ({"sources": configs}, {"sources_file": str(file)}):
        bundles = [{"name": "other", "classpath": "airflow_ecs_dag_loader.EcsDagBundle", "kwargs": kwargs}]
        monkeypatch.setattr("airflow_ecs_dag_loader.configured_bundles.conf.getjson", lambda *_, **__: bundles)  # noqa: B023
        if clash:
            with pytest.raises(PolicyError, match="the bundle other may claim the same dag ids"):
                check_prefixes("own", own)
        else:
            check_prefixes("own", own)
