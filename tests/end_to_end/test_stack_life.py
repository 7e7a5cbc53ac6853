"""What happens to a stack happens to its DAG: deployed, updated, rolled back, broken, destroyed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_ecs_dag_cli.process_engine.images import ImageSource, write_images
from airflow_ecs_dag_cli.stack_deployment import DeploymentError, deploy, destroy
from end_to_end.stacks import (
    broken_resource,
    image_of,
    labels,
    log_text,
    run_to_end,
    stack,
    task_definition,
    task_ids,
    wait_for,
)

if TYPE_CHECKING:
    from airflow_ecs_dag_cli.local_project import LocalProject

pytestmark = [pytest.mark.airflow, pytest.mark.emulator]

ARTICLES_ROLE = """
  AirflowDagTaskRole:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement:
          - {Effect: Allow, Principal: {Service: ecs-tasks.amazonaws.com}, Action: sts:AssumeRole}
"""
"""The role that the article's template refers to and leaves to the reader."""

VECTORS = Path(__file__).parents[1] / "vectors"


def test_the_sample_runs_and_its_line_is_in_the_task_log(local: LocalProject) -> None:
    wait_for(lambda: task_ids(local, "convert-it") == {"latest_only", "convert"}, "the sample DAG", local=local)
    run_id, state = run_to_end(local, "convert-it", logical_date=datetime(2019, 12, 4, 3, tzinfo=UTC))
    assert state == "success"
    assert "Converted data of date 2019-12-04 00:00:00" in log_text(local, "convert-it", run_id, "convert")


def test_a_run_without_a_logical_date_has_the_date_after_which_it_runs(local: LocalProject) -> None:
    wait_for(lambda: local.airflow.api.dag("convert-it"), "the sample DAG", local=local)
    run_id, state = run_to_end(local, "convert-it", logical_date=None)
    assert state == "success"
    run_after = datetime.fromisoformat(local.airflow.api.run("convert-it", run_id)["run_after"])
    assert f"Converted data of date {run_after:%Y-%m-%d} 00:00:00" in log_text(local, "convert-it", run_id, "convert")


def test_update_rollback_and_destroy_are_followed(local: LocalProject) -> None:
    image = image_of(local)
    first = stack("Followed", Jobs=task_definition("followed", labels("followed", "one"), image))
    second = stack("Followed", Jobs=task_definition("followed", labels("followed", "one", "two"), image))
    failing = stack(
        "Followed",
        Jobs=task_definition("followed", labels("followed", "three"), image),
        Broken=broken_resource() | {"DependsOn": "Jobs"},
    )

    deploy(local.aws, first)
    wait_for(lambda: task_ids(local, "followed") == {"one"}, "the first revision", local=local)
    deploy(local.aws, second)
    wait_for(lambda: task_ids(local, "followed") == {"one", "two"}, "the second revision", local=local)
    with pytest.raises(DeploymentError):
        deploy(local.aws, failing)
    active = local.aws.client("ecs").list_task_definitions(familyPrefix="followed", status="ACTIVE")
    assert len(active["taskDefinitionArns"]) == 1
    wait_for(lambda: task_ids(local, "followed") == {"one", "two"}, "the revision from before", local=local)
    destroy(local.aws, "Followed")
    wait_for(lambda: local.airflow.api.dag("followed") is None, "the DAG's leaving", local=local)
    assert local.airflow.api.dag("convert-it") is not None


def test_the_newest_revision_is_the_one_that_runs(local: LocalProject) -> None:
    image = image_of(local)
    deploy(local.aws, stack("Newest", Jobs=task_definition("newest", labels("newest", "old"), image)))
    wait_for(lambda: task_ids(local, "newest") == {"old"}, "the first revision", local=local)
    deploy(local.aws, stack("Newest", Jobs=task_definition("newest", labels("newest", "new"), image)))
    wait_for(lambda: task_ids(local, "newest") == {"new"}, "the second revision", local=local)
    run_id, state = run_to_end(local, "newest", logical_date=None)
    text = log_text(local, "newest", run_id, "new")
    assert "Task definition: newest:2, container " in text
    assert state == "failed"  # the sample's program has no command "new", and says so
    assert "exited with code" in text
    destroy(local.aws, "Newest")


