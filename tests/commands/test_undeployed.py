"""A value that only the deployment knows never makes right labels wrong, and never hides what is wrong beside it."""

from __future__ import annotations

import random

import pytest

from airflow_ecs_dag_schema.undeployed import read_undeployed, token, without_tokens
from airflow_ecs_dag_schema.values import TOKEN_START
from vectors.vector_files import Vector, read_vectors

VECTORS = [*read_vectors("v1"), *read_vectors("2019")]
_VERSION = "airflow.schema_version"


@pytest.mark.parametrize("vector", [pytest.param(each, id=name) for name, each in VECTORS if each.valid])
def test_right_labels_stay_right_whatever_is_not_known_yet(vector: Vector) -> None:
    own = [key for key in vector.labels if key.startswith("airflow.") and key != _VERSION]
    draw = random.Random(len(own))  # noqa: S311 - test data
    choices = [[key] for key in draw.sample(own, min(len(own), 25))]
    choices += [draw.sample(own, draw.randint(1, min(len(own), 10))) for _ in range(5)]
    for unknown in choices:
        labels = {**vector.labels, **{key: token(f"Ref {number}") for number, key in enumerate(unknown)}}
        reading = read_undeployed(labels)
        assert [str(problem) for problem in reading.problems] == [], unknown
        assert set(reading.stand_ins) <= set(unknown)


def _of_one_label(vector: Vector) -> bool:
    """Tell whether what is wrong would not be mended by a task more, nor by a token's being one of CloudFormation's."""
    paths = {problem.path for problem in vector.problems or ()}
    return not paths & {"airflow", "airflow.tasks"} and not any(TOKEN_START in text for text in vector.labels.values())


WRONG = [(name, each) for name, each in VECTORS if not each.valid and _of_one_label(each)]


@pytest.mark.parametrize("vector", [pytest.param(each, id=name) for name, each in WRONG])
def test_wrong_labels_stay_wrong_beside_a_value_that_is_not_known_yet(vector: Vector) -> None:
    labels = {**vector.labels, "airflow.tasks.beside.args.0": token("Ref Bucket")}
    if _VERSION in vector.labels:
        labels["airflow.tasks.beside.kind"] = "ecs"
    expected = {problem.path for problem in vector.problems or ()}
    assert {problem.path for problem in read_undeployed(labels).problems} >= expected


def test_a_token_is_a_text_with_its_name() -> None:
    assert token("Ref A") == "${Token[Ref A]}"
    assert without_tokens(f"s3://{token('Select 0, Ref [x]')}/y") == "s3://${Select 0, Ref (x)}/y"


@pytest.mark.parametrize("text", ["{{ nothing }}", "{% if x %}", "{{resolve:ssm:x}}"])
def test_a_template_with_a_token_in_it_is_checked(text: str) -> None:
    labels = {
        _VERSION: "1",
        "airflow.dag.dag_id": "x",
        "airflow.tasks.a.args.0": f"{token('Ref A')} {text}",
    }
    (problem,) = read_undeployed(labels).problems
    assert problem.path == "airflow.tasks.a.args.0"
