"""What the platform lets a project's DAG be: one model, the same at synth and in Airflow.

What reaches beyond a project's own DAG and its own rights is denied unless the policy allows it: operators that act
with Airflow's rights, pools, priority, alert profiles. Any other field that is left out allows all that the contract
itself allows. A list that is there allows what it names and nothing else; an empty one allows nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeVar, get_args

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, ValidationError, model_validator

from airflow_ecs_dag_schema.alerts import AlertProfileName
from airflow_ecs_dag_schema.ecs_settings import LaunchType
from airflow_ecs_dag_schema.operators import BUILT_IN, OperatorName
from airflow_ecs_dag_schema.plain_yaml import parse_yaml, read_text
from airflow_ecs_dag_schema.platform_parts import AnyAlertProfile, OperatorRule
from airflow_ecs_dag_schema.problems import DagDefinitionError, Problem, shown
from airflow_ecs_dag_schema.schedule import SCHEDULES
from airflow_ecs_dag_schema.tasks import TASK_KINDS
from airflow_ecs_dag_schema.templates import DATE_FUNCTIONS, FILTERS, VARIABLES
from airflow_ecs_dag_schema.validation import spec_problems
from airflow_ecs_dag_schema.values import BUILT_AT_USE, FROM_LABELS, Duration, FrozenModel, Many, Map, sorted_unique
from airflow_ecs_dag_schema.violations import PolicyMode

if TYPE_CHECKING:
    from pathlib import Path

_MOST_ENTRIES = 1_000
_COMMON_PRIORITY = 10
_DURATION: TypeAdapter[timedelta] = TypeAdapter(Duration, config=BUILT_AT_USE)
_SCHEDULE_KINDS = frozenset(kind.model_fields["kind"].default for kind in SCHEDULES)


class PolicyError(DagDefinitionError):
    """A policy that can't be: it is applied to no DAG; ``problems`` names each field."""

    _paragraph = "the-policy-file-is-wrong"

    def __init__(self, problems: Iterable[Problem], *, subject: str = "the policy") -> None:
        super().__init__(problems, subject=subject)


def _read_duration(value: object) -> object:
    if value is None or isinstance(value, timedelta):
        return value
    try:
        return _DURATION.validate_python(value, strict=True, context=FROM_LABELS)
    except ValidationError:
        raise ValueError(
            "expected an ISO 8601 duration from 1 second to 366 days, such as PT15M, PT12H or P7D"
        ) from None


def _expression(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"not a regular expression of Python: {error}") from None
    return value


def _glob(value: str) -> str:
    if not value.isprintable() or not value.isascii() or " " in value:
        raise ValueError("expected printable ASCII without spaces, in which * is any text")
    return value


def _one_of(what: str, allowed: Iterable[str]) -> AfterValidator:
    known = frozenset(allowed)

    def check(value: str) -> str:
        if value not in known:
            raise ValueError(f"no such {what}; choose from {', '.join(sorted(known))}")
        return value

    return AfterValidator(check)


Item = TypeVar("Item")
_Listed = Annotated[Many[Item], Field(max_length=_MOST_ENTRIES), AfterValidator(sorted_unique)]
"""A list that is a set; a field without one allows everything."""
_Text = Annotated[str, Field(min_length=1, max_length=300)]
_Glob = Annotated[_Text, AfterValidator(_glob)]
_Cap = Annotated[int, Field(ge=0, le=1_000_000)]
_Wait = Annotated[Duration, BeforeValidator(_read_duration)]
_Kind = Annotated[str, _one_of("kind of task", TASK_KINDS)]
_ScheduleKind = Annotated[str, _one_of("kind of schedule", _SCHEDULE_KINDS)]
_Variable = Annotated[str, _one_of("template variable", VARIABLES)]
_Filter = Annotated[str, _one_of("template filter", FILTERS)]
_Function = Annotated[str, _one_of("template function", DATE_FUNCTIONS)]
_Launch = Annotated[str, _one_of("launch type", get_args(LaunchType))]


