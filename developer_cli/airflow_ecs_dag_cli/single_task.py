"""One task of a DAG, without those before and after it: a run of the scheduler's own in which only that one is left.

The run is made while the DAG is paused, so that nothing starts before the other tasks have their states: those before
the task the one for which its trigger rule waits, all others ``skipped``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_cli.dag_run import RunFollower, trigger
from airflow_ecs_dag_cli.processes import LocalRunError
from airflow_ecs_dag_schema import EcsTaskSpec, stack_template
from airflow_ecs_dag_schema.codec import dag_id_label
from airflow_ecs_dag_schema.references import used_outputs
from airflow_ecs_dag_schema.tasks import ExpandOutput
from airflow_ecs_dag_schema.undeployed import read_undeployed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_ecs_dag_cli.cloud_assembly import CloudAssembly
    from airflow_ecs_dag_cli.dag_run import RunDate
    from airflow_ecs_dag_cli.local_airflow import LocalAirflow
    from airflow_ecs_dag_cli.terminal import Terminal
    from airflow_ecs_dag_schema import DagSpec

_NAMED = 20
_RETURN_VALUE = "return_value"
_UPSTREAM_STATES = {"all_failed": "failed", "one_failed": "failed", "all_skipped": "skipped"}
"""What the tasks before it are, by its trigger rule, so that it runs; with all other rules they have succeeded."""


@dataclass(frozen=True)
class SingleTask:
    """A task that is to be run by itself.

    Attributes:
        dag_id: Its DAG.
        task_id: Its id.
        upstream: The ids of all tasks before it, directly or not.
        upstream_state: The state that they are given.
        others: The ids of all other tasks.
        outputs: What stands in for the outputs of tasks before it, by their ids.
    """

    dag_id: str
    task_id: str
    upstream: tuple[str, ...]
    upstream_state: str
    others: tuple[str, ...]
    outputs: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, assembly: CloudAssembly, dag_id: str, task_id: str, outputs: Mapping[str, str]) -> SingleTask:
        """Find the task in a synthesized app.

        Args:
            assembly: The app.
            dag_id: The DAG.
            task_id: The task, its groups included.
            outputs: What stands in for the outputs of tasks before it, in JSON, by their ids.

        Raises:
            LocalRunError: There is no such task, or it needs an output that is not given.
        """
        spec = _spec(assembly, dag_id)
        tasks = {task.task_id: task for task in spec.tasks}
        if task_id not in tasks:
            raise LocalRunError(f"the DAG {dag_id} has no task {task_id!r}; it has: {_few(tasks)}; change --task")
        upstream = _before(task_id, {name: tuple(task.upstream) for name, task in tasks.items()})
        _check_outputs(spec, task_id, outputs)
        return cls(
            dag_id=dag_id,
            task_id=task_id,
            upstream=upstream,
            upstream_state=_UPSTREAM_STATES.get(tasks[task_id].trigger_rule, "success"),
            others=tuple(name for name in tasks if name not in {task_id, *upstream}),
            outputs={name: _json(name, text) for name, text in outputs.items()},
        )

    def run(self, airflow: LocalAirflow, terminal: Terminal, *, date: RunDate | None, params: Mapping[str, str]) -> str:
        """Run the task, all instances of it where it is mapped, and return how that ended.

        Args:
            airflow: The Airflow that has its DAG.
            terminal: Where to show what it does.
            date: What the run is for.
            params: Values for the DAG's params as a person typed them.

        Returns:
            ``success``, ``failed`` or ``skipped``.

        Raises:
            LocalRunError: It could not be run.
        """
        airflow.api.pause(self.dag_id, paused=True)
        run_id = trigger(airflow, self.dag_id, date, params)
        terminal.say(f"run {run_id}, of the task {self.task_id} alone")
        for name, value in self.outputs.items():
            airflow.api.set_output(self.dag_id, run_id, name, key=_RETURN_VALUE, value=value)
        for names, state in ((self.others, "skipped"), (self.upstream, self.upstream_state)):
            for name in names:
                airflow.api.set_state(self.dag_id, run_id, name, state)
        airflow.api.pause(self.dag_id, paused=False)
        RunFollower(airflow, self.dag_id, run_id, terminal, only=self.task_id).follow()
        states = {each.state for each in airflow.api.tasks(self.dag_id, run_id) if each.task_id == self.task_id}
        if states <= {"success", "skipped"}:
            return "success" if "success" in states else "skipped"
        return "failed"


def _spec(assembly: CloudAssembly, dag_id: str) -> DagSpec:
    for stack in assembly.stacks:
        for dag in stack_template.declared_dags(stack.template):
            label = dag_id_label(dag.labels)
            if label is not None and dag.labels[label] == dag_id:
                spec = read_undeployed(dag.labels).spec
                if spec is not None:
                    return spec
    raise LocalRunError(
        f"the tasks of the DAG {dag_id} can't be told before it is deployed: its labels have mistakes, which "
        "`airflow-ecs-dag validate` names; mend them, or leave --task out"
    )


def _before(task_id: str, upstream: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    left = list(upstream[task_id])
    while left:
        name = left.pop()
        if name not in found:
            found[name] = None
            left += upstream[name]
    return tuple(found)


def _check_outputs(spec: DagSpec, task_id: str, given: Mapping[str, str]) -> None:
    task = next(each for each in spec.tasks if each.task_id == task_id)
    if isinstance(task, EcsTaskSpec) and isinstance(task.expand, ExpandOutput):
        raise LocalRunError(
            f"the task {task_id} has an instance for each item of the output of {task.expand.task_id}, which a run of "
            "it alone does not have; run the whole DAG, without --task"
        )
    used = set(used_outputs(task))
    if missing := sorted(used - given.keys()):
        example = f"--output '{missing[0]}={{\"rows\": 3}}'"
        raise LocalRunError(
            f"the task {task_id} needs the output of {', '.join(missing)}, which a run of it alone does not have; "
            f"give each as JSON, such as {example}, or run the whole DAG, without --task"
        )
    if unused := sorted(given.keys() - used):
        raise LocalRunError(
            f"the task {task_id} does not use the output of {', '.join(map(repr, unused))}; it uses: "
            f"{', '.join(sorted(used)) or 'none'}; change --output"
        )


def _json(name: str, text: str) -> Any:  # noqa: ANN401 - JSON of any kind
    try:
        return json.loads(text)
    except ValueError as error:
        raise LocalRunError(
            f"the output of {name} is no JSON: {error}; got {text[:200]!r}; write a text as '\"text\"'"
        ) from None


def _few(names: Mapping[str, object]) -> str:
    return ", ".join([*names][:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
