"""Labels of a stack that is not deployed yet: some values are known only when CloudFormation has filled them in.

Such a value is a text with a token in it, ``${Token[Ref Cluster]}``, in CDK's own spelling. Where a field takes any
text, a token passes as it does at synth. Where a field is read (a number, a moment, an id) the token proves nothing,
right or wrong: something plausible stands in for it, so that everything else is still checked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_ecs_dag_schema import labels_2019, labels_v1
from airflow_ecs_dag_schema.codec import decode, is_own, unresolved
from airflow_ecs_dag_schema.limits import label_problems
from airflow_ecs_dag_schema.packed import is_packed, unpacked
from airflow_ecs_dag_schema.problems import LabelError, Problem
from airflow_ecs_dag_schema.values import TOKEN_START

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_ecs_dag_schema.dag import DagSpec

_TOKEN = re.compile(re.escape(TOKEN_START) + r"(?P<name>[^\]]*)\]\}")
_TEMPLATE = re.compile(r"\{[{%#]")
_INDEX = re.compile(r"\.\d+\Z", re.ASCII)
_TASK_ID = r"airflow\.tasks\.[^.]+\.task_id\Z"
_JUDGED_WITH = tuple(
    (re.compile(problem), re.compile(stand_in))
    for problem, stand_in in (
        (r"airflow\.dag\.end_date\Z", r"airflow\.dag\.start_date\Z"),
        (r"airflow\.dag\.deadline\Z", r"airflow\.dag\.alerts\."),
        (r"airflow\.dag\.groups\b", rf"airflow\.dag\.groups\.\d+\.group_id\Z|{_TASK_ID}"),
        (r"airflow\.tasks\b", _TASK_ID),
        (r"airflow\.tasks\.[^.]+\.param\Z", r"airflow\.dag\.params\.[^.]+\.kind\Z"),
        (r"airflow\.tasks\.[^.]+\.trigger_rule\Z", r"airflow\.dag\.fail_fast\Z|airflow\.tasks\.[^.]+\.is_setup\Z"),
    )
)
"""Labels whose problem may come from another one's value."""
_ROOMS = frozenset({"airflow", "airflow.dag", "airflow.ecs", "airflow.tasks"})
_STAND_INS = (
    "known-at-deploy",
    "1",
    "true",
    "PT1H",
    "2000-01-01T00:00:00+00:00",
    "0 0 * * *",
    "UTC",
    "FARGATE",
    "all_success",
    "failure",
    "ecs",
    "email",
    "manual",
    "string",
    "items",
    "2000-01-01",
    "1.0.0",
    "128",
    "https://known-at-deploy.example.com/",
)
"""One of these passes in each field of the contract."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What labels mean as far as it is known before the deployment.

    Attributes:
        spec: The DAG; ``None`` if there are problems. A field in ``stand_ins`` holds something plausible.
        problems: What the loader would refuse, whatever the tokens turn out to be.
        stand_ins: The labels whose value could not be judged: label to its text, tokens included.
    """

    spec: DagSpec | None
    problems: tuple[Problem, ...] = ()
    stand_ins: Mapping[str, str] = field(default_factory=dict)


def token(name: str) -> str:
    """Return the text that stands for a value not known yet, such as ``Ref Cluster``."""
    return f"{TOKEN_START}{name.replace(']', ')').replace('[', '(')}]}}"


def without_tokens(text: str, *, by: str = r"${\g<name>}") -> str:
    r"""Return ``text`` as a person reads it: ``${Token[Ref Cluster]}`` becomes ``${Ref Cluster}``.

    Args:
        text: A text with tokens in it.
        by: What stands for a token; ``\g<name>`` in it is its name.
    """
    return _TOKEN.sub(by, text)


def read_undeployed(labels: Mapping[str, str]) -> Reading:
    """Return what ``labels`` mean, and what the loader would refuse; never raises ``LabelError``.

    Args:
        labels: Docker labels, tokens where CloudFormation will put a value.
    """
    own = {key: text for key, text in labels.items() if is_own(key)}
    unknown = {key for key, text in own.items() if TOKEN_START in text}
    if not unknown:
        return _known(own)
    if hidden := {key: own[key] for key in sorted(unknown) if is_packed({key: ""})}:
        return Reading(spec=None, stand_ins=hidden)
    # A token's text is not the value's: it counts as nothing, the least that it can be.
    sizes = list(label_problems({key: without_tokens(text, by="") for key, text in own.items()}))
    if sizes:
        return Reading(spec=None, problems=LabelError(sizes).problems)
    written = dict(own)
    reading = _attempt(own)
    for stand_in in _STAND_INS:
        failing = {problem.path for problem in reading.problems} & unknown
        if not failing:
            break
        own |= {key: _TOKEN.sub(stand_in, written[key]) for key in failing}
        reading = _attempt(own)
    wrong = {problem.path for problem in reading.problems if _TEMPLATE.search(written.get(problem.path, ""))}
    stand_ins = {key: written[key] for key in sorted(unknown - wrong) if own[key] != written[key]}
    problems = [
        Problem(problem.path, problem.message, written[problem.path]) if problem.path in wrong else problem
        for problem in reading.problems
        if not _is_unsure(problem.path, stand_ins)
    ]
    return Reading(spec=reading.spec, problems=tuple(problems), stand_ins=stand_ins)


def _known(labels: dict[str, str]) -> Reading:
    try:
        return Reading(spec=decode(labels))
    except LabelError as error:
        return Reading(spec=None, problems=error.problems)


def _attempt(labels: dict[str, str]) -> Reading:
    try:
        return Reading(spec=_read(labels))
    except LabelError as error:
        return Reading(spec=None, problems=error.problems)


def _read(labels: dict[str, str]) -> DagSpec:
    whole = unpacked(labels)
    if problems := unresolved({key: text for key, text in whole.items() if key not in labels}):
        raise LabelError(problems)
    labels = whole
    match labels.get(labels_v1.VERSION_LABEL):
        case None:
            return labels_2019.read(labels)
        case labels_v1.VERSION:
            return labels_v1.read(labels)
        case version:
            return decode({labels_v1.VERSION_LABEL: version})  # which says that there is no such version


def _is_unsure(path: str, stand_ins: Mapping[str, str]) -> bool:
    """Tell whether a problem may be a stand-in's only.

    It may be its own, its list's, that of all fields around it, or of a field that its kind decides.
    """
    kinds = tuple(key.removesuffix("kind") for key in stand_ins if key.endswith(".kind"))
    lists = {_INDEX.sub("", key) for key in stand_ins if _INDEX.search(key)}
    return (
        path in stand_ins
        or path in lists
        or path.startswith(kinds)
        or any(path not in _ROOMS and key.startswith(f"{path}.") for key in stand_ins)
        or any(
            problem.match(path) and any(stand_in.match(key) for key in stand_ins) for problem, stand_in in _JUDGED_WITH
        )
    )
