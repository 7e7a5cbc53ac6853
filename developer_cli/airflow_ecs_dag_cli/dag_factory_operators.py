"""Operators of a dag-factory file as the kinds of task that the contract has.

A task becomes an ECS task where its command can be told: a shell command, the command of a container. Airflow's own
operators that every platform knows stay what they are.
"""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_cli.dag_factory_values import TYPE, NotCarriedOverError, duration_of
from airflow_ecs_dag_schema.label_text import to_text
from airflow_ecs_dag_schema.operators import BUILT_IN
from airflow_ecs_dag_schema.undeployed import token

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_ecs_dag_cli.config_parts import Fields, Part
    from airflow_ecs_dag_schema.operators import ArgumentKind

BASH_SKIPS = 99
"""The exit code with which Airflow's BashOperator skips its task, unless it is told another one."""
_OPERATORS = {
    "ApprovalOperator": "approval",
    "DateTimeSensor": "date_time_sensor",
    "DateTimeSensorAsync": "date_time_sensor",
    "DummyOperator": "empty",
    "EmptyOperator": "empty",
    "ExternalTaskSensor": "external_task_sensor",
    "GlueJobSensor": "glue_job_sensor",
    "S3KeySensor": "s3_key_sensor",
    "SageMakerTrainingSensor": "sagemaker_training_sensor",
    "SqsSensor": "sqs_sensor",
    "TimeDeltaSensor": "time_delta_sensor",
    "TimeDeltaSensorAsync": "time_delta_sensor",
    "TriggerDagRunOperator": "trigger_dag_run",
}
_SYNONYMS = {"external_task_id": "external_task_ids", "execution_timeout": "response_timeout"}
_WITHOUT_MEANING = {
    "sensor": ("mode", "deferrable", "check_existence", "aws_conn_id", "exponential_backoff", "silent_fail"),
    "BashOperator": ("append_env", "output_encoding", "env_from_os"),
    "DockerOperator": (
        *("api_version", "auto_remove", "docker_conn_id", "docker_url", "force_pull", "mount_tmp_dir", "network_mode"),
        *("retrieve_output", "tls_verify", "tty", "xcom_all", "container_name"),
    ),
    "KubernetesPodOperator": (
        *("cluster_context", "config_file", "deferrable", "get_logs", "image_pull_policy", "in_cluster", "labels"),
        *("kubernetes_conn_id", "name", "namespace", "on_finish_action", "startup_timeout_seconds"),
        *(
            "is_delete_operator_pod",
            "hostnetwork",
            "random_name_suffix",
            "log_events_on_failure",
            "reattach_on_restart",
        ),
    ),
    "EcsRunTaskOperator": (
        *("aws_conn_id", "awslogs_fetch_interval", "awslogs_group", "awslogs_region", "awslogs_stream_prefix"),
        *("deferrable", "number_logs_exception", "quota_retry", "reattach", "region", "region_name"),
        *("stop_task_on_failure", "waiter_delay", "waiter_max_attempts", "propagate_tags", "wait_for_completion"),
    ),
}
"""Arguments of operators that say how Airflow reaches or watches what runs, which is the platform's here."""
_PYTHON = (
    "a Python function can't run in Airflow here: run it in a container, EcsTask(..., command=['python', '-m', ...])"
)
_INSTEAD = {
    "BranchPythonOperator": "let a container put out the choice, and use Branch(..., choice=...)",
    "ShortCircuitOperator": "let a container put out the condition, and use ShortCircuit(..., condition=...)",
    "PythonSensor": "let a container look and fail, and give it retries",
}


def task_fields(operator: str, fields: Fields, remark: Callable[[str], None]) -> dict[str, Any]:
    """Return the fields of the contract for a task of an operator.

    Args:
        operator: The dotted path of its class.
        fields: The task's fields, from which the operator's arguments are taken.
        remark: Told what is worth knowing.

    Raises:
        NotCarriedOverError: No kind of task does what it does.
    """
    name = operator.rpartition(".")[2]
    for each in _WITHOUT_MEANING.get(name, _WITHOUT_MEANING["sensor"] if name in _OPERATORS else ()):
        fields.take(each)
    match name:
        case "BashOperator":
            return _bash(fields)
        case "EcsRunTaskOperator" | "EcsOperator" | "ECSOperator":
            return _ecs(fields)
        case "DockerOperator":
            return _docker(fields)
        case "KubernetesPodOperator":
            return _pod(fields, remark)
        case "LatestOnlyOperator":
            return {"kind": "latest_only"}
        case _ if name in _OPERATORS:
            return {"kind": "operator", "operator": _OPERATORS[name], "arguments": _arguments(_OPERATORS[name], fields)}
        case _ if "Python" in name or name == "ShortCircuitOperator":
            raise NotCarriedOverError(f"{name}: {_INSTEAD.get(name, _PYTHON)}")
        case _:
            raise NotCarriedOverError(
                f"{name} runs in Airflow: do it in a container, EcsTask(...), or have the platform's policy allow the "
                "operator and use AirflowOperator(...)"
            )


