"""The operator behind every task of a project: one ECS task, started once, watched to its end.

Its arguments have the words of the provider's ``EcsRunTaskOperator``. It starts otherwise (a replay finds the same ECS
task), waits otherwise (a failed look is no verdict), and judges otherwise (the DAG's container decides, no sidecar). It
is no subclass of the provider's, with which each DAG file would import boto3: that takes longer than all else that
parsing a file needs.
"""

from __future__ import annotations

import json
import logging
import time
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, cast

from airflow.sdk import BaseOperator
from airflow.sdk.bases.operator import TRIGGER_FAIL_REPR, TriggerFailureReason
from airflow.sdk.bases.xcom import BaseXCom
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowSkipException, AirflowTaskTimeout

from airflow_ecs_dag_loader.branching import most_items
from airflow_ecs_dag_loader.definition import TaskDefinitionArn
from airflow_ecs_dag_loader.file_names import is_own_file
from airflow_ecs_dag_loader.projected_templates import ProjectedTemplates
from airflow_ecs_dag_loader.runner.ecs_overrides import overrides
from airflow_ecs_dag_loader.runner.ecs_task_end import EcsTaskEnd
from airflow_ecs_dag_loader.runner.ecs_task_identity import EcsTaskIdentity
from airflow_ecs_dag_loader.runner.ecs_task_links import (
    LINKS,
    console_urls,
    logged_urls,
    revision_url,
    write_links,
)
from airflow_ecs_dag_loader.runner.ecs_task_run import EcsTaskRun
from airflow_ecs_dag_loader.runner.exchange_access import ExchangeAccess
from airflow_ecs_dag_loader.runner.exchange_addresses import ExchangeAddresses, inputs_body
from airflow_ecs_dag_loader.runner.lines_elsewhere import lines_elsewhere
from airflow_ecs_dag_loader.runner.places_told import places_told
from airflow_ecs_dag_loader.runner.shown_position import ShownPosition, TaskInstanceName
from airflow_ecs_dag_loader.runner.start_record import StartRecord
from airflow_ecs_dag_loader.runner.stop_reason import is_for_another_try, stop_reason
from airflow_ecs_dag_loader.runner.task_output import OutputError, OutputLines, check_items
from airflow_ecs_dag_loader.runner.verdict import EcsTaskFailedError, check_stopped
from airflow_ecs_dag_loader.template_values import NO_ITEM, render, template_values
from airflow_ecs_dag_schema.exchange import INPUT_VARIABLE, OUTPUT_VARIABLE
from airflow_ecs_dag_schema.outputs import OUTPUT_MARK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import jinja2
    from airflow.sdk import Context
    from mypy_boto3_ecs import ECSClient

    from airflow_ecs_dag_loader.runner.container_lines import ContainerLines
    from airflow_ecs_dag_loader.runner.ecs_task_calls import EcsTaskCalls
    from airflow_ecs_dag_loader.runner.other_task_definition import OtherTaskDefinition
    from airflow_ecs_dag_loader.runner.triggerer_verdict import TriggererVerdict

