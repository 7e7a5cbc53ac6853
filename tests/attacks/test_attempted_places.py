"""The payloads of the corpus in each other place where Airflow fills in templates or reads files: it works in plain
Airflow's own way of it, and in ours it does not, whatever check was missed before.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.amazon.aws.operators.ecs import EcsRunTaskOperator
from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from airflow_ecs_dag_loader import template_values
from airflow_ecs_dag_loader.alert_notifiers import notifier
from airflow_ecs_dag_loader.dag_builder import build_dag
from airflow_ecs_dag_loader.dag_source import DagSource
from airflow_ecs_dag_loader.runner.ecs_task_operator import MAP_INDEX_TEMPLATE, EcsTaskOperator
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec
from airflow_ecs_dag_schema.operators import Argument
from airflow_ecs_dag_schema.platform_parts import EmailProfile, OperatorRule
from airflow_ecs_dag_schema.tasks import OperatorSpec
from attacks.corpus_files import Attack, attacks
from attacks.test_attempted_runs import SECRET, Canary, texts
from attacks.test_attempted_runs import canary as _canary
from loader.sources import SOURCE, found
from loader.task_runs import task_run

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.sdk import BaseOperator

canary = _canary
"""The side effects that an attack would have."""
PAYLOADS = [pytest.param(case, id=case.name) for case in attacks() if case.runs in {"touch", "leak"}]
_ECS: dict[str, Any] = {"task_id": "build", "task_definition": "work", "cluster": "work", "container_name": "main"}


def filled(operator: BaseOperator, *fields: str) -> str:
    """What an operator holds once the task runner has filled in its templates, or what that raised."""
    context = task_run(operator)
    try:
        context["ti"].render_templates(context)
    except Exception as error:  # noqa: BLE001 - an attack may raise anything; what counts is what it did before
        return f"{error!r} {error}"
    return json.dumps([getattr(operator, field) for field in fields], default=str)


def environment_of_plain_airflow(text: str) -> str:
    overrides = {"containerOverrides": [{"name": "main", "environment": [{"name": "A", "value": text}]}]}
    return filled(EcsRunTaskOperator(overrides=overrides, **_ECS), "overrides")


def environment_of_ours(text: str) -> str:
    return filled(EcsTaskOperator(command=["build"], environment={"A": text}, **_ECS), "environment")


def name_of_plain_airflow(text: str) -> str:
    build = BashOperator(task_id="build", bash_command="true", map_index_template=text)
    context = task_run(build)
    environment = build.get_template_env()
    try:
        return str(environment.from_string(text).render(context))
    except Exception as error:  # noqa: BLE001 - as above
        return repr(error)


def name_of_ours(text: str) -> str:
    operator = EcsTaskOperator(
        command=["build"], item="x", map_name=text, map_index_template=MAP_INDEX_TEMPLATE, **_ECS
    )
    context = task_run(operator, map_index=0)
    try:
        context["ti"].render_templates(context)
    except Exception as error:  # noqa: BLE001 - as above
        return f"{error!r} {error}"
    return str(operator.get_template_env().from_string(MAP_INDEX_TEMPLATE).render(context))


def operator_of_plain_airflow(text: str) -> str:
    return filled(BashOperator(task_id="build", bash_command=text), "bash_command")


def operator_of_ours(text: str) -> str:
    """The class that the platform registered, with a text that came past every check of labels and of arguments."""
    rule = OperatorRule(
        operator_class="airflow.providers.standard.operators.bash.BashOperator",
        arguments={"bash_command": Argument(required=True, template=True)},
    )
    spec = DagSpec(
        dag_id="ours", tasks=[OperatorSpec(task_id="build", operator="tool", arguments={"bash_command": "true"})]
    )
    source = replace(DagSource.of(found(), spec, SOURCE), operators={"tool": rule})
    operator: Any = build_dag(spec, source).get_task("build")
    operator.bash_command = text
    return filled(operator, "bash_command")


def alert_of_plain_airflow(text: str) -> str:
    alert = SmtpNotifier(to="a@example.com", from_email="b@example.com", subject=text, html_content="x")
    return rendered_alert(alert)


def alert_of_ours(text: str) -> str:
    alert: Any = notifier(EmailProfile(to=("a@example.com",)), "failure")
    alert.subject = alert.html_content = text
    return rendered_alert(alert)


def rendered_alert(alert: Any) -> str:
    """What a notifier holds once Airflow has filled in its templates, or what that raised."""
    context = task_run(BashOperator(task_id="build", bash_command="true"))
    try:
        alert._update_context(context)
        alert.render_template_fields(context)
    except Exception as error:  # noqa: BLE001 - as above
        return f"{error!r} {error}"
    return f"{alert.subject} {alert.html_content}"


Place = tuple["Callable[[str], str]", "Callable[[str], str]"]
PLACES: dict[str, Place] = {
    "environment": (environment_of_plain_airflow, environment_of_ours),
    "name of an instance": (name_of_plain_airflow, name_of_ours),
    "registered operator": (operator_of_plain_airflow, operator_of_ours),
    "alert": (alert_of_plain_airflow, alert_of_ours),
}


def tried(place: Callable[[str], str], case: Attack, canary: Canary) -> bool:
    with DAG("attempts", schedule=None):
        return canary.happened(" ".join([place(text) for text in texts(case, canary)]))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("case", PAYLOADS)
def test_it_works_in_plain_airflow_only(case: Attack, place: str, canary: Canary) -> None:
    plain, ours = PLACES[place]
    assert not tried(ours, case, canary)
    assert tried(plain, case, canary)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("case", PAYLOADS)
def test_it_does_not_past_the_check_of_templates_either(
    case: Attack, place: str, canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(template_values, "check_template", lambda text: text)
    assert not tried(PLACES[place][1], case, canary)


def test_documentation_that_names_a_file_does_not_show_it(canary: Canary) -> None:
    """Airflow's own DAG takes a text that ends in ``.md`` for a file of the worker."""
    file = canary.file.with_suffix(".md")
    file.write_text(SECRET)
    with DAG("plain", schedule=None, doc_md=str(file)) as plain:
        pass
    assert canary.happened(str(plain.doc_md))
    task = EcsTaskSpec(task_id="build", doc_md=str(file))
    for text in (str(file), f"{file}\n", f"\n{file}"):
        spec = DagSpec(dag_id="ours", doc_md=text, tasks=[task])
        ours = build_dag(spec, DagSource.of(found(), spec, SOURCE))
        assert str(file) in str(ours.doc_md)
        assert ours.get_task("build").doc_md == str(file)
        assert not canary.happened(str(ours.doc_md))
