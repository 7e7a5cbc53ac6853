"""What Airflow loads of the page: next to nothing in a worker, and neither AWS nor the provider in the API server."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

from airflow import plugins_manager

from airflow_ecs_dag_loader.registry_page import plugin
from airflow_ecs_dag_loader.registry_page.plugin import EcsRegistryPlugin

FOLDER = Path(plugin.__file__).parent


def loaded_by(before: str, code: str) -> set[str]:
    """Return the modules that a fresh process loads for ``code``, beyond what it has after ``before``."""
    text = (
        f"import json, sys\n{before}\nbefore = set(sys.modules)\n{code}\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    process = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True, timeout=300)
    return set(json.loads(process.stdout.splitlines()[-1]))


def test_a_worker_loads_two_small_modules() -> None:
    (entry,) = (each for each in entry_points(group="airflow.plugins") if each.name == "ecs_registry")
    loads = f"from importlib.metadata import EntryPoint\nEntryPoint({entry.name!r}, {entry.value!r}, {entry.group!r})"
    assert loaded_by("import airflow_ecs_dag_loader\nfrom airflow.sdk import plugins_manager", f"{loads}.load()()") == {
        "airflow_ecs_dag_loader.registry_page",
        "airflow_ecs_dag_loader.registry_page.plugin",
    }


def test_the_api_server_loads_neither_aws_nor_the_provider() -> None:
    loaded = loaded_by("", f"from {plugin.__name__} import EcsRegistryPlugin\nEcsRegistryPlugin().fastapi_apps")
    assert f"{plugin.__package__}.page_app" in loaded
    assert not {name for name in loaded if name.split(".")[0] in {"boto3", "botocore", "aiobotocore"}}
    assert not {name for name in loaded if name.startswith("airflow.providers.amazon.aws")}


def test_airflow_takes_it_without_complaint() -> None:
    plugins_manager.ensure_plugins_loaded()
    (found,) = (each for each in plugins_manager.get_plugin_info() if each["name"] == EcsRegistryPlugin.name)
    assert [each["url_prefix"] for each in found["fastapi_apps"]] == ["/ecs-registry"]
    assert not {source for source in plugins_manager.get_import_errors() if "airflow_ecs_dag" in source}
    (view,) = (each for each in plugins_manager._get_ui_plugins()[0] if each["name"] == "ECS registry")
    assert not view["href"].startswith("/")  # so that it is found below whatever base URL Airflow has


def test_the_icons_are_there() -> None:
    for view in EcsRegistryPlugin.external_views:
        for icon in (view["icon"], view["icon_dark_mode"]):
            assert (FOLDER / icon.partition("/")[2]).is_file()
