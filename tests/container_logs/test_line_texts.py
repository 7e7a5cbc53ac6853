"""What of a container's line reaches the task log: all that a person can read, nothing that acts on a reader."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_ecs_dag_loader.runner.line_texts import shown_lines

COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
ACTS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("plain text\twith a tab", ["plain text\twith a tab"]),
        ("", [""]),
        ("one\ntwo\n", ["one", "two"]),
        ("one\r\ntwo\r\n", ["one", "two"]),
        ("one\n\ntwo", ["one", "", "two"]),
        ("10 %\r100 %\r", ["10 %", "100 %"]),
        ("\r".join(f"{part} %" for part in range(101)), ["0 %", "[99 states of this line are left out]", "100 %"]),
        ("\x1b[31mred\x1b[0m", ["\x1b[31mred\x1b[0m"]),
        ("\x1b[1;31mred", ["\x1b[1;31mred\x1b[0m"]),
        ("\x1b[8mhidden\x1b[0m", ["hidden\x1b[0m"]),
        ("\x1b[08;31mhidden", ["\x1b[31mhidden\x1b[0m"]),
        ("\x1b[38;5;8mgrey\x1b[0m", ["\x1b[38;5;8mgrey\x1b[0m"]),
        ("\x1b[48;2;8;8;8mgrey\x1b[0m", ["\x1b[48;2;8;8;8mgrey\x1b[0m"]),
        ("a\x1b[2J\x1b[1;1Hb\x1b[?25lc", ["abc"]),
        ("\x1b]0;title\x07text", ["text"]),
        ("\x1b]8;;https://example.com\x1b\\link\x1b]8;;\x1b\\", ["link"]),
        ("\x1b]52;c;never ended", ["52;c;never ended"]),
        ("\x1bPq#0\x1b\\text", ["text"]),
        ("\x1b(0text\x1bc", ["text"]),
        ("a\x00b\x08c\x7fd", ["a\u2400b\u2408c\u2421d"]),
        ("a\x9b2Jb", ["a\\u009b2Jb"]),
        ("a\u202eb\u2066c", ["a\\u202eb\\u2066c"]),
        ("a\ud800b\ufffd", ["a\ufffdb\ufffd"]),
        ("::group::Pre Execute", [": :group::Pre Execute"]),
        ("x ::endgroup::", ["x : :endgroup::"]),
        ("a\u001b]0;x\u0007::group::", ["a: :group::"]),
        ("::gro\x1b[2Kup::", [": :group::"]),
    ],
)
def test_a_line_is_shown_as(message: str, shown: list[str]) -> None:
    assert shown_lines(message) == shown


@given(st.text())
def test_nothing_acts_on_who_reads_it(message: str) -> None:
    lines = shown_lines(message)
    assert lines
    for line in lines:
        assert not ACTS.search(COLOUR.sub("", line))
        assert "::group::" not in line


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"])), min_size=1))
def test_plain_lines_are_kept_whole(lines: list[str]) -> None:
    expected = [line.replace("::group::", ": :group::").replace("::endgroup::", ": :endgroup::") for line in lines]
    assert shown_lines("\n".join(lines) + "\n") == expected


def test_the_largest_event_is_shown_whole_in_no_time() -> None:
    for text in ("x" * 262_118, "\x1b" * 262_118, "\x1b]" * 131_059, "\x1b[" * 131_059, "\x1bP" * 131_059):
        assert len(shown_lines(text)) == 1
    assert shown_lines("x" * 262_118) == ["x" * 262_118]
