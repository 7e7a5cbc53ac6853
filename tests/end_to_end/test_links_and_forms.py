"""What else a person finds on Airflow's own pages: links to AWS and to the project, and the form made from params."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from airflow_ecs_dag_cli.stack_deployment import deploy, destroy
from airflow_ecs_dag_schema.params import DateParam, IntegerParam, StringParam
from end_to_end.browser import LAPTOP, PHONE, overflow, page_of
from end_to_end.stacks import image_of, labels, run_to_end, stack, task_definition, task_ids, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_ecs_dag_cli.local_project import LocalProject

pytestmark = [pytest.mark.browser, pytest.mark.airflow, pytest.mark.emulator]

REPOSITORY = "https://git.example.com/report"


@pytest.fixture(scope="module")
def report(local: LocalProject) -> Iterator[LocalProject]:
    """A project whose DAG has params, a stack and a repository."""
    params = {
        "country": StringParam(default="nl", choices=["nl", "be"], title="Country"),
        "copies": IntegerParam(default=2, minimum=1, maximum=9, title="Copies"),
        "day": DateParam(default="2026-01-31", title="Day"),
    }
    found = labels("report", "convert", params=params, stack="Report", repository=REPOSITORY, doc_md="What it is for.")
    definition = task_definition("report", found | {"airflow.tasks.convert.args.0": "2026-01-31"}, image_of(local))
    deploy(local.aws, stack("Report", Jobs=definition))
    wait_for(lambda: task_ids(local, "report"), "the DAG", local=local)
    yield local
    destroy(local.aws, "Report")


def test_the_links_of_a_task_instance(report: LocalProject, chromium: Path, artifacts: Path) -> None:
    run_id, state = run_to_end(report, "report", logical_date=None)
    assert state == "success"
    wanted = {
        "ECS task": "/ecs/v2/clusters/",
        "Task definition": "/ecs/v2/task-definitions/report/1/",
        "CloudWatch log": "/cloudwatch/home",
        "CloudFormation stack": "/cloudformation/home",
    }
    with page_of(chromium, LAPTOP) as page:
        page.goto(f"{report.airflow.url}/dags/report/runs/{run_id}/tasks/convert/details")
        for name, path in wanted.items():
            link = page.get_by_role("link", name=name, exact=True)
            link.wait_for()
            address = urlsplit(link.get_attribute("href") or "")
            assert address.hostname == "eu-west-1.console.aws.amazon.com"
            assert address.path.startswith(path)
        page.screenshot(path=artifacts / "task-links.png")


def test_the_dags_own_page_links_to_stack_repository_and_task_definition(
    report: LocalProject, chromium: Path, artifacts: Path
) -> None:
    with page_of(chromium, LAPTOP) as page:
        page.goto(f"{report.airflow.url}/dags/report")
        page.get_by_role("button", name="Dag Docs").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_text("What it is for.").wait_for()
        links = {name: dialog.get_by_role("link", name=name).get_attribute("href") for name in ("Repository", "stack")}
        assert links["Repository"] == REPOSITORY
        assert "stackId=Report" in str(links["stack"])
        definition = dialog.get_by_role("link", name="ECS task definition").get_attribute("href")
        assert "/task-definitions/report/1/" in str(definition)
        page.screenshot(path=artifacts / "dag-docs.png")


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_the_trigger_form_is_made_from_the_params(
    report: LocalProject, chromium: Path, artifacts: Path, size: tuple[int, int]
) -> None:
    before = {run["dag_run_id"] for run in report.airflow.api.runs("report")}
    with page_of(chromium, size) as page:
        page.goto(f"{report.airflow.url}/dags/report")
        page.get_by_role("button", name="Trigger").first.click()
        dialog = page.get_by_role("dialog")
        copies = dialog.locator("input[name='element_copies']")
        copies.wait_for()
        assert copies.input_value() == "2"
        assert dialog.locator("input[name='element_day']").input_value() == "2026-01-31"
        copies.fill("7")
        page.screenshot(path=artifacts / f"trigger-form-{size[0]}.png")
        assert overflow(page) == 0
        dialog.get_by_role("button", name="Trigger").click()
        dialog.wait_for(state="hidden")

    def triggered() -> list[dict[str, object]]:
        return [run for run in report.airflow.api.runs("report") if run["dag_run_id"] not in before]

    (run,) = wait_for(triggered, "the run", local=report)
    assert run["conf"] == {"country": "nl", "copies": 7, "day": "2026-01-31"}
