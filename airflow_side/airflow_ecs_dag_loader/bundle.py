"""The door into Airflow: a DAG bundle whose files come from the ECS registry.

::

    [dag_processor]
    dag_bundle_config_list = [{"name": "ecs", "classpath": "airflow_ecs_dag_loader.EcsDagBundle",
                               "kwargs": {"region_name": "eu-west-1"}}]

Importing this module imports the loader and its operators, so that the DAG processor has them before it forks for each
file.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import structlog
from airflow.dag_processing.bundles.base import BaseDagBundle, BundleVersion
from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.sdk import get_parsing_context
from botocore.config import Config

from airflow_ecs_dag_loader.admission import Refused, admit
from airflow_ecs_dag_loader.audit import changes
from airflow_ecs_dag_loader.bundle_prefixes import check_prefix
from airflow_ecs_dag_loader.registry import ScanError, scan
from airflow_ecs_dag_loader.snapshot import Snapshot, dags_folder, publish
from airflow_ecs_dag_loader.source import RegistrySource
from airflow_ecs_dag_schema import Policy, PolicyError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mypy_boto3_ecs import ECSClient

    from airflow_ecs_dag_loader.definition import Definition
    from airflow_ecs_dag_loader.registry import Registry

_RETRIES = Config(retries={"mode": "adaptive", "max_attempts": 3}, connect_timeout=3, read_timeout=10)
"""Adaptive retries stay below AWS's rate. They are few, because the DAG processor does nothing else meanwhile: with ten
of them an AWS that can't be reached holds it up for 80 s, and the next refresh goes on where this one stopped."""


class EcsDagBundle(BaseDagBundle):
    """The DAGs that are declared in the Docker labels of ECS task definitions.

    A failed scan changes nothing, nor does a policy that can't be read. Airflow keeps the DAGs of the last good scan,
    as the last good policy judged them; the DAG processor's log has the reason.

    Args:
        region_name: AWS region; without it, that of the connection or of the process's environment.
        aws_conn_id: Airflow connection for scanning and running tasks; without it, the process's own credentials.
        cluster: ECS cluster for DAGs that name none.
        dag_id_prefix: What each dag id of this bundle begins with; any other one is refused.
        policy: What the platform lets these DAGs be: the fields of :class:`airflow_ecs_dag_schema.Policy`.
        policy_file: The same as the path of a YAML file, read anew at each refresh; excludes ``policy``.
        kwargs: Those of every bundle: ``name``, ``refresh_interval`` (seconds), ``version``, ``view_url_template``.
    """

    supports_versioning = True

    def __init__(
        self,
        *,
        region_name: str | None = None,
        aws_conn_id: str | None = None,
        cluster: str | None = None,
        dag_id_prefix: str | None = None,
        policy: Mapping[str, Any] | None = None,
        policy_file: str | None = None,
        **kwargs: Any,  # noqa: ANN401 - BaseDagBundle's own
    ) -> None:
        super().__init__(**kwargs)
        self.source = RegistrySource(
            region_name=region_name, aws_conn_id=aws_conn_id, cluster=cluster, dag_id_prefix=dag_id_prefix
        )
        self._policy_fields = policy
        self._policy_file = policy_file
        self._progress: dict[str, Definition | None] = {}
        self._log = structlog.get_logger(__name__).bind(bundle=self.name, region=region_name)

    @property
    def path(self) -> Path:
        """The folder with one file a family."""
        return dags_folder(self.base_dir)

    def get_current_version(self) -> BundleVersion:
        """Return the hash of the last good scan, from local state only."""
        return BundleVersion(version=Snapshot.read(self.base_dir).version)

    def initialize(self) -> None:
        """Have the files on disk: by a scan, unless a worker needs one DAG that is there already.

        Raises:
            ScanError: The registry can't be read, and there is no earlier scan to go on with.
        """
        wanted = get_parsing_context().dag_id
        snapshot = Snapshot.read(self.base_dir)
        if wanted is None or wanted not in snapshot.owners:
            try:
                self._publish(for_one_task=wanted is not None)
            except Exception:
                if not snapshot.version:
                    raise
                self._log.exception("the ECS registry or the policy can't be read: going on with the last good scan")
        super().initialize()

    def refresh(self) -> None:
        """Scan the registry and publish what changed.

        Raises:
            PolicyError: The policy is none, or another bundle may claim the same dag ids; what is on disk stays.
            ScanError: The registry can't be read whole; what is on disk stays.
        """
        self._publish(for_one_task=False)

    def _publish(self, *, for_one_task: bool) -> None:
        policy = self._policy()
        if self.name is not None:
            check_prefix(self.name, self.source.dag_id_prefix)
        with self.lock():
            before = Snapshot.read(self.base_dir)
            registry = self._scan(before)
            verdicts = admit(
                registry.with_dags,
                source=self.source,
                owners=before.owners,
                policy=policy,
                for_one_task=for_one_task and not before.version,
            )
            after = publish(self.base_dir, registry=registry, verdicts=verdicts, source=self.source)
        for change in changes(before.judgements, after.judgements):
            write = self._log.info if change.judgement.admitted else self._log.warning
            write(change.event, policy_mode=policy.mode, **change.fields)
        if after.version != before.version:
            refused = [verdict.definition.arn for verdict in verdicts if isinstance(verdict, Refused)]
            self._log.info(
                "the ECS registry changed", dags=len(after.owners), refused=refused, described=registry.described
            )

    def _policy(self) -> Policy:
        if self._policy_file is None:
            return Policy.of(self._policy_fields or {}, subject=f"the policy of the bundle {self.name}")
        if self._policy_fields is not None:
            raise PolicyError([Problem("policy_file", "policy and policy_file exclude each other: keep one")])
        return Policy.read(self._policy_file)

    def _scan(self, before: Snapshot) -> Registry:
        known = before.definitions if before.place == self.source.place else {}
        try:
            registry = scan(self._ecs, known=known, progress=self._progress)
        except ScanError:
            self.__dict__.pop("_ecs", None)  # its connection may be what failed: make another for the next scan
            raise
        self._progress.clear()
        return registry

    @cached_property
    def _ecs(self) -> ECSClient:
        hook = AwsBaseHook(
            aws_conn_id=self.source.aws_conn_id,
            region_name=self.source.region_name,
            client_type="ecs",
            config=_RETRIES,
        )
        return hook.get_conn()
