"""Where a policy comes from: each error says which policy, what is wrong with it, and under which name."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from airflow_ecs_dag_schema import Policy
from airflow_ecs_dag_schema.plain_yaml import LARGEST_FILE
from airflow_ecs_dag_schema.policy import PolicyError
from airflow_ecs_dag_schema.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WRONG = {"max_tasks": "many"}


def refused(content: bytes | None, folder: Path) -> tuple[str, Problem]:
    file = folder / "policy.yaml"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    with pytest.raises(PolicyError) as caught:
        Policy.read(file)
    (problem,) = caught.value.problems
    return str(caught.value).replace(str(file), "FILE").splitlines()[0], problem


@pytest.mark.parametrize(
    ("content", "path", "message"),
    [
        (None, "policy", "the file can't be read: Is a directory; give the path of a readable file"),
        (b"\xff", "policy", "the file is not UTF-8: save it as UTF-8"),
        (b"#" * (LARGEST_FILE + 1), "policy", f"the file is larger than {LARGEST_FILE} bytes: give a policy file"),
        (b"[" * 5_000, "policy", None),
        (b"a: &b 1\nc: *b", "policy", None),
        (b"max_tasks: 1\nmax_tasks: 2", "policy", None),
        (b"- mode", "policy", "expected fields and their values"),
        (b"max_tasks: many", "max_tasks", "expected a whole number"),
    ],
    ids=["a folder", "not UTF-8", "too large", "too deep", "an alias", "a key given twice", "a list", "a wrong field"],
)
def test_a_file_that_is_no_policy(content: bytes | None, path: str, message: str | None, tmp_path: Path) -> None:
    subject, problem = refused(content, tmp_path)
    assert subject == "1 problem in the policy FILE:"
    assert problem.path == path
    assert problem.message == message or (message is None and problem.message.startswith("not a YAML file: "))


def test_what_is_wrong_with_the_yaml_is_said(tmp_path: Path) -> None:
    assert refused(b"max_tasks: 1\nmax_tasks: 2", tmp_path)[1].message == (
        "not a YAML file: line 2 gives max_tasks again: keep one of the two"
    )
    with pytest.raises(PolicyError, match=r"not a YAML file: line 2 has an alias: write the value out\n"):
        Policy.from_yaml("mode: &m warn\ndag_id_prefix: *m")
    for opening in ("[", "{a: "):
        with pytest.raises(PolicyError, match="not a YAML file: line 1 is nested more than 50 deep"):
            Policy.from_yaml(opening * 5_000)


def test_a_file_may_be_so_large_and_no_larger(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_bytes(b"mode: warn\n".ljust(LARGEST_FILE, b"#"))
    assert Policy.read(file) == Policy(mode="warn")
    assert Policy.read(str(file)).mode == "warn"
    file.write_bytes(b"mode: warn\n".ljust(LARGEST_FILE + 1, b"#"))
    with pytest.raises(PolicyError, match="is larger than"):
        Policy.read(file)


def test_a_policy_without_a_file_is_called_that() -> None:
    for error in (PolicyError([Problem("a", "b")]), *_errors()):
        assert str(error).startswith("1 problem in the policy:\n")
    for error in _errors(subject="the policy of team A"):
        assert str(error).startswith("1 problem in the policy of team A:\n")


def _errors(**subject: str) -> list[PolicyError]:
    of_a_list: Any = []
    makers: list[Callable[[], Policy]] = [
        lambda: Policy.of(WRONG, **subject),
        lambda: Policy.of(of_a_list, **subject),
        lambda: Policy.from_yaml("max_tasks: many", **subject),
        lambda: Policy.from_yaml("{", **subject),
    ]
    errors = []
    for make in makers:
        with pytest.raises(PolicyError) as caught:
            make()
        errors.append(caught.value)
    return errors


@pytest.mark.parametrize("value", ["PT15M", timedelta(minutes=15)])
def test_a_duration_is_text_or_a_timedelta(value: object) -> None:
    assert Policy.of({"min_schedule_interval": value}).min_schedule_interval == timedelta(minutes=15)


@pytest.mark.parametrize("value", ["15m", 15, timedelta(0), "PT0S", "é", "a\n"])
def test_anything_else_is_no_duration(value: object) -> None:
    with pytest.raises(PolicyError):
        Policy.of({"min_schedule_interval": value})


@pytest.mark.parametrize("glob", ["a b", "é", "a\x7f", "\n", ""])
def test_a_glob_is_printable_ascii_without_spaces(glob: str) -> None:
    with pytest.raises(PolicyError):
        Policy.of({"clusters": [glob]})


@pytest.mark.parametrize(("owners", "named"), [(20, ", x18, x19)"), (21, ", ... (21))")])
def test_twenty_allowed_values_are_named(owners: int, named: str) -> None:
    from airflow_ecs_dag_schema.violations import names as named_in  # noqa: PLC0415 - what a message makes of a long list

    names = [f"x{number:02}" for number in range(owners)]
    assert f"({named_in(names)})".endswith(named)
    assert named_in([]) == "none"
