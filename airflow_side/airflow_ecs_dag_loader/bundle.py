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
from functools import cached_property
from typing import TYPE_CHECKING, Any

import structlog
from airflow.dag_processing.bundles.base import BaseDagBundle, BundleVersion
from airflow.sdk import get_parsing_context

from airflow_ecs_dag_loader.admission import Admitted, Refused, judge
from airflow_ecs_dag_loader.audit import changes
from airflow_ecs_dag_loader.budget import Budget
from airflow_ecs_dag_loader.bundle_prefixes import check_prefixes
from airflow_ecs_dag_loader.call_rate import DEFAULT_SHARE, CallRate
from airflow_ecs_dag_loader.places import BundlePlaces, Place, ScanAccess
from airflow_ecs_dag_loader.scan_error import ScanError
from airflow_ecs_dag_loader.scan_metrics import emit_outcome, emit_scan, write_line
from airflow_ecs_dag_loader.snapshot import Snapshot, SnapshotWriter, dags_folder
from airflow_ecs_dag_loader.source import RegistrySource

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from airflow_ecs_dag_loader.place_scans import PlaceScan, PlaceScans
    from airflow_ecs_dag_loader.published import Published
    from airflow_ecs_dag_loader.refresh import Judging
    from airflow_ecs_dag_loader.snapshot import Outcome

