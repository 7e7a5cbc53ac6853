"""What a task does, in words: its command, what it decides, waits for, is mapped over and makes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from airflow_ecs_dag_schema.tasks import (
    BranchSpec,
    EcsTaskSpec,
    ExpandItems,
    LatestOnlySpec,
    OperatorSpec,
    ParamItemsSpec,
    ShortCircuitSpec,
)
from airflow_ecs_dag_schema.undeployed import without_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_ecs_dag_schema.outputs import OutputRef
    from airflow_ecs_dag_schema.tasks import TaskSpec

SAID = frozenset(
    {
        "arguments", "args", "command", "edge_labels", "environment", "expand", "inputs", "kind", "operator",
        "outlets", "output", "param", "task_id", "upstream",
    }
)  # fmt: skip
"""The fields of a task that :func:`work` tells of, or that are where the task stands."""
_ITEMS_NAMED = 5


def work(task: TaskSpec) -> str:
    """Return what a task does, as one line."""
    return "  ".join((_work(task), *_more(task)))


def _work(task: TaskSpec) -> str:
    match task:
        case EcsTaskSpec():
            return " ".join(_quoted(part) for part in task.container_command)
        case LatestOnlySpec():
            return "(latest_only)"
        case ShortCircuitSpec():
            return f"(short_circuit) goes on if {_output(task.output)} is true"
        case BranchSpec():
            return f"(branch) goes on with what {_output(task.output)} names"
        case ParamItemsSpec():
            return f"(param_items) puts out the texts of the param {task.param}"
        case OperatorSpec():
            return " ".join((f"({task.operator})", *_arguments(task)))


def _more(task: TaskSpec) -> Iterator[str]:
    if isinstance(task, EcsTaskSpec):
        if task.environment:
            yield f"with {', '.join(task.environment)} in its environment"
        if task.inputs:
            yield f"with {', '.join(task.inputs)} as inputs from S3"
        if isinstance(task.expand, ExpandItems):
            items = [_quoted(item) for item in task.expand.items[:_ITEMS_NAMED]]
            rest = len(task.expand.items) - len(items)
            yield f"for each of {', '.join(items)}{f' and {rest} more' if rest else ''}"
        elif task.expand is not None:
            yield f"for each item of {task.expand.task_id}'s output"
    if task.outlets:
        yield f"makes {', '.join(without_tokens(asset.name or asset.uri) for asset in task.outlets)}"


def _arguments(task: OperatorSpec) -> Iterator[str]:
    for name, given in task.arguments.items():
        texts = [_quoted(text) for text in ((given,) if isinstance(given, str) else given)]
        joined = ", ".join(texts)
        yield f"{name}={joined if isinstance(given, str) else f'[{joined}]'}"


def _output(ref: OutputRef) -> str:
    return f"{ref.task_id}'s output" + ("" if ref.key is None else f"[{_quoted(ref.key)}]")


def _quoted(text: str) -> str:
    return json.dumps(without_tokens(text), ensure_ascii=False)
