"""docs/sources.md says what is true."""

from __future__ import annotations

import configparser
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_loader import EcsDagBundle, scan_metrics
from airflow_ecs_dag_loader.source_config import SourceConfig
from sources.conftest import published

if TYPE_CHECKING:
    from sources.conftest import Fleet

PAGE = (Path(__file__).parents[2] / "docs" / "sources.md").read_text()


def block(language: str) -> str:
    (text,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(text)


def test_the_example_finds_the_dags_of_both_accounts(fleet: Fleet, tmp_path: Path) -> None:
    config = configparser.ConfigParser(interpolation=None)
    config.read_string(block("ini"))
    (bundle,) = json.loads(config["dag_processor"]["dag_bundle_config_list"])
    file = tmp_path / Path(bundle["kwargs"]["sources_file"]).name
    file.write_text(block("yaml"))
    assert f"`{bundle['kwargs']['sources_file']}`" in PAGE
    for name, account, external_id in (
        ("orders", "111122223333", "orders-7f3a"),
        ("stock", "444455556666", "stock-91c2"),
    ):
        fleet.aws.region(account, "eu-west-1")
        fleet.aws.roles.add_role(f"arn:aws:iam::{account}:role/airflow-scan", external_id=external_id)
        fleet.deploy(account, f"airflow-{name}", dag__dag_id=f"{name}.daily", ecs__cluster="orders-1")
    fleet.deploy("444455556666", "web", dag__dag_id="stock.web")
    made = EcsDagBundle(name=fleet.name, **{**bundle["kwargs"], "sources_file": str(file)})
    made.refresh()
    found = published(made)
    assert sorted(found) == ["airflow-orders", "airflow-stock"]
    for name in ("orders", "stock"):
        assert "DagRefusedError" not in found[f"airflow-{name}"]
        assert f"'aws_conn_id': '{name}'" in found[f"airflow-{name}"]


def test_the_wake_up_queue_is_made_and_may_be_sent_to(tmp_path: Path) -> None:
    values: dict[str, Any] = {}
    exec(block("python").replace("App()", f"App(outdir={str(tmp_path)!r})"), values)  # noqa: S102 - the page's own code
    made = values["app"].synth()
    texts = {stack.stack_name: json.dumps(stack.template) for stack in made.stacks}
    assert "arn:aws:iam::222222222222:role/airflow-wake-up" in texts["Platform"]
    assert "arn:aws:sqs:eu-west-1:111111111111:airflow-wake-up" in texts["Orders"]


def test_each_field_and_argument_is_named() -> None:
    named = set(re.findall(r"`([a-z_]+)`", PAGE))
    assert named >= SourceConfig.model_fields.keys()
    defaults = EcsDagBundle.__init__.__kwdefaults__ or {}
    for name in ("refresh_budget", "call_share"):
        assert f"{defaults[name]:g} |" in PAGE.split(f"`{name}` |")[1].split("\n")[0]


def test_each_metric_is_named() -> None:
    code = Path(scan_metrics.__file__).read_text()
    sent = set(re.findall(r"_PREFIX}\.([a-z_]+)", code))
    assert sent == set(re.findall(r"`ecs_registry\.([a-z_]+)`", PAGE))
