"""The whole corpus, deployed to accounts of an emulator and loaded by Airflow: once for all tests of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from attacks.corpus_files import bundles
from attacks.loaded_corpus import Deployment, LoadedBundle, load
from loader.conftest import local_aws as _local_aws
from loader.ecs_account import EcsAccount

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_ecs_dag_cli.local_aws import LocalAws

local_aws = _local_aws
"""The emulator of the loader's tests."""


@pytest.fixture(scope="session")
def canary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that an attack would make."""
    return tmp_path_factory.mktemp("canary") / "canary"


@pytest.fixture(scope="session")
def deployment(local_aws: LocalAws, canary: Path) -> Deployment:
    """An account for each bundle of the corpus, everything registered: first the legitimate DAGs, then the attacks."""
    accounts = {
        name: EcsAccount(f"{number:012}", local_aws.endpoint_url)
        for number, name in enumerate(bundles(), start=700_000_000_001)
    }
    return Deployment(accounts, canary)


@pytest.fixture(scope="session")
def loaded(deployment: Deployment) -> dict[str, LoadedBundle]:
    return {name: load(deployment, name) for name in deployment.accounts}
