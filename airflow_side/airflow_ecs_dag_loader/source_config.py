"""The sources of a bundle as a platform writes them down: in the bundle's arguments, or in a YAML file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from airflow_ecs_dag_schema import DagDefinitionError, Policy, Problem
from airflow_ecs_dag_schema.plain_yaml import parse_yaml, read_text
from airflow_ecs_dag_schema.problems import shown
from airflow_ecs_dag_schema.validation import spec_problems
from airflow_ecs_dag_schema.values import FrozenModel, Many, pattern, sorted_unique

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_MOST_SOURCES = 500
_Text = Annotated[str, Field(min_length=1, max_length=300)]
_Name = Annotated[str, pattern(r"[a-z0-9-]{1,40}", "1 to 40 of a-z 0-9 -")]
_Region = Annotated[str, pattern(r"[a-z0-9-]{1,40}", "the name of an AWS region, such as eu-west-1")]
_RoleArn = Annotated[
    str,
    pattern(
        r"arn:aws[a-z-]*:iam::\d{12}:role/[A-Za-z0-9_+=,.@/-]{1,512}",
        "the ARN of a role, such as arn:aws:iam::123456789012:role/airflow-scan",
    ),
]
_ExternalId = Annotated[str, pattern(r"[A-Za-z0-9_+=,.@:/-]{2,1224}", "2 to 1224 of A-Z a-z 0-9 _ + = , . @ : / -")]
_FamilyPrefix = Annotated[str, pattern(r"[A-Za-z0-9_-]{1,255}", "1 to 255 of A-Z a-z 0-9 _ -")]


class SourceError(DagDefinitionError):
    """Sources that can't be: none of them is scanned; ``problems`` names each field."""

    _paragraph = "the-bundles-configuration-is-wrong"

    def __init__(self, problems: Iterable[Problem], *, subject: str = "the sources") -> None:
        super().__init__(problems, subject=subject)


class SourceConfig(FrozenModel):
    """One account, or a part of it, in one or more regions; all but the name and the regions may be left out.

    Attributes:
        name: What logs, metrics and the folder of the state call it; no two sources of a bundle have the same one.
        regions: AWS regions to scan, each by itself.
        role_arn: Role that is assumed for scanning.
        external_id: What the role asks of whoever assumes it.
        aws_conn_id: Airflow connection for scanning, or for assuming the role; without it, the process's own
            credentials.
        run_aws_conn_id: Airflow connection for running tasks; without it, ``aws_conn_id``.
        family_prefix: Only task definition families that begin so.
        cluster: Cluster for DAGs that name none.
        clusters: The policy's field ``clusters``, for this source.
        dag_id_prefix: What each dag id of this source begins with. One of several sources needs it, and none may begin
            with another one's, or else one project could claim another one's dag ids.
        shared_dag_ids: Whether that is no danger: the same people are behind this source and each other one with an
            overlapping prefix, which says so, too. The first owner of a dag id keeps it.
        max_dags: The policy's field ``max_dags``, for this source.
        policy: What these DAGs may be; without it and ``policy_file``, the bundle's policy.
        policy_file: The same as the path of a YAML file, read anew at each refresh.
    """

    name: _Name
    regions: Annotated[Many[_Region], Field(min_length=1, max_length=100), AfterValidator(sorted_unique)]
    role_arn: _RoleArn | None = None
    external_id: _ExternalId | None = None
    aws_conn_id: _Text | None = None
    run_aws_conn_id: _Text | None = None
    family_prefix: _FamilyPrefix | None = None
    cluster: _Text | None = None
    clusters: Many[_Text] | None = None
    dag_id_prefix: _Text | None = None
    shared_dag_ids: bool = False
    max_dags: int | None = None
    policy: Policy | None = None
    policy_file: _Text | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.external_id is not None and self.role_arn is None:
            raise _problem("external_id", "only an assumed role asks for it: give role_arn too, or leave it out")
        if self.policy is not None and self.policy_file is not None:
            raise _problem("policy_file", "policy and policy_file exclude each other: keep one")
        return self

    def own_policy(self, of_bundle: Policy) -> Policy:
        """Return the policy of this source; its file is read now.

        Args:
            of_bundle: What holds for sources without one of their own.

        Raises:
            PolicyError: It is none.
            SourceError: It says what the source itself says too.
        """
        subject = f"the policy of the source {self.name}"
        policy = Policy.read(self.policy_file) if self.policy_file else self.policy
        if policy is None:
            policy = of_bundle
        else:
            for name in _SHORT:
                if getattr(self, name) is not None and name in policy.model_fields_set:
                    raise _problem(name, f"the source {self.name} and its policy both have it: keep one of the two")
        short = {name: value for name in _SHORT if (value := getattr(self, name)) is not None}
        fields = {name: getattr(policy, name) for name in policy.model_fields_set}
        return Policy.of({**fields, **short}, subject=subject) if short else policy


_SHORT = ("clusters", "max_dags")
"""Fields of a policy that a source may have without one."""


def _problem(path: str, message: str) -> SourceError:
    return SourceError([Problem(path, message)])


def prefixes_overlap(one: str | None, other: str | None) -> bool:
    """Tell whether a dag id may begin as both say; without a prefix it may begin in any way."""
    return (one or "").startswith(other or "") or (other or "").startswith(one or "")


class _Sources(FrozenModel):
    sources: Annotated[Many[SourceConfig], Field(min_length=1, max_length=_MOST_SOURCES)]

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        names = [source.name for source in self.sources]
        for number, name in enumerate(names):
            if name in names[:number]:
                raise _problem(f"sources.{number}.name", f"another source is called {name} too: choose another name")
        return self

    @model_validator(mode="after")
    def _check_prefixes(self) -> Self:
        for number, source in enumerate(self.sources):
            for other in self.sources[:number]:
                overlap = prefixes_overlap(source.dag_id_prefix, other.dag_id_prefix)
                if overlap and not (source.shared_dag_ids and other.shared_dag_ids):
                    raise _problem(
                        f"sources.{number}.dag_id_prefix",
                        f"the source {other.name} may claim the same dag ids, its dag_id_prefix is "
                        f"{other.dag_id_prefix or 'not given'}: give each source one, none of which begins with "
                        "another; or shared_dag_ids: true to both, if the same people are behind them",
                    )
        return self


def source_configs(values: object, *, subject: str = "the sources") -> tuple[SourceConfig, ...]:
    """Return the sources that a list of their fields holds.

    Raises:
        SourceError: With every problem found.
    """
    return _of({"sources": values}, subject)


def read_source_configs(path: Path | str) -> tuple[SourceConfig, ...]:
    """Return the sources of a YAML file, which has them under ``sources``.

    Raises:
        SourceError: The file can't be read, or holds something else.
    """
    subject = f"the sources {path}"

    def fails(problem: Problem) -> SourceError:
        return SourceError([problem], subject=subject)

    content = parse_yaml(read_text(path, what="sources", fails=fails), what="sources", fails=fails)
    if not isinstance(content, dict):
        raise fails(Problem("sources", "expected the field sources with a list below it", shown(content)))
    return _of(content, subject)


def _of(fields: dict[Any, Any], subject: str) -> tuple[SourceConfig, ...]:
    try:
        return tuple(_Sources.model_validate({str(name): value for name, value in fields.items()}).sources)
    except ValidationError as error:
        raise SourceError(spec_problems(error, (), _Sources), subject=subject) from None
