"""A local Airflow: its real scheduler, DAG processor and API server in one folder, on loopback ports.

The bundle that production uses finds the DAGs; nothing in here knows what a DAG looks like. Each start begins with an
empty database: what migrating one costs (about 6 s) is paid once for SQLite, for a template that is copied.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
import time
from contextlib import ExitStack
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from airflow_ecs_dag_cli.airflow_api import AirflowApi
from airflow_ecs_dag_cli.processes import LOOPBACK, BackgroundProcess, free_port

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

BUNDLE = "ecs"
_READY_SECONDS = 180.0
_MIGRATE_SECONDS = 300.0
_END_SECONDS = 4.0
_COMPONENTS: dict[str, tuple[str, ...]] = {
    # Logs are read from the folder, so the server for them (on all interfaces) is not needed.
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "api-server": ("api-server",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
_STRIPPED_PREFIXES = ("AIRFLOW_", "AIRFLOW__")
_DATABASE = "airflow.db"


class LocalAirflow:
    """A running Airflow; a context manager. :meth:`start` returns at once, :meth:`wait_until_ready` waits.

    Args:
        folder: Where it keeps its database, logs and DAG files; emptied at start.
        environment: The environment for its processes; the AWS in it is the one that Airflow uses.
        bundle: Arguments of ``EcsDagBundle``.
        refresh_seconds: Seconds between two scans of the ECS registry.
        port: Loopback port of the page and the API; 0 chooses one.
        follow_schedules: Whether DAGs also run by their schedule; otherwise only when triggered.
        settings: More of Airflow's settings, section and key: ``SECRETS__BACKEND``.
        database_url: An empty database to use; without it, an SQLite file of its own.
    """

    def __init__(
        self,
        folder: Path,
        *,
        environment: Mapping[str, str],
        bundle: Mapping[str, Any],
        refresh_seconds: int = 2,
        port: int = 0,
        follow_schedules: bool = False,
        settings: Mapping[str, str] | None = None,
        database_url: str | None = None,
    ) -> None:
        self.folder = folder.resolve()
        self.port = port or free_port()
        self.url = f"http://{LOOPBACK}:{self.port}"
        self.api = AirflowApi(self.url)
        self._database_url = database_url
        self._environment = self._settings(environment, bundle, refresh_seconds, follow_schedules=follow_schedules) | {
            f"AIRFLOW__{name}": value for name, value in (settings or {}).items()
        }
        self._processes: dict[str, BackgroundProcess] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Start it."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop all of its processes."""
        self.stop()

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which ``airflow`` commands speak to this Airflow."""
        return dict(self._environment)

    def start(self) -> Self:
        """Start its processes and return at once.

        Raises:
            ProcessError: The database could not be made, or a process could not be started.
        """
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, mode=0o700)
        if self._database_url is None:
            shutil.copyfile(self._database_template(), self.folder / _DATABASE)
        else:
            self._migrate()
        with ExitStack() as stack:
            stack.callback(self.api.close)
            for component, arguments in _COMPONENTS.items():
                self._processes[component] = stack.enter_context(self._process(component, *arguments))
            self._stack = stack.pop_all()
        return self

    def stop(self) -> None:
        """Stop all of its processes; a second call does nothing.

        A scheduler that gets its signal together with its workers can wait for them for ever, so each component is
        asked alone first; tasks that still run are not waited for.
        """
        for process in self._processes.values():
            process.ask_to_end()
        deadline = time.monotonic() + _END_SECONDS
        for process in self._processes.values():
            process.wait(max(0.0, deadline - time.monotonic()))
        self._stack.close()

    def wait_until_ready(self) -> None:
        """Wait until its API answers and its scheduler and DAG processor report that they are well.

        Raises:
            ProcessError: One of the processes ended, or it took longer than three minutes.
        """
        for component, process in self._processes.items():
            process.wait_until(partial(self._healthy, component), within=_READY_SECONDS)

    def check(self) -> None:
        """Raise if one of its processes has ended.

        Raises:
            ProcessError: With the end of its log.
        """
        for process in self._processes.values():
            if process.returncode is not None:
                process.wait_until(lambda: False, within=0)

    def _healthy(self, component: str) -> bool:
        health = self.api.health()
        if component == "api-server" or health is None:
            return health is not None
        return bool(health.get(component.replace("-", "_"), {}).get("status") == "healthy")

    def _process(self, name: str, *arguments: str) -> BackgroundProcess:
        return BackgroundProcess(
            f"Airflow's {name}",
            (sys.executable, "-m", "airflow", *arguments),
            log=self.folder / f"{name}.log",
            environment=self._environment,
            directory=self.folder,
            grace=2.0,
        )

    def _migrate(self) -> None:
        migration = self._process("database migration", "db", "migrate")
        with migration:
            migration.wait_until(lambda: migration.returncode == 0, within=_MIGRATE_SECONDS, for_what="finish")

    def _database_template(self) -> Path:
        """Return an empty, migrated database of this Airflow version, made when absent."""
        template = self.folder.parent / f"empty-airflow-{version('apache-airflow-core')}.db"
        if not template.is_file():
            self._migrate()
            unfinished = template.with_suffix(".tmp")
            shutil.copyfile(self.folder / _DATABASE, unfinished)
            unfinished.replace(template)
        return template

    def _settings(
        self,
        base: Mapping[str, str],
        bundle: Mapping[str, Any],
        refresh_seconds: int,
        *,
        follow_schedules: bool,
    ) -> dict[str, str]:
        kept = {name: value for name, value in base.items() if not name.startswith(_STRIPPED_PREFIXES)}
        bundles = [
            {
                "name": BUNDLE,
                "classpath": "airflow_ecs_dag_loader.EcsDagBundle",
                "kwargs": {"refresh_interval": refresh_seconds, **bundle},
            }
        ]
        options = {
            "CORE__LOAD_EXAMPLES": "False",
            # Containers are short here, so a task may be back before its worker's end is noticed, which Airflow takes
            # for a failure. A worker now and then notices the end of its process only at the next heartbeat.
            "WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
            "AIRFLOW_ECS_DAG__SHORTEST_DEFERRAL": "5",
            "AIRFLOW_ECS_DAG__END_IN_TRIGGERER": "True",
            "CORE__EXECUTOR": "LocalExecutor",
            "CORE__PARALLELISM": "4",
            "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            # The name under which the machine reads its own tasks' logs; its own need not resolve.
            "CORE__HOSTNAME_CALLABLE": "airflow_ecs_dag_cli.local_airflow.loopback_name",
            "CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "0",
            "DATABASE__SQL_ALCHEMY_CONN": self._database_url or f"sqlite:///{self.folder / _DATABASE}",
            "API__HOST": LOOPBACK,
            "API__PORT": str(self.port),
            "API__SECRET_KEY": secrets.token_urlsafe(32),
            "API_AUTH__JWT_SECRET": secrets.token_urlsafe(48),
            "DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(bundles),
            "DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(self.folder / "dag_bundles"),
            "DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "1",
            "SCHEDULER__USE_JOB_SCHEDULE": str(follow_schedules),
            "SCHEDULER__ENABLE_HEALTH_CHECK": "False",
            "USAGE_DATA_COLLECTION__ENABLED": "False",
        }
        path = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)])
        return {
            **kept,
            **{f"AIRFLOW__{name}": value for name, value in options.items()},
            "AIRFLOW_HOME": str(self.folder),
            "PATH": path,
            "PYTHONUNBUFFERED": "1",
            "NO_COLOR": "1",
        }


def loopback_name() -> str:
    """Return the name under which Airflow's processes on this machine find each other."""
    return LOOPBACK
