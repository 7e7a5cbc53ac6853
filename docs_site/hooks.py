"""What MkDocs calls while it builds the site: pages generated from code, and links that leave ``docs/``."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))  # MkDocs loads this file by its path

from code_pages import code_pages
from mkdocs.structure.files import File
from repository_pages import LINK, page_of, repository_pages

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

REPOSITORY = Path(__file__).parents[1]
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that no file of ``docs/`` has."""
    pages = {**code_pages(), **repository_pages(REPOSITORY)}
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let each link to a file of the repository that is no page of ``docs/`` lead to the page that shows it."""
    del config, files
    kept = _FENCE.split(markdown)
    fences = _FENCE.findall(markdown)
    linked = [LINK.sub(lambda match: page_of(match, page.file.src_uri, REPOSITORY), text) for text in kept]
    return "".join(text for pair in zip(linked, [*fences, ""], strict=True) for text in pair)
