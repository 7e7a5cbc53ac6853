"""What a process of an installation calls its machine, so that Airflow can say which of them waits for a task."""

from __future__ import annotations

import os

VARIABLE = "AIRFLOW_ECS_DAG_TEST_MACHINE"


def machine_name() -> str:
    """Return the name of the machine; ``[core] hostname_callable`` of the installation."""
    return os.environ[VARIABLE]
