"""The DAGs of an app that is not deployed: decoded, judged and built into Airflow's own DAGs as Airflow's side does it.

What only a deployment knows (the name of a cluster) is its name in the template; ids of subnets and security groups are
made up.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_ecs_dag_cli.local_aws import ACCOUNT, REGION
from airflow_ecs_dag_cli.processes import LocalRunError
from airflow_ecs_dag_loader.admission import refusal
from airflow_ecs_dag_loader.dag_file import buildable_dag
from airflow_ecs_dag_loader.definition import Container, Definition
from airflow_ecs_dag_loader.proof import check_serializable
from airflow_ecs_dag_loader.source import RegistrySource
from airflow_ecs_dag_schema import LabelError, decode, stack_template
from airflow_ecs_dag_schema.undeployed import read_undeployed, without_tokens

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow.sdk import DAG

    from airflow_ecs_dag_cli.cloud_assembly import Json, Stack
    from airflow_ecs_dag_schema import DagSpec, Policy
    from airflow_ecs_dag_schema.stack_template import DeclaredDag


_RESOURCE = re.compile(r'\{"(?:Ref|Fn::GetAtt)": \(?"(?P<name>[A-Za-z0-9:]+)"')
"""The function in a token that is a resource's own value: its name, or one of its attributes."""

_ID_PREFIXES = {"airflow.ecs.subnets.": "subnet-", "airflow.ecs.security_groups.": "sg-"}
"""Labels whose values have a form of AWS' own."""


class DagsRefusedError(LocalRunError):
    """Airflow would refuse DAGs of an app; the message has the reasons."""


def undeployed_dags(stacks: Iterable[Stack], policy: Policy) -> dict[str, DAG]:
    """Return the DAGs of an app's stacks by their ids.

    Raises:
        DagsRefusedError: Airflow would refuse one, or two have the same id.
    """
    now = datetime.now(UTC)
    dags: dict[str, DAG] = {}
    refused: list[str] = []
    for stack in stacks:
        for declared in stack_template.declared_dags(stack.template):
            broken = [each for each in declared.violations(policy, now) if each.refuses(policy.mode)]
            if broken:
                refused += [f"  - {stack.name}: {each.problem}" for each in broken]
                continue
            try:
                dag = _dag(declared, stack, policy)
            except LabelError as error:
                refused.append(f"  - {stack.name}: {error}")
                continue
            if dag.dag_id in dags:
                refused.append(f"  - {stack.name}: a second DAG has the id {dag.dag_id!r}: change one of the two")
            dags[dag.dag_id] = dag
    if refused:
        raise DagsRefusedError("\n".join(["Airflow would refuse these DAGs:", *refused]))
    return dags


def _dag(declared: DeclaredDag, stack: Stack, policy: Policy) -> DAG:
    definition = _definition(declared, stack)
    spec = _spec(declared, definition)
    source = RegistrySource(region_name=stack.region or REGION, cluster="default").serving(spec, policy)
    try:
        dag = buildable_dag(definition, spec, source)
        check_serializable(dag)
    except LabelError as error:
        raise DagsRefusedError(refusal(definition, error)) from error
    return dag


def _spec(declared: DeclaredDag, definition: Definition) -> DagSpec:
    """Return what the labels mean with names for what is not known yet; where no name can be, something plausible."""
    try:
        return decode(definition.labels)
    except LabelError:
        reading = read_undeployed(declared.labels)
        if reading.spec is None:
            raise LabelError(reading.problems) from None
        return reading.spec


def _definition(declared: DeclaredDag, stack: Stack) -> Definition:
    properties: Json = stack.template["Resources"][declared.logical_id]["Properties"]
    family = properties.get("Family")
    family = family if isinstance(family, str) else declared.logical_id
    region, account = stack.region or REGION, stack.account or ACCOUNT
    return Definition(
        arn=f"arn:aws:ecs:{region}:{account}:task-definition/{family}:1",
        labels={label: _named(text, _prefix(label)) for label, text in declared.labels.items()},
        labelled_container=declared.labelled[0],
        containers=tuple(
            Container(str(each.get("Name")), is_essential=each.get("Essential", True) is not False)
            for each in properties["ContainerDefinitions"]
        ),
        registered_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _prefix(label: str) -> str:
    return next((prefix for place, prefix in _ID_PREFIXES.items() if label.startswith(place)), "")


def _named(text: str, prefix: str) -> str:
    """Return a label's text with the names of resources, or ids like theirs, for what only the deployment knows."""
    parts = without_tokens(text, by="\0\\g<name>\0").split("\0")
    return "".join(_name(part, prefix) if place % 2 else part for place, part in enumerate(parts))


def _name(token: str, prefix: str) -> str:
    if prefix:
        return f"{prefix}{hashlib.sha256(token.encode()).hexdigest()[:17]}"
    found = _RESOURCE.match(token)
    return found["name"].rpartition("::")[2] if found else "known-at-deploy"