class Policy(FrozenModel):
    """The platform's rules for the DAGs of one source; everything may be left out.

    In a list, ``*`` stands for any text. Durations are ISO 8601 (``PT15M``), or a ``timedelta`` in Python.

    Attributes:
        mode: ``enforce``: a DAG that breaks a rule is refused. ``warn``: it is admitted, and the breach is logged.
        dag_id_prefix: What each dag id begins with.
        dag_id_pattern: A regular expression that each dag id matches whole.
        owners: The owners that a DAG may name.
        tags: The tags that a DAG may carry.
        task_kinds: The kinds of task: ``ecs``, ``latest_only``, ``short_circuit``, ``branch``, ``param_items``,
            ``operator``.
        schedules: The kinds of schedule: ``cron_trigger``, ``manual`` and so on.
        template_variables: The variables that a template may use.
        template_filters: The filters that a template may use.
        template_functions: The functions that a template may call, of ``macros``.
        clusters: Names or ARNs. A name is a cluster of the account and region in which the DAG was found. A DAG that
            names no cluster runs on the one that the platform gave the bundle.
        launch_types: With this, a DAG names one of them or a capacity provider strategy. Unless ``capacity_providers``
            is there too, a provider FARGATE or FARGATE_SPOT counts as FARGATE, any other one as EC2.
        capacity_providers: The capacity providers that a strategy may name.
        subnets: Subnet ids.
        security_groups: Ids; the word ``default`` is the VPC's default group, which subnets get without any.
        public_ip: Whether a task may be given a public address.
        task_definitions: Families of other task definitions that a task may run. Each must name the DAG in its own
            label ``airflow.run_by`` in any case.
        exchange_buckets: Buckets through which a DAG may exchange large inputs and outputs. Each must belong to the
            DAG's own account in any case.
        alert_domains: What may stand after the ``@`` of an alert's address; upper and lower case are one.
        alert_profiles: The profiles that alerts may name, and what each is.
        operators: The sensors and operators of Airflow's that a task may be, by name, with what their arguments may
            be. Those that touch nothing but their own run need no entry: ``approval``, ``date_time_sensor``,
            ``empty``, ``time_delta_sensor``.
        pools: The pools that a task may name.
        outlets: The URIs and names of assets that a task may say it makes.
        asset_schedules: The URIs and names of assets that may start a DAG.
        max_priority_weight: Highest ``priority_weight`` of a task.
        max_pool_slots: Most ``pool_slots`` of a task.
        max_mapped_items: Items of a written list that a task is mapped over; lists that are made when a run goes on
            are bounded by Airflow's ``max_map_length``.
        max_cpu: Most CPU units that a task may ask for.
        max_memory_limit_mib: Most MiB of memory that a task may ask for.
        max_tasks: Tasks of a DAG.
        max_edges: Arrows between the tasks of a DAG.
        max_depth: Tasks on the longest path through a DAG.
        max_label_bytes: Bytes of a DAG's labels, keys and values together.
        max_args: Items in the command and the arguments of one task together.
        max_retries: Retries of a task.
        max_execution_timeout: Longest ``execution_timeout`` of a task that has one.
        require_execution_timeout: Whether each ECS task has one.
        max_dagrun_timeout: Longest ``dagrun_timeout`` of a DAG that has one.
        require_dagrun_timeout: Whether each DAG has one.
        max_active_runs: Most ``max_active_runs`` that a DAG may ask for.
        max_active_tasks: Most ``max_active_tasks`` that a DAG may ask for.
        min_schedule_interval: Shortest time between two runs of a schedule, by the clock of its timezone. A continuous
            schedule has none.
        max_catchup_runs: Runs that a DAG with ``catchup`` makes up for when its revision is deployed.
        max_dags: DAGs of the source. Those that have a place keep it.
    """

    mode: PolicyMode = "enforce"
    dag_id_prefix: _Glob | None = None
    dag_id_pattern: Annotated[_Text, AfterValidator(_expression)] | None = None
    owners: _Listed[_Text] | None = None
    tags: _Listed[_Text] | None = None
    task_kinds: _Listed[_Kind] | None = None
    schedules: _Listed[_ScheduleKind] | None = None
    template_variables: _Listed[_Variable] | None = None
    template_filters: _Listed[_Filter] | None = None
    template_functions: _Listed[_Function] | None = None
    clusters: _Listed[_Glob] | None = None
    launch_types: _Listed[_Launch] | None = None
    capacity_providers: _Listed[_Glob] | None = None
    subnets: _Listed[_Glob] | None = None
    security_groups: _Listed[_Glob] | None = None
    public_ip: bool = True
    task_definitions: _Listed[_Glob] | None = None
    exchange_buckets: _Listed[_Glob] | None = None
    alert_domains: _Listed[_Glob] | None = None
    alert_profiles: Map[AlertProfileName, AnyAlertProfile] = Field(default={})
    operators: Map[OperatorName, OperatorRule] = Field(default={})
    pools: _Listed[_Glob] = ("default_pool",)
    outlets: _Listed[_Glob] | None = None
    asset_schedules: _Listed[_Glob] | None = None
    max_priority_weight: _Cap = _COMMON_PRIORITY
    max_pool_slots: _Cap = 1
    max_mapped_items: _Cap | None = None
    max_cpu: _Cap | None = None
    max_memory_limit_mib: _Cap | None = None
    max_tasks: _Cap | None = None
    max_edges: _Cap | None = None
    max_depth: _Cap | None = None
    max_label_bytes: _Cap | None = None
    max_args: _Cap | None = None
    max_retries: _Cap | None = None
    max_execution_timeout: _Wait | None = None
    require_execution_timeout: bool = False
    max_dagrun_timeout: _Wait | None = None
    require_dagrun_timeout: bool = False
    max_active_runs: _Cap | None = None
    max_active_tasks: _Cap | None = None
    min_schedule_interval: _Wait | None = None
    max_catchup_runs: Annotated[int, Field(ge=0, le=10_000)] | None = None
    max_dags: _Cap | None = None

    @model_validator(mode="after")
    def _check_operators(self) -> Self:
        for name, rule in self.operators.items():
            if name in BUILT_IN and rule.operator_class is not None:
                raise _wrong_operator(
                    name, "this operator is built in: leave operator_class out, or name yours otherwise"
                )
            if name not in BUILT_IN and rule.operator_class is None:
                raise _wrong_operator(
                    name,
                    "this operator is not built in: give its operator_class and arguments, or choose from "
                    f"{', '.join(BUILT_IN)}",
                )
            taken = BUILT_IN[name].arguments if name in BUILT_IN else rule.arguments
            if unknown := sorted(rule.values.keys() - taken.keys()):
                raise _wrong_operator(
                    name, f"the operator has no argument {unknown[0]}; allowed: {', '.join(taken) or 'none'}"
                )
        return self

    @classmethod
    def of(cls, fields: Mapping[str, Any], *, subject: str = "the policy") -> Self:
        """Return the policy of these fields.

        Raises:
            PolicyError: With every problem found.
        """
        if not isinstance(fields, Mapping):
            raise PolicyError([Problem("policy", "expected fields and their values", shown(fields))], subject=subject)
        try:
            return cls.model_validate({str(name): value for name, value in fields.items()})
        except ValidationError as error:
            raise PolicyError(spec_problems(error, (), cls), subject=subject) from None

    @classmethod
    def from_yaml(cls, text: str, *, subject: str = "the policy") -> Self:
        """Return the policy that a YAML text holds; an empty text is the empty policy.

        Raises:
            PolicyError: It is no YAML, or no policy.
        """
        content = parse_yaml(text, what="policy", fails=lambda problem: PolicyError([problem], subject=subject))
        return cls.of({} if content is None else content, subject=subject)

    @classmethod
    def read(cls, path: Path | str) -> Self:
        """Return the policy of a YAML file.

        Raises:
            PolicyError: The file can't be read, or holds no policy.
        """
        subject = f"the policy {path}"
        text = read_text(path, what="policy", fails=lambda problem: PolicyError([problem], subject=subject))
        return cls.from_yaml(text, subject=subject)


def _wrong_operator(name: str, message: str) -> DagDefinitionError:
    return DagDefinitionError([Problem(f"operators.{name}", message)])
