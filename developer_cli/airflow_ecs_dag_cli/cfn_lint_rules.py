"""Rules for cfn-lint: what ``airflow-ecs-dag validate`` says of a template, where cfn-lint says everything else.

``cfn-lint --append-rules airflow_ecs_dag_cli.cfn_lint_rules -- reports.yaml``; needs the extra ``cfn-lint``. cfn-lint
leaves the numbers from 9000 to others. It makes a rule of every class of this module that is one, so there is no base
class here.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from cfnlint.rules import CloudFormationLintRule, RuleMatch  # type: ignore[import-untyped]

from airflow_ecs_dag_cli.definition_files import FileKind, definitions_of
from airflow_ecs_dag_cli.source_document import SourceDocument, UnreadableFileError, read_source
from airflow_ecs_dag_cli.validate_command import printable
from airflow_ecs_dag_cli.verdicts import FileVerdict, judge_definitions
from airflow_ecs_dag_schema import Policy, PolicyError
from airflow_ecs_dag_schema.problems import label_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfnlint.template import Template  # type: ignore[import-untyped]

    from airflow_ecs_dag_cli.source_document import Path as SourcePath
    from airflow_ecs_dag_cli.verdicts import Verdict

_POLICY = {"policy": {"default": "", "type": "string"}}
"""The rules' option: the file of the platform's policy, as ``airflow-ecs-dag validate --policy`` takes it."""


class RefusedDag(CloudFormationLintRule):  # type: ignore[misc] # cfn-lint's class comes without types
    """A DAG that Airflow will refuse."""

    id = "E9700"
    shortdesc = "Airflow refuses the DAG that Docker labels declare"
    description = "Each problem that airflow-ecs-dag validate finds in the airflow. labels of a task definition"
    tags: ClassVar[list[str]] = ["resources", "ecs", "airflow"]

    def __init__(self) -> None:
        super().__init__()
        self.config_definition = _POLICY

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Return what is wrong with the DAGs of a template."""
        text = _text(cfn)
        try:
            file = _judged(text, self.config.get("policy", ""))
        except PolicyError as error:
            return [RuleMatch([], printable(str(error)))]
        except UnreadableFileError as error:
            return [RuleMatch([], printable(f"its DAGs can't be judged: {error}"))] if "airflow." in text else []
        return [
            _match(finding.path, str(finding.problem), verdict, cfn)
            for verdict in file.verdicts
            for finding in verdict.findings
        ]


class OldSpelling(CloudFormationLintRule):  # type: ignore[misc] # as above
    """A label that is spelled otherwise today."""

    id = "W9700"
    shortdesc = "A label of a DAG is spelled otherwise today"
    description = "Labels of 2019, with today's label; Airflow takes them all the same"
    tags: ClassVar[list[str]] = ["resources", "ecs", "airflow"]

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Return the labels that are spelled otherwise today."""
        return [
            _match(notice.path, f"{notice.problem.path}: {notice.problem.message}", verdict, cfn)
            for verdict in _verdicts(cfn, "")
            for notice in verdict.notices
        ]


class UnknownYet(CloudFormationLintRule):  # type: ignore[misc] # as above
    """What is worth knowing of a DAG, and not wrong."""

    id = "I9700"
    shortdesc = "Something about a DAG is known only after the deployment, or is risky"
    description = "The notes of airflow-ecs-dag validate"
    tags: ClassVar[list[str]] = ["resources", "ecs", "airflow"]

    def __init__(self) -> None:
        super().__init__()
        self.config_definition = _POLICY

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Return the notes on the DAGs of a template."""
        return [
            _match(_noted(note, verdict), note, verdict, cfn)
            for verdict in _verdicts(cfn, self.config.get("policy", ""))
            for note in verdict.notes
        ]


def _verdicts(cfn: Template, policy_file: str) -> tuple[Verdict, ...]:
    """Return the verdicts on a template; none if it can't be judged, which is said by :class:`RefusedDag`."""
    try:
        return _judged(_text(cfn), policy_file).verdicts
    except (PolicyError, UnreadableFileError):
        return ()


def _text(cfn: Template) -> str:
    """Return the template as it is written; where cfn-lint alone has read it, such as from a pipe, as JSON."""
    try:
        return Path(cfn.filename or "").read_text(encoding="utf-8-sig")
    except (OSError, ValueError):
        return json.dumps(cfn.template, default=str)


@lru_cache(maxsize=4)
def _judged(text: str, policy_file: str) -> FileVerdict:
    policy = Policy.read(Path(policy_file)) if policy_file else None
    source = read_source(text)
    if not (isinstance(source.value, dict) and isinstance(source.value.get("Resources"), dict)):
        return FileVerdict(name="")  # cfn-lint's own rules say what is wrong with it
    return judge_definitions(definitions_of(source, FileKind.TEMPLATE), policy)


def _match(path: SourcePath, message: str, verdict: Verdict, cfn: Template) -> RuleMatch:
    place = f"{verdict.dag_id}: " if verdict.dag_id else ""
    location = dict(_location(path, verdict.definition.source, cfn))
    return RuleMatch(list(path), printable(f"{place}{message}"), **location)


def _location(
    path: SourcePath, source: SourceDocument, cfn: Template
) -> Iterator[tuple[str, tuple[int, int, int, int]]]:
    """Yield the label's place, as ``validate`` gives it; nothing where the text is not the file's."""
    position = source.position(path)
    if position is None or not cfn.filename or not Path(cfn.filename).is_file():
        return
    line, column = position.line - 1, position.column - 1
    yield "location", (line, column, line, column + len(str(path[-1] if path else "")))


def _noted(note: str, verdict: Verdict) -> SourcePath:
    """Return where a note belongs: to the label that it begins with, or to all labels."""
    written = {label_path(key): key for key in verdict.container.labels}
    key = written.get(note.partition(" ")[0])
    return verdict.container.path if key is None else (*verdict.container.path, key)
