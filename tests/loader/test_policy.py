"""The bundle's policy: from its arguments or a file, read anew at each refresh; a broken one changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from airflow_ecs_dag_loader import EcsDagBundle
from airflow_ecs_dag_schema import PolicyError
from loader.bundle_files import family_files
from loader.ecs_account import REGION, dag_labels

if TYPE_CHECKING:
    from pathlib import Path

    from loader.ecs_account import EcsAccount

pytestmark = pytest.mark.emulator


def a_bundle(name: str, **arguments: Any) -> EcsDagBundle:
    return EcsDagBundle(name=name, region_name=REGION, **arguments)


def refresh(bundle: EcsDagBundle) -> list[tuple[str, Any]]:
    """Return the audit lines of a refresh: event, and what is broken."""
    with capture_logs() as logs:
        bundle.refresh()
    return [(line["event"], line["broken"]) for line in logs if line["event"].startswith("dag ")]


def is_refused(bundle: EcsDagBundle, family: str) -> bool:
    return "DagRefusedError" in family_files(bundle.base_dir)[family].read_text()


def test_a_file_is_read_anew_and_a_broken_one_changes_nothing(account: EcsAccount, tmp_path: Path) -> None:
    account.register("reports", dag_labels(tasks__build__retries="4"))
    file = tmp_path / "policy.yaml"
    file.write_text("max_retries: 5\n")
    bundle = a_bundle("policy-file", policy_file=str(file))
    assert refresh(bundle) == [("dag admitted", [])]
    assert not is_refused(bundle, "reports")

    file.write_text("max_retries: 3\n")
    assert refresh(bundle) == [("dag refused", ["retries.too-many @ airflow.tasks.build.retries"])]
    assert is_refused(bundle, "reports")
    assert refresh(bundle) == []
    version = bundle.get_current_version()

    account.register("late", dag_labels("late"))
    file.write_text("max_retry: 3\n")
    with pytest.raises(PolicyError, match="did you mean max_retries"):
        bundle.refresh()
    file.unlink()
    with pytest.raises(PolicyError, match="can't be read: No such file"):
        bundle.refresh()
    assert bundle.get_current_version() == version
    assert is_refused(bundle, "reports")
    again = a_bundle("policy-file", policy_file=str(file))
    again.initialize()  # a process that starts now goes on with the last good scan
    assert again.get_current_version() == version

    file.write_text("mode: warn\nmax_retries: 3\n")
    assert refresh(bundle) == [
        ("dag admitted", []),
        ("dag admitted", ["retries.too-many @ airflow.tasks.build.retries"]),
    ]
    assert not is_refused(bundle, "reports")


def test_a_broken_policy_and_no_good_scan_is_no_dag_at_all(account: EcsAccount) -> None:
    account.register("reports", dag_labels())
    bundle = a_bundle("policy-broken", policy={"max_task": 3})
    with pytest.raises(PolicyError, match="the policy of the bundle policy-broken:\n  - max_task: unknown field"):
        bundle.initialize()
    assert family_files(bundle.base_dir) == {}


def test_arguments_of_the_bundle(account: EcsAccount) -> None:
    account.register("reports", dag_labels("a.reports"))
    account.register("others", dag_labels("b.reports"))
    bundle = a_bundle("policy-arguments", dag_id_prefix="a.", policy={"clusters": ["work"], "max_dags": 5})
    assert refresh(bundle) == [
        ("dag refused", ["dag-id.source-prefix @ airflow.dag.dag_id"]),
        ("dag admitted", []),
    ]
    both = a_bundle("policy-both", policy={}, policy_file="x.yaml")
    with pytest.raises(PolicyError, match="exclude each other"):
        both.refresh()


def test_the_moment_of_the_registration_is_known(account: EcsAccount) -> None:
    definition = account.definition()
    assert definition.registered_at.endswith("+00:00")
