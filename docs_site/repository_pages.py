"""Pages for the files of the repository that the documentation links to and that are not in ``docs/``."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LINK = re.compile(r"\]\((?P<target>[^)\s#:]+)(?P<anchor>#[^)\s]*)?\)")
_SHOWN = "repository"
"""The folder of the site that they are in; below it they have their own paths."""
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LANGUAGES = {".py": "python", ".yaml": "yaml", ".json": "json"}


def repository_pages(repository: Path) -> dict[str, str]:
    """Return each page's text by its path in the site."""
    left = [f"docs/{path.relative_to(repository / 'docs').as_posix()}" for path in (repository / "docs").rglob("*.md")]
    pages: dict[str, str] = {}
    while left:
        source = left.pop()
        for match in LINK.finditer(_FENCE.sub("", (repository / source).read_text(encoding="utf-8"))):
            target = posixpath.normpath(posixpath.join(posixpath.dirname(source), match["target"]))
            page = _page(target)
            if target.startswith("docs/") or page in pages or not (repository / target).exists():
                continue
            pages[page] = _text(repository / target, target)
            if target.endswith(".md"):
                left.append(target)
    return pages


def page_of(match: re.Match[str], page: str, repository: Path) -> str:
    """Return a link of ``page`` as the site has it."""
    source = page.removeprefix(f"{_SHOWN}/") if page.startswith(f"{_SHOWN}/") else f"docs/{page}"
    target = posixpath.normpath(posixpath.join(posixpath.dirname(source), match["target"]))
    if not (repository / target).exists():
        return match[0]
    shown = target.removeprefix("docs/") if target.startswith("docs/") else _page(target)
    return f"]({posixpath.relpath(shown, posixpath.dirname(page) or '.')}{match['anchor'] or ''})"


def _page(target: str) -> str:
    return f"{_SHOWN}/{target}" if target.endswith(".md") else f"{_SHOWN}/{target}.md"


def _text(path: Path, target: str) -> str:
    if path.is_dir():
        names = sorted(each.name for each in path.iterdir() if each.is_file())
        return f"# {target}\n\n" + "".join(f"- `{name}`\n" for name in names)
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return text
    return f"# {target}\n\n````{_LANGUAGES.get(path.suffix, 'text')}\n{text}````\n"
