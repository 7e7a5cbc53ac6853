"""The contract: everything that crosses from a project to Airflow, in one immutable value."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from airflow_ecs_dag_schema.alerts import AnyAlert
from airflow_ecs_dag_schema.ecs_settings import EcsSettings
from airflow_ecs_dag_schema.graph import graph_problems
from airflow_ecs_dag_schema.problems import DagDefinitionError, Problem
from airflow_ecs_dag_schema.schedule import AnySchedule, Continuous, Manual
from airflow_ecs_dag_schema.tasks import AnyTaskSpec, EcsTaskSpec, LatestOnlySpec, TaskDefaults
from airflow_ecs_dag_schema.values import (
    Count,
    DagId,
    Duration,
    Flag,
    FrozenModel,
    Line,
    Many,
    Moment,
    Text,
    sorted_unique,
)

MOST_TASKS = 1_000

Tag = Annotated[Line, Field(max_length=100)]


def _by_task_id(tasks: tuple[EcsTaskSpec | LatestOnlySpec, ...]) -> tuple[EcsTaskSpec | LatestOnlySpec, ...]:
    sorted_unique(tuple(task.task_id for task in tasks))
    return tuple(sorted(tasks, key=lambda task: task.task_id))


class DagSpec(FrozenModel):
    """A DAG as a project declares it.

    Two specs are equal if they mean the same: tasks, tags and arrows are kept sorted.

    Attributes:
        dag_id: 1 to 200 of ``A-Z a-z 0-9 _ - .``.
        owner: Who answers for it, as shown in Airflow.
        description: One paragraph for Airflow's page.
        tags: Up to 100 characters each.
        schedule: When it runs.
        start_date: No run is for a moment before it.
        end_date: No run is for a moment after it.
        catchup: Whether runs between the start date and now are made up for.
        max_active_runs: Runs at the same time; without it, the platform's default.
        max_active_tasks: Tasks of one run at the same time; without it, the platform's default.
        dagrun_timeout: A run that lasts longer fails.
        defaults: What holds for each task that says nothing else.
        alerts: Whom to tell, and when.
        ecs: Where ECS runs the tasks.
        tasks: 1 to 1,000 tasks, by id.
    """

    dag_id: DagId
    owner: Line = "airflow"
    description: Annotated[Text, Field(max_length=3_000)] | None = None
    tags: Annotated[Many[Tag], Field(max_length=50), AfterValidator(sorted_unique)] = ()
    schedule: AnySchedule = Manual()
    start_date: Moment | None = None
    end_date: Moment | None = None
    catchup: Flag = False
    max_active_runs: Count | None = None
    max_active_tasks: Count | None = None
    dagrun_timeout: Duration | None = None
    defaults: TaskDefaults = TaskDefaults()
    alerts: Annotated[Many[AnyAlert], Field(max_length=10)] = ()
    ecs: EcsSettings = EcsSettings()
    tasks: Annotated[Many[AnyTaskSpec], Field(min_length=1, max_length=MOST_TASKS), AfterValidator(_by_task_id)]

    @model_validator(mode="after")
    def _check_whole(self) -> Self:
        wrong = graph_problems({task.task_id: tuple(task.upstream) for task in self.tasks})
        if self.start_date is None and not isinstance(self.schedule, Manual):
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
