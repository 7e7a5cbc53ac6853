"""Operators of Airflow's that a DAG may ask for by name: which arguments each takes, and of which type.

No label ever names a class. What a name stands for is Airflow's side's to know: the names here are built in, and the
platform's policy may add its own, each with a signature like these.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from airflow_ecs_dag_schema.problems import shown
from airflow_ecs_dag_schema.templates import is_template
from airflow_ecs_dag_schema.values import TOKEN_START, FrozenModel, Many, Map, Name, Word, pattern, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Arguments = Mapping[str, str | tuple[str, ...]]

OperatorName = Annotated[Word, pattern(r"[a-z][a-z0-9_]{0,99}", "a name such as s3_key_sensor")]
ArgumentKind = Literal["text", "integer", "flag", "duration", "moment", "texts", "json"]
"""What an argument is: one text, one number in digits, ``true``/``false``, ``PT5M``, ``2026-01-31T03:00:00+00:00``, a
list of texts, or a JSON object, in whose texts templates are filled in one by one."""


class Argument(FrozenModel):
    """One argument of an operator.

    Attributes:
        kind: Its type.
        required: Whether it must be given.
        template: Whether templates in it are filled in; only texts and lists of texts can have any.
        choices: The texts that it may be; without any, each.
        description: What it says.
    """

    kind: ArgumentKind = "text"
    required: bool = False
    template: bool = False
    choices: Annotated[Many[str], Field(max_length=50)] = ()
    description: str = ""


class OperatorSignature(FrozenModel):
    """The arguments that an operator takes, by name."""

    arguments: Map[Name, Argument]


def _signature(**arguments: Argument) -> OperatorSignature:
    return OperatorSignature(arguments=arguments)


_STATES = ("success", "failed", "skipped")
_DAG_ID = Argument(required=True, description="The other DAG.")
_WAIT = {
    "poke_interval": Argument(kind="duration", description="Time between two looks; without it, a minute."),
    "timeout": Argument(kind="duration", description="It fails after so long; without it, after 7 days."),
    "soft_fail": Argument(kind="flag", description="Whether it is skipped instead of failing at its timeout."),
}
BUILT_IN: dict[str, OperatorSignature] = {
    "approval": _signature(
        subject=Argument(required=True, template=True, description="What a person is asked to approve, in one line."),
        body=Argument(template=True, description="What there is to know, in Markdown."),
        response_timeout=Argument(kind="duration", description="It fails if nobody answered for so long."),
        fail_on_reject=Argument(kind="flag", description="Whether a rejection fails instead of skipping."),
    ),
    "date_time_sensor": _signature(
        target_time=Argument(
            required=True, template=True, description="It goes on at this moment, such as {{ data_interval_end }}."
        ),
        timeout=_WAIT["timeout"],
        soft_fail=_WAIT["soft_fail"],
    ),
    "empty": _signature(),
    "external_task_sensor": _signature(
        external_dag_id=_DAG_ID,
        external_task_ids=Argument(kind="texts", description="Tasks of it; without any, its whole run."),
        execution_delta=Argument(
            kind="duration", description="How much earlier the other run's logical date is; without it, the same."
        ),
        allowed_states=Argument(kind="texts", choices=_STATES, description="Without any, success."),
        failed_states=Argument(kind="texts", choices=_STATES, description="States in which it fails at once."),
        **_WAIT,
    ),
    "glue_job_sensor": _signature(
        job_name=Argument(required=True, template=True, description="The Glue job."),
        run_id=Argument(required=True, template=True, description="Its run."),
        **_WAIT,
    ),
    "s3_key_sensor": _signature(
        bucket_name=Argument(required=True, description="The bucket."),
        bucket_key=Argument(kind="texts", required=True, template=True, description="Keys that must all be there."),
        wildcard_match=Argument(kind="flag", description="Whether * and ? in the keys stand for any text."),
        **_WAIT,
    ),
    "sagemaker_training_sensor": _signature(
        job_name=Argument(required=True, template=True, description="The training job."),
        **_WAIT,
    ),
    "sqs_sensor": _signature(
        sqs_queue=Argument(required=True, description="URL of the queue; a message received is deleted."),
        max_messages=Argument(kind="integer", description="Messages taken at once, 1 to 10; without it, 5."),
        **_WAIT,
    ),
    "time_delta_sensor": _signature(
        delta=Argument(kind="duration", required=True, description="Time after the end of the data interval."),
        timeout=_WAIT["timeout"],
        soft_fail=_WAIT["soft_fail"],
    ),
    "trigger_dag_run": _signature(
        trigger_dag_id=_DAG_ID,
        conf=Argument(kind="json", template=True, description="The other run's configuration, a JSON object."),
        wait_for_completion=Argument(kind="flag", description="Whether it waits for the other run to succeed."),
        reset_dag_run=Argument(kind="flag", description="Whether a run of the same moment is cleared."),
    ),
}
"""The operators that every platform knows; which of them it allows is its policy."""

HARMLESS = frozenset({"approval", "date_time_sensor", "empty", "time_delta_sensor"})
"""Operators that touch nothing but their own run: allowed unless the policy says otherwise."""

_INTEGER = re.compile(r"(?:0|[1-9]\d{0,8})\Z", re.ASCII)


def argument_problems(operator: str, arguments: Arguments) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the arguments of a built-in operator; those of another one the platform knows."""
    if (signature := BUILT_IN.get(operator)) is not None:
        yield from signature_problems(signature, arguments)
        if operator == "external_task_sensor":
            yield from _state_problems(arguments)


