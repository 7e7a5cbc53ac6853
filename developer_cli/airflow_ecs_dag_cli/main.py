"""The command ``airflow-ecs-dag``."""

from __future__ import annotations

import io
import os
import re
import signal
import sys
import time
from contextlib import ExitStack, contextmanager, redirect_stdout
from datetime import UTC, datetime
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from airflow_ecs_dag_cli.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FrameType

    from airflow_ecs_dag_cli.dag_run import RunDate
    from airflow_ecs_dag_cli.local_project import LocalProject
    from airflow_ecs_dag_cli.single_task import SingleTask
    from airflow_ecs_dag_cli.source_watch import SourceWatch

_EXTRAS = {
    "local": "local runs need",
    "airflow": "list, doctor, sync and plan --deployed judge as Airflow's side does and need",
}
"""The package's extras, and what needs them."""
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/\S+\Z", re.ASCII)
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


class ImportForm(StrEnum):
    """What a file to be imported is."""

    AUTO = "auto"
    LABELS = "labels"
    DAG_FACTORY = "dag-factory"


class GraphForm(StrEnum):
    """How graphs are drawn."""

    TERMINAL = "terminal"
    MERMAID = "mermaid"
    SVG = "svg"


def _file(text: str, *names: str) -> Any:  # noqa: ANN401 - typer's, which has no name of its own for it
    """Return an option that takes a file which is there."""
    return typer.Option(*names, help=text, dir_okay=False, exists=True)


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
    _file("The platform's policy for the DAGs; without it, airflow-policy.yaml in the project's folder, if any."),
]
_Connections = Annotated[
    Path | None,
    _file(
        "Airflow connections, in YAML, JSON or lines name=URI; without it, airflow-connections.yaml in the project's "
        "folder, if any."
    ),
]
_Variables = Annotated[
    Path | None, _file("Airflow variables, likewise; without it, airflow-variables.yaml there, if any.")
]
_Secrets = Annotated[
    Path | None,
    _file(
        "Values of the secrets and parameters that task definitions name, likewise; without it, aws-secrets.yaml "
        "there, if any."
    ),
]
_Database = Annotated[
    str,
    typer.Option(
        metavar="DATABASE",
        help="Airflow's database: sqlite, postgresql (a server of the run's own), or the URL of a PostgreSQL server, "
        "on which it makes a database and drops it at the end.",
    ),
]
_Params = Annotated[
    list[str] | None,
    typer.Option("--param", metavar="NAME=VALUE", help="A value for a param of the DAG; may be given several times."),
]
_Port = Annotated[int, typer.Option(min=0, max=65535, help="Port of Airflow's page on 127.0.0.1; 0 chooses one.")]


@app.command()
def init(
    name: Annotated[str, typer.Argument(help="Of the DAG, its stack and its family, such as daily-sales.")],
    *,
    folder: Annotated[
        Path | None, typer.Option(help="Where the project is made; without it, a new folder of its name.")
    ] = None,
) -> None:
    """Make a project that works: CDK app, container, test and a workflow for GitHub.

    Exits with 0 if it was made, 2 if not; then nothing was written.

    Example: [bold]airflow-ecs-dag init daily-sales[/bold]
    """
    from airflow_ecs_dag_cli.init_command import ProjectError, make_project  # noqa: PLC0415 - as above

    terminal = Terminal()
    where = Path(name) if folder is None else folder
    try:
        files = make_project(name, where)
    except ProjectError as error:
        terminal.fail(error)
        raise typer.Exit(_COULD_NOT_RUN) from None
    for file in files:
        terminal.say(str(where / file))
    terminal.say(f"\nNext: cd {where}, pip install -r requirements.txt, airflow-ecs-dag run --date 2026-01-31")


