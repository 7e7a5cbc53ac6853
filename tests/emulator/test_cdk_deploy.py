"""The real `cdk` command line deploys, updates, rolls back and destroys on the local AWS."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_ecs_dag_cli.cdk_app import synthesize
from airflow_ecs_dag_cli.stack_deployment import deploy
from cdk_cli import cdk, publish_images, unavailable
from strict_ecs.emulator_door import StrictLocalAws

if TYPE_CHECKING:
    from collections.abc import Iterator
    from subprocess import CompletedProcess

    from airflow_ecs_dag_cli.local_aws import LocalAws

pytestmark = [
    pytest.mark.emulator,
    pytest.mark.skipif(unavailable() is not None, reason=str(unavailable())),
]

APP = Path(__file__).parent / "apps" / "plain"


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[LocalAws]:
    with StrictLocalAws(tmp_path / "aws") as running:
        yield running


def labels(aws: LocalAws, revision: int) -> tuple[str, dict[str, str]]:
    found = aws.client("ecs").describe_task_definition(taskDefinition=f"plain:{revision}")["taskDefinition"]
    return found["status"], found["containerDefinitions"][0]["dockerLabels"]


def shown(done: CompletedProcess[str]) -> str:
    return f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"


def test_the_life_of_a_stack(aws: LocalAws, tmp_path: Path) -> None:
    out = tmp_path / "cdk.out"
    ours = synthesize(
        APP, environment=aws.environment, output=tmp_path / "ours", account=aws.account, region=aws.region
    )

    done = cdk(aws, APP, "bootstrap", output=out)
    assert done.returncode == 0, shown(done)
    publish_images(aws, ours.images)

    done = cdk(aws, APP, "deploy", "--require-approval", "never", output=out)
    assert done.returncode == 0, shown(done)
    assert labels(aws, 1) == ("ACTIVE", {"greeting": "hello"})

    # What our own means deploy is what the command line deploys: they find nothing to change in its stack.
    assert not deploy(aws, ours.stacks[0]).changed

    context = {"greeting": "goodbye"}
    done = cdk(aws, APP, "deploy", "--require-approval", "never", output=out, context=context)
    assert done.returncode == 0, shown(done)
    assert labels(aws, 1) == ("INACTIVE", {"greeting": "hello"})
    assert labels(aws, 2) == ("ACTIVE", {"greeting": "goodbye"})

    context = {"greeting": "farewell", "misbehave": "deployment"}
    done = cdk(aws, APP, "deploy", "--require-approval", "never", output=out, context=context)
    assert done.returncode == 1, shown(done)
    assert "NeverSignalled" in done.stdout + done.stderr
    family = aws.client("ecs").list_task_definitions(familyPrefix="plain", sort="DESC")["taskDefinitionArns"]
    newest = int(family[0].rpartition(":")[2])
    assert labels(aws, newest) == ("ACTIVE", {"greeting": "goodbye"})
    assert len(family) == 1

    done = cdk(aws, APP, "destroy", "--force", output=out)
    assert done.returncode == 0, shown(done)
    assert aws.client("ecs").list_task_definitions(familyPrefix="plain")["taskDefinitionArns"] == []
    assert labels(aws, newest)[0] == "INACTIVE"


def test_the_command_uses_no_credentials_but_the_emulator_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREALREALREALREAL")
    with StrictLocalAws(tmp_path / "aws", base=os.environ) as aws:
        done = cdk(aws, APP, "deploy", "--require-approval", "never", output=tmp_path / "cdk.out")
    assert done.returncode == 1
    assert "not found in aws://000000000000/eu-west-1" in done.stderr, shown(done)
