"""For tests of a project: its DAGs as Airflow would have them, and a run of one on this machine, without AWS.

pytest's fixture ``ecs_dags`` is a :class:`DagLoader`.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

from airflow_ecs_dag_cli.cdk_app import synthesize
from airflow_ecs_dag_cli.cloud_assembly import CloudAssembly, Stack, read_assembly
from airflow_ecs_dag_cli.local_aws import ACCOUNT, REGION, isolated_environment
from airflow_ecs_dag_cli.processes import LocalRunError
from airflow_ecs_dag_cli.project_sources import POLICY_FILE
from airflow_ecs_dag_schema import Policy, PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import DAG

    from airflow_ecs_dag_cli.dag_run import RunDate
    from airflow_ecs_dag_cli.local_project import EngineChoice, LocalProject

__all__ = ["DagLoader", "EcsDags", "RunResult", "TaskResult"]

_STATE = Path(".airflow-ecs-dag") / "pytest"
_CONTAINER_LOGGER = "airflow_ecs_dag.container"


@runtime_checkable
class _Construct(Protocol):
    """A construct of the CDK, such as an ``App`` or a ``Stack``."""

    @property
    def node(self) -> Any: ...  # noqa: ANN401 - the CDK is not imported here


@runtime_checkable
class _Template(Protocol):
    """A ``Template`` of ``aws_cdk.assertions``."""

    def to_json(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, kw_only=True)
class TaskResult:
    """How one task of a run ended.

    Attributes:
        state: Airflow's state: ``success``, ``failed``, ``skipped``, ``upstream_failed``, ...
        tries: How often it was tried.
        output: What its container put out for other tasks; ``None`` if nothing.
        lines: What its container said in its last try.
        log: All of Airflow's log of its last try.
    """

    state: str
    tries: int
    output: Any
    lines: tuple[str, ...]
    log: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """How a run ended.

    Attributes:
        dag_id: The DAG.
        run_id: The run.
        state: ``success`` or ``failed``.
        tasks: Its tasks by id; of a mapped one each instance, as ``task[0]``.
    """

    dag_id: str
    run_id: str
    state: str
    tasks: Mapping[str, TaskResult]

    @property
    def output(self) -> dict[str, Any]:
        """The outputs of the tasks that have one."""
        return {name: task.output for name, task in self.tasks.items() if task.output is not None}


@dataclass(frozen=True)
class _App:
    """A synthesized app, and what a run of it needs."""

    assembly: CloudAssembly
    folder: Path
    policy_file: Path | None


class EcsDags(Mapping[str, "DAG"]):
    """The DAGs of one app, by id: real ``airflow.sdk.DAG`` objects."""

    def __init__(self, dags: Mapping[str, DAG], app: _App, loader: DagLoader) -> None:
        self._dags = dict(dags)
        self._app = app
        self._loader = loader

    def __getitem__(self, dag_id: str) -> DAG:
        if dag_id not in self._dags:
            raise KeyError(f"the app declares no DAG {dag_id!r}; it declares: {', '.join(self._dags) or 'none'}")
        return self._dags[dag_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._dags)

    def __len__(self) -> int:
        return len(self._dags)

    @property
    def dag(self) -> DAG:
        """The only DAG that there is.

        Raises:
            LocalRunError: There is none, or more than one.
        """
        return self._dags[self._chosen(None)]

    def run(
        self, dag_id: str | None = None, *, date: str | None = None, params: Mapping[str, Any] | None = None
    ) -> RunResult:
        """Run a DAG once, as ``airflow-ecs-dag run`` does, and wait for its end; a failed run is no error.

        The first run of a session starts Airflow, which the others use.

        Args:
            dag_id: The DAG; may be left out where there is only one.
            date: The day (``2026-01-31``) or moment that the run is for; without it, a run of no date.
            params: Values for the DAG's params.

        Raises:
            LocalRunError: It could not be run.
        """
        from airflow_ecs_dag_cli.dag_run import RunDate  # noqa: PLC0415 - Airflow's API, only where a DAG is run

        chosen = self._chosen(dag_id)
        try:
            day = None if date is None else RunDate.parse(date)
        except ValueError as error:
            raise LocalRunError(str(error)) from None
        return self._loader.run(self._app, chosen, day, params or {})

    def _chosen(self, dag_id: str | None) -> str:
        from airflow_ecs_dag_cli.declared_dags import choose_dag  # noqa: PLC0415 - as above

        return choose_dag(dag_id, sorted(self._dags))


class DagLoader:
    """Loads the DAGs of apps; a context manager: what a run started ends with the block.

    Args:
        folder: The folder that relative paths start from, with ``cdk.json``.
        engine: What runs the containers: ``auto``, ``container`` or ``process``.
        name: What sets this loader's files apart from those of others at the same time.
    """

    def __init__(self, folder: Path, *, engine: EngineChoice = "auto", name: str = "main") -> None:
        self._folder = folder.resolve()
        self._engine: EngineChoice = engine
        self._state = self._folder / _STATE / name
        self._stack = ExitStack()
        self._running: tuple[_App, LocalProject] | None = None

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop what was started."""
        self._stop()
        self._stack.close()

    def __call__(self, source: object = None, *, policy: str | Path | None = None) -> EcsDags:
        """Return the DAGs of an app, built as Airflow builds them.

        Args:
            source: A folder with ``cdk.json``, an app's file (``app.py``), a synthesized app (``cdk.out``), an ``App``,
                ``Stage`` or ``Stack``, or a ``Template`` of ``aws_cdk.assertions``; without it, the project's folder.
            policy: The file of the platform's policy; without it, ``airflow-policy.yaml`` in the project's folder, if
                any.

        Raises:
            LocalRunError: The app can't be synthesized, or Airflow would refuse a DAG of it.
        """
        assembly, folder = self._assembly(source)
        policy_file = None if policy is None else (self._folder / policy).resolve()
        with _airflow_home(self._folder / _STATE):
            from airflow_ecs_dag_cli.undeployed_dags import undeployed_dags  # noqa: PLC0415 - Airflow, where needed

            dags = undeployed_dags(assembly.stacks, _policy(policy_file, folder))
        return EcsDags(dags, _App(assembly, folder, policy_file), self)

    def run(self, app: _App, dag_id: str, date: RunDate | None, params: Mapping[str, Any]) -> RunResult:
        """Run a DAG of a synthesized app; see :meth:`EcsDags.run`."""
        from airflow_ecs_dag_cli.dag_run import (  # noqa: PLC0415 - the extra [local], where it is needed
            RunFollower,
            trigger,
            wait_until_visible,
        )
        from airflow_ecs_dag_cli.terminal import Terminal  # noqa: PLC0415 - as above

        local = self._started(app)
        wait_until_visible(local.airflow, dag_id)
        given = {name: value if isinstance(value, str) else json.dumps(value) for name, value in params.items()}
        run_id = trigger(local.airflow, dag_id, date, given)
        state = RunFollower(local.airflow, dag_id, run_id, Terminal()).follow()
        return RunResult(dag_id=dag_id, run_id=run_id, state=state, tasks=_tasks(local, dag_id, run_id))

    def _assembly(self, source: object) -> tuple[CloudAssembly, Path]:
        if source is None:
            return self._synthesized(self._folder, None), self._folder
        if isinstance(source, str | Path):
            path = (self._folder / source).resolve()
            if (path / "manifest.json").is_file():
                return read_assembly(path, account=ACCOUNT, region=REGION), self._folder
            if path.is_dir():
                return self._synthesized(path, None), path
            if path.is_file():
                return self._synthesized(path.parent, f"python3 {shlex.quote(path.name)}"), path.parent
            raise LocalRunError(
                f"there is no {path}; allowed are a folder with cdk.json, an app's file such as app.py, and the folder "
                "cdk.out of a synthesized app; change the argument of ecs_dags"
            )
        if isinstance(source, _Construct):
            return _of_construct(source), self._folder
        if isinstance(source, _Template):
            name = "Template"
            template = Stack(id=name, name=name, path=name, template=dict(source.to_json()))
            return CloudAssembly(folder=self._folder, stacks=(template,)), self._folder
        raise LocalRunError(
            f"ecs_dags got {type(source).__name__}; allowed are a path, an App, a Stage, a Stack and a Template; "
            "change its argument"
        )

    def _synthesized(self, project: Path, app: str | None) -> CloudAssembly:
        output = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="airflow-ecs-dag-"))
        return synthesize(
            project,
            environment=isolated_environment(os.environ),
            output=Path(output) / "cdk.out",
            account=ACCOUNT,
            region=REGION,
            app=app,
        )

    def _started(self, app: _App) -> LocalProject:
        from airflow_ecs_dag_cli.local_project import LocalProject  # noqa: PLC0415 - as above
        from airflow_ecs_dag_cli.terminal import Terminal  # noqa: PLC0415 - as above

        if self._running is not None and self._running[0] is app:
            return self._running[1]
        self._stop()
        local = LocalProject(
            app.folder,
            terminal=Terminal(),
            engine=self._engine,
            policy_file=app.policy_file,
            assembly=app.assembly,
            state=self._state,
        )
        with ExitStack() as stack:
            stack.enter_context(local)
            local.start()
            self._stops = stack.pop_all()
        self._running = (app, local)
        return local

    def _stop(self) -> None:
        if self._running is not None:
            self._running = None
            self._stops.close()


