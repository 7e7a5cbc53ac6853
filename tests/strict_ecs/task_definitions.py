"""The task definitions of one account and region: families, their revisions, and what ECS says about them."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from strict_ecs.page_tokens import PageTokens
from strict_ecs.wire import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LARGEST = 65_536
MOST_CONTAINERS = 10
MOST_TAGS = 50
_FAMILY = re.compile(r"[A-Za-z0-9_-]{1,255}\Z")
_ARN = re.compile(
    r"arn:aws:ecs:(?P<region>[^:]+):(?P<account>\d{12}):task-definition/(?P<family>[^:/]+):(?P<revision>\d+)\Z"
)
_NAME = re.compile(r"(?P<family>[^:/]+)(?::(?P<revision>\d+))?\Z")
_OF_A_CONTAINER: Mapping[str, Any] = {
    "cpu": 0,
    "essential": True,
    "environment": [],
    "mountPoints": [],
    "portMappings": [],
    "volumesFrom": [],
}
"""What ECS adds to a container that doesn't say it."""


@dataclass
class Revision:
    """One revision of a family.

    Attributes:
        content: The task definition as DescribeTaskDefinition answers it.
        tags: Asked for apart from it.
        since: Number of the change that registered it.
        until: Number of the change that deregistered it.
    """

    content: dict[str, Any]
    tags: list[dict[str, str]]
    since: int
    until: int | None = None

    @property
    def arn(self) -> str:
        """What it is called, for ever."""
        return str(self.content["taskDefinitionArn"])

    @property
    def place(self) -> tuple[str, int]:
        """Its place in a list."""
        return self.content["family"], self.content["revision"]

    def is_active(self, change: int) -> bool:
        """Tell whether it was ACTIVE after the change with this number."""
        return self.since <= change and (self.until is None or change < self.until)