def _bash(fields: Fields) -> dict[str, Any]:
    command, expand = fields.take("bash_command"), fields.take("expand")
    fields.take("partial")
    found: dict[str, Any] = {"kind": "ecs", "environment": _environment(fields.take("env"))}
    if expand is not None:
        if set(expand.fields) != {"bash_command"} or command is not None:
            raise NotCarriedOverError("it is mapped over more than bash_command: map it over one list, as {{ item }}")
        text, found["expand"] = "{{ item }}", _expansion(expand.fields["bash_command"])
    elif command is None or command.text is None:
        raise NotCarriedOverError("it has no bash_command that is a text: give it one")
    else:
        text = command.text
    if text.endswith((".sh", ".bash")):
        raise NotCarriedOverError(f"{text!r} is a file in Airflow's folder: put the file into the container's image")
    if (folder := fields.take("cwd")) is not None:
        raise NotCarriedOverError(f"cwd {folder.shown()} is a folder on Airflow's machine: begin the command with cd")
    skips = fields.take("skip_on_exit_code")
    codes = [BASH_SKIPS] if skips is None else [each.number for each in skips.items]
    return {
        **found,
        "command": ("bash", "-c", text),
        "skip_on_exit_code": tuple(code for code in codes if code is not None),
    }


def _expansion(part: Part) -> dict[str, Any]:
    if part.text is not None and part.text.endswith(".output"):
        return {"kind": "output", "task_id": part.text.removesuffix(".output")}
    if not isinstance(part.value, list) or (texts := part.texts) is None:
        raise NotCarriedOverError(f"it is mapped over {part.shown()}: map it over a list of texts, or a task's output")
    return {"kind": "items", "items": texts}


def _docker(fields: Fields) -> dict[str, Any]:
    command = fields.take("command")
    environment = {**_environment(fields.take("environment")), **_environment(fields.take("private_environment"))}
    return {"kind": "ecs", "command": _words(command), "environment": environment, **_image(fields)}


def _pod(fields: Fields, remark: Callable[[str], None]) -> dict[str, Any]:
    words, arguments = fields.take("cmds"), fields.take("arguments")
    if words is not None:
        remark("its cmds replace the image's ENTRYPOINT, which ECS can't: the image must have none")
    environment = _environment(fields.take("env_vars"))
    return {
        "kind": "ecs",
        "command": (*_words(words), *_words(arguments)),
        "environment": environment,
        **_image(fields),
    }


def _image(fields: Fields) -> dict[str, Any]:
    image = fields.take("image")
    if image is None or image.text is None:
        raise NotCarriedOverError("it names no image: give it one")
    return {"task_definition": token(f"image {image.text}")}


def _words(part: Part | None) -> tuple[str, ...]:
    """Return the words of a command; of one text, as a shell divides it."""
    if part is None:
        return ()
    if part.text is not None:
        try:
            return tuple(shlex.split(part.text))
        except ValueError as error:
            raise NotCarriedOverError(f"{part.shown()} is no command: {error}; write it as a list of words") from None
    if (texts := part.texts) is None:
        raise NotCarriedOverError(f"{part.shown()} is no list of texts: make each of its words a text")
    return texts


def _environment(part: Part | None) -> dict[str, str]:
    """Return environment variables: texts by name, or a list of objects with name and value."""
    if part is None:
        return {}
    named = part.fields
    if isinstance(part.value, list):
        pairs = [(each.fields.get("name"), each.fields.get("value")) for each in part.value]
        named = {name.text: value for name, value in pairs if name is not None and name.text and value is not None}
        if len(named) != len(pairs):
            raise NotCarriedOverError(f"{part.shown()} are no variables with name and value: give both as texts")
    found = {name: value.text for name, value in named.items()}
    if None in found.values() or not (found or part.value in ({}, [])):
        raise NotCarriedOverError(f"{part.shown()} are no texts by name: make each value a text")
    return {name: text for name, text in found.items() if text is not None}


