"""The files that ``validate`` and ``show`` take, and the task definitions in them, whatever kind of file it is."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_cli.cloudformation import NO_VALUE, first_choice, is_function, text_of
from airflow_ecs_dag_cli.source_document import SourceDocument, Unquoted, UnreadableFileError, read_source
from airflow_ecs_dag_schema.limits import compact_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_ecs_dag_cli.source_document import Path as SourcePath

STDIN = "-"
_MANIFEST = "manifest.json"
_STACK, _NESTED_ASSEMBLY = "aws:cloudformation:stack", "cdk:cloud-assembly"
_TASK_DEFINITION, _NESTED_STACK = "AWS::ECS::TaskDefinition", "AWS::CloudFormation::Stack"


class FileKind(StrEnum):
    """What a file is."""

    APP = "synthesized app"
    TEMPLATE = "CloudFormation template"
    TASK_DEFINITION = "task definition"
    LABELS = "labels"


@dataclass(frozen=True, kw_only=True)
class Container:
    """A container of a task definition, with its labels as they are written.

    Attributes:
        name: Its name, tokens in it where CloudFormation makes the name.
        labels: Its Docker labels.
        path: Where the labels stand in the document.
        log_group: The group of CloudWatch Logs that gets its lines; empty if none does, or it isn't known.
    """

    name: str
    labels: Mapping[str, Any]
    path: SourcePath
    log_group: str = ""


@dataclass(frozen=True, kw_only=True)
class TaskDefinition:
    """A task definition in a file; plain labels are one with a single container without a name.

    Attributes:
        kind: What the file is that it stands in.
        file: The file, as a person named it or as the app's manifest does.
        place: Where in that file: the stack and the resource, or nothing.
        source: The file's content.
        containers: All of its containers.
        size: Bytes of its compact JSON; ``None`` if ECS took it already, or if it is labels alone.
        conditional: Whether a condition decides if it is deployed.
        notes: What could not be judged.
        family: Its family, tokens in it where CloudFormation makes the name; empty if nothing says it.
        roles: The ARNs of its task role and its execution role, as far as it has them, tokens in them.
    """

    kind: FileKind
    file: str
    place: str
    source: SourceDocument
    containers: tuple[Container, ...]
    size: int | None = None
    conditional: bool = False
    notes: tuple[str, ...] = ()
    family: str = ""
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DefinitionFile:
    """What one argument of the command holds.

    Attributes:
        name: As a person named it.
        kind: What it is.
        definitions: The task definitions in it.
        stacks: Of an app, the names of its stacks.
    """

    name: str
    kind: FileKind
    definitions: tuple[TaskDefinition, ...] = field(default=())
    stacks: tuple[str, ...] = ()


def read_definitions(name: str) -> DefinitionFile:
    """Read the file, the folder or (for ``-``) the standard input that ``name`` is.

    Raises:
        UnreadableFileError: It can't be read, or is none of the kinds.
    """
    path = Path(name)
    if name != STDIN and path.is_dir():
        folder = next((each for each in (path, path / "cdk.out") if (each / _MANIFEST).is_file()), None)
        if folder is None:
            raise UnreadableFileError(
                f"a folder without {_MANIFEST}, so no synthesized app: run cdk synth and give its folder cdk.out"
            )
        definitions, stacks = tuple(_of_assembly(folder)), tuple(_stacks(folder))
        return DefinitionFile(name=name, kind=FileKind.APP, definitions=definitions, stacks=stacks)
    return definitions_of(read_file(name), name)


def definitions_of(source: SourceDocument, name: str) -> DefinitionFile:
    """Find the task definitions in a file that is read already.

    Raises:
        UnreadableFileError: It is none of the kinds.
    """
    kind = _kind(source.value)
    return DefinitionFile(name=name, kind=kind, definitions=tuple(_of_document(kind, source, name)))


def read_file(name: str) -> SourceDocument:
    """Read the file or (for ``-``) the standard input that ``name`` is.

    Raises:
        UnreadableFileError: It can't be read, or is neither JSON nor YAML.
    """
    return _source(Path(name), name)


def _source(path: Path, name: str) -> SourceDocument:
    try:
        content = sys.stdin.buffer.read() if name == STDIN else path.read_bytes()
    except OSError as error:
        raise UnreadableFileError(f"it can't be read: {error.strerror}") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFileError(f"it is no text in UTF-8: {error.reason} at byte {error.start}") from None
    return read_source(text)


def _kind(value: object) -> FileKind:
    match value:
        case {"Resources": dict()}:
            return FileKind.TEMPLATE
        case {"taskDefinition": {"containerDefinitions": list()}} | {"containerDefinitions": list()}:
            return FileKind.TASK_DEFINITION
        case [dict() as first, *_] if {"name", "image"} & first.keys():
            return FileKind.TASK_DEFINITION
        case dict() if _are_labels(value):
            return FileKind.LABELS
        case {"artifacts": dict(), "version": _}:
            raise UnreadableFileError("this is the manifest of a synthesized app: give its folder instead")
        case _:
            raise UnreadableFileError(
                "none of these: a CloudFormation template (with Resources), a task definition (with "
                "containerDefinitions), or Docker labels as one object (airflow.dag.dag_id: ...)"
            )


def _are_labels(value: dict[str, Any]) -> bool:
    if any(key.startswith("airflow.") for key in value):
        return True
    return all(isinstance(text, str) for text in value.values())


def _of_document(kind: FileKind, source: SourceDocument, file: str) -> Iterator[TaskDefinition]:
    match kind:
        case FileKind.TEMPLATE:
            yield from _of_template(source, file, "")
        case FileKind.TASK_DEFINITION:
            yield _of_task_definition(source, file)
        case _:
            labels = Container(name="", labels=source.value, path=())
            yield TaskDefinition(kind=kind, file=file, place="", source=source, containers=(labels,))


def _of_task_definition(source: SourceDocument, file: str) -> TaskDefinition:
    path: SourcePath = ()
    value = source.value
    if isinstance(value, dict) and "taskDefinition" in value:
        path, value = ("taskDefinition",), value["taskDefinition"]
    if isinstance(value, list):
        items, family, registered = value, "", False
    else:
        items, path = value["containerDefinitions"], (*path, "containerDefinitions")
        family, registered = str(value.get("family", "")), "taskDefinitionArn" in value
    containers = tuple(
        Container(
            name=str(item.get("name", "")),
            labels=_mapping(item.get("dockerLabels")),
            path=(*path, i, "dockerLabels"),
            log_group=_log_group(item, "logConfiguration", "logDriver", "options"),
        )
        for i, item in enumerate(items)
        if isinstance(item, dict)
    )
    return TaskDefinition(
        kind=FileKind.TASK_DEFINITION,
        file=file,
        place=f"family {family}" if family else "",
        source=source,
        containers=containers,
        size=None if registered else compact_size(_measured(value)),
        family=family,
        roles=_roles(value, "taskRoleArn", "executionRoleArn"),
    )


def _of_template(source: SourceDocument, file: str, stack: str) -> Iterator[TaskDefinition]:
    resources = source.value.get("Resources") if isinstance(source.value, dict) else None
    for name, resource in _mapping(resources).items():
        properties = _mapping(_mapping(resource).get("Properties"))
        if _mapping(resource).get("Type") != _TASK_DEFINITION:
            continue
        notes: list[str] = []
        path: SourcePath = ("Resources", name, "Properties", "ContainerDefinitions")
        containers = tuple(_containers(properties.get("ContainerDefinitions"), path, notes))
        yield TaskDefinition(
            kind=FileKind.TEMPLATE,
            file=file,
            place=", ".join(part for part in (stack, f"resource {name}") if part),
            source=source,
            containers=containers,
            size=compact_size(_measured(properties)),
            conditional="Condition" in resource,
            notes=tuple(notes),
            family=text_of(properties.get("Family")) or "",
            roles=_roles(properties, "TaskRoleArn", "ExecutionRoleArn"),
        )


def _containers(written: object, path: SourcePath, notes: list[str]) -> Iterator[Container]:
    """Yield the containers of a template's task definition; what its functions leave open becomes a note."""
    items, condition = first_choice(written)
    conditions = [condition]
    if not isinstance(items, list):
        if is_function(items):
            notes.append(f"the containers are known only after the deployment: {text_of(items)}")
        return
    for index, written_item in enumerate(items):
        item, condition = first_choice(written_item)
        conditions.append(condition)
        if not isinstance(item, dict) or item == NO_VALUE:
            continue
        if is_function(item):
            notes.append(f"a container is known only after the deployment: {text_of(item)}")
            continue
        labels, condition = first_choice(item.get("DockerLabels"))
        conditions.append(condition)
        if is_function(labels) and labels != NO_VALUE:
            notes.append(f"a container's labels are known only after the deployment: {text_of(labels)}")
        chosen: dict[str, Any] = {}
        for key, written_text in ({} if is_function(labels) else _mapping(labels)).items():
            text, condition = first_choice(written_text)
            conditions.append(condition)
            if text != NO_VALUE:
                chosen[key] = text
        yield Container(
            name=text_of(item.get("Name")) or "",
            labels=chosen,
            path=(*path, index, "DockerLabels"),
            log_group=_log_group(item, "LogConfiguration", "LogDriver", "Options"),
        )
    named = sorted({each for each in conditions if each is not None})
    if named:
        notes.append(f"judged as if these conditions held: {', '.join(named)}")


