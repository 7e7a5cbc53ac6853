"""The doctor's questions to Airflow itself: has it parsed the DAG, and does it run it."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_cli.airflow_api import AirflowApiError
from airflow_ecs_dag_cli.checkup import Check, not_known, ok, problem
from airflow_ecs_dag_loader.file_names import refusal_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_ecs_dag_cli.airflow_api import AirflowApi

TOKEN = "AIRFLOW_ECS_DAG_TOKEN"  # noqa: S105 - the name of a variable
_LINES = 20
_MINUTES = 16
"""Characters of a moment up to its minutes."""


@dataclass(frozen=True)
class AirflowQuestion:
    """What is asked of Airflow.

    Attributes:
        api: Airflow.
        family: The family, by which its file is named.
        dag_id: Its DAG; empty if that isn't known.
        place: Account and region, which its file's folders are named by; ``None`` if they aren't known.
    """

    api: AirflowApi
    family: str
    dag_id: str
    place: str | None

    @property
    def file(self) -> str:
        """How the path of the file of the family's error ends."""
        return "/".join(part for part in (self.place, refusal_file(self.family)) if part)


def airflow_checks(question: AirflowQuestion) -> Iterator[Check]:
    """Yield what Airflow says of the DAG: whether it is parsed, and whether it runs."""
    try:
        parsed, dag = _check_parsed(question)
        yield parsed
        if dag is not None:
            yield _check_runs(question, dag)
    except AirflowApiError as error:
        yield not_known("parsed", _unanswered(error))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        yield not_known("parsed", "what answers there is no Airflow 3: give the address of Airflow's page")


def _check_parsed(question: AirflowQuestion) -> tuple[Check, dict[str, Any] | None]:
    name = "parsed"
    errors = question.api.import_errors()
    error = next((text for file, text in errors.items() if f"/{file}".endswith(f"/{question.file}")), None)
    dag = question.api.dag(question.dag_id) if question.dag_id else None
    if error is not None:
        text = "Airflow could not load the family's file" + ("; it shows an older DAG" if dag is not None else "")
        return problem(name, f"{text}: correct what it says", error.strip().splitlines()[-_LINES:]), dag
    if dag is not None:
        bundle = dag.get("bundle_name")
        return ok(name, f"Airflow has the DAG {question.dag_id}, from the bundle {bundle}"), dag
    if not question.dag_id:
        return not_known(name, "Airflow has no import error of the family, and its dag id is not known"), None
    return (
        problem(
            name,
            f"Airflow has neither a DAG {question.dag_id} nor an import error of the family: new files are parsed "
            "within a minute or two; if it stays so, does this Airflow's dag_bundle_config_list have an EcsDagBundle, "
            "and does its DAG processor run?",
        ),
        None,
    )


def _check_runs(question: AirflowQuestion, dag: dict[str, Any]) -> Check:
    name = "runs"
    last = question.api.last_run(question.dag_id)
    ran = "it never ran" if last is None else f"the last run, {last['dag_run_id']}, is {last['state']}"
    if dag["is_paused"]:
        return problem(name, f"the DAG is paused, so its schedule starts nothing: unpause it in Airflow; {ran}")
    due = dag.get("next_dagrun_run_after")
    following = f"the next run is due at {str(due)[:_MINUTES].replace('T', ' ')} UTC" if due else "no run is due"
    return ok(name, f"not paused; {following}; {ran}")


def _unanswered(error: AirflowApiError) -> str:
    if error.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return (
            f"Airflow does not let this token read it (status {error.status}): set {TOKEN} to a token of a user who "
            "may read DAGs, runs and import errors"
        )
    return f"{error}: check the address, and that it is reached from here"
