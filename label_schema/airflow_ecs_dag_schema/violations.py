"""What breaks a rule of the platform's policy, as data; and the names of the rules, which never change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from airflow_ecs_dag_schema.globs import may_match
from airflow_ecs_dag_schema.problems import Problem
from airflow_ecs_dag_schema.undeployed import without_tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

PolicyMode = Literal["enforce", "warn"]
RULES = {
    "active-runs.too-many": "`max_active_runs`",
    "active-tasks.too-many": "`max_active_tasks`",
    "alert.domain": "`alert_domains`",
    "alert.profile": "`alert_profiles`; refused in both modes",
    "asset.outlet": "`outlets`",
    "asset.schedule": "`asset_schedules`",
    "capacity-provider.not-allowed": "`capacity_providers`, or `launch_types` alone",
    "catchup.too-long": "`max_catchup_runs`",
    "cluster.not-allowed": "`clusters`",
    "cpu.too-much": "`max_cpu`",
    "dag-id.pattern": "`dag_id_pattern`",
    "dag-id.prefix": "`dag_id_prefix`",
    "dag-id.source-prefix": "the bundle's argument `dag_id_prefix`; refused in both modes",
    "dag-id.taken": "none: another task definition has the dag id, or claims it too; refused in both modes",
    "dagrun-timeout.missing": "`require_dagrun_timeout`",
    "dagrun-timeout.too-long": "`max_dagrun_timeout`",
    "exchange.not-allowed": "`exchange_buckets`",
    "execution-timeout.missing": "`require_execution_timeout`",
    "execution-timeout.too-long": "`max_execution_timeout`",
    "labels.invalid": "none: the labels are no DAG; refused in both modes",
    "launch-type.missing": "`launch_types`",
    "launch-type.not-allowed": "`launch_types`",
    "memory.too-much": "`max_memory_limit_mib`",
    "operator.argument": "`operators`; refused in both modes",
    "operator.not-allowed": "`operators`; refused in both modes",
    "owner.not-allowed": "`owners`",
    "pool-slots.too-many": "`max_pool_slots`",
    "pool.not-allowed": "`pools`",
    "priority.too-high": "`max_priority_weight`",
    "public-ip.not-allowed": "`public_ip`",
    "retries.too-many": "`max_retries`",
    "schedule.kind": "`schedules`",
    "schedule.too-often": "`min_schedule_interval`",
    "security-group.not-allowed": "`security_groups`",
    "size.args": "`max_args`",
    "size.depth": "`max_depth`",
    "size.edges": "`max_edges`",
    "size.labels": "`max_label_bytes`",
    "size.mapped": "`max_mapped_items`",
    "size.tasks": "`max_tasks`",
    "source.too-many-dags": "`max_dags`",
    "subnet.not-allowed": "`subnets`",
    "tag.not-allowed": "`tags`",
    "task-definition.not-allowed": "`task_definitions`",
    "task.kind": "`task_kinds`",
    "template.filter": "`template_filters`",
    "template.function": "`template_functions`",
    "template.variable": "`template_variables`",
}
"""Each rule's id, and the field of :class:`Policy` that sets it."""


REFUSED_IN_BOTH_MODES = frozenset({"alert.profile", "labels.invalid", "operator.argument", "operator.not-allowed"})
"""Rules that are kept under ``mode: warn`` too: nobody borrows Airflow's rights because a platform only watches."""
_NAMED = 20
"""Allowed values that a message names."""


@dataclass(frozen=True)
class Violation:
    """A DAG breaks a rule.

    Attributes:
        rule: One of :data:`RULES`.
        path: The label, such as ``airflow.dag.schedule.cron``.
        value: What was got, as text; ``None`` where nothing was there.
        message: What is wrong and what is allowed; lower case, no full stop.
        remedy: What to change.
    """

    rule: str
    path: str
    value: str | None
    message: str
    remedy: str

    @property
    def problem(self) -> Problem:
        """The violation as a problem, for the text of a refusal."""
        value = None if self.value is None else without_tokens(self.value)
        return Problem(self.path, f"[{self.rule}] {self.message}: {self.remedy}", value)

    def refuses(self, mode: PolicyMode) -> bool:
        """Tell whether a DAG is refused for it in this mode, or only warned about."""
        return mode == "enforce" or self.rule in REFUSED_IN_BOTH_MODES


@dataclass(frozen=True)
class Facts:
    """What a rule needs to know and a DAG does not say.

    Attributes:
        deployed_at: When ECS registered the revision; at synth, now. With a timezone.
        label_bytes: Bytes of the labels, keys and values together.
        account: Where the DAG was found, 12 digits; ``None`` at synth.
        region: Where the DAG was found; ``None`` at synth.
    """

    deployed_at: datetime
    label_bytes: int
    account: str | None = None
    region: str | None = None


def listed(rule: str, what: str, allowed: Iterable[str] | None, got: Iterable[tuple[str, str]]) -> Iterator[Violation]:
    """Yield a violation for each path and value of ``got`` that no glob of ``allowed`` matches; ``None`` allows all."""
    if allowed is not None:
        globs = tuple(allowed)
        for path, value in got:
            if not any(may_match(glob, value) for glob in globs):
                yield not_listed(rule, what, globs, path, value)


def not_listed(rule: str, what: str, allowed: Iterable[str], path: str, value: str) -> Violation:
    """Return the violation that ``value`` is none of ``allowed``."""
    return Violation(
        rule, path, value, f"this {what} is not allowed here; allowed: {names(allowed)}", "choose one of these"
    )


def names(allowed: Iterable[str]) -> str:
    """Return what is allowed as a short text."""
    texts = [ascii(name)[1:-1] for name in allowed]
    return ", ".join(texts if len(texts) <= _NAMED else [*texts[:_NAMED], f"... ({len(texts)})"]) or "none"
