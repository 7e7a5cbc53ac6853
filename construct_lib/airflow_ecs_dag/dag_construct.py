"""The construct that puts a DAG on a task definition."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import jsii
from constructs import Construct, IValidation

from airflow_ecs_dag import grants, ledger
from airflow_ecs_dag.catalog import Catalog, CatalogEntry, environment_of
from airflow_ecs_dag.container import DagContainer, check_task_definition, find_container
from airflow_ecs_dag.definition import collecting, define
from airflow_ecs_dag.origin import codes_in_progress
from airflow_ecs_dag.placement import Placement
from airflow_ecs_dag_schema import DagSpec, TaskDefaults, encode
from airflow_ecs_dag_schema.limits import TASK_DEFINITION_BYTES, compact_size, too_large
from airflow_ecs_dag_schema.problems import DagDefinitionError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime, timedelta
    from types import CodeType

    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_ecs as ecs
    from aws_cdk import aws_iam as iam

    from airflow_ecs_dag.flow import Flow
    from airflow_ecs_dag.tasks import Task
    from airflow_ecs_dag_schema import CapacityProvider, EmailAlert
    from airflow_ecs_dag_schema.ecs_settings import LaunchType
    from airflow_ecs_dag_schema.schedule import AnySchedule

_NO_DEFAULTS = TaskDefaults()


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
        tasks: Task | Flow | Sequence[Task | Flow],
        cluster: ecs.ICluster | str | None = None,
        owner: str | None = None,
        description: str | None = None,
        tags: list[str] | tuple[str, ...] = (),
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        catchup: bool = False,
        max_active_runs: int | None = None,
        max_active_tasks: int | None = None,
        dagrun_timeout: timedelta | None = None,
        defaults: TaskDefaults = _NO_DEFAULTS,
        alerts: Sequence[EmailAlert] = (),
        container: str | ecs.ContainerDefinition | None = None,
        launch_type: LaunchType | None = None,
        capacity_provider_strategies: Sequence[CapacityProvider] = (),
        vpc_subnets: ec2.SubnetSelection | list[str] | tuple[str, ...] | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | list[str] | tuple[str, ...] = (),
        assign_public_ip: bool | None = None,
    ) -> None:
        """Write a DAG into the labels of ``task_definition``.

        Args:
            scope: The stack, or another construct in it.
            construct_id: The construct's id in ``scope``.
            dag_id: 1 to 200 of ``A-Z a-z 0-9 _ -`` and single dots.
            task_definition: Made in this app; Fargate, EC2 or External. It carries one DAG.
            schedule: When the DAG runs; one of ``Schedule``'s, ``Schedule.manual()`` for only when triggered.
            tasks: One task, one flow, or a list of them: ``a >> b``, or ``[a >> b, a >> c]``.
            cluster: Where its ECS tasks run; an ARN or a name for one of another app. ``None``: the cluster that
                Airflow's platform configured for this account.
            owner: Who answers for it, as shown in Airflow. ``None``: ``airflow``.
            description: One paragraph for Airflow's page, at most 3,000 characters.
            tags: For Airflow's page; at most 50.
            start_date: No run is for a moment before it; with a timezone. Every schedule but the manual one needs it.
            end_date: No run is for a moment after it; with a timezone.
            catchup: Whether runs between the start date and now are made up for.
            max_active_runs: Runs at the same time. ``None``: the platform's default.
            max_active_tasks: Tasks of one run at the same time. ``None``: the platform's default.
            dagrun_timeout: A run that lasts longer fails; whole seconds.
            defaults: What holds for each task that says nothing else.
            alerts: Whom to tell, and when.
            container: The container that runs the commands, or its name. ``None``: the first essential one. The
                labels are on it, and its log lines are the ones in Airflow's task log.
            launch_type: ``None``: FARGATE for a Fargate task definition, EXTERNAL for an external one; otherwise, and
                with capacity provider strategies, it is left out and the strategy decides.
            capacity_provider_strategies: As in RunTask, instead of a launch type.
            vpc_subnets: Subnet ids, or a choice from the cluster's VPC, for network mode awsvpc. ``None``: the
                VPC's private subnets; where it has none, its public ones.
            security_groups: Groups or their ids, at most 5. Without any: the VPC's default group.
            assign_public_ip: ``None``: yes for Fargate in subnets chosen from a VPC that are public, otherwise no.

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
        )
        dag = {
            "dag_id": dag_id,
            "owner": owner,
            "description": description,
            "tags": tags,
            "schedule": schedule,
            "start_date": start_date,
            "end_date": end_date,
            "catchup": catchup,
            "max_active_runs": max_active_runs,
            "max_active_tasks": max_active_tasks,
            "dagrun_timeout": dagrun_timeout,
            "defaults": defaults,
            "alerts": alerts,
        }
        try:
            spec, flow, carrier = _checked(dag, tasks, place, container)
            labels = encode(spec)
        except DagDefinitionError as error:
            ledger.discard(codes)
            raise DagDefinitionError(error.problems, subject=f"AirflowEcsDag({construct_id!r})") from None
        super().__init__(scope, construct_id)
        self.dag_id = dag_id
        self.spec: DagSpec = spec
        self.labels: Mapping[str, str] = MappingProxyType(labels)
        self.container_name = carrier.name
        self._task_definition = task_definition
        self._cluster = cluster
        carrier.add_labels(labels)
        self._enter_catalog(flow, codes)
        self.node.add_validation(_TaskDefinitionCheck(carrier, self.labels))
        if carrier.log_driver != "awslogs":
            cdk.Annotations.of(self).add_warning_v2(
                "airflow-ecs-dag:no-awslogs",
                f"the lines of container {carrier.name} won't be in Airflow's task log (log driver "
                f"{carrier.log_driver or 'none'}): give it logging=ecs.LogDriver.aws_logs(stream_prefix=...)",
            )

    def grant_run(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let ``grantee``, the role of Airflow's workers, run this DAG's ECS tasks.

        It may run each revision of the task definition's family on the DAG's cluster (on each cluster, if the DAG
        names none), tag, watch and stop the tasks there, hand over exactly the task role and the execution role
        to ECS, and read the container's log lines. Finding DAGs (``ecs:ListTaskDefinitions`` and
        ``ecs:DescribeTaskDefinition``, which know no resources) is a matter of the platform, once.

        Args:
            grantee: A role, user or group; one of the cluster's account.

        Returns:
            The grant, for ``apply_before`` and the like.
        """
        return grants.grant_run(
            grantee,
            task_definition=self._task_definition,
            container_name=self.container_name,
            cluster=self._cluster,
        )

    def _enter_catalog(self, flow: Flow, codes: frozenset[CodeType]) -> None:
        ledger.note_use(flow)
        stack = cdk.Stack.of(self._task_definition)
        entry = CatalogEntry(
            path=self.node.path,
            dag_id=self.dag_id,
            family=self._task_definition.family,
            task_definition=self._task_definition.node.path,
            environment=environment_of(stack),
        )
        Catalog.of(self).add(entry, flow, codes)


def _checked(
    dag: dict[str, Any], tasks: object, place: Placement, container: str | ecs.ContainerDefinition | None
) -> tuple[DagSpec, Flow, DagContainer]:
    """Return the DAG, its flow and the container for it.

    Raises:
        DagDefinitionError: With the problems of all three.
    """
    problems: list[Problem] = []
    carrier: DagContainer | None = None
    fields: dict[str, Any] = {}
    defined: tuple[DagSpec, Flow] | None = None
    with collecting(problems):
        check_task_definition(place.task_definition)
        with collecting(problems):
            Catalog.check_free(place.task_definition)
        with collecting(problems):
            carrier = find_container(place.task_definition, container)
        with collecting(problems):
            fields = place.fields()
    with collecting(problems):
        defined = define(dag, tasks, fields)
    if problems or carrier is None or defined is None:
        raise DagDefinitionError(problems)
    return *defined, carrier


@jsii.implements(IValidation)
class _TaskDefinitionCheck:
    """Looks at the task definition again at synth, when everybody has added to it what they will."""

    def __init__(self, carrier: DagContainer, labels: Mapping[str, str]) -> None:
        self._carrier = carrier
        self._labels = labels

    def validate(self) -> list[str]:
        """Return what is wrong; called by the CDK."""
        labels, whole = self._carrier.rendered(self._labels)
        problems = [*self._carrier.foreign_labels(), *_secrets(labels)]
        size = compact_size(whole)
        if size > TASK_DEFINITION_BYTES:
            problems.append(too_large(self._labels, size))
        return [str(problem) for problem in problems]


def _secrets(labels: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield a problem for each label whose token turned out to be a reference to a secret or a parameter."""
    for key, text in labels.items():
        if "{{resolve:" in str(text):
            yield Problem(
                key,
                "{{resolve:...}} would put the value of a secret or a parameter into a label, for everyone to read: "
                "give it to the container with ecs.Secret",
                str(text),
            )