@app.command()
def run(
    dag_id: Annotated[str | None, typer.Argument(help="The DAG; may be left out where the app declares one.")] = None,
    *,
    task: Annotated[
        str | None, typer.Option(metavar="TASK", help="Run this task of the DAG alone, all instances if it is mapped.")
    ] = None,
    output: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TASK=JSON",
            help="With --task: what stands in for the output of a task before it; may be given several times.",
        ),
    ] = None,
    date: _Date = None,
    param: _Params = None,
    project: _Project = Path(),
    policy: _Policy = None,
    connections: _Connections = None,
    variables: _Variables = None,
    secrets: _Secrets = None,
    database: _Database = "sqlite",
    engine: _Engine = Engine.AUTO,
    port: _Port = 0,
) -> None:
    """Run a DAG once on this machine: CDK app, CloudFormation, ECS and Airflow, and no AWS account.

    Exits with 0 if the run succeeded, 1 if it failed, 2 if it could not be run.

    Example: [bold]airflow-ecs-dag run convert-it --date 2019-12-04[/bold]

    Example: [bold]airflow-ecs-dag run convert-it --task convert --date 2019-12-04[/bold]
    """
    if output and task is None:
        raise typer.BadParameter("it is for a run of one task: add --task, or leave it out", param_hint="--output")
    terminal = Terminal()
    with _errors_shown(terminal):
        run_date, params, outputs = _parsed(date), _named(param), _named(output, option="--output")
        with _local_project(
            project,
            terminal,
            engine,
            port,
            policy_file=policy,
            connections_file=connections,
            variables_file=variables,
            secrets_file=secrets,
            database=database,
        ) as local:
            chosen = _chosen(dag_id, local)
            single = None if task is None else _single_task(local, chosen, task, outputs)
            local.start()
            state = _run_once(local, terminal, chosen, run_date, params, single=single)
        what = "run" if task is None else f"task {task}"
        terminal.say(f"{what} {'succeeded' if state == 'success' else state}")
    if state not in {"success", "skipped"}:
        raise typer.Exit(_RUN_FAILED)


@app.command()
def up(
    *,
    run_first: Annotated[str | None, typer.Option("--run", help="Run this DAG once, then stay.")] = None,
    date: _Date = None,
    param: _Params = None,
    project: _Project = Path(),
    policy: _Policy = None,
    connections: _Connections = None,
    variables: _Variables = None,
    secrets: _Secrets = None,
    database: _Database = "sqlite",
    engine: _Engine = Engine.AUTO,
    port: _Port = 8080,
    schedules: Annotated[bool, typer.Option("--schedules", help="Also run the DAGs by their schedules.")] = False,
    no_watch: Annotated[
        bool, typer.Option("--no-watch", help="Don't deploy again when a source of the project is saved.")
    ] = False,
    watch: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            help="Watch this folder, too, for sources outside the project's; may be given several times.",
            file_okay=False,
            exists=True,
        ),
    ] = None,
) -> None:
    """Deploy the app on this machine and leave Airflow's page open until Ctrl-C.

    A source of the project that is saved meanwhile is deployed at once.

    Example: [bold]airflow-ecs-dag up --run convert-it --date 2019-12-04[/bold]
    """
    if no_watch and watch:
        raise typer.BadParameter("it names what to watch: leave out --no-watch, or --watch", param_hint="--watch")
    terminal = Terminal()
    with _errors_shown(terminal):
        run_date, params = _parsed(date), _named(param)
        with ExitStack() as stack:
            sources = None if no_watch else stack.enter_context(_source_watch([project, *(watch or ())]))
            local = stack.enter_context(
                _local_project(
                    project,
                    terminal,
                    engine,
                    port,
                    policy_file=policy,
                    connections_file=connections,
                    variables_file=variables,
                    secrets_file=secrets,
                    database=database,
                    follow_schedules=schedules,
                )
            )
            chosen = None if run_first is None else _chosen(run_first, local)
            local.start()
            if chosen is not None:
                _run_once(local, terminal, chosen, run_date, params)
            terminal.say()
            terminal.say(f"Airflow: {local.airflow.url}   AWS: {local.aws.endpoint_url}   (Ctrl-C stops both)")
            if not schedules:
                terminal.say("DAGs run when you trigger them; with --schedules, by their schedules, too")
            _stay(local, terminal, sources)


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
        Path | None,
        typer.Option(
            help="The platform's policy; without it, airflow-policy.yaml beside the cdk.json of a synthesized app, if "
            "any, else only what holds for every platform."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdicts as JSON.")] = False,
) -> None:
    """Say what Airflow will say of the DAGs in files, before they are deployed. Needs neither Airflow, AWS nor the CDK.

    Exits with 0 if all will be taken, 1 if one will not be or there is none, 2 if a file can't be read.

    Example: [bold]airflow-ecs-dag validate cdk.out[/bold]
    """
    from airflow_ecs_dag_cli.validate_command import validate_files  # noqa: PLC0415 - each command loads what it needs

    _warn_of_old(*files)
    raise typer.Exit(validate_files(files, policy_file=policy or _policy_beside(files), as_json=as_json))


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

    _warn_of_old(file)
    raise typer.Exit(show_file(file, after=_moment(after), as_json=as_json))


