"""The command ``airflow-ecs-dag``."""

from __future__ import annotations

import signal
import sys
import time
from datetime import UTC, datetime
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from airflow_ecs_dag_cli.declared_dags import choose_dag
from airflow_ecs_dag_cli.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

    from airflow_ecs_dag_cli.dag_run import RunDate
    from airflow_ecs_dag_cli.local_project import LocalProject

_RUN_FAILED, _COULD_NOT_RUN, _INTERRUPTED = 1, 2, 130

app = typer.Typer(
    name="airflow-ecs-dag",
    help="Airflow DAGs that are declared beside their own CDK stack and run as ECS tasks.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


class Engine(StrEnum):
    """What runs the containers of a local run."""

    AUTO = "auto"
    CONTAINER = "container"
    PROCESS = "process"


_Project = Annotated[
    Path, typer.Option("--project", "-p", help="The project's folder, with cdk.json.", file_okay=False, exists=True)
]
_Date = Annotated[
    str | None,
    typer.Option("--date", "-d", help="The day (2026-01-31) or moment the run is for; without it, a run of no date."),
]
_Engine = Annotated[
    Engine,
    typer.Option(
        help="auto: Docker or Podman where one answers, else process. process: host processes, without isolation."
    ),
]
_Policy = Annotated[
    Path | None,
    typer.Option(
        help="The platform's policy for the DAGs; without it, airflow-policy.yaml in the project's folder, if any.",
        dir_okay=False,
        exists=True,
    ),
]
_Params = Annotated[
    list[str] | None,
    typer.Option("--param", metavar="NAME=VALUE", help="A value for a param of the DAG; may be given several times."),
]
_Port = Annotated[int, typer.Option(min=0, max=65535, help="Port of Airflow's page on 127.0.0.1; 0 chooses one.")]


@app.command()
def run(
    dag_id: Annotated[str | None, typer.Argument(help="The DAG; may be left out where the app declares one.")] = None,
    *,
    date: _Date = None,
    param: _Params = None,
    project: _Project = Path(),
    policy: _Policy = None,
    engine: _Engine = Engine.AUTO,
    port: _Port = 0,
) -> None:
    """Run a DAG once on this machine: CDK app, CloudFormation, ECS and Airflow, and no AWS account.

    Exits with 0 if the run succeeded, 1 if it failed, 2 if it could not be run.

    Example: [bold]airflow-ecs-dag run convert-it --date 2019-12-04[/bold]
    """
    terminal = Terminal()
    with _errors_shown(terminal):
        run_date, params = _parsed(date), _named(param)
        with _local_project(project, terminal, engine, port, policy_file=policy) as local:
            chosen = choose_dag(dag_id, local.dag_ids)
            local.start()
            state = _run_once(local, terminal, chosen, run_date, params)
        terminal.say(f"run {'succeeded' if state == 'success' else state}")
    if state != "success":
        raise typer.Exit(_RUN_FAILED)


@app.command()
def up(
    *,
    run_first: Annotated[str | None, typer.Option("--run", help="Run this DAG once, then stay.")] = None,
    date: _Date = None,
    param: _Params = None,
    project: _Project = Path(),
    policy: _Policy = None,
    engine: _Engine = Engine.AUTO,
    port: _Port = 8080,
    schedules: Annotated[bool, typer.Option("--schedules", help="Also run the DAGs by their schedules.")] = False,
) -> None:
    """Deploy the app on this machine and leave Airflow's page open until Ctrl-C.

    Example: [bold]airflow-ecs-dag up --run convert-it --date 2019-12-04[/bold]
    """
    terminal = Terminal()
    with _errors_shown(terminal):
        run_date, params = _parsed(date), _named(param)
        with _local_project(project, terminal, engine, port, policy_file=policy, follow_schedules=schedules) as local:
            chosen = None if run_first is None else choose_dag(run_first, local.dag_ids)
            local.start()
            if chosen is not None:
                _run_once(local, terminal, chosen, run_date, params)
            terminal.say()
            terminal.say(f"Airflow: {local.airflow.url}   AWS: {local.aws.endpoint_url}   (Ctrl-C stops both)")
            while True:
                local.airflow.check()
                time.sleep(1)


_Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE...",
        help="A synthesized app (the folder cdk.out), a CloudFormation template, a task definition, or labels; "
        "JSON or YAML, - for stdin.",
    ),
]