def _ecs(fields: Fields) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": "ecs"}
    definition, overrides = fields.take("task_definition"), fields.take("overrides")
    if definition is None or definition.text is None:
        raise NotCarriedOverError("it names no task_definition: give it one")
    found["task_definition"] = definition.text
    for name, kind in {
        "cluster": "cluster",
        "launch_type": "launch_type",
        "platform_version": "platform_version",
    }.items():
        if (given := fields.take(name)) is not None:
            found[kind] = given.text
    if (strategy := fields.take("capacity_provider_strategy")) is not None:
        names = {"capacityProvider": "name", "weight": "weight", "base": "base"}
        found["capacity_provider_strategy"] = tuple(
            {names.get(name, name): value.plain() for name, value in each.fields.items()} for each in strategy.items
        )
    if (tags := fields.take("tags")) is not None:
        found["tags"] = tuple({"key": key, "value": value.text} for key, value in tags.fields.items())
    if (codes := fields.take("skip_on_exit_code")) is not None:
        found["skip_on_exit_code"] = tuple(each.number for each in codes.items)
    network = fields.take("network_configuration")
    if network is not None:
        found["network"] = _network(network)
    named = fields.take("container_name")
    found |= _overrides(overrides, named.text if named is not None else None)
    return found


def _network(part: Part) -> dict[str, Any]:
    inner = part.fields.get("awsvpcConfiguration")
    given = {} if inner is None else inner.fields
    if set(part.fields) != {"awsvpcConfiguration"} or not set(given) <= {"subnets", "securityGroups", "assignPublicIp"}:
        raise NotCarriedOverError(
            f"network_configuration {part.shown()}: give awsvpcConfiguration with its three fields"
        )
    found: dict[str, Any] = {}
    for name, own in {"subnets": "subnets", "securityGroups": "security_groups"}.items():
        if name in given:
            found[own] = given[name].texts or ()
    if "assignPublicIp" in given:
        found["assign_public_ip"] = given["assignPublicIp"].text == "ENABLED"
    return found


def _overrides(part: Part | None, container: str | None) -> dict[str, Any]:
    given = {} if part is None else part.fields
    of_containers = given.get("containerOverrides")
    containers = [] if of_containers is None else of_containers.items
    if unknown := sorted(set(given) - {"containerOverrides", "cpu", "memory", "ephemeralStorage"}):
        raise NotCarriedOverError(f"overrides name {', '.join(unknown)}: put that into the task definition")
    if len(containers) > 1:
        raise NotCarriedOverError(
            "overrides are for several containers: one task runs one, put the rest into the others"
        )
    own = containers[0].fields if containers else {}
    if unknown := sorted(set(own) - {"name", "command", "environment"}):
        raise NotCarriedOverError(
            f"a container's overrides name {', '.join(unknown)}: put that into the task definition"
        )
    found: dict[str, Any] = {"command": _words(own.get("command")), "environment": _environment(own.get("environment"))}
    name = own["name"].text if "name" in own else container
    if name is not None:
        found["container_name"] = name
    for name_there, name_here in {"cpu": "cpu", "memory": "memory_limit_mib"}.items():
        if name_there in given:
            text = given[name_there].text or ""
            if not text.isdecimal():
                raise NotCarriedOverError(
                    f"{name_there} {given[name_there].shown()} is no number: write one such as 1024"
                )
            found[name_here] = int(text)
    if "ephemeralStorage" in given:
        size = given["ephemeralStorage"].fields.get("sizeInGiB")
        found["ephemeral_storage_gib"] = None if size is None else size.number
    return found


def _arguments(operator: str, fields: Fields) -> dict[str, Any]:
    signature = BUILT_IN[operator].arguments
    found: dict[str, Any] = {}
    for theirs, own in (*_SYNONYMS.items(), *((name, name) for name in signature)):
        if own in signature and (given := fields.take(theirs)) is not None:
            found[own] = _argument(own, signature[own].kind, given)
    if operator == "s3_key_sensor" and "bucket_name" not in found and len(keys := found.get("bucket_key", ())) == 1:
        bucket, _, key = keys[0].removeprefix("s3://").partition("/")
        found |= {"bucket_name": bucket, "bucket_key": (key,)}
    return found


def _argument(name: str, kind: ArgumentKind, part: Part) -> str | tuple[str, ...]:
    match kind:
        case "duration":
            return to_text(duration_of(part))
        case "texts" if part.texts is not None:
            return part.texts
        case "flag" if isinstance(part.value, bool):
            return to_text(part.value)
        case "json" if isinstance(part.value, dict) and TYPE not in part.fields:
            return json.dumps(part.plain(), ensure_ascii=False)
        case "text" | "integer" | "moment" if part.text is not None:
            return part.text
        case _:
            raise NotCarriedOverError(f"{name} is {part.shown()}, which is none of its values: see docs/authors.md")
