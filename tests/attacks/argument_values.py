"""Labels as nested values of Python, in the types that an author would give: numbers, moments, durations, lists."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_schema.label_text import from_text

if TYPE_CHECKING:
    from collections.abc import Mapping

_NUMBERS = {
    "base",
    "cpu",
    "ephemeral_storage_gib",
    "max_active_runs",
    "max_active_tasks",
    "max_active_tis_per_dag",
    "max_active_tis_per_dagrun",
    "max_consecutive_failed_dag_runs",
    "max_length",
    "memory_limit_mib",
    "min_length",
    "pool_slots",
    "priority_weight",
    "retries",
    "skip_on_exit_code",
    "weight",
}
_FLAGS = {
    "assign_public_ip",
    "catchup",
    "depends_on_past",
    "fail_fast",
    "ignore_downstream_trigger_rules",
    "is_paused_upon_creation",
    "is_setup",
    "is_teardown",
    "multiline",
    "on_failure_fail_dagrun",
    "optional",
    "wait_for_downstream",
}
_MOMENTS = {"end_date", "start_date"}
_DURATIONS = {"dagrun_timeout", "every", "execution_timeout", "interval", "max_retry_delay", "retry_delay"}
_LISTS = {
    "__args__",
    "alerts",
    "args",
    "assets",
    "capacity_provider_strategy",
    "choices",
    "command",
    "default",
    "edge_labels",
    "items",
    "on",
    "outlets",
    "security_groups",
    "skip_on_exit_code",
    "subnets",
    "tags",
    "to",
}
_INTEGER = re.compile(r"-?\d+\Z", re.ASCII)
_DURATION = re.compile(
    r"(?P<sign>-?)P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>[\d.]+)S)?)?\Z",
    re.ASCII,
)


def argument_tree(labels: Mapping[str, str]) -> dict[str, Any]:
    """Return labels as nested arguments in the types that an author would give, as far as their texts allow."""
    tree: dict[str, Any] = {}
    for key, text in labels.items():
        if key.startswith("airflow.") and key != "airflow.schema_version":
            *rooms, name = key.removeprefix("airflow.").split(".")
            below = tree
            for room in rooms:
                below = below.setdefault(room, {})
            below[name] = from_text(text)
    read: dict[str, Any] = _read(tree, "")
    return read


def _read(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        if name in _LISTS and all(key.isdecimal() for key in value):
            return [_read(value[key], name if name in _NUMBERS else "") for key in sorted(value, key=int)]
        return {key: _read(each, key) for key, each in value.items()}
    return _value(value, name)


def _value(text: str, name: str) -> Any:  # noqa: PLR0911 - one kind of value each
    if name in _LISTS and text == "[]":
        return []
    if name in _NUMBERS and _INTEGER.match(text):
        return int(text)
    if name in _FLAGS and text in {"true", "false"}:
        return text == "true"
    if name in _MOMENTS:
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            return text
    if name in _DURATIONS and (match := _DURATION.match(text)):
        try:
            return _duration(match)
        except OverflowError:
            return text
    return text


def _duration(match: re.Match[str]) -> timedelta:
    parts = {name: float(match[name] or 0) for name in ("days", "hours", "minutes", "seconds")}
    return timedelta(**parts) * (-1 if match["sign"] else 1)
