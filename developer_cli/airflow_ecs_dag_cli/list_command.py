"""``airflow-ecs-dag list``: what Airflow sees of an account and region, one line a task definition family."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from airflow_ecs_dag_cli.aws_access import AwsAccess, AwsAccessError, scan_shown
from airflow_ecs_dag_cli.bundle_config import BundleConfigError
from airflow_ecs_dag_cli.bundle_folder import BundleFolder, BundleFolderError
from airflow_ecs_dag_cli.bundle_view import look
from airflow_ecs_dag_cli.families import State, judged_families, reason_text, remembered_families, viewed_families
from airflow_ecs_dag_cli.next_runs import in_words
from airflow_ecs_dag_cli.paragraphs import FOUND, print_place
from airflow_ecs_dag_cli.place_reading import why_unread
from airflow_ecs_dag_cli.validate_command import ACCEPTED, REFUSED, UNREADABLE, counted, printable, write_json
from airflow_ecs_dag_loader.registry import scan
from airflow_ecs_dag_loader.scan_error import ScanError
from airflow_ecs_dag_schema import Policy, PolicyError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from airflow_ecs_dag_cli.bundle_config import BundleConfig, Where
    from airflow_ecs_dag_cli.families import Family
    from airflow_ecs_dag_loader.place_scans import PlaceScan
    from airflow_ecs_dag_schema import Violation

_MARKS = {
    State.LIVE: "[green]✓[/green]",
    State.REFUSED: "[red]✗[/red]",
    State.DUPLICATE: "[red]✗[/red]",
    State.UNLABELLED: "[dim]-[/dim]",
}
_WIDEST = 40
"""Columns are as wide as their widest text, but no wider than this."""
_LONGEST_REASON = 200
"""Characters of a reason in its family's line; doctor has it whole."""


def list_found(where: Where, *, show_all: bool, as_json: bool) -> int:
    """Print what Airflow would see where a person told to look; return the exit status.

    Args:
        where: One account and region, or the places of a bundle.
        show_all: Whether families without Airflow labels are shown, too.
        as_json: Whether as one JSON document.
    """
    try:
        config = where.config()
    except BundleConfigError as error:
        return _fail(str(error), as_json=as_json)
    if config is not None:
        return _list_places(config, show_all=show_all, as_json=as_json)
    return _list_registry(where, show_all=show_all, as_json=as_json)


def _list_registry(where: Where, *, show_all: bool, as_json: bool) -> int:
    """Print what Airflow would see of the registry of an account and region; return the exit status."""
    try:
        policy = None if where.policy_file is None else Policy.read(where.policy_file)
        access = AwsAccess(region=where.region, profile=where.profile)
        caller, ecs = access.caller, access.ecs
        with scan_shown(ecs):
            registry = scan(ecs, known={})
    except ScanError as error:
        return _fail(str(AwsAccessError(error)), as_json=as_json)
    except (AwsAccessError, PolicyError) as error:
        return _fail(str(error), as_json=as_json)
    families = judged_families(registry, source=where.source(caller.region), policy=policy)
    place = {"account": caller.account, "region": caller.region}
    return _print(families, f"account {caller.account}, region {caller.region}", place, show_all, as_json=as_json)


def list_bundle(folder: Path, *, show_all: bool, as_json: bool) -> int:
    """Print what a bundle last found on this machine; return the exit status.

    Args:
        folder: The bundle's folder.
        show_all: Whether families without Airflow labels are shown, too.
        as_json: Whether as one JSON document.
    """
    try:
        bundle = BundleFolder.read(folder)
    except BundleFolderError as error:
        return _fail(str(error), as_json=as_json)
    families = remembered_families(bundle.snapshot, bundle.place_of)
    where = {"bundle_folder": str(bundle.path), "refreshed_at": bundle.refreshed_at.isoformat(timespec="seconds")}
    title = f"{bundle.path}, refreshed {bundle.age_words}"
    return _print(families, title, where, show_all, as_json=as_json, bundle=bundle.path.name)


def _list_places(config: BundleConfig, *, show_all: bool, as_json: bool) -> int:
    """Print what a bundle would make of all its places now; return the exit status."""
    view = look(config)
    unread = [
        why_unread(scan) + ("" if scan.state is None else "; what is shown of it is the bundle's last good scan")
        for scan in view.unread
    ]
    error = f"{len(unread)} of the places of {config.name} can't be read: {'; '.join(unread)}" if unread else None
    where = {**config.to_json(), "places": [_place_json(scan) for scan in view.scans]}
    if error is not None and view.is_blind:
        return _fail(error, as_json=as_json, where=where)
    if not as_json:
        for each in unread:
            _say_error(each)
    title = config.title + (f" ({len(unread)} can't be read)" if unread else "")
    families = viewed_families(view)
    return _print(families, title, where, show_all, as_json=as_json, bundle=config.bundle, error=error)


