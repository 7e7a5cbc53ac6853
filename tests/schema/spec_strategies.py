"""Arbitrary DAGs, for property tests: every field, every kind of task, every way to name another part of the DAG."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

from hypothesis import assume
from hypothesis import strategies as st

from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec, LatestOnlySpec
from airflow_ecs_dag_schema.dag import GroupSpec
from airflow_ecs_dag_schema.operators import BUILT_IN
from airflow_ecs_dag_schema.outputs import OutputRef
from airflow_ecs_dag_schema.tasks import (
    BranchSpec,
    EdgeLabel,
    ExpandItems,
    ExpandOutput,
    OperatorSpec,
    ParamItemsSpec,
    ShortCircuitSpec,
    TaskSpec,
    TriggerRule,
)
from schema.part_strategies import (
    alerts,
    assets,
    container_names,
    deadlines,
    ecs_settings,
    ecs_tags,
    launch_types,
    param_sets,
    platform_versions,
    providers,
    retrying,
    schedules,
    task_defaults,
)
from schema.value_strategies import (
    arguments,
    counts,
    dag_ids,
    durations,
    expression,
    lines,
    moments,
    names,
    or_none,
    task_ids,
    templates,
    texts,
    urls,
)

if TYPE_CHECKING:
    from airflow_ecs_dag_schema.operators import Argument
    from airflow_ecs_dag_schema.params import AnyParam

_KEYS = expression(r"[A-Za-z0-9_.-]{1,9}")
_PREFIXES = st.sampled_from(["", "", "load.", "load.tables.", "0.", "a_b."])
_ARGUMENTS = {
    "integer": st.integers(0, 999_999_999).map(str),
    "flag": st.sampled_from(["true", "false"]),
    "json": st.sampled_from(["{}", '{"day": "{{ ds }}"}', '{"a": [1, null]}']),
    "duration": st.sampled_from(["PT5M", "P1DT2H"]),
    "moment": st.just("2026-01-31T03:00:00+00:00"),
    "text": texts,
    "texts": texts,
}
"""Texts of an operator's arguments, by the kind that its signature names."""


@dataclass
class _Graph:
    """What tasks that are there already let those after them do."""

    params: dict[str, AnyParam]
    fail_fast: bool
    has_exchange: bool
    tasks: dict[str, TaskSpec] = field(default_factory=dict)
    before: dict[str, set[str]] = field(default_factory=dict)

    def add(self, task: TaskSpec) -> None:
        self.tasks[task.task_id] = task
        self.before[task.task_id] = self.all_before(task.upstream)

    def all_before(self, upstream: tuple[str, ...] | list[str]) -> set[str]:
        return set(upstream).union(*(self.before[each] for each in upstream))

    def with_output(self, upstream: list[str]) -> list[str]:
        kinds = (EcsTaskSpec, ParamItemsSpec, OperatorSpec)
        return sorted(each for each in self.all_before(upstream) if isinstance(self.tasks[each], kinds))

    def idle_branches(self) -> list[str]:
        """Return the branches that no task comes right after."""
        followed = {each for task in self.tasks.values() for each in task.upstream}
        return [each for each, task in self.tasks.items() if isinstance(task, BranchSpec) and each not in followed]


@st.composite
def specs(draw: st.DrawFn) -> DagSpec:
    """Any DAG that fits into labels."""
    schedule = draw(schedules)
    start, end = sorted(draw(st.tuples(moments, moments)))
    needs_start = schedule.kind not in {"manual", "assets"}
    deadline = draw(or_none(deadlines))
    told = draw(st.lists(alerts(with_deadline=deadline is not None), max_size=2))
    if not any("missed_deadline" in alert.on for alert in told):
        deadline = None
    graph = _Graph(draw(param_sets(needs_defaults=schedule.kind != "manual")), draw(st.booleans()), draw(st.booleans()))
    for task_id in draw(_ids()):
        graph.add(draw(_tasks(task_id, graph)))
    for task_id in graph.idle_branches():
        branch = graph.tasks[task_id]
        graph.add(
            ShortCircuitSpec(**{name: getattr(branch, name) for name in BranchSpec.model_fields if name != "kind"})
        )
    return DagSpec(
        dag_id=draw(dag_ids),
        owner=draw(lines),
        owner_link=draw(or_none(urls)),
        display_name=draw(or_none(lines)),
        description=draw(or_none(texts)),
        doc_md=draw(or_none(texts)),
        tags=draw(st.lists(lines, max_size=4, unique=True)),
        repository=draw(or_none(urls)),
        stack=draw(or_none(expression(r"[A-Za-z][A-Za-z0-9-]{0,20}"))),
        schedule=schedule,
        start_date=start if needs_start or draw(st.booleans()) else None,
        end_date=draw(or_none(st.just(end))),
        catchup=draw(st.booleans()),
        is_paused_upon_creation=draw(or_none(st.booleans())),
        max_active_runs=draw(st.sampled_from([None, 1]) if schedule.kind == "continuous" else or_none(counts)),
        max_active_tasks=draw(or_none(counts)),
        max_consecutive_failed_dag_runs=draw(or_none(st.integers(0, 1_000_000))),
        dagrun_timeout=draw(or_none(durations)),
        deadline=deadline,
        fail_fast=graph.fail_fast,
        params=graph.params,
        defaults=draw(task_defaults()),
        alerts=told,
        exchange=draw(expression(r"s3://[a-z0-9]{3,9}(?:/[A-Za-z0-9_=-]{1,9}){1,3}")) if graph.has_exchange else None,
        ecs=draw(ecs_settings()),
        groups=draw(_groups(list(graph.tasks))),
        tasks=list(graph.tasks.values()),
    )


