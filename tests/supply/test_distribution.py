"""What a user installs: only the four packages and the licence, and the same bytes from the same sources."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
STEM = f"{PROJECT['name'].replace('-', '_')}-{PROJECT['version']}"
PACKAGES = (
    "construct_lib/airflow_ecs_dag/",
    "label_schema/airflow_ecs_dag_schema/",
    "airflow_side/airflow_ecs_dag_loader/",
    "developer_cli/airflow_ecs_dag_cli/",
)
OF_THE_MACHINE = (
    ".venv/bin/python", "node_modules/x/index.js", ".airflow-ecs-dag/airflow/airflow.db", "artifacts/log.txt",
    "dist/old.whl", "cdk.out/manifest.json", "label_schema/airflow_ecs_dag_schema/__pycache__/x.cpython-311.pyc",
)  # fmt: skip
"""What a checkout in use has besides, and no distribution may hold."""


def sources() -> list[str]:
    """Return the files of the checkout, as the next commit would have them."""
    if shutil.which("git") is None or not (REPOSITORY / ".git").exists():
        pytest.skip("git tells which files belong to the project, and this is no git checkout")
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={REPOSITORY}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return sorted(name for name in listed.stdout.split("\0") if name and (REPOSITORY / name).is_file())


def build(names: list[str], folder: Path, *, umask: int = 0o022, seed: str = "0") -> dict[str, bytes]:
    """Build the wheel and the sdist from copies of the files named, made in the order given; return both by name."""
    tree, out = folder / "tree", folder / "out"
    previous = os.umask(umask)
    try:
        for name in (*names, *OF_THE_MACHINE):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            if name in OF_THE_MACHINE:
                (tree / name).write_text("of this machine")
            else:
                shutil.copyfile(REPOSITORY / name, tree / name)
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "--directory", str(out)],
            cwd=tree, check=True, capture_output=True, timeout=120,
            env={**os.environ, "SOURCE_DATE_EPOCH": "1577836800", "PYTHONHASHSEED": seed},
        )  # fmt: skip
    finally:
        os.umask(previous)
    return {path.name: path.read_bytes() for path in out.iterdir()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return build(sources(), tmp_path_factory.mktemp("one"))


@pytest.fixture(scope="module")
def wheel(built: dict[str, bytes]) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(built[f"{STEM}-py3-none-any.whl"]))


@pytest.fixture(scope="module")
def sdist(built: dict[str, bytes]) -> tarfile.TarFile:
    return tarfile.open(fileobj=io.BytesIO(built[f"{STEM}.tar.gz"]))


def test_one_wheel_for_all_and_one_sdist(built: dict[str, bytes]) -> None:
    assert sorted(built) == [f"{STEM}-py3-none-any.whl", f"{STEM}.tar.gz"]


def test_the_same_sources_give_the_same_bytes(built: dict[str, bytes], tmp_path: Path) -> None:
    again = build(sources()[::-1], tmp_path / "another" / "place", umask=0o077, seed="1")
    assert {name: hashlib.sha256(data).hexdigest() for name, data in again.items()} == {
        name: hashlib.sha256(data).hexdigest() for name, data in built.items()
    }


def test_the_sdist_gives_the_same_wheel(built: dict[str, bytes], sdist: tarfile.TarFile, tmp_path: Path) -> None:
    sdist.extractall(tmp_path, filter="data")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path / "out")],
        cwd=tmp_path / STEM, check=True, capture_output=True, timeout=120,
        env={**os.environ, "SOURCE_DATE_EPOCH": "1577836800"},
    )  # fmt: skip
    (again,) = (tmp_path / "out").iterdir()
    assert again.read_bytes() == built[again.name]


def test_the_wheel_holds_the_four_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    packaged = {name.partition("/")[2] for name in sources() if name.startswith(PACKAGES)}
    assert any(name.endswith("py.typed") for name in packaged)
    information = {
        f"{STEM}.dist-info/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")
    }
    assert set(wheel.namelist()) == packaged | information
    assert {name.partition("/")[0] for name in packaged} == {each.split("/")[1] for each in PACKAGES}


def test_the_wheels_record_is_true(wheel: zipfile.ZipFile) -> None:
    rows = list(csv.reader(io.StringIO(wheel.read(f"{STEM}.dist-info/RECORD").decode())))
    assert {row[0] for row in rows} == set(wheel.namelist())
    for name, digest, size in rows:
        if not name.endswith("/RECORD"):
            data = wheel.read(name)
            expected = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
            assert (digest, size) == (f"sha256={expected}", str(len(data)))


def test_the_licence_is_in_both(wheel: zipfile.ZipFile, sdist: tarfile.TarFile) -> None:
    licence = (REPOSITORY / "LICENSE").read_bytes()
    assert b"Apache License" in licence
    assert wheel.read(f"{STEM}.dist-info/licenses/LICENSE") == licence
    member = sdist.extractfile(f"{STEM}/LICENSE")
    assert member is not None
    assert member.read() == licence
    metadata = Parser().parsestr(wheel.read(f"{STEM}.dist-info/METADATA").decode())
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["License-File"] == "LICENSE"


def test_the_wheel_needs_packages_by_name_only(wheel: zipfile.ZipFile) -> None:
    metadata = Parser().parsestr(wheel.read(f"{STEM}.dist-info/METADATA").decode())
    needs = metadata.get_all("Requires-Dist") or []
    assert len(needs) > 10
    assert [each for each in needs if "@" in each or "://" in each] == []
    assert set(metadata.get_all("Provides-Extra") or []) == set(PROJECT["optional-dependencies"])


def test_the_sdist_holds_files_of_the_project_only(sdist: tarfile.TarFile) -> None:
    members = sdist.getmembers()
    assert all(member.isfile() for member in members)
    names = {member.name.removeprefix(f"{STEM}/") for member in members}
    assert names - set(sources()) == {"PKG-INFO"}
    assert {"LICENSE", "README.md", "pyproject.toml"} <= names
    assert {name for name in sources() if name.startswith(PACKAGES)} <= names
    assert {(member.uid, member.gid, member.uname, member.gname) for member in members} <= {(0, 0, "", "")}


def test_what_was_installed_from_the_wheel_decodes_labels(built: dict[str, bytes], tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(built[f"{STEM}-py3-none-any.whl"])) as content:
        content.extractall(tmp_path)  # noqa: S202 - the wheel that this test built, as an installer unpacks it
    script = (
        "import sys; import airflow_ecs_dag_schema as schema; assert schema.__file__.startswith(sys.argv[1]); "
        "labels = {'airflow.schema_version': '1', 'airflow.dag.dag_id': 'a', 'airflow.tasks.b.kind': 'ecs'}; "
        "assert schema.encode(schema.decode(labels)) == labels"
    )
    subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        check=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)}, timeout=60,
    )  # fmt: skip


def test_the_releasing_page_builds_as_the_tests_do() -> None:
    page = (REPOSITORY / "docs" / "releasing.md").read_text(encoding="utf-8")
    assert "-m hatchling build\n" in page
    assert "export SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)" in page
    scripts = re.findall(r"(?<=\.venv/bin/python )\.ci/\S+", page)
    assert len(scripts) >= 2
    for script in scripts:
        assert (REPOSITORY / script).is_file(), script
    for name in (f"{PROJECT['name'].replace('-', '_')}-VERSION-py3-none-any.whl", "airflow-ecs-dag.cdx.json"):
        assert f"`{name}`" in page