@app.command()
def graph(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file or folder that validate takes.")],
    *,
    dag: Annotated[str | None, typer.Option(metavar="DAG_ID", help="Only this DAG; without it, each in turn.")] = None,
    form: Annotated[
        GraphForm,
        typer.Option("--format", help="mermaid: a flowchart for Markdown. svg: a picture, for a file."),
    ] = GraphForm.TERMINAL,
    as_json: Annotated[bool, typer.Option("--json", help="Print the graphs as JSON.")] = False,
) -> None:
    """Show the graphs of the DAGs in a file: which task waits for which, groups, and what decides, waits or is mapped.

    Exits as validate does.

    Example: [bold]airflow-ecs-dag graph cdk.out --format svg > graph.svg[/bold]
    """
    from airflow_ecs_dag_cli.graph_command import show_graphs  # noqa: PLC0415 - as above

    if as_json and form is not GraphForm.TERMINAL:
        raise typer.BadParameter(
            f"it prints no drawing, so it excludes --format {form}: keep one of the two", param_hint="--json"
        )
    _warn_of_old(file)
    raise typer.Exit(show_graphs(file, dag_id=dag, form=form.value, as_json=as_json))


@app.command()
def plan(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="What would be deployed: a file or folder that validate takes.")
    ] = "cdk.out",
    *,
    against: Annotated[
        str | None, typer.Option(metavar="FILE", help="What is deployed, as such a file: an older cdk.out, say.")
    ] = None,
    deployed: Annotated[
        bool, typer.Option("--deployed", help="Ask AWS what is deployed: the newest ACTIVE revision of each family.")
    ] = False,
    region: Annotated[str | None, typer.Option(help="With --deployed: the region, if not the profile's own.")] = None,
    profile: Annotated[str | None, typer.Option(help="With --deployed: a profile of the AWS configuration.")] = None,
    after: Annotated[
        str | None, typer.Option(help="Count the next runs from this day (2026-01-31) or moment; without it, from now.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan as JSON.")] = False,
) -> None:
    """Show what a deploy would change: DAGs, tasks, arrows, fields, next runs, size, and what Airflow's role needs.

    Exits with 0 if every DAG will be taken, 1 if one will not be or there is none, 2 if a side can't be read.

    Example: [bold]airflow-ecs-dag plan cdk.out --deployed --region eu-west-1[/bold]
    """
    if (against is None) != deployed:
        raise typer.BadParameter(
            "say what to compare with, once: --against FILE, or --deployed", param_hint="--against"
        )
    if against is not None and (region is not None or profile is not None):
        raise typer.BadParameter("--region and --profile are for --deployed: leave them out", param_hint="--against")
    with _errors_shown(Terminal(), extra="airflow"):
        from airflow_ecs_dag_cli.plan_command import show_plan  # noqa: PLC0415 - as above

        read_deployed = None
        if deployed:
            with _airflow_on_stderr():
                from airflow_ecs_dag_cli.deployed_dags import DeployedDags  # noqa: PLC0415 - as above

            read_deployed = DeployedDags(region=region, profile=profile).read
        _warn_of_old(file)
        status = show_plan(file, against=against, read_deployed=read_deployed, after=_moment(after), as_json=as_json)
    raise typer.Exit(status)


@app.command(name="import")
def import_dags(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A file or folder that validate takes, with labels of any version, or a YAML file of dag-factory's; "
            "- for stdin.",
        ),
    ],
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The Python file to make; without it, stdout.")
    ] = None,
    form: Annotated[ImportForm, typer.Option("--from", help="What SOURCE is.")] = ImportForm.AUTO,
    partial: Annotated[
        bool, typer.Option("--partial", help="Write what can be carried over, the rest as comments.")
    ] = False,
    line_length: Annotated[int, typer.Option(min=60, max=320, help="Characters of a line, as your formatter's.")] = 88,
) -> None:
    """Write the DAGs of labels, or of a dag-factory file, as Python functions that declare them with the construct.

    What can't be carried over is listed by name, with its place and what to do instead. Exits with 0 if the file is
    written, 1 if something can't be carried over and nothing is written, 2 if a file can't be read or written.

    Example: [bold]airflow-ecs-dag import labels.yaml --output convert_it.py[/bold]
    """
    from airflow_ecs_dag_cli.import_command import import_file  # noqa: PLC0415 - as above

    raise typer.Exit(import_file(source, output=output, form=form.value, partial=partial, width=line_length))


