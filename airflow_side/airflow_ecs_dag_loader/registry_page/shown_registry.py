"""What the page shows one user: all bundles' reports, with what Airflow makes of them, less what she may not see."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from airflow.models.dagbundle import DagBundleModel

from airflow_ecs_dag_loader.definition import TaskDefinitionArn
from airflow_ecs_dag_loader.registry_page.bundle_reports import bundle_reports
from airflow_ecs_dag_loader.registry_page.report import State
from airflow_ecs_dag_loader.registry_page.viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow.api_fastapi.auth.managers.base_auth_manager import BaseAuthManager
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
    from sqlalchemy.orm import Session

    from airflow_ecs_dag_loader.registry_page.bundle_reports import BundleReport
    from airflow_ecs_dag_loader.registry_page.report import PlaceHealth, ReportedFamily, ReportedPlace

_NEEDS_ERRORS = frozenset({State.REFUSED, State.DUPLICATE, State.UNLABELLED})
_NOT_PARSED = "Airflow has not parsed it yet, or parsing failed: its import errors would say so"
_ELSEWHERE = "Airflow has a DAG of this id from the bundle {bundle}: two bundles need a dag_id_prefix each"
_UNTOLD = "it can't be read now; whoever may read import errors sees why"
_ORDER = {state: number for number, state in enumerate(State)}


@dataclass(frozen=True)
class ShownDefinition:
    """A family in the page.

    Attributes:
        arn: Its newest ACTIVE revision.
        state: What becomes of it in Airflow.
        bundle: Which bundle found it.
        source: In which source.
        family: What the report says.
        reasons: Why it is not live.
        is_in_airflow: Whether Airflow's page has the DAG.
        is_paused: Whether that is paused.
    """

    arn: TaskDefinitionArn
    state: State
    bundle: str
    source: str
    family: ReportedFamily
    reasons: tuple[str, ...]
    is_in_airflow: bool
    is_paused: bool

    @property
    def order(self) -> tuple[int, str, TaskDefinitionArn]:
        """Where it stands: what needs somebody comes first."""
        return (_ORDER[self.state], self.family.dag_id, self.arn)


@dataclass(frozen=True)
class ShownSource:
    """A source's account and region in the page.

    Attributes:
        bundle: Which bundle scans it.
        number: Its place among the bundle's.
        place: What the report says.
        age: Seconds since it was read well last; ``None`` if it never was.
        error: Why it can't be read now, else empty; told only to whoever may read import errors.
        counts: How many of its definitions this user sees, by state.
    """

    bundle: str
    number: int
    place: ReportedPlace
    age: float | None
    error: str
    counts: Counter[State]

    @property
    def key(self) -> str:
        """How a request names it."""
        return source_key(self.bundle, self.number)


@dataclass(frozen=True)
class ShownRegistry:
    """All that one user sees.

    Attributes:
        sources: In the bundles' order.
        definitions: In the order of the page.
        warnings: What is wrong with a whole bundle.
        is_told: Whether a DAG processor has ever told of a bundle.
        now: When this was, in seconds since 1970.
    """

    sources: tuple[ShownSource, ...] = ()
    definitions: tuple[ShownDefinition, ...] = ()
    warnings: tuple[str, ...] = ()
    is_told: bool = False
    now: float = field(default_factory=time.time)

    @classmethod
    def of(cls, user: BaseUser, *, auth_manager: BaseAuthManager[BaseUser], session: Session, now: float) -> Self:
        """Read what there is, and leave out what the user may not see."""
        bundles = list(bundle_reports(session))
        names = [each.pulse.bundle for each in bundles]
        viewer = Viewer.of(
            user,
            {each.pulse.bundle: {family.dag_id for family in each.report.families} for each in bundles},
            auth_manager=auth_manager,
            teams=DagBundleModel.get_team_names(names, session=session),
            session=session,
        )
        sources: list[ShownSource] = []
        definitions: list[ShownDefinition] = []
        for bundle in bundles:
            seen = [each for each in _definitions(bundle) if _is_visible(each, viewer)]
            shown = [_in_airflow(each, viewer) for each in seen]
            definitions += shown
            sources += _sources(bundle, shown, viewer, now)
        return cls(
            sources=tuple(sources),
            definitions=tuple(sorted(definitions, key=lambda each: each.order)),
            warnings=tuple(text for bundle in bundles for text in _warnings(bundle, viewer, now)),
            is_told=bool(bundles),
            now=now,
        )


def _definitions(bundle: BundleReport) -> Iterator[ShownDefinition]:
    places = bundle.report.places
    for family in bundle.report.families:
        try:
            arn = TaskDefinitionArn.parse(family.arn)
        except ValueError:
            continue  # somebody else wrote this
        yield ShownDefinition(
            arn=arn,
            state=family.state,
            bundle=bundle.pulse.bundle,
            source=places[family.place].source,
            family=family,
            reasons=family.reasons,
            is_in_airflow=False,
            is_paused=False,
        )


def _is_visible(shown: ShownDefinition, viewer: Viewer) -> bool:
    """Tell whether a user sees a definition: by its DAG, and by the right to import errors for what is none."""
    if shown.state in _NEEDS_ERRORS and not viewer.sees_errors_of(shown.bundle):
        return False
    dag_id = shown.family.dag_id
    return viewer.may_read(dag_id) if dag_id else viewer.sees_errors_of(shown.bundle)


def _in_airflow(shown: ShownDefinition, viewer: Viewer) -> ShownDefinition:
    """Return a definition with what Airflow itself knows of its DAG."""
    dag = viewer.dags.get(shown.family.dag_id)
    if dag is None or dag.is_stale:
        return (
            shown
            if shown.state is not State.LIVE
            else replace(shown, state=State.WAITING, reasons=(*shown.reasons, _NOT_PARSED))
        )
    if dag.bundle != shown.bundle:
        if shown.state is not State.LIVE:
            return shown
        return replace(shown, state=State.WAITING, reasons=(*shown.reasons, _ELSEWHERE.format(bundle=dag.bundle)))
    if shown.state is State.DUPLICATE:  # the DAG of this id is the other family's
        return shown
    return replace(shown, is_in_airflow=True, is_paused=dag.is_paused)


def _sources(
    bundle: BundleReport, shown: Sequence[ShownDefinition], viewer: Viewer, now: float
) -> Iterator[ShownSource]:
    counts: dict[int, Counter[State]] = {}
    for each in shown:
        counts.setdefault(each.family.place, Counter())[each.state] += 1
    health: Mapping[str, PlaceHealth] = {each.key: each for each in bundle.pulse.places}
    for number, place in enumerate(bundle.report.places):
        if not viewer.sees_errors_of(bundle.pulse.bundle) and number not in counts:
            continue
        known = health.get(place.key)
        read_at = None if known is None else known.read_at
        error = "" if known is None else known.error
        yield ShownSource(
            bundle=bundle.pulse.bundle,
            number=number,
            place=place,
            age=None if read_at is None else max(0.0, now - read_at),
            error=error if viewer.sees_errors_of(bundle.pulse.bundle) or not error else _UNTOLD,
            counts=counts.get(number, Counter()),
        )


def _warnings(bundle: BundleReport, viewer: Viewer, now: float) -> Iterator[str]:
    name, pulse = bundle.pulse.bundle, bundle.pulse
    if name not in viewer.bundles:
        return
    if bundle.problem:
        yield f"{name}: {bundle.problem}"
    if pulse.error:
        yield (
            f"{name}: the last refresh changed nothing: {pulse.error}"
            if viewer.sees_errors_of(name)
            else f"{name}: the last refresh changed nothing; whoever may read import errors sees why"
        )
    late = now - pulse.written_at - pulse.next_within
    if late > 0:
        yield (
            f"{name}: its DAG processor ({pulse.processor or 'of an unknown machine'}) has said nothing for "
            f"{words_of(now - pulse.written_at)}; what is shown of it may be old"
        )
    if bundle.report.left_out:
        yield f"{name}: {bundle.report.left_out} more task definitions are not in this list, which is full"


def source_key(bundle: str, number: int) -> str:
    """Return how a request names a source's account and region: by its place in its bundle."""
    return f"{number}@{bundle}"


def words_of(seconds: float) -> str:
    """Return a time in words, in its largest unit: ``12 s``, ``5 min``, ``3 h``, ``2 days``."""
    for least, size, unit in ((172_800, 86_400, "days"), (7_200, 3_600, "h"), (120, 60, "min")):
        if seconds >= least:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"
