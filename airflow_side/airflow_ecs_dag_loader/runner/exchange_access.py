"""What a task needs to get at the DAG's exchange; nothing is asked of AWS, nor imported for it, before it is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_loader.runner.exchange_addresses import ExchangeAddresses

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_ecs_dag_loader.runner.exchanged_objects import ExchangedObjects


@dataclass(frozen=True)
class ExchangeAccess:
    """Where it is, whose it must be, and with which rights Airflow goes there.

    Attributes:
        exchange: Where the DAG's large inputs and outputs are.
        account: Which the bucket must belong to.
        region_name: AWS region of the DAG.
        aws_conn_id: Airflow connection; ``None`` for the process's own credentials.
    """

    exchange: str
    account: str
    region_name: str | None
    aws_conn_id: str | None

    @property
    def objects(self) -> ExchangedObjects:
        """For reading and writing there."""
        from airflow_ecs_dag_loader.runner.exchanged_objects import ExchangedObjects  # noqa: PLC0415 - boto3, for a task that runs

        return ExchangedObjects.connected(
            aws_conn_id=self.aws_conn_id, region_name=self.region_name, account=self.account
        )

    def value(self, output: object, context: Context, *, task_id: str | None = None) -> Any:  # noqa: ANN401 - JSON
        """Return ``output``; if it is the address that its task was given for it, the JSON value that is there.

        Any other address is a text like each other: a container can't make Airflow read what is not its own.

        Args:
            output: What a task put out.
            context: That of the task instance that put it out, or of another one of the run.
            task_id: Of the task that put it out, if that is another one.

        Raises:
            OutputError: The object can't be read, or is no output.
        """
        if not ExchangeAddresses.of(self.exchange, context, task_id=task_id).is_output(output):
            return output
        return self.objects.output(str(output))
