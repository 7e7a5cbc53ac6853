"""The policy as platforms write it: what is wrong in it is said, and an empty one changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings

from airflow_ecs_dag_schema import DagSpec, Facts, LabelError, Policy, PolicyError, check, decode, encode
from airflow_ecs_dag_schema.plain_yaml import LARGEST_FILE
from airflow_ecs_dag_schema.policy_rules import label_bytes
from airflow_ecs_dag_schema.violations import RULES
from schema.spec_strategies import specs
from vectors.vector_files import read_vectors

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FIELDS: dict[str, Any] = {
    "dag_id_prefix": "x",
    "dag_id_pattern": "x",
    "owners": [],
    "tags": [],
    "task_kinds": [],
    "schedules": [],
    "template_variables": [],
    "template_filters": [],
    "template_functions": [],
    "clusters": [],
    "launch_types": [],
    "capacity_providers": [],
    "subnets": [],
    "security_groups": [],
    "public_ip": False,
    "task_definitions": [],
    "exchange_buckets": [],
    "alert_domains": [],
    "alert_profiles": {"x": {"kind": "slack", "channel": "x"}},
    "operators": {"empty": {}},
    "pools": [],
    "outlets": [],
    "asset_schedules": [],
    "max_priority_weight": 0,
    "max_pool_slots": 0,
    "max_mapped_items": 0,
    "max_cpu": 0,
    "max_memory_limit_mib": 0,
    "max_tasks": 0,
    "max_edges": 0,
    "max_depth": 0,
    "max_label_bytes": 0,
    "max_args": 0,
    "max_retries": 0,
    "max_execution_timeout": timedelta(seconds=1),
    "require_execution_timeout": True,
    "max_dagrun_timeout": timedelta(seconds=1),
    "require_dagrun_timeout": True,
    "max_active_runs": 0,
    "max_active_tasks": 0,
    "min_schedule_interval": timedelta(days=366),
    "max_catchup_runs": 0,
    "max_dags": 0,
}
DENIED = {
    "alert.profile",
    "operator.argument",
    "operator.not-allowed",
    "pool-slots.too-many",
    "pool.not-allowed",
    "priority.too-high",
}
"""What no DAG may do without a word of the policy."""
STRICT = Policy.of(FIELDS)


def facts(spec: DagSpec) -> Facts:
    try:
        size = label_bytes(encode(spec))
    except LabelError:
        size = 60_000
    return Facts(deployed_at=NOW, label_bytes=size, account="123456789012", region="eu-west-1")


def problems(text: str) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        Policy.from_yaml(text)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param(vector.labels, id=name)
        for version in ("v1", "2019")
        for name, vector in read_vectors(version)
        if vector.valid
    ],
)
def test_an_empty_policy_admits_each_vector_but_what_is_the_platforms(labels: dict[str, str]) -> None:
    spec = decode(labels)
    assert {each.rule for each in check(spec, Policy(), facts(spec))} <= DENIED


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(spec=specs())
def test_an_empty_policy_admits_the_projects_own_and_the_strictest_one_ends_in_violations(spec: DagSpec) -> None:
    assert {each.rule for each in check(spec, Policy(), facts(spec))} <= DENIED
    found = check(spec, STRICT, facts(spec))
    assert {"dag-id.prefix", "owner.not-allowed", "task.kind", "size.tasks", "size.depth"} <= {e.rule for e in found}
    for violation in found:
        assert violation.rule in RULES
        assert str(violation.problem).isprintable()
        assert violation.path.startswith("airflow")
        assert not violation.message.endswith(".")
        assert violation.remedy
    assert found == check(spec, STRICT, facts(spec))


def test_the_strictest_policy_sets_each_field() -> None:
    assert {name for name in Policy.model_fields if getattr(STRICT, name) == getattr(Policy(), name)} == {"mode"}


def test_yaml_and_python_say_the_same() -> None:
    text = "mode: warn\nmin_schedule_interval: PT15M\nclusters: ['b*', a]\nmax_tasks: 3\npublic_ip: false\n"
    same = Policy(
        mode="warn",
        min_schedule_interval=timedelta(minutes=15),
        clusters=["a", "b*"],
        max_tasks=3,
        public_ip=False,
    )
    assert Policy.from_yaml(text) == same
    assert Policy.from_yaml("") == Policy.from_yaml("{}") == Policy.from_yaml("# nothing\n") == Policy()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("max_task: 3", "max_task: unknown field; did you mean max_tasks? allowed: alert_domains, "),
        ("mode: loud", "mode: choose one of enforce or warn (got 'loud')"),
        ("max_tasks: '3'", "max_tasks: expected a whole number (got '3')"),
        ("max_tasks: -1", "max_tasks: expected 0 or more (got '-1')"),
        ("max_catchup_runs: 10001", "max_catchup_runs: expected 10000 or less (got '10001')"),
        ("public_ip: 1", "public_ip: expected True or False (got '1')"),
        ("clusters: work", "clusters: expected a list or a tuple (got 'work')"),
        ("clusters: [a, a]", "clusters: named more than once: 'a'"),
        (
            "clusters: ['a b']",
            "clusters.0: expected printable ASCII without spaces, in which * is any text (got 'a b')",
        ),
        (
            "task_kinds: [ecs, bash]",
            "task_kinds.1: no such kind of task; choose from branch, ecs, latest_only, ",
        ),
        ("template_variables: [var]", "template_variables.0: no such template variable; choose from "),
        ("launch_types: [fargate]", "launch_types.0: no such launch type; choose from EC2, EXTERNAL, FARGATE"),
        ("min_schedule_interval: 15", "min_schedule_interval: expected an ISO 8601 duration from 1 second to 366 days"),
        ("min_schedule_interval: 15 min", "min_schedule_interval: expected an ISO 8601 duration from 1 second to"),
        ("dag_id_pattern: '('", "dag_id_pattern: not a regular expression of Python: "),
        ("3", "policy: expected fields and their values (got '3')"),
        ("[mode]", "policy: expected fields and their values"),
        ("clusters: [", "policy: not a YAML file: "),
        ("\x00", "policy: not a YAML file: "),
        ("[" * 5_000, "policy: not a YAML file: "),
        ("? [a]\n: 3", "policy: not a YAML file: "),
        ("max_tasks: 3\nmax_tasks: 4", "policy: not a YAML file: line 2 gives max_tasks again: keep one of the two"),
        ("owners: &a [x]\ntags: *a", "policy: not a YAML file: line 2 has an alias: write the value out"),
        ("owners: !!python/object/apply:os.getcwd []", "policy: not a YAML file: could not determine a constructor"),
    ],
)
def test_a_hostile_or_mistaken_policy_is_a_clear_error(text: str, said: str) -> None:
    (problem,) = problems(text)
    assert problem.startswith(said)


def test_all_that_is_wrong_is_said_at_once() -> None:
    assert [each.partition(":")[0] for each in problems("mode: x\nmax_args: x\nfoo: 1")] == ["foo", "max_args", "mode"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", "the file is not UTF-8"),
        (b"# " + b"x" * LARGEST_FILE, "the file is larger than"),
        (None, "the file can't be read: Is a directory"),
    ],
)
def test_a_file_that_is_no_policy(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "policy.yaml"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    with pytest.raises(PolicyError) as caught:
        Policy.read(file)
    assert said in str(caught.value)
    assert str(file) in str(caught.value)


def test_names_of_fields_that_are_no_texts() -> None:
    fields: Any = {3: 4}
    with pytest.raises(PolicyError, match="3: unknown field"):
        Policy.of(fields)
