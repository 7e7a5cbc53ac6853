"""The cases of `cases/` at both ends: the CDK plugin over real templates, and the loader's admission."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest
import yaml
from aws_cdk import App, CfnResource, Stack, Stage, Validations

from airflow_ecs_dag.policy_plugin import AirflowPolicyPlugin
from airflow_ecs_dag_loader.admission import Admitted, Refused, admit
from airflow_ecs_dag_loader.definition import Container, Definition
from airflow_ecs_dag_loader.source import RegistrySource
from airflow_ecs_dag_schema.policy import Policy
from airflow_ecs_dag_schema.violations import REFUSED_IN_BOTH_MODES, RULES
from policy.case_files import Case, read_cases

if TYPE_CHECKING:
    from pathlib import Path

CASES = read_cases()
LOADED = [pytest.param(case, id=case.name) for case in CASES if not case.synth]
NOT_OF_ONE_DAG = {"dag-id.source-prefix", "dag-id.taken", "source.too-many-dags"}
"""Rules that need more than a DAG and a policy; `test_policy_admission.py` has their cases."""


def definition(case: Case) -> Definition:
    return Definition(
        arn="arn:aws:ecs:eu-west-1:123456789012:task-definition/reports:1",
        labels=case.the_labels,
        labelled_container="main",
        containers=(Container("main"),),
        registered_at="2026-03-01T00:00:00+00:00",
    )


@pytest.mark.parametrize("case", LOADED)
def test_at_load(case: Case) -> None:
    (verdict,) = admit([definition(case)], source=RegistrySource(), owners={}, policy=case.the_policy)
    assert [f"{each.rule} @ {each.path}" for each in verdict.violations] == case.breaks
    assert isinstance(verdict, Refused if case.breaks else Admitted)
    if isinstance(verdict, Refused):
        for each in verdict.violations:
            assert f"{each.path}: " in verdict.reason
            assert f"[{each.rule}]" in verdict.reason or each.rule == "labels.invalid"


@pytest.mark.parametrize("case", LOADED)
def test_at_load_with_warnings(case: Case) -> None:
    policy = Policy.of(case.policy | {"mode": "warn"})
    (verdict,) = admit([definition(case)], source=RegistrySource(), owners={}, policy=policy)
    always = any(each.split(" @ ")[0] in REFUSED_IN_BOTH_MODES for each in case.breaks)
    assert isinstance(verdict, Refused if always else Admitted)
    assert [f"{each.rule} @ {each.path}" for each in verdict.violations] == case.breaks


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What the CDK's validation report has of each case: one app, with a stage and its plugin for each."""
    folder = tmp_path_factory.mktemp("policies")
    app = App(outdir=str(folder / "out"))
    for number, case in enumerate(CASES):
        file = folder / f"{number}.yaml"
        file.write_text(yaml.safe_dump(case.policy))
        stage = Stage(app, f"Case{number}")
        Validations.of(stage).add_plugins(AirflowPolicyPlugin(file))
        container = {"Name": "main", "Image": "worker", "DockerLabels": case.the_labels}
        CfnResource(
            Stack(stage, "Stack"),
            "Task",
            type="AWS::ECS::TaskDefinition",
            properties={"ContainerDefinitions": [container]},
        )
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    return report(folder / "out")


def report(folder: Path) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for plugin in json.loads((folder / "validation-report.json").read_text())["pluginReports"]:
        for violation in plugin["violations"]:
            for construct in violation["violatingConstructs"]:
                (location,) = construct["cloudFormationResource"]["propertyPaths"]
                stage = construct["constructPath"].partition("/")[0]
                label = location.removeprefix("Properties/ContainerDefinitions/0/DockerLabels/")
                found[stage].append(f"{violation['ruleName']} @ {label}")
    return found


@pytest.mark.parametrize("number", [pytest.param(number, id=case.name) for number, case in enumerate(CASES)])
def test_at_synth(number: int, reported: dict[str, list[str]]) -> None:
    assert reported.get(f"Case{number}", []) == CASES[number].breaks


def test_each_rule_is_broken_and_kept_by_a_case() -> None:
    broken = {each.partition(" ")[0] for case in CASES for each in case.breaks}
    assert broken == set(RULES) - NOT_OF_ONE_DAG
    fields = {name for case in CASES if not case.breaks for name in case.policy}
    assert fields == set(Policy.model_fields) - {"mode", "max_dags"}
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
