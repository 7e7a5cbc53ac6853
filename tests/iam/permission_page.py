"""The roles of docs/permissions.md, by the page's own code; `python -m iam.permission_page` writes its policies."""

from __future__ import annotations

import json
import re
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iam.resolved_templates import Policy, Role, roles

if TYPE_CHECKING:
    from aws_cdk import App

PAGE = Path(__file__).parents[2] / "docs" / "permissions.md"
PLATFORM, PROJECT = "111111111111", "222222222222"
_SECTION = re.compile(r"(?<=\n## The policies\n\n).*?(?=\n## )", re.DOTALL)
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def page_app(folder: str) -> App:
    """Run the page's code and return its app, which synthesizes to `folder`."""
    values: dict[str, Any] = {}
    for block in _BLOCK.findall(PAGE.read_text()):
        exec(block.replace("App()", f"App(outdir={folder!r})"), values)  # noqa: S102 - the page's own code
    app: App = values["app"]
    return app


@cache
def page_roles() -> dict[str, Role]:
    """Return the roles of the page's app by ARN."""
    with tempfile.TemporaryDirectory() as folder:
        return roles(page_app(folder).synth())


def role(account: str, name: str) -> Role:
    return page_roles()[f"arn:aws:iam::{account}:role/{name}"]


def section() -> str:
    """Return the page's section with all policies."""
    loader, runner = role(PLATFORM, "airflow-loader"), role(PLATFORM, "airflow-runner")
    scan, run = role(PROJECT, "airflow-scan"), role(PROJECT, "airflow-run")
    policies = [
        ("`LoaderRole`: airflow-loader", loader.policies["Platform"][0]),
        ("`RunnerRole` with `access`: airflow-runner", runner.policies["Platform"][0]),
        ("`dag.grant_run`: what the stack Invoices adds to airflow-runner", runner.policies["Invoices"][0]),
        ("`RegistryScanRole`: airflow-scan", scan.policies["Orders"][0]),
        ("`RegistryScanRole`: who may take airflow-scan on", scan.trust),
        ("`TaskRunRole`: airflow-run, without what DAGs add with `grant_run`", _reading(run)),
        ("`TaskRunRole`: who may take airflow-run on", run.trust),
    ]
    return "\n".join(f"### {title}\n\n```json\n{_text(policy)}\n```\n" for title, policy in policies if policy)


def _reading(of: Role) -> Policy:
    (found,) = [policy for policy in of.all_policies if "ecs:ListTaskDefinitions" in json.dumps(policy)]
    return found


def _text(policy: Policy) -> str:
    """Write a policy with one line for each key of a statement."""
    statements = []
    for statement in policy["Statement"]:
        lines = [f"      {json.dumps(key)}: {json.dumps(value)}" for key, value in statement.items()]
        statements.append("    {\n" + ",\n".join(lines) + "\n    }")
    return (
        f'{{\n  "Version": {json.dumps(policy["Version"])},\n  "Statement": [\n' + ",\n".join(statements) + "\n  ]\n}"
    )


def page_section() -> str:
    (found,) = _SECTION.findall(PAGE.read_text())
    return str(found)


if __name__ == "__main__":
    import iam.conftest  # noqa: F401 - the jsii kernel's settings

    PAGE.write_text(_SECTION.sub(lambda _: section(), PAGE.read_text()))
