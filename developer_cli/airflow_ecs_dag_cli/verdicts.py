"""What the loader will say about the DAGs in a file, and where in the file each problem stands."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_cli.cloudformation import is_function, text_of
from airflow_ecs_dag_cli.definition_files import FileKind, definitions_of, read_definitions
from airflow_ecs_dag_cli.source_document import UnreadableFileError
from airflow_ecs_dag_schema import DagSpec, LabelError, Problem, decode, describes_dag
from airflow_ecs_dag_schema.codec import dag_id_label
from airflow_ecs_dag_schema.deprecations import notices
from airflow_ecs_dag_schema.limits import TASK_DEFINITION_BYTES, too_large
from airflow_ecs_dag_schema.problems import label_path
from airflow_ecs_dag_schema.stack_template import undeployed_violations
from airflow_ecs_dag_schema.task_definition import container_problems, labelled_problems
from airflow_ecs_dag_schema.undeployed import Reading, read_undeployed, without_tokens
from airflow_ecs_dag_schema.values import TOKEN_START

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from airflow_ecs_dag_cli.definition_files import Container, DefinitionFile, TaskDefinition
    from airflow_ecs_dag_cli.source_document import Path as SourcePath
    from airflow_ecs_dag_cli.source_document import Position, SourceDocument
    from airflow_ecs_dag_schema import Policy

_NO_CLUSTER = (
    "no cluster is named (airflow.ecs.cluster): that is refused where the platform's bundle has no argument cluster"
)


@dataclass(frozen=True)
class Finding:
    """A problem with the place where it stands.

    Attributes:
        problem: What is wrong.
        position: The line and column in the file, ``None`` where they are not known.
        path: The keys that lead there in the file's document.
    """

    problem: Problem
    position: Position | None = None
    path: SourcePath = ()


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the loader will say about one DAG.

    Attributes:
        dag_id: As far as it is known; empty if it isn't.
        definition: The task definition that declares it.
        container: The container that carries the labels; one without a name for plain labels.
        labels: The container's labels, tokens where CloudFormation makes the value.
        spec: The DAG, if nothing is wrong and enough is known to read it.
        stand_ins: The labels whose value could not be judged before the deployment.
        findings: What is wrong; the loader takes the DAG if there is nothing.
        notes: What is worth knowing and not wrong.
        notices: What is spelled otherwise today; the loader takes it all the same.
    """

    dag_id: str
    definition: TaskDefinition
    container: Container
    labels: Mapping[str, str]
    spec: DagSpec | None
    stand_ins: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    notices: tuple[Finding, ...] = ()

    @property
    def place(self) -> str:
        """Where the DAG is declared within its file: stack, resource, container; empty for plain labels."""
        name = self.container.name
        container = f"container {label_path(without_tokens(name))}" if name else ""
        place = label_path(self.definition.place) if self.definition.place else ""
        return ", ".join(part for part in (place, container) if part)


@dataclass(frozen=True, kw_only=True)
class FileVerdict:
    """What the loader will say about a file.

    Attributes:
        name: The file as it was named.
        kind: What it is; ``None`` if it can't be read.
        verdicts: One for each DAG.
        error: Why it can't be read; empty if it can.
        stacks: Of an app, the names of its stacks.
    """

    name: str
    kind: FileKind | None = None
    verdicts: tuple[Verdict, ...] = ()
    error: str = ""
    stacks: tuple[str, ...] = ()


def judge(name: str, policy: Policy | None = None) -> FileVerdict:
    """Judge the file, the folder or (``-``) the standard input that ``name`` is, under ``policy`` if one is given."""
    try:
        file = read_definitions(name)
    except UnreadableFileError as error:
        return FileVerdict(name=name, error=str(error))
    return judge_definitions(file, policy)


def judge_source(source: SourceDocument, name: str) -> FileVerdict:
    """Judge what is read already of the file, or whatever else, that ``name`` is."""
    try:
        return judge_definitions(definitions_of(source, name))
    except UnreadableFileError as error:
        return FileVerdict(name=name, error=str(error))


def judge_definitions(file: DefinitionFile, policy: Policy | None = None) -> FileVerdict:
    """Judge the DAGs of a file that is read already, under ``policy`` if one is given."""
    verdicts = [verdict for definition in file.definitions for verdict in _of_definition(definition, policy)]
    return FileVerdict(name=file.name, kind=file.kind, verdicts=tuple(_with_rivals(verdicts)), stacks=file.stacks)


