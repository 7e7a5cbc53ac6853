"""The objects of a DAG's exchange that Airflow itself reads and writes: few, small, and in the DAG's own account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from botocore.config import Config
from botocore.exceptions import ClientError

from airflow_ecs_dag_loader.aws_answers import NO_ANSWER, reason
from airflow_ecs_dag_loader.aws_hook import AwsHook
from airflow_ecs_dag_loader.runner.task_output import OutputError, read_output
from airflow_ecs_dag_loader.runner.verdict import EcsTaskFailedError
from airflow_ecs_dag_schema.exchange import LARGEST_OBJECT, bucket_and_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_RETRIES = Config(retries={"mode": "standard", "total_max_attempts": 5})
_GONE = frozenset({"NoSuchBucket", "NoSuchKey"})


@dataclass(frozen=True)
class ExchangedObjects:
    """Reads and writes them; every call names the account that the bucket must belong to.

    Attributes:
        client: For S3.
        account: Of the DAG.
    """

    client: S3Client
    account: str

    @classmethod
    def connected(cls, *, aws_conn_id: str | None, region_name: str | None, account: str) -> ExchangedObjects:
        """Return them with a connection of Airflow's."""
        hook = AwsHook(aws_conn_id=aws_conn_id, client_type="s3", region_name=region_name, config=_RETRIES)
        return cls(cast("S3Client", hook.get_conn()), account)

    def output(self, uri: str) -> Any:  # noqa: ANN401 - any JSON value
        """Return the output that a container wrote to ``uri``.

        Raises:
            OutputError: It is not there, can't be read, is too large or no output.
        """
        bucket, key = bucket_and_key(uri)
        try:
            answer = self.client.get_object(Bucket=bucket, Key=key, ExpectedBucketOwner=self.account)
            body = answer["Body"].read(LARGEST_OBJECT + 1)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _GONE:
                raise OutputError(
                    f"the container put out {uri}, but there is no such object: write it there, and let no lifecycle "
                    "rule remove it while the run goes on"
                ) from None
            raise OutputError(f"the output at {uri} can't be read: {self._denied('s3:GetObject', error)}") from error
        except NO_ANSWER as error:
            raise OutputError(
                f"the output at {uri} can't be read ({reason(error)}): clear the task to retry"
            ) from error
        if len(body) > LARGEST_OBJECT:
            raise OutputError(
                f"the output at {uri} is larger than the {LARGEST_OBJECT} bytes that Airflow reads to map a task over "
                "it or to decide by it: write less, or the addresses of what you have"
            )
        try:
            return read_output(body.decode("utf-8"))
        except ValueError as error:
            raise OutputError(f"the object at {uri} is no JSON ({error}): write one JSON value in UTF-8") from None

    def put_inputs(self, uri: str, body: bytes) -> None:
        """Write the inputs of a container to ``uri``.

        Raises:
            EcsTaskFailedError: They can't be written.
        """
        bucket, key = bucket_and_key(uri)
        try:
            self.client.put_object(
                Bucket=bucket,
                Key=key,
                Body=body,
                ContentType="application/json",
                ExpectedBucketOwner=self.account,
            )
        except ClientError as error:
            why = self._denied("s3:PutObject", error)
            raise EcsTaskFailedError(f"the inputs can't be written to {uri}: {why}") from error
        except NO_ANSWER as error:
            raise EcsTaskFailedError(
                f"the inputs can't be written to {uri} ({reason(error)}): clear the task to retry"
            ) from error

    def _denied(self, action: str, error: ClientError) -> str:
        return (
            f"{reason(error)}; the bucket must belong to account {self.account}, where the DAG is, and the role that "
            f"runs its tasks needs {action}: dag.grant_run gives it"
        )
