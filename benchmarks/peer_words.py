"""What the files of each peer can say of Airflow's newer parts, and Airflow's own words for it."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from attacks.corpus_files import Attack

BASH = "airflow.providers.standard.operators.bash.BashOperator"
CLASSES = {
    "approval": "airflow.providers.standard.operators.hitl.ApprovalOperator",
    "bash": BASH,
    "empty": "airflow.providers.standard.operators.empty.EmptyOperator",
    "external_task_sensor": "airflow.providers.standard.sensors.external_task.ExternalTaskSensor",
    "glue_job_sensor": "airflow.providers.amazon.aws.sensors.glue.GlueJobSensor",
    "s3_key_sensor": "airflow.providers.amazon.aws.sensors.s3.S3KeySensor",
    "sqs_sensor": "airflow.providers.amazon.aws.sensors.sqs.SqsSensor",
    "time_delta_sensor": "airflow.providers.standard.sensors.time_delta.TimeDeltaSensor",
    "tool": BASH,
    "trigger_dag_run": "airflow.providers.standard.operators.trigger_dagrun.TriggerDagRunOperator",
}
"""The classes behind the names of our operators; ``tool`` is what the corpus's platform calls its own."""
_SAYS = {
    "2019": {"an argument of tasks", "operators", "the default of a param"},
    "dag-factory": {
        "an argument of tasks",
        "assets",
        "documentation and a name of the DAG",
        "environment",
        "fields of an asset",
        "groups",
        "mapped tasks",
        "operators",
        "params",
        "task definitions",
        "ids of tasks beside their keys",
        "the default of a param",
    },
    "blueprint": {
        "an argument of tasks",
        "assets",
        "documentation and a name of the DAG",
        "environment",
        "fail_fast",
        "links of owners",
        "mapped tasks",
        "operators",
        "task definitions",
        "ids of tasks beside their keys",
    },
}
"""What a peer's files can say; those of airflow-blueprint what its platform gives, in ``platform_blueprints.py``."""
_THINGS = [
    (re.compile(label), thing)
    for label, thing in (
        (r"airflow\.dag\.schedule\.condition", "a condition on assets as a text"),
        (r"airflow\.dag\.schedule\.assets\.", "assets"),
        (r"airflow\.tasks\.\w+\.outlets\.\d+\.uri", "assets"),
        (r"airflow\.tasks\.\w+\.outlets\.\d+\.", "fields of an asset"),
        (r"airflow\.dag\.owner_link", "links of owners"),
        (r"airflow\.dag\.(repository|stack)", "where a DAG was deployed from"),
        (r"airflow\.dag\.(doc_md|display_name)\Z", "documentation and a name of the DAG"),
        (r"airflow\.tasks\.\w+\.(doc_md|task_display_name)\Z", "an argument of tasks"),
        (r"airflow\.tasks\.\w+\.(operator|arguments\.)", "operators"),
        (r"airflow\.tasks\.\w+\.(output\.|param\Z)", "a task of no code that decides by an output or a param"),
        (r"airflow\.tasks\.\w+\.expand\.query", "tasks that are mapped over a query"),
        (r"airflow\.tasks\.\w+\.(expand\.|map_index_template)", "mapped tasks"),
        (r"airflow\.dag\.params\.\w+\.default\Z", "the default of a param"),
        (r"airflow\.dag\.params\.", "params"),
        (r"airflow\.tasks\.\w+\.task_id", "ids of tasks beside their keys"),
        (r"airflow\.dag\.groups\.", "groups"),
        (r"airflow\.tasks\.\w+\.(is_setup|is_teardown|on_failure_fail_dagrun)", "setups and teardowns"),
        (r"airflow\.tasks\.\w+\.edge_labels\.", "words on arrows"),
        (r"airflow\.dag\.fail_fast", "fail_fast"),
        (r"airflow\.tasks\.\w+\.task_definition", "task definitions"),
        (r"airflow\.run_by", "consent of a task definition"),
        (r"airflow\.tasks\.\w+\.environment", "environment"),
        (r"airflow\.dag\.(alerts\.\d+\.profile|deadline)", "alert profiles and deadlines"),
    )
]
"""Labels, and what they speak of."""
_OF_JSON_SCHEMA = {"choices": "enum", "max_length": "maxLength", "min_length": "minLength"}
_DURATION = TypeAdapter(timedelta)


