"""The rules of a policy that allow what they name: ids, kinds, templates, places, addresses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_ecs_dag_schema.exchange import bucket_and_key
from airflow_ecs_dag_schema.globs import may_match
from airflow_ecs_dag_schema.references import templates_of
from airflow_ecs_dag_schema.tasks import EcsTaskSpec
from airflow_ecs_dag_schema.templates import names_in
from airflow_ecs_dag_schema.undeployed import token
from airflow_ecs_dag_schema.violations import Violation, listed, names, not_listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_ecs_dag_schema.dag import DagSpec
    from airflow_ecs_dag_schema.ecs_settings import EcsSettings
    from airflow_ecs_dag_schema.policy import Policy
    from airflow_ecs_dag_schema.violations import Facts

_DEFAULT_GROUP = "default"
_FARGATE = ("FARGATE", "FARGATE_SPOT")
"""The capacity providers that are AWS's own; each other one is a group of EC2 instances."""
_PARTITIONS = ("aws", "aws-cn", "aws-eusc", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-us-gov")
"""AWS's partitions: an ARN of the DAG's own place begins with one of them."""


def dag_id_violations(spec: DagSpec, policy: Policy, _: Facts) -> Iterator[Violation]:
    """Yield what is wrong with the DAG's names."""
    path = "airflow.dag.dag_id"
    if policy.dag_id_prefix is not None and not may_match(f"{policy.dag_id_prefix}*", spec.dag_id):
        yield Violation(
            "dag-id.prefix",
            path,
            spec.dag_id,
            f"a dag id here begins with {policy.dag_id_prefix}",
            f"name the DAG {policy.dag_id_prefix.rstrip('*')}{spec.dag_id} or the like",
        )
    if policy.dag_id_pattern is not None and re.fullmatch(policy.dag_id_pattern, spec.dag_id) is None:
        yield Violation(
            "dag-id.pattern",
            path,
            spec.dag_id,
            f"a dag id here matches the regular expression {ascii(policy.dag_id_pattern)[1:-1]} whole",
            "choose another one",
        )
    yield from listed("owner.not-allowed", "owner", policy.owners, [("airflow.dag.owner", spec.owner)])
    yield from listed("tag.not-allowed", "tag", policy.tags, _numbered("airflow.dag.tags", spec.tags))


def kind_violations(spec: DagSpec, policy: Policy, _: Facts) -> Iterator[Violation]:
    """Yield the kinds of task and of schedule that are not allowed."""
    yield from listed(
        "task.kind",
        "kind of task",
        policy.task_kinds,
        ((f"airflow.tasks.{spec.keys[task.task_id]}.kind", task.kind) for task in spec.tasks),
    )
    yield from listed(
        "schedule.kind", "kind of schedule", policy.schedules, [("airflow.dag.schedule.kind", spec.schedule.kind)]
    )


def template_violations(spec: DagSpec, policy: Policy, _: Facts) -> Iterator[Violation]:
    """Yield what templates use and may not."""
    if policy.template_variables is policy.template_filters is policy.template_functions is None:
        return
    for path, text in _templated(spec):
        used_names = names_in(text)
        for rule, what, allowed, used in (
            ("template.variable", "template variable", policy.template_variables, used_names.variables),
            ("template.filter", "template filter", policy.template_filters, used_names.filters),
            ("template.function", "template function", policy.template_functions, used_names.functions),
        ):
            yield from listed(rule, what, allowed, ((path, name) for name in sorted(used)))


def place_violations(spec: DagSpec, policy: Policy, facts: Facts) -> Iterator[Violation]:
    """Yield the clusters and networks that a DAG may not use."""
    ecs = spec.ecs
    if (
        policy.clusters is not None
        and ecs.cluster is not None
        and not any(_same_cluster(glob, ecs.cluster, facts) for glob in policy.clusters)
    ):
        yield not_listed("cluster.not-allowed", "cluster", policy.clusters, "airflow.ecs.cluster", ecs.cluster)
    yield from listed("subnet.not-allowed", "subnet", policy.subnets, _numbered("airflow.ecs.subnets", ecs.subnets))
    groups = list(_numbered("airflow.ecs.security_groups", ecs.security_groups))
    if ecs.subnets and not groups:
        groups = [("airflow.ecs.security_groups", _DEFAULT_GROUP)]
    yield from listed("security-group.not-allowed", "security group", policy.security_groups, groups)
    if ecs.assign_public_ip and not policy.public_ip:
        yield Violation(
            "public-ip.not-allowed",
            "airflow.ecs.assign_public_ip",
            "true",
            "a public address is not allowed here",
            "run the tasks in private subnets, without assign_public_ip",
        )


def exchange_violations(spec: DagSpec, policy: Policy, _: Facts) -> Iterator[Violation]:
    """Yield the bucket through which a DAG may not exchange inputs and outputs."""
    if spec.exchange is not None:
        bucket, _key = bucket_and_key(spec.exchange)
        yield from listed("exchange.not-allowed", "bucket", policy.exchange_buckets, [("airflow.dag.exchange", bucket)])


def launch_violations(spec: DagSpec, policy: Policy, _: Facts) -> Iterator[Violation]:
    """Yield the launch types and capacity providers that a DAG may not use."""
    yield from _launch(spec.ecs, policy, "airflow.ecs")
    for task in spec.tasks:
        if isinstance(task, EcsTaskSpec) and (task.launch_type or task.capacity_provider_strategy):
            yield from _launch(task, policy, f"airflow.tasks.{spec.keys[task.task_id]}")


def _launch(ecs: EcsSettings | EcsTaskSpec, policy: Policy, path: str) -> Iterator[Violation]:
    strategy = [
        (f"{path}.capacity_provider_strategy.{number}.name", provider.name)
        for number, provider in enumerate(ecs.capacity_provider_strategy)
    ]
    if policy.capacity_providers is not None:
        yield from listed("capacity-provider.not-allowed", "capacity provider", policy.capacity_providers, strategy)
    elif policy.launch_types is not None:
        yield from _providers_by_launch_type(strategy, policy.launch_types)
    if policy.launch_types is None:
        return
    if ecs.launch_type is not None:
        named = [(f"{path}.launch_type", ecs.launch_type)]
        yield from listed("launch-type.not-allowed", "launch type", policy.launch_types, named)
    elif not strategy:
        yield Violation(
            "launch-type.missing",
            f"{path}.launch_type",
            None,
            f"a DAG here names its launch type, one of {names(policy.launch_types)}, or a capacity provider strategy",
            "give launch_type",
        )


def _providers_by_launch_type(strategy: Iterable[tuple[str, str]], launch_types: Iterable[str]) -> Iterator[Violation]:
    for path, name in strategy:
        on_fargate = any(may_match(provider, name) for provider in _FARGATE)
        kinds = ({"FARGATE"} if on_fargate else set()) | (set() if name in _FARGATE else {"EC2"})
        if not kinds & set(launch_types):
            yield Violation(
                "capacity-provider.not-allowed",
                path,
                name,
                f"this capacity provider runs tasks on {' or '.join(sorted(kinds))}, and the launch types allowed "
                f"here are {names(launch_types)}",
                "choose another capacity provider",
            )


def alert_violations(spec: DagSpec, policy: Policy, _: Facts) -> Iterator[Violation]:
    """Yield the addresses that a DAG may not write to."""
    if policy.alert_domains is None:
        return
    for number, alert in enumerate(spec.alerts):
        for path, address in _numbered(f"airflow.dag.alerts.{number}.to", getattr(alert, "to", ())):
            if not any(may_match(f"*@{glob}", address, ignore_case=True) for glob in policy.alert_domains):
                yield Violation(
                    "alert.domain",
                    path,
                    address,
                    f"alerts go only to addresses at {names(policy.alert_domains)}",
                    "give another address",
                )


def _same_cluster(glob: str, cluster: str, facts: Facts) -> bool:
    """Tell whether ``cluster`` is, or may become, one of ``glob``; a name is a cluster of the DAG's own place."""
    place = f"arn:*:ecs:{facts.region or '*'}:{facts.account or '*'}:cluster/"
    if glob.startswith("arn:"):
        return may_match(glob, cluster) or (not cluster.startswith("arn:") and _may_name(glob, cluster, facts))
    name = cluster.rpartition("/")[2] if cluster.startswith("arn:") else cluster
    return may_match(glob, name) and (name == cluster or may_match(f"{place}*", cluster))


def _may_name(glob: str, name: str, facts: Facts) -> bool:
    """Tell whether the ARN of the cluster ``name`` in the DAG's place is, or may become, one of ``glob``.

    Part by part, because an unknown part of an ARN is never more than that part.
    """
    place = token("Partition"), facts.region or token("Region"), facts.account or token("Account")
    parts = ("arn", place[0], "ecs", *place[1:], f"cluster/{name}")
    globs = glob.split(":")
    if len(globs) != len(parts):
        return any(may_match(glob, ":".join(("arn", partition, *parts[2:]))) for partition in _PARTITIONS)
    return all(may_match(each, part) for each, part in zip(globs, parts, strict=True))


def _templated(spec: DagSpec) -> Iterator[tuple[str, str]]:
    for task in spec.tasks:
        for path, text in templates_of(task):
            yield f"airflow.tasks.{spec.keys[task.task_id]}.{path}", text


def _numbered(path: str, items: Iterable[str]) -> Iterator[tuple[str, str]]:
    return ((f"{path}.{number}", item) for number, item in enumerate(items))
