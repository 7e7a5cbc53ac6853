"""The policy simulators that the requests are asked of."""

from __future__ import annotations

import pytest

from iam.simulators import SIMULATORS, iam_simulate_is_missing
from required import missing


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
