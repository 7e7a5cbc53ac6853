"""The DAGs in labels, of whatever version and in whatever file, to be written with the construct."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ecs_dag_cli.import_losses import Imported, Loss
from airflow_ecs_dag_cli.python_dag import SourceDag
from airflow_ecs_dag_cli.source_document import UnreadableFileError
from airflow_ecs_dag_cli.verdicts import judge, judge_source
from airflow_ecs_dag_schema.codec import dag_id_label
from airflow_ecs_dag_schema.exchange import EXCHANGE_PREFIX, bucket_and_key
from airflow_ecs_dag_schema.problems import label_path
from airflow_ecs_dag_schema.references import templates_of
from airflow_ecs_dag_schema.tasks import EcsTaskSpec
from airflow_ecs_dag_schema.template_words import LOST_BRACES
from airflow_ecs_dag_schema.undeployed import without_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_ecs_dag_cli.source_document import SourceDocument
    from airflow_ecs_dag_cli.verdicts import FileVerdict, Verdict
    from airflow_ecs_dag_schema import DagSpec
    from airflow_ecs_dag_schema.ecs_settings import EcsTag


def labelled_dags(name: str, source: SourceDocument | None = None) -> Imported:
    """Return the DAGs of a file that ``validate`` takes.

    Args:
        name: The file, as a person named it.
        source: What it holds, if it is read already: standard input can be read once.

    Raises:
        UnreadableFileError: It can't be read, or is none of its kinds.
    """
    file = judge(name) if source is None else judge_source(source, name)
    if file.error:
        raise UnreadableFileError(file.error)
    dags: list[SourceDag] = []
    losses: list[Loss] = []
    for verdict in file.verdicts:
        losses.extend(_losses(verdict))
        if verdict.spec is not None:
            dags.append(_source(verdict, file, losses))
    return Imported(kind=str(file.kind), dags=tuple(dags), losses=tuple(losses))


def _source(verdict: Verdict, file: FileVerdict, losses: list[Loss]) -> SourceDag:
    assert verdict.spec is not None  # noqa: S101 - the caller looked
    label = dag_id_label(verdict.labels)
    own = [(loss.task_id, loss.text) for loss in losses if loss.dag_id == verdict.dag_id]
    return SourceDag(
        spec=verdict.spec,
        origin=", ".join(part for part in (f"{file.kind} {file.name}", verdict.place) if part),
        container=verdict.container.name,
        dag_id=verdict.stand_ins.get(label or "", ""),
        remarks=own,
    )


def _losses(verdict: Verdict) -> Iterator[Loss]:
    def loss(part: str, reason: str, where: str = "", task_id: str = "") -> Loss:
        return Loss(dag_id=verdict.dag_id, part=part, reason=reason, where=where, task_id=task_id)

    for finding in verdict.findings:
        place = "" if finding.position is None else f"{verdict.definition.file}:{finding.position}"
        problem = finding.problem
        got = "" if problem.value is None else f" (got {problem.value!r})"
        yield loss(problem.path, f"Airflow refuses it: {problem.message}{got}", place)
    label = dag_id_label(verdict.labels)
    for key, text in verdict.stand_ins.items():
        if key != label:
            position = verdict.definition.source.position((*verdict.container.path, key))
            reason = f"{without_tokens(text)} is known only after the deployment: write a value that Python can tell"
            yield loss(label_path(key), reason, "" if position is None else f"{verdict.definition.file}:{position}")
    if verdict.spec is None:
        if not verdict.findings and not verdict.stand_ins:
            yield loss("labels", "they can't be read before the deployment: import the task definition from AWS")
        return
    for task_id, part, reason in _not_in_the_construct(verdict.spec):
        yield loss(f"task {task_id}: {part}" if task_id else part, reason, task_id=task_id)


def _not_in_the_construct(spec: DagSpec) -> Iterator[tuple[str, str, str]]:
    """Yield what labels can say and the construct can't: the task, if any, the field, and why."""
    if spec.exchange is not None and (prefix := bucket_and_key(without_tokens(spec.exchange))[1]) != EXCHANGE_PREFIX:
        reason = (
            f"the construct puts objects below {EXCHANGE_PREFIX}/, not {prefix}/: give it a bucket where that is free"
        )
        yield "", "exchange", reason
    if twice := _named_twice(spec.ecs.tags):
        yield "", "ecs_tags", f"the tag {twice} is there twice, which ECS refuses: keep one of the two"
    for task in spec.tasks:
        if not isinstance(task, EcsTaskSpec):
            continue
        if twice := _named_twice(task.tags):
            yield task.task_id, "ecs_tags", f"the tag {twice} is there twice, which ECS refuses: keep one of the two"
        for path, text in templates_of(task):
            if path != "map_index_template" and (found := LOST_BRACES.search(text)):
                reason = f"the construct takes {found[0]} for a template that lost its braces: write it without spaces"
                yield task.task_id, path, reason


def _named_twice(tags: list[EcsTag] | tuple[EcsTag, ...]) -> str:
    keys = [tag.key for tag in tags]
    return next((key for key in keys if keys.count(key) > 1), "")
