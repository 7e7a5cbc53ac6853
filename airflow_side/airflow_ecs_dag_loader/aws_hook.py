"""Airflow's AWS hook for all that we ask of AWS."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.utils.connection_wrapper import AwsConnectionWrapper


class AwsHook(AwsBaseHook):
    """The same, but a connection that Airflow doesn't know is an error.

    Airflow's own hook goes on with the process's credentials then: a misspelt name would look into another account, or
    start tasks with rights that nobody gave them.
    """

    @cached_property
    def conn_config(self) -> AwsConnectionWrapper:
        """What the connection says.

        Raises:
            AirflowNotFoundException: Airflow has no such connection.
        """
        if self.aws_conn_id:
            self.get_connection(self.aws_conn_id)
        return super().conn_config
