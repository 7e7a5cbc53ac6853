"""Where a bundle looks for DAGs: one place for each source and region, scanned, kept and failing on its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from airflow_ecs_dag_loader.published import DEFAULT_REGION
from airflow_ecs_dag_loader.source import RegistrySource
from airflow_ecs_dag_loader.source_config import SourceConfig, SourceError, read_source_configs, source_configs
from airflow_ecs_dag_schema import Policy, PolicyError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class ScanAccess:
    """With which credentials a place is scanned.

    Attributes:
        aws_conn_id: Airflow connection; without it, the process's own credentials.
        role_arn: Role that these credentials assume for it.
        external_id: What the role asks of whoever assumes it.
    """

    aws_conn_id: str | None = None
    role_arn: str | None = None
    external_id: str | None = None

    @property
    def account(self) -> str:
        """The account of the role; empty without one, for then only AWS can tell."""
        return (self.role_arn or "").partition("::")[2][:12]


@dataclass(frozen=True)
class Place:
    """One account and region of a source.

    Attributes:
        source: What its DAGs may take for granted.
        access: How it is scanned.
        family_prefix: Only families that begin so are looked at.
        policy: What its DAGs may be.
    """

    source: RegistrySource
    access: ScanAccess = ScanAccess()
    family_prefix: str = ""
    policy: Policy = field(default_factory=Policy)

    @property
    def key(self) -> str:
        """Its name among the places of a bundle: ``orders/eu-west-1``."""
        return f"{self.source.name}/{self.source.region_name or DEFAULT_REGION}"

    @property
    def identity(self) -> str:
        """Where is looked, as text; what was found with another one says nothing about this place."""
        return f"{self.source.region_name or ''}/{self.access.aws_conn_id or ''}/{self.access.role_arn or ''}"

    def may_have(self, family_key: str) -> bool:
        """Tell whether a family would be found here, as far as can be told without a call."""
        account, region, family = family_key.split("/")
        return (
            self.source.region_name in (None, region)
            and self.access.account in ("", account)
            and family.startswith(self.family_prefix)
        )

    @property
    def tags(self) -> dict[str, str]:
        """What logs and metrics call it."""
        return {"source": self.source.name, "region": self.source.region_name or DEFAULT_REGION}


@dataclass(frozen=True)
class BundlePlaces:
    """A bundle's arguments that say where it looks.

    Attributes:
        bundle: The bundle's name.
        single: The one place of a bundle without sources.
        sources: The fields of each source.
        sources_file: The same as the path of a YAML file.
        policy: The fields of the policy for sources without one of their own.
        policy_file: The same as the path of a YAML file.
    """

    bundle: str
    single: Place
    sources: Sequence[Mapping[str, Any]] | None = None
    sources_file: str | None = None
    policy: Mapping[str, Any] | None = None
    policy_file: str | None = None

    @classmethod
    def of_arguments(cls, bundle: str, arguments: Mapping[str, Any]) -> Self:
        """Return what a bundle's arguments say, as Airflow's configuration has them.

        Args:
            bundle: The bundle's name.
            arguments: Its arguments; those that don't say where it looks are left aside.
        """
        source = RegistrySource(
            region_name=arguments.get("region_name"),
            aws_conn_id=arguments.get("aws_conn_id"),
            cluster=arguments.get("cluster"),
            dag_id_prefix=arguments.get("dag_id_prefix"),
            name=bundle,
        )
        return cls(
            bundle=bundle,
            single=Place(source, ScanAccess(source.aws_conn_id)),
            sources=arguments.get("sources"),
            sources_file=arguments.get("sources_file"),
            policy=arguments.get("policy"),
            policy_file=arguments.get("policy_file"),
        )

    def read(self) -> tuple[Place, ...]:
        """Return the places, as the files say now.

        Raises:
            PolicyError: A policy is none.
            SourceError: The sources are none, or are given twice.
        """
        policy = self._policy()
        configs = self._configs()
        if configs is None:
            single = self.single
            return (Place(single.source, single.access, single.family_prefix, policy),)
        return tuple(place for config in configs for place in _places(config, config.own_policy(policy)))

    def _configs(self) -> tuple[SourceConfig, ...] | None:
        if self.sources is None and self.sources_file is None:
            return None
        if self.sources is not None and self.sources_file is not None:
            raise self._twice("sources_file", "sources and sources_file exclude each other: keep one")
        if self.single != Place(RegistrySource(name=self.bundle)):
            raise self._twice(
                "sources",
                "with sources, region_name, aws_conn_id, cluster and dag_id_prefix are each source's own: move them "
                "there",
            )
        if self.sources_file is not None:
            return read_source_configs(self.sources_file)
        return source_configs(self.sources, subject=f"the sources of the bundle {self.bundle}")

    def _twice(self, path: str, message: str) -> SourceError:
        return SourceError([Problem(path, message)], subject=f"the arguments of the bundle {self.bundle}")

    def _policy(self) -> Policy:
        if self.policy_file is None:
            return Policy.of(self.policy or {}, subject=f"the policy of the bundle {self.bundle}")
        if self.policy is not None:
            raise PolicyError([Problem("policy_file", "policy and policy_file exclude each other: keep one")])
        return Policy.read(self.policy_file)


def _places(config: SourceConfig, policy: Policy) -> list[Place]:
    return [
        Place(
            RegistrySource(
                name=config.name,
                region_name=region,
                aws_conn_id=config.run_aws_conn_id or config.aws_conn_id,
                cluster=config.cluster,
                dag_id_prefix=config.dag_id_prefix,
            ),
            ScanAccess(aws_conn_id=config.aws_conn_id, role_arn=config.role_arn, external_id=config.external_id),
            config.family_prefix or "",
            policy,
        )
        for region in config.regions
    ]
