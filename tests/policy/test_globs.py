"""Globs against known texts, as Python's own `fnmatch` has them, and against texts that are known in part."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_ecs_dag_schema.globs import known_part, may_match
from airflow_ecs_dag_schema.undeployed import token

ANY = token("Ref Any")


@given(glob=st.text("ab*", max_size=6), text=st.text("ab", max_size=8))
def test_a_known_text(glob: str, text: str) -> None:
    assert may_match(glob, text) == fnmatchcase(text, glob)
    assert may_match(glob.upper(), text, ignore_case=True) == fnmatchcase(text, glob)


@given(glob=st.text("ab*", max_size=5), before=st.text("ab", max_size=3), after=st.text("ab", max_size=3))
def test_a_text_that_is_known_in_part(glob: str, before: str, after: str) -> None:
    middles = ["", "a", "b", "aa", "ab", "ba", "bb", *(a + b for a in ("aba", "bab", "abb") for b in ("", "ab", "ba"))]
    some = any(fnmatchcase(f"{before}{middle}{after}", glob) for middle in middles)
    assert may_match(glob, f"{before}{ANY}{after}") or not some
    if may_match(glob, f"{before}{ANY}{after}"):
        assert "*" in glob or (glob.startswith(before) and glob.endswith(after))


@pytest.mark.parametrize(
    ("glob", "text", "matches"),
    [
        ("work", ANY, True),
        ("work", f"w{ANY}k{ANY}", True),
        ("work", f"{ANY}x", False),
        ("work", f"work{ANY}s", False),
        ("*", "", True),
        ("", "", True),
        ("", ANY, True),
        ("a.c", "abc", False),
        ("a[b]", "ab", False),
        ("a?", "ab", False),
        ("*@Example.com", "team@eXample.COM", True),
        ("*@Example.com", f"team@{token('Ref UPPER')}", True),
    ],
)
def test_what_matches(glob: str, text: str, *, matches: bool) -> None:
    assert may_match(glob, text, ignore_case=True) is matches


def test_many_stars_take_no_longer_than_few() -> None:
    assert not may_match("a*" * 150 + "b", "a" * 250)  # a regular expression of this would not come back


def test_what_is_known() -> None:
    assert known_part(f"a{ANY}b{token('x')}") == "ab"
