"""How the property tests run: the same examples each time in CI, fresh ones on a developer's machine.

``HYPOTHESIS_PROFILE`` chooses: ``ci`` (what CI takes by itself), ``dev``, or ``soak`` for the long run.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

from hypothesis import HealthCheck, settings

_PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev")

settings.register_profile(
    "dev", max_examples=150, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("ci", parent=settings.get_profile("dev"), derandomize=True)
settings.register_profile("soak", parent=settings.get_profile("dev"), max_examples=10_000)
settings.register_profile("mutation", parent=settings.get_profile("ci"), max_examples=25)
settings.load_profile(_PROFILE)

if "AIRFLOW_HOME" not in os.environ:
    # Importing Airflow makes folders below its home, which is the user's own unless it is told otherwise.
    os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="airflow-home-")
    atexit.register(shutil.rmtree, os.environ["AIRFLOW_HOME"], ignore_errors=True)


def pytest_report_header() -> str:
    return f"property tests: profile {_PROFILE}, {settings.get_profile(_PROFILE).max_examples} examples each"
