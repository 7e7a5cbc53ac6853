"""A project on the developer's own machine: its app deployed to a local AWS, and the Airflow that runs its DAGs.

Everything lives below ``.airflow-ecs-dag/`` in the project's folder. Nothing is left running when the block ends.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Self

from airflow_ecs_dag_cli.cdk_app import synthesize
from airflow_ecs_dag_cli.connection_files import ConnectionFiles
from airflow_ecs_dag_cli.container_engine import find_engine
from airflow_ecs_dag_cli.declared_dags import declared_dags, refusals
from airflow_ecs_dag_cli.local_airflow import LocalAirflow
from airflow_ecs_dag_cli.local_aws import ACCOUNT, REGION, LocalAws, isolated_environment
from airflow_ecs_dag_cli.local_database import SQLITE, check_choice, local_database
from airflow_ecs_dag_cli.local_secrets import SECRETS_FILE, LocalSecrets
from airflow_ecs_dag_cli.process_engine.__main__ import READY
from airflow_ecs_dag_cli.processes import BackgroundProcess, LocalRunError, check_port
from airflow_ecs_dag_cli.project_deployment import ProjectDeployment
from airflow_ecs_dag_cli.project_sources import POLICY_FILE
from airflow_ecs_dag_schema import Policy, PolicyError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Literal, TextIO

    from airflow_ecs_dag_cli.cloud_assembly import CloudAssembly
    from airflow_ecs_dag_cli.container_engine import ContainerEngine
    from airflow_ecs_dag_cli.terminal import Terminal

    EngineChoice = Literal["auto", "container", "process"]

FOLDER = ".airflow-ecs-dag"
_ENGINE_SECONDS = 30.0
_DEFAULT_CLUSTER = "default"


class LocalProject:
    """The project in ``folder``, to be run locally; a context manager: what :meth:`start` starts ends with the block.

    Args:
        folder: The project's folder, with ``cdk.json``.
        terminal: Where to say what is going on.
        engine: What runs containers: ``container`` (Docker or Podman), ``process`` (host processes, no isolation), or
            ``auto``: the first where one answers, else the second.
        port: Port of Airflow's page; 0 chooses one.
        follow_schedules: Whether DAGs also run by their schedule.
        policy_file: The platform's policy for the DAGs; without it, ``airflow-policy.yaml`` in the project's folder
            where there is one.
        connections_file: Airflow connections; without it, ``airflow-connections.yaml`` there, if any.
        variables_file: Airflow variables; without it, ``airflow-variables.yaml`` there, if any.
        secrets_file: Values of the secrets and parameters that task definitions name; without it, ``aws-secrets.yaml``
            there, if any.
        database: What Airflow's database is: ``sqlite``, ``postgresql``, or the URL of a PostgreSQL server.
        assembly: An app that is synthesized already, in place of the project's own.
        state: Where everything is kept that a run needs; without it, ``.airflow-ecs-dag/`` in the project's folder.

    Attributes:
        assembly: The synthesized app.
        aws: The local AWS.
        airflow: The local Airflow.
    """

    assembly: CloudAssembly
    aws: LocalAws
    airflow: LocalAirflow

    def __init__(
        self,
        folder: Path,
        *,
        terminal: Terminal,
        engine: EngineChoice = "auto",
        port: int = 0,
        follow_schedules: bool = False,
        policy_file: Path | None = None,
        connections_file: Path | None = None,
        variables_file: Path | None = None,
        secrets_file: Path | None = None,
        database: str = SQLITE,
        assembly: CloudAssembly | None = None,
        state: Path | None = None,
    ) -> None:
        self.folder = folder.resolve()
        self._given = assembly
        self._connections_file = connections_file
        self._variables_file = variables_file
        self._secrets_file = secrets_file
        self._database = database
        self._policy_file = policy_file or self.folder / POLICY_FILE
        self._needs_policy = policy_file is not None
        self._state = (state or self.folder / FOLDER).absolute()
        self._terminal = terminal
        self._engine_choice = engine
        self._port = port
        self._follow_schedules = follow_schedules
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Take the project for this run, and synthesize its app; nothing is started yet.

        Raises:
            LocalRunError: Another run has the project, the app has a mistake, or the policy refuses a DAG of it.
        """
        with ExitStack() as stack:
            check_choice(self._database)
            check_port(self._port)
            if self._given is None and not (self.folder / "cdk.json").exists():
                raise LocalRunError(f"{self.folder} has no cdk.json: name a CDK project's folder with --project")
            self._prepare_state(stack)
            self._read_files()
            self.assembly = self._synthesize()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything."""
        if hasattr(self, "aws"):
            with self._terminal.step("stopping"):
                self._stack.close()
        self._stack.close()

    def start(self) -> None:
        """Start the local AWS and Airflow, deploy the app, and wait until Airflow is well.

        Raises:
            LocalRunError: Any of it failed; the message says what and why.
        """
        engine = self._find_engine()
        docker_host = engine.url if engine else self._start_process_engine()
        self._start_aws(docker_host)
        self._start_airflow()
        self._deployment = ProjectDeployment(self.aws, self._terminal, engine=engine, images_file=self.images_file)
        self._deployment.provide_images(self.assembly)
        self.deploy()
        with self._terminal.step("Airflow") as step:
            self.airflow.wait_until_ready()
            step.done(self.airflow.url)

    @property
    def images_file(self) -> Path:
        """The file that tells the process engine which folder each image is built from."""
        return self._state / "images.json"

    @property
    def dag_ids(self) -> list[str]:
        """The ids of the DAGs that the app declares."""
        return sorted(declared_dags(self.assembly))

    def deploy(self) -> None:
        """Deploy the app's stacks as they were synthesized."""
        self._deploy(self.assembly)

    def redeploy(self) -> None:
        """Synthesize the app anew and deploy what changed. Until that is done, what was deployed before stays.

        Raises:
            LocalRunError: The app has a mistake, the policy refuses a DAG of it, or CloudFormation a stack.
        """
        self._read_files()
        assembly = self._synthesize()
        self._deployment.provide_images(assembly)
        self._deploy(assembly)
        self.assembly = assembly

    def _deploy(self, assembly: CloudAssembly) -> None:
        self._secrets.put(self.aws, assembly)
        self._deployment.deploy(assembly)
        for missing in self._secrets.put_deployed(self.aws, assembly):
            self._terminal.warn(missing)

    def _read_files(self) -> None:
        self._connections = ConnectionFiles.of(
            self.folder, connections=self._connections_file, variables=self._variables_file
        )
        usual = self.folder / SECRETS_FILE
        path = self._secrets_file or (usual if usual.exists() else None)
        self._secrets = LocalSecrets.read(path) if path else LocalSecrets()

    def _prepare_state(self, stack: ExitStack) -> None:
        if self._state.is_symlink():
            raise LocalRunError(f"{self._state} is a symbolic link, and each run clears that folder: remove the link")
        self._state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._state.chmod(0o700)
        (self._state / ".gitignore").write_text("*\n")
        lock = stack.enter_context((self._state / "lock").open("w"))
        _take(lock, self._state)
        for old in ("aws", "cdk.out"):
            shutil.rmtree(self._state / old, ignore_errors=True)

    def _synthesize(self) -> CloudAssembly:
        with self._terminal.step("CDK app synthesized") as step:
            assembly = self._given or synthesize(
                self.folder,
                environment=isolated_environment(os.environ),
                output=self._state / "cdk.out",
                account=ACCOUNT,
                region=REGION,
            )
            dags = ", ".join(sorted(declared_dags(assembly))) or "none"
            step.done(f"{len(assembly.stacks)} stack(s), DAGs: {dags}")
        for warning in assembly.warnings:
            self._terminal.warn(warning)
        self._check_policy(assembly)
        return assembly

    def _find_engine(self) -> ContainerEngine | None:
        if self._engine_choice == "process":
            return None
        search = find_engine()
        if search.engine is None and self._engine_choice == "container":
            raise LocalRunError(
                f"no container engine answers; tried {', '.join(search.tried)}; start Docker or Podman, "
                "or run with --engine process"
            )
        return search.engine

    def _start_process_engine(self) -> str:
        # A Unix socket's path has at most 103 bytes, so it can't be below a project's folder.
        socket = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="airflow-ecs-dag-"))) / "docker.sock"
        with self._terminal.step("process engine"):
            process = self._stack.enter_context(
                BackgroundProcess(
                    "the process engine",
                    (
                        sys.executable,
                        "-m",
                        "airflow_ecs_dag_cli.process_engine",
                        "--socket",
                        str(socket),
                        "--images",
                        str(self.images_file),
                    ),
                    log=self._state / "process-engine.log",
                )
            )
            process.wait_for_line(READY, within=_ENGINE_SECONDS)
        self._terminal.warn(
            "no container engine: containers run as processes of your own user, from their image's folder, "
            "without isolation; start Docker or Podman to run the images themselves"
            if self._engine_choice == "auto"
            else "containers run as processes of your own user, without isolation"
        )
        return f"unix://{socket}"

    def _start_aws(self, docker_host: str) -> None:
        places = [(each.account, each.region) for each in self.assembly.stacks]
        account, region = places[0] if places else (None, None)
        with self._terminal.step("local AWS") as step:
            self.aws = self._stack.enter_context(
                LocalAws(
                    self._state / "aws", docker_host=docker_host, account=account or ACCOUNT, region=region or REGION
                )
            )
            step.done(f"{self.aws.endpoint_url}, account {self.aws.account}, region {self.aws.region}")

    @property
    def _has_policy(self) -> bool:
        return self._needs_policy or self._policy_file.exists()

    def _check_policy(self, assembly: CloudAssembly) -> None:
        """Say what Airflow would refuse before anything is started or deployed."""
        try:
            policy = Policy.read(self._policy_file) if self._has_policy else Policy()
        except PolicyError as error:
            raise LocalRunError(str(error)) from None
        if refused := refusals(assembly, policy):
            where = (
                self._policy_file if self._has_policy else f"none, {POLICY_FILE} beside cdk.json or --policy names one"
            )
            lines = "\n".join(f"  - {each}" for each in refused)
            raise LocalRunError(f"Airflow would refuse these DAGs (the platform's policy: {where}):\n{lines}")

    def _bundle(self) -> dict[str, str]:
        policy = {"policy_file": str(self._policy_file.resolve())} if self._has_policy else {}
        return {"region_name": self.aws.region, "cluster": _DEFAULT_CLUSTER, **policy}

    def _start_airflow(self) -> None:
        bundle = self._bundle()
        database_url = None
        if self._database != SQLITE:
            with self._terminal.step("PostgreSQL"):
                database_url = self._stack.enter_context(local_database(self._database, folder=self._state))
        with self._terminal.step("Airflow's processes started"):
            self.airflow = self._stack.enter_context(
                LocalAirflow(
                    self._state / "airflow",
                    environment=self.aws.environment,
                    bundle=bundle,
                    port=self._port,
                    follow_schedules=self._follow_schedules,
                    settings=self._connections.settings,
                    database_url=database_url,
                )
            )


def _take(lock: TextIO, folder: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise LocalRunError(
            f"another local run of this project is going on (it holds {folder / 'lock'}); stop it first"
        ) from None
