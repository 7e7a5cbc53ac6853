"""The documentation as a site: it builds strictly, shows what the code has, and loads nothing from anywhere else."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import typer

import airflow_ecs_dag
import airflow_ecs_dag.platform
import airflow_ecs_dag_loader
import airflow_ecs_dag_schema
from airflow_ecs_dag_cli.main import app

REPOSITORY = Path(__file__).parents[2]
LOADED = {"link": "href", "script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src"}
"""Elements that a browser fetches something for, by itself."""


class Page(HTMLParser):
    """What a page loads, where it leads, and which places it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if (address := given.get(LOADED.get(tag, ""))) and given.get("rel") != "canonical":
            self.loaded.append(address)
        if tag == "a" and (target := given.get("href")):
            self.links.append(target)
        self.places |= {place for place in (given.get("id"), given.get("name")) if place}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path.read_text()) for path in site.rglob("*.html") if path.name != "404.html"}


def test_every_page_of_the_folder_is_in_the_site(pages: dict[Path, Page], site: Path) -> None:
    docs = REPOSITORY / "docs"
    assert len(pages) > 40
    for path in docs.rglob("*.md"):
        made = path.relative_to(docs).with_name("index.html" if path.stem == "README" else f"{path.stem}.html")
        assert site / made in pages


def test_nothing_is_loaded_from_elsewhere(pages: dict[Path, Page], site: Path) -> None:
    for path, page in pages.items():
        for address in page.loaded:
            assert not urlsplit(address).netloc, f"{path} loads {address}"
            assert (path.parent / unquote(urlsplit(address).path)).exists(), f"{path} loads {address}"
    for style in site.rglob("*.css"):
        assert re.findall(r"(?:url\(|@import )[\"']?(?:https?:)?//", style.read_text()) == [], style


def test_each_link_and_its_place_are_there(pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            assert target.exists(), f"{path} links to {link}"
            if parts.fragment and target in pages:
                assert unquote(parts.fragment) in pages[target].places | {"__skip"}, f"{path} links to {link}"


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("construct", airflow_ecs_dag),
        ("platform", airflow_ecs_dag.platform),
        ("loader", airflow_ecs_dag_loader),
        ("schema", airflow_ecs_dag_schema),
    ],
)
def test_the_reference_has_each_public_name(name: str, module: object, pages: dict[Path, Page], site: Path) -> None:
    names: list[str] = getattr(module, "__all__", [])
    assert names
    places = pages[site / "reference" / f"{name}.html"].places
    assert {f"{getattr(module, '__name__', '')}.{each}" for each in names} <= places


def test_the_reference_has_each_command_with_its_options(pages: dict[Path, Page], site: Path) -> None:
    page = site / "reference" / "commands.html"
    commands = getattr(typer.main.get_command(app), "commands", {})
    assert len(commands) > 8
    assert set(commands) <= pages[page].places
    text = page.read_text()
    for command in commands.values():
        for parameter in command.params:
            if parameter.param_type_name == "option" and not parameter.hidden:
                assert all(f"<code>{word}</code>" in text for word in parameter.opts), parameter.name


def test_what_a_page_of_the_repository_is_shown_as(site: Path) -> None:
    shown = (site / "repository" / "examples" / "daily_report" / "app.py.html").read_text()
    assert "daily-report" in shown
    assert 'href="../index.html"' in (site / "repository" / "SECURITY.html").read_text()


def test_a_broken_link_fails(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# Home\n\n[gone](gone.md) [place](index.md#nowhere)\n")
    config = (REPOSITORY / "mkdocs.yml").read_text()
    config = re.sub(r"^(?:nav|hooks|plugins):.*?(?=^\w|\Z)", "", config, flags=re.MULTILINE | re.DOTALL)
    (tmp_path / "mkdocs.yml").write_text(config)
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict"],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert built.returncode == 1
    assert "gone.md" in built.stderr
    assert "#nowhere" in built.stderr