_Region = Annotated[str | None, typer.Option(help="AWS region; without it, that of the profile or of the environment.")]
_Profile = Annotated[
    str | None, typer.Option(help="A profile of the AWS configuration; without it, the credentials in force.")
]
_BundlePolicy = Annotated[Path | None, _file("The policy file of the bundle; without it, what the labels may say.")]
_Cluster = Annotated[str | None, typer.Option(help="The bundle's cluster for DAGs that name none.")]
_DagIdPrefix = Annotated[str | None, typer.Option(help="What the bundle has each dag id begin with.")]
_BundleFolder = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="The folder of a bundle, on Airflow's machine: below its dag_bundle_storage_path.",
        file_okay=False,
        exists=True,
    ),
]
_SourcesFile = Annotated[
    Path | None,
    _file("A YAML file of sources, as the bundle's sources_file.", "--sources-file", "--sources"),
]
_Bundle = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="A bundle of this machine's Airflow, with the arguments that its configuration has. Without any option "
        "that says where to look, the only one there is.",
    ),
]


@app.command(name="list")
def list_dags(
    *,
    region: _Region = None,
    profile: _Profile = None,
    policy: _BundlePolicy = None,
    cluster: _Cluster = None,
    dag_id_prefix: _DagIdPrefix = None,
    sources_file: _SourcesFile = None,
    bundle: _Bundle = None,
    bundle_folder: _BundleFolder = None,
    show_all: Annotated[bool, typer.Option("--all", help="Show families without Airflow labels, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the families as JSON.")] = False,
) -> None:
    """List what Airflow sees: each DAG of an AWS account and region, or of a bundle's, and why one is refused.

    On Airflow's machine it needs no option. With --bundle-folder, what a bundle last found on this machine, without
    AWS. Exits with 0 if every DAG is live, 1 if one is not or there is none, 2 if AWS, a part of it or the folder can't
    be read.

    Example: [bold]airflow-ecs-dag list --region eu-west-1 --policy airflow-policy.yaml[/bold]
    """
    of_aws = (region, profile, policy, cluster, dag_id_prefix, sources_file, bundle)
    if bundle_folder is not None and any(each is not None for each in of_aws):
        raise typer.BadParameter(
            "it shows what the bundle judged itself: leave out --region, --profile, --policy, --cluster, "
            "--dag-id-prefix, --sources-file and --bundle, or --bundle-folder",
            param_hint="--bundle-folder",
        )
    _check_where(region, policy, cluster, dag_id_prefix, sources_file=sources_file, bundle=bundle)
    with _errors_shown(Terminal(), extra="airflow"):
        with _airflow_on_stderr():
            from airflow_ecs_dag_cli.bundle_config import Where  # noqa: PLC0415 - as above
            from airflow_ecs_dag_cli.list_command import list_bundle, list_found  # noqa: PLC0415 - as above

        if bundle_folder is not None:
            status = list_bundle(bundle_folder, show_all=show_all, as_json=as_json)
        else:
            where = Where(
                region=region,
                profile=profile,
                policy_file=policy,
                cluster=cluster,
                dag_id_prefix=dag_id_prefix,
                sources_file=sources_file,
                bundle=bundle,
            )
            status = list_found(where, show_all=show_all, as_json=as_json)
    raise typer.Exit(status)


