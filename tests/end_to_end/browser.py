"""A real browser on Airflow's page: how it is started, and what a test looks for in any page."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped] # it has no types
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 30_000
"""Milliseconds for which an element may take to appear."""
LAPTOP, PHONE = (1440, 900), (390, 844)


@contextmanager
def page_of(chromium: Path, size: tuple[int, int], *, theme: str = "") -> Iterator[Page]:
    """Open a page in a browser of its own.

    Args:
        chromium: The browser's program.
        size: Width and height in pixels.
        theme: What its user chose on Airflow's page: ``light``, ``dark`` or nothing.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": size[0], "height": size[1]})
        page.set_default_timeout(PATIENCE)
        if theme:
            page.add_init_script(f"localStorage.setItem('theme', '{theme}')")
        yield page
        browser.close()


def complaints_of_axe(page: Page) -> list[str]:
    """Return what the accessibility checker axe finds wrong with a page, in words."""
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {each['help']}: {node['html'][:200]}" for each in found for node in each["nodes"]]


def overflow(page: Page) -> int:
    """Return by how many pixels a page is wider than its window."""
    wider: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wider
