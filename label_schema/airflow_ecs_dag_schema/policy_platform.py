"""The rules of a policy on what is the platform's, or another project's: operators, pools, alert profiles, assets.

Without a word of the policy these are denied, unless they touch nothing but their own run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ecs_dag_schema.globs import may_match
from airflow_ecs_dag_schema.operators import BUILT_IN, HARMLESS, signature_problems
from airflow_ecs_dag_schema.platform_parts import OperatorRule
from airflow_ecs_dag_schema.schedule import OnAssets, OnAssetsOrTime
from airflow_ecs_dag_schema.tasks import EcsTaskSpec, OperatorSpec
from airflow_ecs_dag_schema.templates import is_template
from airflow_ecs_dag_schema.violations import Violation, listed, names, not_listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_ecs_dag_schema.assets import Asset
    from airflow_ecs_dag_schema.dag import DagSpec
    from airflow_ecs_dag_schema.policy import Policy
    from airflow_ecs_dag_schema.violations import Facts

_NO_RULE = OperatorRule()


def operator_violations(spec: DagSpec, policy: Policy, _: Facts) -> Iterator[Violation]:
    """Yield the operators that a DAG may not use, and the arguments that they may not have."""
    for task in spec.tasks:
        if not isinstance(task, OperatorSpec):
            continue
        path = f"airflow.tasks.{spec.keys[task.task_id]}"
        rule = policy.operators.get(task.operator, _NO_RULE if task.operator in HARMLESS else None)
        if rule is None:
            yield Violation(
                "operator.not-allowed",
                f"{path}.operator",
                task.operator,
                f"this operator is not allowed here; allowed: {names(sorted(HARMLESS | policy.operators.keys()))}",
                "choose one of these, or ask the platform for an entry in its policy's operators",
            )
        else:
            yield from _argument_violations(task, rule, f"{path}.arguments")


def alert_profile_violations(spec: DagSpec, policy: Policy, _: Facts) -> Iterator[Violation]:
    """Yield the alert profiles that the platform does not have."""
    for number, alert in enumerate(spec.alerts):
        if alert.kind == "profile" and alert.profile not in policy.alert_profiles:
            yield Violation(
                "alert.profile",
                f"airflow.dag.alerts.{number}.profile",
                alert.profile,
                f"the platform has no such alert profile; it has: {names(policy.alert_profiles)}",
                "choose one of these, or ask the platform for an entry in its policy's alert_profiles",
            )


def pool_violations(spec: DagSpec, policy: Policy, _: Facts) -> Iterator[Violation]:
    """Yield the pools that a DAG may not use, and where it takes more of them than it may."""
    holders = [("airflow.dag.defaults", spec.defaults)]
    named = [(path, each.pool, each.priority_weight) for path, each in holders]
    named += [(f"airflow.tasks.{spec.keys[task.task_id]}", task.pool, task.priority_weight) for task in spec.tasks]
    pools = [(f"{path}.pool", pool) for path, pool, _weight in named if pool is not None]
    yield from listed("pool.not-allowed", "pool", policy.pools, pools)
    for path, _pool, weight in named:
        if weight is not None and weight > policy.max_priority_weight:
            yield Violation(
                "priority.too-high",
                f"{path}.priority_weight",
                str(weight),
                f"priority_weight is {policy.max_priority_weight} here at most",
                "lower priority_weight",
            )
    for task in spec.tasks:
        if task.pool_slots is not None and task.pool_slots > policy.max_pool_slots:
            yield Violation(
                "pool-slots.too-many",
                f"airflow.tasks.{spec.keys[task.task_id]}.pool_slots",
                str(task.pool_slots),
                f"a task takes {policy.max_pool_slots} places of a pool here at most",
                "lower pool_slots",
            )


def task_definition_violations(spec: DagSpec, policy: Policy, _: Facts) -> Iterator[Violation]:
    """Yield the other task definitions that a DAG may not run."""
    if policy.task_definitions is None:
        return
    for task in spec.tasks:
        if isinstance(task, EcsTaskSpec) and task.task_definition is not None:
            family = task.task_definition.rpartition("/")[2].partition(":")[0] or task.task_definition
            if not any(may_match(glob, family) for glob in policy.task_definitions):
                yield not_listed(
                    "task-definition.not-allowed",
                    "task definition",
                    policy.task_definitions,
                    f"airflow.tasks.{spec.keys[task.task_id]}.task_definition",
                    task.task_definition,
                )


def asset_violations(spec: DagSpec, policy: Policy, _: Facts) -> Iterator[Violation]:
    """Yield the assets that a DAG may not say it makes, or may not wait for."""
    made = (
        each
        for task in spec.tasks
        for number, asset in enumerate(task.outlets)
        for each in _identity(asset, f"airflow.tasks.{spec.keys[task.task_id]}.outlets.{number}")
    )
    yield from listed("asset.outlet", "asset", policy.outlets, made)
    if isinstance(spec.schedule, OnAssets | OnAssetsOrTime):
        waited = (
            each
            for number, asset in enumerate(spec.schedule.assets)
            for each in _identity(asset, f"airflow.dag.schedule.assets.{number}")
        )
        yield from listed("asset.schedule", "asset", policy.asset_schedules, waited)


def _identity(asset: Asset, path: str) -> Iterator[tuple[str, str]]:
    """Yield what Airflow knows an asset by: each of its URI and its name is given to one asset only."""
    yield f"{path}.uri", asset.uri
    if asset.name is not None and asset.name != asset.uri:
        yield f"{path}.name", asset.name


def _argument_violations(task: OperatorSpec, rule: OperatorRule, path: str) -> Iterator[Violation]:
    if task.operator not in BUILT_IN:
        for name, problem in signature_problems(rule.signature, task.arguments):
            yield Violation("operator.argument", f"{path}.{name}", None, problem, "give the operator what it takes")
    for name in sorted(rule.fixed.keys() & task.arguments.keys()):
        yield Violation(
            "operator.argument", f"{path}.{name}", None, "this argument is the platform's to give", "leave it out"
        )
    for name, globs in rule.values.items():
        given = task.arguments.get(name)
        if given is None:
            yield Violation(
                "operator.argument",
                f"{path}.{name}",
                None,
                f"without this argument the operator is not bound to what is allowed here: {', '.join(globs)}",
                "give it",
            )
            continue
        for number, text in enumerate((given,) if isinstance(given, str) else given):
            where = f"{path}.{name}" if isinstance(given, str) else f"{path}.{name}.{number}"
            if is_template(text):
                yield Violation(
                    "operator.argument",
                    where,
                    text,
                    "only some values of this argument are allowed here, and a template may become any",
                    "write its value out",
                )
            elif not any(may_match(glob, text) for glob in globs):
                yield not_listed("operator.argument", "value", globs, where, text)
