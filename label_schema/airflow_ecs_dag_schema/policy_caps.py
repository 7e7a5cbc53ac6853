"""The rules of a policy that set a limit: sizes, tries, times, schedules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ecs_dag_schema.firings import runs_between, shortest_interval
from airflow_ecs_dag_schema.graph import longest_path
from airflow_ecs_dag_schema.label_text import to_text
from airflow_ecs_dag_schema.schedule import Events
from airflow_ecs_dag_schema.tasks import EcsTaskSpec, ExpandItems
from airflow_ecs_dag_schema.violations import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_ecs_dag_schema.dag import DagSpec
    from airflow_ecs_dag_schema.policy import Policy
    from airflow_ecs_dag_schema.tasks import TaskSpec
    from airflow_ecs_dag_schema.violations import Facts


def size_violations(spec: DagSpec, policy: Policy, facts: Facts) -> Iterator[Violation]:
    """Yield in what a DAG is too large."""
    divide = "divide it into several DAGs"
    yield from _capped("size.tasks", "airflow.tasks", "a DAG", "tasks", len(spec.tasks), policy.max_tasks, divide)
    edges = sum(len(task.upstream) for task in spec.tasks)
    yield from _capped("size.edges", "airflow.tasks", "a DAG", "arrows", edges, policy.max_edges, divide)
    if policy.max_depth is not None:
        path = longest_path({task.task_id: tuple(task.upstream) for task in spec.tasks})
        yield from _capped(
            "size.depth", "airflow.tasks", "a path through a DAG", "tasks", len(path), policy.max_depth,
            f"shorten the path that ends in {path[-1]}",
        )  # fmt: skip
    yield from _capped(
        "size.labels", "airflow", "a DAG", "bytes of labels", facts.label_bytes, policy.max_label_bytes, divide
    )
    for task in spec.tasks:
        if isinstance(task, EcsTaskSpec):
            path_of_args = f"airflow.tasks.{spec.keys[task.task_id]}.{'args' if task.args else 'command'}"
            items = len(task.command or ()) + len(task.args)
            yield from _capped(
                "size.args", path_of_args, "a task", "items in command and args", items, policy.max_args,
                "put what they say into the container's image or S3",
            )  # fmt: skip


def resource_violations(spec: DagSpec, policy: Policy, _: Facts) -> Iterator[Violation]:
    """Yield the tasks that ask for more of ECS than they may, or are mapped over too many items."""
    for task in spec.tasks:
        if not isinstance(task, EcsTaskSpec):
            continue
        path = f"airflow.tasks.{spec.keys[task.task_id]}"
        for rule, name, cap in (
            ("cpu.too-much", "cpu", policy.max_cpu),
            ("memory.too-much", "memory_limit_mib", policy.max_memory_limit_mib),
        ):
            got = getattr(task, name)
            if got is not None and cap is not None and got > cap:
                yield Violation(rule, f"{path}.{name}", str(got), f"{name} is {cap} here at most", f"lower {name}")
        if isinstance(task.expand, ExpandItems):
            yield from _capped(
                "size.mapped", f"{path}.expand.items", "a mapped task", "items", len(task.expand.items),
                policy.max_mapped_items, "divide the list, or let one task take several items",
            )  # fmt: skip


def try_violations(spec: DagSpec, policy: Policy, _: Facts) -> Iterator[Violation]:
    """Yield the tasks that try too often or too long; what a DAG's defaults say is one violation."""
    seen = set()
    for task in spec.tasks:
        found = [*_retries(spec, task, policy)]
        if isinstance(task, EcsTaskSpec):
            found += _execution_timeout(spec, task, policy)
        for violation in found:
            if violation not in seen:
                seen.add(violation)
                yield violation