@app.command()
def validate(
    files: _Files,
    *,
    policy: Annotated[
        Path | None, typer.Option(help="The platform's policy; without it, only what holds for every platform.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdicts as JSON.")] = False,
) -> None:
    """Say what Airflow will say of the DAGs in files, before they are deployed. Needs neither Airflow, AWS nor the CDK.

    Exits with 0 if all will be taken, 1 if one will not be or there is none, 2 if a file can't be read.

    Example: [bold]airflow-ecs-dag validate cdk.out[/bold]
    """
    from airflow_ecs_dag_cli.validate_command import validate_files  # noqa: PLC0415 - each command loads what it needs

    raise typer.Exit(validate_files(files, policy_file=policy, as_json=as_json))


@app.command()
def show(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file or folder that validate takes.")],
    *,
    after: Annotated[
        str | None, typer.Option(help="Count the next runs from this day (2026-01-31) or moment; without it, from now.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the DAGs as JSON.")] = False,
) -> None:
    """Show the DAGs in a file: fields, schedule in words, next runs, tasks in order, commands, size.

    Exits as validate does.

    Example: [bold]airflow-ecs-dag show cdk.out --after 2026-01-31[/bold]
    """
    from airflow_ecs_dag_cli.show_command import show_file  # noqa: PLC0415 - as above

    raise typer.Exit(show_file(file, after=_moment(after), as_json=as_json))


@app.command()
def schema() -> None:
    """Print the JSON Schema of the labels, version 1: for editors, and for who writes them without the CDK.

    Example: [bold]airflow-ecs-dag schema > labels-v1.schema.json[/bold]
    """
    from airflow_ecs_dag_schema.json_schema import schema_text  # noqa: PLC0415 - as above

    typer.echo(schema_text(), nl=False)


@app.callback(invoke_without_command=True)
def _options(*, show_version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if show_version:
        typer.echo(f"airflow-ecs-dag {version('airflow-ecs-dag')}")
        raise typer.Exit


def _local_project(
    folder: Path,
    terminal: Terminal,
    engine: Engine,
    port: int,
    *,
    policy_file: Path | None,
    follow_schedules: bool = False,
) -> LocalProject:
    from airflow_ecs_dag_cli.local_project import LocalProject  # noqa: PLC0415 - the extra [local], where it is needed

    return LocalProject(
        folder,
        terminal=terminal,
        engine=engine.value,
        port=port,
        follow_schedules=follow_schedules,
        policy_file=policy_file,
    )


def _run_once(
    local: LocalProject, terminal: Terminal, dag_id: str, date: RunDate | None, params: Mapping[str, str]
) -> str:
    from airflow_ecs_dag_cli.dag_run import RunFollower, trigger, wait_until_visible  # noqa: PLC0415 - as above

    with terminal.step(f"DAG {dag_id} in Airflow"):
        wait_until_visible(local.airflow, dag_id)
    run_id = trigger(local.airflow, dag_id, date, params)
    terminal.say(f"run {run_id}")
    return RunFollower(local.airflow, dag_id, run_id, terminal).follow()


def _named(params: list[str] | None) -> dict[str, str]:
    named = [text.partition("=") for text in params or ()]
    if wrong := [name for name, equals, _ in named if not equals or not name]:
        raise typer.BadParameter(f"expected NAME=VALUE, such as country=nl; got {wrong[0]!r}", param_hint="--param")
    return {name: value for name, _, value in named}


def _parsed(date: str | None) -> RunDate | None:
    from airflow_ecs_dag_cli.dag_run import RunDate  # noqa: PLC0415 - as above

    try:
        return None if date is None else RunDate.parse(date)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--date") from None


def _moment(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"expected a day such as 2026-01-31 or a moment such as 2026-01-31T03:00:00+00:00, not {text!r}",
            param_hint="--after",
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class _errors_shown:  # noqa: N801 - used as a statement
    """Turns what can go wrong into one message and an exit status; a signal ends the block as Ctrl-C does."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def __enter__(self) -> None:
        # SIGINT too: a shell starts a background job with it ignored, and then nothing would ever be stopped by it.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _interrupt)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, KeyboardInterrupt):
            self._terminal.say("interrupted: everything is stopped")
            raise typer.Exit(_INTERRUPTED) from None
        if isinstance(error, ModuleNotFoundError):
            self._terminal.fail(
                f"{error.name} is not installed: local runs need the extra, pip install 'airflow-ecs-dag[local]'"
            )
            raise typer.Exit(_COULD_NOT_RUN) from None
        if error is not None and type(error).__module__.startswith("airflow_ecs_dag_cli"):
            self._terminal.fail(str(error))
            raise typer.Exit(_COULD_NOT_RUN) from None


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - the form of a signal handler
    raise KeyboardInterrupt


def main() -> None:
    """Run the command."""
    app(prog_name=Path(sys.argv[0]).name if sys.argv else "airflow-ecs-dag")
