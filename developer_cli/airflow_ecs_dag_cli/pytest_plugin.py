"""The fixture that this package gives to pytest. Imports neither Airflow nor the CDK until a test uses it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_ecs_dag_cli.testing import DagLoader

_ENGINES = ("auto", "container", "process")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option for what runs containers."""
    parser.getgroup("airflow-ecs-dag").addoption(
        "--ecs-engine",
        choices=_ENGINES,
        default="auto",
        help="What runs the containers of ecs_dags(...).run(): Docker or Podman, or processes, without isolation.",
    )


@pytest.fixture(scope="session")
def ecs_dags(request: pytest.FixtureRequest) -> Iterator[DagLoader]:
    """Load an app's DAGs as Airflow would have them, and run them without AWS.

    ``ecs_dags()`` has the DAGs of the app in ``cdk.json``, ``ecs_dags("app.py")`` those of another one,
    ``ecs_dags(stack)`` those of a stack; ``ecs_dags().run("daily-sales", date="2026-01-31")`` runs one.
    """
    from airflow_ecs_dag_cli.testing import DagLoader  # noqa: PLC0415 - takes its time, and not each test needs it

    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    with DagLoader(request.config.rootpath, engine=request.config.getoption("--ecs-engine"), name=worker) as loader:
        yield loader
