"""The operator behind every task of a project: one ECS task, started once, watched to its end.

Its arguments have the words of the provider's ``EcsRunTaskOperator``. It starts otherwise (a replay finds the same ECS
task), waits otherwise (a failed look is no verdict), and judges otherwise (the DAG's container decides, no sidecar). It
is no subclass of the provider's, with which each DAG file would import boto3: that takes longer than all else that
parsing a file needs.
"""

from __future__ import annotations

import json
import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, cast

from airflow.sdk import BaseOperator
from airflow.sdk.bases.xcom import BaseXCom
from airflow.sdk.configuration import conf

from airflow_ecs_dag_loader.branching import most_items
from airflow_ecs_dag_loader.definition import TaskDefinitionArn
from airflow_ecs_dag_loader.ecs_overrides import overrides
from airflow_ecs_dag_loader.ecs_task_identity import EcsTaskIdentity
from airflow_ecs_dag_loader.projected_templates import ProjectedTemplates
from airflow_ecs_dag_loader.start_record import StartRecord
from airflow_ecs_dag_loader.task_output import OutputError, OutputLines, check_items
from airflow_ecs_dag_loader.template_values import NO_ITEM, render, template_values
from airflow_ecs_dag_loader.verdict import EcsTaskFailedError, check_stopped
from airflow_ecs_dag_schema.outputs import OUTPUT_MARK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import jinja2
    from airflow.sdk import Context
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_logs import CloudWatchLogsClient

    from airflow_ecs_dag_loader.container_lines import ContainerLines
    from airflow_ecs_dag_loader.ecs_task_calls import EcsTaskCalls
    from airflow_ecs_dag_loader.other_task_definition import OtherTaskDefinition

_LAST_LINES_WAIT = 1.0
"""Seconds between the last looks for lines; CloudWatch gets them a little after the container has ended."""
_MAP_NAME = "ecs_map_name"
MAP_INDEX_TEMPLATE = f"{{{{ {_MAP_NAME} }}}}"
"""What Airflow is given as the ``map_index_template`` of a mapped task with a ``map_name``. Airflow fills it in with
its own environment and all that it has, so the author's template never gets there, only what became of it."""
_START_TIMEOUT = 900.0
"""Seconds for which an ECS task without room is asked for, unless the platform or the DAG says otherwise."""
_LONGEST_MAP_NAME = 250
"""Characters of a name that Airflow's database keeps."""


