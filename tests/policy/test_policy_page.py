"""docs/policy.md says what the model says; its examples hold."""

from __future__ import annotations

import configparser
import json
import re
from pathlib import Path

from airflow_ecs_dag_loader import EcsDagBundle
from airflow_ecs_dag_schema import Policy
from policy.policy_tables import field_rows, rule_rows

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "policy.md").read_text()


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def rows(section: str) -> list[str]:
    text = PAGE.split(f"## {section}\n")[1].split("\n## ")[0]
    return [line for line in text.splitlines() if line.startswith("| `")]


def test_each_field_is_on_the_page_as_the_model_has_it() -> None:
    assert rows("Fields") == field_rows()


def test_each_rule_is_on_the_page() -> None:
    assert rows("Rules") == rule_rows()


def test_the_example_is_a_policy() -> None:
    policy = Policy.from_yaml(block("yaml"))
    assert policy.dag_id_prefix == "team-a."
    assert policy.max_dags == 100
    assert Policy.read(DOCS / "airflow-policy.yaml") == policy


def test_the_bundle_of_the_page_can_be_made() -> None:
    config = configparser.ConfigParser(interpolation=None)
    config.read_string(block("ini"))
    (bundle,) = json.loads(config["dag_processor"]["dag_bundle_config_list"])
    made = EcsDagBundle(name=bundle["name"], **bundle["kwargs"])
    assert made.source.dag_id_prefix == "team-a."


def test_the_plugin_of_the_page_is_there() -> None:
    lines = block("python").splitlines()
    exec("\n".join(line for line in lines if "import" in line), {})  # noqa: S102 - the page's own imports
