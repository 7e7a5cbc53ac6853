"""The graph of a dag-factory DAG: groups, which give the ids of their tasks a beginning, and what waits for what."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_ecs_dag_cli.config_parts import Part

_DEEPEST = 20


class FactoryGraph:
    """Tasks, groups and dependencies of one DAG.

    Args:
        tasks: Its tasks by the names in the file.
        groups: What the file says of groups.
        lose: Told what is not carried over.

    Attributes:
        ids: The id of each task, with its groups.
        groups: The fields of the groups that have a tooltip.
    """

    def __init__(self, tasks: Mapping[str, Part], groups: Part | None, lose: Callable[[str, str, Part], None]) -> None:
        self._tasks = tasks
        self._groups = by_name(groups, ("group_name", "group_id"))
        self._lose = lose
        self._paths = {name: self._path(name) for name in self._groups}
        self.ids = {name: self._task_id(name, part) for name, part in tasks.items()}
        self._before = {name: self._dependencies(part) for name, part in tasks.items()}
        self._expand_groups()
        self.groups = tuple(self._said())

    def upstream(self, name: str) -> tuple[str, ...]:
        """Return the ids of the tasks directly before a task."""
        return tuple(sorted({self.ids[each] for each in self._before[name]}))

    def _path(self, name: str) -> str:
        parts, each = [name], name
        while (parent := _text(self._groups[each], "parent_group_name")) and parent in self._groups:
            if parent in parts or len(parts) > _DEEPEST:
                self._lose(f"group {name}", "its parent groups go in a circle: leave one out", self._groups[name])
                break
            parts.append(parent)
            each = parent
        return ".".join(reversed(parts))

    def _task_id(self, name: str, part: Part) -> str:
        group = self._group_of(part)
        if not group:
            return name
        if group not in self._groups:
            self._lose(f"task {name}: task_group_name", f"the DAG has no group {group!r}: add it to task_groups", part)
            return name
        if (prefix := self._groups[group].fields.get("prefix_group_id")) is not None and prefix.value is False:
            self._lose(f"group {group}: prefix_group_id", "ids of tasks begin with their group's: leave it out", part)
        return f"{self._paths[group]}.{name}"

    def _group_of(self, part: Part) -> str:
        return _text(part, "task_group_name") or _text(part, "parent_group_name")

    def _dependencies(self, part: Part) -> set[str]:
        given = part.fields.get("dependencies")
        found: set[str] = set()
        for each in given.items if given is not None else ():
            if each.text in self._tasks or each.text in self._groups:
                found.add(str(each.text))
            else:
                self._lose("dependencies", f"the DAG has neither task nor group {each.shown()}: name one of its", each)
        return found

    def _expand_groups(self) -> None:
        """Turn dependencies of groups, and on groups, into those of the tasks at their ends."""
        members = {group: [name for name in self._tasks if self._is_in(name, group)] for group in self._groups}
        for group, inside in members.items():
            roots = [name for name in inside if not self._before[name] & set(inside)]
            for before in self._dependencies(self._groups[group]):
                for name in roots:
                    if before not in inside:
                        self._before[name].add(before)
        for name, waits_for in self._before.items():
            for group in [each for each in waits_for if each in self._groups and each not in self._tasks]:
                inside = members[group]
                followed = {each for other in inside for each in self._before[other]}
                waits_for.discard(group)
                waits_for.update(each for each in inside if each not in followed and each != name)

    def _is_in(self, name: str, group: str) -> bool:
        return self.ids[name].startswith(f"{self._paths[group]}.")

    def _said(self) -> list[dict[str, str]]:
        used = {
            ".".join(parts[:end]) for parts in (each.split(".") for each in self.ids.values()) for end in range(1, 9)
        }
        said = []
        for name, part in self._groups.items():
            known = {"tooltip", "dependencies", "parent_group_name", "group_name", "group_id", "prefix_group_id"}
            for field in sorted(set(part.fields) - known - {"ui_color", "ui_fgcolor"}):
                self._lose(f"group {name}: {field}", "groups have a name and a tooltip: give it to their tasks", part)
            tooltip = _text(part, "tooltip")
            if tooltip and self._paths[name] in used:
                said.append({"group_id": self._paths[name], "tooltip": tooltip})
        return said


def by_name(part: Part | None, names: tuple[str, ...]) -> dict[str, Part]:
    """Return tasks or groups by name, whether the file has them by name or in a list."""
    if part is None:
        return {}
    if isinstance(part.value, dict):
        return part.fields
    named = {next((text for name in names if (text := _text(each, name))), ""): each for each in part.items}
    named.pop("", None)
    return named


def _text(part: Part, name: str) -> str:
    given = part.fields.get(name)
    return "" if given is None else given.text or ""