@st.composite
def _ids(draw: st.DrawFn) -> list[str]:
    ids: list[str] = draw(st.lists(st.builds("{}{}".format, _PREFIXES, task_ids), min_size=1, max_size=7, unique=True))
    assume(not set(ids) & {task_id[:place] for task_id in ids for place, mark in enumerate(task_id) if mark == "."})
    return ids


@st.composite
def _groups(draw: st.DrawFn, ids: list[str]) -> list[GroupSpec]:
    groups = sorted({task_id[:place] for task_id in ids for place, mark in enumerate(task_id) if mark == "."})
    said = draw(st.lists(st.sampled_from(groups), unique=True)) if groups else []
    return [GroupSpec(group_id=each, display_name=draw(or_none(lines)), tooltip=draw(or_none(lines))) for each in said]


@st.composite
def _tasks(draw: st.DrawFn, task_id: str, graph: _Graph) -> TaskSpec:
    known = list(graph.tasks)
    upstream = draw(st.lists(st.sampled_from(known), unique=True, max_size=5)) if known else []
    upstream = sorted({*upstream, *graph.idle_branches()})
    common = draw(_common(task_id, upstream, graph))
    outputs = graph.with_output(upstream)
    deciders = [each for each in outputs if getattr(graph.tasks[each], "expand", None) is None]
    lists = sorted(name for name, param in graph.params.items() if param.kind == "string_list")
    kinds = ["ecs", "ecs", "ecs", "latest_only", "operator"]
    kinds += ["short_circuit", "branch"] if deciders else []
    kinds += ["param_items"] if lists else []
    match draw(st.sampled_from(kinds)):
        case "latest_only":
            return LatestOnlySpec(**common)
        case "operator":
            return draw(_operators(common))
        case "short_circuit":
            ignoring = draw(st.booleans())
            output = draw(_output_refs(deciders))
            return ShortCircuitSpec(**common, output=output, ignore_downstream_trigger_rules=ignoring)
        case "branch":
            return BranchSpec(**common, output=draw(_output_refs(deciders)))
        case "param_items":
            return ParamItemsSpec(**common, param=draw(st.sampled_from(lists)))
        case _:
            return draw(_ecs_tasks(common, outputs, graph))


def _output_refs(outputs: list[str]) -> st.SearchStrategy[OutputRef]:
    return st.builds(OutputRef, task_id=st.sampled_from(outputs), key=or_none(_KEYS))


@st.composite
def _common(draw: st.DrawFn, task_id: str, upstream: list[str], graph: _Graph) -> dict[str, Any]:
    """The fields that each kind of task has."""
    role = draw(st.sampled_from(["", "", "", "is_setup", "" if graph.fail_fast else "is_teardown"]))
    rules = get_args(TriggerRule)
    if role == "is_teardown":
        rules = ("all_success", "all_done_setup_success")
    elif graph.fail_fast or any(graph.tasks[each].is_setup for each in upstream):
        rules = ("all_success",)
    return {
        "task_id": task_id,
        "upstream": upstream,
        "edge_labels": [EdgeLabel(upstream=each, label=draw(lines)) for each in upstream if draw(st.booleans())],
        "trigger_rule": draw(st.sampled_from(rules)),
        "retries": draw(or_none(st.integers(0, 100))),
        "depends_on_past": draw(or_none(st.booleans())),
        "wait_for_downstream": draw(or_none(st.booleans())),
        "pool_slots": draw(or_none(st.integers(1, 1_000))),
        "max_active_tis_per_dag": draw(or_none(counts)),
        "max_active_tis_per_dagrun": draw(or_none(counts)),
        "task_display_name": draw(or_none(lines)),
        "doc_md": draw(or_none(texts)),
        "outlets": draw(st.lists(assets, max_size=2)),
        "on_failure_fail_dagrun": role == "is_teardown" and draw(st.booleans()),
        **({role: True} if role else {}),
        **draw(retrying()),
    }


