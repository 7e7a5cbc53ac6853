"""``check``: one DAG against one policy. Pure; the same function at synth and in Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ecs_dag_schema import policy_caps, policy_lists, policy_platform
from airflow_ecs_dag_schema.globs import known_part
from airflow_ecs_dag_schema.label_text import PREFIX
from airflow_ecs_dag_schema.violations import Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from airflow_ecs_dag_schema.dag import DagSpec
    from airflow_ecs_dag_schema.policy import Policy
    from airflow_ecs_dag_schema.problems import Problem
    from airflow_ecs_dag_schema.violations import Facts

_CHECKS: tuple[Callable[[DagSpec, Policy, Facts], Iterator[Violation]], ...] = (
    policy_lists.dag_id_violations,
    policy_lists.kind_violations,
    policy_lists.template_violations,
    policy_lists.place_violations,
    policy_lists.exchange_violations,
    policy_lists.launch_violations,
    policy_lists.alert_violations,
    policy_platform.alert_profile_violations,
    policy_platform.asset_violations,
    policy_platform.operator_violations,
    policy_platform.pool_violations,
    policy_platform.task_definition_violations,
    policy_caps.size_violations,
    policy_caps.resource_violations,
    policy_caps.try_violations,
    policy_caps.run_violations,
    policy_caps.schedule_violations,
)


def check(spec: DagSpec, policy: Policy, facts: Facts) -> tuple[Violation, ...]:
    """Return every rule of ``policy`` that ``spec`` breaks, in order of the labels.

    A text of which a part is not known yet (a reference, at synth) breaks a rule only if nothing that it may become
    keeps it; in Airflow everything is known.
    """
    found = {violation for check_one in _CHECKS for violation in check_one(spec, policy, facts)}
    return tuple(sorted(found, key=lambda each: (each.path, each.rule, each.value or "")))


def label_bytes(labels: Mapping[str, str]) -> int:
    """Return the size of a DAG's labels for ``max_label_bytes``: keys and values in UTF-8, those of others left out."""
    own = ((key, known_part(text)) for key, text in labels.items() if key.startswith(PREFIX))
    return sum(len(text.encode()) for pair in own for text in pair)


def invalid_labels(problems: Iterable[Problem]) -> tuple[Violation, ...]:
    """Return labels that are no DAG as violations of the rule ``labels.invalid``."""
    return tuple(
        Violation("labels.invalid", each.path, each.value, each.message, "correct the DAG's definition")
        for each in problems
    )
