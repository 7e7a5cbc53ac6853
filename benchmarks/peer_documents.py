"""A case of the attack corpus in each peer's own format, or the reason why it has no meaning there."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import yaml
from peer_words import BASH, CLASSES, put_into_airflow_words, unsaid

from airflow_ecs_dag_schema.codec import describes_dag
from attacks.argument_values import argument_tree

if TYPE_CHECKING:
    from collections.abc import Mapping

    from attacks.corpus_files import Attack

OPERATOR = "airflow.providers.amazon.aws.operators.ecs.EcsRunTaskOperator"
LATEST_ONLY = "airflow.providers.standard.operators.latest_only.LatestOnlyOperator"
_RENAMED_2019 = {
    "airflow.dag.dag_id": "airflow.dag.name",
    "airflow.dag.schedule.cron": "airflow.dag.schedule_interval",
    "airflow.dag.max_active_tasks": "airflow.dag.concurrency",
}
_BLUEPRINTS = {"ecs": "ecs_container", "latest_only": "latest_only"}
"""The steps of the platform's airflow-blueprint that have other names there than with us."""
_PRESETS = {"continuous": "@continuous", "once": "@once"}
_DEFAULTS = ("owner", "retries", "retry_delay", "execution_timeout", "depends_on_past", "start_date", "end_date")
_UNSAID = re.compile(r"airflow\.dag\.(?:schedule\.(?:kind|timezone)|alerts\.\d+\.(?!to\b))")
"""Labels of which the YAML files of the peers say nothing: a timezone, what an alert has beside its addresses."""
_OF_A_DEPLOYMENT = re.compile(r"\{\{\s*resolve\b|\$\{Token", re.IGNORECASE)
"""What CloudFormation or the CDK would fill in, and in no file of a peer's."""
_FIRST_DAY = "2026-01-01T00:00:00+00:00"


class NotApplicableError(Exception):
    """A case says nothing in a peer's format; the message says why."""


def _check_said(case: Attack, peer: str) -> None:
    thing = unsaid(case, peer)
    if thing:
        raise NotApplicableError(f"its files can't say it: {thing}")


def of_2019(case: Attack, canary: str) -> dict[str, Any]:
    """Return a task definition with labels of 2019."""
    _check_said(case, "2019")
    if case.category == "packed-forms":
        raise NotApplicableError("2019 had no such form")
    containers = {name: _labels_2019(case, labels) for name, labels in case.containers(canary).items() if labels}
    return {"family": case.the_family, "containers": containers}


def _labels_2019(case: Attack, labels: Mapping[str, str]) -> dict[str, str]:  # noqa: C901 - a case a kind of label
    written: dict[str, str] = {}
    attacked = next(iter(case.labels), "") if case.at is None else case.at
    for key, text in labels.items():
        name = _RENAMED_2019.get(key, key)
        if key.startswith(("airflow.ecs.", "airflow.schema_version", "airflow.dag.schedule.")) and name == key:
            if _is_below(key, attacked) and not key.endswith("schedule.kind"):
                raise NotApplicableError("2019 had no such setting, or its own and no other")
            if key.endswith("schedule.kind") and text in _PRESETS:
                written["airflow.dag.schedule_interval"] = _PRESETS[text]
            continue
        if name.startswith("airflow.dag.alerts."):
            if ".to." in name:
                written[f"airflow.dag.email.{name.rpartition('.')[2]}"] = text
            elif _is_below(key, attacked):
                raise NotApplicableError("2019 had no such alert")
            continue
        if name.startswith("airflow.dag.params."):
            if name.endswith(".default"):
                written[name.removesuffix(".default")] = text
            continue
        name = name.replace("airflow.dag.defaults.", "airflow.dag.")
        if name.startswith("airflow.tasks."):
            name = _task_label_2019(name, text, written)
        if name:
            written[name] = text
    if case.base == "v1":
        written.setdefault("airflow.dag.start_date", _FIRST_DAY)
    return written


def _is_below(key: str, label: str) -> bool:
    return key == label or key.startswith(f"{label}.")


def _task_label_2019(name: str, text: str, written: dict[str, str]) -> str:
    """Return the label's name of then; an empty one for a label that is not needed."""
    room, _, field = name.partition(".kind")
    if not field and name.endswith(".kind"):
        if text == "latest_only":
            written[f"{room}.class"] = "airflow.operators.latest_only_operator.LatestOnlyOperator"
        elif text == "ecs":
            written[f"{room}.trigger_rule"] = "all_success"  # a task needs one label at least
        elif text != "operator":  # whose class is in a label of its own
            written[f"{room}.class"] = text
        return ""
    if name.endswith(".operator"):
        room = name.removesuffix(".operator")
        written[f"{room}.class"] = CLASSES.get(text, text)
        if written[f"{room}.class"] == BASH:
            written[f"{room}.bash_command"] = "id"
        return ""
    return name.replace(".upstream.", ".depends.").replace(".command.0", ".command").replace(".arguments.", ".")


