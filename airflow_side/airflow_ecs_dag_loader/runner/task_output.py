"""What a task's container hands on: found among its lines, checked, and read back by the tasks after it.

A line longer than 16 KiB may arrive in pieces: Docker and Fargate cut it there where the ``awslogs`` driver is
non-blocking, which is the default of newer accounts. A local engine cuts a burst of lines anywhere. So the lines that
follow a mark belong to the output for as long as what came is no JSON yet.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Never, Self

from airflow.sdk.bases.xcom import BaseXCom
from airflow.sdk.execution_time.xcom import XCom

from airflow_ecs_dag_loader.runner.verdict import EcsTaskFailedError
from airflow_ecs_dag_schema.outputs import LARGEST_OUTPUT, OUTPUT_MARK
from airflow_ecs_dag_schema.problems import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.sdk import Context
    from pydantic import JsonValue

_DEEPEST = 50
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1
"""Whole numbers that Airflow can hand from process to process."""
_MOST_PIECES = 64
_SHORTEST_CUT = 8 * 1024
"""Characters below which a line was hardly cut for its length."""
_AIRFLOWS_OWN = "__"
"""What the keys begin with by which Airflow marks objects of Python's within an XCom."""


class OutputError(EcsTaskFailedError):
    """The container put out something that is no output."""


class NoOutputError(LookupError):
    """A task put out nothing in this run."""


class OutputLines:
    """Finds the output among the lines of a container: the last one that begins with the mark."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self._start_of_mark = ""

    @property
    def found(self) -> bool:
        """Whether there was a line with the mark."""
        return bool(self._pieces)

    def add(self, line: str) -> None:
        """Take the next line of the container, or the next piece of one."""
        if (whole := self._start_of_mark + line).startswith(OUTPUT_MARK):
            line = whole
        self._start_of_mark = line if line and OUTPUT_MARK.startswith(line) else ""
        if line.startswith(OUTPUT_MARK):
            self._pieces, self._length = [], 0
        elif not self._pieces or len(self._pieces) >= _MOST_PIECES or self._length > LARGEST_OUTPUT:
            return
        self._pieces.append(line)
        self._length += len(line)

    def to_json(self) -> JsonValue:
        """Return what was found so far as plain JSON values; of an output that is too large, enough to say so."""
        pieces: list[JsonValue] = [piece[: LARGEST_OUTPUT + _SHORTEST_CUT] for piece in self._pieces]
        return {"pieces": pieces, "start_of_mark": self._start_of_mark} if pieces or self._start_of_mark else None

    @classmethod
    def from_json(cls, value: JsonValue) -> Self:
        """Read what :meth:`to_json` wrote; anything else is nothing found."""
        found = cls()
        match value:
            case {"pieces": list(pieces), "start_of_mark": str(start_of_mark)}:
                found._pieces = [str(piece) for piece in pieces]
                found._length = sum(map(len, found._pieces))
                found._start_of_mark = start_of_mark
        return found

    def value(self) -> Any:  # noqa: ANN401 - any JSON value
        """Return the output.

        Raises:
            OutputError: It is too large, no JSON, or JSON that Airflow can't keep.
        """
        first = self._pieces[0].removeprefix(OUTPUT_MARK)
        text, problem = "", ""
        for piece in (first, *self._pieces[1:]):
            text += piece
            if len(text.strip().encode("utf-8", "surrogatepass")) > LARGEST_OUTPUT:
                if len(first) < _SHORTEST_CUT:
                    break
                raise OutputError(
                    f"the output is larger than the {LARGEST_OUTPUT} bytes of JSON that a task may put out: "
                    "put it into S3, and put out its address"
                )
            try:
                return read_output(text)
            except ValueError as error:
                problem = problem or str(error)
        raise OutputError(
            f"the output is no JSON ({problem}): print one line {OUTPUT_MARK} and a JSON value; got {shown(first)}"
        )


def read_output(text: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return the output that ``text`` is.

    Raises:
        OutputError: It is JSON that Airflow can't keep.
        ValueError: It is no JSON.
    """
    try:
        value = json.loads(text, parse_constant=_no_number, parse_float=_number)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    _check(value, depth=0)
    return value


def _no_number(text: str) -> Never:
    raise ValueError(f"{text} is no number of JSON's")


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:30]} is too large for a number")
    return number


def _check(value: object, *, depth: int) -> None:
    """Refuse what Airflow or its database can't keep, or would take for an object of its own."""
    if depth > _DEEPEST:
        raise OutputError(f"the output is nested deeper than the {_DEEPEST} levels that a task may put out: flatten it")
    match value:
        case str():
            _check_text(value)
        case int() if not _SMALLEST <= value <= _LARGEST:
            raise OutputError(
                f"a whole number of the output needs more than 64 bits ({shown(str(value))}): put it out as a text"
            )
        case list():
            for each in value:
                _check(each, depth=depth + 1)
        case dict():
            for name, each in value.items():
                if name.startswith(_AIRFLOWS_OWN):
                    raise OutputError(
                        f"a key of the output begins with __, which is Airflow's own: rename {shown(name)}"
                    )
                _check_text(name)
                _check(each, depth=depth + 1)


def _check_text(text: str) -> None:
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise OutputError(
            f"a text of the output has a NUL or half a surrogate pair, which no database keeps: remove it from "
            f"{shown(text)}"
        )


def check_items(value: object, *, most: int, what: str) -> None:
    """Refuse what a task can't be mapped over.

    Args:
        value: What came.
        most: Airflow's limit, ``[core] max_map_length``.
        what: What it is, for the message.

    Raises:
        OutputError: It is no list, or one that is too long.
    """
    if not isinstance(value, list):
        raise OutputError(f"a task is mapped over {what}, so it must be a JSON list; got {said(value)}: put out a list")
    if len(value) > most:
        raise OutputError(
            f"a task is mapped over {what}, which has {len(value)} entries; Airflow takes {most} "
            "([core] max_map_length): put several into one entry"
        )


def output_of(
    context: Context,
    task_id: str,
    key: str | None = None,
    *,
    resolve: Callable[[Any], Any] = lambda output: output,
) -> Any:  # noqa: ANN401 - any JSON value
    """Return what the task ``task_id`` put out in the run of ``context``; of a mapped one, a list of all outputs.

    Args:
        context: That of the task that asks.
        task_id: A task of the same DAG.
        key: The entry of the output to return; without it, the whole.
        resolve: Returns the value of an output that may be the address of it.

    Raises:
        NoOutputError: It put out nothing, or no such entry.
    """
    instance = context["ti"]
    values = XCom.get_all(key=BaseXCom.XCOM_RETURN_KEY, dag_id=instance.dag_id, run_id=instance.run_id, task_id=task_id)
    if not values:
        raise NoOutputError(
            f"task {task_id} has no output in this run: it was skipped, or its container printed no line {OUTPUT_MARK}"
        )
    output = values if context["dag"].get_task(task_id).is_mapped else values[0]
    output = resolve(output)
    if key is None:
        return output
    if not isinstance(output, dict) or key not in output:
        has = f"it is no JSON object but {said(output)}"
        if isinstance(output, dict):
            has = f"its entries are {', '.join(map(shown, list(output)[:20])) or 'none'}"
        raise NoOutputError(f"the output of task {task_id} has no entry {shown(key)}: {has}")
    return output[key]


def said(value: object) -> str:
    """Return an output as a message shows it; that of one of Airflow's own operators need not be JSON."""
    return shown(json.dumps(value, default=str, skipkeys=True))
