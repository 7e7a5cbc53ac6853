"""Which templates a task's command may hold: an allow-list over the template's syntax tree.

A template that Airflow renders runs with the worker's rights, so nothing is allowed unless it is named here:
the variables below, the filters below, attribute access to plain values, and two date functions. Statements,
operators, loops and any other call are refused. The same check runs at synth and at load.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING

from jinja2 import Environment, TemplateSyntaxError, nodes

from airflow_ecs_dag_schema.plain_templates import plain_names
from airflow_ecs_dag_schema.problems import shown
from airflow_ecs_dag_schema.template_words import (
    COMPOUND,
    DATE_FUNCTIONS,
    FILTERS,
    MOMENT_FIELDS,
    MOMENT_METHODS,
    MOMENT_VARIABLES,
    VARIABLES,
    TemplateNames,
    is_template,
    marks_in,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "DATE_FUNCTIONS",
    "FILTERS",
    "LONGEST_TEMPLATE",
    "MOMENT_FIELDS",
    "MOMENT_METHODS",
    "MOMENT_VARIABLES",
    "MOST_PARSED",
    "VARIABLES",
    "TemplateNames",
    "check_template",
    "is_template",
    "names_in",
    "parsed_templates",
]

LONGEST_TEMPLATE = 4_000
_MOST_NODES = 200
_LONGEST_REASON = 120
_MOST_MARKS = 50
"""Templates in one text; counted before Jinja parses it, whose time and memory grow with them."""
MOST_PARSED = 500
"""Templates that are not plain in all different texts of a DAG together: each takes 40 us to parse."""
_REMEMBERED = 4_096
"""Texts whose verdict is kept: most arguments of a DAG's tasks are alike."""
_DATE_FORMAT = re.compile(r"(?:%-?[A-Za-z%]|[^%]){0,100}\Z", re.ASCII)
"""No widths: the C library obeys ``%999999999d``, with as many bytes of the worker's memory."""
_PARSER = Environment(autoescape=False)  # noqa: S701 - parses only, renders nothing
_HINT = (
    f"allowed are {{{{ name }}}} with name one of {', '.join(sorted(VARIABLES - COMPOUND))}; "
    f"filters {', '.join(sorted(FILTERS))}; macros.{' and macros.'.join(sorted(DATE_FUNCTIONS))}; params.name; "
    "ti.xcom_pull(task_ids='a task before'), and of it and of item an entry such as ['rows']"
)


def parsed_templates(texts: Iterable[str]) -> int:
    """Return how many templates of ``texts`` must be parsed: plain ones don't, those of equal texts count once."""
    return sum(marks_in(text) for text in set(texts) if is_template(text) and _plain_names(text) is None)


def check_template(text: str) -> str:
    """Return ``text`` unchanged if every template in it is allowed.

    Raises:
        ValueError: Something in it is not on the allow-list, or it is no template at all.
    """
    if is_template(text) and isinstance(problem := _verdict(text), str):
        raise ValueError(problem)
    return text


def _plain_names(text: str) -> TemplateNames | None:
    return _remembered_plain_names(text) if len(text) <= LONGEST_TEMPLATE else None


_remembered_plain_names = lru_cache(_REMEMBERED)(plain_names)


def _verdict(text: str) -> str | TemplateNames:
    """Return what is wrong with the templates of ``text``; if nothing is, the names in them."""
    if len(text) > LONGEST_TEMPLATE:
        return f"a text with a template is at most {LONGEST_TEMPLATE} characters, this has {len(text)}"
    return _plain_names(text) or _parsed_verdict(text)


@lru_cache(_REMEMBERED)
def _parsed_verdict(text: str) -> str | TemplateNames:
    try:
        return _names(_checked_tree(text))
    except ValueError as error:
        return str(error)


