"""The conformance vectors hold, and every constraint of the contract has one that breaks it."""

from __future__ import annotations

import random

import pytest
import yaml

from airflow_ecs_dag_schema import LabelError, Problem, decode, encode
from schema.label_constraints import label_constraints
from schema.model_parts import PARTS
from vectors.vector_files import FOLDER, Vector, plain_spec, plain_value, read_defaults, read_vectors

VECTORS = [*read_vectors("v1"), *read_vectors("2019")]
VALID = [pytest.param(vector, id=name) for name, vector in VECTORS if vector.valid]
INVALID = [pytest.param(vector, id=name) for name, vector in VECTORS if not vector.valid]


def shuffled(labels: dict[str, str]) -> dict[str, str]:
    items = list(labels.items())
    random.Random(len(items)).shuffle(items)  # noqa: S311 - an order, not a secret
    return dict(items)


@pytest.mark.parametrize("vector", VALID)
def test_valid_labels_mean_the_spec(vector: Vector) -> None:
    assert plain_spec(decode(vector.labels)) == vector.spec
    assert plain_spec(decode(shuffled(vector.labels))) == vector.spec


@pytest.mark.parametrize("vector", VALID)
def test_valid_labels_are_written_again_without_loss(vector: Vector) -> None:
    spec = decode(vector.labels)
    written = encode(spec)
    assert decode(written) == spec
    if vector.canonical is not None:
        assert (written == vector.labels) is vector.canonical


@pytest.mark.parametrize("vector", INVALID)
def test_invalid_labels_have_exactly_these_problems(vector: Vector) -> None:
    with pytest.raises(LabelError) as caught:
        decode(shuffled(vector.labels))
    found = [(problem.path, problem.message) for problem in caught.value.problems]
    assert vector.problems is not None
    assert sorted(path for path, _ in found) == sorted(problem.path for problem in vector.problems)
    for expected in vector.problems:
        assert any(path == expected.path and expected.message_contains in message for path, message in found), found


def test_no_two_vectors_say_the_same() -> None:
    names = [name for name, _ in VECTORS]
    assert len(set(names)) == len(names)
    labels = [tuple(sorted(vector.labels.items())) for _, vector in VECTORS if vector.canonical is not True]
    assert len(set(labels)) == len(labels)


def test_each_default_is_in_the_data() -> None:
    in_code = {
        part: {
            name: plain_value(field.default)
            for name, field in model.model_fields.items()
            if name != "kind" and not field.is_required()
        }
        for part, model in PARTS.items()
    }
    assert read_defaults() == in_code


class _CloudFormation(yaml.SafeLoader):
    """YAML with CloudFormation's short form of a reference."""


def _reference(loader: _CloudFormation, node: yaml.ScalarNode) -> dict[str, str]:
    return {"Ref": str(loader.construct_scalar(node))}


_CloudFormation.add_constructor("!Ref", _reference)


def test_the_template_of_2019_means_its_spec() -> None:
    text = (FOLDER / "2019" / "convert-it.template.yaml").read_text(encoding="utf-8")
    template = yaml.load(text, Loader=_CloudFormation)  # noqa: S506 - a SafeLoader with one constructor
    definition = template["Resources"]["AirflowDag"]["Properties"]
    assert definition["TaskRoleArn"] == {"Ref": "AirflowDagTaskRole"}
    (container,) = definition["ContainerDefinitions"]
    (sample,) = (vector for name, vector in VECTORS if name.startswith("2019/sample.json"))
    assert container["DockerLabels"] == sample.labels
    spec = decode(container["DockerLabels"])
    assert plain_spec(spec) == sample.spec
    convert, latest_only = spec.tasks
    assert convert.kind == "ecs"
    assert convert.container_command == ("convert", "{{ ds }}")
    assert latest_only.kind == "latest_only"


def test_each_constraint_is_broken_by_a_vector() -> None:
    constraints = label_constraints()
    assert len(constraints) > 90
    broken = [problem for name, vector in VECTORS if name.startswith("v1/") for problem in _problems(vector)]
    missing = [
        constraint
        for constraint in constraints
        if not any(constraint.is_broken_by(problem.path, problem.message) for problem in broken)
    ]
    assert missing == []


def _problems(vector: Vector) -> tuple[Problem, ...]:
    try:
        decode(vector.labels)
    except LabelError as error:
        return error.problems
    return ()