class EcsTaskOperator(ProjectedTemplates, BaseOperator):
    """Run one ECS task, take its container's verdict, and hand on what the container puts out.

    Args:
        task_definition: ARN of the task definition.
        cluster: Name or ARN of the cluster.
        container_name: The container that runs the command and has the verdict.
        command: The whole command of the container; templates in it are filled in when the task runs.
        environment: Variables of the container, by name; templates in their values are filled in, too.
        cpu: CPU units of the ECS task; without it, the task definition's.
        memory_limit_mib: MiB of memory of the ECS task; without it, the task definition's.
        ephemeral_storage_gib: GiB of disk of the ECS task; without it, the task definition's.
        other_task_definition: Family or ARN of what to run instead of ``task_definition``, which is the DAG's own and
            says in which account and region to look. It is run only if it names the DAG. ``container_name`` is of it
            then, and may be left out; where its lines go is read from it.
        item: Of a mapped task, what this instance is for: a JSON value, ``{{ item }}`` in templates. It is never filled
            in itself, whatever it holds.
        map_name: Of a mapped task, the template of an instance's name on Airflow's page; ``map_index_template`` is
            :data:`MAP_INDEX_TEMPLATE` then.
        output_needed: Whether other tasks use the output, so that it is waited for.
        launch_type: As of RunTask; without it, the cluster's default.
        capacity_provider_strategy: As of RunTask; it goes before ``launch_type``.
        platform_version: As of RunTask.
        network_configuration: As of RunTask.
        tags: Of the ECS task, by key.
        awslogs_group: The log group of the container's ``awslogs`` driver; without it, its lines are not shown.
        awslogs_stream_prefix: The stream prefix of that driver.
        awslogs_region: The region of that driver; without it, ``region_name``.
        skip_on_exit_code: Exit codes of the container that make Airflow skip the task.
        start_timeout: Seconds for which RunTask is called again while ECS has no room for the ECS task, takes no more
            calls, or does not tell; without it, ``[airflow_ecs_dag] start_timeout`` of Airflow's configuration, or
            900. The ``execution_timeout`` ends that wait, too.
        aws_conn_id: Airflow connection; ``None`` for the process's own credentials.
        region_name: Where the ECS task is run; without it, the region of the connection or the environment.
        kwargs: Those of ``BaseOperator``.

    Attributes:
        arn: Of the ECS task, once it is started.
        overrides: Those of RunTask, once they are known.
    """

    template_fields: Sequence[str] = ("command", "environment")
    template_fields_renderers: ClassVar[dict[str, str]] = {"command": "json", "environment": "json"}
    ui_color = "#ffe8cc"
    custom_operator_name = "EcsTask"

    def __init__(
        self,
        *,
        task_definition: str,
        cluster: str,
        command: list[str],
        container_name: str | None = None,
        environment: dict[str, str] | None = None,
        cpu: int | None = None,
        memory_limit_mib: int | None = None,
        ephemeral_storage_gib: int | None = None,
        other_task_definition: str | None = None,
        item: Any = NO_ITEM,  # noqa: ANN401 - any JSON value
        map_name: str | None = None,
        output_needed: bool = False,
        launch_type: str | None = None,
        capacity_provider_strategy: list[dict[str, Any]] | None = None,
        platform_version: str | None = None,
        network_configuration: dict[str, Any] | None = None,
        tags: dict[str, str] | None = None,
        awslogs_group: str | None = None,
        awslogs_stream_prefix: str | None = None,
        awslogs_region: str | None = None,
        skip_on_exit_code: Sequence[int] = (),
        start_timeout: float | None = None,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        **kwargs: Any,  # noqa: ANN401 - BaseOperator's own
    ) -> None:
        super().__init__(**kwargs)
        self.task_definition = task_definition
        self.cluster = cluster
        self.container_name = container_name
        self.command = command
        self.environment = environment or {}
        self.cpu = cpu
        self.memory_limit_mib = memory_limit_mib
        self.ephemeral_storage_gib = ephemeral_storage_gib
        self.other_task_definition = other_task_definition
        self.item = item
        self.map_name = map_name
        self.output_needed = output_needed
        self.launch_type = launch_type
        self.capacity_provider_strategy = capacity_provider_strategy
        self.platform_version = platform_version
        self.network_configuration = network_configuration
        self.tags = tags
        self.awslogs_group = awslogs_group
        self.awslogs_stream_prefix = awslogs_stream_prefix
        self.awslogs_region = awslogs_region
        self.skip_on_exit_code = skip_on_exit_code
        self.start_timeout = start_timeout
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name
        self.arn: str | None = None
        self.overrides: dict[str, Any] = {}
        self._stop_asked = False

    def render_template(
        self,
        content: Any,  # noqa: ANN401 - as Airflow gives it
        context: Context,
        jinja_env: jinja2.Environment | None = None,
        seen_oids: set[int] | None = None,
    ) -> Any:  # noqa: ANN401
        """Fill in templates from plain values of the run, never with Airflow's own environment and context."""
        self._name_instance(context)
        return super().render_template(content, context, jinja_env, seen_oids)

    def _projected(self, context: Context) -> Mapping[str, Any]:
        return template_values(context, item=self.item)

    def execute(self, context: Context) -> Any:  # noqa: ANN401 - any JSON value
        """Start the ECS task, show its lines, and return what its container put out when it ended well.

        Raises:
            AirflowSkipException: The container said so by its exit code.
            EcsCapacityError: ECS had no room for it.
            EcsTaskFailedError: It ended otherwise, could not be started, or put out what is no output.
            EcsTaskLostError: ECS does not know it any more, so how it ended can't be told.
        """
        # Where credentials and endpoints were found is of no use to who reads this log.
        logging.getLogger("botocore").setLevel(logging.WARNING)
        self._run_name = _run_name(context)
        self._name_instance(context)
        if self.other_task_definition is not None:
            self._use(self.other_task_definition, context)
        self.overrides = overrides(
            container_name=str(self.container_name),
            command=self.command,
            environment=self.environment,
            cpu=self.cpu,
            memory_limit_mib=self.memory_limit_mib,
            ephemeral_storage_gib=self.ephemeral_storage_gib,
        )
        self.log.info("Command: %s", json.dumps(self.command))
        if self.environment:
            self.log.info("Environment variables given: %s", ", ".join(self.environment))
        self._logs_client = self._logs()
        record = StartRecord(context["task_state_store"], log=self.log)
        self.arn = self._started(context, record)
        if self._stop_asked:
            self.on_kill()
        task_id = self.arn.rpartition("/")[2]
        logs = self._logs_client
        self.log.info("ECS task: %s (%s) in cluster %s", task_id, self.task_definition, self.cluster)
        stream = f"{self.awslogs_stream_prefix}/{self.container_name}/{task_id}" if logs else ""
        lines = self._calls.lines(logs, group=self.awslogs_group or "", stream=stream)
        stopped = self._calls.wait_until_stopped(cluster=self.cluster, arn=self.arn, lines=lines)
        try:
            return self._judged(stopped, lines, context)
        finally:
            # Whatever the verdict is, no later try may take this ECS task for one that nobody has judged.
            record.clear()

    def _judged(self, stopped: Mapping[str, Any], lines: ContainerLines, context: Context) -> Any:  # noqa: ANN401 - any JSON value
        """Return what the container of an ECS task that has stopped put out, if it ended well."""
        try:
            check_stopped(stopped, container_name=str(self.container_name), skip_on_exit_code=self.skip_on_exit_code)
        except Exception:
            lines.show_rest(wait=_LAST_LINES_WAIT)
            raise
        lines.show_rest(wait=_LAST_LINES_WAIT, for_output=self.output_needed)
        self.log.info("ECS task %s succeeded", str(self.arn).rpartition("/")[2])
        return self._output(lines.output, context)

    def on_kill(self) -> None:
        """Stop the ECS task: the Airflow task was cleared, marked or timed out.

        Airflow calls this from a signal, at any point of :meth:`execute`; what is not started yet is stopped, or not
        started at all, as soon as ``execute`` goes on.
        """
        self._stop_asked = True
        if self.arn is None:
            return
        self.log.info("Stopping ECS task %s", self.arn)
        why = f"stopped by Airflow: {getattr(self, '_run_name', self.task_id)}"
        self._calls.stop(cluster=self.cluster, arn=self.arn, why=why)

    @property
    def client(self) -> ECSClient:
        """The client for ECS that runs, watches and stops the ECS task."""
        return self._calls.ecs

    @cached_property
    def _calls(self) -> EcsTaskCalls:
        from airflow_ecs_dag_loader.ecs_task_calls import EcsTaskCalls  # noqa: PLC0415 - boto3, for a task that runs

        return EcsTaskCalls(self.aws_conn_id, self.region_name, log=self.log)

    def _started(self, context: Context, record: StartRecord) -> str:
        """Return the ARN of the one ECS task of this try: that of a try that was cut off, or a new one."""
        from airflow_ecs_dag_loader.take_over import TakeOver  # noqa: PLC0415 - botocore, for a task that runs

        own = EcsTaskIdentity.of(context)
        request = self._request()
        within = self._start_timeout

        def start(identity: EcsTaskIdentity) -> str:
            record.write(identity)
            return self._start(identity, request, within, context)

        if context["ti"].try_number > 1:  # a first try has none before it, and its token finds what it started itself
            takes_over = TakeOver(
                calls=self._calls,
                start=start,
                request=request,
                within=within,
                container_name=str(self.container_name),
                skip_on_exit_code=self.skip_on_exit_code,
                run_name=self._run_name,
                log=self.log,
            )
            if (arn := takes_over.arn(own, record.read())) is not None:
                return arn
        return start(own)

    def _start(self, identity: EcsTaskIdentity, request: dict[str, Any], within: float, context: Context) -> str:
        """Call RunTask; called again with the same token, ECS answers with the task it started the first time."""
        from airflow_ecs_dag_loader.ecs_task_start import RevisionGoneError  # noqa: PLC0415 - botocore, as above

        try:
            return self._calls.start(identity.named(request), within=within, is_cancelled=lambda: self._stop_asked)
        except RevisionGoneError as error:
            if self.other_task_definition is not None:
                raise
            request["taskDefinition"] = self._replace_revision(context, error)
        return self._calls.start(identity.named(request), within=within, is_cancelled=lambda: self._stop_asked)

    def _replace_revision(self, context: Context, error: Exception) -> str:
        """Take the family's newest ACTIVE revision instead of the one that is gone, if it has the task."""
        try:
            gone = TaskDefinitionArn.parse(self.task_definition)
        except ValueError:
            raise error from None
        newest = self._calls.newest_revision(
            gone,
            dag_id=context["ti"].dag_id,
            task_id=context["ti"].task_id,
            container_name=str(self.container_name),
        )
        self.log.info("%s can't be started any more (it was deployed anew), %s is run instead", gone.name, newest.arn)
        self._take(newest)
        self._logs_client = self._logs()
        return newest.arn

    def _request(self) -> dict[str, Any]:
        """Return what RunTask is asked for, without a name."""
        request: dict[str, Any] = {
            "cluster": self.cluster,
            "taskDefinition": self.task_definition,
            "overrides": self.overrides,
            "count": 1,
        }
        if self.capacity_provider_strategy:
            request["capacityProviderStrategy"] = self.capacity_provider_strategy
        elif self.launch_type:
            request["launchType"] = self.launch_type
        if self.network_configuration:
            request["networkConfiguration"] = self.network_configuration
        if self.platform_version:
            request["platformVersion"] = self.platform_version
        if self.tags:
            request["tags"] = [{"key": key, "value": value} for key, value in self.tags.items()]
        return request

    @property
    def _start_timeout(self) -> float:
        if self.start_timeout is not None:
            return self.start_timeout
        return float(conf.getfloat("airflow_ecs_dag", "start_timeout", fallback=_START_TIMEOUT))

    def _name_instance(self, context: Context) -> None:
        """Put the name of this instance of a mapped task where :data:`MAP_INDEX_TEMPLATE` finds it."""
        names = cast("dict[str, Any]", context)
        if self.map_name is not None and _MAP_NAME not in names:
            names[_MAP_NAME] = render(self.map_name, self._projected(context))[:_LONGEST_MAP_NAME]

    def _use(self, name: str, context: Context) -> None:
        """Take the task definition ``name`` for the DAG's own, if it lets the DAG do so."""
        found = self._calls.find(
            name,
            dag_id=context["ti"].dag_id,
            own=TaskDefinitionArn.parse(self.task_definition),
            container_name=self.container_name,
        )
        self.log.info("Task definition: %s, which lets this DAG run its container %s", found.arn, found.container_name)
        self._take(found)

    def _take(self, found: OtherTaskDefinition) -> None:
        """Run ``found``, and read its container's lines where they go."""
        self.task_definition = found.arn
        self.container_name = found.container_name
        self.awslogs_group = found.logs.group if found.logs else None
        self.awslogs_stream_prefix = found.logs.stream_prefix if found.logs else None
        self.awslogs_region = found.logs.region if found.logs else None

    def _output(self, lines: OutputLines, context: Context) -> Any:  # noqa: ANN401 - any JSON value
        """Return what the container put out, ``None`` for nothing. Airflow keeps what is returned."""
        is_mapped_over = not _is_instance(context) and next(iter(self.iter_mapped_dependants()), None) is not None
        if not lines.found:
            if is_mapped_over:
                raise OutputError(
                    f"a task is mapped over the output of {self.task_id}, but its container printed no line "
                    f"{OUTPUT_MARK}: print one with a JSON list"
                )
            if self.output_needed:
                self.log.warning("Other tasks use the output, but the container printed no line %s", OUTPUT_MARK)
            return None
        value = lines.value()
        if is_mapped_over:
            check_items(value, most=most_items(), what=f"the output of {self.task_id}")
        if value is None:
            # To Airflow, what is returned as None was not put out at all; JSON's null was.
            context["ti"].xcom_push(BaseXCom.XCOM_RETURN_KEY, None)
        return value

    def _logs(self) -> CloudWatchLogsClient | None:
        """Return a client for the container's lines, before there is an ECS task that its failure would leave alone."""
        if not (self.awslogs_group and self.awslogs_stream_prefix):
            if self.output_needed:
                raise EcsTaskFailedError(
                    f"other tasks use the output of {self.task_id}, which is a line of its container "
                    f"{self.container_name}, but its lines don't go to CloudWatch Logs: give the container the log "
                    "driver awslogs with a stream prefix"
                )
            self.log.info("The container's lines are not in CloudWatch Logs (no awslogs driver with a stream prefix)")
            return None
        return self._calls.logs(self.awslogs_region)


def _is_instance(context: Context) -> bool:
    """Tell whether this is one of the instances of a mapped task."""
    index = context["ti"].map_index
    return index is not None and index >= 0


def _run_name(context: Context) -> str:
    instance = context["ti"]
    mapped = f" [{instance.map_index}]" if _is_instance(context) else ""
    return f"dag {instance.dag_id}, run {instance.run_id}, task {instance.task_id}{mapped}, try {instance.try_number}"
