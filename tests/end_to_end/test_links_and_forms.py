"""What else a person finds on Airflow's own pages: links to AWS, the form made from params, an import error's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_ecs_dag_cli.stack_deployment import deploy, destroy
from airflow_ecs_dag_schema import ParamSpec
from end_to_end.browser import LAPTOP, page_of
from end_to_end.stacks import image_of, labels, run_to_end, stack, task_definition, task_ids, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_ecs_dag_cli.local_project import LocalProject

pytestmark = [pytest.mark.browser, pytest.mark.airflow, pytest.mark.emulator]