@app.command()
def doctor(
    family: Annotated[
        str, typer.Argument(metavar="FAMILY", help="A task definition: its family, family:revision, or ARN.")
    ],
    *,
    region: _Region = None,
    profile: _Profile = None,
    policy: _BundlePolicy = None,
    cluster: _Cluster = None,
    dag_id_prefix: _DagIdPrefix = None,
    sources_file: _SourcesFile = None,
    bundle: _Bundle = None,
    bundle_folder: _BundleFolder = None,
    airflow: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where Airflow's page is; a token for it in AIRFLOW_ECS_DAG_TOKEN."),
    ] = None,
    runner_role: Annotated[
        str | None, typer.Option(metavar="ARN", help="The role that runs the DAG's tasks: ask IAM what it may do.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the checklist as JSON.")] = False,
) -> None:
    """Say why a DAG isn't in Airflow: a checklist from the AWS credentials to its last run, with what to do.

    Exits with 0 if all that could be checked is right, 1 if a problem was found, 2 if it is called wrongly.

    Example: [bold]airflow-ecs-dag doctor reports --region eu-west-1[/bold]
    """
    if airflow is not None and not airflow.startswith(("http://", "https://")):
        raise typer.BadParameter(
            f"expected an address such as https://airflow.example.com, not {airflow!r}", param_hint="--airflow"
        )
    if runner_role is not None and not _ROLE_ARN.match(runner_role):
        raise typer.BadParameter(
            f"expected a role's ARN such as arn:aws:iam::123456789012:role/airflow-runner, not {runner_role!r}",
            param_hint="--runner-role",
        )
    _check_where(region, policy, cluster, dag_id_prefix, sources_file=sources_file, bundle=bundle)
    with _errors_shown(Terminal(), extra="airflow"):
        with _airflow_on_stderr():
            from airflow_ecs_dag_cli.bundle_config import Where  # noqa: PLC0415 - as above
            from airflow_ecs_dag_cli.doctor_command import Question, examine  # noqa: PLC0415 - as above

        question = Question.of(
            family,
            where=Where(
                region=region,
                profile=profile,
                policy_file=policy,
                cluster=cluster,
                dag_id_prefix=dag_id_prefix,
                sources_file=sources_file,
                bundle=bundle,
            ),
            bundle_folder=bundle_folder,
            airflow_url=airflow,
            runner_role=runner_role,
        )
        status = examine(question, as_json=as_json)
    raise typer.Exit(status)


@app.command()
def sync(
    *,
    to: Annotated[str, typer.Option(metavar="PLACE", help="s3://bucket/prefix, or a folder of its own.")],
    sources_file: _SourcesFile = None,
    region: _Region = None,
    profile: _Profile = None,
    policy: _BundlePolicy = None,
    cluster: _Cluster = None,
    dag_id_prefix: _DagIdPrefix = None,
    expected_bucket_owner: Annotated[
        str | None,
        typer.Option(metavar="ACCOUNT", help="The account that the bucket belongs to; any other one's is refused."),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where it keeps what it was told, so that AWS isn't asked again; without it, the user's cache.",
            file_okay=False,
        ),
    ] = None,
) -> None:
    """Write the DAGs of the ECS registry where an Airflow without bundles of its own loads them: see load_dags.

    Exits with 0 if the snapshot is up to date, 1 if some sources can't be read, whose DAGs stay, 2 if nothing could be
    done and nothing is changed.

    Example: [bold]airflow-ecs-dag sync --to s3://my-bucket/airflow-ecs-dags --region eu-west-1[/bold]
    """
    _check_where(region, policy, cluster, dag_id_prefix, sources_file=sources_file)
    with _errors_shown(Terminal(), extra="airflow"):
        with _airflow_on_stderr():
            from airflow_ecs_dag_cli.sync_command import SyncOptions, sync_registry  # noqa: PLC0415 - as above

        status = sync_registry(
            SyncOptions(
                to=to,
                sources_file=sources_file,
                region=region,
                cluster=cluster,
                dag_id_prefix=dag_id_prefix,
                policy_file=policy,
                profile=profile,
                state=state,
                expected_bucket_owner=expected_bucket_owner,
            )
        )
    raise typer.Exit(status)


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
    connections_file: Path | None,
    variables_file: Path | None,
    secrets_file: Path | None,
    database: str,
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
        connections_file=connections_file,
        variables_file=variables_file,
        secrets_file=secrets_file,
        database=database,
    )


def _source_watch(folders: list[Path]) -> SourceWatch:
    from airflow_ecs_dag_cli.source_watch import SourceWatch  # noqa: PLC0415 - as above

    return SourceWatch(*folders)


def _stay(local: LocalProject, terminal: Terminal, sources: SourceWatch | None) -> NoReturn:
    """Leave all as it is, but for what is saved in ``sources``, until a signal comes or Airflow ends."""
    from airflow_ecs_dag_cli.live_update import LiveUpdate  # noqa: PLC0415 - as above

    update = LiveUpdate(local, sources, terminal) if sources else None
    while True:
        local.airflow.check()
        if update is None:
            time.sleep(1)
        else:
            update.wait(within=1)


