"""Plain templates, told from others without a parser: nearly all that DAGs hold. What is plain is always allowed.

A plain template is a variable, a param, an output, an item, a day or a moment, with at most one filter.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_ecs_dag_schema.template_words import (
    COMPOUND,
    FILTERS,
    MOMENT_FIELDS,
    MOMENT_VARIABLES,
    VARIABLES,
    TemplateNames,
    is_template,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST = 50
"""Plain templates in one text; one with more is left to the parser, which refuses it."""


def _any(names: Iterable[str]) -> str:
    return f"(?:{'|'.join(sorted(names))})"


_ENTRY = r"(?:\['[A-Za-z0-9_.-]{1,200}'\])?"
_PLAIN = re.compile(
    r"(?<!\{)\{\{ {0,9}(?:"
    rf"(?P<variable>{_any(VARIABLES - COMPOUND - {'item'})})"
    rf"|(?P<item>item){_ENTRY}"
    r"|params\.(?P<param>[A-Za-z_][A-Za-z0-9_]{0,99})"
    rf"|ti\.xcom_pull\((?:task_ids=)?'(?P<output>[A-Za-z0-9_.-]{{1,200}})'\){_ENTRY}"
    r"|macros\.(?P<function>ds_add)\(ds, {0,9}-?[1-9][0-9]{0,4}\)"
    rf"|(?P<moment>{_any(MOMENT_VARIABLES)})\.(?:{_any(MOMENT_FIELDS)}|isoformat\(\)"
    r"|strftime\('(?:%[A-Za-z]|[A-Za-z0-9:_./ -]){0,60}'\))"
    rf")(?: {{0,9}}\| {{0,9}}(?:(?P<filter>{_any(FILTERS - {'default'})})"
    r"|(?P<default>default)\('[A-Za-z0-9:_./ -]{0,100}'\)))? {0,9}\}\}",
    re.ASCII,
)


def plain_names(text: str) -> TemplateNames | None:
    """Return what the templates of ``text`` use, if all of them are plain; ``None`` if one is not."""
    found: dict[str, set[str]] = {name: set() for name in _PLAIN.groupindex}
    count = 0
    rest = []
    end = 0
    for match in _PLAIN.finditer(text):
        count += 1
        rest.append(text[end : match.start()])
        end = match.end()
        for name, value in match.groupdict().items():
            if value is not None:
                found[name].add(value)
    rest.append(text[end:])
    if count > _MOST or is_template(" ".join(rest)):
        return None
    variables = found["variable"] | found["item"] | found["moment"]
    variables |= {"params"} if found["param"] else set()
    variables |= {"ti"} if found["output"] else set()
    variables |= {"ds"} if found["function"] else set()
    return TemplateNames(
        variables=frozenset(variables),
        filters=frozenset(found["filter"] | found["default"]),
        functions=frozenset(found["function"]),
        params=frozenset(found["param"]),
        outputs=frozenset(found["output"]),
    )
