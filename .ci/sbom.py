"""Write the software bills of materials, CycloneDX 1.6 in JSON, from the lock file.

::

    python .ci/sbom.py FOLDER

``airflow-ecs-dag.cdx.json`` has what the wheel needs, all of its extras included; ``development.cdx.json`` has all that
the lock file holds. Each component has its version and the hashes of its files. Nothing is fetched, and the same lock
file gives the same bytes.
"""
# ruff: noqa: INP001 - a script

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_REPOSITORY = Path(__file__).parents[1]
_LOCK_FILE = _REPOSITORY / "requirements" / "dev.txt"
_PROJECT = _REPOSITORY / "pyproject.toml"
_WHEEL = "airflow-ecs-dag (pyproject.toml)"
_DEVELOPMENT = "airflow-ecs-dag (pyproject.toml:dev)"
_ENTRY = re.compile(
    r"^(?P<name>[a-z0-9][a-z0-9._-]*)(?:\[[a-z0-9,._-]*\])?==.*?(?=^[a-z0-9]|\Z)", re.MULTILINE | re.DOTALL
)
_VIA = re.compile(r"^    # (?:via)? *(?P<name>\S.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Locked:
    """One entry of the lock file.

    Attributes:
        name: The package's name, normalized.
        text: Its lines.
        needed_by: Names of the packages that need it, and of the project's own lists.
    """

    name: str
    text: str
    needed_by: frozenset[str]


def read_lock(text: str) -> list[Locked]:
    """Return the entries of a lock file as uv writes it, with the notes which package needs which."""
    return [
        Locked(match["name"], match[0], frozenset(via["name"].strip() for via in _VIA.finditer(match[0])))
        for match in _ENTRY.finditer(text)
    ]


def needed(entries: Sequence[Locked], roots: frozenset[str]) -> list[Locked]:
    """Return the entries that the lists named in ``roots`` need, directly or not."""
    names = set(roots)
    found: set[Locked] = set()
    while more := {entry for entry in entries if entry not in found and entry.needed_by & names}:
        found |= more
        names |= {entry.name for entry in more}
    return [entry for entry in entries if entry in found]


def bill(entries: Sequence[Locked], roots: frozenset[str]) -> dict[str, Any]:
    """Return the bill of ``entries``, with the graph of what needs what.

    Raises:
        subprocess.CalledProcessError: The tool failed; what it printed is on standard error.
    """
    with tempfile.TemporaryDirectory() as folder:
        requirements, output = Path(folder) / "requirements.txt", Path(folder) / "bill.json"
        requirements.write_text("".join(entry.text for entry in entries), encoding="utf-8")
        command = [
            *(sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements", str(requirements)),
            *("--pyproject", str(_PROJECT), "--mc-type", "library", "--output-reproducible"),
            *("--spec-version", "1.6", "--output-format", "JSON", "--output-file", str(output)),
            "--no-validate",  # the graph is added below; a test holds the whole against the schema
        ]
        subprocess.run(command, check=True)  # noqa: S603 - this script's own command
        made: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
    references: dict[str, list[str]] = {}
    for component in made["components"]:
        references.setdefault(_normal(component["name"]), []).append(component["bom-ref"])
    graph: dict[str, set[str]] = {reference: set() for each in references.values() for reference in each}
    root = made["metadata"]["component"]["bom-ref"]
    graph[root] = set()
    for entry in entries:
        for name in entry.needed_by:
            for needing in [root] if name in roots else references.get(name, []):
                graph[needing].update(references[entry.name])
    made["dependencies"] = [
        {"ref": reference, **({"dependsOn": sorted(needs)} if needs else {})}
        for reference, needs in sorted(graph.items())
    ]
    return made


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def bills(lock: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name of each bill's file, and the bill."""
    entries = read_lock(lock)
    for name, roots in (
        ("airflow-ecs-dag", frozenset({_WHEEL})),
        ("development", frozenset({_WHEEL, _DEVELOPMENT})),
    ):
        yield f"{name}.cdx.json", bill(needed(entries, roots), roots)


def main() -> int:
    """Run the command."""
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):  # noqa: PLR2004 - the script and its one argument
        sys.stderr.write("usage: python .ci/sbom.py FOLDER\n")
        return 2
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in bills(_LOCK_FILE.read_text(encoding="utf-8")):
        (folder / name).write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        sys.stdout.write(f"sbom: {folder / name}: {len(content['components'])} components\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
