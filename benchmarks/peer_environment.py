"""Environments for the peers, each with the Airflow and the providers of the project's lock file."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
DAG_FACTORY, BLUEPRINT, GUSTY = "1.1.0", "0.5.0", "0.23.1"


def peer_packages() -> list[str]:
    """Return what to install for the peers that read YAML."""
    return [*airflow_packages(), f"dag-factory=={DAG_FACTORY}", f"airflow-blueprint=={BLUEPRINT}"]


def airflow_packages() -> list[str]:
    """Return Airflow and the providers that ECS tasks and mails take."""
    pinned = [f"{name}=={version(name)}" for name in ("apache-airflow", "apache-airflow-providers-amazon")]
    return [*pinned, "apache-airflow-providers-smtp", "apache-airflow-providers-standard"]


def built_wheel(folder: Path) -> str:
    """Build this project's wheel into ``folder`` and return what to install for it."""
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return f"airflow-ecs-dag[airflow] @ {wheel.as_uri()}"


def install(environment: Path, packages: list[str]) -> Path:
    """Make a virtual environment with ``packages``, which take the versions of the lock file; return its Python."""
    locked = [
        line.split(" \\")[0]
        for line in (REPOSITORY / "requirements" / "dev.txt").read_text().splitlines()
        if line and line[0].isalnum()
    ]
    python, uv = python_of(environment), [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, str(environment)], check=True)
    constraints = environment / "constraints.txt"
    constraints.write_text("\n".join(locked))
    command = [*uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python)]
    subprocess.run([*command, "--constraint", str(constraints), *packages], check=True)
    return python


def python_of(environment: Path) -> Path:
    """Return the Python of a virtual environment."""
    return environment / "bin" / "python"