_SCAN_PART = 0.7
"""The part of a refresh's budget that scans may take; the rest is for proofs."""
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
        refresh_budget: Seconds that a refresh may take for describing and proving; the next one goes on at once.
        call_share: The part of AWS's own rate of calls that may be used, above 0 and at most 1.
        kwargs: Those of every bundle: ``name``, ``refresh_interval`` (seconds), ``version``, ``view_url_template``.

    Attributes:
        source: The source of a bundle without ``sources``.

    Raises:
        ValueError: ``refresh_budget`` or ``call_share`` is out of its range.
    """

    supports_versioning = True
    _is_pending = False

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
        **kwargs: Any,  # noqa: ANN401 - BaseDagBundle's own
    ) -> None:
        super().__init__(**kwargs)
        if refresh_budget <= 0:
            raise ValueError(f"refresh_budget is {refresh_budget!r}: give seconds above 0, such as 10")
        self.source = RegistrySource(
            region_name=region_name,
            aws_conn_id=aws_conn_id,
            cluster=cluster,
            dag_id_prefix=dag_id_prefix,
            name=self.name,
        )
        self._places = BundlePlaces(
            bundle=self.name,
            single=Place(self.source, ScanAccess(aws_conn_id)),
            sources=sources,
            sources_file=sources_file,
            policy=policy,
            policy_file=policy_file,
        )
        self._refresh_budget = refresh_budget
        self._writer = SnapshotWriter(self.base_dir)
        CallRate(call_share)  # a share that is none is told at once
        self._call_share = call_share
        self._log = structlog.get_logger(__name__).bind(bundle=self.name)

    @property
    def refresh_interval(self) -> int:
        """Seconds between two refreshes; 0 while a refresh has left something for the next one."""
        return 0 if self._is_pending else self._refresh_interval

    @refresh_interval.setter
    def refresh_interval(self, seconds: int) -> None:
        self._refresh_interval = seconds

    @cached_property
    def _scans(self) -> PlaceScans:
        from airflow_ecs_dag_loader.place_scans import PlaceScans  # noqa: PLC0415 - boto3, for a bundle that scans

        return PlaceScans(self._writer.states, call_share=self._call_share, clock=time.monotonic, sleep=time.sleep)

    @cached_property
    def _judging(self) -> Judging:
        from airflow_ecs_dag_loader.refresh import Judging  # noqa: PLC0415 - all that builds DAGs, as above

        return Judging(self._writer.dags)

    @property
    def path(self) -> Path:
        """The folder with one file a family."""
        return dags_folder(self.base_dir)

    def get_current_version(self) -> BundleVersion:
        """Return the hash over what is published, from local state only."""
        return BundleVersion(version=Snapshot.read_published(self.base_dir).version)

    def initialize(self) -> None:
        """Have the files on disk: by a scan, unless a worker needs one DAG that is there already.

        Raises:
            PolicyError: As :meth:`refresh`.
            ScanError: The registry can't be read, and there is no earlier scan to go on with.
            SourceError: As :meth:`refresh`.
        """
        wanted = get_parsing_context().dag_id
        published = Snapshot.read_published(self.base_dir)
        family = None if wanted is None else published.family_of(wanted)
        try:
            if family is None:
                self._publish(for_one_task=wanted is not None)
            elif not (published.proven_with and self._is_fresh(family, published)):
                self._renew(family, str(wanted), published)
        except Exception:
            if not published.version:
                raise
            self._log.exception("the ECS registry or the policy can't be read: going on with the last good scan")
        super().initialize()

    def refresh(self) -> None:
        """Scan the registry and publish what changed.

        Raises:
            PolicyError: A policy is none, or another bundle may claim the same dag ids; what is on disk stays.
            ScanError: No place can be read; what is on disk stays.
            SourceError: The sources are none; what is on disk stays.
        """
        self._publish(for_one_task=False)

    def _publish(self, *, for_one_task: bool) -> None:
        judging = self._judging  # first of all: what parses files is to be imported even if nothing can be read
        places = self._places.read()
        check_prefixes(self.name, {place.source.dag_id_prefix for place in places})
        whole = Budget(None if for_one_task else self._refresh_budget, clock=time.monotonic)
        part = Budget(None if for_one_task else self._refresh_budget * _SCAN_PART, clock=time.monotonic)
        with self.lock():
            before = Snapshot.read_published(self.base_dir)
            scans = self._scans.scan(places, part)
            self._report(scans)
            if all(each.state is None for each in scans):
                _check_any(scans)
            outcome = judging.outcome(
                scans,
                before=before,
                budget=None if for_one_task else whole,
                for_one_task=for_one_task and not before.owners,
            )
            states = {each.place.key: None if each.error else each.state for each in scans}
            after = self._writer.write(states, outcome, before)
        self._is_pending = bool(outcome.held) or any(each.registry.pending for each in scans)
        emit_outcome(scans, outcome)
        self._audit(before, after, places, outcome)
        _check_any(scans)

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

    def _is_fresh(self, family: str, published: Published) -> bool:
        """Tell whether the family's file is there and its place was scanned well not long ago."""
        ages = [self._writer.states.age(key, time.time()) for key in published.places_of(family)]
        limit = max(_FRESH, 2.0 * self._refresh_interval)
        return self._writer.dags.has(family) and bool(ages) and all(age is not None and age < limit for age in ages)

    def _renew(self, family: str, dag_id: str, published: Published) -> None:
        """Write one family's file as its newest ACTIVE revision has it, by one call; it stays if that is another DAG.

        Raises:
            PolicyError: As :meth:`refresh`.
            ScanError: AWS gave no usable answer.
            SourceError: As :meth:`refresh`.
        """
        keys = published.places_of(family)
        for place in self._places.read():
            if place.key in keys and place.may_have(family):
                definition = self._scans.ask_one(place, family.rpartition("/")[2])
                if definition is None or definition.parsed_arn.family_key != family:
                    raise ScanError(f"the newest revision of {family} is no DAG any more, or of another account")
                verdict = judge(definition, source=place.source, policy=place.policy)
                if isinstance(verdict, Admitted) and verdict.spec.dag_id != dag_id:
                    raise ScanError(f"the newest revision of {family} is the DAG {verdict.spec.dag_id}, not {dag_id}")
                with self.lock():
                    self._writer.dags.write_one(verdict)
                return


def _check_any(scans: Sequence[PlaceScan]) -> None:
    errors = [each.error for each in scans if each.error is not None]
    if len(errors) == len(scans):
        if len(errors) == 1:
            raise errors[0]
        listed = "\n".join(f"  - {each.place.key}: {each.error}" for each in scans)
        raise ScanError(f"none of the {len(scans)} places can be read:\n{listed}")
