"""Where the loader looks for DAGs, as the platform configures it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RegistrySource:
    """One account and region, with what its DAGs may take for granted.

    Attributes:
        region_name: AWS region; without it, the one of the connection or of the process's environment.
        aws_conn_id: Airflow connection with the credentials for the scan and for running tasks; without it, the
            process's own (an instance's or a task's role).
        cluster: The cluster for DAGs that name none: all of 2019's, which could not.
        dag_id_prefix: What each dag id of this source begins with; one that doesn't is refused, whatever the policy's
            mode. With a prefix of its own for each, no source can take another one's dag ids.
    """

    region_name: str | None = None
    aws_conn_id: str | None = None
    cluster: str | None = None
    dag_id_prefix: str | None = None

    @property
    def place(self) -> str:
        """Where is looked, as text; what was found in another place says nothing about this one."""
        return f"{self.region_name or ''}/{self.aws_conn_id or ''}"