def _state_problems(arguments: Arguments) -> Iterator[tuple[str, str]]:
    """Yield what Airflow refuses of the states that an external task sensor waits for, if they are states."""
    allowed = tuple(arguments.get("allowed_states") or ("success",))
    failed = tuple(arguments.get("failed_states") or ())
    if again := [state for state in _STATES if (*allowed, *failed).count(state) > 1]:
        default = (
            "" if arguments.get("allowed_states") else " (without allowed_states, success is the one it waits for)"
        )
        name = "failed_states" if failed else "allowed_states"
        yield name, f"each state stands once in allowed_states and failed_states{default}: leave out one {again[0]}"
    if not arguments.get("external_task_ids"):
        for name, states in (("allowed_states", allowed), ("failed_states", failed)):
            if "skipped" in states:
                yield name, "a run is never skipped, only tasks are: give external_task_ids, or leave skipped out"


def signature_problems(signature: OperatorSignature, arguments: Arguments) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with ``arguments`` for an operator with this signature: the argument, and what it is."""
    for name in sorted(arguments.keys() - signature.arguments.keys()):
        yield name, f"unknown argument; allowed: {', '.join(signature.arguments) or 'none'}"
    for name, declared in signature.arguments.items():
        if name in arguments:
            for problem in _value_problems(declared, arguments[name]):
                yield name, problem
        elif declared.required:
            yield name, "this argument is missing and has no default: give it"


def _value_problems(declared: Argument, given: str | tuple[str, ...]) -> Iterator[str]:
    texts = given if isinstance(given, tuple) else (given,)
    if isinstance(given, tuple) != (declared.kind == "texts"):
        yield f"expected {'a list of texts' if declared.kind == 'texts' else 'one value, no list'}"
        return
    for text in texts:
        if declared.required and not text:
            yield "an empty text says nothing: give it"
        elif is_template(text) and not declared.template:
            yield "this argument takes no template: write its value out"
        elif declared.choices and text not in declared.choices and TOKEN_START not in text:
            yield f"choose one of {', '.join(declared.choices)}"
        elif (
            TOKEN_START not in text
            and (declared.kind == "json" or not is_template(text))
            and (problem := _text_problem(declared.kind, text))
        ):
            yield problem


def _text_problem(kind: ArgumentKind, text: str) -> str | None:
    try:
        read_argument(kind, text)
    except ValueError as error:
        return str(error)
    return None


def read_argument(kind: ArgumentKind, text: str) -> object:
    """Return the value that a text stands for.

    Raises:
        ValueError: It stands for none of that kind.
    """
    match kind:
        case "integer":
            if not _INTEGER.match(text):
                raise ValueError("expected a whole number in digits, such as 3")
            return int(text)
        case "flag":
            if text not in {"true", "false"}:
                raise ValueError("expected true or false")
            return text == "true"
        case "json":
            return _read_object(text)
        case "duration" | "moment":
            return read_text(kind, text)
        case _:
            return text


def _read_object(text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict):
        hidden = [each for each in _texts_in(value) if is_template(each) and each not in text]
        if hidden:
            raise ValueError(f"the template {shown(hidden[0])} stands in it in escapes: write it as it is")
    if not isinstance(value, dict):
        raise ValueError('expected a JSON object, such as {"day": "{{ ds }}"}')  # noqa: TRY004 - a wrong text is a wrong value
    return value


def _texts_in(value: object) -> Iterator[str]:
    """Yield each text of a JSON value, names of entries included."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str() as text:
                yield text
            case list() as items:
                waiting.extend(items)
            case dict() as entries:
                waiting.extend((*entries.keys(), *entries.values()))
