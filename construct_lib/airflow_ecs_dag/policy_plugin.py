"""The platform's policy at synth, for CI: the verdicts that Airflow's loader will give, before anything is deployed.

::

    app = App()
    Validations.of(app).add_plugins(AirflowPolicyPlugin("airflow-policy.yaml"))
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import jsii

from airflow_ecs_dag_schema.policy import Policy
from airflow_ecs_dag_schema.problems import shown
from airflow_ecs_dag_schema.stack_template import declared_dags
from airflow_ecs_dag_schema.violations import RULES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_ecs_dag_schema.stack_template import DeclaredDag
    from airflow_ecs_dag_schema.violations import Violation

_TEMPLATE = ".template.json"
_NESTED = ".nested.template.json"
_WARNING = "warning"


@jsii.implements(cdk.IPolicyValidationPlugin)
class AirflowPolicyPlugin:
    """Applies the platform's policy to the DAGs of an app's templates, nested stacks included.

    With ``mode: enforce`` a violation ends the synthesis; with ``mode: warn`` it is a warning in the report. What only
    Airflow knows is left to it: dag ids that others have, places under ``max_dags``, the prefix of the source.

    Args:
        policy_file: The platform's policy, the YAML file that Airflow has too.

    Raises:
        PolicyError: The file can't be read, or holds no policy.
    """

    def __init__(self, policy_file: str | Path) -> None:
        self._policy = Policy.read(policy_file)

    @property
    def name(self) -> str:
        """The name in the validation report."""
        return "airflow-ecs-dag"

    @property
    def version(self) -> str:
        """The version of this package."""
        return version("airflow-ecs-dag")

    @property
    def rule_ids(self) -> list[str]:
        """The ids of the rules."""
        return list(RULES)

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Judge each DAG; called by the CDK when the templates are written."""
        now = datetime.now(UTC)
        violations = [
            self._reported(violation, dag, path)
            for path in _with_nested(map(Path, context.template_paths))
            for dag in declared_dags(json.loads(path.read_bytes()))
            for violation in dag.violations(self._policy, now)
        ]
        return cdk.PolicyValidationPluginReport(
            success=all(violation.severity == _WARNING for violation in violations), violations=violations
        )

    def _reported(self, violation: Violation, dag: DeclaredDag, path: Path) -> cdk.PolicyViolation:
        problem = violation.problem
        got = "" if problem.value is None else f" (got {shown(problem.value)})"
        return cdk.PolicyViolation(
            rule_name=violation.rule,
            description=f"{violation.path}: {violation.message}{got}",
            fix=violation.remedy,
            severity="error" if violation.refuses(self._policy.mode) else _WARNING,
            violating_resources=[
                cdk.PolicyViolatingResource(
                    resource_logical_id=dag.logical_id,
                    template_path=str(path),
                    locations=[f"{dag.location}/{violation.path}"],
                )
            ],
        )


def _with_nested(templates: Iterable[Path]) -> Iterator[Path]:
    """Yield each template and those of its nested stacks, which the CDK leaves out but publishes as its assets."""
    for template in templates:
        yield template
        assets = template.with_name(f"{template.name.removesuffix(_TEMPLATE)}.assets.json")
        if assets.exists():
            files: dict[str, Any] = json.loads(assets.read_bytes()).get("files", {})
            for file in files.values():
                name = file.get("source", {}).get("path", "")
                if name.endswith(_NESTED):
                    yield template.with_name(name)
