"""A PostgreSQL server of a run's own: this machine's programs, a new data folder, a free loopback port, a password."""

from __future__ import annotations

import os
import pwd
import re
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

from airflow_ecs_dag_cli.processes import LOOPBACK, BackgroundProcess, free_port

if TYPE_CHECKING:
    from types import TracebackType

PROGRAMS = Path("/usr/lib/postgresql")
"""Where Debian's packages ``postgresql-NN`` put their programs, in a folder a version."""
_USERS = ("postgres", "nobody")
"""Who runs it where this process's own user is root, whom PostgreSQL refuses: the first one that this machine has."""
_ROLE = "airflow"
_INITDB_SECONDS, _READY_SECONDS = 120.0, 60.0
_READY = "database system is ready to accept connections"


def server_programs() -> Path | None:
    """Return the folder with this machine's server programs, or ``None``: Debian's newest, or those on the PATH."""
    on_path = shutil.which("initdb")
    beside = Path(on_path).resolve().parent if on_path else None
    return newest_programs() or (beside if beside and (beside / "postgres").is_file() else None)


def newest_programs(root: Path = PROGRAMS) -> Path | None:
    """Return the folder with the newest server's programs below ``root``, or ``None`` where there is none."""
    found = [path.parent for path in root.glob("*/bin/initdb") if (path.parent / "postgres").is_file()]
    return max(found, key=lambda folder: [int(part) for part in re.findall(r"\d+", folder.parent.name)], default=None)


class PostgresServer:
    """A running server; a context manager. Its data is gone when the block ends.

    Args:
        programs: The folder with ``initdb`` and ``postgres``.
        logs: Where its output goes.
        folder: Where its data folder is made, in one of its own; where this process's user is root, and without it, in
            the system's folder for temporary files.
    """

    def __init__(self, programs: Path, *, logs: Path, folder: Path | None = None) -> None:
        self._programs = programs
        self._logs = logs
        self._parent = None if _other_user() else folder
        self._password = secrets.token_hex(16)
        self._port = free_port()

    @property
    def url(self) -> str:
        """Its database, as SQLAlchemy and Airflow name it."""
        return f"postgresql+psycopg2://{_ROLE}:{self._password}@{LOOPBACK}:{self._port}/postgres"

    def __enter__(self) -> Self:
        """Make the data folder and start the server.

        Raises:
            ProcessError: Either failed; the message has the end of the output.
        """
        # As root not below the run's own folder, which no other user may enter.
        self._folder = Path(tempfile.mkdtemp(prefix="airflow-ecs-dag-pg-", dir=self._parent))
        try:
            self._give_away(self._folder)
            self._initialize()
            self._server = self._process("PostgreSQL", "postgres", *self._options()).start()
            self._server.wait_for_line(_READY, within=_READY_SECONDS)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it and remove its data."""
        if hasattr(self, "_server"):
            self._server.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _initialize(self) -> None:
        password_file = self._folder / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self._password)
        self._give_away(password_file)
        options = ("--auth=scram-sha-256", f"--pwfile={password_file}", f"--username={_ROLE}", "--no-sync")
        locale = ("--encoding=UTF8", "--locale=C.UTF-8")
        with self._process("initdb", "initdb", "-D", str(self._folder / "data"), *options, *locale) as initdb:
            initdb.wait_until(lambda: initdb.returncode == 0, within=_INITDB_SECONDS, for_what="finish")

    def _options(self) -> tuple[str, ...]:
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(self._port),
            "unix_socket_directories": "",  # a socket's path is short, and nothing needs one
            "max_connections": "200",
            "fsync": "off",  # the data ends with the run, so nothing needs to outlive a power cut
        }
        chosen = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return ("-D", str(self._folder / "data"), *chosen)

    def _process(self, name: str, program: str, *arguments: str) -> BackgroundProcess:
        user = _other_user()
        as_user = (
            ()
            if user is None
            else ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--")
        )
        return BackgroundProcess(
            name,
            (*as_user, str(self._programs / program), *arguments),
            log=self._logs / f"{program}.log",
            environment={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"},
            directory=self._folder,
            grace=5.0,
        )

    @staticmethod
    def _give_away(path: Path) -> None:
        if (user := _other_user()) is not None:
            os.chown(path, user.pw_uid, user.pw_gid)


def _other_user() -> pwd.struct_passwd | None:
    """Return who is to run the server where that can't be this process's own user."""
    if os.geteuid() != 0:
        return None
    known = {each.pw_name: each for each in pwd.getpwall()}
    return next(known[name] for name in _USERS if name in known)
