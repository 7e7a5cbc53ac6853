"""The emulator behind ECS's own rules: what it would let through alone, ECS refuses, orders or throttles."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from airflow_ecs_dag_cli.local_aws import LocalAws
from strict_ecs.emulator_door import in_front_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.emulator
MAIN = {"name": "main", "image": "work"}
_numbers = itertools.count(300_000_000_001)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with LocalAws(tmp_path_factory.mktemp("door-aws")) as aws:
        yield aws


@pytest.fixture(scope="module")
def url(emulator: LocalAws) -> Iterator[str]:
    with in_front_of(emulator.endpoint_url) as strict:
        yield strict


@pytest.fixture
def client(url: str) -> Callable[..., Any]:
    """Make a client of an account of the test's own that tries each call once."""
    number = str(next(_numbers))

    def make(service: str = "ecs", endpoint_url: str = url) -> Any:
        session: Any = boto3.Session()
        return session.client(
            service,
            region_name="eu-west-1",
            endpoint_url=endpoint_url,
            aws_access_key_id=number,
            aws_secret_access_key="not-aws",  # noqa: S106 - the opposite of a secret
            config=Config(retries={"total_max_attempts": 1}, proxies={}),
        )

    return make


@pytest.fixture
def ecs(client: Callable[..., Any]) -> Any:
    made = client()
    made.create_cluster(clusterName="work")
    return made


def register(ecs: Any, family: str, **container: Any) -> str:
    answer = ecs.register_task_definition(family=family, containerDefinitions=[MAIN | container])
    return str(answer["taskDefinition"]["taskDefinitionArn"])


def refused(call: Callable[..., Any], **parameters: Any) -> str:
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    return str(raised.value.response["Error"]["Code"])


def test_other_services_and_operations_pass_through(ecs: Any, client: Callable[..., Any]) -> None:
    assert ecs.describe_clusters(clusters=["work"])["clusters"][0]["status"] == "ACTIVE"
    logs = client("logs")
    logs.create_log_group(logGroupName="/work")
    assert [each["logGroupName"] for each in logs.describe_log_groups()["logGroups"]] == ["/work"]
    s3 = client("s3")
    s3.create_bucket(Bucket="door", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket="door", Key="a/b", Body=b"text")
    assert s3.get_object(Bucket="door", Key="a/b")["Body"].read() == b"text"
    assert s3.head_object(Bucket="door", Key="a/b")["ContentLength"] == 4


def test_what_the_emulator_refuses_it_still_refuses(ecs: Any) -> None:
    assert refused(ecs.describe_task_definition, taskDefinition="gone") == "ClientException"


def test_a_task_definition_that_is_none(ecs: Any) -> None:
    assert refused(ecs.register_task_definition, family="a b", containerDefinitions=[MAIN]) == "ClientException"
    large = {**MAIN, "dockerLabels": {f"label-{number}": "x" * 4_000 for number in range(20)}}
    assert refused(ecs.register_task_definition, family="large", containerDefinitions=[large]) == "ClientException"
    many = [{**MAIN, "name": f"c{number}"} for number in range(11)]
    assert refused(ecs.register_task_definition, family="many", containerDefinitions=many) == "ClientException"
    assert ecs.list_task_definitions()["taskDefinitionArns"] == []


def test_lists_go_by_family_and_number_in_pages_that_are_asked_for_once(ecs: Any) -> None:
    arns = [register(ecs, family) for family in ("zzz", "aaa", "aaa", "aaa-b")]
    in_order = [arns[1], arns[2], arns[3], arns[0]]
    assert ecs.list_task_definitions()["taskDefinitionArns"] == in_order
    assert ecs.list_task_definitions(sort="DESC")["taskDefinitionArns"] == in_order[::-1]
    assert ecs.list_task_definitions(familyPrefix="aaa")["taskDefinitionArns"] == arns[1:3]
    first = ecs.list_task_definitions(maxResults=3)
    rest = ecs.list_task_definitions(maxResults=3, nextToken=first["nextToken"])
    assert first["taskDefinitionArns"] + rest["taskDefinitionArns"] == in_order
    assert "nextToken" not in rest
    assert refused(ecs.list_task_definitions, nextToken=first["nextToken"]) == "InvalidParameterException"
    assert refused(ecs.list_task_definitions, maxResults=101) == "InvalidParameterException"


def test_an_inactive_revision_does_not_run(ecs: Any) -> None:
    arn = register(ecs, "gone")
    assert refused(ecs.deregister_task_definition, taskDefinition="gone") == "ClientException"
    ecs.deregister_task_definition(taskDefinition=arn)
    assert refused(ecs.run_task, cluster="work", taskDefinition=arn) == "ClientException"
    assert ecs.list_task_definitions(status="INACTIVE")["taskDefinitionArns"] == [arn]


def test_a_run_that_ecs_would_not_start(ecs: Any) -> None:
    arn = register(ecs, "work")
    run = {"cluster": "work", "taskDefinition": arn}
    for wrong in (
        {"startedBy": "ada@example.com"},
        {"clientToken": "x" * 65},
        {"overrides": {"containerOverrides": [{"name": "main", "command": ["x" * 8_200]}]}},
        {"overrides": {"containerOverrides": [{"name": "other"}]}},
    ):
        assert refused(ecs.run_task, **run, **wrong) == "InvalidParameterException"
    assert ecs.list_tasks(cluster="work")["taskArns"] == []


def test_a_client_token_starts_one_task(ecs: Any, client: Callable[..., Any], emulator: LocalAws) -> None:
    run = {"cluster": "work", "taskDefinition": register(ecs, "work"), "clientToken": "one"}
    first, second = (ecs.run_task(**run)["tasks"] for _ in range(2))
    assert [each["taskArn"] for each in first] == [each["taskArn"] for each in second]
    with pytest.raises(ClientError, match="ConflictException") as raised:
        ecs.run_task(**run, startedBy="x")
    assert raised.value.response["resourceIds"] == [first[0]["taskArn"]]  # type: ignore[typeddict-item]
    assert ecs.run_task(**{**run, "clientToken": "two"})["tasks"][0]["taskArn"] != first[0]["taskArn"]
    alone = client(endpoint_url=emulator.endpoint_url)
    assert len({alone.run_task(**run)["tasks"][0]["taskArn"] for _ in range(2)}) == 2  # what the door is for


def test_a_hundred_tasks_a_call(ecs: Any) -> None:
    assert refused(ecs.describe_tasks, cluster="work", tasks=["x"] * 101) == "InvalidParameterException"
    assert refused(ecs.describe_tasks, cluster="work", tasks=[]) == "InvalidParameterException"


def test_the_rates_are_those_of_aws(ecs: Any) -> None:
    codes = set()
    for number in range(40):
        try:
            register(ecs, f"f{number}")
        except ClientError as error:
            codes.add(error.response["Error"]["Code"])
            break
    assert codes == {"ThrottlingException"}
