"""Another task definition for one task: only with consent, only in the same place, and as it was looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_ecs_dag_loader.definition import AwsLogs, TaskDefinitionArn
from airflow_ecs_dag_loader.runner.other_task_definition import OtherTaskDefinition, OtherTaskDefinitionError, find
from loader.bad_answers import UNUSABLE, intercept
from loader.ecs_account import IMAGE, REGION
from loader.ecs_operators import LOGS, ecs_tasks, operator
from loader.task_runs import run_task

if TYPE_CHECKING:
    from loader.ecs_account import EcsAccount

pytestmark = pytest.mark.emulator

OPEN = {"airflow.run_by": "reports"}


def look(
    account: EcsAccount, name: str, *, dag_id: str = "reports", container_name: str | None = None
) -> OtherTaskDefinition:
    own = TaskDefinitionArn.parse(f"arn:aws:ecs:{REGION}:{account.number}:task-definition/reports:1")
    return find(account.ecs(), name, dag_id=dag_id, own=own, container_name=container_name)


def container(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "image": IMAGE, **more}


def test_the_container_with_the_label_runs_the_command_and_has_the_logs(account: EcsAccount) -> None:
    arn = account.register_containers(
        "model",
        [container("proxy", essential=False), container("train", dockerLabels=OPEN, logConfiguration=LOGS)],
    )
    found = look(account, "model")
    assert found == OtherTaskDefinition(arn, "train", AwsLogs("/ecs/work", "airflow", REGION), ("train",))


def test_a_family_is_its_newest_revision_and_a_revision_is_itself(account: EcsAccount) -> None:
    first, second = (account.register("model", OPEN) for _ in range(2))
    assert look(account, "model").arn == second
    assert look(account, "model:1").arn == first
    assert look(account, first).arn == first
    assert look(account, second.rpartition(":")[0]).arn == second


@pytest.mark.parametrize(
    "label",
    [None, "", "report", "reports2", "other", "reports,other", "*", "xreports reportsx", "REPORTS"],
)
def test_who_is_not_named_may_not_run_it(account: EcsAccount, label: str | None) -> None:
    account.register("model", {} if label is None else {"airflow.run_by": label})
    with pytest.raises(OtherTaskDefinitionError, match="model:1 does not let the DAG reports run it"):
        look(account, "model")


def test_the_label_names_several(account: EcsAccount) -> None:
    account.register("model", {"airflow.run_by": "other reports\tthird"})
    for dag_id in ("other", "reports", "third"):
        assert look(account, "model", dag_id=dag_id).container_name == "main"
    with pytest.raises(OtherTaskDefinitionError, match="it lists other reports third"):
        look(account, "model", dag_id="fourth")


def test_a_task_definition_that_carries_another_dag_does_not_consent_by_that(account: EcsAccount) -> None:
    account.register("model", {"airflow.schema_version": "1", "airflow.dag.dag_id": "reports"})
    with pytest.raises(OtherTaskDefinitionError, match=r"label airflow\.run_by"):
        look(account, "model")


def test_another_container_of_it_by_name(account: EcsAccount) -> None:
    account.register_containers("model", [container("train", dockerLabels=OPEN), container("check", dockerLabels=OPEN)])
    assert look(account, "model", container_name="check").container_name == "check"
    account.register_containers("half", [container("train", dockerLabels=OPEN), container("check")])
    with pytest.raises(
        OtherTaskDefinitionError, match="the container check of half:1 does not let the DAG reports run"
    ):
        look(account, "half", container_name="check")
    with pytest.raises(OtherTaskDefinitionError, match="has no container chek; its containers are train, check"):
        look(account, "model", container_name="chek")


def test_two_containers_with_the_label_need_a_choice(account: EcsAccount) -> None:
    account.register_containers("model", [container(name, dockerLabels=OPEN) for name in ("train", "check")])
    with pytest.raises(OtherTaskDefinitionError, match="on the containers train, check"):
        look(account, "model")
    assert look(account, "model", container_name="train").container_name == "train"


@pytest.mark.parametrize(
    "place", ["us-east-1:100000000001", "eu-west-1:999999999999", "eu-west-1:100000000001-"], ids=str
)
def test_another_place_is_not_even_asked(account: EcsAccount, place: str) -> None:
    ecs: Any = account.ecs()
    asked = intercept(ecs, "DescribeTaskDefinition")
    own = TaskDefinitionArn.parse(f"arn:aws:ecs:{REGION}:{account.number}:task-definition/reports:1")
    name = f"arn:aws:ecs:{place}:task-definition/model:1"
    with pytest.raises(OtherTaskDefinitionError, match=f"run in account {account.number}, region {REGION}"):
        find(ecs, name, dag_id="reports", own=own, container_name=None)
    assert asked.requests == []


def test_one_that_is_not_there(account: EcsAccount) -> None:
    with pytest.raises(OtherTaskDefinitionError, match="nowhere can't be read: ClientException"):
        look(account, "nowhere")


@pytest.mark.parametrize("kind", UNUSABLE)
def test_an_answer_that_is_none_is_no_consent(account: EcsAccount, kind: str) -> None:
    ecs: Any = account.ecs()
    account.register("model", OPEN)
    intercept(ecs, "DescribeTaskDefinition", UNUSABLE[kind])
    own = TaskDefinitionArn.parse(f"arn:aws:ecs:{REGION}:{account.number}:task-definition/reports:1")
    with pytest.raises(OtherTaskDefinitionError, match="the task definition model can't be read: "):
        find(ecs, "model", dag_id="reports", own=own, container_name=None)


def test_the_task_runs_what_was_looked_at(work: EcsAccount) -> None:
    own = work.register("reports")
    arn = work.register_containers(
        "model",
        [container("proxy", essential=False), container("train", dockerLabels=OPEN, logConfiguration=LOGS)],
    )
    task = operator(
        own,
        "output",
        "[1]",
        other_task_definition="model",
        container_name=None,
        awslogs_group="/ecs/elsewhere",
        output_needed=True,
    )
    assert run_task(task) == [1]
    (ran,) = ecs_tasks(work)
    assert ran["taskDefinitionArn"] == arn
    assert ran["overrides"]["containerOverrides"][0]["name"] == "train"
    assert f"Task definition: {arn}, which lets this DAG run its container train" in task.said
    assert "airflow-output: [1]" in task.said


def test_without_consent_nothing_runs(work: EcsAccount) -> None:
    own = work.register("reports")
    work.register("model", {"airflow.run_by": "other"})
    with pytest.raises(OtherTaskDefinitionError, match="does not let the DAG reports run it"):
        run_task(operator(own, "convert", other_task_definition="model", container_name=None))
    assert ecs_tasks(work) == []
