"""Which clusters a policy's names and ARNs stand for, where the place of the DAG is known and where it is not yet."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from airflow_ecs_dag_schema import DagSpec, EcsSettings, EcsTaskSpec, Facts, Policy, check
from airflow_ecs_dag_schema.ecs_settings import CapacityProvider
from airflow_ecs_dag_schema.graph import graph_problems, longest_path
from airflow_ecs_dag_schema.undeployed import token

PLACE = Facts(datetime(2026, 3, 1, tzinfo=UTC), 0, account="123456789012", region="eu-west-1")
NOWHERE = Facts(datetime(2026, 3, 1, tzinfo=UTC), 0)
HERE = "arn:aws:ecs:eu-west-1:123456789012:cluster/work"
OTHER_ACCOUNT = "arn:aws:ecs:eu-west-1:999999999999:cluster/work"
OTHER_REGION = "arn:aws:ecs:us-east-1:123456789012:cluster/work"
OTHER_NAME = "arn:aws:ecs:eu-west-1:123456789012:cluster/play"


def broken(facts: Facts, ecs: EcsSettings, **policy: object) -> list[str]:
    spec = DagSpec(dag_id="reports", ecs=ecs, tasks=[EcsTaskSpec(task_id="build")])
    return [each.rule for each in check(spec, Policy.of(policy), facts)]


@pytest.mark.parametrize(
    ("glob", "cluster", "here", "anywhere"),
    [
        ("work", "work", True, True),
        ("work", "play", False, False),
        ("work", HERE, True, True),
        ("work", OTHER_ACCOUNT, False, True),
        ("work", OTHER_REGION, False, True),
        ("work", OTHER_NAME, False, False),
        ("w*", HERE, True, True),
        (HERE, HERE, True, True),
        (HERE, "work", True, True),
        (HERE, "play", False, False),
        (HERE, OTHER_ACCOUNT, False, False),
        (OTHER_ACCOUNT, "work", False, True),
        (OTHER_REGION, "work", False, True),
        (OTHER_NAME, "work", False, False),
        (OTHER_ACCOUNT, OTHER_ACCOUNT, True, True),
        ("arn:aws:ecs:*:123456789012:cluster/*", "work", True, True),
        ("arn:*:999999999999:*", "work", False, True),
        ("arn:*:ecs:*:999999999999:*", "work", False, True),
        ("arn:*/work", "work", True, True),
        ("arn:*/play", "work", False, False),
        ("arn:aws-cn:ecs:eu-west-1:123456789012:cluster/work", "work", True, True),
        (HERE, "arn:aws:ecs:eu-west-1:123456789012:cluster/a/work", False, False),
        ("a/work", "a/work", True, True),
        ("work", "a/work", False, False),
        ("work", token("Ref Cluster"), True, True),
        ("work", f"play-{token('Ref Cluster')}", False, False),
    ],
)  # fmt: skip
def test_clusters(*, glob: str, cluster: str, here: bool, anywhere: bool) -> None:
    ecs = EcsSettings.model_construct(**{**dict(EcsSettings()), "cluster": cluster})
    assert broken(PLACE, ecs, clusters=[glob]) == ([] if here else ["cluster.not-allowed"])
    assert broken(NOWHERE, ecs, clusters=[glob]) == ([] if anywhere else ["cluster.not-allowed"])


@pytest.mark.parametrize(
    ("provider", "kind", "allowed"),
    [
        ("FARGATE", "FARGATE", True),
        ("FARGATE_SPOT", "FARGATE", True),
        ("FARGATE", "EC2", False),
        ("FARGATE_SPOT", "EC2", False),
        ("big", "EC2", True),
        ("big", "FARGATE", False),
        (token("Ref Provider"), "EC2", True),
        (token("Ref Provider"), "FARGATE", True),
        (f"x{token('Ref Provider')}", "FARGATE", False),
    ],
)
def test_what_a_capacity_provider_runs_on(*, provider: str, kind: str, allowed: bool) -> None:
    strategy = (CapacityProvider.model_construct(name=provider, weight=1, base=0),)
    ecs = EcsSettings.model_construct(**{**dict(EcsSettings()), "capacity_provider_strategy": strategy})
    assert broken(PLACE, ecs, launch_types=[kind]) == ([] if allowed else ["capacity-provider.not-allowed"])


def test_a_provider_that_may_run_on_either_says_so() -> None:
    strategy = (CapacityProvider.model_construct(name=token("Ref Provider"), weight=1, base=0),)
    ecs = EcsSettings.model_construct(**{**dict(EcsSettings()), "capacity_provider_strategy": strategy})
    spec = DagSpec(dag_id="reports", ecs=ecs, tasks=[EcsTaskSpec(task_id="build")])
    (violation,) = check(spec, Policy.of({"launch_types": ["EXTERNAL"]}), NOWHERE)
    assert violation.message.startswith("this capacity provider runs tasks on EC2 or FARGATE, and the launch types ")


def test_the_longest_path_ends_where_most_tasks_are_before() -> None:
    upstream = {"a": (), "z": ("a",), "b": ("z",), "y": ("a",), "c": ("b", "y"), "x": ()}
    assert longest_path(upstream) == ("a", "z", "b", "c")
    assert longest_path({"b": (), "a": ()}) == ("b",)
    assert longest_path({"b": (), "a": ("b",), "d": (), "c": ("d",)}) == ("d", "c")
    assert longest_path({"n": ("l", "m"), "l": ("k",), "k": ("j",), "j": (), "m": ()}) == ("j", "k", "l", "n")


@pytest.mark.parametrize(("tasks", "named"), [(20, ", 9: name"), (21, ", ... (21): name")])
def test_a_missing_task_names_twenty(tasks: int, named: str) -> None:
    upstream: dict[str, tuple[str, ...]] = {str(number): () for number in range(tasks)} | {"0": ("gone",)}
    (problem,) = graph_problems(upstream)
    assert problem.message.startswith("the DAG has no such task; the tasks are 0, 1, 10, 11, ")
    assert problem.message.endswith(f"{named} one of these")
    assert (problem.path, problem.value) == ("tasks.0.upstream", "gone")


@pytest.mark.parametrize(
    ("tasks", "shown"),
    [
        (3, "a >> b >> c >> a"),
        (19, " >> ".join([*"abcdefghijklmnopqrs", "a"])),
        (20, " >> ".join([*"abcdefghijklmnopqr", "... (20 tasks)", "a"])),
    ],
)
def test_a_circle_names_twenty(tasks: int, shown: str) -> None:
    names = "abcdefghijklmnopqrstuvwxyz"[:tasks]
    (problem,) = graph_problems({after: (before,) for before, after in zip(names, names[1:] + names[0], strict=True)})
    assert problem.path == "tasks"
    assert problem.message == f"the tasks run in a circle, {shown}: remove one of these arrows"
