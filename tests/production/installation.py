"""Airflow as a platform runs it: PostgreSQL, a scheduler, an API server, DAG processors and triggerers on machines.

A *machine* is a folder: what a process there keeps on its disk, no process of another machine sees. The scheduler's
machine is also that of the LocalExecutor's workers.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from airflow_ecs_dag_cli.airflow_api import AirflowApi
from airflow_ecs_dag_cli.processes import LOOPBACK, BackgroundProcess, free_port
from airflow_ecs_dag_loader.snapshot import dags_folder
from production import machine_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

BUNDLE = "ecs"
PROCESSORS = ("processor-one", "processor-two")
TRIGGERERS = ("triggerer-one",)
STALE_SECONDS = 40
"""After how many seconds without a parse of it Airflow takes a DAG away, however its file disappeared."""
_COLLISION, _COLLISION_LINES = "psycopg2.errors.UniqueViolation", 40
"""How a DAG processor of Airflow 3.3 ends where another one wrote the same new DAG at the same moment; what watches
over processes on a platform starts it again."""
_REFRESH_SECONDS = 5
_PARSE_SECONDS = 30
_READY_SECONDS = 180.0
_MIGRATE_SECONDS = 300.0


class Installation:
    """A running Airflow; a context manager.

    Args:
        folder: Where the machines are.
        database_url: An empty PostgreSQL database.
        environment: The environment for its processes; the AWS in it is the one that Airflow uses.
        bundle: Arguments of ``EcsDagBundle``, the same for each process.
        more_bundles: Of other kinds, as ``dag_bundle_config_list`` has them.
        processors: The machines of the DAG processors.
        triggerers: Those of the triggerers.
        options: More of Airflow's settings, such as ``TRIGGERER__JOB_HEARTBEAT_SEC``.

    Attributes:
        api: Its REST API.
        url: Where that is.
        processors: The DAG processors by their machine.
        triggerers: The triggerers by their machine.
        collisions: How often one was started again because of :data:`_COLLISION`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        database_url: str,
        environment: Mapping[str, str],
        bundle: Mapping[str, Any],
        more_bundles: Sequence[Mapping[str, Any]] = (),
        processors: Sequence[str] = PROCESSORS,
        triggerers: Sequence[str] = TRIGGERERS,
        options: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._folder = folder
        self._port = free_port()
        self.url = f"http://{LOOPBACK}:{self._port}"
        self.api = AirflowApi(self.url)
        self._environment = self._settings(environment, database_url, (_ours(bundle), *more_bundles), options)
        self._stack = ExitStack()
        self._machines = {**dict.fromkeys(processors, "dag-processor"), **dict.fromkeys(triggerers, "triggerer")}
        self._api_server: BackgroundProcess | None = None
        self._scheduler: BackgroundProcess | None = None
        self.processors: dict[str, BackgroundProcess] = {}
        self.triggerers: dict[str, BackgroundProcess] = {}
        self.collisions = 0

    def __enter__(self) -> Self:
        """Migrate the database, start the processes, and wait until all report that they are well.

        Raises:
            ProcessError: The database could not be migrated, or a process ended or was not well in time.
        """
        with ExitStack() as stack:
            stack.callback(self.api.close)
            with self._airflow("migration", "db", "migrate") as migration:
                migration.wait_until(lambda: migration.returncode == 0, within=_MIGRATE_SECONDS, for_what="finish")
            self._api_server = stack.enter_context(self._airflow("api-server", "api-server"))
            stack.callback(self._stop_scheduler)
            self.start_scheduler()
            stack.callback(self._stop_machines)
            for machine in self._machines:
                self.start(machine)
            for component in (None, "scheduler", "dag_processor", "triggerer"):
                self._api_server.wait_until(partial(self._is_well, component), within=_READY_SECONDS)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop all of its processes."""
        self._stack.close()

    def supervise(self) -> None:
        """Raise if one of its processes has ended; start a DAG processor again that :data:`_COLLISION` ended.

        Raises:
            ProcessError: With the end of its log.
        """
        for machine, process in self.processors.items():
            if process.returncode is not None and _COLLISION in process.last_lines(_COLLISION_LINES):
                self.collisions += 1
                process.stop()
                self.start(machine)
        others = (self._api_server, self._scheduler, *self.processors.values(), *self.triggerers.values())
        for each in others:
            if each is not None and each.returncode is not None:
                each.wait_until(lambda: False, within=0)

    def replace_machine(self, machine: str) -> None:
        """Let a DAG processor's machine break down, and start another one in its place, whose disk is empty."""
        self.kill(machine)
        for folder in (self.storage(machine), self._parsing_logs(machine)):
            shutil.rmtree(folder)
        self.start(machine)

    def start(self, machine: str) -> None:
        """Start the process of a machine: a DAG processor's or a triggerer's."""
        component = self._machines[machine]
        of_kind = self.processors if component == "dag-processor" else self.triggerers
        arguments = () if component == "dag-processor" else ("--skip-serve-logs",)
        of_kind[machine] = self._airflow(machine, component, *arguments).start()

    def kill(self, machine: str) -> None:
        """End all processes of a machine at once, as a power cut does."""
        of_kind = self.processors if machine in self.processors else self.triggerers
        process = of_kind.pop(machine)
        os.killpg(process.pid, signal.SIGKILL)
        process.stop()

    def start_scheduler(self) -> None:
        """Start the scheduler, and with it the LocalExecutor."""
        self._scheduler = self._airflow("scheduler", "scheduler", "--skip-serve-logs").start()

    def kill_scheduler(self) -> None:
        """End the scheduler and its workers at once."""
        assert self._scheduler is not None
        os.killpg(self.scheduler_pid, signal.SIGKILL)
        self._scheduler.stop()
        self._scheduler = None

    @property
    def scheduler_pid(self) -> int:
        """The process, and the process group, of the scheduler and its workers."""
        assert self._scheduler is not None
        return self._scheduler.pid

    def storage(self, machine: str) -> Path:
        """Return where a machine's bundles keep their files."""
        return self._folder / machine / "bundles"

    def parsed_files(self, machine: str) -> set[str]:
        """Return the files, relative to the bundle's folder, that a machine's DAG processor has parsed."""
        days = self._parsing_logs(machine).glob(f"*/{BUNDLE}")
        return {path.relative_to(day).as_posix().removesuffix(".log") for day in days for path in day.rglob("*.log")}

    def log(self, machine: str) -> str:
        """Return what the processes of a machine have written so far."""
        return "\n".join(path.read_text(errors="replace") for path in sorted((self._folder / machine).glob("*.log")))

    def dag_hashes(self, machine: str) -> dict[str, str]:
        """Return Airflow's own hash over each DAG, by its id, as a process of a machine makes it of the files there."""
        result = self._folder / machine / "hashes.json"
        folder = dags_folder(self.storage(machine) / BUNDLE)
        arguments = (str(Path(__file__).with_name("dag_hashes.py")), str(result), str(folder), BUNDLE)
        with self._process(machine, arguments) as hashing:
            hashing.wait_until(lambda: hashing.returncode == 0, within=_READY_SECONDS, for_what="finish")
        hashes: dict[str, str] = json.loads(result.read_text())
        return hashes

    def _parsing_logs(self, machine: str) -> Path:
        return self._folder / machine / "logs" / "dag_processor"

    def _stop_scheduler(self) -> None:
        if self._scheduler is not None:
            # One that gets its signal together with its workers can wait for them for ever.
            self._scheduler.ask_to_end()
            self._scheduler.wait(4.0)
            self._scheduler.stop()

    def _stop_machines(self) -> None:
        for process in (*self.processors.values(), *self.triggerers.values()):
            process.stop()

    def _is_well(self, component: str | None) -> bool:
        health = self.api.health()
        if component is None or health is None:
            return health is not None
        return bool(health.get(component, {}).get("status") == "healthy")

    def _airflow(self, machine: str, *arguments: str) -> BackgroundProcess:
        return self._process(machine, ("-m", "airflow", *arguments))

    def _process(self, machine: str, arguments: Sequence[str]) -> BackgroundProcess:
        folder = self._folder / machine
        folder.mkdir(parents=True, exist_ok=True)
        own = {
            "AIRFLOW_HOME": str(folder),
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(self.storage(machine)),
            machine_name.VARIABLE: machine,
        }
        return BackgroundProcess(
            f"the {machine}'s process",
            (sys.executable, *arguments),
            log=folder / f"{len(list(folder.glob('*.log'))) + 1}.log",
            environment=self._environment | own,
            directory=folder,
            grace=3.0,
        )

    def _settings(
        self,
        base: Mapping[str, str],
        database_url: str,
        bundles: Sequence[Mapping[str, Any]],
        more: Mapping[str, str],
    ) -> dict[str, str]:
        kept = {name: value for name, value in base.items() if not name.startswith("AIRFLOW")}
        options = {
            "CORE__LOAD_EXAMPLES": "False",
            # Airflow writes it into each DAG: processors that differ in it would write each DAG anew by turns.
            "CORE__DAGS_FOLDER": str(self._folder / "no-dags"),
            "CORE__EXECUTOR": "LocalExecutor",
            "CORE__PARALLELISM": "4",
            "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "CORE__EXECUTION_API_SERVER_URL": f"http://{LOOPBACK}:{self._port}/execution/",
            "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "CORE__HOSTNAME_CALLABLE": "production.machine_name.machine_name",
            "DATABASE__SQL_ALCHEMY_CONN": database_url,
            "API__HOST": LOOPBACK,
            "API__PORT": str(self._port),
            "API__SECRET_KEY": secrets.token_urlsafe(32),
            "API_AUTH__JWT_SECRET": secrets.token_urlsafe(48),
            "DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(bundles),
            "DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "1",
            "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": str(_PARSE_SECONDS),
            "DAG_PROCESSOR__STALE_DAG_THRESHOLD": str(STALE_SECONDS),
            "SCHEDULER__PARSING_CLEANUP_INTERVAL": "5",
            "SCHEDULER__ENABLE_HEALTH_CHECK": "False",
            "USAGE_DATA_COLLECTION__ENABLED": "False",
            **more,
        }
        path = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)])
        return {
            **kept,
            **{f"AIRFLOW__{name}": value for name, value in options.items()},
            "PATH": path,
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "PYTHONUNBUFFERED": "1",
            "NO_COLOR": "1",
        }


def _ours(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": BUNDLE,
        "classpath": "airflow_ecs_dag_loader.EcsDagBundle",
        "kwargs": {"refresh_interval": _REFRESH_SECONDS, **arguments},
    }