@dataclass
class TaskDefinitions:
    """The registry of one account and region.

    Methods with the name of an operation take its parameters and return its answer. :meth:`register` and
    :meth:`deregister` are a test's own: no call, no bucket.
    """

    account: str
    region: str
    clock: Callable[[], float]
    _families: dict[str, dict[int, Revision]] = field(default_factory=dict)
    _changes: int = 0
    _tokens: PageTokens = field(default_factory=PageTokens)

    def register(self, family: str, labels: Mapping[str, str] | None = None, **container: Any) -> str:
        """Register a revision with one container, ``main``; return its ARN."""
        main = {"name": "main", "image": "work", "dockerLabels": dict(labels or {}), **container}
        answer = self.register_task_definition({"family": family, "containerDefinitions": [main]})
        return str(answer["taskDefinition"]["taskDefinitionArn"])

    def deregister(self, arn: str) -> None:
        """Make a revision INACTIVE."""
        self.deregister_task_definition({"taskDefinition": arn})

    def newest(self) -> dict[str, int]:
        """Return the number of each family's newest ACTIVE revision."""
        active = {
            family: [number for number, each in revisions.items() if each.until is None]
            for family, revisions in self._families.items()
        }
        return {family: max(numbers) for family, numbers in active.items() if numbers}

    def register_task_definition(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Add a revision, the next number of its family, which no deregistering gives back.

        Raises:
            AwsError: ECS would not have it.
        """
        check_registration(parameters)
        content = {name: deepcopy(value) for name, value in parameters.items() if name != "tags"}
        family, containers = str(content["family"]), content["containerDefinitions"]
        tags = list(parameters.get("tags") or [])
        revisions = self._families.setdefault(family, {})
        number = len(revisions) + 1
        content |= {
            "taskDefinitionArn": f"arn:aws:ecs:{self.region}:{self.account}:task-definition/{family}:{number}",
            "containerDefinitions": [dict(_OF_A_CONTAINER) | each for each in containers],
            "revision": number,
            "status": "ACTIVE",
            "volumes": content.get("volumes", []),
            "placementConstraints": content.get("placementConstraints", []),
            "compatibilities": ["EC2", "FARGATE"],
            "registeredAt": self.clock(),
            "registeredBy": f"arn:aws:iam::{self.account}:root",
        }
        self._changes += 1
        revisions[number] = Revision(content, tags, self._changes)
        return {"taskDefinition": deepcopy(content), "tags": tags}

    def deregister_task_definition(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Make a revision INACTIVE, at once and for good.

        Raises:
            AwsError: There is none.
        """
        named = str(parameters.get("taskDefinition"))
        if ":" not in named:
            raise AwsError("ClientException", "Revision is missing.")
        revision = self.find(named)
        if revision is None:
            raise AwsError("ClientException", "The specified task definition does not exist.")
        if revision.until is None:
            self._changes += 1
            revision.until = self._changes
            revision.content |= {"status": "INACTIVE", "deregisteredAt": self.clock()}
        return {"taskDefinition": deepcopy(revision.content)}

    def describe_task_definition(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return one revision: of a family without a number the newest ACTIVE one, else the one that is named.

        Raises:
            AwsError: There is none.
        """
        revision = self.find(str(parameters.get("taskDefinition")))
        if revision is None:
            raise AwsError("ClientException", "Unable to describe task definition.")
        tags = {"tags": revision.tags} if "TAGS" in (parameters.get("include") or []) else {}
        return {"taskDefinition": deepcopy(revision.content), **tags}

    def list_task_definitions(self, parameters: Mapping[str, Any], *, stale: bool = False) -> dict[str, Any]:
        """Return a page of ARNs, by family and number.

        Args:
            parameters: Of the call; ``familyPrefix`` is a family's whole name.
            stale: Leave out the last change, as a cache that is behind does.

        Raises:
            AwsError: The page or the status is none.
        """
        family, status = parameters.get("familyPrefix"), parameters.get("status") or "ACTIVE"
        if status not in ("ACTIVE", "INACTIVE", "DELETE_IN_PROGRESS"):
            raise AwsError("InvalidParameterException", f"Invalid status: {status}")
        change = self._changes - 1 if stale else self._changes
        found = {
            revision.place: revision.arn
            for revisions in ([self._families.get(family, {})] if family else self._families.values())
            for revision in revisions.values()
            if _status(revision, change) == status
        }
        question = json.dumps(["definitions", family, status, parameters.get("sort")])
        return self._tokens.page(question, parameters, found, key="taskDefinitionArns")

    def list_task_definition_families(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return a page of families, here by the prefix of their names.

        Raises:
            AwsError: The page or the status is none.
        """
        prefix, status = parameters.get("familyPrefix") or "", parameters.get("status") or "ALL"
        if status not in ("ACTIVE", "INACTIVE", "ALL"):
            raise AwsError("InvalidParameterException", f"Invalid status: {status}")
        found = {
            family: family
            for family, revisions in self._families.items()
            if family.startswith(prefix)
            and status in ("ALL", "ACTIVE" if any(each.until is None for each in revisions.values()) else "INACTIVE")
        }
        question = json.dumps(["families", prefix, status])
        return self._tokens.page(question, {**parameters, "sort": "ASC"}, found, key="families")

    def find(self, named: str) -> Revision | None:
        """Return the revision that an ARN, ``family:revision`` or a family names."""
        if not (match := _ARN.match(named) or _NAME.match(named)):
            return None
        parts = match.groupdict()
        if (parts.get("region", self.region), parts.get("account", self.account)) != (self.region, self.account):
            return None
        revisions = self._families.get(parts["family"], {})
        if parts["revision"] is not None:
            return revisions.get(int(parts["revision"]))
        active = [number for number, each in revisions.items() if each.until is None]
        return revisions[max(active)] if active else None


def check_registration(parameters: Mapping[str, Any]) -> None:
    """Check what RegisterTaskDefinition is given, as ECS does before it looks at what there is.

    Raises:
        AwsError: ECS would not have it.
    """
    content = {name: value for name, value in parameters.items() if name != "tags"}
    family, containers = content.get("family"), content.get("containerDefinitions")
    if not isinstance(family, str) or not _FAMILY.match(family):
        raise AwsError("ClientException", "Family contains invalid characters.")
    if not containers or not isinstance(containers, list):
        raise AwsError("ClientException", "Container list cannot be empty.")
    if len(containers) > MOST_CONTAINERS:
        raise AwsError("ClientException", f"Too many containers: at most {MOST_CONTAINERS}.")
    if any(not each.get("name") or not each.get("image") for each in containers):
        raise AwsError("ClientException", "Container.name and Container.image should not be null or empty.")
    if len({each["name"] for each in containers}) < len(containers):
        raise AwsError("ClientException", "Container names must be unique.")
    if (size := len(json.dumps(content, separators=(",", ":")).encode())) > LARGEST:
        raise AwsError("ClientException", f"Actual length: '{size}'. Max allowed length is '{LARGEST}' bytes.")
    if len(parameters.get("tags") or []) > MOST_TAGS:
        raise AwsError("InvalidParameterException", f"Too many tags: at most {MOST_TAGS}.")


def _status(revision: Revision, change: int) -> str | None:
    if revision.since > change:
        return None
    return "ACTIVE" if revision.is_active(change) else "INACTIVE"
