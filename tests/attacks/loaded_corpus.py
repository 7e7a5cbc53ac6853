"""The corpus on its way into Airflow: registered in ECS, scanned and judged by the bundle, parsed by Airflow."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest
from airflow.dag_processing.dagbag import BundleDagBag
from structlog.testing import capture_logs

from airflow_ecs_dag_cli.local_aws import isolated_environment
from airflow_ecs_dag_loader import EcsDagBundle
from attacks.corpus_files import Attack, Case, Legitimate, attacks, bundles, legitimate
from loader.ecs_account import IMAGE, REGION

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from loader.ecs_account import EcsAccount

WHOLE: dict[str, Any] = {"refresh_budget": 600.0, "call_share": 1.0}
"""Arguments with which one refresh goes through all of the corpus."""
_FAMILY = re.compile(r"ECS task definition (\S+), revision")


@dataclass(frozen=True)
class Deployment:
    """An account of an emulator for each bundle, and the file that an attack would make."""

    accounts: Mapping[str, EcsAccount]
    canary: Path
    _registered: set[str] = field(default_factory=set)

    def register(self, bundle: str, cases: Iterable[Case]) -> None:
        """Register what is not registered yet."""
        for case in cases:
            if case.bundle == bundle and case.name not in self._registered:
                self._registered.add(case.name)
                self.accounts[bundle].register_containers(
                    case.the_family,
                    [
                        {"name": name, "image": IMAGE, "memory": 128, "dockerLabels": labels}
                        for name, labels in case.containers(self.canary).items()
                    ],
                )


@dataclass(frozen=True)
class LoadedBundle:
    """What became of the cases of one bundle.

    Attributes:
        audit: The last line of the audit log of each family.
        bag: What Airflow parsed.
        first_files: The files of the legitimate DAGs before the attacks came, and when they were written.
        files: All files afterwards.
    """

    audit: Mapping[str, Mapping[str, Any]]
    bag: BundleDagBag
    first_files: Mapping[Path, tuple[str, int]]
    files: Mapping[Path, tuple[str, int]]

    def error(self, case: Case) -> str | None:
        """Return Airflow's import error of a case; ``None`` if it has none."""
        return self.bag.import_errors.get(self._file(case))

    def dag_ids(self, case: Case) -> list[str]:
        """Return the DAGs that a case's own file gave."""
        return [dag_id for dag_id, dag in self.bag.dags.items() if dag.relative_fileloc == self._file(case)]

    def _file(self, case: Case) -> str:
        return self._file_of_family[case.the_family]

    @cached_property
    def _file_of_family(self) -> dict[str, str]:
        return {
            found[1]: str(path) for path, (text, _) in self.files.items() if (found := _FAMILY.search(text)) is not None
        }


def load(deployment: Deployment, name: str) -> LoadedBundle:
    """Deploy the legitimate DAGs of a bundle, scan, deploy the attacks, scan again, and have Airflow parse it all."""
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in (isolated_environment({}) | deployment.accounts[name].environment).items():
            patch.setenv(variable, value)
        patch.setattr(sys, "path", list(sys.path))  # Airflow adds a bundle's folder and leaves it there
        bundle = EcsDagBundle(
            name=f"attacks-{name}",
            region_name=REGION,
            cluster="shared",
            dag_id_prefix=bundles()[name].prefix,
            policy=bundles()[name].policy,
            **WHOLE,
        )
        audit: dict[str, dict[str, Any]] = {}
        deployment.register(name, legitimate())
        _refresh(bundle, audit)
        first = _files(bundle.path)
        deployment.register(name, attacks())
        _refresh(bundle, audit)
        bag = BundleDagBag(dag_folder=bundle.path, bundle_path=bundle.path, bundle_name=bundle.name)
        return LoadedBundle(audit, bag, first, _files(bundle.path))


def of_bundle(name: str) -> tuple[list[Legitimate], list[Attack]]:
    """Return the cases of a bundle."""
    return [c for c in legitimate() if c.bundle == name], [c for c in attacks() if c.bundle == name]


def _refresh(bundle: EcsDagBundle, audit: dict[str, dict[str, Any]]) -> None:
    with capture_logs() as lines:
        bundle.refresh()
    for line in lines:
        if line["event"] in {"dag admitted", "dag refused"}:
            audit[line["family"].rpartition("/")[2]] = dict(line)


def _files(folder: Path) -> dict[Path, tuple[str, int]]:
    return {
        path.relative_to(folder): (path.read_text(), path.stat().st_mtime_ns) for path in sorted(folder.rglob("*.py"))
    }
