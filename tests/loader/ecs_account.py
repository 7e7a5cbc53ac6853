"""An AWS account of a test's own in the emulator, and the task definitions in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from airflow_ecs_dag_loader.registry import scan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client

    from airflow_ecs_dag_loader.definition import Definition

REGION = "eu-west-1"
IMAGE = "assets.example.com/work:0123abcd"
"""The image of ``image/`` beside this file."""
SECRET = "local-emulator-not-aws"  # noqa: S105 - the opposite of a secret


def dag_labels(dag_id: str = "reports", **more: str) -> dict[str, str]:
    """Return the labels of a small DAG; a keyword such as ``tasks__build__retries`` is one more label."""
    return {
        "airflow.schema_version": "1",
        "airflow.dag.dag_id": dag_id,
        "airflow.ecs.cluster": "work",
        "airflow.tasks.build.kind": "ecs",
        **{f"airflow.{name.replace('__', '.')}": text for name, text in more.items()},
    }


@cache
def _session() -> boto3.Session:
    """Return one for all, because each session reads the service models from disk anew."""
    return boto3.Session(region_name=REGION)


@dataclass(frozen=True)
class EcsAccount:
    """One account of the emulator; what is in it, no other test sees.

    Attributes:
        number: 12 digits; it is also the access key, by which the emulator tells accounts apart.
        endpoint_url: Where the emulator answers.
    """

    number: str
    endpoint_url: str

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to be this account's."""
        return {
            "AWS_ACCESS_KEY_ID": self.number,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint_url,
        }

    def ecs(self) -> ECSClient:
        """Return a new client; hooks that a test puts on it are on no other. It tries each call once."""
        return _session().client("ecs", **self._access)

    def logs(self) -> CloudWatchLogsClient:
        return _session().client("logs", **self._access)

    def s3(self) -> S3Client:
        return _session().client("s3", **self._access)

    def make_bucket(self, name: str) -> None:
        where: Any = {"LocationConstraint": REGION}
        self.s3().create_bucket(Bucket=name, CreateBucketConfiguration=where)

    @property
    def _access(self) -> dict[str, Any]:
        return {
            "endpoint_url": self.endpoint_url,
            "aws_access_key_id": self.number,
            "aws_secret_access_key": SECRET,
            "config": Config(retries={"total_max_attempts": 1}, proxies={}),
        }

    @cached_property
    def _own(self) -> ECSClient:
        return self.ecs()

    def register(self, family: str, labels: Mapping[str, str] | None = None, **container: Any) -> str:
        """Register a revision with one container, ``main``; return its ARN."""
        return self.register_containers(
            family, [{"name": "main", "image": IMAGE, "dockerLabels": dict(labels or {}), **container}]
        )

    def register_containers(self, family: str, containers: list[dict[str, Any]]) -> str:
        answer = self._own.register_task_definition(family=family, containerDefinitions=containers)  # type: ignore[arg-type] # plain dicts
        return answer["taskDefinition"]["taskDefinitionArn"]

    def deregister(self, arn: str) -> None:
        self._own.deregister_task_definition(taskDefinition=arn)

    def definition(
        self, family: str = "reports", labels: Mapping[str, str] | None = None, **container: Any
    ) -> Definition:
        """Register a revision and return what the loader reads of it."""
        arn = self.register(family, dag_labels() if labels is None else labels, **container)
        found = scan(self.ecs(), known={}).definitions[arn]
        assert found is not None
        return found
