"""What a person sees: the sample DAG, its graph, its container's line, and a neighbour's error, in a real browser."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from airflow_ecs_dag_cli.stack_deployment import deploy, destroy
from end_to_end.browser import page_of
from end_to_end.stacks import image_of, labels, run_to_end, stack, task_definition, task_ids, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from airflow_ecs_dag_cli.local_project import LocalProject

pytestmark = [pytest.mark.browser, pytest.mark.airflow, pytest.mark.emulator]


@pytest.fixture
def page(chromium: Path) -> Iterator[Page]:
    with page_of(chromium, (1500, 900)) as page:
        yield page


def widen_log(page: Page) -> None:
    """Give the log half of the page, as a person would with the mouse: for the picture in the README."""
    border = page.get_by_role("separator").first.bounding_box()
    assert border is not None
    page.mouse.move(border["x"] + border["width"] / 2, 150)
    page.mouse.down()
    page.mouse.move(700, 150, steps=8)
    page.mouse.up()
    page.locator(".react-flow__controls-fitview").click()
    page.wait_for_timeout(1_000)  # the graph glides to its place


def test_the_dag_its_graph_and_its_containers_line(local: LocalProject, page: Page, artifacts: Path) -> None:
    wait_for(lambda: task_ids(local, "convert-it"), "the sample DAG", local=local)
    run_id, state = run_to_end(local, "convert-it", logical_date=datetime(2020, 1, 31, tzinfo=UTC))
    assert state == "success"

    page.goto(f"{local.airflow.url}/dags")
    page.get_by_role("link", name="convert-it").first.wait_for()
    page.screenshot(path=artifacts / "dags.png")

    page.goto(f"{local.airflow.url}/dags/convert-it/runs/{run_id}/tasks/convert")
    page.get_by_text("Converted data of date 2020-01-31 00:00:00").first.wait_for()
    page.get_by_role("button", name="Show Graph").click()
    nodes = page.locator(".react-flow__node")
    nodes.filter(has_text="latest_only").first.wait_for()
    nodes.filter(has_text="convert").first.wait_for()
    assert nodes.count() == 2
    widen_log(page)
    page.screenshot(path=artifacts / "graph-and-log.png")


def test_an_authors_mistake_is_on_the_page_in_words(local: LocalProject, page: Page, artifacts: Path) -> None:
    wrong = labels("wrong", "one") | {"airflow.tasks.one.upstream.0": "two"}
    deploy(local.aws, stack("Wrong", Jobs=task_definition("wrong-on-page", wrong, image_of(local))))
    wait_for(
        lambda: any(file.endswith("wrong-on-page.py") for file in local.airflow.api.import_errors()),
        "the import error",
        local=local,
    )
    page.goto(f"{local.airflow.url}/")
    page.get_by_role("button", name="Dag Import Error").first.click()
    page.get_by_text("wrong-on-page.py").first.click()
    page.get_by_text("airflow.tasks.one.upstream: the DAG has no such task").first.wait_for()
    page.screenshot(path=artifacts / "import-error.png")
    destroy(local.aws, "Wrong")
    wait_for(lambda: not local.airflow.api.import_errors(), "the error's leaving", local=local)
