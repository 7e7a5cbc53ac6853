"""pyright in its strict mode and with the CDK's own types, as an editor shows it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from required import missing

REPOSITORY = Path(__file__).parents[1]


def pyright(*paths: Path, folder: Path) -> list[tuple[str, int]]:
    """Return what pyright says of some files and folders: file and line of each error."""
    command = shutil.which("basedpyright", path=str(Path(sys.executable).parent)) or shutil.which("basedpyright")
    if command is None:
        missing("pyright", "basedpyright is not installed")
    settings = {
        "include": [str(path) for path in paths],
        "typeCheckingMode": "strict",
        "enableTypeIgnoreComments": True,
        "reportUnnecessaryTypeIgnoreComment": "error",
        "pythonVersion": "3.11",
        "extraPaths": [str(REPOSITORY / room) for room in ("construct_lib", "label_schema")],
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    ran = subprocess.run(
        [command, "-p", folder, "--pythonpath", sys.executable, "--level", "error", "--outputjson"],
        capture_output=True,
        text=True,
        check=False,
    )
    said = json.loads(ran.stdout)
    assert said["summary"]["filesAnalyzed"] >= len(paths), ran.stdout
    return [(Path(each["file"]).name, each["range"]["start"]["line"] + 1) for each in said["generalDiagnostics"]]
