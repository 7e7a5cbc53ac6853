"""``.ci/sbom.py``: the bills of materials say what the lock file says, and keep CycloneDX's schema."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

pytest.importorskip("cyclonedx_py", reason="cyclonedx-bom is not installed: call make setup")

REPOSITORY = Path(__file__).parents[2]
SCRIPT = REPOSITORY / ".ci" / "sbom.py"
LOCK = (REPOSITORY / "requirements" / "dev.txt").read_text(encoding="utf-8")
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
SMALL = "".join(
    f"{name}==1.0 \\\n    --hash=sha256:{digit * 64}\n    # via{via}\n"
    for name, digit, via in (
        ("alpha", "a", " airflow-ecs-dag (pyproject.toml)"),
        ("beta", "b", "\n    #   alpha\n    #   delta"),
        ("delta", "d", " airflow-ecs-dag (pyproject.toml:dev)"),
        ("epsilon", "e", " delta"),
    )
)


@pytest.fixture(scope="module")
def script() -> Any:
    specification = importlib.util.spec_from_file_location("sbom", SCRIPT)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["sbom"] = module  # where a dataclass looks for its own module
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def bills(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("bills")
    subprocess.run([sys.executable, SCRIPT, folder], check=True, timeout=300)
    return {path.name: json.loads(path.read_text(encoding="utf-8")) for path in folder.iterdir()}


def packages(bill: dict[str, Any]) -> dict[tuple[str, str], set[str]]:
    """Return the hashes of each component's files, by its name and version."""
    return {
        (component["name"], component["version"]): {
            each["content"] for reference in component["externalReferences"] for each in reference["hashes"]
        }
        for component in bill["components"]
    }


def names(bill: dict[str, Any]) -> set[str]:
    return {canonicalize_name(component["name"]) for component in bill["components"]}


def test_the_bill_of_the_development_is_the_lock_file(bills: dict[str, dict[str, Any]]) -> None:
    locked: dict[tuple[str, str], set[str]] = {}
    for line in LOCK.splitlines():
        if entry := re.match(r"([a-z0-9.-]+)==([^ ;]+)", line):
            hashes = locked.setdefault((entry[1], entry[2]), set())
        elif digest := re.search(r"--hash=sha256:([0-9a-f]{64})", line):
            hashes.add(digest[1])
    assert packages(bills["development.cdx.json"]) == locked


def test_the_bill_of_the_wheel_has_what_its_users_get(bills: dict[str, dict[str, Any]]) -> None:
    bill = bills["airflow-ecs-dag.cdx.json"]
    project = PROJECT["project"]
    asked = [*project["dependencies"], *(text for each in project["optional-dependencies"].values() for text in each)]
    wanted = {canonicalize_name(Requirement(text).name) for text in asked} - {project["name"]}
    assert wanted <= names(bill)
    assert {"markupsafe", "botocore", "apache-airflow-core"} <= names(bill)
    assert names(bill) < names(bills["development.cdx.json"])
    assert not {"pytest", "mypy", "ruff", "hatchling", "pip-audit", "cyclonedx-bom"} & names(bill)
    assert bill["metadata"]["component"]["name"] == project["name"]
    assert bill["metadata"]["component"]["version"] == project["version"]


def test_the_bills_name_nothing_of_this_machine(bills: dict[str, dict[str, Any]]) -> None:
    assert len(bills) == 2
    for bill in bills.values():
        text = json.dumps(bill)
        assert all(component["purl"].startswith("pkg:pypi/") for component in bill["components"])
        assert str(Path.home()) not in text
        assert str(REPOSITORY) not in text


def test_a_bill_keeps_the_schema(script: Any) -> None:
    """Of the first entries of the lock file: the check takes a minute for all, whose form is the same."""
    from cyclonedx.schema import SchemaVersion  # noqa: PLC0415 - of a package that may not be there
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415 - as above

    entries = script.read_lock(LOCK)[:10]
    bill = script.bill(entries, frozenset().union(*(entry.needed_by for entry in entries)))
    assert len(bill["components"]) == 10
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(json.dumps(bill)) is None
    bill["dependencies"][0]["dependsOn"] = "everything"
    assert validator.validate_str(json.dumps(bill)) is not None


def test_the_graph_leads_from_the_wheel_to_each_component(bills: dict[str, dict[str, Any]]) -> None:
    for bill in bills.values():
        graph = {each["ref"]: each.get("dependsOn", []) for each in bill["dependencies"]}
        reached: set[str] = set()
        waiting = [bill["metadata"]["component"]["bom-ref"]]
        while waiting:
            reference = waiting.pop()
            if reference not in reached:
                reached.add(reference)
                waiting += graph[reference]
        assert reached == set(graph)
        assert len(graph) == len(bill["components"]) + 1


def test_only_what_is_needed_is_in_a_bill_and_its_bytes_are_the_same_again(script: Any) -> None:
    wheel, development = (content for _, content in script.bills(SMALL))
    assert names(wheel) == {"alpha", "beta"}
    assert names(development) == {"alpha", "beta", "delta", "epsilon"}
    named = {component["bom-ref"]: component["name"] for component in development["components"]}
    graph = {
        named.get(each["ref"]): sorted(named[ref] for ref in each.get("dependsOn", []))
        for each in development["dependencies"]
    }
    assert graph == {
        None: ["alpha", "delta"],
        "alpha": ["beta"],
        "beta": [],
        "delta": ["beta", "epsilon"],
        "epsilon": [],
    }
    assert next(content for _, content in script.bills(SMALL)) == wheel


def test_without_a_folder_it_says_how() -> None:
    run = subprocess.run([sys.executable, SCRIPT], check=False, capture_output=True, text=True)
    assert run.returncode == 2
    assert "usage" in run.stderr