def _check_where(
    region: str | None,
    policy: Path | None,
    cluster: str | None,
    dag_id_prefix: str | None,
    *,
    sources_file: Path | None,
    bundle: str | None = None,
) -> None:
    own = any(each is not None for each in (region, cluster, dag_id_prefix))
    if sources_file is not None and own:
        raise typer.BadParameter(
            "each source has these of its own: leave out --region, --cluster and --dag-id-prefix, or --sources-file",
            param_hint="--sources-file",
        )
    if bundle is not None and (own or policy is not None or sources_file is not None):
        raise typer.BadParameter(
            "its configuration has these: leave out --region, --policy, --cluster, --dag-id-prefix and "
            "--sources-file, or --bundle",
            param_hint="--bundle",
        )


def _chosen(dag_id: str | None, local: LocalProject) -> str:
    from airflow_ecs_dag_cli.declared_dags import choose_dag  # noqa: PLC0415 - as above

    return choose_dag(dag_id, local.dag_ids)


def _single_task(local: LocalProject, dag_id: str, task_id: str, outputs: Mapping[str, str]) -> SingleTask:
    from airflow_ecs_dag_cli.single_task import SingleTask  # noqa: PLC0415 - as above

    return SingleTask.of(local.assembly, dag_id, task_id, outputs)


def _run_once(
    local: LocalProject,
    terminal: Terminal,
    dag_id: str,
    date: RunDate | None,
    params: Mapping[str, str],
    *,
    single: SingleTask | None = None,
) -> str:
    from airflow_ecs_dag_cli.dag_run import RunFollower, trigger, wait_until_visible  # noqa: PLC0415 - as above

    with terminal.step(f"DAG {dag_id} in Airflow"):
        wait_until_visible(local.airflow, dag_id)
    if single is not None:
        return single.run(local.airflow, terminal, date=date, params=params)
    run_id = trigger(local.airflow, dag_id, date, params)
    terminal.say(f"run {run_id}")
    return RunFollower(local.airflow, dag_id, run_id, terminal).follow()


def _policy_beside(names: list[str]) -> Path | None:
    """Return the policy that ``run`` and ``up`` would take for synthesized apps, where it is one and the same."""
    from airflow_ecs_dag_cli.project_sources import policy_beside  # noqa: PLC0415 - as above

    found = {policy_beside(Path(name)) for name in names}
    policy = found.pop() if len(found) == 1 else None
    if policy is not None:
        Terminal().say(f"policy: {policy}")
    return policy


def _warn_of_old(*names: str) -> None:
    """Warn where the folder that an app was synthesized into does not have what its sources say now."""
    from airflow_ecs_dag_cli.project_sources import newer_source  # noqa: PLC0415 - as above

    for name in names:
        if (source := newer_source(Path(name))) is not None:
            Terminal().warn(f"{name} is older than {source}: synthesize the app again to see what it says now")


def _named(params: list[str] | None, *, option: str = "--param") -> dict[str, str]:
    named = [text.partition("=") for text in params or ()]
    if wrong := [name for name, equals, _ in named if not equals or not name]:
        raise typer.BadParameter(f"expected NAME=VALUE, such as country=nl; got {wrong[0]!r}", param_hint=option)
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


@contextmanager
def _airflow_on_stderr() -> Iterator[None]:
    """Have Airflow, where it is imported meanwhile, say only what is wrong, and not on stdout, as it would."""
    os.environ.setdefault("AIRFLOW__LOGGING__LOGGING_LEVEL", "WARNING")
    with redirect_stdout(sys.stderr):
        yield


class _errors_shown:  # noqa: N801 - used as a statement
    """Turns what can go wrong into one message and an exit status; a signal ends the block as Ctrl-C does."""

    def __init__(self, terminal: Terminal, *, extra: str = "local") -> None:
        self._terminal = terminal
        self._extra = extra

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
                f"the Python package {error.name} is not installed: {_EXTRAS[self._extra]} the extra, "
                f"pip install 'airflow-ecs-dag[{self._extra}]'"
            )
            raise typer.Exit(_COULD_NOT_RUN) from None
        if error is not None and type(error).__module__.startswith("airflow_ecs_dag_cli"):
            self._terminal.fail(error)
            raise typer.Exit(_COULD_NOT_RUN) from None


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - the form of a signal handler
    raise KeyboardInterrupt


def main() -> None:
    """Run the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without the sign shows a question mark
    app(prog_name=Path(sys.argv[0]).name if sys.argv else "airflow-ecs-dag")
