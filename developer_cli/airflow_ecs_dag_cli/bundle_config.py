"""A bundle's real configuration: from a file of sources, or from Airflow's own settings on its machine."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from airflow_ecs_dag_cli.aws_access import use_profile
from airflow_ecs_dag_loader.call_rate import DEFAULT_SHARE
from airflow_ecs_dag_loader.places import BundlePlaces, Place, ScanAccess
from airflow_ecs_dag_loader.source import RegistrySource
from airflow_ecs_dag_schema import DagDefinitionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SETTING = "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"
"""How the environment gives the setting, or the command or the secret that has it."""


class BundleConfigError(RuntimeError):
    """There is no such configuration, or it is none; the message says why, and what to change."""


@dataclass(frozen=True, kw_only=True)
class BundleConfig:
    """Where a bundle looks, and what it has on this machine.

    Attributes:
        places: Its places, as its files say now.
        bundle: Its name in Airflow's configuration; empty for a file of sources by itself.
        sources_file: That file, else ``None``.
        folder: The bundle's folder, which need not be there; ``None`` where it isn't known.
        call_share: The part of AWS's rate of calls that it may use.
        archives: Into how many archives its DAGs are packed.
    """

    places: tuple[Place, ...]
    bundle: str = ""
    sources_file: Path | None = None
    folder: Path | None = None
    call_share: float = DEFAULT_SHARE
    archives: int = 0

    @classmethod
    def of_file(cls, sources_file: Path, *, policy_file: Path | None) -> Self:
        """Read a file of sources, the same that a bundle's ``sources_file`` is.

        Args:
            sources_file: The file.
            policy_file: The bundle's policy, for sources without one of their own.

        Raises:
            BundleConfigError: A file can't be read, or holds something else.
        """
        places = BundlePlaces(
            bundle="",
            single=Place(RegistrySource(name=""), ScanAccess()),
            sources_file=str(sources_file),
            policy_file=None if policy_file is None else str(policy_file),
        )
        return cls(places=_read(places), sources_file=sources_file)

    @classmethod
    def of_airflow(cls, name: str) -> Self:
        """Read the configuration of a bundle from Airflow's settings.

        Args:
            name: The bundle's name.

        Raises:
            BundleConfigError: Airflow has no such bundle of ECS DAGs, or its arguments are none.
        """
        bundles = airflow_bundles()
        if name not in bundles:
            there = f"it has {', '.join(sorted(bundles))}" if bundles else "it has none"
            raise BundleConfigError(
                f"Airflow's configuration has no EcsDagBundle {name!a}, {there}: name one of [dag_processor] "
                "dag_bundle_config_list, or run this where that is set"
            )
        from airflow.dag_processing.bundles.base import get_bundle_base_folder  # noqa: PLC0415 - needs Airflow

        from airflow_ecs_dag_loader.bundle_prefixes import check_prefixes  # noqa: PLC0415 - as above

        arguments = bundles[name]
        try:
            places = _read(BundlePlaces.of_arguments(name, arguments))
            check_prefixes(name, {place.source.dag_id_prefix for place in places})
        except (DagDefinitionError, TypeError) as error:
            raise BundleConfigError(str(error)) from error
        return cls(
            places=places,
            bundle=name,
            folder=get_bundle_base_folder(name),
            call_share=arguments.get("call_share", DEFAULT_SHARE),
            archives=arguments.get("archives", 0),
        )

    @property
    def name(self) -> str:
        """What the output calls it."""
        return f"the bundle {self.bundle} of Airflow's configuration" if self.bundle else str(self.sources_file)

    @property
    def title(self) -> str:
        """The same with how many places it has."""
        return f"{self.name}, {len(self.places)} place{'' if len(self.places) == 1 else 's'}"

    def to_json(self) -> dict[str, Any]:
        """Return which one it is as plain JSON values."""
        return {
            "bundle": self.bundle or None,
            "sources_file": None if self.sources_file is None else str(self.sources_file),
        }


@dataclass(frozen=True, kw_only=True)
class Where:
    """Where a command is told to look.

    Attributes:
        region: AWS region; ``None`` for that of the profile or of the environment.
        profile: A profile of the AWS configuration.
        policy_file: The platform's policy; ``None`` for the contract's own bounds.
        cluster: The bundle's cluster for DAGs that name none.
        dag_id_prefix: What the bundle has each dag id begin with.
        sources_file: A file of sources, instead of one account and region.
        bundle: A bundle of Airflow's configuration, instead of all the others.
    """

    region: str | None = None
    profile: str | None = None
    policy_file: Path | None = None
    cluster: str | None = None
    dag_id_prefix: str | None = None
    sources_file: Path | None = None
    bundle: str | None = None

    def config(self) -> BundleConfig | None:
        """Return the configuration of a bundle; ``None`` to look at one account and region by itself.

        Raises:
            BundleConfigError: What is named is none, or nothing is named and it can't be told which one is meant.
        """
        if self.profile is not None and (self.sources_file or self.bundle):
            use_profile(self.profile)
        with among_airflow():
            if self.sources_file is not None:
                return BundleConfig.of_file(self.sources_file, policy_file=self.policy_file)
            name = the_only_bundle() if self == Where() else self.bundle
            return None if name is None else BundleConfig.of_airflow(name)

    def source(self, region: str | None = None) -> RegistrySource:
        """Return the one source that the options describe.

        Args:
            region: Its region, where that is known by now.
        """
        return RegistrySource(region_name=region, cluster=self.cluster, dag_id_prefix=self.dag_id_prefix)


def the_only_bundle() -> str | None:
    """Return the name of the one bundle of ECS DAGs that this machine's Airflow has; ``None`` if it has none.

    Where Airflow isn't configured it is not imported, for that would write its configuration.

    Raises:
        BundleConfigError: It has several, or the setting can't be read.
    """
    if not is_airflow_here():
        return None
    names = sorted(airflow_bundles())
    if len(names) > 1:
        raise BundleConfigError(
            f"Airflow's configuration has the bundles of ECS DAGs {', '.join(names)}: choose one by --bundle NAME, or "
            "give --region to look at an account and region by itself"
        )
    return names[0] if names else None


def airflow_bundles() -> Mapping[str, Mapping[str, Any]]:
    """Return the arguments of each bundle of ECS DAGs that Airflow's settings have, by its name.

    Raises:
        BundleConfigError: The setting can't be read.
    """
    from airflow.exceptions import AirflowConfigException  # noqa: PLC0415 - needs Airflow

    from airflow_ecs_dag_loader.configured_bundles import configured_bundles  # noqa: PLC0415 - as above

    try:
        return configured_bundles()
    except AirflowConfigException as error:
        raise BundleConfigError(f"Airflow's [dag_processor] dag_bundle_config_list can't be read: {error}") from error


def is_airflow_here() -> bool:
    """Tell whether an Airflow is configured for this process, without importing it."""
    home = Path(os.environ.get("AIRFLOW_HOME") or "~/airflow").expanduser()
    file = Path(os.environ.get("AIRFLOW_CONFIG") or home / "airflow.cfg").expanduser()
    return os.path.exists(file) or any(name.startswith(_SETTING) for name in os.environ)  # noqa: PTH110 - False, too, where nobody may look


@contextmanager
def among_airflow() -> Iterator[None]:
    """Let what is read meanwhile find Airflow's connections and database; what Airflow says goes to stderr.

    Without a configured Airflow, there is no database to look into.
    """
    logging.getLogger("botocore").setLevel(logging.WARNING)
    if not is_airflow_here():
        with redirect_stdout(sys.stderr):
            yield
        return
    from airflow_ecs_dag_loader.dag_owners import asking_database  # noqa: PLC0415 - for a machine of Airflow's

    with redirect_stdout(sys.stderr), asking_database():
        yield


def _read(places: BundlePlaces) -> tuple[Place, ...]:
    try:
        return places.read()
    except DagDefinitionError as error:
        raise BundleConfigError(str(error)) from error
