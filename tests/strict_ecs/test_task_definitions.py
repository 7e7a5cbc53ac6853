"""The registry's limits, order and pages, from a real client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from strict_ecs.strict_aws import Region

MAIN = {"name": "main", "image": "work"}


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return error.value.response["Error"]["Code"]


def test_what_is_registered_is_described_with_its_labels(client: Callable[..., Any]) -> None:
    ecs = client()
    tags = [{"key": "team", "value": "a"}]
    answer = ecs.register_task_definition(
        family="reports", containerDefinitions=[{**MAIN, "dockerLabels": {"airflow.dag.dag_id": "é"}}], tags=tags
    )
    made = answer["taskDefinition"]
    assert made["taskDefinitionArn"] == "arn:aws:ecs:eu-west-1:111122223333:task-definition/reports:1"
    for named in (made["taskDefinitionArn"], "reports:1", "reports"):
        answer = ecs.describe_task_definition(taskDefinition=named)
        assert answer["taskDefinition"] == made
        assert "tags" not in answer
    assert ecs.describe_task_definition(taskDefinition="reports", include=["TAGS"])["tags"] == tags
    (container,) = made["containerDefinitions"]
    assert container["dockerLabels"] == {"airflow.dag.dag_id": "é"}
    assert container["essential"] is True
    assert made["registeredAt"].year == 2026


@pytest.mark.parametrize(
    ("family", "containers", "said"),
    [
        ("a/b", [MAIN], "invalid characters"),
        ("a\n", [MAIN], "invalid characters"),
        ("f" * 256, [MAIN], "invalid characters"),
        ("f", [], "empty"),
        ("f", [{"name": str(n), "image": "x"} for n in range(11)], "Too many containers"),
        ("f", [MAIN, MAIN], "unique"),
        ("f", [{"name": "main"}], "image"),
        ("f", [{**MAIN, "dockerLabels": {"a": "x" * 65_536}}], "Max allowed length is '65536' bytes"),
    ],
)
def test_what_ecs_would_not_register(client: Callable[..., Any], family: str, containers: list[Any], said: str) -> None:
    with pytest.raises(ClientError, match=said) as error:
        client().register_task_definition(family=family, containerDefinitions=containers)
    assert code(error) == "ClientException"


def test_the_largest_that_ecs_registers(client: Callable[..., Any], region: Region) -> None:
    ecs = client()
    containers = [{"name": str(n), "image": "x"} for n in range(10)]
    assert ecs.register_task_definition(family="f" * 255, containerDefinitions=containers)
    room = 65_536 - len(
        '{"family":"f","containerDefinitions":[{"name":"main","image":"work","dockerLabels":{"a":""}}]}'
    )
    assert region.definitions.register("f", {"a": "x" * room})
    with pytest.raises(ClientError, match="Actual length: '65537'"):
        ecs.register_task_definition(
            family="f", containerDefinitions=[{**MAIN, "dockerLabels": {"a": "x" * (room + 1)}}]
        )
    tags = [{"key": str(n), "value": ""} for n in range(51)]
    with pytest.raises(ClientError, match="Too many tags"):
        ecs.register_task_definition(family="f", containerDefinitions=[MAIN], tags=tags)


def test_a_family_means_its_newest_active_revision(client: Callable[..., Any], region: Region) -> None:
    ecs = client()
    arns = [region.definitions.register("reports") for _ in range(3)]
    ecs.deregister_task_definition(taskDefinition="reports:3")
    assert ecs.describe_task_definition(taskDefinition="reports")["taskDefinition"]["taskDefinitionArn"] == arns[1]
    gone = ecs.describe_task_definition(taskDefinition=arns[2])["taskDefinition"]
    assert (gone["status"], gone["deregisteredAt"].year) == ("INACTIVE", 2026)
    assert region.definitions.register("reports").endswith(":4")  # a number is never given out again


@pytest.mark.parametrize(
    "named",
    [
        "nothing",
        "reports:2",
        "arn:aws:ecs:eu-central-1:111122223333:task-definition/reports:1",
        "arn:aws:ecs:eu-west-1:999999999999:task-definition/reports:1",
        "a:b:c",
    ],
)
def test_what_is_not_there_can_not_be_described(client: Callable[..., Any], region: Region, named: str) -> None:
    region.definitions.register("reports")
    with pytest.raises(ClientError, match="Unable to describe task definition") as error:
        client().describe_task_definition(taskDefinition=named)
    assert code(error) == "ClientException"


def test_a_family_without_an_active_revision_can_not_be_described(client: Callable[..., Any], region: Region) -> None:
    region.definitions.deregister(region.definitions.register("reports"))
    with pytest.raises(ClientError, match="Unable to describe"):
        client().describe_task_definition(taskDefinition="reports")


def test_deregistering_needs_a_revision_that_is_there(client: Callable[..., Any], region: Region) -> None:
    region.definitions.register("reports")
    with pytest.raises(ClientError, match="Revision is missing"):
        client().deregister_task_definition(taskDefinition="reports")
    with pytest.raises(ClientError, match="does not exist"):
        client().deregister_task_definition(taskDefinition="reports:2")


def test_a_list_has_families_in_order_and_revisions_by_number(client: Callable[..., Any], region: Region) -> None:
    ecs = client()
    for family in ("b", "a", "ab"):
        for _ in range(10 if family == "a" else 1):
            last = region.definitions.register(family)
    region.definitions.deregister(last)

    def listed(**asked: Any) -> list[str]:
        return [arn.rpartition("/")[2] for arn in ecs.list_task_definitions(**asked)["taskDefinitionArns"]]

    assert listed() == [*(f"a:{number}" for number in range(1, 11)), "b:1"]
    assert listed(sort="DESC") == list(reversed(listed()))
    assert listed(familyPrefix="a") == listed()[:10]  # a whole name: neither ab nor b
    assert listed(status="INACTIVE") == ["ab:1"]
    assert listed(status="DELETE_IN_PROGRESS") == []


@pytest.mark.parametrize("sort", ["ASC", "DESC"])
def test_pages_of_100_that_tokens_lead_through_once(client: Callable[..., Any], region: Region, sort: str) -> None:
    ecs = client()
    arns = [region.definitions.register(f"family-{number:03}") for number in range(250)]
    pages = list(ecs.get_paginator("list_task_definitions").paginate(sort=sort))
    assert [len(page["taskDefinitionArns"]) for page in pages] == [100, 100, 50]
    found = [arn for page in pages for arn in page["taskDefinitionArns"]]
    assert found == (arns if sort == "ASC" else arns[::-1])
    assert "nextToken" not in pages[-1]
    with pytest.raises(ClientError, match="Invalid token"):
        ecs.list_task_definitions(sort=sort, nextToken=pages[0]["nextToken"])


def test_a_token_belongs_to_its_question(client: Callable[..., Any], region: Region) -> None:
    ecs = client()
    for number in range(3):
        region.definitions.register(f"family-{number}")
    for other in ({"sort": "DESC"}, {"status": "INACTIVE"}, {"familyPrefix": "family-0"}):
        token = ecs.list_task_definitions(maxResults=1)["nextToken"]
        with pytest.raises(ClientError, match="Invalid token"):
            ecs.list_task_definitions(nextToken=token, **other)
    with pytest.raises(ClientError, match="Invalid token"):
        ecs.list_task_definitions(nextToken="made-up")
    for size in (0, 101):
        with pytest.raises(ClientError, match="maxResults must be between 1 and 100"):
            ecs.list_task_definitions(maxResults=size)


def test_what_leaves_between_two_pages_costs_no_other_its_place(client: Callable[..., Any], region: Region) -> None:
    ecs = client()
    arns = [region.definitions.register(f"family-{number}") for number in range(4)]
    first = ecs.list_task_definitions(maxResults=2)
    region.definitions.deregister(arns[1])
    rest = ecs.list_task_definitions(maxResults=2, nextToken=first["nextToken"])
    assert rest["taskDefinitionArns"] == arns[2:]


def test_families_are_listed_by_prefix_and_status(client: Callable[..., Any], region: Region) -> None:
    ecs = client()
    for family in ("reports", "repairs", "web"):
        arn = region.definitions.register(family)
    region.definitions.deregister(arn)
    assert ecs.list_task_definition_families()["families"] == ["repairs", "reports", "web"]
    assert ecs.list_task_definition_families(status="ACTIVE", familyPrefix="rep")["families"] == ["repairs", "reports"]
    assert ecs.list_task_definition_families(status="INACTIVE")["families"] == ["web"]
    page = ecs.list_task_definition_families(maxResults=2)
    assert ecs.list_task_definition_families(nextToken=page["nextToken"])["families"] == ["web"]


def test_regions_and_accounts_see_their_own_alone(client: Callable[..., Any], region: Region) -> None:
    region.definitions.register("reports")
    assert client(region_name="eu-central-1").list_task_definitions()["taskDefinitionArns"] == []
    with pytest.raises(ClientError, match="security token included in the request is invalid"):
        client(key="999999999999").list_task_definitions()
