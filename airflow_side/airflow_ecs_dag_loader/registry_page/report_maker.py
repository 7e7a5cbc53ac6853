"""From a refresh to its report: each family that was found, once, with what became of it."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_loader.admission import Admitted
from airflow_ecs_dag_loader.published import DEFAULT_REGION
from airflow_ecs_dag_loader.registry_page.report import (
    MOST_FAMILIES,
    MOST_TEXTS,
    Report,
    ReportedFamily,
    ReportedPlace,
    State,
    cut,
)
from airflow_ecs_dag_schema.codec import dag_id_label
from airflow_ecs_dag_schema.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from airflow_ecs_dag_loader.admission import Verdict
    from airflow_ecs_dag_loader.audit import Judgement
    from airflow_ecs_dag_loader.definition import Definition
    from airflow_ecs_dag_loader.place_scans import PlaceScan
    from airflow_ecs_dag_loader.published import Published
    from airflow_ecs_dag_loader.snapshot import Outcome
    from airflow_ecs_dag_schema import Violation

_TAKEN, _INVALID = "dag-id.taken", "labels.invalid"
_LONGEST_WORD, _LONGEST_LINK = 300, 2_000
_NOT_JUDGED = "the DAG processor has not judged this revision yet: the next refreshes do"
_NO_ERROR = (
    "its source has more refused task definitions than Airflow shows errors for: `airflow-ecs-dag doctor {family}` "
    "tells why this one is"
)


def report_of(bundle: str, scans: Sequence[PlaceScan], outcome: Outcome, after: Published) -> Report:
    """Return what to tell of a refresh.

    Args:
        bundle: Name of the bundle.
        scans: One a place, in the bundle's order.
        outcome: What became of what they found.
        after: What is published now.
    """
    verdicts = {verdict.definition.parsed_arn.family_key: verdict for verdict in outcome.verdicts}
    found = _found(scans)
    families = [
        _family(place, arn, definition, _what(definition, verdicts, outcome, after.judgements))
        for place, arn, definition in islice(found, MOST_FAMILIES)
    ]
    return Report(
        bundle=cut(bundle),
        places=tuple(_place(scan) for scan in scans),
        families=tuple(families),
        left_out=sum(1 for _ in found),
    )


def _found(scans: Sequence[PlaceScan]) -> Iterator[tuple[int, str, Definition | None]]:
    """Yield each family's place and newest revision, those with labels first: they are what a full report keeps."""
    found: dict[str, tuple[int, str, Definition | None]] = {}
    for number, scan in enumerate(scans):
        for arn, definition in ({} if scan.state is None else scan.state.definitions).items():
            found.setdefault(arn, (number, arn, definition))
    yield from sorted(found.values(), key=lambda each: (each[2] is None, each[0], each[1]))


def _place(scan: PlaceScan) -> ReportedPlace:
    source = scan.place.source
    return ReportedPlace(
        key=cut(scan.place.key),
        source=cut(source.name),
        region=cut(source.region_name or DEFAULT_REGION),
        account=(scan.state.account if scan.state else "") or scan.place.access.account,
        is_complete=scan.is_whole,
    )


def _what(
    definition: Definition | None,
    verdicts: Mapping[str, Verdict],
    outcome: Outcome,
    judgements: Mapping[str, Judgement],
) -> dict[str, Any]:
    """Return what became of a family, and what that tells of its DAG."""
    if definition is None:
        return {"state": State.UNLABELLED}
    arn = definition.parsed_arn
    if verdict := verdicts.get(arn.family_key):
        return _judged(verdict)
    if judgement := judgements.get(arn.family_key):
        return _remembered(judgement, arn.text)
    if arn.family_key in outcome.held:
        return {"state": State.WAITING, "reasons": (_NOT_JUDGED,)}
    return {"state": State.REFUSED, "reasons": (_NO_ERROR.format(family=arn.family),)}


def _family(place: int, arn: str, definition: Definition | None, what: dict[str, Any]) -> ReportedFamily:
    if definition is None:
        return ReportedFamily(arn=arn, place=place, **what)
    return ReportedFamily(arn=arn, place=place, registered_at=definition.registered_at, **{**_said(definition), **what})


def _said(definition: Definition) -> dict[str, Any]:
    """Return what labels that are flat say about a DAG, whether it is one or not."""
    labels = definition.labels
    label = dag_id_label(labels)
    said = {name: labels.get(f"airflow.dag.{name}", "") for name in ("owner", "repository", "stack")}
    return {"dag_id": cut("" if label is None else labels[label], _LONGEST_WORD)} | {
        name: cut(text, _LONGEST_WORD if name == "owner" else _LONGEST_LINK) for name, text in said.items()
    }


def _judged(verdict: Verdict) -> dict[str, Any]:
    if not isinstance(verdict, Admitted):
        state = State.DUPLICATE if any(each.rule == _TAKEN for each in verdict.violations) else State.REFUSED
        return {"state": state, "reasons": _texts(map(_words, verdict.violations))}
    spec = verdict.spec
    return {
        "state": State.LIVE,
        "dag_id": spec.dag_id,
        "owner": cut(spec.owner or "", _LONGEST_WORD),
        "repository": spec.repository or "",
        "stack": spec.stack or "",
        "warnings": _texts(map(_words, verdict.violations)),
    }


def _remembered(judgement: Judgement, arn: str) -> dict[str, Any]:
    """Return what an earlier refresh made of a family of which nothing new can be said yet."""
    newer = () if judgement.arn == arn else (_NOT_JUDGED,)
    if judgement.admitted:
        return {"state": State.LIVE, "dag_id": judgement.dag_id, "warnings": _texts((*newer, *judgement.broken))}
    is_taken = any(text.partition(" @ ")[0] == _TAKEN for text in judgement.broken)
    return {"state": State.DUPLICATE if is_taken else State.REFUSED, "reasons": _texts((*newer, *judgement.broken))}


def _words(violation: Violation) -> str:
    """Return what is wrong, in one line; labels that are no DAG have no rule that one could look up."""
    if violation.rule == _INVALID:
        return str(Problem(violation.path, violation.message, violation.value))
    return str(violation.problem)


def _texts(texts: Iterable[str]) -> tuple[str, ...]:
    every = [cut(text) for text in texts]
    more = [f"and {len(every) - MOST_TEXTS} more"] if len(every) > MOST_TEXTS else []
    return (*every[:MOST_TEXTS], *more)