@st.composite
def _ecs_tasks(draw: st.DrawFn, common: dict[str, Any], outputs: list[str], graph: _Graph) -> EcsTaskSpec:
    expand = draw(or_none(_expansions(outputs, graph)))
    words = st.one_of(arguments, _references(outputs, graph, is_mapped=expand is not None))
    has_launch_type = draw(st.booleans())
    return EcsTaskSpec(
        **common,
        command=draw(or_none(st.lists(words, max_size=3))),
        args=draw(st.lists(words, max_size=13)),
        environment=draw(st.dictionaries(names, words, max_size=3)),
        inputs=draw(st.dictionaries(names, words, max_size=3)) if graph.has_exchange else {},
        cpu=draw(or_none(st.sampled_from([128, 256, 16_384, 196_608]))),
        memory_limit_mib=draw(or_none(st.integers(6, 1_000_000))),
        ephemeral_storage_gib=draw(or_none(st.integers(21, 200))),
        task_definition=draw(or_none(expression(r"[A-Za-z0-9_-]{1,20}(?::[1-9]\d{0,3})?"))),
        container_name=draw(or_none(container_names)),
        launch_type=draw(or_none(launch_types)) if has_launch_type else None,
        capacity_provider_strategy=[] if has_launch_type else draw(st.lists(providers, max_size=2)),
        platform_version=draw(or_none(platform_versions)),
        tags=draw(ecs_tags),
        skip_on_exit_code=draw(st.lists(st.integers(0, 255), max_size=3, unique=True)),
        expand=expand,
        map_index_template=None if expand is None else draw(or_none(words)),
    )


def _expansions(outputs: list[str], graph: _Graph) -> st.SearchStrategy[ExpandItems | ExpandOutput]:
    items = st.builds(ExpandItems, items=st.lists(texts, min_size=1, max_size=12))
    whole = [each for each in outputs if getattr(graph.tasks[each], "expand", None) is None]
    return st.one_of(items, st.builds(ExpandOutput, task_id=st.sampled_from(whole))) if whole else items


def _references(outputs: list[str], graph: _Graph, *, is_mapped: bool) -> st.SearchStrategy[str]:
    """Templates that name another part of the DAG."""
    found = [templates]
    if outputs:
        pulls = ["{{{{ ti.xcom_pull(task_ids='{}')['rows'] }}}}", "{{{{ti.xcom_pull('{}')}}}}-x"]
        found.append(st.builds(str.format, st.sampled_from(pulls), st.sampled_from(outputs)))
        found.append(_output_refs(outputs).map(lambda ref: ref.template))
    if graph.params:
        spellings = ["{{{{ params.{} }}}}", "{{{{ params['{}'] | tojson }}}}"]
        found.append(st.builds(str.format, st.sampled_from(spellings), st.sampled_from(sorted(graph.params))))
    if is_mapped:
        found.append(st.sampled_from(["{{ item }}", "{{ item['key'] }}", "{{ item[0] | upper }}"]))
    return st.one_of(found)


@st.composite
def _operators(draw: st.DrawFn, common: dict[str, Any]) -> OperatorSpec:
    """An operator that is built in, with arguments of its signature, or one that only a platform knows, with any."""
    name = draw(st.one_of(st.sampled_from(sorted(BUILT_IN)), expression(r"x_[a-z0-9_]{0,9}")))
    if name not in BUILT_IN:
        values: st.SearchStrategy[Any] = st.one_of(arguments, st.lists(arguments, min_size=1, max_size=3))
        return OperatorSpec(**common, operator=name, arguments=draw(st.dictionaries(names, values, max_size=4)))
    signature = BUILT_IN[name].arguments
    given = [argument for argument, declared in signature.items() if declared.required or draw(st.booleans())]
    values_of = {argument: draw(_values(signature[argument])) for argument in given}
    if name == "external_task_sensor":
        states = draw(st.permutations(["success", "failed", "skipped"]))
        waited, failing = draw(st.integers(1, 3)), draw(st.integers(1, 3))
        values_of |= {"allowed_states": states[:waited]}
        values_of |= {"external_task_ids": draw(st.lists(texts, min_size=1, max_size=3))}
        values_of.pop("failed_states", None)
        if waited + failing <= len(states):
            values_of |= {"failed_states": states[waited : waited + failing]}
    return OperatorSpec(**common, operator=name, arguments=values_of)


def _values(declared: Argument) -> st.SearchStrategy[Any]:
    texts_ = st.sampled_from(declared.choices) if declared.choices else _ARGUMENTS[declared.kind]
    if declared.required:
        texts_ = texts_.filter(bool)
    if declared.template and declared.kind != "json":
        texts_ = st.one_of(texts_, templates)
    return st.lists(texts_, min_size=1, max_size=3) if declared.kind == "texts" else texts_
