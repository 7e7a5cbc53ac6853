"""What holds for the whole session: an Airflow home of its own, set before anything imports Airflow."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_HOME = Path(tempfile.mkdtemp(prefix="airflow-ecs-dag-tests-"))
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)


def _set_environment() -> None:
    """Airflow reads its settings when it is imported; a developer's own home and settings are not for tests."""
    for name in list(os.environ):
        if name.startswith("AIRFLOW_") and not name.startswith("AIRFLOW_ECS_DAG_"):  # the latter are the tests' own
            del os.environ[name]
    os.environ |= {
        "AIRFLOW_HOME": str(_HOME),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(_HOME / "bundles"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{_HOME / 'airflow.db'}",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }


_set_environment()
