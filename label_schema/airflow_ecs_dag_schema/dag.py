"""The contract: everything that crosses from a project to Airflow, in one immutable value."""

from __future__ import annotations

from functools import cached_property
from itertools import islice
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from airflow_ecs_dag_schema.alerts import AnyAlert
from airflow_ecs_dag_schema.ecs_settings import EcsSettings
from airflow_ecs_dag_schema.exchange import Exchange
from airflow_ecs_dag_schema.frozen_map import FrozenMap
from airflow_ecs_dag_schema.graph import graph_problems
from airflow_ecs_dag_schema.params import AnyParam
from airflow_ecs_dag_schema.problems import MOST_PROBLEMS, DagDefinitionError, Problem
from airflow_ecs_dag_schema.references import reference_problems
from airflow_ecs_dag_schema.schedule import AnySchedule, Continuous, Manual, OnAssets
from airflow_ecs_dag_schema.task_keys import task_keys
from airflow_ecs_dag_schema.tasks import AnyTaskSpec, TaskDefaults, TaskSpec
from airflow_ecs_dag_schema.values import (
    AuthorValue,
    Count,
    CountOrZero,
    DagId,
    Duration,
    Flag,
    FrozenModel,
    Line,
    Many,
    Map,
    Moment,
    Name,
    TaskId,
    Text,
    Url,
    Word,
    pattern,
    sorted_unique,
)

MOST_TASKS = 1_000

Stack = Annotated[
    Word,
    Field(max_length=300),
    pattern(
        r"[A-Za-z][A-Za-z0-9-]{0,127}|arn:aws[a-z-]*:cloudformation:[a-z0-9-]+:\d{12}:stack/[A-Za-z][A-Za-z0-9-]{0,127}/[a-z0-9-]+",
        "the name or the ARN of a CloudFormation stack",
    ),
]
Tag = Annotated[Line, Field(max_length=100)]
DeadlineReference = Literal["dagrun_logical_date", "dagrun_queued_at"]


class Deadline(AuthorValue):
    """When a run must be through: ``interval`` after it was queued, or after its logical date.

    Attributes:
        interval: Whole seconds.
        reference: What the interval is counted from.
    """

    interval: Duration
    reference: DeadlineReference = "dagrun_queued_at"


class GroupSpec(FrozenModel):
    """What Airflow's graph shows of a task group; its tasks are those whose id begins with its own and a dot.

    Attributes:
        group_id: With those of the groups around it: ``load.tables``.
        display_name: Without it, the last part of its id.
        tooltip: What the graph says about it.
    """

    group_id: TaskId
    display_name: Line | None = None
    tooltip: Line | None = None


def _by_task_id(tasks: tuple[TaskSpec, ...]) -> tuple[TaskSpec, ...]:
    sorted_unique(tuple(task.task_id for task in tasks))
    return tuple(sorted(tasks, key=lambda task: task.task_id))


def _by_group_id(groups: tuple[GroupSpec, ...]) -> tuple[GroupSpec, ...]:
    sorted_unique(tuple(group.group_id for group in groups))
    return tuple(sorted(groups, key=lambda group: group.group_id))


class DagSpec(FrozenModel):
    """A DAG as a project declares it.

    Two specs are equal if they mean the same: tasks, tags and arrows are kept sorted.

    Attributes:
        dag_id: 1 to 200 of ``A-Z a-z 0-9 _ - .``.
        owner: Who answers for it, as shown in Airflow.
        owner_link: Where a click on the owner leads: ``https:`` or ``mailto:``.
        display_name: What Airflow's page calls the DAG; without it, its id.
        description: One paragraph for Airflow's page.
        doc_md: More of it, in Markdown.
        tags: Up to 100 characters each.
        repository: Where its code is; Airflow's page links to it.
        stack: Name or ARN of the CloudFormation stack; Airflow's page links to it.
        schedule: When it runs.
        start_date: No run is for a moment before it.
        end_date: No run is for a moment after it.
        catchup: Whether runs between the start date and now are made up for.
        is_paused_upon_creation: Whether it waits for a person to switch it on; without it, the platform's default.
        max_active_runs: Runs at the same time; without it, the platform's default.
        max_active_tasks: Tasks of one run at the same time; without it, the platform's default.
        max_consecutive_failed_dag_runs: After so many failed runs in a row the DAG is paused.
        dagrun_timeout: A run that lasts longer fails.
        deadline: When a run should be through; alerts can tell if it isn't.
        fail_fast: Whether the first failure of a task stops the other tasks of the run.
        params: What a person may fill in when triggering it, by name.
        defaults: What holds for each task that says nothing else.
        alerts: Whom to tell, and when.
        exchange: Where in S3 its large inputs and outputs are; the bucket is of the DAG's own account.
        ecs: Where ECS runs the tasks.
        groups: What is to be said about task groups; a group needs no entry.
        tasks: 1 to 1,000 tasks, by id.
    """

    dag_id: DagId
    owner: Line = "airflow"
    owner_link: Url | None = None
    display_name: Line | None = None
    description: Annotated[Text, Field(max_length=3_000)] | None = None
    doc_md: Annotated[Text, Field(max_length=3_500)] | None = None
    tags: Annotated[Many[Tag], Field(max_length=50), AfterValidator(sorted_unique)] = ()
    repository: Url | None = None
    stack: Stack | None = None
    schedule: AnySchedule = Manual()
    start_date: Moment | None = None
    end_date: Moment | None = None
    catchup: Flag = False
    is_paused_upon_creation: Flag | None = None
    max_active_runs: Count | None = None
    max_active_tasks: Count | None = None
    max_consecutive_failed_dag_runs: CountOrZero | None = None
    dagrun_timeout: Duration | None = None
    deadline: Deadline | None = None
    fail_fast: Flag = False
    params: Map[Name, AnyParam] = FrozenMap()
    defaults: TaskDefaults = TaskDefaults()
    alerts: Annotated[Many[AnyAlert], Field(max_length=10)] = ()
    exchange: Exchange | None = None
    ecs: EcsSettings = EcsSettings()
    groups: Annotated[Many[GroupSpec], Field(max_length=100), AfterValidator(_by_group_id)] = ()
    tasks: Annotated[Many[AnyTaskSpec], Field(min_length=1, max_length=MOST_TASKS), AfterValidator(_by_task_id)]

    @cached_property
    def keys(self) -> dict[str, str]:
        """What stands for each task, by id, in the keys of its labels."""
        return task_keys(task.task_id for task in self.tasks)

    @model_validator(mode="after")
    def _check_whole(self) -> Self:
        wrong = graph_problems({task.task_id: tuple(task.upstream) for task in self.tasks})
        if not wrong:
            wrong.extend(islice(reference_problems(self), MOST_PROBLEMS))
        if self.start_date is None and not isinstance(self.schedule, Manual | OnAssets):
            wrong.append(
                Problem("start_date", "a DAG with a schedule needs a start_date: give the moment of the first run")
            )
        if self.start_date and self.end_date and self.end_date < self.start_date:
            wrong.append(Problem("end_date", "the end is before start_date", self.end_date.isoformat()))
        if isinstance(self.schedule, Continuous) and self.max_active_runs not in {None, 1}:
            wrong.append(
                Problem(
                    "max_active_runs",
                    "a continuous schedule has one run at a time: leave this out or make it 1",
                    str(self.max_active_runs),
                )
            )
        if wrong:
            raise DagDefinitionError(wrong)
        return self
