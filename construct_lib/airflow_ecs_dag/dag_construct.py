"""The construct that puts a DAG on a task definition."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from airflow_ecs_dag import grants, ledger
from airflow_ecs_dag.catalog import Catalog, CatalogEntry, environment_of
from airflow_ecs_dag.declared_dag import declared
from airflow_ecs_dag.origin import codes_in_progress
from airflow_ecs_dag.placement import Placement
from airflow_ecs_dag.synth_checks import TaskDefinitionCheck
from airflow_ecs_dag_schema import DagSpec, TaskDefaults
from airflow_ecs_dag_schema.frozen_map import FrozenMap
from airflow_ecs_dag_schema.problems import DagDefinitionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta
    from types import CodeType

    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_ecs as ecs
    from aws_cdk import aws_s3 as s3

    from airflow_ecs_dag.connections import Connections
    from airflow_ecs_dag.flow import Flow, FlowPart
    from airflow_ecs_dag.frozen_values import Items
    from airflow_ecs_dag_schema import CapacityProvider
    from airflow_ecs_dag_schema.alerts import EmailAlert, ProfileAlert
    from airflow_ecs_dag_schema.dag import Deadline
    from airflow_ecs_dag_schema.ecs_settings import LaunchType
    from airflow_ecs_dag_schema.params import AnyParam
    from airflow_ecs_dag_schema.schedule import AnySchedule

_NO_DEFAULTS = TaskDefaults()
_NO_CONNECTIONS: Connections = FrozenMap({})
_NO_PARAMS: FrozenMap[str, AnyParam] = FrozenMap({})
_NO_TAGS: FrozenMap[str, str] = FrozenMap({})


class AirflowEcsDag(Construct):
    """A DAG whose tasks run one ECS task definition; Airflow finds it in that task definition's labels.

    It makes no resource of its own: it writes the DAG into the Docker labels of a container. What is wrong with
    its arguments raises at once; what only the whole app shows (a task that no DAG was given, a dag_id given twice,
    a task definition that grew too large) ends the synthesis with an error.

    Attributes:
        dag_id: The DAG's id.
        spec: The DAG as Airflow will read it, CDK tokens unresolved.
        labels: The labels written, CDK tokens unresolved.
        container_name: The container that carries the labels and runs the commands.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        dag_id: str,
        task_definition: ecs.TaskDefinition,
        schedule: AnySchedule,
        tasks: FlowPart | Sequence[FlowPart],
        cluster: ecs.ICluster | str | None = None,
        owner: str | None = None,
        owner_link: str | None = None,
        display_name: str | None = None,
        description: str | None = None,
        doc_md: str | None = None,
        tags: Items[str] = (),
        repository: str | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        catchup: bool = False,
        is_paused_upon_creation: bool | None = None,
        max_active_runs: int | None = None,
        max_active_tasks: int | None = None,
        max_consecutive_failed_dag_runs: int | None = None,
        dagrun_timeout: timedelta | None = None,
        deadline: Deadline | None = None,
        fail_fast: bool = False,
        params: Mapping[str, AnyParam] = _NO_PARAMS,
        defaults: TaskDefaults = _NO_DEFAULTS,
        alerts: Sequence[EmailAlert | ProfileAlert] = (),
        connections: Connections = _NO_CONNECTIONS,
        exchange: s3.IBucket | None = None,
        container: str | ecs.ContainerDefinition | None = None,
        launch_type: LaunchType | None = None,
        capacity_provider_strategies: Sequence[CapacityProvider] = (),
        vpc_subnets: ec2.SubnetSelection | list[str] | tuple[str, ...] | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | list[str] | tuple[str, ...] = (),
        assign_public_ip: bool | None = None,
        platform_version: ecs.FargatePlatformVersion | str | None = None,
        ecs_tags: Mapping[str, str] = _NO_TAGS,
    ) -> None:
        """Write a DAG into the labels of ``task_definition``.

        Args:
            scope: The stack, or another construct in it.
            construct_id: The construct's id in ``scope``.
            dag_id: 1 to 200 of ``A-Z a-z 0-9 _ -`` and single dots.
            task_definition: Made in this app; Fargate, EC2 or External. It carries one DAG.
            schedule: When the DAG runs; one of ``Schedule``'s, ``Schedule.manual()`` for only when triggered.
            tasks: One task, group or flow, or a list of them: ``a >> b``, or ``[a >> b, a >> c]``.
            cluster: Where its ECS tasks run; an ARN or a name for one of another app. ``None``: the cluster that
                Airflow's platform configured for this account.
            owner: Who answers for it, as shown in Airflow. ``None``: ``airflow``.
            owner_link: Where a click on the owner leads, ``https://`` or ``mailto:``. ``None``: nowhere.
            display_name: What Airflow's page calls the DAG. ``None``: its id.
            description: One paragraph for Airflow's page, at most 3,000 characters.
            doc_md: More of it, in Markdown, at most 3,500 characters; Airflow's page adds links to the repository, the
                stack and the task definition.
            tags: For Airflow's page; at most 50 of at most 100 characters.
            repository: Where the code is, ``https://``; Airflow's page links to it. ``None``: no link.
            start_date: No run is for a moment before it; with a timezone. Every schedule needs it but the manual one
                and those of assets alone.
            end_date: No run is for a moment after it; with a timezone.
            catchup: Whether runs between the start date and now are made up for.
            is_paused_upon_creation: Whether it waits for a person to switch it on. ``None``: the platform's default.
            max_active_runs: Runs at the same time. ``None``: the platform's default.
            max_active_tasks: Tasks of one run at the same time. ``None``: the platform's default.
            max_consecutive_failed_dag_runs: After so many failed runs in a row the DAG is paused. ``None``: the
                platform's default, which is never.
            dagrun_timeout: A run that lasts longer fails; whole seconds.
            deadline: When a run should be through; it needs an alert with ``on=["missed_deadline"]``, and stops
                nothing.
            fail_fast: Whether the first failure of a task stops the other tasks of the run.
            params: What a person may fill in when triggering the DAG, by name; ``param("country")`` stands for it in a
                task. With a schedule each needs a default, or ``optional=True``.
            defaults: What holds for each task that says nothing else.
            alerts: Whom to tell, and when.
            connections: Airflow connections for the container, by id: ``orders_db`` gives it the environment variable
                ``AIRFLOW_CONN_ORDERS_DB`` from the secret, and its execution role the right to read that. They are in
                no label; containers of other task definitions don't get them.
            exchange: A bucket of the same account for inputs and outputs that are too large for Airflow and ECS; the
                task roles may read and write the DAG's objects in it. ``None``: there is none, and no task has
                ``inputs``.
            container: The container that runs the commands, or its name. ``None``: the first essential one. The
                labels are on it, and its log lines are the ones in Airflow's task log.
            launch_type: ``None``: FARGATE for a Fargate task definition, EXTERNAL for an external one; otherwise, and
                with capacity provider strategies, it is left out and the strategy decides.
            capacity_provider_strategies: As in RunTask, instead of a launch type.
            vpc_subnets: Subnet ids, or a choice from the cluster's VPC, for network mode awsvpc. ``None``: the
                VPC's private subnets; where it has none, its public ones.
            security_groups: Groups or their ids, at most 5. Without any: the VPC's default group.
            assign_public_ip: ``None``: yes for Fargate in subnets chosen from a VPC that are public, otherwise no.
            platform_version: Of Fargate. ``None``: ``LATEST``.
            ecs_tags: Tags of the ECS tasks, for the bill; at most 30. Those of a task are added.

        Raises:
            DagDefinitionError: With every problem found; nothing was added to the tree or the task definition.
        """
        codes = codes_in_progress()
        place = Placement(
            task_definition=task_definition,
            cluster=cluster,
            launch_type=launch_type,
            capacity_provider_strategies=capacity_provider_strategies,
            vpc_subnets=vpc_subnets,
            security_groups=security_groups,
            assign_public_ip=assign_public_ip,
            platform_version=platform_version,
            ecs_tags=ecs_tags,
        )
        fields = {
            "dag_id": dag_id,
            "owner": owner,
            "owner_link": owner_link,
            "display_name": display_name,
            "description": description,
            "doc_md": doc_md,
            "tags": tags,
            "repository": repository,
            "schedule": schedule,
            "start_date": start_date,
            "end_date": end_date,
            "catchup": catchup,
            "is_paused_upon_creation": is_paused_upon_creation,
            "max_active_runs": max_active_runs,
            "max_active_tasks": max_active_tasks,
            "max_consecutive_failed_dag_runs": max_consecutive_failed_dag_runs,
            "dagrun_timeout": dagrun_timeout,
            "deadline": deadline,
            "fail_fast": fail_fast,
            "params": params,
            "defaults": defaults,
            "alerts": alerts,
        }
        try:
            dag, flow = declared(fields, tasks, place, container, connections, bucket=exchange)
        except DagDefinitionError as error:
            ledger.discard(codes)
            raise DagDefinitionError(error.problems, subject=f"AirflowEcsDag({construct_id!r})") from None
        super().__init__(scope, construct_id)
        self.dag_id = dag_id
        self.spec: DagSpec = dag.spec
        self.labels: Mapping[str, str] = MappingProxyType(dict(dag.labels))
        self.container_name = dag.carrier.name
        self._dag = dag
        self._cluster = cluster
        dag.write()
        self._enter_catalog(flow, codes)
        self.node.add_validation(TaskDefinitionCheck(dag))
        if dag.carrier.log_driver != "awslogs":
            cdk.Annotations.of(self).add_warning_v2(
                "airflow-ecs-dag:no-awslogs",
                f"the lines of container {dag.carrier.name} won't be in Airflow's task log (log driver "
                f"{dag.carrier.log_driver or 'none'}): give it logging=ecs.LogDriver.aws_logs(stream_prefix=...)",
            )

    @property
    def task_definitions(self) -> tuple[ecs.TaskDefinition, ...]:
        """The task definitions of this app that the DAG's tasks run, that with its labels first."""
        return self._dag.carrier.task_definition, *self._dag.others.of_app

    def grant_run(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let ``grantee``, the role of Airflow's workers, run this DAG's ECS tasks.

        It may run each revision of the task definitions' families on the DAG's cluster (on each cluster, if the DAG
        names none), tag, watch and stop the tasks there, hand over exactly the task roles and the execution roles
        to ECS, and read the containers' log lines. Finding DAGs (``ecs:ListTaskDefinitions`` and
        ``ecs:DescribeTaskDefinition``, which know no resources) is a matter of the platform, once; only a DAG whose
        tasks run other task definitions needs the latter here. Of a task definition that is given by name, nothing is
        granted: whoever has it grants that. In the bucket of an ``exchange`` it may read the DAG's objects only if a
        task is mapped over an output or one decides, and write there only if a task has ``inputs``.

        Args:
            grantee: A role, user or group; one of the cluster's account.

        Returns:
            The grant, for ``apply_before`` and the like.
        """
        carrier, others = self._dag.carrier, self._dag.others
        granted = self._grant_one(grantee, carrier.task_definition, carrier.name)
        for other, names in others.of_app.items():
            for name in sorted(names):
                granted = granted.combine(self._grant_one(grantee, other, name))
        if others.are_there:
            granted = granted.combine(grants.grant_describe(grantee))
        exchange = self._dag.exchange
        if exchange is not None and (there := exchange.grant_airflow(grantee, self.spec)) is not None:
            granted = granted.combine(there)
        return granted

    def _grant_one(self, grantee: iam.IGrantable, task_definition: ecs.TaskDefinition, name: str) -> iam.Grant:
        return grants.grant_run(grantee, task_definition=task_definition, container_name=name, cluster=self._cluster)

    def _enter_catalog(self, flow: Flow, codes: frozenset[CodeType]) -> None:
        ledger.note_use(flow)
        task_definition = self._dag.carrier.task_definition
        entry = CatalogEntry(
            path=self.node.path,
            dag_id=self.dag_id,
            family=task_definition.family,
            task_definition=task_definition.node.path,
            environment=environment_of(cdk.Stack.of(task_definition)),
        )
        Catalog.of(self).add(entry, flow, codes)
