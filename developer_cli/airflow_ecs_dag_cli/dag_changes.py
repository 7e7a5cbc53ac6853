"""What a deploy changes: which DAGs of before and after belong together, and what differs between the two."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from airflow_ecs_dag_cli.run_rights import run_rights
from airflow_ecs_dag_schema import labels_v1
from airflow_ecs_dag_schema.codec import dag_id_label
from airflow_ecs_dag_schema.label_text import to_text
from airflow_ecs_dag_schema.undeployed import without_tokens
from airflow_ecs_dag_schema.values import TOKEN_START

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from airflow_ecs_dag_cli.run_rights import Right
    from airflow_ecs_dag_cli.verdicts import Verdict
    from airflow_ecs_dag_schema import DagSpec

_Item = TypeVar("_Item", str, tuple[str, str])
_DAG_ID = "airflow.dag.dag_id"
_TASK = re.compile(r"airflow\.tasks\.([^.]+)\.(.+)\Z", re.ASCII)
_NO_FIELD = re.compile(r"(?:task_id|upstream(?:\.\d+)?|edge_labels\.\d+\.upstream)\Z", re.ASCII)
_TOKEN = re.compile(re.escape(TOKEN_START) + r"[^\]]*\]\}")


@dataclass(frozen=True, kw_only=True)
class FieldChange:
    """A field that is another one afterwards.

    Attributes:
        field: Its name, as in the labels: ``max_active_runs``, ``args.0``.
        old: What it was; ``None`` if nothing was said.
        new: What it will be; ``None`` if nothing is said.
    """

    field: str
    old: str | None
    new: str | None


@dataclass(frozen=True, kw_only=True)
class TaskChange:
    """The fields of a task that are others afterwards."""

    task_id: str
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True)
class DagChange:
    """What a deploy does to a DAG.

    Attributes:
        before: The DAG as it is; ``None`` if it is new.
        after: The DAG as it will be; ``None`` if it goes.
    """

    before: Verdict | None
    after: Verdict | None

    @property
    def verdict(self) -> Verdict:
        """The DAG as it will be, or as it was if it goes."""
        found = self.after or self.before
        assert found is not None  # noqa: S101 - one of the two is there
        return found

    @property
    def kind(self) -> str:
        """``added``, ``removed``, ``changed``, ``unchanged``; ``unknown`` if one of the two can't be read."""
        if self.before is None:
            return "added"
        if self.after is None:
            return "removed"
        if self.before.spec is None or self.after.spec is None:
            return "unknown"
        is_same = not (self.fields or self.tasks or self.graph_differs or any(self.rights) or self.moves)
        return "unchanged" if is_same else "changed"

    @cached_property
    def fields(self) -> tuple[FieldChange, ...]:
        """The DAG's own fields that are others afterwards."""
        return tuple(_changes(*(_dag_fields(each) for each in self._both)))

    @cached_property
    def tasks(self) -> tuple[TaskChange, ...]:
        """The tasks of both sides whose fields differ."""
        old, new = (_task_fields(each) for each in self._both)
        found = [TaskChange(task_id=each, fields=tuple(_changes(old[each], new[each]))) for each in old if each in new]
        return tuple(each for each in found if each.fields)

    @property
    def tasks_added(self) -> tuple[str, ...]:
        """The ids of the tasks that only the new side has."""
        return _only(self.after, self.before, _task_ids)

    @property
    def tasks_removed(self) -> tuple[str, ...]:
        """The ids of the tasks that only the old side has."""
        return _only(self.before, self.after, _task_ids)

    @property
    def arrows_added(self) -> tuple[tuple[str, str], ...]:
        """The arrows that only the new side has."""
        return _only(self.after, self.before, _arrows)

    @property
    def arrows_removed(self) -> tuple[tuple[str, str], ...]:
        """The arrows that only the old side has."""
        return _only(self.before, self.after, _arrows)

    @property
    def graph_differs(self) -> bool:
        """Whether tasks or arrows come or go."""
        return bool(self.tasks_added or self.tasks_removed or self.arrows_added or self.arrows_removed)

    @cached_property
    def rights(self) -> tuple[tuple[Right, ...], tuple[Right, ...]]:
        """What Airflow's role must be allowed anew, and what it needs no longer.

        A resource that only the deployment knows counts as the same if it may be.
        """
        old = set() if self.before is None else run_rights(self.before)
        new = set() if self.after is None else run_rights(self.after)
        gained = [each for each in new if not _is_among(each, old)]
        lost = [each for each in old if not any(_is_among(other, {each}) for other in new)]
        return tuple(sorted(gained)), tuple(sorted(lost))

    @property
    def moves(self) -> tuple[str, str] | None:
        """The families, where a DAG's id moves from one to another; ``None`` if it stays."""
        families = [each.definition.family for each in self._both]
        is_known = all(families) and not any(TOKEN_START in family for family in families)
        return (families[0], families[1]) if is_known and families[0] != families[1] else None

    @property
    def _both(self) -> tuple[Verdict, ...]:
        if self.before is None or self.after is None or self.before.spec is None or self.after.spec is None:
            return (self.verdict, self.verdict)
        return (self.before, self.after)