def _tree(case: Attack, canary: str, peer: str) -> dict[str, Any]:  # noqa: C901 - a case a way of saying nothing there
    """Return what a case says, in the types of Python, labels of 2019 in the words of version 1."""
    _check_said(case, peer)
    if case.category in {"label-forms", "packed-forms"}:
        raise NotApplicableError("it is about the form of labels")
    if any(_OF_A_DEPLOYMENT.search(text or "") for text in case.labels.values()):
        raise NotApplicableError("a deployment fills in labels, and no such file")
    if _UNSAID.match(next(iter(case.labels), "") if case.at is None else case.at):
        raise NotApplicableError("its file has no such field")
    if case.also_labelled:
        raise NotApplicableError("it is about containers")
    try:
        tree = argument_tree(case.all_labels(canary))
    except (AttributeError, TypeError, ValueError):
        raise NotApplicableError("it is about the form of labels") from None
    if not isinstance(tree.get("dag", {}), dict) or not isinstance(tree.get("ecs", {}), dict):
        raise NotApplicableError("it is about the form of labels")
    if case.base == "2019":
        dag, tasks = tree["dag"], tree.get("tasks", {})
        for old, new in (("name", "dag_id"), ("concurrency", "max_active_tasks"), ("schedule_interval", "schedule")):
            if old in dag:
                dag[new] = dag.pop(old)
        for task in tasks.values():
            if "depends" in task:
                task["upstream"] = task.pop("depends")
            if isinstance(task.get("command"), str):
                task["command"] = [task["command"]]
    put_into_airflow_words(tree, {} if peer == "blueprint" else CLASSES)
    return tree


def _plain(value: Any) -> Any:  # noqa: ANN401 - any value of YAML
    match value:
        case datetime():
            return value.isoformat()
        case timedelta():  # as dag-factory has it; the blueprints take none
            return {"__type__": "datetime.timedelta", "seconds": value.total_seconds()}
        case {"__args__": str() as text}:  # dag-factory takes a list
            return {key: _plain(each) for key, each in value.items()} | {"__args__": [text]}
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case list():
            return [_plain(each) for each in value]
        case _:
            return value


def _schedule(dag: dict[str, Any]) -> Any:  # noqa: ANN401 - a text, a duration, None or what an attack has there
    schedule = dag.pop("schedule", None)
    if not isinstance(schedule, dict):
        return schedule
    if schedule.get("kind") == "assets":
        return [asset["uri"] for asset in schedule.get("assets", [])]
    return schedule.get("cron", schedule.get("every", _PRESETS.get(schedule.get("kind", ""))))


def _emails(dag: dict[str, Any], given: dict[str, Any]) -> None:
    alerts = dag.pop("alerts", [])
    addresses = [each for alert in alerts if isinstance(alert, dict) for each in alert.get("to", [])]
    if addresses:
        given |= {"email": addresses, "email_on_failure": True}


def of_dag_factory(case: Attack, canary: str) -> str:
    """Return a YAML file of dag-factory."""
    tree = _tree(case, canary, "dag-factory")
    dag = dict(tree.get("dag", {}))
    dag_id = dag.pop("dag_id", "")
    schedule = _schedule(dag)
    defaults: dict[str, Any] = {"owner": "airflow", "start_date": _FIRST_DAY}
    _emails(dag, defaults)
    for source in (dag.pop("defaults", {}), dag):
        for name in [name for name in source if name in _DEFAULTS]:
            defaults[name] = source.pop(name) if source is dag else source[name]
    written = dict(dag)
    if isinstance(written.get("groups"), dict):
        groups = [dict(each) for each in written.pop("groups").values()]
        written["task_groups"] = [{"group_name": each.pop("group_id", ""), **each} for each in groups]
    written |= {"default_args": defaults, "tasks": [_dag_factory_task(*item, tree) for item in _tasks(tree)]}
    if schedule is not None:
        written["schedule"] = schedule
    return yaml.safe_dump({str(dag_id): _plain(written)}, sort_keys=False, allow_unicode=False)


