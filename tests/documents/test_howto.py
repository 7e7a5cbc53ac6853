"""The how-to pages: their code runs, their configuration is one that the software takes."""

from __future__ import annotations

import configparser
import importlib
import json
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

from airflow_ecs_dag import Deadline, EcsTask, ProfileAlert
from airflow_ecs_dag_loader import EcsDagBundle
from airflow_ecs_dag_schema import Policy
from airflow_ecs_dag_schema.schedule import CronTrigger, OnAssets

PAGES = {path.stem: path.read_text() for path in (Path(__file__).parents[2] / "docs" / "howto").glob("*.md")}


def blocks(page: str, language: str) -> list[str]:
    found = re.findall(rf"^(?P<indent> *)```{language}\n(.*?)^ *```$", PAGES[page], re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(text) for _, text in found]


def names(code: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    exec(code, values)  # noqa: S102 - the page's own code
    return values


@pytest.mark.parametrize("page", PAGES)
def test_each_piece_of_python_runs(page: str) -> None:
    for code in blocks(page, "python"):
        assert names(code)


def test_who_makes_the_data_and_who_waits_mean_the_same_asset() -> None:
    maker, waiter = blocks("assets", "python")
    task = names(maker)["flow"]
    assert isinstance(task, EcsTask)
    schedule = names(waiter)["schedule"]
    assert isinstance(schedule, OnAssets)
    assert [asset.uri for asset in task.outlets] == [asset.uri for asset in schedule.assets]


def test_the_platform_has_the_profile_that_the_project_names() -> None:
    (code,) = blocks("alerts", "python")
    (text,) = blocks("alerts", "yaml")
    values = names(code)
    assert isinstance(values["deadline"], Deadline)
    policy = Policy.of(yaml.safe_load(text))
    profiles = {each.profile for each in values["alerts"] if isinstance(each, ProfileAlert)}
    assert profiles
    assert profiles <= set(policy.alert_profiles)


def test_the_old_schedule_is_one_of_ours() -> None:
    (code,) = blocks("migrate", "python")
    values = names(code)
    assert isinstance(values["schedule"], CronTrigger)
    assert [(before.task_id, after.task_id) for before, after in values["flow"].arrows] == [("extract", "report")]


def test_both_configurations_name_the_same_bundle() -> None:
    (ini,) = blocks("self-hosted-airflow", "ini")
    (values,) = blocks("self-hosted-airflow", "yaml")
    config = configparser.ConfigParser(interpolation=None)
    config.read_string(ini)
    of_ini = json.loads(config["dag_processor"]["dag_bundle_config_list"])
    of_chart = json.loads(yaml.safe_load(values)["config"]["dag_processor"]["dag_bundle_config_list"])
    assert of_ini == of_chart
    (bundle,) = of_ini
    module, _, name = bundle["classpath"].rpartition(".")
    kind = getattr(importlib.import_module(module), name)
    assert kind is EcsDagBundle
    assert kind(name=bundle["name"], **bundle["kwargs"]).source.region_name == "eu-west-1"
