"""The bucket through which the tasks of a DAG exchange what is too large for Airflow and for ECS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk

from airflow_ecs_dag import grants
from airflow_ecs_dag_schema.exchange import EXCHANGE_PREFIX
from airflow_ecs_dag_schema.problems import DagDefinitionError, Problem
from airflow_ecs_dag_schema.references import named_outputs
from airflow_ecs_dag_schema.tasks import EcsTaskSpec

if TYPE_CHECKING:
    from aws_cdk import aws_ecs as ecs
    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_s3 as s3

    from airflow_ecs_dag_schema import DagSpec

_READ, _WRITE = "s3:GetObject", "s3:PutObject"


class DagExchange:
    """A bucket of the project's, for the large inputs and outputs of one DAG.

    Args:
        bucket: What the author gave.
        task_definition: The DAG's own.

    Raises:
        DagDefinitionError: It is no bucket, or one of another account.
    """

    def __init__(self, bucket: s3.IBucket, task_definition: ecs.TaskDefinition) -> None:
        if not hasattr(bucket, "bucket_name"):
            message = "expected a bucket such as s3.Bucket(...)"
            raise DagDefinitionError([Problem("exchange", message, repr(bucket))])
        account, own = bucket.env.account, cdk.Stack.of(task_definition).account
        if not cdk.Token.is_unresolved(account) and not cdk.Token.is_unresolved(own) and account != own:
            message = f"the bucket must be of the account of the task definition, {own}: give one of that account"
            raise DagDefinitionError([Problem("exchange", message, account)])
        self._bucket = bucket

    @property
    def uri(self) -> str:
        """Where the objects are; the bucket's name may be a CDK token."""
        return f"s3://{self._bucket.bucket_name}/{EXCHANGE_PREFIX}"

    def grant_containers(self, spec: DagSpec, task_definition: ecs.TaskDefinition) -> None:
        """Let the containers of ``task_definition`` read and write the DAG's objects, as its task role."""
        self._grant(task_definition.task_role, spec, (_READ, _WRITE))

    def grant_airflow(self, grantee: iam.IGrantable, spec: DagSpec) -> iam.Grant | None:
        """Let Airflow read outputs, if it maps a task over one or decides by one, and write inputs, if there are any.

        Returns:
            The grant; ``None`` if Airflow has nothing to do there.
        """
        reads = any(True for task in spec.tasks for _ in named_outputs(task))
        writes = any(isinstance(task, EcsTaskSpec) and task.inputs for task in spec.tasks)
        actions = (*((_READ,) if reads else ()), *((_WRITE,) if writes else ()))
        return self._grant(grantee, spec, actions) if actions else None

    def _grant(self, grantee: iam.IGrantable, spec: DagSpec, actions: tuple[str, ...]) -> iam.Grant:
        objects = self._bucket.arn_for_objects(f"{EXCHANGE_PREFIX}/{spec.dag_id}/*")
        granted = grants.grant_exchange(grantee, objects=objects, actions=actions)
        key = self._bucket.encryption_key
        if key is not None and _READ in actions:
            granted = granted.combine(key.grant_decrypt(grantee))
        if key is not None and _WRITE in actions:
            granted = granted.combine(key.grant_encrypt(grantee))
        return granted
