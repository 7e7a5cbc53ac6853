"""A secret in a label is refused wherever it stands, and no error shows it, whatever else is wrong."""

from __future__ import annotations

import pytest

from airflow_ecs_dag_schema import DagDefinitionError, DagSpec, EcsTaskSpec, LabelError, decode
from schema.test_secret_texts import LOOK_ALIKES, NAMED, TOKENS, WORD, assert_not_shown

BASE = {"airflow.schema_version": "1", "airflow.dag.dag_id": "reports", "airflow.tasks.build.kind": "ecs"}
SECRETS = {**{name: (public, rest, "") for name, (public, rest) in TOKENS.items()}, **NAMED}
PLACES = (
    "airflow.tasks.build.args.0",
    "airflow.tasks.build.command.0",
    "airflow.dag.description",
    "airflow.dag.tags.0",
    "airflow.tasks.build.retries",
    "airflow.dag.schedule.kind",
    "airflow.dag.no_such_field",
)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_in_a_label_is_refused_and_not_shown(name: str, place: str) -> None:
    before, secret, after = SECRETS[name]
    with pytest.raises(LabelError) as raised:
        decode(BASE | {place: before + secret + after})
    assert_not_shown(secret, str(raised.value), repr(raised.value.problems))


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_what_only_resembles_a_secret_is_an_argument(name: str) -> None:
    text = LOOK_ALIKES[name]
    assert EcsTaskSpec(task_id="build", args=(text,)).args == (text,)


def test_a_secret_after_its_option_is_refused_in_labels_and_in_python() -> None:
    for labels in (
        {"airflow.tasks.build.args.0": "--password", "airflow.tasks.build.args.1": WORD},
        {"airflow.tasks.build.command.0": "--password", "airflow.tasks.build.args.0": WORD},
    ):
        with pytest.raises(LabelError, match="looks like a secret") as raised:
            decode(BASE | labels)
        assert WORD not in str(raised.value)
        assert WORD not in repr(raised.value.problems)
    task = {"task_id": "build", "kind": "ecs", "args": ["--password", WORD]}
    with pytest.raises(ValueError, match="looks like a secret"):
        DagSpec.model_validate({"dag_id": "reports", "tasks": [task]})
    assert issubclass(LabelError, DagDefinitionError)
    assert EcsTaskSpec(task_id="build", args=("--password", "$DB_PASSWORD")).args[1] == "$DB_PASSWORD"
