"""The tables of docs/arguments.md: what becomes of each argument of Airflow's `DAG` and of its operators.

`python -m documents.argument_table` prints them. The arguments come from Airflow's own signatures.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from airflow.sdk import DAG, BaseOperator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Verdict = Literal["supported", "platform's", "no"]


@dataclass(frozen=True)
class Fate:
    """What becomes of an argument.

    Attributes:
        verdict: `supported`: a project says it; `platform's`: whoever runs Airflow does; `no`: nobody does.
        spelled: The argument of `AirflowEcsDag`, of a task, or of another value that says it.
        why: Why not, or what is different.
    """

    verdict: Verdict
    spelled: str = ""
    why: str = ""


def _same(name: str, why: str = "") -> Fate:
    return Fate("supported", name, why)


def _platform(why: str) -> Fate:
    return Fate("platform's", why=why)


def _no(why: str) -> Fate:
    return Fate("no", why=why)


_CALLBACK = "a function is code, and code of a project runs in its container only; use `alerts`"
_ROLE = "it decides where and as whom the task's process in Airflow runs"

DAG_ARGUMENTS: Mapping[str, Fate] = {
    "dag_id": _same("dag_id"),
    "description": _same("description"),
    "default_args": _same("defaults", "typed: `TaskDefaults`"),
    "start_date": _same("start_date", "a timezone is needed"),
    "end_date": _same("end_date", "a timezone is needed"),
    "schedule": _same("schedule", "one of `Schedule`'s"),
    "template_searchpath": _no("templates are in the arguments; a label reads no file of Airflow's"),
    "template_undefined": _no("an undefined variable is always an error"),
    "user_defined_macros": _no("code in Airflow; the variables, filters and functions are a settled list"),
    "user_defined_filters": _no("code in Airflow; the variables, filters and functions are a settled list"),
    "max_active_tasks": _same("max_active_tasks"),
    "max_active_runs": _same("max_active_runs"),
    "max_consecutive_failed_dag_runs": _same("max_consecutive_failed_dag_runs"),
    "dagrun_timeout": _same("dagrun_timeout"),
    "deadline": _same("deadline", "with an alert on `missed_deadline`"),
    "sla_miss_callback": _no("gone from Airflow 3; use `deadline`"),
    "catchup": _same("catchup"),
    "on_success_callback": _same("alerts", "`on=['success']`; " + _CALLBACK),
    "on_failure_callback": _same("alerts", "`on=['failure']` tells of the task that failed, once each"),
    "doc_md": _same("doc_md"),
    "params": _same("params", "typed: `StringParam` and so on; a schema of one's own, with `$ref`, is not taken"),
    "access_control": _platform("who may see and do what in Airflow is its security manager's"),
    "is_paused_upon_creation": _same("is_paused_upon_creation"),
    "jinja_environment_kwargs": _no("templates are rendered in the project's own sandbox"),
    "render_template_as_native_obj": _no("a container's command is texts; what is no text becomes JSON"),
    "tags": _same("tags"),
    "owner_links": _same("owner_link", "one owner, one link"),
    "auto_register": _no("each DAG of a task definition is loaded"),
    "fail_fast": _same("fail_fast"),
    "allowed_run_types": _no("which runs there are follows from the schedule"),
    "dag_display_name": _same("display_name"),
    "task_group": _no("groups come from the ids of the tasks: `TaskGroup`"),
    "disable_bundle_versioning": _platform("the newest revision runs: always true"),
    "rerun_with_latest_version": _platform("the newest revision runs"),
}

TASK_ARGUMENTS: Mapping[str, Fate] = {
    "task_id": _same("task_id"),
    "owner": Fate("supported", "owner", "of the whole DAG: `AirflowEcsDag(owner=...)`"),
    "email": Fate("supported", "alerts", "of the whole DAG; deprecated in Airflow"),
    "email_on_retry": Fate("supported", "alerts", "`on=['retry']`; deprecated in Airflow"),
    "email_on_failure": Fate("supported", "alerts", "`on=['failure']`; deprecated in Airflow"),
    "retries": _same("retries"),
    "retry_delay": _same("retry_delay"),
    "retry_exponential_backoff": _same("retry_exponential_backoff"),
    "max_retry_delay": _same("max_retry_delay"),
    "retry_policy": _no("code in Airflow; use `skip_on_exit_code` and `retries`"),
    "start_date": Fate("supported", "start_date", "of the whole DAG: `AirflowEcsDag(start_date=...)`"),
    "end_date": Fate("supported", "end_date", "of the whole DAG: `AirflowEcsDag(end_date=...)`"),
    "depends_on_past": _same("depends_on_past"),
    "ignore_first_depends_on_past": _no("the first run of a task never waits: Airflow's default"),
    "wait_for_past_depends_before_skipping": _no("rarely needed; Airflow's default holds"),
    "wait_for_downstream": _same("wait_for_downstream"),
    "dag": _no("a task belongs to the DAG whose flow names it"),
    "params": Fate("supported", "params", "of the whole DAG: `AirflowEcsDag(params=...)`"),
    "default_args": Fate("supported", "defaults", "of the whole DAG: `AirflowEcsDag(defaults=...)`"),
    "priority_weight": _same("priority_weight", "within the policy's `max_priority_weight`"),
    "weight_rule": _same("weight_rule"),
    "queue": _platform(_ROLE),
    "pool": _same("pool", "of the policy's `pools`"),
    "pool_slots": _same("pool_slots", "within the policy's `max_pool_slots`"),
    "sla": _no("gone from Airflow 3; use `deadline`"),
    "execution_timeout": _same("execution_timeout"),
    "on_execute_callback": _no(_CALLBACK),
    "on_failure_callback": Fate("supported", "alerts", "of the whole DAG, `on=['failure']`"),
    "on_success_callback": _no(_CALLBACK),
    "on_retry_callback": Fate("supported", "alerts", "of the whole DAG, `on=['retry']`"),
    "on_skipped_callback": _no(_CALLBACK),
    "pre_execute": _no(_CALLBACK),
    "post_execute": _no(_CALLBACK),
    "trigger_rule": _same("trigger_rule"),
    "resources": _no("without effect in Airflow 3; use `cpu` and `memory_limit_mib`"),
    "run_as_user": _platform(_ROLE),
    "map_index_template": _same("map_index_template"),
    "max_active_tis_per_dag": _same("max_active_tis_per_dag"),
    "max_active_tis_per_dagrun": _same("max_active_tis_per_dagrun"),
    "executor": _platform(_ROLE),
    "executor_config": _platform(_ROLE),
    "do_xcom_push": _no("a container that prints no output pushes none"),
    "multiple_outputs": _no("an entry of an output is taken by its key: `extract.output['rows']`"),
    "inlets": _no("a lineage note that nothing reads back; use `Schedule.assets`"),
    "outlets": _same("outlets"),
    "task_group": Fate("supported", "TaskGroup", "`TaskGroup('load', copy >> check)`"),
    "doc": _no("use `doc_md`"),
    "doc_md": _same("doc_md"),
    "doc_json": _no("use `doc_md`"),
    "doc_yaml": _no("use `doc_md`"),
    "doc_rst": _no("use `doc_md`"),
    "task_display_name": _same("task_display_name"),
    "logger_name": _platform("logs are Airflow's"),
    "allow_nested_operators": _no("a task starts no other one within itself"),
    "render_template_as_native_obj": _no("a container's command is texts; what is no text becomes JSON"),
}


def arguments_of(owner: type) -> list[str]:
    """Return the names of the arguments of an Airflow class, in its order."""
    named = inspect.signature(owner.__init__).parameters.values()  # type: ignore[misc] # any class's own
    return [each.name for each in named if each.name != "self" and each.kind is not each.VAR_KEYWORD]


def rows(owner: type, fates: Mapping[str, Fate]) -> list[str]:
    """Return the rows of the table of `owner`."""
    return [_row(name, fates[name]) for name in arguments_of(owner)]


def _row(name: str, fate: Fate) -> str:
    spelled = f"`{fate.spelled}`" if fate.spelled else ""
    said = "; ".join(text for text in (spelled, fate.why) if text)
    return f"| `{name}` | {fate.verdict} | {said} |"


def tables() -> Iterator[str]:
    """Yield the lines of both tables."""
    for title, owner, fates in (("DAG", DAG, DAG_ARGUMENTS), ("Task", BaseOperator, TASK_ARGUMENTS)):
        yield f"## {title}\n\n| Airflow's argument | here | how, or why not |\n|---|---|---|"
        yield from rows(owner, fates)
        yield ""


if __name__ == "__main__":
    print("\n".join(tables()))  # noqa: T201 - what it is for