_MAP_NAME = "ecs_map_name"
MAP_INDEX_TEMPLATE = f"{{{{ {_MAP_NAME} }}}}"
"""What Airflow is given as the ``map_index_template`` of a mapped task with a ``map_name``. Airflow fills it in with
its own environment and all that it has, so the author's template never gets there, only what became of it."""
_TRIGGERER_LATE = 120.0
"""Seconds after the end of a try's time, after which Airflow looks for itself whether a triggerer has noticed."""
_STOP_WITHIN = 20.0
"""Seconds for which StopTask is repeated when a worker is told to end; Airflow may kill it before."""
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
        inputs: Texts for the container, by name, which it reads from S3; templates in them are filled in, too.
        exchange: Where in S3 the DAG's inputs and outputs are; the bucket is of the account of ``task_definition``.
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
        essential_sidecars: The other containers whose end makes ECS stop the ECS task, where that is known: if one of
            them has crashed, the task has failed.
        start_timeout: Seconds for which RunTask is called again while ECS has no room for the ECS task, takes no more
            calls, or does not tell; without it, ``[airflow_ecs_dag] start_timeout`` of Airflow's configuration, or
            900. The ``execution_timeout`` ends that wait, too.
        deferrable: Whether the wait goes on in the triggerer and holds no worker; without it,
            ``[airflow_ecs_dag] deferrable`` of Airflow's configuration, or so.
        stack_url: The console's page of the stack that the DAG was deployed with.
        aws_conn_id: Airflow connection; ``None`` for the process's own credentials.
        region_name: Where the ECS task is run; without it, the region of the connection or the environment.
        kwargs: Those of ``BaseOperator``.

    Attributes:
        arn: Of the ECS task, once it is started.
        overrides: Those of RunTask, once they are known.
        console_urls: Where AWS's console shows the ECS task, once it is started; by the names of the links.
    """

    template_fields: Sequence[str] = ("command", "environment", "inputs")
    template_fields_renderers: ClassVar[dict[str, str]] = {"command": "json", "environment": "json", "inputs": "json"}
    operator_extra_links = LINKS
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
        inputs: dict[str, str] | None = None,
        exchange: str | None = None,
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
        essential_sidecars: Sequence[str] = (),
        start_timeout: float | None = None,
        deferrable: bool | None = None,
        stack_url: str | None = None,
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
        self.inputs = inputs or {}
        self.exchange = exchange
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
        self.essential_sidecars = essential_sidecars
        self.start_timeout = start_timeout
        self.deferrable = deferrable
        self.stack_url = stack_url
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name
        self.arn: str | None = None
        self.overrides: dict[str, Any] = {}
        self.console_urls: dict[str, str] = {}
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
            TaskDeferred: The wait goes on in the triggerer, and the end of it in :meth:`go_on`.
        """
        with places_told(self.log):
            return self._start_and_wait(context)

    def resume_execution(
        self,
        next_method: str,
        next_kwargs: dict[str, Any] | None,
        context: Context,
    ) -> Any:  # noqa: ANN401 - any JSON value
        """Go on after the triggerer; also where no trigger has fired, for then Airflow calls nothing else.

        Raises:
            AirflowTaskTimeout: The time of the try was up, and no triggerer was there to notice it.
        """
        with places_told(self.log):
            if next_method != TRIGGER_FAIL_REPR:
                return super().resume_execution(next_method, next_kwargs, context)
            return self._go_on_alone(next_kwargs, context)

    def go_on(self, context: Context, event: Any = None, run: Any = None) -> Any:  # noqa: ANN401 - JSON values
        """Judge the ECS task that the triggerer has waited for, and return its output.

        Args:
            context: Airflow's.
            event: The payload of the trigger's event.
            run: The ECS task, as it was given to Airflow before the wait; Airflow's ``dag.test()`` forgets it.

        Raises:
            AirflowTaskTimeout: The time of the try was up.
        """
        self._begin(context)
        end, ecs_task = EcsTaskEnd.from_json(event), EcsTaskRun.from_json(run) or self._record.started()
        if ecs_task is None:
            self.deferrable = False
            return self._start_and_wait(context)  # as above
        self._take_up(ecs_task)
        if end is None:  # dag.test() gives the event that ends a task to the task
            return self._wait(ecs_task, context)
        if end.is_lost or end.is_timed_out:
            self._lines(ecs_task, context).show_rest()
        if end.is_lost:
            from airflow_ecs_dag_loader.runner.ecs_task_watch import lost  # noqa: PLC0415 - botocore, for a task that runs

            raise lost(ecs_task.arn)
        if end.is_timed_out:
            self._record.clear()
            raise self._timed_out()
        if end.task is None:
            return self._wait(ecs_task, context)
        return self._judged(end.task, self._lines(ecs_task, context), context)

    def _go_on_alone(self, next_kwargs: dict[str, Any] | None, context: Context) -> Any:  # noqa: ANN401 - any JSON value
        self._begin(context)
        run = self._record.started()
        if (next_kwargs or {}).get("error") == TriggerFailureReason.TRIGGER_TIMEOUT:
            if run is not None:
                self._take_up(run)
            self._stop_unwatched(run, context)
            self._record.clear()
            raise self._timed_out()
        traceback = (next_kwargs or {}).get("traceback") or ["no reason given"]
        self.log.warning("The triggerer can't wait for the ECS task, this worker does: %s", traceback[-1].strip())
        if run is None:
            # Under the same token, ECS answers with the ECS task that it has started.
            return self._start_and_wait(context)
        self._take_up(run)
        return self._wait(run, context)

    def _start_and_wait(self, context: Context) -> Any:  # noqa: ANN401 - any JSON value
        self._begin(context)
        if self.other_task_definition is not None:
            self._use(self.other_task_definition, context)
        else:
            self.log.info("Task definition: %s, container %s", _last(self.task_definition), self.container_name)
        self.overrides = overrides(
            container_name=str(self.container_name),
            command=self.command,
            environment={**self.environment, **self._exchange_variables(context)},
            cpu=self.cpu,
            memory_limit_mib=self.memory_limit_mib,
            ephemeral_storage_gib=self.ephemeral_storage_gib,
        )
        self.log.info("Command: %s", json.dumps(self.command))
        if self.environment:
            self.log.info("Environment variables given: %s", ", ".join(self.environment))
        self._check_logs()
        self.arn = self._started(context)
        if self._stop_asked:
            self.on_kill()
        run = self._run(deferred_at=time.time() if self._is_deferrable else None)
        self._record.add(run, is_deferred=self._is_deferrable)
        self.console_urls = console_urls(run, stack_url=self.stack_url)
        self.log.info("ECS task: %s in cluster %s", _last(run.arn), _last(run.cluster))
        for name, url in logged_urls(self.console_urls).items():
            self.log.info("%s: %s", name, url)
        if self._is_deferrable:
            self._defer(run, context)  # as it lets go of the task, Airflow itself writes the links
        write_links(self.console_urls, _instance_name(context), log=self.log)
        return self._wait(run, context)

    def _begin(self, context: Context) -> None:
        # Where credentials and endpoints were found is of no use to who reads this log.
        logging.getLogger("botocore").setLevel(logging.WARNING)
        self._run_name = _run_name(context)
        self._name_instance(context)
        self._record = StartRecord(context["task_state_store"], log=self.log)

    def _run(self, *, deferred_at: float | None) -> EcsTaskRun:
        """Return the ECS task that was started."""
        has_lines = bool(self.awslogs_group and self.awslogs_stream_prefix)
        task_id = str(self.arn).rpartition("/")[2]
        return EcsTaskRun(
            arn=str(self.arn),
            cluster=self.cluster,
            task_definition=self.task_definition,
            container_name=str(self.container_name),
            log_group=str(self.awslogs_group) if has_lines else "",
            log_stream=f"{self.awslogs_stream_prefix}/{self.container_name}/{task_id}" if has_lines else "",
            log_region=self.awslogs_region,
            essential_sidecars=tuple(self.essential_sidecars),
            deferred_at=deferred_at,
        )

    def _take_up(self, run: EcsTaskRun) -> None:
        """Go on with an ECS task that was started before: in another process, perhaps with another revision."""
        self._record.add(run)
        self.arn = run.arn
        self.task_definition = run.task_definition
        self.container_name = run.container_name
        self.essential_sidecars = run.essential_sidecars
        self.console_urls = console_urls(run, stack_url=self.stack_url)

    def _defer(self, run: EcsTaskRun, context: Context) -> NoReturn:
        from airflow_ecs_dag_loader.runner.ecs_task_trigger import EcsTaskTrigger  # noqa: PLC0415 - boto3, as below

        deadline = self._deadline(context)
        trigger = EcsTaskTrigger(
            run=run.to_json(),
            instance=_instance_name(context).to_json(),
            run_name=self._run_name,
            deadline=deadline,
            aws_conn_id=self.aws_conn_id,
            region_name=self.region_name,
            verdict=None if (verdict := self._triggerer_verdict(context)) is None else verdict.to_json(),
        )
        left = None if deadline is None else timedelta(seconds=max(0.0, deadline - time.time()) + _TRIGGERER_LATE)
        self.defer(trigger=trigger, method_name="go_on", kwargs={"run": run.to_json()}, timeout=left)

    def _triggerer_verdict(self, context: Context) -> TriggererVerdict | None:
        """Return by what the triggerer tells that the task ended well; ``None`` if that takes a worker."""
        if not conf.getboolean("airflow_ecs_dag", "end_in_triggerer", fallback=False):
            return None
        if self.outlets or self._is_mapped_over(context):
            return None
        if self.on_success_callback or self.on_skipped_callback or self.multiple_outputs or not self.do_xcom_push:
            return None
        if not is_own_file(context["dag"].relative_fileloc or ""):
            return None  # the DAG processor parses that file for each such end: it has many DAGs, or is none
        from airflow_ecs_dag_loader.runner.triggerer_verdict import TriggererVerdict  # noqa: PLC0415 - for a task that runs

        return TriggererVerdict(skip_on_exit_code=tuple(self.skip_on_exit_code), output_needed=bool(self.output_needed))

    def _wait(self, run: EcsTaskRun, context: Context) -> Any:  # noqa: ANN401 - any JSON value
        """Wait for the end of the ECS task in this process, and judge it."""
        lines = self._lines(run, context)
        over = self._calls.wait_until_over(
            cluster=run.cluster,
            arn=run.arn,
            container_name=run.container_name,
            lines=lines,
            deadline=self._deadline(context),
        )
        return self._judged(over, lines, context)

    def _lines(self, run: EcsTaskRun, context: Context) -> ContainerLines:
        position = None if not run.log_group else ShownPosition(_instance_name(context), log=self.log).read()
        return self._calls.lines_of(run, position=position)

    def _judged(self, over: Mapping[str, Any], lines: ContainerLines, context: Context) -> Any:  # noqa: ANN401 - any JSON value
        """Return what the container of an ECS task that is over put out, if it ended well."""
        self.console_urls |= revision_url(over)
        if is_for_another_try(str(over.get("stoppedReason")), self._run_name):
            lines.show_rest()
            self.log.info("The ECS task was an earlier try's, which was stopped meanwhile: a new one is started")
            self._record.clear()
            return self._start_and_wait(context)
        try:
            check_stopped(
                over,
                container_name=str(self.container_name),
                skip_on_exit_code=self.skip_on_exit_code,
                essential_sidecars=self.essential_sidecars,
            )
            lines.show_rest(for_output=self.output_needed)
            self.log.info("ECS task %s succeeded", _last(str(self.arn)))
            return self._output(lines.output, context)
        except (AirflowSkipException, EcsTaskFailedError) as error:
            lines.show_rest()
            if isinstance(error, EcsTaskFailedError) and lines.last_lines:
                # As an error, for Airflow's page of a DAG shows the errors of its failed tasks, and nothing else.
                self.log.error("The container's last lines:\n%s", "\n".join(lines.last_lines))  # noqa: TRY400 - not the traceback
            raise
        finally:
            # Whatever the verdict is, no later try may take this ECS task for one that nobody has judged.
            self._record.clear()

    def _stop_unwatched(self, run: EcsTaskRun | None, context: Context) -> None:
        """Stop what still runs of this task instance, of which no triggerer has told anything in time."""
        if run is not None:
            arns = [run.arn]
        else:
            started_by = EcsTaskIdentity.of(context).started_by
            running = self._calls.running(cluster=self.cluster, started_by=started_by, within=self._start_timeout)
            arns = [str(task["taskArn"]) for task in running]
        for arn in arns:
            self.log.info("Stopping ECS task %s", arn)
            self._calls.stop(cluster=self.cluster, arn=arn, why=stop_reason(self._run_name), within=self._start_timeout)

    def _timed_out(self) -> AirflowTaskTimeout:
        self.arn = None  # there is nothing left to stop
        seconds = self.execution_timeout.total_seconds() if self.execution_timeout else 0.0
        return AirflowTaskTimeout(
            f"the task did not end within its execution_timeout of {seconds:.0f} s, its ECS task was stopped: give it "
            "more time, or less to do"
        )

    def _deadline(self, context: Context) -> float | None:
        """Return when the time of this try is up, in seconds since 1970."""
        began = context["ti"].start_date
        return None if self.execution_timeout is None else (began + self.execution_timeout).timestamp()

    @property
    def _is_deferrable(self) -> bool:
        if self.deferrable is not None:
            return self.deferrable
        return bool(conf.getboolean("airflow_ecs_dag", "deferrable", fallback=True))

    def on_kill(self) -> None:
        """Stop the ECS task: the Airflow task was cleared, marked or timed out.

        Airflow calls this from a signal, at any point of :meth:`execute`; what is not started yet is stopped, or not
        started at all, as soon as ``execute`` goes on.
        """
        self._stop_asked = True
        if self.arn is None:
            return
        self.log.info("Stopping ECS task %s", self.arn)
        why = stop_reason(getattr(self, "_run_name", self.task_id))
        self._calls.stop(cluster=self.cluster, arn=self.arn, why=why, within=_STOP_WITHIN)

    @property
    def client(self) -> ECSClient:
        """The client for ECS that runs, watches and stops the ECS task."""
        return self._calls.ecs

    @cached_property
    def _calls(self) -> EcsTaskCalls:
        from airflow_ecs_dag_loader.runner.ecs_task_calls import EcsTaskCalls  # noqa: PLC0415 - boto3, for a task that runs
        from airflow_ecs_dag_loader.runner.ecs_task_clients import EcsTaskClients  # noqa: PLC0415 - as above

        return EcsTaskCalls(EcsTaskClients(self.aws_conn_id, self.region_name), log=self.log)

    def _started(self, context: Context) -> str:
        """Return the ARN of the one ECS task of this try: that of a try that was cut off, or a new one."""
        from airflow_ecs_dag_loader.runner.take_over import TakeOver  # noqa: PLC0415 - botocore, for a task that runs

        own = EcsTaskIdentity.of(context)
        request = self._request()
        within = self._start_timeout

        def start(identity: EcsTaskIdentity) -> str:
            self._record.write(identity)
            return self._start(identity, request, within, context)

        if context["ti"].try_number > 1:  # a first try has none before it, and its token finds what it started itself
            takes_over = TakeOver(
                calls=self._calls,
                start=start,
                request=request,
                within=within,
                container_name=str(self.container_name),
                skip_on_exit_code=self.skip_on_exit_code,
                essential_sidecars=self.essential_sidecars,
                run_name=self._run_name,
                log=self.log,
            )
            if (deferred := self._record.deferred()) is not None:
                takes_over.replace(deferred)
            elif (arn := takes_over.arn(own, self._record.read())) is not None:
                return arn
        return start(own)

    def _start(self, identity: EcsTaskIdentity, request: dict[str, Any], within: float, context: Context) -> str:
        """Call RunTask; called again with the same token, ECS answers with the task it started the first time."""
        from airflow_ecs_dag_loader.runner.ecs_task_start import RevisionGoneError  # noqa: PLC0415 - botocore, as above

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
        self._check_logs()
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
        self.essential_sidecars = [name for name in found.essential_containers if name != found.container_name]
        self.awslogs_group = found.logs.group if found.logs else None
        self.awslogs_stream_prefix = found.logs.stream_prefix if found.logs else None
        self.awslogs_region = found.logs.region if found.logs else None

    def _output(self, lines: OutputLines, context: Context) -> Any:  # noqa: ANN401 - any JSON value
        """Return what the container put out, ``None`` for nothing. Airflow keeps what is returned."""
        is_mapped_over = self._is_mapped_over(context)
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
            value = value if self.exchange is None else self._exchanged(self.exchange).value(value, context)
            check_items(value, most=most_items(), what=f"the output of {self.task_id}")
        if value is None:
            # To Airflow, what is returned as None was not put out at all; JSON's null was.
            context["ti"].xcom_push(BaseXCom.XCOM_RETURN_KEY, None)
        return value

    def _is_mapped_over(self, context: Context) -> bool:
        return not _is_instance(context) and next(iter(self.iter_mapped_dependants()), None) is not None

    def _exchange_variables(self, context: Context) -> dict[str, str]:
        """Write the inputs to the DAG's exchange, and return the variables that tell the container of it.

        Raises:
            EcsTaskFailedError: The inputs can't be written.
        """
        if self.exchange is None:
            return {}
        addresses = ExchangeAddresses.of(self.exchange, context)
        variables = {OUTPUT_VARIABLE: addresses.output}
        if self.inputs:
            body = inputs_body(self.inputs)
            variables[INPUT_VARIABLE] = addresses.inputs(body)
            self._exchanged(self.exchange).objects.put_inputs(variables[INPUT_VARIABLE], body)
            self.log.info("Inputs (%s): %s", ", ".join(self.inputs), variables[INPUT_VARIABLE])
        return variables

    def _exchanged(self, exchange: str) -> ExchangeAccess:
        account = TaskDefinitionArn.parse(self.task_definition).account
        return ExchangeAccess(exchange, account, region_name=self.region_name, aws_conn_id=self.aws_conn_id)

    def _check_logs(self) -> None:
        """Get ready for the container's lines, before there is an ECS task that a failure would leave alone.

        Raises:
            EcsTaskFailedError: Its output is needed.
        """
        if self.awslogs_group and self.awslogs_stream_prefix:
            self._calls.logs(self.awslogs_region)
            return
        if self.output_needed:
            raise EcsTaskFailedError(
                f"other tasks use the output of {self.task_id}, which is a line of its container "
                f"{self.container_name}, but its lines don't go to CloudWatch Logs: give the container the log "
                "driver awslogs with a stream prefix"
            )
        self.log.info("%s", lines_elsewhere(self.container_name, self.task_definition))


def _instance_name(context: Context) -> TaskInstanceName:
    instance = context["ti"]
    map_index = -1 if instance.map_index is None else instance.map_index
    return TaskInstanceName(
        dag_id=instance.dag_id, run_id=instance.run_id, task_id=instance.task_id, map_index=map_index
    )


def _last(arn: str) -> str:
    """Return what an ARN names, as people do: without its place."""
    return arn.rpartition("/")[2]


def _is_instance(context: Context) -> bool:
    """Tell whether this is one of the instances of a mapped task."""
    index = context["ti"].map_index
    return index is not None and index >= 0


def _run_name(context: Context) -> str:
    instance = context["ti"]
    mapped = f" [{instance.map_index}]" if _is_instance(context) else ""
    return f"dag {instance.dag_id}, run {instance.run_id}, task {instance.task_id}{mapped}, try {instance.try_number}"