def run_violations(spec: DagSpec, policy: Policy, _: Facts) -> Iterator[Violation]:
    """Yield what is wrong with how long a run may take, and how many there may be at once."""
    if spec.dagrun_timeout is None and policy.require_dagrun_timeout:
        yield Violation(
            "dagrun-timeout.missing",
            "airflow.dag.dagrun_timeout",
            None,
            "a DAG here has a dagrun_timeout",
            "give the time after which a run has failed",
        )
    most = policy.max_dagrun_timeout
    if spec.dagrun_timeout is not None and most is not None and spec.dagrun_timeout > most:
        yield Violation(
            "dagrun-timeout.too-long",
            "airflow.dag.dagrun_timeout",
            to_text(spec.dagrun_timeout),
            f"a run here may last {to_text(most)} at most",
            "shorten dagrun_timeout",
        )
    for rule, name, cap in (
        ("active-runs.too-many", "max_active_runs", policy.max_active_runs),
        ("active-tasks.too-many", "max_active_tasks", policy.max_active_tasks),
    ):
        got = getattr(spec, name)
        if got is not None and cap is not None and got > cap:
            yield Violation(rule, f"airflow.dag.{name}", str(got), f"{name} is {cap} here at most", f"lower {name}")


def schedule_violations(spec: DagSpec, policy: Policy, facts: Facts) -> Iterator[Violation]:
    """Yield what is wrong with how often a DAG runs, and with how much it makes up for."""
    schedule = spec.schedule
    below = policy.min_schedule_interval
    if below is not None and (interval := shortest_interval(schedule, below=below)) is not None:
        field = next(name for name in ("cron", "every", "moments", "kind") if hasattr(schedule, name))
        value = getattr(schedule, field)
        if isinstance(schedule, Events):
            value = f"{len(schedule.moments)} moments"
        yield Violation(
            "schedule.too-often",
            f"airflow.dag.schedule.{field}",
            value if isinstance(value, str) else to_text(value),
            f"runs here are {to_text(below)} apart at least, these {to_text(interval) if interval else 'not at all'}",
            "run the DAG less often",
        )
    most = policy.max_catchup_runs
    if most is not None and spec.catchup and spec.start_date is not None:
        end = min(facts.deployed_at, spec.end_date or facts.deployed_at)
        if runs_between(schedule, spec.start_date, end, most=most) > most:
            yield Violation(
                "catchup.too-long",
                "airflow.dag.start_date",
                spec.start_date.isoformat(),
                f"a DAG with catchup makes up for {most} runs here at most when it is deployed, this one for more",
                "move start_date forward (runs that were are kept), or leave catchup out",
            )


def _capped(  # noqa: PLR0917 - what the two dozen words of a limit are
    rule: str, path: str, owner: str, what: str, got: int, cap: int | None, remedy: str
) -> Iterator[Violation]:
    if cap is not None and got > cap:
        yield Violation(
            rule, path, str(got), f"too many {what} for {owner}: {cap} here at most, this has {got}", remedy
        )


def _retries(spec: DagSpec, task: TaskSpec, policy: Policy) -> Iterator[Violation]:
    own = task.retries is not None
    retries = task.retries if task.retries is not None else spec.defaults.retries
    if policy.max_retries is not None and retries > policy.max_retries:
        path = f"airflow.tasks.{spec.keys[task.task_id]}.retries" if own else "airflow.dag.defaults.retries"
        yield Violation(
            "retries.too-many",
            path,
            str(retries),
            f"too many retries for a task: {policy.max_retries} here at most",
            "lower retries",
        )


def _execution_timeout(spec: DagSpec, task: EcsTaskSpec, policy: Policy) -> Iterator[Violation]:
    own = f"airflow.tasks.{spec.keys[task.task_id]}.execution_timeout"
    timeout = task.execution_timeout or spec.defaults.execution_timeout
    if timeout is None and policy.require_execution_timeout:
        yield Violation(
            "execution-timeout.missing",
            own,
            None,
            "each ECS task of a DAG here has an execution_timeout",
            "give it here or in the DAG's defaults",
        )
    most = policy.max_execution_timeout
    if timeout is not None and most is not None and timeout > most:
        yield Violation(
            "execution-timeout.too-long",
            own if task.execution_timeout else "airflow.dag.defaults.execution_timeout",
            to_text(timeout),
            f"a try here may last {to_text(most)} at most",
            "shorten execution_timeout",
        )
