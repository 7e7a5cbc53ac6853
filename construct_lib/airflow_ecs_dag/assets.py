"""Assets of the CDK's own resources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ecs_dag_schema.assets import Asset
from airflow_ecs_dag_schema.problems import DagDefinitionError, Problem

if TYPE_CHECKING:
    from aws_cdk import aws_s3 as s3


def bucket_asset(bucket: s3.IBucket, key: str, *, name: str | None = None, group: str | None = None) -> Asset:
    """Return the asset ``s3://bucket/key``, for ``outlets`` and ``Schedule.assets``; the name may be a CDK token.

    Args:
        bucket: Of this app, or imported.
        key: Of an object, or the beginning of the keys of several.
        name: Without it, the URI. DAGs that mean the same data give the same.
        group: What Airflow's page lists it under.

    Raises:
        DagDefinitionError: It is no bucket, or no key.
    """
    if not hasattr(bucket, "bucket_name"):
        problem = Problem("bucket", "expected a bucket such as s3.Bucket(...)", repr(bucket))
        raise DagDefinitionError([problem], subject="bucket_asset")
    if not isinstance(key, str) or not key:
        problem = Problem("key", "expected a key, such as 'sales/daily.csv'", repr(key))
        raise DagDefinitionError([problem], subject="bucket_asset")
    return Asset(uri=f"s3://{bucket.bucket_name}/{key.lstrip('/')}", name=name, group=group)
