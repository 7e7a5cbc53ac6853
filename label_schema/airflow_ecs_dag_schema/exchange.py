"""Where a DAG's large inputs and outputs are: objects in a bucket of the project's own account, named by reference.

A container writes its output to the address in :data:`OUTPUT_VARIABLE` and puts that address out, as a JSON text; what
it is given beside its command and environment it reads from the address in :data:`INPUT_VARIABLE`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from airflow_ecs_dag_schema.values import Word, pattern

OUTPUT_VARIABLE = "AIRFLOW_OUTPUT_S3"
"""The environment variable with the address to which a container may write its output."""
INPUT_VARIABLE = "AIRFLOW_INPUT_S3"
"""The environment variable with the address from which a container reads its inputs, a JSON object of texts."""
EXCHANGE_PREFIX = "airflow-exchange"
"""What the construct has the keys of exchanged objects begin with; after it comes the id of the DAG."""
LARGEST_OBJECT = 1024 * 1024
"""Bytes of an object that Airflow reads, or writes."""

BUCKET_EXPRESSION = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
Exchange = Annotated[
    Word,
    Field(max_length=300),
    pattern(
        rf"s3://{BUCKET_EXPRESSION}(?:/[A-Za-z0-9_=-]+)+",
        "a bucket and the beginning of the keys, such as s3://sales/airflow-exchange",
    ),
]


def bucket_and_key(uri: str) -> tuple[str, str]:
    """Return the bucket and the key of ``s3://bucket/key``."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
