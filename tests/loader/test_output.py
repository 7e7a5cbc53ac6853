"""What a container puts out: found among its lines, whole or in pieces, checked, and handed to Airflow."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_ecs_dag_loader.runner.task_output import OutputError, OutputLines, check_items
from airflow_ecs_dag_loader.runner.verdict import EcsTaskFailedError
from airflow_ecs_dag_schema.outputs import LARGEST_OUTPUT
from loader.bad_answers import Answer, intercept
from loader.ecs_operators import LOGS, ecs_tasks, operator
from loader.task_runs import run_task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loader.ecs_account import EcsAccount

CUT = 16 * 1024
"""Bytes at which Docker cuts a line for a non-blocking awslogs driver."""


def heard(*lines: str) -> OutputLines:
    output = OutputLines()
    for line in lines:
        output.add(line)
    return output


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"rows": 3, "day": "2026-01-31"}', {"rows": 3, "day": "2026-01-31"}),
        ("[1, 2.5, null, true]", [1, 2.5, None, True]),
        ('"s3://bucket/key"', "s3://bucket/key"),
        ("0", 0),
        ("null", None),
        (f"{2**64 - 1}", 2**64 - 1),
        ('"caf\\u00e9 \\ud83d\\ude00"', "café \U0001f600"),
        ("   [ ]\r", []),
    ],
)
def test_any_json_value_is_an_output(text: str, value: object) -> None:
    output = heard("reading", f"airflow-output: {text}", "done")
    assert output.found
    assert output.value() == value


def test_the_last_line_with_the_mark_counts() -> None:
    assert heard("airflow-output: 1", "between", "airflow-output:2", "after").value() == 2


@pytest.mark.parametrize("line", ["", "output: 1", " airflow-output: 1", "airflow-output 1", "Airflow-Output: 1"])
def test_a_line_that_does_not_begin_with_the_mark_is_none(line: str) -> None:
    assert not heard(line, "[1]").found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no JSON"),
        ("rows=3", "no JSON"),
        ("{'rows': 3}", "no JSON"),
        ("[1, 2", "no JSON"),
        ("[1] [2]", "no JSON"),
        ("NaN", "NaN is no number"),
        ("[-Infinity]", "-Infinity is no number"),
        ("1e999", "1e999 is too large"),
        ("9" * 5_000, "no JSON"),
        ("[" * 20_000 + "]" * 20_000, "no JSON|nested deeper"),
        ("[" * 60 + "]" * 60, "nested deeper than the 50 levels"),
        (str(2**64), "more than 64 bits"),
        (str(-(2**63) - 1), "more than 64 bits"),
        ('{"__classname__": "builtins.tuple", "__version__": 1, "__data__": []}', "rename '__classname__'"),
        ('[{"a": {"__type": "dict", "__var": {}}}]', "rename '__type'"),
        ('"a\\u0000b"', "a NUL"),
        ('{"a\\u0000b": 1}', "a NUL"),
        ('"\\ud800"', "half a surrogate pair"),
    ],
)
def test_what_airflow_can_not_keep_is_an_error(text: str, words: str) -> None:
    with pytest.raises(OutputError, match=words):
        heard(f"airflow-output: {text}").value()


def test_the_largest_output_and_the_first_too_large_one() -> None:
    largest = json.dumps("x" * (LARGEST_OUTPUT - 2))
    assert len(largest) == LARGEST_OUTPUT
    assert heard(f"airflow-output: {largest}").value() == json.loads(largest)
    with pytest.raises(OutputError, match="larger than the 49152 bytes"):
        heard(f'airflow-output: "x{largest[1:]}').value()
    with pytest.raises(OutputError, match="larger than the 49152 bytes"):
        heard(f'airflow-output: "{"é" * (LARGEST_OUTPUT // 2)}"').value()


def pieces(line: str, size: int) -> Iterator[str]:
    for start in range(0, len(line), size):
        yield line[start : start + size]


@pytest.mark.parametrize("size", [CUT, 8 * 1024, 1_000])
def test_a_line_that_came_in_pieces_is_one_output(size: int) -> None:
    value = [f"s3://bucket/{number}" for number in range(2_000)]
    line = f"airflow-output: {json.dumps(value)}"
    assert len(line) > 2 * CUT
    assert heard("before", *pieces(line, size), "after", "more").value() == value


@pytest.mark.parametrize("size", range(1, 20))
def test_a_line_that_was_cut_near_its_mark(size: int) -> None:
    line = "airflow-output: [1]"
    assert heard("before", line[:size], line[size:], "after").value() == [1]


def test_what_only_begins_like_the_mark_is_none() -> None:
    assert not heard("a", "airflow-", "says: output: 1", "airflow-output", " 1").found


def test_pieces_of_what_is_too_large_are_said_to_be_that() -> None:
    line = f"airflow-output: {json.dumps(['x' * LARGEST_OUTPUT])}"
    with pytest.raises(OutputError, match="larger than the 49152 bytes"):
        heard(*pieces(line, CUT), "after").value()


@pytest.mark.parametrize("line", ["line", "x" * 1_000, "x" * 100_000])
def test_lines_after_a_broken_output_neither_mend_it_nor_are_kept(line: str) -> None:
    output = heard("airflow-output: [1, 2", *[line] * 10_000)
    with pytest.raises(OutputError, match=r"no JSON.*got ' \[1, 2'"):
        output.value()
    assert len(output._pieces) <= 64
    assert sum(map(len, output._pieces)) < LARGEST_OUTPUT + len(line) + 100


@pytest.mark.parametrize("value", [{"a": 1}, "abc", 3, None])
def test_a_task_is_mapped_over_lists_only(value: object) -> None:
    with pytest.raises(OutputError, match="must be a JSON list; got"):
        check_items(value, most=10, what="the output of extract")


def test_a_list_that_airflow_takes_no_more_is_an_error() -> None:
    check_items([1] * 10, most=10, what="the output of extract")
    with pytest.raises(OutputError, match=r"11 entries; Airflow takes 10 \(\[core\] max_map_length\)"):
        check_items([1] * 11, most=10, what="the output of extract")


@pytest.mark.emulator
def test_the_operator_returns_what_its_container_put_out(work: EcsAccount) -> None:
    task = operator(work.register("reports", logConfiguration=LOGS), "output", '{"rows": 3}')
    assert run_task(task) == {"rows": 3}
    assert task.said.count('airflow-output: {"rows": 3}') == 1


@pytest.mark.emulator
def test_a_container_that_puts_nothing_out_is_a_success(work: EcsAccount) -> None:
    assert run_task(operator(work.register("reports", logConfiguration=LOGS), "convert")) is None


@pytest.mark.emulator
def test_a_broken_output_fails_the_task(work: EcsAccount) -> None:
    with pytest.raises(OutputError, match="print one line airflow-output: and a JSON value; got ' rows=3'"):
        run_task(operator(work.register("reports", logConfiguration=LOGS), "output", "rows=3"))


@pytest.mark.emulator
def test_a_container_that_failed_has_no_output(work: EcsAccount) -> None:
    task = operator(work.register("reports", logConfiguration=LOGS), "output-and-exit", "[1]", "3")
    with pytest.raises(EcsTaskFailedError, match="exited with code 3"):
        run_task(task)
    assert "airflow-output: [1]" in task.said


@pytest.mark.emulator
def test_without_logs_nothing_is_started_whose_output_others_use(work: EcsAccount) -> None:
    task = operator(
        work.register("reports"), "output", "1", output_needed=True, awslogs_group=None, awslogs_stream_prefix=None
    )
    with pytest.raises(EcsTaskFailedError, match=r"other tasks use the output of build.*stream prefix"):
        run_task(task)
    assert ecs_tasks(work) == []


@pytest.mark.emulator
@pytest.mark.parametrize("needed", [True, False])
def test_an_output_that_others_use_is_waited_for(
    work: EcsAccount,
    monkeypatch: pytest.MonkeyPatch,
    needed: bool,  # noqa: FBT001 - a case of the test
) -> None:
    """CloudWatch Logs may have the last lines only many seconds after the end: more looks than for any other line."""
    task = operator(work.register("reports", logConfiguration=LOGS), "output", "[1]", output_needed=needed)
    logs: Any = work.logs()
    nothing = Answer(200, b'{"events": []}')
    looks = intercept(logs, "GetLogEvents", *[nothing] * 12)
    monkeypatch.setattr(task._calls, "logs", lambda _: logs)
    monkeypatch.setattr("airflow_ecs_dag_loader.runner.ecs_task_watch._FIRST_POLL", 2.0)
    monkeypatch.setattr("airflow_ecs_dag_loader.runner.container_lines._LAST_LINES_WAIT", 0.01)
    assert run_task(task) == ([1] if needed else None)
    assert (len(looks.requests) > 12) == needed
