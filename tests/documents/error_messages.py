"""The messages of the software's errors, read from its sources, for the paragraphs of docs/troubleshooting.md.

`python -m documents.error_messages` (with `PYTHONPATH=tests`) writes the page's lists anew, and the file by which an
error finds its paragraph; the paragraphs are written by hand. A message is a text in a `raise`, in a call that makes
an error or a problem, in a variable that is called so, or a sentence that a function returns or yields, and in a few
modules any sentence; what is filled in is `…`.
"""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs" / "troubleshooting.md"
PLACES = REPOSITORY / "label_schema" / "airflow_ecs_dag_schema" / "troubleshooting.json"
"""Where the software reads which paragraph is about which module."""
_ROOMS = ("label_schema", "construct_lib", "airflow_side", "developer_cli")
_MAKERS = re.compile(
    r"(?:Error|Exception|Problem|Violation|BadParameter|Refused)\Z|\A_?(?:problem|failed|fails|error)\Z"
)
_VARIABLES = re.compile(r"(?:message|problem|reason|why|error)\Z")
_SHORTEST, _SHOWN, _SENTENCE = 10, 100, 7
"""Characters and words."""
_TABLES = (
    "airflow_ecs_dag_loader/runner/start_failures",
    "airflow_ecs_dag_schema/references",
    "airflow_ecs_dag_schema/secret_texts",
)
"""Modules whose messages are put together from tables."""
_NO_ERRORS = re.compile(
    r"/(?:alert_text|graph_svg|json_schema|line_texts|lines_elsewhere|next_runs|provider_info|show_command|task_words"
    r"|troubleshooting)\Z"
)
"""Modules whose functions return sentences that are no errors."""
_LISTED = re.compile(r"^<!-- messages: (?P<modules>[^>]+) -->\n(?P<lines>(?:- `.*`\n)*)", re.MULTILINE)
"""A list of the page: the modules that make its messages, and the messages."""


@dataclass(frozen=True, order=True)
class Message:
    """A text that an error may have.

    Attributes:
        module: The file, from its room on, such as `airflow_ecs_dag_schema/graph`.
        text: With `…` for what is filled in.
    """

    module: str
    text: str

    @property
    def line(self) -> str:
        """The message as the page lists it: its beginning, on one line."""
        text = " ".join(self.text.split()).replace("`", "'")
        return f"- `{text if len(text) <= _SHOWN else text[:_SHOWN].rstrip() + ' …'}`"


def messages() -> list[Message]:
    """Return every message of the four packages."""
    found = set()
    for room in _ROOMS:
        for path in (REPOSITORY / room).rglob("*.py"):
            if "new_project" not in path.parts:
                module = path.relative_to(REPOSITORY / room).with_suffix("").as_posix()
                tree = ast.parse(path.read_text())
                returned = () if _NO_ERRORS.search(module) else _returned(tree)
                texts = [*_texts(tree), *returned, *(_sentences(tree) if module in _TABLES else ())]
                found |= {Message(module, text) for text in texts}
    return sorted(found)


def _texts(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None:
            yield from _literals(node.exc)
        elif isinstance(node, ast.Assign) and any(_VARIABLES.search(_name(target)) for target in node.targets):
            yield from _literals(node.value)
        elif isinstance(node, ast.Call) and _MAKERS.search(_name(node.func)):
            for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
                yield from _literals(argument)


def _returned(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Return | ast.Yield) and node.value is not None:
            yield from (text for text in _literals(node.value) if len(text.split()) >= _SENTENCE)


def _sentences(tree: ast.Module) -> Iterator[str]:
    documented = (ast.Expr, ast.Raise, ast.Return)
    left: list[ast.AST] = [tree]
    while left:
        node = left.pop()
        if isinstance(node, ast.Call) and _name(node.func) == "_pattern":
            continue  # what AWS says
        if isinstance(node, ast.Constant | ast.JoinedStr):
            yield from (text for text in _literals(node) if len(text.split()) >= _SENTENCE - 3)
            continue
        left += [child for child in ast.iter_child_nodes(node) if not isinstance(child, documented)]


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _literals(node: ast.AST) -> Iterator[str]:
    """Yield the texts in an expression that are sentences: f-strings whole, and not the pieces within them."""
    match node:
        case ast.JoinedStr():
            text = "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)  # type: ignore[misc] # an f-string's own constants are texts
        case ast.Constant(value=str() as text):
            pass
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _literals(child)
            return
    if len(text) >= _SHORTEST and " " in text.strip() and re.search(r"[a-z]{3}", text):
        yield text


def listed(page: str) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the modules and the lines of each list of the page."""
    for match in _LISTED.finditer(page):
        yield match["modules"].split(), match["lines"].splitlines()


def with_lists(page: str) -> str:
    """Return the page with its lists written anew."""
    lines: dict[str, dict[str, None]] = {}
    for message in messages():
        lines.setdefault(message.module, {})[message.line] = None

    def written(match: re.Match[str]) -> str:
        own = [line for module in match["modules"].split() for line in lines.get(module, {})]
        return f"<!-- messages: {match['modules']} -->\n" + "".join(f"{line}\n" for line in dict.fromkeys(own))

    return _LISTED.sub(written, page)


def anchor(heading: str) -> str:
    """Return what a link to a heading ends with."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def places(page: str) -> str:
    """Return the file with the modules of each paragraph, by the end of a link to it."""
    found = {
        anchor(section.partition("\n")[0]): sorted(
            module.replace("/", ".").removesuffix(".__init__") for modules, _ in listed(section) for module in modules
        )
        for section in re.split(r"^##+ ", page, flags=re.MULTILINE)[1:]
    }
    return json.dumps({place: modules for place, modules in found.items() if modules}, indent=2) + "\n"


if __name__ == "__main__":
    PAGE.write_text(with_lists(PAGE.read_text()))
    PLACES.write_text(places(PAGE.read_text()))
