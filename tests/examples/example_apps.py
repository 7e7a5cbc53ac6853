"""The apps of examples/: synthesizing one, and the labels that it declares. As a program it writes the golden labels:

python -m examples.example_apps   (in tests/, with the environment of the project)
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from airflow_ecs_dag_schema.stack_template import declared_dags

REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY / "examples"
GOLDEN = Path(__file__).parent / "golden"
NAMES = sorted(path.parent.name for path in FOLDER.glob("*/app.py"))


def synthesize(name: str, output: Path) -> dict[str, dict[str, str]]:
    """Return the labels of each DAG of an example, by its stack and the logical id of its task definition."""
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=FOLDER / name,
        env=os.environ | {"CDK_OUTDIR": str(output), "CDK_VALIDATION": "false"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {
        f"{template.name.partition('.')[0]}/{dag.logical_id}": dict(dag.labels)
        for template in sorted(output.glob("*.template.json"))
        for dag in declared_dags(json.loads(template.read_text()))
    }


def golden(name: str) -> Path:
    """Return the file with the labels that an example must have."""
    return GOLDEN / f"{name}.json"


if __name__ == "__main__":
    for each in NAMES:
        with tempfile.TemporaryDirectory() as folder:
            golden(each).write_text(json.dumps(synthesize(each, Path(folder)), indent=1) + "\n")