def _checked_tree(text: str) -> nodes.Template:
    if (marks := marks_in(text)) > _MOST_MARKS:
        raise ValueError(f"a text has at most {_MOST_MARKS} templates, this has {marks}: divide it into several texts")
    try:
        tree = _PARSER.parse(text)
    except TemplateSyntaxError as error:
        reason = ascii(error.message)[1:-1][:_LONGEST_REASON]
        raise ValueError(f"not a valid template: {reason}; {_HINT}") from None
    except RecursionError:
        raise ValueError(f"the template is nested too deeply; {_HINT}") from None
    if _has_too_many_parts(tree):
        raise ValueError(f"the template has more than {_MOST_NODES} parts: compute it in the container")
    for part in tree.body:
        if not isinstance(part, nodes.Output):
            raise ValueError(f"statements such as {{% ... %}} are not allowed; {_HINT}")  # noqa: TRY004 - a wrong template is a wrong value
        for expression in part.nodes:
            _check(expression)
    return tree


def names_in(text: str) -> TemplateNames:
    """Return the names that the templates of ``text`` use.

    Raises:
        ValueError: :func:`check_template` would refuse it.
    """
    if not is_template(text):
        return TemplateNames()
    names = _verdict(text)
    if isinstance(names, str):
        raise ValueError(names)  # noqa: TRY004 - a wrong template is a wrong value
    return names


def _names(tree: nodes.Template) -> TemplateNames:
    variables, filters, functions, params, outputs = set(), set(), set(), set(), set()
    for node in tree.find_all((nodes.Name, nodes.Filter, nodes.Getattr, nodes.Getitem, nodes.Call)):
        match node:
            case nodes.Name(name=name):
                variables.add(name)
            case nodes.Filter(name=name):
                filters.add(name)
            case nodes.Getattr(node=nodes.Name(name="macros"), attr=attr):
                functions.add(attr)
            case nodes.Getattr(node=nodes.Name(name="params"), attr=attr):
                params.add(attr)
            case nodes.Getitem(node=nodes.Name(name="params"), arg=nodes.Const(value=name)):
                params.add(name)
            case nodes.Call() if (task_id := _pulled(node)) is not None:
                outputs.add(task_id)
    return TemplateNames(
        frozenset(variables - {"macros"}),
        frozenset(filters),
        frozenset(functions),
        frozenset(params),
        frozenset(outputs),
    )


def _has_too_many_parts(tree: nodes.Template) -> bool:
    """Count without recursion: ``{{ ds.a.a.a }}`` nests as deeply as it is long, and Jinja's own walk overflows."""
    waiting: list[nodes.Node] = [tree]
    seen = 0
    while waiting and seen <= _MOST_NODES:
        seen += 1
        waiting.extend(waiting.pop().iter_child_nodes())
    return bool(waiting)


def _check(node: nodes.Node) -> None:  # noqa: C901, PLR0912 - one case a kind of node
    match node:
        case nodes.TemplateData() | nodes.Const(value=None | bool() | int() | float() | str()):
            return
        case nodes.Name(name=name, ctx="load") if name in VARIABLES - COMPOUND:
            return
        case (
            nodes.Getattr(node=nodes.Name(name="params"))
            | nodes.Getitem(node=nodes.Name(name="params"), arg=nodes.Const(value=str()))
        ):
            return
        case nodes.Name(name=name) if name in COMPOUND:
            raise ValueError(f"{name} is not allowed by itself in a template; {_HINT}")
        case nodes.Getitem(node=nodes.Name(name="item") | nodes.Call() as value, arg=nodes.Const(value=str() | int())):
            _check_entry(value)
        case nodes.Name(name=name):
            raise _unknown_variable(name)
        case nodes.Filter(node=value, name=name, args=args, kwargs=[], dyn_args=None, dyn_kwargs=None):
            if name not in FILTERS or value is None:
                raise ValueError(f"unknown filter {shown(name)} in a template; {_HINT}")
            if len(args) > (2 if name == "default" else 0):
                raise ValueError(
                    f"the filter {name} is given {len(args)} arguments in a template; only default takes any, at most 2"
                )
            for child in (value, *args):
                _check(child)
        case nodes.Getattr(node=nodes.Name(name=name), attr=attr) if name in MOMENT_VARIABLES:
            if attr not in MOMENT_FIELDS:
                raise ValueError(
                    f"{name}.{shown(attr)[1:-1]} is not allowed in a template; of a moment: "
                    f"{', '.join(sorted(MOMENT_FIELDS))}, strftime(...), isoformat()"
                )
        case nodes.Neg(node=nodes.Const(value=int())):
            return
        case nodes.Getattr() | nodes.Getitem() if (inner := _innermost(node)) is not None and inner not in VARIABLES:
            raise _unknown_variable(inner)
        case nodes.Call() if _pulled(node) is not None:
            return
        case nodes.Call(args=args, kwargs=[], dyn_args=None, dyn_kwargs=None):
            _check_call(node, args)
        case _:
            raise ValueError(f"{type(node).__name__.lower()} is not allowed in a template; {_HINT}")


