"""What a test needs of the machine and does not find: it is skipped with the reason, or fails where CI asks for it."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

VARIABLE = "AIRFLOW_ECS_DAG_REQUIRE"
"""Comma list of what must be there: ``browser``, ``container``, ``fuzzer``, ``iam-simulate``,
``node-tools``, ``postgresql``, ``pyright``."""


def missing(kind: str, reason: str) -> NoReturn:
    """Skip the test, or fail it where :data:`VARIABLE` names ``kind``."""
    if kind in (word.strip() for word in os.environ.get(VARIABLE, "").split(",")):
        pytest.fail(f"{VARIABLE} asks for {kind}: {reason}")
    pytest.skip(reason)