def _of_assembly(folder: Path) -> Iterator[TaskDefinition]:
    manifest = _source(folder / _MANIFEST, str(folder / _MANIFEST)).value
    for name, artifact in _mapping(_mapping(manifest).get("artifacts")).items():
        properties = _mapping(_mapping(artifact).get("properties"))
        match _mapping(artifact).get("type"), properties:
            case str(kind), {"templateFile": str(template)} if kind == _STACK:
                yield from _of_stack(folder, template, f"stack {artifact.get('displayName') or name}")
            case str(kind), {"directoryName": str(nested)} if kind == _NESTED_ASSEMBLY:
                yield from _of_assembly(folder / nested)


def _stacks(folder: Path) -> Iterator[str]:
    """Yield the names of an app's stacks."""
    manifest = _source(folder / _MANIFEST, str(folder / _MANIFEST)).value
    for name, artifact in _mapping(_mapping(manifest).get("artifacts")).items():
        properties = _mapping(_mapping(artifact).get("properties"))
        if _mapping(artifact).get("type") == _STACK:
            yield str(properties.get("stackName") or name)
        elif _mapping(artifact).get("type") == _NESTED_ASSEMBLY and isinstance(properties.get("directoryName"), str):
            yield from _stacks(folder / str(properties["directoryName"]))


