"""Arbitrary values of the fields of a DAG, for property tests: those that break naive encodings."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from airflow_ecs_dag_schema.values import TOKEN_START

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def _is_plain(text: str) -> bool:
    """Tell whether ``text`` is neither a template nor a CDK token: Hypothesis finds such words in the code it tests."""
    return not any(mark in text for mark in ("{{", "{%", "{#", TOKEN_START))


def or_none(strategy: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.one_of(st.none(), strategy)


def expression(pattern: str) -> SearchStrategy[str]:
    """Return texts that match ``pattern`` whole, in ASCII."""
    return st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True)


NAME = "ABCabc019_-"
_TRICKY = st.sampled_from(
    [
        '"', '""', '"quoted"', '"half', "'", "\\", "\\n", "\\u00e9", "[]", "{}", "null", "true", "2019", "1.10", "1e3",
        " x ", "-", ".", "airflow.dag.owner", "é", "٣", "🌷", "${x}", "$(id)",
        "{", "}}", "%", "=", "#{x}", "NaN",
    ]
)  # fmt: skip
_CHARACTERS = st.characters(exclude_categories=["Cc", "Cf", "Co", "Cs", "Zl", "Zp"])
lines = st.one_of(_TRICKY, st.text(_CHARACTERS, min_size=1, max_size=30)).filter(_is_plain)
texts = st.one_of(lines, st.text(st.one_of(_CHARACTERS, st.sampled_from("\n\t")), max_size=60)).filter(_is_plain)
templates = st.sampled_from(
    [
        "{{ ds }}", "{{ds_nodash}}", "s3://b/{{ ds }}/{{ run_id }}\n", "{{ macros.ds_add(ds, -7) }}",
        "{{ logical_date.strftime('%Y \"%m\" é') }}", "{{ map_index | default('none', true) }}", "{# é #}{{ ts }}",
    ]
)  # fmt: skip
arguments = st.one_of(templates, texts)
names = st.one_of(
    st.sampled_from(["kind", "task_id", "PATH", "_", "default", "ti", "params", "A0"]),
    expression(r"[A-Za-z_][A-Za-z0-9_]{0,12}"),
)
task_ids = st.one_of(
    st.text("0123456789", min_size=1, max_size=4),
    st.sampled_from(["kind", "task_id", "upstream", "0", "00", "-", "_", "ecs", "dag", "tasks"]),
    st.text(NAME, min_size=1, max_size=12),
)
dag_ids = st.lists(st.text(NAME, min_size=1, max_size=6), min_size=1, max_size=4).map(".".join)
durations = st.one_of(
    st.sampled_from([timedelta(seconds=1), timedelta(days=1), timedelta(hours=25), timedelta(days=366)]),
    st.integers(1, 366 * 86_400).map(lambda seconds: timedelta(seconds=seconds)),
)
moments = st.datetimes(
    datetime(1, 1, 3),  # noqa: DTZ001 - the strategy adds the timezone
    datetime(9999, 12, 29),  # noqa: DTZ001 - the strategy adds the timezone
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))]),
)
days = st.dates().map(str)
counts = st.one_of(st.sampled_from([1, 1_000_000]), st.integers(1, 1_000_000))
numbers = st.one_of(
    st.sampled_from([0.0, -0.0, 0.1, 1.0, -1.5, 1e15, 1e16, 123456789012.125, 5e-10, 1e99, -1e-99, 0.1 + 0.2]),
    st.decimals(-1_000_000, 1_000_000, places=6).map(float),
)
urls = st.one_of(
    expression(r"https://[a-z]{1,9}\.example\.com/[A-Za-z0-9._~/?#@!$&*+,;=%-]{0,12}"),
    st.just("mailto:team@example.com"),
)
addresses = expression(r"[a-z0-9!#$&'*+/=?^_|~.-]{1,9}@[a-z0-9-]{1,5}\.[a-z]{2,5}")
