"""The whole corpus through Airflow's own DAG processor, and what its commands say afterwards.

A bundle without a prefix of its own can't be beside others: that one is in an Airflow by itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from airflow_ecs_dag_cli.local_aws import isolated_environment
from attacks.corpus_files import bundles
from attacks.loaded_corpus import WHOLE, Deployment, LoadedBundle, of_bundle
from loader.ecs_account import REGION, SECRET

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

pytestmark = [pytest.mark.airflow, pytest.mark.emulator]


ALONE = [name for name, bundle in bundles().items() if bundle.prefix is None]
TOGETHER = [name for name in bundles() if name not in ALONE]


def settings(deployment: Deployment, names: list[str], folder: Path) -> dict[str, str]:
    """The environment of an Airflow with bundles of the corpus, which go on from the scans of this session."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW__DATABASE")}
    environment = isolated_environment(kept) | {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder / 'airflow.db'}",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "2",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(folder / "logs"),
        "NO_COLOR": "1",
    }
    configured = []
    for name in names:
        account = deployment.accounts[name]
        arguments = {
            "region_name": REGION,
            "cluster": "shared",
            "aws_conn_id": f"attacks_{name}",
            "dag_id_prefix": bundles()[name].prefix,
            "policy": bundles()[name].policy,
            **WHOLE,
        }
        configured.append(
            {"name": f"attacks-{name}", "classpath": "airflow_ecs_dag_loader.EcsDagBundle", "kwargs": arguments}
        )
        environment[f"AIRFLOW_CONN_ATTACKS_{name.upper()}"] = json.dumps(
            {
                "conn_type": "aws",
                "login": account.number,
                "password": SECRET,
                "extra": {"endpoint_url": account.endpoint_url, "region_name": REGION},
            }
        )
    return environment | {"AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(configured)}


def airflow(environment: Mapping[str, str], *arguments: str, exits_with: int = 0) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", "airflow", *arguments],
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert ran.returncode == exits_with, ran.stderr[-3_000:]
    return ran.stdout


def listed(environment: Mapping[str, str], *arguments: str, exits_with: int = 0) -> list[dict[str, Any]]:
    text = airflow(environment, *arguments, "--output", "json", exits_with=exits_with)
    (line,) = [line for line in text.splitlines() if line.startswith("[{")]  # Airflow logs to the same stream
    rows: list[dict[str, Any]] = json.loads(line)
    return rows


@pytest.mark.timeout(900)
@pytest.mark.parametrize("names", [*([name] for name in ALONE), TOGETHER], ids=",".join)
def test_the_commands_of_airflow_list_just_what_they_must(
    names: list[str], deployment: Deployment, loaded: dict[str, LoadedBundle], canary: Path, tmp_path: Path
) -> None:
    environment = settings(deployment, names, tmp_path)
    airflow(environment, "db", "migrate")
    airflow(environment, "dag-processor", "--num-runs", "1")
    # It exits with 1 where there are any.
    errors = [
        (row["bundle_name"], row["filepath"]) for row in listed(environment, "dags", "list-import-errors", exits_with=1)
    ]
    dags = listed(environment, "dags", "list")
    for name in names:
        bundle = loaded[name]
        good, bad = of_bundle(name)
        assert {row["dag_id"] for row in dags if row["bundle_name"] == f"attacks-{name}"} == set(bundle.bag.dags)
        assert len([row for row in dags if row["bundle_name"] == f"attacks-{name}"]) == len(good)
        own = {path for each, path in errors if each == f"attacks-{name}"}
        assert own == set(bundle.bag.import_errors)
        assert len(own) == len(bad)
    assert list(canary.parent.iterdir()) == []
