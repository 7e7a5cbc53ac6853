"""One DAG of a dag-factory file: its fields, tasks and groups as the contract's, and what has no place there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from airflow_ecs_dag_cli.config_parts import Fields, Part
from airflow_ecs_dag_cli.dag_factory_graph import FactoryGraph
from airflow_ecs_dag_cli.dag_factory_place import common_place
from airflow_ecs_dag_cli.dag_factory_tasks import FactoryTasks, task_settings
from airflow_ecs_dag_cli.dag_factory_values import (
    NotCarriedOverError,
    duration_of,
    moment_of,
    param_of,
    schedule_of,
)
from airflow_ecs_dag_cli.import_losses import Loss
from airflow_ecs_dag_cli.python_dag import SourceDag
from airflow_ecs_dag_schema import DagSpec
from airflow_ecs_dag_schema.validation import spec_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_ecs_dag_schema.problems import Problem

_AS_THEY_ARE = {
    "description": "description",
    "doc_md": "doc_md",
    "dag_display_name": "display_name",
    "catchup": "catchup",
    "is_paused_upon_creation": "is_paused_upon_creation",
    "max_active_runs": "max_active_runs",
    "max_consecutive_failed_dag_runs": "max_consecutive_failed_dag_runs",
    "fail_fast": "fail_fast",
}
_WITHOUT_MEANING = ("default_view", "orientation", "dag_id", "disable_bundle_versioning", "auto_register")
_CALLBACKS = ("on_failure_callback", "on_success_callback", "on_retry_callback", "sla_miss_callback")
_INSTEAD = {
    "access_control": "who may do what is the platform's to say",
    "deadline": "give Deadline(...) and an alert on=['missed_deadline']",
    "doc_md_file_path": "give its text as doc_md",
    "jinja_environment_kwargs": "compute in the containers what templates said",
    "on_execute_callback": "say it in the container",
    "on_skipped_callback": "say it in the container",
    "owner_links": "give owner_link",
    "queue": "queues are the platform's to choose",
    "sla": "give Deadline(...) and an alert on=['missed_deadline']",
    "sla_secs": "give Deadline(...) and an alert on=['missed_deadline']",
    "template_searchpath": "put files into the container's image",
    "user_defined_filters": "compute in the containers what templates said",
    "user_defined_macros": "compute in the containers what templates said",
    **dict.fromkeys(_CALLBACKS, "name whom to tell as alerts: EmailAlert or ProfileAlert"),
}
"""What to do instead of what the contract has no word for."""
_DEFAULTS = ("retries", "depends_on_past", "wait_for_downstream", "pool", "priority_weight", "weight_rule")
_MOST_ATTEMPTS = 50


class FactoryDag:
    """A DAG of the file.

    Args:
        dag_id: Its id.
        part: Its fields, with those of ``default``.
        place: Tells where a part stands.

    Attributes:
        losses: What is not carried over.
        notes: What is worth knowing.
    """

    def __init__(self, dag_id: str, part: Part, place: Callable[[Part], str]) -> None:
        self._dag_id = dag_id
        self._part = part
        self._place = place
        self._parts: dict[str, Part] = {}
        self.losses: list[Loss] = []
        self.notes: list[str] = []

    def read(self) -> SourceDag | None:
        """Return the DAG; ``None`` if nothing of it can be told."""
        fields = Fields(self._part)
        if (named := fields.take("dag_id")) is not None and named.text:
            self._dag_id = named.text
        dag = self._dag_fields(fields)
        tasks = FactoryTasks(fields.take("tasks"), dag.pop("task_fields"), self._lose, self.notes)
        graph = FactoryGraph(tasks.parts, fields.take("task_groups"), self._lose)
        for name, part in fields.left():
            self._lose_field(name, part)
        dag["groups"] = graph.groups
        dag["tasks"] = tuple(
            {**each, "task_id": graph.ids[name], "upstream": graph.upstream(name)}
            for name, each in tasks.fields(graph.ids).items()
        )
        dag |= common_place(dag["tasks"], self._lose)
        self._parts |= {f"tasks.{graph.ids[name]}": part for name, part in tasks.parts.items()}
        spec = self._valid(dag)
        if spec is None:
            return None
        remarks = tuple((loss.task_id, loss.text) for loss in self.losses)
        return SourceDag(spec=spec, origin=f"dag-factory, {self._place(self._part)}{tasks.own_words}", remarks=remarks)

    def _dag_fields(self, fields: Fields) -> dict[str, Any]:
        defaults = Fields(fields.take("default_args") or Part({}, self._part.path))
        dag: dict[str, Any] = {"dag_id": self._dag_id}
        for name in _WITHOUT_MEANING:
            fields.take(name)
        if (native := fields.take("render_template_as_native_obj")) is not None and native.value is not False:
            self.notes.append("render_template_as_native_obj: what a container is given is text, whatever it says")
        zone_part = fields.take("timezone") or None
        zone_default = defaults.take("timezone") or None
        zone = next((each.text for each in (zone_part, zone_default) if each is not None and each.text), "UTC")
        for name, own in _AS_THEY_ARE.items():
            self._put(dag, own, fields.take(name))
        self._put(dag, "max_active_tasks", fields.take("max_active_tasks", "concurrency"))
        self._put(dag, "owner", fields.take("owner") or defaults.take("owner"))
        defaults.take("owner")
        if (tags := fields.take("tags")) is not None:
            self._parts["tags"] = tags
            dag["tags"] = tuple(dict.fromkeys(tags.texts or ()))
        for name in ("start_date", "end_date"):
            given = fields.take(name) or defaults.take(name)
            defaults.take(name)
            self._convert(dag, name, given, lambda part: moment_of(part, zone))
        self._convert(dag, "dagrun_timeout", fields.take("dagrun_timeout", "dagrun_timeout_sec"), duration_of)
        schedule = fields.take("schedule", "schedule_interval", "timetable")
        if schedule is not None:
            self._parts["schedule"] = schedule
        self._convert(dag, "schedule", schedule, lambda part: schedule_of(part, zone))
        if (params := fields.take("params")) is not None:
            dag["params"] = self._params(params)
        self._defaults(dag, defaults)
        dag["task_fields"] = defaults
        return dag

    def _defaults(self, dag: dict[str, Any], defaults: Fields) -> None:
        """Take what the DAG says once for all of its tasks: their defaults, and whom to tell."""
        whole = Part(dict(defaults.left()), defaults.path)
        self._parts["defaults"] = self._parts["alerts"] = whole
        try:
            dag["defaults"] = task_settings(defaults, _DEFAULTS)
        except NotCarriedOverError as error:
            self._lose("default_args", str(error), whole)
        told = defaults.take("email")
        on = [
            event
            for event in ("failure", "retry")
            if (said := defaults.take(f"email_on_{event}")) is None or said.value is not False
        ]
        if told is not None and on:
            dag["alerts"] = ({"kind": "email", "to": told.texts or (), "on": tuple(on)},)
        for name in [name for name, _ in defaults.left()]:
            reason = _instead_of(name)
            if reason and (part := defaults.take(name)) is not None and part.value is not False:
                self._lose(f"default_args {name}", reason, part)

    def _params(self, params: Part) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, part in params.fields.items():
            self._parts[f"params.{name}"] = part
            try:
                found[name] = param_of(part)
            except NotCarriedOverError as error:
                self._lose(f"param {name}", str(error), part)
        return found

    def _put(self, dag: dict[str, Any], name: str, part: Part | None) -> None:
        if part is not None:
            self._parts[name] = part
            dag[name] = part.plain()

    def _convert(self, dag: dict[str, Any], name: str, part: Part | None, convert: Callable[[Part], Any]) -> None:
        if part is None:
            return
        self._parts[name] = part
        try:
            dag[name] = convert(part)
        except NotCarriedOverError as error:
            self._lose(name, str(error), part)

    def _lose(self, what: str, reason: str, part: Part, task_id: str = "") -> None:
        self.losses.append(
            Loss(dag_id=self._dag_id, part=what, reason=reason, where=self._place(part), task_id=task_id)
        )

    def _lose_field(self, name: str, part: Part) -> None:
        if part.value is None or part.value is False:
            return
        self._lose(name, _instead_of(name) or "the contract has no such field: see docs/arguments.md", part)

    def _valid(self, dag: dict[str, Any]) -> DagSpec | None:
        """Return the DAG, without what the contract refuses; each such part is a loss."""
        for _ in range(_MOST_ATTEMPTS):
            ids = [str(task["task_id"]) for task in dag["tasks"]]
            try:
                return DagSpec.model_validate(dag)
            except ValidationError as error:
                problems = list(spec_problems(error, ids))
            if not any(self._without(problem, dag, ids) for problem in problems):
                self._lose_all(problems)
                return None
        reason = (
            f"something is still wrong after {_MOST_ATTEMPTS} parts were left out: mend what is named, and try again"
        )
        self._lose("DAG", reason, self._part)
        return None

    def _lose_all(self, problems: list[Problem]) -> None:
        for problem in problems:
            self._lose(problem.path, _words(problem), self._part)

    def _without(self, problem: Problem, dag: dict[str, Any], ids: list[str]) -> bool:
        """Take out of ``dag`` what a problem is about; tell whether there was such a thing."""
        room, _, rest = problem.path.partition(".")
        if room == "tasks":
            return self._without_task(problem, dag, ids, rest)
        if room == "start_date" and "start_date" not in dag and "schedule" in dag:
            room = "schedule"
        if room == "params" and (name := rest.partition(".")[0]) in dag.get("params", {}):
            del dag["params"][name]
            self._lose(f"param {name}", _words(problem), self._parts[f"params.{name}"])
            return True
        if room in dag and room not in {"dag_id", "tasks"}:
            del dag[room]
            self._lose(room, _words(problem), self._parts.get(room, self._part))
            return True
        return False

    def _without_task(self, problem: Problem, dag: dict[str, Any], ids: list[str], rest: str) -> bool:
        named = [each for each in ids if rest == each or rest.startswith(f"{each}.")]
        if not named:
            return False
        task_id = max(named, key=len)
        field = rest[len(task_id) + 1 :]
        task = dag["tasks"][ids.index(task_id)]
        if task.get("operator") == "empty" or field.startswith(("task_id", "upstream")):
            return False
        part = self._parts[f"tasks.{task_id}"]
        self._lose(f"task {task_id}: {field or 'task'}", _words(problem), part, task_id)
        kept: Mapping[str, Any] = {"task_id": task_id, "upstream": task["upstream"]}
        empty = {**kept, "kind": "operator", "operator": "empty"}
        dag["tasks"] = tuple(empty if each is task else each for each in dag["tasks"])
        return True


def _instead_of(name: str) -> str | None:
    return _INSTEAD.get(name.removesuffix("_name").removesuffix("_file"))


def _words(problem: Problem) -> str:
    return problem.message if problem.value is None else f"{problem.message} (got {problem.value!r})"
