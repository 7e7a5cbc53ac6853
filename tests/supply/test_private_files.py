"""What the loader and the command keep on disk is their user's alone, and nothing that another one prepared is used.

Airflow runs what is in a bundle's folder, so whoever may write there runs code as Airflow.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_ecs_dag_cli.local_project import FOLDER
from airflow_ecs_dag_loader import EcsDagBundle
from airflow_ecs_dag_loader.admission import admit
from airflow_ecs_dag_loader.file_names import dag_path
from airflow_ecs_dag_loader.registry import Registry
from airflow_ecs_dag_loader.snapshot import Snapshot, dags_folder, publish
from loader.sources import SOURCE, found

if TYPE_CHECKING:
    from collections.abc import Iterator

OTHER_USER = 65_534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
ROOTS = ("dags", "families")
PLACE = Path("123456789012", "eu-west-1")
ARCHIVES = 8
A_DAG = dag_path(f"{PLACE}/a", ARCHIVES)
"""Where the family a is: in an archive for the DAG processor, in a folder of the same name for workers."""
HOSTILE = "open('/tmp/hostile', 'w')  # airflow dag"


@pytest.fixture(params=[0o022, 0o000, 0o007], ids=["umask 022", "umask 000", "umask 007"])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    previous = os.umask(request.param)
    yield request.param
    os.umask(previous)


def write(folder: Path, *families: str) -> Snapshot:
    definitions = [found(family) for family in families]
    registry = Registry({definition.arn: definition for definition in definitions})
    verdicts = admit(definitions, source=SOURCE, owners=Snapshot.read(folder).owners)
    return publish(folder, registry=registry, verdicts=verdicts, source=SOURCE, archives=ARCHIVES)


def modes(folder: Path) -> dict[str, int]:
    """Return the mode of ``folder`` and of all that is below it."""
    return {str(path): stat.S_IMODE(path.lstat().st_mode) for path in (folder, *folder.rglob("*"))}


def assert_private(folder: Path) -> None:
    for path, mode in modes(folder).items():
        assert mode == (0o700 if Path(path).is_dir() else 0o600), f"{path} has {mode:o}"


@pytest.mark.usefixtures("umask")
def test_each_folder_and_file_of_a_snapshot_is_private(tmp_path: Path) -> None:
    write(tmp_path / "storage" / "ecs", "a", "b")
    assert_private(tmp_path / "storage" / "ecs")
    write(tmp_path / "storage" / "ecs", "b", "c")
    assert_private(tmp_path / "storage" / "ecs")


def test_a_bundles_folder_is_where_the_snapshot_is() -> None:
    bundle = EcsDagBundle(name="ecs", region_name="eu-west-1")
    assert bundle.path == dags_folder(bundle.base_dir)


def test_open_permissions_of_an_earlier_snapshot_are_closed(tmp_path: Path) -> None:
    folder = tmp_path / "ecs"
    write(folder, "a")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    whole = Snapshot.read(folder)
    write(folder, "a")
    assert_private(folder)
    assert whole in (Snapshot(), Snapshot.read(folder))


@pytest.mark.parametrize("root", ROOTS)
def test_what_others_put_into_an_open_folder_goes(tmp_path: Path, root: str) -> None:
    folder = tmp_path / "ecs"
    write(folder, "a")
    before = {path for path in (folder / root).rglob("*") if path.is_file()}
    for place in (Path(), PLACE.parent, PLACE / "deeper"):
        (folder / root / place).mkdir(exist_ok=True)
        (folder / root / place / "hostile.py").write_text(HOSTILE)
    (folder / root / "hostile.zip").write_bytes(b"PK")
    write(folder, "a")
    assert {path for path in (folder / root).rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    "place", ["dags", f"dags/{PLACE}", "families", f"families/{PLACE}", f"families/{A_DAG.parent}"]
)
def test_a_link_in_place_of_a_folder_is_refused_and_not_followed(tmp_path: Path, place: str) -> None:
    folder, elsewhere = tmp_path / "ecs", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept.py").write_text("")
    (folder / place).parent.mkdir(parents=True)
    (folder / place).symlink_to(elsewhere)
    with pytest.raises(OSError, match="symbolic link"):
        write(folder, "a")
    assert [path.name for path in elsewhere.rglob("*")] == ["kept.py"]


@pytest.mark.parametrize("name", ["ecs-a.py", A_DAG.parent.name])
def test_a_link_in_place_of_a_file_is_replaced_and_its_target_kept(tmp_path: Path, name: str) -> None:
    folder, elsewhere = tmp_path / "ecs", tmp_path / "elsewhere.py"
    write(folder, "a")
    (path,) = (each for each in folder.rglob(name) if each.is_file())
    elsewhere.write_bytes(path.read_bytes())  # the same text today, another one after the check
    path.unlink()
    path.symlink_to(elsewhere)
    write(folder, "a")
    assert not path.is_symlink()
    assert elsewhere.exists()


def test_a_link_in_place_of_the_state_is_no_state(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "ecs", tmp_path / "elsewhere.json"
    write(folder, "a")
    state = folder / "state" / "published.json"
    state.rename(elsewhere)
    state.symlink_to(elsewhere)
    assert Snapshot.read(folder) == Snapshot()
    write(folder, "a")
    assert not state.is_symlink()
    assert Snapshot.read(folder).owners == {"a": "123456789012/eu-west-1/a"}


def test_a_state_that_others_may_write_is_no_state(tmp_path: Path) -> None:
    folder = tmp_path / "ecs"
    write(folder, "a")
    state = folder / "state" / "published.json"
    content = json.loads(state.read_text())
    content["owners"] = {"a": "999999999999/eu-west-1/a"}
    state.write_text(json.dumps(content))
    state.chmod(0o666)
    assert Snapshot.read(folder) == Snapshot()


@needs_root
def test_a_state_of_another_user_is_no_state(tmp_path: Path) -> None:
    folder = tmp_path / "ecs"
    write(folder, "a")
    os.chown(folder / "state" / "published.json", OTHER_USER, OTHER_USER)
    assert Snapshot.read(folder) == Snapshot()


@needs_root
@pytest.mark.parametrize(
    "whose",
    ["", *ROOTS, *(f"{root}/{place}" for root in ROOTS for place in (PLACE.parent, PLACE)), f"families/{A_DAG.parent}"],
)
def test_a_folder_of_another_user_is_refused(tmp_path: Path, whose: str) -> None:
    folder = tmp_path / "ecs"
    write(folder, "a")
    os.chown(folder / whose, OTHER_USER, OTHER_USER)
    with pytest.raises(PermissionError, match=str(OTHER_USER)):
        write(folder, "a", "b")


def test_a_named_pipe_in_place_of_the_state_holds_nobody_up(tmp_path: Path) -> None:
    folder = tmp_path / "ecs"
    write(folder, "a")
    (folder / "state" / "published.json").unlink()
    os.mkfifo(folder / "state" / "published.json", 0o600)
    script = (
        "import sys; from pathlib import Path; from airflow_ecs_dag_loader.snapshot import Snapshot; "
        "assert Snapshot.read(Path(sys.argv[1])) == Snapshot()"
    )
    subprocess.run([sys.executable, "-c", script, str(folder)], check=True, timeout=20)


def run_command(project: Path) -> subprocess.CompletedProcess[str]:
    """Run the command on a project whose app fails at once; by then its folder is there."""
    (project / "cdk.json").write_text(json.dumps({"app": f"{sys.executable} -c 'import sys; sys.exit(3)'"}))
    command = Path(sys.executable).parent / "airflow-ecs-dag"
    return subprocess.run(
        [command, "run", "reports"], cwd=project, check=False, capture_output=True, text=True, timeout=120
    )


@pytest.mark.usefixtures("umask")
def test_the_commands_folder_is_private(tmp_path: Path) -> None:
    assert run_command(tmp_path).returncode != 0
    assert stat.S_IMODE((tmp_path / FOLDER).stat().st_mode) == 0o700


def test_open_permissions_of_the_commands_folder_are_closed(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER).chmod(0o777)
    run_command(tmp_path)
    assert stat.S_IMODE((tmp_path / FOLDER).stat().st_mode) == 0o700


def test_a_link_in_place_of_the_commands_folder_is_refused_and_not_followed(tmp_path: Path) -> None:
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    project.mkdir()
    (elsewhere / "aws").mkdir(parents=True)
    (project / FOLDER).symlink_to(elsewhere)
    answer = run_command(project)
    assert answer.returncode != 0
    assert "symbolic link" in answer.stdout + answer.stderr
    assert [path.name for path in elsewhere.rglob("*")] == ["aws"]