def _place_json(scan: PlaceScan) -> dict[str, str | None]:
    return {
        "source": scan.place.source.name,
        "region": scan.place.source.region_name,
        "account": (scan.state.account if scan.state else "") or scan.place.access.account or None,
        "error": None if scan.error is None else why_unread(scan),
    }


def _fail(message: str, *, as_json: bool, where: Mapping[str, Any] | None = None) -> int:
    if as_json:
        write_json({"ok": False, "error": message, **(where or {}), "dags": []})
    else:
        _say_error(message)
    return UNREADABLE


def _say_error(message: str) -> None:
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(f"[red]error[/red]: {escape(printable_lines(message))}")
    print_place(console, FOUND)


def _print(
    families: Sequence[Family],
    title: str,
    where: Mapping[str, Any],
    show_all: bool,  # noqa: FBT001 - handed on
    *,
    as_json: bool,
    bundle: str = "",
    error: str | None = None,
) -> int:
    shown = [family for family in families if show_all or family.state is not State.UNLABELLED]
    counts = Counter(family.state for family in families)
    is_good = bool(counts[State.LIVE]) and not counts[State.REFUSED] and not counts[State.DUPLICATE] and error is None
    status = UNREADABLE if error is not None else ACCEPTED if is_good else REFUSED
    if as_json:
        write_json({"ok": is_good, "error": error, **where, "dags": [_json(family) for family in shown]})
        return status
    console = Console(highlight=False, soft_wrap=True)
    has_sources = any(family.source not in ("", bundle) for family in families)
    names = [
        (
            printable(family.dag_id) or "-",
            family.arn.name,
            *((family.source or "-",) if has_sources else ()),
            _place(family),
        )
        for family in shown
    ]
    widths = [min(max(map(len, column)), _WIDEST) for column in zip(*names, strict=True)] if names else []
    for family, texts in zip(shown, names, strict=True):
        dag_id, *rest = (escape(f"{text:<{width}}") for text, width in zip(texts, widths, strict=True))
        state = f"{family.state:<9}"
        said = escape(printable(_said(family)))
        console.print(f"{_MARKS[family.state]} [bold]{dag_id}[/bold]  {'  '.join(rest)}  {state}  {said}".rstrip())
    console.print(escape(f"{title}: {_summary(counts, show_all=show_all)}"))
    return status


def _said(family: Family) -> str:
    """Return the rest of a family's line: what the DAG is, or the first reason why it isn't there."""
    if family.reasons:
        first, *rest = family.reasons
        text = reason_text(first)
        cut = text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}..."
        return f"{cut}{f' (and {len(rest)} more)' if rest else ''}"
    if family.spec is None:
        return ""
    tasks = counted(len(family.spec.tasks), "task")
    warned = sorted({warning.rule for warning in family.warnings})
    warning = f"; the policy warns of {', '.join(warned)}" if warned else ""
    return f"{tasks}, {in_words(family.spec.schedule)}{warning}"


def _summary(counts: Counter[State], *, show_all: bool) -> str:
    labelled = [state for state in State if state is not State.UNLABELLED]
    if not sum(counts.values()):
        return (
            "no ACTIVE task definition at all, so no DAG: is it the right account and region, and has something been "
            "deployed there?"
        )
    unlabelled = counts[State.UNLABELLED]
    aside = f"; {_families(unlabelled)} without Airflow labels" if unlabelled else ""
    hint = "" if show_all or not unlabelled else " (--all shows them)"
    if not any(counts[state] for state in labelled):
        return f"no DAG{aside}{hint}"
    found = [f"{counted(counts[State.LIVE], 'DAG')} live"]
    found += [f"{counts[state]} {state}" for state in (State.REFUSED, State.DUPLICATE) if counts[state]]
    return f"{', '.join(found)}{aside}{hint}"


def _json(family: Family) -> dict[str, Any]:
    return {
        "dag_id": family.dag_id or None,
        "state": str(family.state),
        "family": family.arn.family,
        "revision": family.arn.revision,
        "account": family.arn.account,
        "region": family.arn.region,
        "source": family.source or None,
        "arn": family.arn.text,
        "tasks": None if family.spec is None else len(family.spec.tasks),
        "schedule": None if family.spec is None else in_words(family.spec.schedule),
        "reasons": [violation_json(each) for each in family.reasons],
        "warnings": [violation_json(each) for each in family.warnings],
    }


def violation_json(violation: Violation) -> dict[str, str | None]:
    """Return what breaks a rule as JSON has it; a text that looks like a secret is masked, as in all errors."""
    return {
        "rule": violation.rule,
        "path": violation.path,
        "value": violation.problem.value,
        "message": violation.message,
        "remedy": violation.remedy,
    }


def printable_lines(text: str) -> str:
    """Return ``text`` without what moves a terminal's cursor, its lines kept."""
    return "\n".join(printable(line) for line in text.split("\n"))


def _place(family: Family) -> str:
    return f"{family.arn.account}/{family.arn.region}"


def _families(number: int) -> str:
    return f"{number} famil{'y' if number == 1 else 'ies'}"
