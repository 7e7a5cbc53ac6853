"""The scan: what is listed, what is described, and what no answer may make it conclude."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_ecs_dag_loader.definition import Definition, TaskDefinitionArn
from airflow_ecs_dag_loader.registry import Registry, scan
from airflow_ecs_dag_loader.scan_error import ScanError
from airflow_ecs_dag_loader.scan_progress import ScanProgress
from loader.bad_answers import UNUSABLE, Answer, error, intercept
from loader.ecs_account import dag_labels

if TYPE_CHECKING:
    from loader.ecs_account import EcsAccount

pytestmark = pytest.mark.emulator


def arns(registry: Registry) -> list[str]:
    return [definition.arn for definition in registry.with_dags]


def test_every_page_is_read_and_the_highest_revision_of_each_family_wins(account: EcsAccount) -> None:
    newest = []
    for number in range(105):
        family = f"family-{number:03}"
        revisions = [account.register(family, dag_labels(f"dag-{number}")) for _ in range(2 if number % 5 == 0 else 1)]
        newest.append(revisions[-1])
    ecs = account.ecs()
    pages = intercept(ecs, "ListTaskDefinitions")
    registry = scan(ecs, known={})
    assert arns(registry) == sorted(newest)
    assert registry.described == 105
    assert [page.get("maxResults") for page in pages.requests] == [100, 100]
    assert all(page["status"] == "ACTIVE" for page in pages.requests)


def test_revision_10_is_higher_than_revision_9(account: EcsAccount) -> None:
    *_, last = [account.register("reports", dag_labels()) for _ in range(10)]
    assert last.endswith(":10")
    assert arns(scan(account.ecs(), known={})) == [last]


def test_only_what_was_never_seen_is_described(account: EcsAccount) -> None:
    account.register("reports", dag_labels())
    account.register("a-web-server")
    first = scan(account.ecs(), known={})
    assert first.described == 2

    second_revision = account.register("reports", dag_labels())
    ecs = account.ecs()
    describes = intercept(ecs, "DescribeTaskDefinition")
    second = scan(ecs, known=first.definitions)
    assert [request["taskDefinition"] for request in describes.requests] == [second_revision]
    assert second.described == 1
    assert arns(second) == [second_revision]

    third = scan(account.ecs(), known=second.definitions)
    assert third.described == 0
    assert third.definitions == second.definitions


def test_a_rollback_brings_the_revision_before_back(account: EcsAccount) -> None:
    first = account.register("reports", dag_labels())
    bad = account.register("reports", dag_labels())
    registry = scan(account.ecs(), known={})
    assert arns(registry) == [bad]
    account.deregister(bad)
    assert arns(scan(account.ecs(), known=registry.definitions)) == [first]


def test_a_deregistered_family_leaves_once_aws_has_confirmed_it(account: EcsAccount) -> None:
    arn = account.register("reports", dag_labels())
    other = account.register("others", dag_labels("others"))
    registry = scan(account.ecs(), known={})
    account.deregister(arn)
    ecs = account.ecs()
    describes = intercept(ecs, "DescribeTaskDefinition")
    after = scan(ecs, known=registry.definitions)
    assert [request["taskDefinition"] for request in describes.requests] == [arn, "reports"]
    assert arns(after) == [other]
    assert arn not in after.definitions


def test_a_revision_that_aws_has_deleted_leaves(account: EcsAccount) -> None:
    gone = f"arn:aws:ecs:eu-west-1:{account.number}:task-definition/gone:1"
    definition = Definition(gone, dag_labels(), "main", ())
    assert scan(account.ecs(), known={gone: definition}).definitions == {}


@pytest.mark.parametrize("page", [b'{"taskDefinitionArns": []}', b'{"taskDefinitionArns": {}}'])
def test_a_family_that_is_not_listed_but_still_active_stays(account: EcsAccount, page: bytes) -> None:
    arn = account.register("reports", dag_labels())
    registry = scan(account.ecs(), known={})
    ecs = account.ecs()
    intercept(ecs, "ListTaskDefinitions", Answer(200, page))
    assert arns(scan(ecs, known=registry.definitions)) == [arn]


@pytest.mark.parametrize("status", ['"PENDING"', "null", '""'])
def test_a_vanished_family_leaves_on_no_other_word_than_inactive(account: EcsAccount, status: str) -> None:
    arn = account.register("reports", dag_labels())
    registry = scan(account.ecs(), known={})
    account.deregister(arn)
    ecs = account.ecs()
    odd = f'{{"taskDefinition": {{"taskDefinitionArn": "{arn}", "containerDefinitions": [{{}}], "status": {status}}}}}'
    intercept(ecs, "DescribeTaskDefinition", Answer(200, odd.encode()))
    with pytest.raises(ScanError, match="status"):
        scan(ecs, known=registry.definitions)


def test_labels_on_one_of_two_containers(account: EcsAccount) -> None:
    account.register_containers(
        "reports",
        [
            {"name": "sidecar", "image": "x", "dockerLabels": {"com.example.team": "a"}},
            {
                "name": "main",
                "image": "x",
                "dockerLabels": dag_labels(),
                "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": {"awslogs-group": "g", "awslogs-stream-prefix": "p"},
                },
            },
        ],
    )
    (definition,) = scan(account.ecs(), known={}).with_dags
    assert (definition.labelled_container, definition.problem) == ("main", "")
    assert [container.name for container in definition.containers] == ["sidecar", "main"]
    logs = definition.container(None).logs
    assert logs is not None
    assert (logs.group, logs.stream_prefix, logs.region) == ("g", "p", "eu-west-1")


def test_labels_on_two_containers_are_a_problem_that_names_both(account: EcsAccount) -> None:
    account.register_containers(
        "reports", [{"name": name, "image": "x", "dockerLabels": dag_labels()} for name in ("one", "two")]
    )
    (definition,) = scan(account.ecs(), known={}).with_dags
    assert "one, two" in definition.problem


@pytest.mark.parametrize("kind", UNUSABLE)
@pytest.mark.parametrize("operation", ["ListTaskDefinitions", "DescribeTaskDefinition"])
def test_an_unusable_answer_fails_the_scan(account: EcsAccount, operation: str, kind: str) -> None:
    account.register("reports", dag_labels())
    ecs = account.ecs()
    intercept(ecs, operation, UNUSABLE[kind])
    with pytest.raises(ScanError, match=operation):
        scan(ecs, known={})


@pytest.mark.parametrize("kind", UNUSABLE)
def test_an_unusable_second_page_fails_the_scan(account: EcsAccount, kind: str) -> None:
    for number in range(101):
        account.register(f"family-{number}")
    ecs = account.ecs()
    intercept(ecs, "ListTaskDefinitions", None, UNUSABLE[kind])
    with pytest.raises(ScanError, match="ListTaskDefinitions"):
        scan(ecs, known={})


@pytest.mark.parametrize("kind", UNUSABLE)
def test_an_unusable_answer_about_a_vanished_family_fails_the_scan(account: EcsAccount, kind: str) -> None:
    arn = account.register("reports", dag_labels())
    registry = scan(account.ecs(), known={})
    account.deregister(arn)
    ecs = account.ecs()
    intercept(ecs, "DescribeTaskDefinition", UNUSABLE[kind])
    with pytest.raises(ScanError, match="DescribeTaskDefinition"):
        scan(ecs, known=registry.definitions)


@pytest.mark.parametrize(
    "body",
    [
        b'{"taskDefinitionArns": ["not an arn"]}',
        b'{"taskDefinitionArns": "abc"}',
        b'{"taskDefinitionArns": null}',
        b'{"taskDefinitionArns": [null]}',
        b'{"taskDefinitionArns": [], "nextToken": ["x"]}',
    ],
)
def test_a_list_of_something_else_fails_the_scan(account: EcsAccount, body: bytes) -> None:
    ecs = account.ecs()
    intercept(ecs, "ListTaskDefinitions", Answer(200, body))
    with pytest.raises(ScanError):
        scan(ecs, known={})


def test_a_page_token_that_comes_again_fails_the_scan(account: EcsAccount) -> None:
    ecs = account.ecs()
    page = Answer(200, b'{"taskDefinitionArns": [], "nextToken": "again"}')
    listed = intercept(ecs, "ListTaskDefinitions", page, page, page)
    with pytest.raises(ScanError, match="token"):
        scan(ecs, known={})
    assert len(listed.requests) == 2


def test_a_page_token_that_aws_refuses_fails_the_scan(account: EcsAccount) -> None:
    ecs = account.ecs()
    page = Answer(200, b'{"taskDefinitionArns": [], "nextToken": "lost"}')
    intercept(ecs, "ListTaskDefinitions", page, error("InvalidParameterException", "Invalid token"))
    with pytest.raises(ScanError, match="Invalid token"):
        scan(ecs, known={})


@pytest.mark.parametrize(
    "body",
    [
        '{"taskDefinition": {}}',
        '{"taskDefinition": null}',
        '{"taskDefinition": {"taskDefinitionArn": "ARN"}}',
        '{"taskDefinition": {"taskDefinitionArn": "ARN", "containerDefinitions": []}}',
        '{"taskDefinition": {"taskDefinitionArn": "OTHER", "containerDefinitions": [{"name": "main"}]}}',
        '{"taskDefinition": {"taskDefinitionArn": "ARN", "containerDefinitions": [{"dockerLabels": LABELS}]}}',
        '{"taskDefinition": {"taskDefinitionArn": "ARN", "containerDefinitions": [null]}}',
    ],
)
def test_a_description_without_all_of_it_fails_the_scan(account: EcsAccount, body: str) -> None:
    arn = account.register("reports", dag_labels())
    labels = '{"airflow.dag.dag_id": "a"}'
    ecs = account.ecs()
    answer = body.replace("ARN", arn).replace("OTHER", f"{arn}1").replace("LABELS", labels)
    intercept(ecs, "DescribeTaskDefinition", Answer(200, answer.encode()))
    with pytest.raises(ScanError, match="reports:1"):
        scan(ecs, known={})


def test_what_a_failed_scan_described_is_not_described_again(account: EcsAccount) -> None:
    for family in ("a", "b", "c"):
        account.register(family, dag_labels(family))
    progress = ScanProgress()
    ecs = account.ecs()
    intercept(ecs, "DescribeTaskDefinition", None, None, error("ThrottlingException"))
    with pytest.raises(ScanError):
        scan(ecs, known={}, progress=progress)
    again = account.ecs()
    describes = intercept(again, "DescribeTaskDefinition")
    registry = scan(again, known={}, progress=progress)
    assert len(describes.requests) == registry.described == 1
    assert [definition.parsed_arn.family for definition in registry.with_dags] == ["a", "b", "c"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "reports:1",
        "arn:aws:ecs:eu-west-1:123456789012:task-definition/reports",
        "arn:aws:ecs:eu-west-1:123456789012:task-definition/reports:0",
        "arn:aws:ecs:eu-west-1:123456789012:task-definition/reports:1\n",
        "arn:aws:ecs:eu-west-1:123456789012:task-definition/../reports:1",
        "arn:aws:ecs:eu-west-1:12345678901:task-definition/reports:1",
        "arn:aws:ecs:eu-west-1:123456789012:cluster/reports:1",
    ],
)
def test_what_is_no_arn_of_a_task_definition(text: str) -> None:
    with pytest.raises(ValueError, match="not the ARN"):
        TaskDefinitionArn.parse(text)


def test_arns_of_other_partitions_are_read() -> None:
    arn = TaskDefinitionArn.parse("arn:aws-us-gov:ecs:us-gov-west-1:123456789012:task-definition/reports:12")
    assert (arn.account, arn.region, arn.family, arn.revision) == ("123456789012", "us-gov-west-1", "reports", 12)
    assert arn.family_key == "123456789012/us-gov-west-1/reports"
