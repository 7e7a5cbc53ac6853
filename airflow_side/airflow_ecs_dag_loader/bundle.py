"""The door into Airflow: a DAG bundle whose files come from the ECS registry.

::

    [dag_processor]
    dag_bundle_config_list = [{"name": "ecs", "classpath": "airflow_ecs_dag_loader.EcsDagBundle",
                               "kwargs": {"region_name": "eu-west-1"}}]

A bundle that scans imports boto3, the loader and its operators, so that the DAG processor has them before it forks for
each file. One that has the file a worker needs imports none of them.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar

import structlog
from airflow.dag_processing.bundles.base import BaseDagBundle, BundleVersion
from airflow.sdk import get_parsing_context

from airflow_ecs_dag_loader.admission import Admitted, Refused, judge
from airflow_ecs_dag_loader.audit import changes
from airflow_ecs_dag_loader.backoff import Backoff
from airflow_ecs_dag_loader.budget import Budget
from airflow_ecs_dag_loader.bundle_prefixes import check_prefixes
from airflow_ecs_dag_loader.call_rate import DEFAULT_SHARE, CallRate
from airflow_ecs_dag_loader.dag_location import family_of
from airflow_ecs_dag_loader.dag_owners import known_owners, may_ask_database
from airflow_ecs_dag_loader.file_names import MOST_ARCHIVES
from airflow_ecs_dag_loader.places import BundlePlaces, Place
from airflow_ecs_dag_loader.published import Published
from airflow_ecs_dag_loader.registry_page.reporter import RegistryReporter
from airflow_ecs_dag_loader.scan_error import ScanError
from airflow_ecs_dag_loader.scan_metrics import emit_outcome, emit_scan, write_line
from airflow_ecs_dag_loader.snapshot import Snapshot, SnapshotWriter, dags_folder, state_folder
from airflow_ecs_dag_loader.wake_up import WakeUpQueue

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from airflow_ecs_dag_loader.place_scans import PlaceScan, PlaceScans
    from airflow_ecs_dag_loader.refresh import Judging
    from airflow_ecs_dag_loader.snapshot import Outcome

_SCAN_PART = 0.7
"""The part of a refresh's budget that scans may take; the rest is for proofs."""
_OVERDUE = 2
"""Refresh intervals after which a process refreshes whatever other ones did meanwhile."""
_FRESH = 60.0
"""Seconds for which a worker takes what is on its disk for true, at least."""


