"""Samples of the corpus in a real CDK app: one author of each category, and the policy's plugin at the real synth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from aws_cdk import App, Stack, Stage, Validations
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_s3 as s3

from airflow_ecs_dag import AirflowEcsDag, DagDefinitionError
from airflow_ecs_dag.policy_plugin import AirflowPolicyPlugin
from airflow_ecs_dag_schema import decode
from attacks.author_arguments import author_arguments
from attacks.corpus_files import Attack, Case, Legitimate, attacks, bundles, legitimate
from policy.test_cases import report

if TYPE_CHECKING:
    from pathlib import Path

SUBNETS = ["subnet-0aa1", "subnet-0bb2"]


def samples() -> list[Attack]:
    """The first attack of each category that an author can write and that only the definition shows."""
    first: dict[str, Attack] = {}
    for case in attacks():
        if not case.why_not_at_synth and case.rules == ["labels.invalid"]:
            first.setdefault(case.category, case)
    return list(first.values())


def declared(stack: Stack, case: Case, **more: Any) -> AirflowEcsDag:
    task_definition = ecs.FargateTaskDefinition(stack, "Task", family=case.the_family)
    logging = ecs.LogDriver.aws_logs(stream_prefix="airflow")
    task_definition.add_container("main", image=ecs.ContainerImage.from_registry("worker"), logging=logging)
    arguments = {"vpc_subnets": SUBNETS} | author_arguments(case.all_labels()) | more
    if isinstance(address := arguments.get("exchange"), str):
        name, _, _ = address.removeprefix("s3://").partition("/")
        arguments["exchange"] = s3.Bucket.from_bucket_name(stack, "Exchange", name)
    return AirflowEcsDag(stack, "Dag", task_definition=task_definition, **arguments)


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack(App(outdir=str(tmp_path / "cdk.out"), analytics_reporting=False), "Main")


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{case.category}: {case.name}") for case in samples()])
def test_the_construct_refuses(case: Attack, stack: Stack) -> None:
    with pytest.raises((DagDefinitionError, TypeError), match=r"problem|unexpected keyword argument"):
        declared(stack, case)
    assert stack.node.try_find_child("Dag") is None


def test_the_construct_refuses_a_container_that_is_not_there(stack: Stack) -> None:
    with pytest.raises(DagDefinitionError, match="no such container; its containers are main"):
        declared(stack, legitimate()[0], container="other")


def test_each_category_has_a_sample() -> None:
    assert {case.category for case in samples()} == {case.category for case in attacks()}


def guarded() -> list[Case]:
    """The DAGs of the bundle with the platform's policy that an author can write, one for each rule, and the good.

    A Fargate task definition says its launch type by itself, so none is missing here.
    """
    first: dict[str, Case] = {}
    for case in attacks():
        if case.bundle == "guarded" and not case.why_not_at_synth and len(case.rules_at_synth) == 1:
            first.setdefault(next(iter(case.rules_at_synth)), case)
    good: list[Case] = [case for case in legitimate() if case.bundle == "guarded"]
    for rule in ("labels.invalid", "launch-type.missing"):
        first.pop(rule, None)
    return [*first.values(), *good]


def test_the_plugin_reports_what_the_loader_will_say(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path / "out"), analytics_reporting=False)
    file = tmp_path / "policy.yaml"
    file.write_text(yaml.safe_dump(bundles()["guarded"].policy))
    cases = guarded()
    dags = []
    for number, case in enumerate(cases):
        stage = Stage(app, f"Case{number}")
        Validations.of(stage).add_plugins(AirflowPolicyPlugin(file))
        dags.append(declared(Stack(stage, "Stack"), case))
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    reported = report(tmp_path / "out")
    for number, case in enumerate(cases):
        found = {each.partition(" @ ")[0] for each in reported.get(f"Case{number}", [])}
        assert found == (case.rules_at_synth if isinstance(case, Attack) else set()), case.name
        if isinstance(case, Legitimate):
            # The stack has its id at the deploy only.
            labels = {key: text for key, text in dags[number].labels.items() if key != "airflow.dag.stack"}
            assert decode(labels) == dags[number].spec.model_copy(update={"stack": None})
