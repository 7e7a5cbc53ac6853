"""The sample as its author deploys it: `cdk synth` shows labels, `cdk deploy` puts them where the loader looks."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from airflow_ecs_dag_cli.cdk_app import synthesize
from airflow_ecs_dag_loader.registry import scan
from airflow_ecs_dag_schema import Schedule, decode
from cdk_cli import cdk, publish_images, unavailable
from strict_ecs.emulator_door import StrictLocalAws

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_ecs_dag_cli.local_aws import LocalAws

pytestmark = [
    pytest.mark.emulator,
    pytest.mark.skipif(unavailable() is not None, reason=str(unavailable())),
]

REPOSITORY = Path(__file__).parents[2]


class _Template(yaml.SafeLoader):
    """Reads CloudFormation's YAML; its functions (``!Ref``) are kept as their arguments."""


_Template.add_multi_constructor("!", lambda loader, _, node: loader.construct_scalar(node))


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with StrictLocalAws(tmp_path_factory.mktemp("aws")) as running:
        yield running


def test_cdk_synth_shows_labels_a_person_can_read(aws: LocalAws, tmp_path: Path) -> None:
    done = cdk(aws, REPOSITORY, "synth", output=tmp_path / "cdk.out")
    assert done.returncode == 0, done.stderr
    (task_definition,) = [
        resource
        for resource in yaml.load(done.stdout, _Template)["Resources"].values()  # noqa: S506 - a SafeLoader
        if resource["Type"] == "AWS::ECS::TaskDefinition"
    ]
    labels = task_definition["Properties"]["ContainerDefinitions"][0]["DockerLabels"]
    assert labels["airflow.dag.dag_id"] == "convert-it"
    assert labels["airflow.tasks.convert.args.0"] == "{{ ds }}"
    assert labels["airflow.tasks.convert.upstream.0"] == "latest_only"


def test_cdk_deploy_puts_the_dag_where_the_loader_finds_it(aws: LocalAws, tmp_path: Path) -> None:
    out = tmp_path / "cdk.out"
    app = synthesize(
        REPOSITORY, environment=aws.environment, output=tmp_path / "own", account=aws.account, region=aws.region
    )
    for arguments in (("bootstrap",), ("deploy", "--require-approval", "never")):
        done = cdk(aws, REPOSITORY, *arguments, output=out)
        assert done.returncode == 0, done.stdout + done.stderr
        if arguments == ("bootstrap",):
            publish_images(aws, app.images)
    (definition,) = scan(aws.client("ecs"), known={}).with_dags
    spec = decode(definition.labels)
    assert spec.dag_id == "convert-it"
    assert spec.owner == "Frank"
    assert spec.schedule == Schedule.daily(timezone="Europe/Amsterdam")
    assert spec.start_date == datetime(2019, 12, 4, 3, tzinfo=UTC)
    assert spec.max_active_tasks == 12
    assert spec.defaults.retries == 1
    assert spec.ecs.launch_type == "FARGATE"
    assert len(spec.ecs.subnets) == 2
    assert "${" not in "".join(definition.labels.values())
    assert [(task.task_id, task.upstream) for task in spec.tasks] == [
        ("convert", ("latest_only",)),
        ("latest_only", ()),
    ]
    container = definition.container(None)
    assert container.logs is not None
    assert container.logs.stream_prefix == "airflow"
