"""Links from a task instance on Airflow's page to the AWS console: what runs, or ran, for this very try.

Airflow's page reads a link as an XCom of the task instance. Airflow writes it when a worker lets go of the task,
because the task is deferred or has ended; where a worker waits itself, it is written before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperatorLink
from airflow.sdk.bases.xcom import BaseXCom

from airflow_ecs_dag_loader.console_links import ecs_task_url, log_stream_url, task_definition_url
from airflow_ecs_dag_loader.definition import TaskDefinitionArn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk import BaseOperator
    from airflow.sdk.types import Logger, TaskInstanceKey

    from airflow_ecs_dag_loader.runner.ecs_task_run import EcsTaskRun
    from airflow_ecs_dag_loader.runner.shown_position import TaskInstanceName


class ConsoleLink(BaseOperatorLink):
    """A link whose URL the operator has in ``console_urls``, by the name of the link."""

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002 - Airflow's
        """Return the URL; empty if there is none, which Airflow shows as a link that can't be clicked."""
        urls: Mapping[str, str] = getattr(operator, "console_urls", {})
        return urls.get(self.name, "")


class EcsTaskLink(ConsoleLink):
    """The ECS task of this try."""

    name = "ECS task"
    xcom_key = "ecs_task_url"


class TaskDefinitionLink(ConsoleLink):
    """The revision of the task definition that runs."""

    name = "Task definition"
    xcom_key = "task_definition_url"


class LogStreamLink(ConsoleLink):
    """The container's lines in CloudWatch Logs."""

    name = "CloudWatch log"
    xcom_key = "log_stream_url"


class StackLink(ConsoleLink):
    """The CloudFormation stack that the DAG was deployed with."""

    name = "CloudFormation stack"
    xcom_key = "stack_url"


LINKS = (EcsTaskLink(), TaskDefinitionLink(), LogStreamLink(), StackLink())


def console_urls(run: EcsTaskRun, *, stack_url: str | None) -> dict[str, str]:
    """Return the URLs of an ECS task's links, by their names; what has no public page is left out.

    They are made of what ECS answered and of the task definition; what is no ARN, region or name makes no link.

    Args:
        run: The ECS task.
        stack_url: The page of the DAG's stack.
    """
    urls = {
        EcsTaskLink.name: ecs_task_url(run.arn, cluster=run.cluster),
        TaskDefinitionLink.name: _task_definition_url(run.task_definition),
        LogStreamLink.name: _log_stream_url(run),
        StackLink.name: stack_url,
    }
    return {name: url for name, url in urls.items() if url}


def logged_urls(urls: Mapping[str, str]) -> dict[str, str]:
    """Return those of a task instance's links that its log has, too, by what they lead to."""
    shown = {"ECS task in the console": EcsTaskLink.name, "Lines in CloudWatch Logs": LogStreamLink.name}
    return {what: urls[name] for what, name in shown.items() if name in urls}


def revision_url(task: Mapping[str, Any]) -> dict[str, str]:
    """Return the link to the revision that an ECS task did run, by the link's name.

    It is another one than was asked for where ECS took RunTask for the repetition of an earlier one.

    Args:
        task: As DescribeTasks gives it, or what :mod:`ecs_task_end` keeps of that.
    """
    url = _task_definition_url(str(task.get("taskDefinitionArn")))
    return {TaskDefinitionLink.name: url} if url else {}


def write_links(urls: Mapping[str, str], instance: TaskInstanceName, *, log: Logger) -> None:
    """Show links on Airflow's page now, while the task runs. The work is not to fail for want of a link.

    They are written as Airflow's own are: not by an XCom backend of the platform, whose notes the page can't read.
    """
    try:
        for link in LINKS:
            if link.name in urls:
                _write(link.xcom_key, urls[link.name], instance)
    except Exception as error:  # noqa: BLE001 - the API server's, the network's
        log.warning("Airflow's page has no links to AWS until the task has ended: %s", str(error) or repr(error))


def _write(key: str, url: str, instance: TaskInstanceName) -> None:
    names: dict[str, Any] = instance.to_json()
    BaseXCom.set(key=key, value=url, **names)


def _task_definition_url(text: str) -> str | None:
    try:
        return task_definition_url(TaskDefinitionArn.parse(text).text)
    except ValueError:
        return None


def _log_stream_url(run: EcsTaskRun) -> str | None:
    if not run.log_group:
        return None
    return log_stream_url(run.log_group, run.log_stream, region=run.log_region, of=run.arn)
