"""The doctor's questions to IAM: may the role of Airflow's workers run the DAG's tasks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_cli.aws_failures import AwsFailure
from airflow_ecs_dag_cli.checkup import Check, Status
from airflow_ecs_dag_loader.aws_answers import NO_ANSWER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_ecs import ECSClient

    from airflow_ecs_dag_cli.registry_checks import Found
    from airflow_ecs_dag_loader.definition import Definition
    from airflow_ecs_dag_schema import DagSpec

_NO_ENTITY = "NoSuchEntity"
_ANY = "airflow-ecs-dag"
"""Stands for what ECS makes up when a task is started: its id, and its log stream."""


@dataclass(frozen=True)
class _Right:
    """One call that a worker makes: the action, what it is on, and what IAM is told beside."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)


@dataclass
class _Findings:
    """What was found so far."""

    wrong: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def lack(self, text: str) -> None:
        """Note what is wrong, once."""
        if text not in self.wrong:
            self.wrong.append(text)

    def check(self, text: str) -> Check:
        """Return the whole as one check."""
        details = (*self.wrong, *self.unknown)
        if self.wrong:
            return Check("permissions", Status.PROBLEM, "a run would fail: have these allowed or made", details)
        if self.unknown:
            return Check("permissions", Status.NOT_KNOWN, "not all of it could be looked at", details)
        return Check("permissions", Status.OK, text)


def check_permissions(
    iam: Any,  # noqa: ANN401 - a service without type stubs here
    ecs: ECSClient,
    *,
    role: str,
    found: Found,
    definition: Definition,
    spec: DagSpec,
    cluster: str,
) -> Check:
    """Check that the cluster and the task's roles are there, and that the workers' role may do what a run does.

    What the caller may not ask is not known, which is no problem of the DAG's.

    Args:
        iam: A client for IAM, of the account that the DAG is in.
        ecs: A client for ECS, of its region.
        role: ARN of the role that runs the DAG's tasks.
        found: The revision.
        definition: The same as the loader keeps it.
        spec: The DAG.
        cluster: Name or ARN of the cluster that it runs on.
    """
    findings = _Findings()
    cluster_arn = cluster if cluster.startswith("arn:") else _arn(found, "ecs", f"cluster/{cluster}")
    _look_at_cluster(ecs, cluster_arn, findings)
    task_roles = [
        str(found.task_definition[key]) for key in ("taskRoleArn", "executionRoleArn") if found.task_definition.get(key)
    ]
    for each in dict.fromkeys(task_roles):
        _look_at_role(iam, each, findings)
    for right in _rights(found, definition, spec, cluster_arn, task_roles):
        _simulate(iam, role, right, findings)
    return findings.check(f"{role} may run, watch and stop its tasks on {cluster_arn}")


def _look_at_cluster(ecs: ECSClient, cluster: str, findings: _Findings) -> None:
    try:
        clusters = ecs.describe_clusters(clusters=[cluster])["clusters"]
    except NO_ANSWER as error:
        findings.unknown.append(f"the cluster {cluster}: {AwsFailure.of(error)}")
        return
    status = clusters[0].get("status") if clusters else "not there"
    if status != "ACTIVE":
        findings.lack(f"the cluster {cluster} is {status}: create it, or name another one in the DAG")


def _look_at_role(iam: Any, role: str, findings: _Findings) -> None:  # noqa: ANN401 - as above
    try:
        iam.get_role(RoleName=role.rpartition("/")[2])
    except NO_ANSWER as error:
        failure = AwsFailure.of(error)
        if failure.code == _NO_ENTITY:
            findings.lack(f"the task definition names the role {role}, which is not there: deploy its stack again")
        else:
            findings.unknown.append(f"the role {role}: {failure}")


def _rights(
    found: Found, definition: Definition, spec: DagSpec, cluster: str, task_roles: list[str]
) -> Iterator[_Right]:
    task = _arn(found, "ecs", f"task/{cluster.rpartition('/')[2]}/{_ANY}")
    yield _Right("ecs:RunTask", found.arn.text, {"ecs:cluster": cluster})
    yield _Right("ecs:DescribeTasks", task, {"ecs:cluster": cluster})
    yield _Right("ecs:StopTask", task, {"ecs:cluster": cluster})
    yield _Right("ecs:ListTasks", "*", {"ecs:cluster": cluster})
    yield _Right("ecs:TagResource", task, {"ecs:CreateAction": "RunTask"})
    for role in dict.fromkeys(task_roles):
        yield _Right("iam:PassRole", role, {"iam:PassedToService": "ecs-tasks.amazonaws.com"})
    container = definition.container(spec.ecs.container_name)
    if (logs := container.logs) is not None:
        stream = f"log-group:{logs.group}:log-stream:{logs.stream_prefix}/{container.name}/{_ANY}"
        yield _Right("logs:GetLogEvents", _arn(found, "logs", stream, region=logs.region))


def _simulate(iam: Any, role: str, right: _Right, findings: _Findings) -> None:  # noqa: ANN401 - as above
    context = [
        {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
        for key, value in right.context.items()
    ]
    try:
        answer = iam.simulate_principal_policy(
            PolicySourceArn=role,
            ActionNames=[right.action],
            ResourceArns=[right.resource],
            ContextEntries=context,
        )
        decision = answer["EvaluationResults"][0]["EvalDecision"]
    except (*NO_ANSWER, IndexError) as error:
        failure = AwsFailure.of(error)
        if failure.code == _NO_ENTITY:
            findings.lack(f"the role {role} is not there: give the one that Airflow's workers run tasks with")
        else:
            findings.unknown.append(f"{right.action} on {right.resource}: {failure}")
        return
    if decision != "allowed":
        why = "a policy denies it" if decision == "explicitDeny" else "no policy allows it"
        findings.lack(f"{role} may not {right.action} on {right.resource}: {why}")


def _arn(found: Found, service: str, resource: str, *, region: str | None = None) -> str:
    partition = found.arn.text.split(":")[1]
    return f"arn:{partition}:{service}:{region or found.arn.region}:{found.arn.account}:{resource}"