def _of_definition(definition: TaskDefinition, policy: Policy | None) -> Iterator[Verdict]:
    labelled = [each for each in definition.containers if describes_dag(each.labels)]
    if not labelled:
        return
    container = labelled[0]
    labels, problems, notes = _texts(container, definition.kind)
    problems += labelled_problems([without_tokens(each.name) for each in labelled])
    if definition.size is not None and definition.size > TASK_DEFINITION_BYTES:
        problems.append(too_large(labels, definition.size))
    reading = Reading(spec=None) if problems else read_undeployed(labels)
    problems += reading.problems
    if reading.spec is not None:
        problems += _container_problems(definition, reading.spec)
        if reading.spec.ecs.cluster is None:
            notes.append(_NO_CLUSTER)
    if policy is not None and not problems:
        for violation in undeployed_violations(labels, reading, policy, datetime.now(UTC)):
            if violation.refuses(policy.mode):
                problems.append(violation.problem)
            else:
                notes.append(f"the policy warns: {violation.problem}")
    yield Verdict(
        dag_id=without_tokens(labels[label]) if (label := dag_id_label(labels)) else "",
        definition=definition,
        container=container,
        labels=labels,
        spec=None if problems else reading.spec,
        stand_ins=reading.stand_ins,
        findings=tuple(_findings(problems, container, definition)),
        notes=(
            *definition.notes,
            *notes,
            *(
                f"{key} is known only after the deployment: {without_tokens(reading.stand_ins[key])}"
                for key in reading.stand_ins
            ),
            *_written_twice(container, definition),
        ),
        notices=tuple(_findings(notices(labels), container, definition)),
    )


def _texts(container: Container, kind: FileKind) -> tuple[dict[str, str], list[Problem], list[str]]:
    """Return the labels as ECS will hold them, those that can't be such, and what is risky about the others."""
    labels: dict[str, str] = {}
    problems, notes = [], []
    in_template = kind in {FileKind.APP, FileKind.TEMPLATE}
    for key, value in container.labels.items():
        text = text_of(value) if in_template or (kind is FileKind.LABELS and is_function(value)) else value
        if not key.startswith("airflow."):
            labels[key] = text if isinstance(text, str) else ""
        elif not isinstance(text, str):
            problems.append(Problem(label_path(key), "a label's value is a text: quote it", _as_written(value)))
        elif isinstance(value, str) and TOKEN_START in value:
            problems += _unresolved(key, value)
        else:
            labels[key] = text
            if not isinstance(value, str | dict):
                notes.append(f"{label_path(key)} has no quotes; CloudFormation will make a text of it: {text}")
    return labels, problems, notes


def _unresolved(key: str, text: str) -> tuple[Problem, ...]:
    """Return the problem of a token that the CDK left open, in the loader's words."""
    try:
        decode({key: text})
    except LabelError as error:
        return error.problems
    return ()


def _as_written(value: Any) -> str:  # noqa: ANN401 - whatever stands in the file
    return "nothing" if value is None else text_of(value) or type(value).__name__


def _container_problems(definition: TaskDefinition, spec: DagSpec) -> list[Problem]:
    if definition.kind is FileKind.LABELS:
        return []
    return container_problems(spec, [each.name for each in definition.containers])


def _findings(problems: Iterable[Problem], container: Container, definition: TaskDefinition) -> Iterator[Finding]:
    written = {label_path(key): key for key in container.labels}
    for problem in sorted(set(problems), key=lambda each: (each.path, each.message)):
        shown = problem if problem.value is None else replace(problem, value=without_tokens(problem.value))
        label = written.get(problem.path) or next(
            (key for path, key in written.items() if path.startswith(f"{problem.path}.")), None
        )
        path = container.path if label is None else (*container.path, label)
        yield Finding(shown, definition.source.position(path), path)


def _written_twice(container: Container, definition: TaskDefinition) -> Iterator[str]:
    for path in definition.source.keys_written_twice:
        if path[:-1] == container.path and str(path[-1]).startswith("airflow."):
            yield f"{label_path(str(path[-1]))} is written twice; the last one counts"


def _with_rivals(verdicts: list[Verdict]) -> Iterator[Verdict]:
    """Yield the verdicts; a dag id that an earlier DAG of the same template has makes the later ones wrong."""
    first: dict[tuple[str, str], Verdict] = {}
    for verdict in verdicts:
        earlier = first.setdefault((verdict.definition.file, verdict.dag_id), verdict)
        label = dag_id_label(verdict.labels)
        if earlier is verdict or label is None or not verdict.dag_id:
            yield verdict
        elif earlier.definition.conditional or verdict.definition.conditional:
            note = f"{earlier.place} has the same dag id; only one of them may be deployed"
            yield replace(verdict, notes=(*verdict.notes, note))
        else:
            problem = Problem(label, f"{earlier.place} has the same dag id: choose another one", verdict.dag_id)
            path = (*verdict.container.path, label)
            finding = Finding(problem, verdict.definition.source.position(path), path)
            yield replace(verdict, spec=None, findings=(*verdict.findings, finding))
