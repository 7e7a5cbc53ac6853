"""The process whose children are killed: ``python -m soak.killed_work``, with ``tests`` on the path.

It has imported Airflow and the loader, so each piece of work is a fork of a few hundredths of a second, with nothing in
memory of the one before. A line of JSON on standard input asks for one, a line on standard output tells what became of
it. A child is killed with SIGKILL: by itself right before a certain operation on files, or by its parent after a while.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import sys
import tempfile
import time
import traceback
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import BundleDagBag
from botocore.loaders import JSONFileLoader

from airflow_ecs_dag_cli.sync_command import SyncOptions, sync_registry
from airflow_ecs_dag_loader import EcsDagBundle, load_dags
from airflow_ecs_dag_loader.place_state import PlaceStates
from airflow_ecs_dag_loader.published import FILE
from airflow_ecs_dag_loader.shared_snapshot import read_index, read_object
from airflow_ecs_dag_loader.snapshot import Snapshot, state_folder
from airflow_ecs_dag_loader.snapshot_stores import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow.sdk import DAG

_OF_FILES = frozenset(
    {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "os.utime", "os.link", "os.symlink", "os.truncate"}
)
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Operations:
    """Counts what this process does to files of some folders; it kills itself right before a certain one.

    Args:
        folders: The folders.
        fatal: The number of the operation that isn't done any more; 0 for none.
    """

    def __init__(self, folders: list[str], fatal: int = 0) -> None:
        self.count = 0
        self._folders = tuple(folders)
        self._fatal = fatal

    def watch(self) -> None:
        """Begin; there is no end, for an audit hook can't be removed."""
        sys.addaudithook(self._audit)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _OF_FILES or (event == "open" and arguments[2] & _WRITES):
            path = arguments[0]
            if event == "os.mkdir" and os.path.isdir(path):  # noqa: PTH112 - nothing is made
                return
            if isinstance(path, int) or not os.fspath(path).startswith("/") or path.startswith(self._folders):
                self.count += 1
                if self.count == self._fatal:
                    os.kill(os.getpid(), signal.SIGKILL)


def bundle() -> EcsDagBundle:
    """Return a bundle as Airflow makes it of its configuration."""
    (name,) = (each["name"] for each in json.loads(os.environ["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"]))
    made = DagBundlesManager().get_bundle(name)  # type: ignore[no-untyped-call] # Airflow's
    assert isinstance(made, EcsDagBundle)
    return made


def refresh(_: Mapping[str, Any]) -> None:
    """Do what the DAG processor does when it starts, and at each refresh."""
    made = bundle()
    made.initialize()
    made.refresh()


def parse(_: Mapping[str, Any]) -> dict[str, Any]:
    """Return what Airflow has of the bundle's folder, and what the next refresh has to go on with."""
    made = bundle()
    version = made.get_current_version().version
    if not made.path.is_dir():
        return {"dags": {}, "errors": [], "version": version, "broken": []}
    bag = BundleDagBag(dag_folder=made.path, bundle_path=made.path, bundle_name=made.name)
    states = state_folder(made.base_dir)
    broken = [
        str(path.relative_to(states))
        for path in states.glob("*/*.json")
        if PlaceStates(states).read(f"{path.parent.name}/{path.stem}") is None
    ]
    if (states / FILE).exists() and not Snapshot.read_published(made.base_dir).version:
        broken.append(FILE)
    errors = [os.path.relpath(made.path / path, made.path) for path in bag.import_errors]
    return {"dags": _revisions(list(bag.dags.values())), "errors": errors, "version": version, "broken": broken}


def worker(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a worker has of one DAG's file."""
    os.environ["_AIRFLOW_PARSING_CONTEXT_DAG_ID"] = wanted["dag_id"]
    made = bundle()
    made.initialize()
    path = made.path / wanted["file"]
    bag = BundleDagBag(dag_folder=path, bundle_path=made.path, bundle_name=made.name)
    return {"dags": _revisions(list(bag.dags.values())), "errors": list(bag.import_errors)}


def sync(wanted: Mapping[str, Any]) -> None:
    """Do what ``airflow-ecs-dag sync`` does."""
    status = sync_registry(
        SyncOptions(to=wanted["to"], sources_file=Path(wanted["sources"]), state=Path(wanted["state"]))
    )
    assert status == 0, status


def read(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the snapshot holds, each object read."""
    store = open_store(wanted["to"])
    if (index := read_index(store)) is None:
        return {"dags": {}, "errors": [], "is_there": False}
    for digest in index.digests:
        read_object(store, digest)
    return load(wanted) | {"is_there": True}


def load(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a DAG file with ``load_dags`` has."""
    tempfile.tempdir = wanted["copy"]
    if wanted.get("dag_id"):
        os.environ["_AIRFLOW_PARSING_CONTEXT_DAG_ID"] = wanted["dag_id"]
    namespace: dict[str, Any] = {}
    load_dags(namespace, wanted["to"])
    return {"dags": _revisions(list(namespace.values())), "errors": []}


def _revisions(dags: list[DAG]) -> dict[str, tuple[str, int]]:
    found = {}
    for dag in dags:
        arn = str(getattr(dag.get_task("build"), "task_definition", ""))
        found[dag.dag_id] = (arn.split(":")[3], int(arn.rpartition(":")[2]))
    return found


WORK: dict[str, Callable[[Mapping[str, Any]], dict[str, Any] | None]] = {
    work.__name__: work for work in (refresh, parse, worker, sync, read, load)
}
_read_service_model = cache(JSONFileLoader().load_file)


def _service_model(_: JSONFileLoader, file_path: str) -> Any:
    return _read_service_model(file_path)


def _child(wanted: Mapping[str, Any], answer: int) -> None:
    os.environ |= wanted["environment"]
    operations = Operations(wanted["folders"], wanted.get("at", 0))
    found: dict[str, Any] = {}
    operations.watch()
    os.write(answer, b"\n")
    began = time.monotonic()
    try:
        found["result"] = WORK[wanted["work"]](wanted)
    except BaseException:  # noqa: BLE001 - whatever it is, it is told
        found["error"] = traceback.format_exc()
    found |= {"seconds": time.monotonic() - began, "operations": operations.count}
    with os.fdopen(answer, "w") as file:
        file.write(json.dumps(found))
        file.flush()
        os._exit(0)


def _done(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Do a piece of work in a child; return what it says, or that it was killed."""
    reading, writing = os.pipe()
    if not (child := os.fork()):
        try:
            os.close(reading)
            _child(wanted, writing)
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb", buffering=0) as answer:
        answer.read(1)  # it begins
        if wanted.get("after") and not select.select([answer], [], [], wanted["after"])[0]:
            os.kill(child, signal.SIGKILL)
        text = answer.readall()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return {"killed": True}
    assert status == 0, status
    return {"killed": False, **json.loads(text)}


def main() -> None:
    """Do what standard input asks for until it ends."""
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print is no answer
    boto3.Session(region_name="eu-west-1").client("ecs", aws_access_key_id="x", aws_secret_access_key="x")  # noqa: S106 - its modules are imported then
    JSONFileLoader.load_file = _service_model  # type: ignore[assignment,method-assign] # read once for all
    gc.freeze()
    out.write("ready\n")
    for line in sys.stdin:
        out.write(json.dumps(_done(json.loads(line))) + "\n")


if __name__ == "__main__":
    main()
