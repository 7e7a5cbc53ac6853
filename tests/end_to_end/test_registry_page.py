"""The page "ECS registry" as people use it: from Airflow's menu, in a real browser, beside a real DAG processor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_ecs_dag_cli.stack_deployment import deploy, destroy
from end_to_end.browser import LAPTOP, PHONE, complaints_of_axe, overflow, page_of
from end_to_end.stacks import image_of, labels, stack, task_definition, task_ids, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import FrameLocator, Locator, Page

    from airflow_ecs_dag_cli.local_project import LocalProject

pytestmark = [pytest.mark.browser, pytest.mark.airflow, pytest.mark.emulator]

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def shop(local: LocalProject) -> Iterator[LocalProject]:
    """A project with a DAG, one with a mistake, one that wants another one's dag id, and one without labels."""
    live = labels("shop", "count", owner="Shop team", repository="https://git.example.com/shop", stack="Shop")
    wrong = labels("shop-wrong", "one", owner="Shop team") | {"airflow.tasks.one.retries": HOSTILE}
    definitions = {
        "Live": task_definition("shop", live, image_of(local)),
        "Wrong": task_definition("shop-wrong", wrong, image_of(local)),
        "Plain": task_definition("shop-plain", {}, image_of(local)),
    }
    wait_for(lambda: task_ids(local, "convert-it"), "the sample DAG", local=local)
    deploy(local.aws, stack("Shop", **definitions))
    wait_for(lambda: task_ids(local, "shop"), "the DAG", local=local)
    deploy(local.aws, stack("Thief", Jobs=task_definition("shop-thief", labels("shop", "mine"), image_of(local))))
    wait_for(lambda: len(local.airflow.api.import_errors()) == 2, "two import errors", local=local)
    yield local
    destroy(local.aws, "Thief")
    destroy(local.aws, "Shop")
    wait_for(lambda: not local.airflow.api.import_errors(), "the errors' leaving", local=local)


def from_the_menu(page: Page, airflow: str) -> FrameLocator:
    """Open the page as a person does; return it, within Airflow's."""
    page.goto(airflow)
    page.get_by_role("button", name="Browse").click()
    page.get_by_role("menuitem", name="ECS registry").click()
    frame = page.frame_locator("iframe[title='ECS registry']")
    frame.get_by_role("heading", name="ECS registry").wait_for()
    return frame


def row(page: Page | FrameLocator, family: str) -> Locator:
    return page.locator("tr.definition").filter(has_text=f"{family}:")


def test_the_page_is_in_the_menu_and_has_each_definition_with_its_state(
    shop: LocalProject, chromium: Path, artifacts: Path
) -> None:
    with page_of(chromium, LAPTOP) as page:
        frame = from_the_menu(page, shop.airflow.url)
        states = {
            family: row(frame, family).locator(".state").inner_text() for family in ("shop", "shop-wrong", "shop-thief")
        }
        assert states == {"shop": "live", "shop-wrong": "refused", "shop-thief": "duplicate"}
        notes = frame.locator("tr.notes")
        assert "airflow.tasks.one.retries" in notes.filter(has_text="one.retries").inner_text()
        assert HOSTILE in notes.filter(has_text="one.retries").inner_text()
        assert "had it first" in notes.filter(has_text="dag-id.taken").inner_text()
        assert frame.locator("tr.definition img").count() == 0
        assert frame.get_by_text("read", exact=False).first.is_visible()
        page.screenshot(path=artifacts / "registry-laptop.png")
        frame.get_by_role("link", name="Without labels").click()
        row(frame, "shop-plain").wait_for()
        assert row(frame, "shop").count() == 0


def test_a_filter_is_in_the_address_of_airflows_page(shop: LocalProject, chromium: Path) -> None:
    with page_of(chromium, LAPTOP) as page:
        frame = from_the_menu(page, shop.airflow.url)
        frame.get_by_label("Find").fill("one.retries")
        frame.get_by_role("button", name="Filter").click()
        frame.get_by_text("1–1 of 1").wait_for()  # noqa: RUF001 - as the page has it
        page.wait_for_url("**q=one.retries**")
        page.reload()
        frame.get_by_text("1–1 of 1").wait_for()  # noqa: RUF001 - as above
        assert row(frame, "shop-wrong").is_visible()


def test_a_click_on_the_dag_leads_to_its_page_and_one_on_the_console_opens_another(
    shop: LocalProject, chromium: Path
) -> None:
    with page_of(chromium, LAPTOP) as page:
        frame = from_the_menu(page, shop.airflow.url)
        wanted = {
            "shop:1": "console.aws.amazon.com/ecs/v2/task-definitions/shop/",
            "CloudFormation stack": "console.aws.amazon.com/cloudformation/",
            "Repository": "https://git.example.com/shop",
        }
        for name, address in wanted.items():
            asked = page.context.expect_event("request", lambda request, address=address: address in request.url)
            with page.context.expect_page() as opened, asked:
                row(frame, "shop").get_by_role("link", name=name).first.click()
            opened.value.close()
        row(frame, "shop").get_by_role("link", name="shop", exact=True).click()
        page.wait_for_url("**/dags/shop**")
        page.get_by_role("heading", name="shop").first.wait_for()
        assert page.locator("iframe").count() == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_everybody_can_read_it_everywhere(
    shop: LocalProject, chromium: Path, artifacts: Path, size: tuple[int, int], theme: str
) -> None:
    with page_of(chromium, size, theme=theme) as page:
        page.goto(f"{shop.airflow.url}/ecs-registry/?state=all")
        row(page, "shop").wait_for()
        brightness = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/[0-9]+/)[0]")
        assert (int(brightness) < 60) is (theme == "dark")
        assert overflow(page) == 0
        assert complaints_of_axe(page) == []
        page.screenshot(path=artifacts / f"registry-{size[0]}-{theme}.png", full_page=True)


def test_in_airflows_page_it_has_airflows_theme_and_fits_a_phone(
    shop: LocalProject, chromium: Path, artifacts: Path
) -> None:
    with page_of(chromium, PHONE, theme="dark") as page:
        page.goto(f"{shop.airflow.url}/plugin/ecs-registry")
        frame = page.frame_locator("iframe[title='ECS registry']")
        row(frame, "shop").wait_for()
        inner = frame.locator("body")
        assert inner.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(17, 17, 19)"
        assert inner.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
        page.screenshot(path=artifacts / "registry-framed-phone.png")


def test_without_scripts_it_is_all_there(shop: LocalProject, chromium: Path) -> None:
    with page_of(chromium, LAPTOP) as page:
        browser = page.context.browser
        assert browser is not None
        plain = browser.new_context(java_script_enabled=False).new_page()
        plain.goto(f"{shop.airflow.url}/ecs-registry/?q=shop-wrong")
        assert "airflow.tasks.one.retries" in plain.content()
        plain.get_by_label("Find").fill("shop")
        plain.get_by_role("button", name="Filter").click()
        plain.locator("tr.definition").filter(has_text="shop-thief:").wait_for()