def _of_stack(folder: Path, template: str, stack: str) -> Iterator[TaskDefinition]:
    path = folder / template
    try:
        source = _source(path, str(path))
    except UnreadableFileError as error:
        raise UnreadableFileError(f"{path}: {error}") from None
    yield from _of_template(source, str(path), stack)
    for name, resource in _mapping(_mapping(source.value).get("Resources")).items():
        nested = _mapping(_mapping(resource).get("Metadata")).get("aws:asset:path")
        if _mapping(resource).get("Type") == _NESTED_STACK and isinstance(nested, str):
            yield from _of_stack(folder, nested, f"{stack}, nested stack {name}")


def _roles(value: object, *names: str) -> tuple[str, ...]:
    texts = [text_of(_mapping(value).get(name)) for name in names]
    return tuple(dict.fromkeys(text for text in texts if text))


def _log_group(container: object, configuration: str, driver: str, options: str) -> str:
    given = _mapping(_mapping(container).get(configuration))
    return (text_of(_mapping(given.get(options)).get("awslogs-group")) or "") if given.get(driver) == "awslogs" else ""


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _measured(value: object) -> object:
    """Return ``value`` as JSON can hold it, for its size; a function of CloudFormation counts as nothing."""
    match value:
        case Unquoted(text):
            return int(text) if text.isdecimal() and text.isascii() else text
        case dict() if is_function(value):
            return ""
        case dict():
            return {key: _measured(item) for key, item in value.items()}
        case list():
            return [_measured(item) for item in value]
        case _:
            return value