class EcsDagBundle(BaseDagBundle):
    """The DAGs that are declared in the Docker labels of ECS task definitions.

    A failed scan changes nothing, nor does a policy that can't be read. Airflow keeps the DAGs of the last good scan,
    as the last good policy judged them; the DAG processor's log has the reason. With several sources or regions, each
    is scanned and fails on its own.

    Args:
        sources: Where to look: the fields of one :class:`SourceConfig` each. They exclude the four arguments below.
        sources_file: The same as the path of a YAML file with the field ``sources``, read anew at each refresh.
        region_name: AWS region; without it, that of the connection or of the process's environment.
        aws_conn_id: Airflow connection for scanning and running tasks; without it, the process's own credentials.
        cluster: ECS cluster for DAGs that name none.
        dag_id_prefix: What each dag id of this bundle begins with; any other one is refused.
        policy: What the platform lets these DAGs be: the fields of :class:`airflow_ecs_dag_schema.Policy`.
        policy_file: The same as the path of a YAML file, read anew at each refresh; excludes ``policy``.
        refresh_budget: Seconds that a refresh may take for calls, verdicts and proofs; the next one goes on at once.
        call_share: The part of AWS's own rate of calls that may be used, above 0 and at most 1.
        archives: Into how many ZIP archives the DAGs of an account's region are packed, 1 to 256; 0 for a file a DAG.
        wake_up_queue: URL of an SQS queue; whatever is put there makes the next refresh come at once.
        kwargs: Those of every bundle: ``name``, ``refresh_interval`` (seconds), ``version``, ``view_url_template``.

    Attributes:
        source: The source of a bundle without ``sources``.

    Raises:
        ValueError: ``refresh_budget``, ``call_share`` or ``archives`` is out of range, ``wake_up_queue`` no URL of one.
    """

    supports_versioning = True
    _started: ClassVar[set[str]] = set()
    """Names of the bundles that this process, a DAG processor, has had whole once."""
    _is_pending = False
    _is_whole = False
    """Whether this process has once published all that there is, of the places that answer."""

    def __init__(
        self,
        *,
        sources: Sequence[Mapping[str, Any]] | None = None,
        sources_file: str | None = None,
        region_name: str | None = None,
        aws_conn_id: str | None = None,
        cluster: str | None = None,
        dag_id_prefix: str | None = None,
        policy: Mapping[str, Any] | None = None,
        policy_file: str | None = None,
        refresh_budget: float = 10.0,
        call_share: float = DEFAULT_SHARE,
        archives: int = 0,
        wake_up_queue: str | None = None,
        **kwargs: Any,  # noqa: ANN401 - BaseDagBundle's own
    ) -> None:
        super().__init__(**kwargs)
        if refresh_budget <= 0:
            raise ValueError(f"refresh_budget is {refresh_budget!r}: give seconds above 0, such as 10")
        self._places = BundlePlaces.of_arguments(
            self.name,
            {
                "sources": sources,
                "sources_file": sources_file,
                "region_name": region_name,
                "aws_conn_id": aws_conn_id,
                "cluster": cluster,
                "dag_id_prefix": dag_id_prefix,
                "policy": policy,
                "policy_file": policy_file,
            },
        )
        self.source = self._places.single.source
        self._refresh_budget = refresh_budget
        self._refreshed_at = time.monotonic()
        if not 0 <= archives <= MOST_ARCHIVES:
            raise ValueError(f"archives is {archives!r}: give a number up to {MOST_ARCHIVES}, such as 8, or 0 for none")
        self._writer = SnapshotWriter(self.base_dir, archives)
        CallRate(call_share)  # a share that is none is told at once
        self._call_share = call_share
        self._wake_up = None if wake_up_queue is None else WakeUpQueue(wake_up_queue, clock=time.monotonic)
        self._backoff = Backoff(time.monotonic)
        self._reporter = RegistryReporter(self.name)
        self._log = structlog.get_logger(__name__).bind(bundle=self.name)

    @property
    def refresh_interval(self) -> int:
        """Seconds between two refreshes; 0 while one has left something for the next one, and after a wake-up.

        Airflow counts from the last refresh of any DAG processor. One whose version differs from another's refreshes
        all the time, and would never let that one look again; so it is 0 too when this process's turn is overdue.
        """
        is_overdue = time.monotonic() - self._refreshed_at > _OVERDUE * self._refresh_interval
        is_hinted = self._wake_up is not None and self._wake_up.has_hint()
        return 0 if self._is_pending or is_overdue or is_hinted else self._refresh_interval

    @refresh_interval.setter
    def refresh_interval(self, seconds: int) -> None:
        self._refresh_interval = seconds

    @cached_property
    def _scans(self) -> PlaceScans:
        from airflow_ecs_dag_loader.place_scans import PlaceScans  # noqa: PLC0415 - boto3, for a bundle that scans
        from airflow_ecs_dag_loader.shown_definitions import shown_states  # noqa: PLC0415 - the loader, as above

        return PlaceScans(
            self._writer.states,
            shown=partial(shown_states, self.name),
            call_share=self._call_share,
            clock=time.monotonic,
            sleep=time.sleep,
        )

    @cached_property
    def _judging(self) -> Judging:
        from airflow_ecs_dag_loader.refresh import Judging  # noqa: PLC0415 - all that builds DAGs, as above

        return Judging(self._writer.families)

    @property
    def path(self) -> Path:
        """The folder with the DAGs: a file a family, or archives of them for the DAG processor."""
        return dags_folder(self.base_dir) if get_parsing_context().dag_id is None else self._writer.families.path

    def get_current_version(self) -> BundleVersion:
        """Return the hash over what is published, from local state only."""
        return BundleVersion(version=self._published_for(None).version)

    def initialize(self) -> None:
        """Have on disk what is needed: for a task its own DAG, else all there is; without a call where that is fresh.

        Raises:
            PolicyError: As :meth:`refresh`.
            ScanError: The registry can't be read, and there is nothing on disk to go on with; or it is not read whole
                yet: the DAG processor calls again.
            SourceError: As :meth:`refresh`.
        """
        dag_id = get_parsing_context().dag_id
        published = self._published_for(dag_id)
        # A DAG processor also makes a bundle for each callback, after its start.
        is_start = dag_id is None and may_ask_database() and self.name not in self._started
        is_scanned = False
        with self._going_on_with(published.version):
            if dag_id is not None:
                self._have_one(dag_id, published)
            elif is_start or not self._all_is_fresh(published):
                is_scanned = True
                self._publish(for_one_task=False)
        if is_scanned:
            self._check_whole()
            self._started.add(self.name)
        super().initialize()

    def _published_for(self, dag_id: str | None) -> Published:
        """Return what is published as far as it matters for one DAG, or for none."""
        return Published.read_one(state_folder(self.base_dir), dag_id)

    def refresh(self) -> None:
        """Scan the registry and publish what changed.

        Where no place could be read twice running, AWS is asked again after 10 seconds, then after 20 and so on, up to
        the ``refresh_interval``; a refresh before that only says so.

        Raises:
            PolicyError: A policy is none, or another bundle may claim the same dag ids; what is on disk stays.
            ScanError: No place can be read; what is on disk stays.
            SourceError: The sources are none; what is on disk stays.
        """
        if left := self._backoff.seconds_left(self._refresh_interval):
            raise ScanError(f"no place could be read, the log has the reasons; AWS is asked again in {left:.0f} s")
        began = time.monotonic()
        try:
            self._publish(for_one_task=False)
        finally:
            if self._wake_up is not None:
                self._wake_up.refreshed(time.monotonic() - began)

    def _publish(self, *, for_one_task: bool) -> None:
        with self._reporter.refresh(self._refresh_interval):
            self._publish_and_tell(for_one_task=for_one_task)

    def _publish_and_tell(self, *, for_one_task: bool) -> None:
        self._refreshed_at = time.monotonic()
        judging = self._judging  # first of all: what parses files is to be imported even if nothing can be read
        places = self._places.read()
        check_prefixes(self.name, {place.source.dag_id_prefix for place in places})
        whole = Budget(None if for_one_task else self._refresh_budget, clock=time.monotonic)
        part = Budget(None if for_one_task else self._refresh_budget * _SCAN_PART, clock=time.monotonic)
        with self.lock():
            before = Snapshot.read_published(self.base_dir)
            if not for_one_task:
                owners = known_owners(self.name, before.owners, with_last=not self._is_whole)
                before = replace(before, owners=owners)
            scans = self._scans.scan(places, part)
            self._report(scans)
            failed = _failure(scans)
            if failed is None:
                self._backoff.succeeded()
            else:
                self._backoff.failed()
                if all(each.state is None for each in scans):
                    raise failed
            outcome = judging.outcome(
                scans,
                before=before,
                budget=None if for_one_task else whole,
                for_one_task=for_one_task and not before.owners,
            )
            states = {each.place.key: None if each.error else each.state for each in scans}
            after = self._writer.write(states, outcome, before)
        self._is_pending = bool(outcome.held) or any(each.registry.pending for each in scans)
        self._is_whole = self._is_whole or (
            all(each.is_whole for each in scans if each.error is None)
            and all(self._writer.families.has(family) for family in outcome.held)
        )
        emit_outcome(scans, outcome)
        self._audit(before, after, places, outcome)
        self._reporter.refreshed(scans, outcome, after, self._writer.states)
        if failed is not None:
            raise failed

    def _check_whole(self) -> None:
        """Check that no DAG lacks its file only because its turn has not come: Airflow would take it for deleted.

        Another DAG processor may have shown it already, or this one before it lost its disk.

        Raises:
            ScanError: This process's first scan is not through yet; the next call goes on with it.
        """
        if self._is_pending or not self._are_complete(Snapshot.read_published(self.base_dir).places):
            raise ScanError(
                "not all of the registry is read yet that is new to this disk: Airflow gets the DAGs when it is, for "
                "it would take away each one whose file is not there"
            )

    def _report(self, scans: Sequence[PlaceScan]) -> None:
        for each in scans:
            age = 0.0 if each.error is None else self._writer.states.age(each.place.key, time.time())
            emit_scan(each, age=age)
            write_line(self._log, each, age=age)

    def _audit(self, before: Published, after: Published, places: Sequence[Place], outcome: Outcome) -> None:
        modes = {place.key: place.policy.mode for place in places}
        for change in changes(before.judgements, after.judgements):
            write = self._log.info if change.judgement.admitted else self._log.warning
            mode = modes.get(outcome.place_of.get(change.family_key, ""), places[0].policy.mode)
            write(change.event, policy_mode=mode, **change.fields)
        if after.version != before.version:
            refused = [verdict.definition.arn for verdict in outcome.verdicts if isinstance(verdict, Refused)]
            self._log.info("the ECS DAGs changed", dags=len(after.owners), refused=refused)

    def _all_is_fresh(self, published: Published) -> bool:
        """Tell whether each place was scanned well not long ago, so that a callback's process need not do it again."""
        if not (published.version and published.proven_with):
            return False
        keys = {place.key for place in self._places.read()}
        return (
            keys == published.places.keys()
            and self._are_fresh(keys)
            and (self.name in self._started or self._are_complete(keys))
        )

    def _are_complete(self, places: Iterable[str]) -> bool:
        """Tell whether each place that has ever answered was once gone through whole."""
        states = [self._writer.states.read(key) for key in places]
        return all(state is None or state.is_complete for state in states)

    def _are_fresh(self, places: Collection[str]) -> bool:
        ages = [self._writer.states.age(key, time.time()) for key in places]
        return bool(ages) and all(age is not None and age < self._fresh_for for age in ages)

    @property
    def _fresh_for(self) -> float:
        return max(_FRESH, 2.0 * self._refresh_interval)

    def _have_one(self, dag_id: str, published: Published) -> None:
        """Have the file of one DAG: the processor's where that is fresh, else as AWS has the DAG's family now."""
        family = published.family_of(dag_id)
        files = self._writer.families
        if family is not None:
            places = published.places_of(family)
            if published.proven_with and files.has(family) and self._are_fresh(places):
                return
            self._renew(family, dag_id, [place for place in self._places.read() if place.key in places])
        elif (family := family_of(dag_id, bundle=self.name)) is not None:
            age = files.age(family, time.time())
            if age is None or age >= self._fresh_for:
                with self._going_on_with(files.has(family)):
                    self._renew(family, dag_id, self._places.read())
                    files.confirm(family)
        else:
            self._publish(for_one_task=True)

    @contextmanager
    def _going_on_with(self, what_is_there: object) -> Iterator[None]:
        """Log whatever goes wrong instead of raising it, if there is something on disk to go on with."""
        try:
            yield
        except Exception:
            if not what_is_there:
                raise
            self._log.exception("the ECS registry or the policy can't be read: going on with the last good scan")

    def _renew(self, family: str, dag_id: str, places: Iterable[Place]) -> None:
        """Write one family's file as its newest ACTIVE revision has it, by one call; it stays if that is another DAG.

        Raises:
            PolicyError: As :meth:`refresh`.
            ScanError: AWS gave no usable answer.
            SourceError: As :meth:`refresh`.
        """
        failed = ScanError(f"no source of the bundle {self.name} may have the family {family}")
        for place in places:
            if not place.may_have(family):
                continue
            try:
                definition = self._scans.ask_one(place, family.rpartition("/")[2])
            except ScanError as error:
                failed = error
                continue
            if definition is None or definition.parsed_arn.family_key != family:
                failed = ScanError(f"the newest revision of {family} is no DAG any more, or of another account")
                continue
            verdict = judge(definition, source=place.source, policy=place.policy)
            if isinstance(verdict, Admitted) and verdict.spec.dag_id != dag_id:
                raise ScanError(f"the newest revision of {family} is the DAG {verdict.spec.dag_id}, not {dag_id}")
            with self.lock():
                self._writer.families.write_one(verdict)
            return
        raise failed


def _failure(scans: Sequence[PlaceScan]) -> ScanError | None:
    """Return what to raise if no place could be read, else ``None``."""
    errors = [each.error for each in scans if each.error is not None]
    if len(errors) < len(scans):
        return None
    if len(errors) == 1:
        return errors[0]
    listed = "\n".join(f"  - {each.place.key}: {each.error}" for each in scans)
    return ScanError(f"none of the {len(scans)} places can be read:\n{listed}")
