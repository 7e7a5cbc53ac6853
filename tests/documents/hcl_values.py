"""The values of Terraform's expressions, as far as docs/other-authors.md has them; no Terraform runs in the tests.

python-hcl2 reads the language; its grammar's names (`expr_term`, ...) are the cases here. What is not among
them is an error, so that the page says nothing that is not worked out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import hcl2
import yaml
from lark import Token, Tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Node = Tree[Token] | Token
_BETWEEN = {"new_line_or_comment"}


@dataclass(frozen=True)
class Terraform:
    """Works out expressions.

    Attributes:
        folder: `path.module`.
        known: What the references are after `terraform apply`, by their text.
    """

    folder: Path
    known: Mapping[str, str]

    def attributes(self, text: str) -> dict[str, Any]:
        """Return the attributes of the one block of `text`."""
        tree = hcl2.parses_to_tree(text)
        (block,) = tree.find_data("block")
        (body,) = block.find_data("body")
        attributes = [each for each in body.children if isinstance(each, Tree) and each.data == "attribute"]
        found = {}
        for each in attributes:
            name, expression = (child for child in _parts(each) if isinstance(child, Tree))
            found[_text(name)] = self.value(expression)
        return found

    def value(self, node: Node) -> Any:  # noqa: C901, PLR0911 - one case a rule of the grammar
        """Return the value of an expression."""
        if isinstance(node, Token):
            return str(node)
        parts = list(_parts(node))
        match str(node.data):
            case "expr_term" | "interpolation":
                (inner,) = parts
                return self.value(inner)
            case "string":
                return "".join(self.value(each) for each in parts)
            case "string_part":
                (inner,) = parts
                return self.value(inner)
            case "int_lit":
                return int(_text(node))
            case "literal_value":
                return {"true": True, "false": False}[_text(node)]
            case "tuple":
                return [self.value(each) for each in parts]
            case "object":
                return dict(self._entry(each) for each in parts)
            case "function_call":
                name, *rest = parts
                return self._called(_text(name), [self.value(each) for group in rest for each in _parts(group)])
            case "get_attr_expr_term":
                reference = _text(node)
                return str(self.folder) if reference == "path.module" else self.known[reference]
        raise AssertionError(f"the page has {node.data}, which nothing here works out")

    def _entry(self, element: Node) -> tuple[str, Any]:
        key, value = _parts(element)
        (term,) = _parts(key)
        (name,) = _parts(term)
        is_bare = isinstance(name, Tree) and name.data == "identifier"
        return (_text(name) if is_bare else self.value(name)), self.value(value)

    def _called(self, function: str, arguments: list[Any]) -> Any:
        match function, arguments:
            case "jsonencode", [value]:
                return json.dumps(value)
            case "merge", [*values]:
                return {key: item for value in values for key, item in value.items()}
            case "yamldecode", [str() as text]:
                return yaml.safe_load(text)
            case "file", [str() as name]:
                with open(name, encoding="utf-8") as stream:  # noqa: PTH123 - Terraform's own word for a path
                    return stream.read()
        raise AssertionError(f"the page calls {function}, which nothing here works out")


def _parts(node: Node) -> Iterator[Node]:
    """Yield what is in a node, without signs, blanks and comments."""
    assert isinstance(node, Tree)
    for child in node.children:
        if isinstance(child, Tree):
            if child.data not in _BETWEEN:
                yield child
        elif child is not None and (node.data == "string_part" or child.type not in _SIGNS):
            yield child


def _text(node: Node) -> str:
    if isinstance(node, Token):
        return str(node)
    return "".join(str(token) for token in node.scan_values(lambda each: isinstance(each, Token))).strip()


_SIGNS = frozenset(
    token.type
    for token in hcl2.parses_to_tree('x = f([{ a = "b${c.d}", e = 1 }, ])\n').scan_values(
        lambda each: isinstance(each, Token) and not str(each).strip().isalnum()
    )
)
"""The grammar's names of brackets, quotes, commas and the like."""
