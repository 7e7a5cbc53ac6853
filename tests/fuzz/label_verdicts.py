"""What must hold for any label set: a DAG or a proper refusal, then a verdict of each policy, and nothing else."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from time import thread_time
from typing import TYPE_CHECKING

from airflow_ecs_dag_schema import DagSpec, Facts, LabelError, check, decode, encode
from airflow_ecs_dag_schema.policy_rules import label_bytes
from airflow_ecs_dag_schema.undeployed import read_undeployed
from airflow_ecs_dag_schema.values import TOKEN_START
from airflow_ecs_dag_schema.violations import RULES
from policy.case_files import read_cases

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_ecs_dag_schema import Policy, Problem

LONGEST_LINE = 3_000
LONGEST_ERROR = 150_000
_UNDEPLOYED_EACH = 10
"""Of the label sets with tokens each so-manieth is read as before its deployment, which reads it a dozen times."""
FACTS = Facts(deployed_at=datetime(2026, 3, 1, tzinfo=UTC), label_bytes=0, account="123456789012", region="eu-west-1")


class BadVerdictError(AssertionError):
    """The contract or the policy said something that it must not say."""


@dataclass(frozen=True)
class Verdict:
    """What became of a label set.

    Attributes:
        spec: The DAG; ``None`` if the labels were refused.
        broken: Rules of the policy that the DAG breaks.
        cpu: Seconds of CPU from the labels to the policy's verdict, as in the loader.
    """

    spec: DagSpec | None
    broken: int
    cpu: float


def _policies() -> tuple[Policy, ...]:
    """Return the policies of the policy's own cases: each field of the model is in one of them."""
    return tuple(case.the_policy for case in read_cases())


POLICIES = _policies()


def policy_for(labels: dict[str, str]) -> Policy:
    """Return the policy that judges ``labels``: always the same one for the same labels."""
    return POLICIES[_number(labels) % len(POLICIES)]


def _number(labels: dict[str, str]) -> int:
    text = "\n".join(f"{key}={text}" for key, text in sorted(labels.items()))
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))


def judge(labels: dict[str, str], policy: Policy) -> Verdict:
    """Return what the loader would say of ``labels``.

    Raises:
        BadVerdictError: It says something that it must not say.
        Exception: Whatever else than a refusal came out, which is what the fuzzer looks for.
    """
    began = thread_time()
    try:
        spec = decode(labels)
    except LabelError as error:
        cpu = thread_time() - began
        check_error(error)
        return Verdict(None, 0, cpu)
    violations = check(spec, policy, FACTS)
    cpu = thread_time() - began
    for violation in violations:
        require(violation.rule in RULES, f"unknown rule {violation.rule}")
        check_problem(violation.problem)
    return Verdict(spec, len(violations), cpu)


def check_further(labels: dict[str, str], verdict: Verdict, policy: Policy) -> None:
    """Check what the loader does not do with each label set: write it again, read it before its deployment.

    Raises:
        BadVerdictError: It comes out otherwise.
    """
    if verdict.spec is not None:
        check_round_trip(verdict.spec)
        require(label_bytes(labels) >= 0, "no size")
    if any(TOKEN_START in text for text in labels.values()) and _number(labels) % _UNDEPLOYED_EACH == 0:
        reading = read_undeployed(labels)
        require(reading.spec is None or not reading.problems, "a DAG and a problem")
        require(reading.spec is not None or bool(reading.problems or reading.stand_ins), "neither a DAG nor a reason")
        check_problems(reading.problems)
        if reading.spec is not None:
            for violation in check(reading.spec, policy, FACTS):
                check_problem(violation.problem)


def check_round_trip(spec: DagSpec) -> None:
    try:
        labels = encode(spec)
    except LabelError as error:  # escapes make text beyond ASCII up to six times as long
        require(all("fit" in problem.message for problem in error.problems), f"encode refuses its own DAG: {error}")
        return
    require(decode(labels) == spec, "decode(encode(spec)) is another DAG")


def check_error(error: LabelError) -> None:
    require(0 < len(str(error)) < LONGEST_ERROR, f"an error of {len(str(error))} characters")
    check_problems(error.problems)


def check_problems(problems: Iterable[Problem]) -> None:
    for problem in problems:
        check_problem(problem)


def check_problem(problem: Problem) -> None:
    line = str(problem)
    require(line.isprintable() and line.isascii(), f"not plain text: {line!a}")
    require(len(line) < LONGEST_LINE, f"a line of {len(line)} characters: {line[:200]}")
    require(problem.path.startswith("airflow"), f"no label: {line}")


def require(holds: bool, what: str) -> None:  # noqa: FBT001 - the condition itself, as in assert
    if not holds:
        raise BadVerdictError(what)