def dag_changes(before: Sequence[Verdict], after: Sequence[Verdict]) -> list[DagChange]:
    """Return what becomes of each DAG: those of ``after`` in their order, then those that go.

    Two belong together that have the same id; else the same family; else the same place in the two files.
    """
    left, partners = list(before), dict.fromkeys(range(len(after)))
    found: dict[int, Verdict] = {}
    for same in (_same_id, _same_family, _same_place):
        for number in partners:
            if number not in found:
                partner = next((each for each in left if same(each, after[number])), None)
                if partner is not None:
                    left.remove(partner)
                    found[number] = partner
    changes = [DagChange(found.get(number), verdict) for number, verdict in enumerate(after)]
    return [*changes, *(DagChange(each, None) for each in left)]


def stack_name(stack: str | None) -> str:
    """Return the name of the stack that a DAG says it is of, by name or ARN; empty if it says none."""
    return (stack or "").split("/")[1] if (stack or "").startswith("arn:") else stack or ""


def _same_id(old: Verdict, new: Verdict) -> bool:
    return bool(old.dag_id) and old.dag_id == new.dag_id


def _same_family(old: Verdict, new: Verdict) -> bool:
    families = old.definition.family, new.definition.family
    are_ids_known = "${" not in old.dag_id + new.dag_id
    return bool(families[0]) and not are_ids_known and _may_be(families[1], families[0])


def _same_place(old: Verdict, new: Verdict) -> bool:
    are_ids_known = "${" not in old.dag_id + new.dag_id
    return bool(old.place) and old.place == new.place and not are_ids_known


def _changes(old: dict[str, str], new: dict[str, str]) -> Iterator[FieldChange]:
    for field in [*old, *(each for each in new if each not in old)]:
        first, second = old.get(field), new.get(field)
        if first != second and not (first is not None and second is not None and _may_be(second, first)):
            yield FieldChange(field=field, old=_shown(first), new=_shown(second))


def _shown(text: str | None) -> str | None:
    return None if text is None else without_tokens(text)


def _may_be(text: str, known: str) -> bool:
    """Tell whether ``text``, tokens in it, may turn out to be ``known``."""
    if text == known:
        return True
    if TOKEN_START not in text:
        return False
    return re.fullmatch(".*".join(map(re.escape, _TOKEN.split(text))), known, re.DOTALL) is not None


def _is_among(right: Right, rights: Iterable[Right]) -> bool:
    return any(right[0] == action and _may_be(right[1], resource) for action, resource in rights)


def _labels(verdict: Verdict) -> dict[str, str]:
    """Return the DAG as labels of version 1; where only the deployment knows, what was written."""
    assert verdict.spec is not None  # noqa: S101 - the caller looked
    labels = {key: value if isinstance(value, str) else to_text(value) for key, value in labels_v1.leaves(verdict.spec)}
    written = dict(verdict.stand_ins)
    if (own := dag_id_label(verdict.labels)) in written:
        written[_DAG_ID] = written[own]
    return {**labels, **{key: text for key, text in written.items() if key in labels}}


def _dag_fields(verdict: Verdict) -> dict[str, str]:
    if verdict.spec is None:
        return {}
    return {
        key.removeprefix("airflow.").removeprefix("dag."): text
        for key, text in _labels(verdict).items()
        if key.startswith(("airflow.dag.", "airflow.ecs.")) and key != "airflow.dag.stack"
    }


def _task_fields(verdict: Verdict) -> dict[str, dict[str, str]]:
    if verdict.spec is None:
        return {}
    ids = {key: task_id for task_id, key in verdict.spec.keys.items()}
    found: dict[str, dict[str, str]] = {task_id: {} for task_id in ids.values()}
    for key, text in _labels(verdict).items():
        match = _TASK.match(key)
        if match and match[1] in ids and not _NO_FIELD.match(match[2]):
            found[ids[match[1]]][match[2]] = text
    return found


def _task_ids(spec: DagSpec) -> set[str]:
    return {task.task_id for task in spec.tasks}


def _arrows(spec: DagSpec) -> set[tuple[str, str]]:
    return {(before, task.task_id) for task in spec.tasks for before in task.upstream}


def _only(side: Verdict | None, other: Verdict | None, of: Callable[[DagSpec], set[_Item]]) -> tuple[_Item, ...]:
    if side is None or other is None or side.spec is None or other.spec is None:
        return ()
    return tuple(sorted(of(side.spec) - of(other.spec)))
