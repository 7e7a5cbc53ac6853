"""Where the page's links lead: made from checked parts only, for every text of a report may be anybody's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

from airflow_ecs_dag_loader.console_links import stack_url, task_definition_url

if TYPE_CHECKING:
    from airflow_ecs_dag_loader.registry_page.shown_registry import ShownDefinition

_REPOSITORY = re.compile(r"https://[A-Za-z0-9._~:/?#@!$&*+,;=%-]{1,2000}\Z", re.ASCII)
_DAG_ID = re.compile(r"[A-Za-z0-9._-]{1,250}\Z", re.ASCII)


@dataclass(frozen=True)
class ShownLinks:
    """The links of a definition; ``None`` for what has none.

    Attributes:
        dag: Airflow's page of the DAG, from the page's own address.
        task_definition: The revision in the AWS console.
        stack: The CloudFormation stack in the AWS console.
        repository: Where the code is.
    """

    dag: str | None
    task_definition: str | None
    stack: str | None
    repository: str | None

    @classmethod
    def of(cls, shown: ShownDefinition) -> Self:
        """Return the links of a definition."""
        family, partition = shown.family, shown.arn.text.split(":")[1]
        return cls(
            dag=f"../dags/{quote(family.dag_id)}" if shown.is_in_airflow and _DAG_ID.match(family.dag_id) else None,
            task_definition=task_definition_url(shown.arn.text),
            stack=stack_url(family.stack, partition=partition, region=shown.arn.region) if family.stack else None,
            repository=family.repository if _REPOSITORY.match(family.repository) else None,
        )