def _of_construct(construct: _Construct) -> CloudAssembly:
    """Synthesize the app or stage that a construct belongs to, or keep of it the stack that the construct is."""
    from aws_cdk import Stack as CdkStack  # noqa: PLC0415 - the CDK, where a test has it
    from aws_cdk import Stage  # noqa: PLC0415 - as above

    stage = construct if isinstance(construct, Stage) else Stage.of(construct)  # type: ignore[arg-type]
    if stage is None:
        raise LocalRunError("ecs_dags got a construct that is in no App; give it one, such as Stack(App(), ...)")
    assembly = read_assembly(Path(stage.synth().directory), account=ACCOUNT, region=REGION)
    if not CdkStack.is_stack(construct):
        return assembly
    name = construct.artifact_id  # type: ignore[attr-defined]
    own = tuple(each for each in assembly.stacks if each.id == name)
    return CloudAssembly(folder=assembly.folder, stacks=own, warnings=assembly.warnings)


def _policy(path: Path | None, folder: Path) -> Policy:
    usual = folder / POLICY_FILE
    try:
        return Policy.read(path or usual) if path or usual.exists() else Policy()
    except PolicyError as error:
        raise LocalRunError(str(error)) from None


def _tasks(local: LocalProject, dag_id: str, run_id: str) -> dict[str, TaskResult]:
    found = {}
    for task in local.airflow.api.tasks(dag_id, run_id):
        events = local.airflow.api.log(dag_id, run_id, task) if task.try_number else []
        found[task.name] = TaskResult(
            state=task.state or "none",
            tries=task.try_number,
            output=local.airflow.api.output(dag_id, run_id, task),
            lines=tuple(each.message for each in events if each.logger == _CONTAINER_LOGGER),
            log=tuple(each.message for each in events),
        )
    return found


@contextmanager
def _airflow_home(folder: Path) -> Iterator[None]:
    """Have Airflow, where it is imported now, make its files in the project's state and not in the user's home."""
    if "airflow" in sys.modules or "AIRFLOW_HOME" in os.environ:
        yield
        return
    home = folder / "home"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder.parent / ".gitignore").write_text("*\n")
    os.environ["AIRFLOW_HOME"] = str(home)
    try:
        yield
    finally:
        del os.environ["AIRFLOW_HOME"]
