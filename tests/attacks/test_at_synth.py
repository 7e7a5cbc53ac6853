"""Each case at synth: as an author writes it with the construct, and as labels in a template under the CDK plugin."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from airflow_ecs_dag_schema import DagDefinitionError, encode
from airflow_ecs_dag_schema.stack_template import declared_dags
from attacks.author_arguments import author_spec
from attacks.corpus_files import Attack, Case, Legitimate, attacks, bundles, legitimate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_ecs_dag_schema import Violation

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PYTHONS_WORDS = r"unexpected keyword argument|missing a required (?:keyword-only )?argument"


def params(cases: tuple[Any, ...], *, written: bool = False) -> list[Any]:
    return [pytest.param(case, id=case.name) for case in cases if not (written and case.why_not_at_synth)]


def judged(case: Case, containers: Mapping[str, Mapping[str, str]]) -> tuple[Violation, ...]:
    """What the CDK plugin makes of a template with these containers under the policy of the case's bundle."""
    properties = {"ContainerDefinitions": [{"Name": name, "DockerLabels": each} for name, each in containers.items()]}
    template = {"Resources": {"Task": {"Type": "AWS::ECS::TaskDefinition", "Properties": properties}}}
    (dag,) = declared_dags(template)
    return dag.violations(bundles()[case.bundle].the_policy, NOW)


def is_argument(case: Attack, path: str) -> bool:
    """Tell whether a problem at the argument ``path`` is about the label that the attack is in."""
    return case.is_named_by(path) or case.argument in path.split(".")


@pytest.mark.parametrize("case", params(attacks(), written=True))
def test_an_author_is_refused(case: Attack) -> None:
    if case.rules == ["labels.invalid"]:
        with pytest.raises((DagDefinitionError, TypeError)) as raised:
            encode(author_spec(case.all_labels()))
        if isinstance(raised.value, DagDefinitionError):
            assert any(is_argument(case, problem.path) for problem in raised.value.problems), raised.value
        else:
            raised.match(PYTHONS_WORDS)
    else:
        labels = encode(author_spec(case.all_labels()))
        found = judged(case, {"main": labels, "sidecar": {}})
        assert {each.rule for each in found} == case.rules_at_synth


@pytest.mark.parametrize("case", params(attacks()))
def test_a_template_is_refused(case: Attack) -> None:
    found = judged(case, case.containers())
    assert {each.rule for each in found} == case.rules_at_synth
    if found:
        assert any(case.is_named_by(each.path) for each in found)


@pytest.mark.parametrize("case", params(legitimate(), written=True))
def test_a_legitimate_author_is_not(case: Legitimate) -> None:
    labels = encode(author_spec(case.all_labels()))
    assert [each.rule for each in judged(case, {"main": labels, "sidecar": {}})] == case.warns


@pytest.mark.parametrize("case", params(legitimate()))
def test_a_legitimate_template_is_not(case: Legitimate) -> None:
    assert [each.rule for each in judged(case, case.containers())] == case.warns
