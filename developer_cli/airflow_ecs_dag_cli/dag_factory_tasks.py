"""The tasks of a dag-factory DAG: the fields that every task has, and which task definition each one runs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_cli.config_parts import Fields, Part, merged
from airflow_ecs_dag_cli.dag_factory_graph import by_name
from airflow_ecs_dag_cli.dag_factory_operators import task_fields
from airflow_ecs_dag_cli.dag_factory_values import NotCarriedOverError, asset_of, duration_of
from airflow_ecs_dag_schema.undeployed import without_tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_DURATIONS = {
    "retry_delay": ("retry_delay", "retry_delay_sec"),
    "max_retry_delay": ("max_retry_delay", "max_retry_delay_sec"),
    "execution_timeout": ("execution_timeout", "execution_timeout_secs"),
}
_AS_THEY_ARE = (
    *("trigger_rule", "retries", "depends_on_past", "wait_for_downstream", "pool", "pool_slots", "priority_weight"),
    *("weight_rule", "max_active_tis_per_dag", "max_active_tis_per_dagrun", "task_display_name", "doc_md"),
    "map_index_template",
)
_OF_THE_GRAPH = ("task_id", "operator", "dependencies", "task_group_name", "parent_group_name")
_WITHOUT_MEANING = ("do_xcom_push", "show_return_value_in_logs", "ui_color")
_BACKOFF = 2.0
"""What Airflow makes of ``retry_exponential_backoff: true``."""
_INSTEAD = {
    "on_execute_callback": "say it in the container",
    "on_failure_callback": "name whom to tell as alerts of the DAG",
    "on_skipped_callback": "say it in the container",
    "on_success_callback": "name whom to tell as alerts of the DAG",
    "on_retry_callback": "name whom to tell as alerts of the DAG",
    "sla": "give the DAG Deadline(...) and an alert on=['missed_deadline']",
    "email": "name whom to tell as alerts of the DAG",
    "owner": "a DAG has one owner: divide the DAG, or leave it out",
    "queue": "queues are the platform's to choose",
    "python_callable": "run it in a container",
    "volumes": "put them into the task definition",
    "volume_mounts": "put them into the task definition",
    "mounts": "put them into the task definition",
    "secrets": "give them to the container as ecs.Secret",
    "container_resources": "give cpu and memory_limit_mib, or put them into the task definition",
}


def task_settings(fields: Fields, names: Iterable[str]) -> dict[str, Any]:
    """Return the fields that tasks and their defaults have alike, and ``names`` as they are.

    Raises:
        NotCarriedOverError: A duration is none.
    """
    found: dict[str, Any] = {}
    for name in names:
        if (given := fields.take(name)) is not None:
            found[name] = given.plain()
    for name, spellings in _DURATIONS.items():
        if (given := fields.take(*spellings)) is not None:
            found[name] = duration_of(given)
    if (backoff := fields.take("retry_exponential_backoff")) is not None and backoff.value is not False:
        found["retry_exponential_backoff"] = _BACKOFF if backoff.value is True else float(backoff.number or 0)
    return found


def instead_of(name: str) -> str | None:
    """Return what to do instead of a field that the contract has no word for, if it is a known one."""
    return _INSTEAD.get(name.removesuffix("_name").removesuffix("_file"))


class FactoryTasks:
    """The tasks of one DAG.

    Args:
        given: What the file says of them.
        defaults: The DAG's ``default_args``; those that are left for the tasks are taken.
        lose: Told what is not carried over.
        notes: What is worth knowing is added to it.

    Attributes:
        parts: The tasks by the names in the file.
        own_words: What the DAG's own task definition was in the file; empty if it named none.
    """

    def __init__(self, given: Part | None, defaults: Fields, lose: Callable[..., None], notes: list[str]) -> None:
        self._lose = lose
        self._notes = notes
        self.parts = by_name(given, ("task_id",))
        self.own_words = ""
        self._defaults = dict(defaults.left())
        self._unused = dict(self._defaults)

    def fields(self, ids: Mapping[str, str]) -> dict[str, dict[str, Any]]:
        """Return the fields of each task, with the part it was read from; one that can't be is an empty one."""
        found = {name: self._fields(name, part, ids) for name, part in self.parts.items()}
        for name, part in self._unused.items():
            if part.value is not None and part.value is not False:
                reason = instead_of(name) or "no task of the DAG takes it: leave it out"
                self._lose(f"default_args {name}", reason, part)
        self._choose_own(found)
        return found

    def _fields(self, name: str, part: Part, ids: Mapping[str, str]) -> dict[str, Any]:
        task_id = ids[name]
        fields = Fields(merged(part, Part(self._defaults, part.path)))
        operator = part.fields.get("operator")
        for each in (*_OF_THE_GRAPH, *_WITHOUT_MEANING):
            fields.take(each)
        try:
            common = self._common(fields)
            if operator is None or operator.text is None:
                decorated = part.fields.get("decorator")
                what = "it has no operator" if decorated is None else f"{decorated.text} makes a Python function a task"
                raise NotCarriedOverError(f"{what}: give it a container's command, EcsTask(...)")  # noqa: TRY301
            own = task_fields(operator.text, fields, lambda text: self._notes.append(f"task {task_id}: {text}"))
        except NotCarriedOverError as error:
            self._lose(f"task {task_id}: operator", str(error), operator or part, task_id)
            return {"kind": "operator", "operator": "empty", "part": part}
        self._lose_left(task_id, dict(fields.left()), part)
        if own.get("command") == ():
            self._notes.append(f"task {task_id}: it names no command, so the image's own CMD runs (command=[])")
        if isinstance(expand := own.get("expand"), dict) and expand["kind"] == "output":
            own["expand"] = {**expand, "task_id": ids.get(expand["task_id"], expand["task_id"])}
        if any("xcom_pull" in str(value) for value in own.values()):
            self._notes.append(f"task {task_id}: an output is the line 'airflow-output: ...' that a container prints")
        return {**common, **own, "part": part}

    def _lose_left(self, task_id: str, left_over: Mapping[str, Part], part: Part) -> None:
        """Lose what nobody took; a default that this task doesn't know is lost only if no task does."""
        for field in set(self._defaults) - set(left_over):
            self._unused.pop(field, None)
        for field, left in left_over.items():
            is_own = field in part.fields or field not in self._defaults
            if is_own and left.value is not None and left.value is not False:
                reason = instead_of(field) or "the contract has no such field: see docs/arguments.md"
                self._lose(f"task {task_id}: {field}", reason, left, task_id)

    @staticmethod
    def _common(fields: Fields) -> dict[str, Any]:
        found = task_settings(fields, _AS_THEY_ARE)
        if (outlets := fields.take("outlets")) is not None:
            found["outlets"] = tuple(asset_of(each) for each in outlets.items)
        return found

    def _choose_own(self, tasks: Mapping[str, dict[str, Any]]) -> None:
        """Make the task definition that most tasks run the DAG's own; the others stay with the tasks."""
        of_ecs = [task.get("task_definition") for task in tasks.values() if task["kind"] == "ecs"]
        if None in of_ecs or not of_ecs:
            return
        own = Counter(of_ecs).most_common(1)[0][0]
        self.own_words = f", {without_tokens(str(own))}"
        for task in tasks.values():
            if task.get("task_definition") == own:
                del task["task_definition"]