def _tasks(tree: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    tasks = tree.get("tasks", {})
    return [(task_id, dict(given) if isinstance(given, dict) else {}) for task_id, given in tasks.items()]


def _words(value: Any) -> list[Any]:  # noqa: ANN401 - a list, or what an attack has in its place
    return value if isinstance(value, list) else [value]


def _dag_factory_task(task_id: str, given: dict[str, Any], tree: dict[str, Any]) -> dict[str, Any]:
    kind = given.pop("kind", "ecs")
    path = given.pop("class", {"ecs": OPERATOR, "latest_only": LATEST_ONLY}.get(kind, kind))
    upstream = given.pop("upstream", {})
    task = {"task_id": task_id, "operator": path, "dependencies": list(upstream.values())}
    task |= {name: value for name, value in given.items() if name not in {"args", "command"}}
    if path == OPERATOR:
        command = [*_words(given.get("command", [task_id])), *_words(given.get("args", []))]
        ecs = dict(tree.get("ecs", {}))
        overrides = ecs.pop("overrides", {})
        overrides = overrides if isinstance(overrides, dict) else {}
        overrides = {"containerOverrides": [{"name": "main", "command": command}], **overrides}
        task |= {"cluster": "shared", "task_definition": "work", "container_name": "main", "overrides": overrides}
        task |= _operator_arguments(ecs)
        if "task_definition" in given:
            task["task_definition"] = given["task_definition"]
        _set_environment(task, task.pop("environment", None))
    outlets = task.get("outlets")
    if isinstance(outlets, list):
        task["outlets"] = [_asset(each) for each in outlets]
    if isinstance(task.get("expand"), dict):
        task["expand"] = _expanded(task, task["expand"])
    return task


def _set_environment(task: dict[str, Any], variables: Any) -> None:  # noqa: ANN401 - or what an attack has there
    containers = task["overrides"].get("containerOverrides")
    if variables is not None and isinstance(containers, list):
        if isinstance(variables, dict):
            variables = [{"name": name, "value": text} for name, text in variables.items()]
        containers[0]["environment"] = variables


def _asset(given: dict[str, Any]) -> Any:  # noqa: ANN401 - a URI, or Airflow's class with more
    return given["uri"] if set(given) == {"uri"} else {"__type__": "airflow.sdk.Asset", **given}


def _expanded(task: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return over what the overrides of a task are mapped: a list of items, each added to the command, or an output."""
    whole = task.pop("overrides")
    if given.get("kind") == "output":
        return {"overrides": f"{given['task_id']}.output"}
    (container, *_) = whole["containerOverrides"]
    return {
        "overrides": [
            {"containerOverrides": [{**container, "command": [*container["command"], item]}]} for item in given["items"]
        ]
    }


def _operator_arguments(ecs: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of ECS in the words of the provider's operator; what it does not know stays as it is."""
    network = {"subnets": ecs.pop("subnets", []), "securityGroups": ecs.pop("security_groups", [])}
    public = ecs.pop("assign_public_ip", None)
    if public is not None:
        network["assignPublicIp"] = "ENABLED" if public else "DISABLED"
    strategy = ecs.pop("capacity_provider_strategy", [])
    arguments = dict(ecs)
    if network["subnets"] or network["securityGroups"]:
        arguments["network_configuration"] = {"awsvpcConfiguration": network}
    if strategy:
        arguments["capacity_provider_strategy"] = [
            {"capacityProvider": each.get("name"), "weight": each.get("weight", 1)} for each in strategy
        ]
    return arguments


def of_blueprint(case: Attack, canary: str, *, is_raw: bool) -> str:
    """Return a YAML file of airflow-blueprint.

    Args:
        case: What to write down.
        canary: The file that an attack would make.
        is_raw: Whether templates are marked so that Airflow fills them in; without it blueprint does, at each parse.
    """
    tree = _tree(case, canary, "blueprint")
    dag = dict(tree.get("dag", {}))
    dag.pop("params", None)
    schedule = _schedule(dag)
    _emails(dag, dag)
    dag |= dag.pop("defaults", {})
    if isinstance(schedule, timedelta):
        raise NotApplicableError("the schedules of its platform are texts")
    if schedule is not None:
        dag["assets" if isinstance(schedule, list) else "schedule"] = schedule
    steps = {}
    for task_id, given in _tasks(tree):
        kind = given.pop("class", given.pop("kind", "ecs"))
        for name in [name for name, value in given.items() if isinstance(value, timedelta)]:
            given["seconds" if name == "delta" else name] = given.pop(name).total_seconds()
        step = {"blueprint": _BLUEPRINTS.get(kind, kind)}
        outlets, expand = given.get("outlets"), given.pop("expand", None)
        if isinstance(outlets, list):
            given["outlets"] = [each["uri"] for each in outlets]
        if expand is not None:
            if expand.get("kind") != "items":
                raise NotApplicableError("its steps are mapped over items")
            given["items"] = expand["items"]
        upstream = given.pop("upstream", {})
        step |= {"depends_on": list(upstream.values()), **(tree.get("ecs", {}) if kind == "ecs" else {}), **given}
        steps[task_id] = step
    document = _plain({"dag_id": dag.pop("dag_id", ""), **dag, "steps": steps})
    # In double quotes and on one line each, so that the text between template marks is what the case has.
    return yaml.safe_dump(_raw(document) if is_raw else document, sort_keys=False, default_style='"', width=1_000_000)


def _raw(value: Any) -> Any:  # noqa: ANN401 - any value of YAML
    if isinstance(value, str) and any(mark in value for mark in ("{{", "{%", "{#")):
        return f"{{% raw %}}{value}{{% endraw %}}"
    if isinstance(value, dict):
        return {key: _raw(each) for key, each in value.items()}
    return [_raw(each) for each in value] if isinstance(value, list) else value


def of_ours(case: Attack, canary: str) -> dict[str, Any]:
    """Return a task definition as ECS has it."""
    containers = case.containers(canary)
    return {
        "family": case.the_family,
        "containers": {name: labels for name, labels in containers.items() if describes_dag(labels) or not labels},
    }
