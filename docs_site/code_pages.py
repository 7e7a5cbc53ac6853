"""The reference: pages generated from the code, so that they can't say anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

import airflow_ecs_dag
import airflow_ecs_dag.platform
import airflow_ecs_dag_loader
import airflow_ecs_dag_schema
from airflow_ecs_dag_cli.main import app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType


def code_pages() -> dict[str, str]:
    """Return the text of each generated page by its path in the site."""
    return {
        "reference/commands.md": "\n".join(_commands()),
        "reference/construct.md": _names(airflow_ecs_dag, "The construct", "What a CDK app imports."),
        "reference/platform.md": _names(
            airflow_ecs_dag.platform, "For platforms, as constructs", "What the stack of whoever runs Airflow imports."
        ),
        "reference/loader.md": _names(airflow_ecs_dag_loader, "In Airflow", "What Airflow's configuration names."),
        "reference/schema.md": _names(
            airflow_ecs_dag_schema, "The labels' code", "What reads and writes labels; needs neither side."
        ),
    }


def _names(module: ModuleType, title: str, said: str) -> str:
    names = "\n".join(f"::: {module.__name__}.{name}\n" for name in sorted(module.__all__))
    return f"# {title}\n\n{said} `from {module.__name__} import ...`:\n\n{names}"


def _commands() -> Iterator[str]:
    yield "# Commands\n\nEach command says the same with `--help`.\n"
    commands: dict[str, Any] = getattr(typer.main.get_command(app), "commands", {})
    for name, command in sorted(commands.items()):
        if not command.hidden:
            yield f"## {name}\n\n{_plain(command.help or '')}\n"
            yield "\n".join(_parameters(name, command.params))


def _parameters(name: str, parameters: list[Any]) -> Iterator[str]:
    shown = [each for each in parameters if not getattr(each, "hidden", False)]
    arguments = [each for each in shown if each.param_type_name == "argument"]
    words = ["airflow-ecs-dag", name, "[OPTIONS]", *(_argument(each) for each in arguments)]
    yield "```text\n" + " ".join(words) + "\n```\n"
    if shown:
        yield "| argument or option | what it is |\n|---|---|"
    for each in shown:
        written = [_argument(each)] if each in arguments else [*each.opts, *each.secondary_opts]
        said = _plain(each.help or "").replace("|", "\\|").replace("\n", " ")
        yield f"| {', '.join(f'`{word}`' for word in written)} | {said} |"
    yield ""


def _argument(parameter: Any) -> str:  # noqa: ANN401 - typer's own kind of click's parameter
    written = parameter.metavar or str(parameter.name).upper()
    return written if parameter.required else f"[{written}]"


def _plain(text: str) -> str:
    """Return typer's marked-up text as Markdown."""
    return text.replace("[bold]", "`").replace("[/bold]", "`").replace("\b", "")
