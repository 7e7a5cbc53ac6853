"""What is deployed of an app's DAGs, as AWS has it: the newest ACTIVE revision of each family."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_cli.aws_access import AwsAccess, AwsAccessError, scan_shown
from airflow_ecs_dag_cli.dag_changes import stack_name
from airflow_ecs_dag_cli.source_document import SourceDocument
from airflow_ecs_dag_cli.verdicts import FileVerdict, judge_source
from airflow_ecs_dag_loader.aws_answers import NO_ANSWER
from airflow_ecs_dag_loader.registry import scan
from airflow_ecs_dag_loader.scan_error import ScanError
from airflow_ecs_dag_schema import LabelError, decode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_ecs_dag_cli.verdicts import Verdict
    from airflow_ecs_dag_loader.definition import Definition


class DeployedDags:
    """The DAGs of an account and region.

    Args:
        region: The region; ``None`` for that of the profile or of the environment.
        profile: A profile of the AWS configuration; ``None`` for the credentials in force.
    """

    def __init__(self, *, region: str | None = None, profile: str | None = None) -> None:
        self._access = AwsAccess(region=region, profile=profile)

    def read(self, app: FileVerdict) -> FileVerdict:
        """Return what is deployed of the DAGs of ``app``: of its families, its dag ids and its stacks.

        If AWS gives no answer, that is its error.
        """
        try:
            caller = self._access.caller
            name = f"account {caller.account}, region {caller.region}"
            return FileVerdict(name=name, verdicts=tuple(self._verdicts(app)))
        except ScanError as error:
            return FileVerdict(name="AWS", error=str(AwsAccessError(error)))
        except AwsAccessError as error:
            return FileVerdict(name="AWS", error=str(error))

    def _verdicts(self, app: FileVerdict) -> Iterator[Verdict]:
        ecs = self._access.ecs
        with scan_shown(ecs):
            registry = scan(ecs, known={})
        for definition in registry.with_dags:
            if _concerns(definition, app):
                try:
                    answer: Any = ecs.describe_task_definition(taskDefinition=definition.arn)
                except NO_ANSWER as error:
                    raise AwsAccessError(error) from error
                yield from _judged(definition, answer)


def _judged(definition: Definition, answer: Any) -> list[Verdict]:  # noqa: ANN401 - what AWS answered
    source = SourceDocument({"taskDefinition": answer["taskDefinition"]}, "")
    found = judge_source(source, definition.parsed_arn.name)
    return [replace(verdict, definition=replace(verdict.definition, place="")) for verdict in found.verdicts]


def _concerns(definition: Definition, app: FileVerdict) -> bool:
    families = {verdict.definition.family for verdict in app.verdicts}
    dag_ids = {verdict.dag_id for verdict in app.verdicts}
    if definition.parsed_arn.family in families:
        return True
    try:
        spec = decode(definition.labels)
    except LabelError:
        return False
    return spec.dag_id in dag_ids or stack_name(spec.stack) in app.stacks