def _unknown_variable(name: str) -> ValueError:
    near = get_close_matches(name[:100], sorted(VARIABLES), n=1, cutoff=0.8)
    meant = f"did you mean {near[0]}? " if near else ""
    return ValueError(f"unknown variable {shown(name)} in a template; {meant}{_HINT}")


def _innermost(node: nodes.Node) -> str | None:
    """Return the variable whose part ``node`` is: ``conn`` of ``conn.db.password``."""
    while isinstance(node, nodes.Getattr | nodes.Getitem):
        node = node.node
    return node.name if isinstance(node, nodes.Name) and node.name != "macros" else None


def _check_entry(value: nodes.Expr) -> None:
    """Check what an entry is taken of: an item, or an output."""
    if isinstance(value, nodes.Call) and _pulled(value) is None:
        raise ValueError(f"entries are taken of an item or of an output only; {_HINT}")


def _pulled(node: nodes.Call) -> str | None:
    """Return the task whose output ``node`` pulls, as in ``ti.xcom_pull(task_ids='extract')``, if it does that."""
    match node:
        case nodes.Call(
            node=nodes.Getattr(node=nodes.Name(name="ti"), attr="xcom_pull"),
            args=[nodes.Const(value=str() as task_id)],
            kwargs=[],
            dyn_args=None,
            dyn_kwargs=None,
        ):
            return task_id
        case nodes.Call(
            node=nodes.Getattr(node=nodes.Name(name="ti"), attr="xcom_pull"),
            args=[],
            kwargs=[nodes.Keyword(key="task_ids", value=nodes.Const(value=str() as task_id))],
            dyn_args=None,
            dyn_kwargs=None,
        ):
            return task_id
    return None


def _check_call(node: nodes.Call, args: list[nodes.Expr]) -> None:
    match node.node:
        case nodes.Getattr(node=nodes.Name(name="macros"), attr="ds_add") if len(args) == 2:  # noqa: PLR2004 - day and days
            for child in args:
                _check(child)
        case nodes.Getattr(node=nodes.Name(name="macros"), attr="ds_format"):
            match args:
                case [day, nodes.Const(value=str(given)), nodes.Const(value=str(wanted))] if _is_date_format(
                    given, wanted
                ):
                    _check(day)
                    return
            raise ValueError(
                "macros.ds_format takes a day and two literal formats without widths: "
                "write macros.ds_format(ds, '%Y-%m-%d', '%d-%m-%Y')"
            )
        case nodes.Getattr(node=nodes.Name(name=name), attr="isoformat") if name in MOMENT_VARIABLES and not args:
            return
        case nodes.Getattr(node=nodes.Name(name=name), attr="strftime") if name in MOMENT_VARIABLES:
            match args:
                case [nodes.Const(value=str(form))] if _is_date_format(form):
                    return
            raise ValueError("strftime takes one literal format such as '%Y-%m-%d', without widths")
        case _:
            raise ValueError(f"this call is not allowed in a template; {_HINT}")


def _is_date_format(*texts: str) -> bool:
    return all(_DATE_FORMAT.match(text) for text in texts)