def test_a_broken_label_breaks_its_own_family_and_says_what_to_change(local: LocalProject) -> None:
    image = image_of(local)
    broken = labels("broken", "one") | {"airflow.tasks.one.retires": "3", "airflow.dag.schedule.cron": "0 0 31 2 *"}
    deploy(
        local.aws,
        stack(
            "Neighbours",
            Good=task_definition("good", labels("good", "one"), image),
            Bad=task_definition("broken", broken, image),
        ),
    )
    wait_for(lambda: local.airflow.api.dag("good"), "the good DAG", local=local)
    errors = wait_for(
        lambda: [text for file, text in local.airflow.api.import_errors().items() if file.endswith("broken.py")],
        "the import error",
        local=local,
    )
    assert len(errors) == 1
    for said in ("task definition broken, revision 1", "airflow.tasks.one.retires", "did you mean retries?", "got '3'"):
        assert said in errors[0]
    assert local.airflow.api.dag("convert-it") is not None
    assert local.airflow.api.dag("broken") is None

    deploy(
        local.aws,
        stack(
            "Neighbours",
            Good=task_definition("good", labels("good", "one"), image),
            Bad=task_definition("broken", labels("broken", "one"), image),
        ),
    )
    wait_for(lambda: local.airflow.api.dag("broken"), "the mended DAG", local=local)
    wait_for(lambda: not local.airflow.api.import_errors(), "the error's leaving", local=local)
    destroy(local.aws, "Neighbours")


def test_the_template_of_2019_deployed_as_it_is_becomes_the_same_dag(local: LocalProject) -> None:
    sample = local.assembly.images[0]
    article = ImageSource(name="task-image:123-abcdefg", directory=sample.folder, dockerfile=sample.dockerfile)
    own = ImageSource(name=sample.uri, directory=sample.folder, dockerfile=sample.dockerfile)
    local_only = stack("Other", Jobs=task_definition("other", labels("other", "one"), sample.uri))
    write_images(local.images_file, [own, article])
    # The sample's own stack declares the same dag id and had it first, so it leaves for this test.
    destroy(local.aws, local.assembly.stacks[0].name)
    wait_for(lambda: local.airflow.api.dag("convert-it") is None, "the sample's leaving", local=local)
    try:
        local.aws.client("cloudformation").create_stack(
            StackName="Article",
            TemplateBody=(VECTORS / "2019" / "convert-it.template.yaml").read_text() + ARTICLES_ROLE,
            Capabilities=["CAPABILITY_IAM"],
        )
        local.aws.client("cloudformation").get_waiter("stack_create_complete").wait(
            StackName="Article", WaiterConfig={"Delay": 1}
        )
        deploy(local.aws, local_only)
        wait_for(lambda: task_ids(local, "convert-it") == {"latest_only", "convert"}, "the DAG of 2019", local=local)
        details = local.airflow.api.dag_details("convert-it")
        assert details["owners"] == ["Frank"]
        assert details["max_active_tasks"] == 12
        assert datetime.fromisoformat(details["start_date"]) == datetime(2019, 12, 4, 3, tzinfo=UTC)
        tasks = {task["task_id"]: task for task in local.airflow.api.dag_tasks("convert-it")}
        assert tasks["latest_only"]["downstream_task_ids"] == ["convert"]
        assert tasks["convert"]["retries"] == 1
        _, state = run_to_end(local, "convert-it", logical_date=datetime(2019, 12, 5, 3, tzinfo=UTC))
        assert state == "success"
    finally:
        destroy(local.aws, "Article")
        destroy(local.aws, "Other")
        wait_for(lambda: local.airflow.api.dag("convert-it") is None, "the article's leaving", local=local)
        local.deploy()
        wait_for(lambda: local.airflow.api.dag("convert-it"), "the sample's return", local=local)