def unsaid(case: Attack, peer: str) -> str:
    """Return what a case speaks of and a peer's files can't say; empty if they can say all of it."""
    attacked = next(iter(case.labels), "") if case.at is None else case.at
    labels = case.all_labels()
    for label, text in labels.items():
        if "{{ item" in text:
            return "the item of a mapped task in a template"
        if label.endswith(".operator") and labels.get(label.replace(".operator", ".kind")) != "operator":
            return "a kind beside the operator"
        thing = next((thing for pattern, thing in _THINGS if pattern.match(label)), None)
        if label.endswith(".kind") and f"{label.removesuffix('.kind')}.default" in labels:
            continue  # the default is of this kind by itself
        if _is_param(label) and not _is_param(attacked):
            continue  # the attack is in a template that reads it
        if thing is not None and thing not in _SAYS[peer]:
            return thing
    return ""


def _is_param(label: str) -> bool:
    return label.startswith("airflow.dag.params.")


def put_into_airflow_words(tree: dict[str, Any], classes: Mapping[str, str]) -> None:
    """Change what a case says into the arguments of Airflow's own classes.

    Args:
        tree: What the case says, changed in place. A task's ``class`` is what ``classes`` has for its operator.
        classes: By our name of an operator; one that is not there keeps its name.
    """
    dag = tree.get("dag", {})
    if "display_name" in dag:
        dag["dag_display_name"] = dag.pop("display_name")
    if "params" in dag and isinstance(dag["params"], dict):
        dag["params"] = {name: _param(given) for name, given in dag["params"].items()}
    tasks = tree.get("tasks")
    if isinstance(tasks, dict):
        tree["tasks"] = {str(task_id): task for task_id, task in _in_airflow_words(tasks, classes)}


def _in_airflow_words(tasks: dict[str, Any], classes: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    for key, task in tasks.items():
        if not isinstance(task, dict):
            yield key, task
            continue
        given = dict(task)
        own = given.get("task_id", key)
        task_id = key if own in tasks else given.pop("task_id")  # one that another task has stays beside the key
        if given.get("kind") == "operator":
            del given["kind"]
            given["class"] = classes.get(given.get("operator", ""), given.get("operator", ""))
            given.pop("operator", None)
            if given["class"] == BASH:
                given["bash_command"] = "id"
            given |= {name: argument(value) for name, value in given.pop("arguments", {}).items()}
        yield task_id, given


def argument(value: Any) -> Any:  # noqa: ANN401 - any argument
    """Return an argument in the type that an author would give: a list, a number, a duration, JSON, or a text."""
    if isinstance(value, dict):
        items = [argument(each) for each in value.values()]
        return items if all(key.isdecimal() for key in value) else dict(zip(value, items, strict=True))
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        pass
    try:
        return _DURATION.validate_python(value) if value.startswith("P") else value
    except ValidationError:
        return value


def _param(given: Any) -> Any:  # noqa: ANN401 - a param, or what an attack has in its place
    """Return a param with the arguments of Airflow's own class; one without a kind stays as it is."""
    if not isinstance(given, dict) or "kind" not in given:
        return given
    kind = given["kind"]
    schema = {"type": "string", "format": "date"} if kind == "date" else {"type": kind}
    more = {
        _OF_JSON_SCHEMA.get(name, name): argument(value) if name in {"minimum", "maximum"} else value
        for name, value in given.items()
        if name not in {"kind", "default"}
    }
    if "default" in given:
        number = kind in {"integer", "number", "boolean"}
        more["default"] = argument(given["default"]) if number else given["default"]
    return {"__type__": "airflow.sdk.Param", **schema, **more}
