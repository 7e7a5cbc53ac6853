"""What is too large for RunTask and for an XCom goes through S3: inputs, outputs, and what Airflow reads of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG
from botocore.exceptions import ConnectTimeoutError

from airflow_ecs_dag_loader.branching import OutputBranch
from airflow_ecs_dag_loader.dag_builder import DagSource, build_dag
from airflow_ecs_dag_loader.registry import scan
from airflow_ecs_dag_loader.runner.exchange_access import ExchangeAccess
from airflow_ecs_dag_loader.runner.exchange_addresses import ExchangeAddresses, inputs_body
from airflow_ecs_dag_loader.runner.exchanged_objects import ExchangedObjects
from airflow_ecs_dag_loader.runner.task_output import OutputError
from airflow_ecs_dag_loader.runner.verdict import EcsTaskFailedError
from airflow_ecs_dag_schema import DagSpec, EcsSettings, EcsTaskSpec, decode, encode
from airflow_ecs_dag_schema.exchange import LARGEST_OBJECT
from airflow_ecs_dag_schema.outputs import OutputRef
from airflow_ecs_dag_schema.tasks import BranchSpec, ExpandOutput, ShortCircuitSpec
from loader.bad_answers import Answer
from loader.dag_runs import run_dag
from loader.ecs_account import EcsAccount
from loader.ecs_operators import LOGS, ecs_tasks, operator
from loader.sources import SOURCE
from loader.task_runs import run_task, task_run

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest, AWSResponse

EXCHANGE = "s3://sales/airflow-exchange"
ARN = "arn:aws:ecs:eu-west-1:123456789012:task-definition/reports:1"


@pytest.fixture
def bucket(work: EcsAccount) -> str:
    """A bucket of the account; in S3 no two accounts have one of the same name."""
    name = f"sales-{work.number}"
    work.make_bucket(name)
    return name


def role_of(account: EcsAccount) -> list[dict[str, str]]:
    """Return the variables by which a container is the account's: the emulator's task roles are all of one account."""
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION")
    return [{"name": name, "value": account.environment[name]} for name in names]


def exchange_in(bucket: str) -> str:
    return f"s3://{bucket}/airflow-exchange"


def addresses(*, run_id: str = "manual__2026-02-28", task_id: str = "build", **run: Any) -> ExchangeAddresses:
    task = operator(ARN)
    task.task_id = task_id
    return ExchangeAddresses.of(EXCHANGE, task_run(task, run_id=run_id, **run))


@pytest.mark.parametrize("name", ["store.py", "load.py"])
def test_the_page_shows_what_the_containers_run(name: str) -> None:
    folder = Path(__file__).parent
    code = (folder / "image" / name).read_text().partition('"""\n\n')[2]
    assert f"```py\n{code}```" in (folder.parents[1] / "docs" / "runs.md").read_text()


def test_an_address_names_dag_run_and_task() -> None:
    assert addresses().output.startswith(f"{EXCHANGE}/reports/manual__2026-02-28/build-")
    assert addresses().output.endswith(".output.json")


def test_a_retry_has_the_same_address() -> None:
    """Else the ECS task of a try that was cut off would not do the work of the next one."""
    assert addresses(try_number=3) == addresses()


@pytest.mark.parametrize(
    "other", [{"run_id": "manual__2026-03-01"}, {"task_id": "send"}, {"map_index": 0}, {"map_index": 1}]
)
def test_no_two_task_instances_share_an_address(other: dict[str, Any]) -> None:
    assert addresses(**other).output != addresses().output


def test_runs_whose_ids_look_alike_in_a_key_share_none() -> None:
    assert addresses(run_id="a:b").run == addresses(run_id="a/b").run
    assert addresses(run_id="a:b").output != addresses(run_id="a/b").output


@pytest.mark.parametrize("run_id", ["../../other", "..", "a/b", "manual__2026-02-28T01:02:03+00:00", "é" * 300])
def test_a_run_id_is_one_part_of_a_key(run_id: str) -> None:
    parts = addresses(run_id=run_id).output.removeprefix(f"{EXCHANGE}/reports/").split("/")
    assert len(parts) == 2
    assert ".." not in parts[0]


@pytest.mark.parametrize(
    ("value", "is_there"),
    [
        ("{}", True),
        ("{}x", False),
        (" {}", False),
        # With a shorter exchange, another team's DAG and run may spell what this one's folder begins with.
        (f"{EXCHANGE}/reports/manual__2026-02-28/any.json", False),
        (f"{EXCHANGE}/other/manual__2026-02-28/any.json", False),
    ],
)
def test_only_the_address_that_a_task_was_given_is_one(value: str, is_there: bool) -> None:  # noqa: FBT001 - a case
    own = addresses()
    assert own.is_output(value.format(own.output)) is is_there
    assert not own.is_output([own.output])


def test_the_address_of_another_task_of_the_run() -> None:
    context = task_run(operator(ARN))
    own, other = (ExchangeAddresses.of(EXCHANGE, context, task_id=task_id) for task_id in (None, "other"))
    assert ExchangeAddresses.of(EXCHANGE, context, task_id=context["ti"].task_id) == own
    assert own.run == other.run
    assert not other.is_output(own.output)


def test_other_inputs_have_another_address() -> None:
    own = addresses()
    assert own.inputs(inputs_body({"a": "1"})) != own.inputs(inputs_body({"a": "2"}))
    assert own.inputs(inputs_body({"a": "1", "b": "2"})) == own.inputs(inputs_body({"b": "2", "a": "1"}))


def test_inputs_that_are_too_large() -> None:
    assert len(inputs_body({"a": "x" * (LARGEST_OBJECT - 9)})) == LARGEST_OBJECT
    with pytest.raises(EcsTaskFailedError, match=r"1048577 bytes.*1048576 at most; most of it is a: let the task"):
        inputs_body({"a": "x" * (LARGEST_OBJECT - 18), "b": "x"})


class Wire:
    """Answers S3's calls instead of the network, and keeps what they asked."""

    def __init__(self, client: Any, answer: Answer) -> None:
        self.owners: list[str] = []
        self._answer = answer
        client.meta.events.register("before-send.s3.*", self)

    def __call__(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        owner: Any = request.headers["x-amz-expected-bucket-owner"]
        self.owners.append(owner.decode())
        if self._answer.status is None:
            raise ConnectTimeoutError(endpoint_url=request.url)
        return self._answer.response(request)


def refusal(code: str, status: int) -> Answer:
    return Answer(status, f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode())


def answered(account: EcsAccount, answer: Answer) -> tuple[ExchangedObjects, Wire]:
    client = account.s3()
    return ExchangedObjects(client, "123456789012"), Wire(client, answer)


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (refusal("AccessDenied", 403), r"AccessDenied: no; the bucket must belong to account 123456789012.*GetObject"),
        (refusal("NoSuchKey", 404), "there is no such object: write it there"),
        (refusal("NoSuchBucket", 404), "there is no such object"),
        (refusal("SlowDown", 503), "SlowDown"),
        (Answer(None), "clear the task to retry"),
    ],
)
def test_an_output_that_can_not_be_read(account: EcsAccount, answer: Answer, words: str) -> None:
    objects, wire = answered(account, answer)
    with pytest.raises(OutputError, match=words):
        objects.output(f"{EXCHANGE}/reports/x.json")
    assert wire.owners == ["123456789012"]


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"[" + b"1," * LARGEST_OBJECT, "larger than the 1048576 bytes"),
        (b"rows=3", r"is no JSON .*write one JSON value in UTF-8"),
        (b"\xff\xfe", "is no JSON"),
        (b"", "is no JSON"),
        (b'{"__classname__": "x"}', "rename '__classname__'"),
        (b"[" * 100_000, r"is no JSON .nested too deeply|nested deeper"),
    ],
)
def test_an_object_that_is_no_output(work: EcsAccount, bucket: str, body: bytes, words: str) -> None:
    work.s3().put_object(Bucket=bucket, Key="x.json", Body=body)
    with pytest.raises(OutputError, match=words):
        ExchangedObjects(work.s3(), work.number).output(f"s3://{bucket}/x.json")


@pytest.mark.emulator
def test_a_bucket_of_another_account(work: EcsAccount) -> None:
    other = EcsAccount("999999999999", work.endpoint_url)
    name = f"foreign-{work.number}"
    other.make_bucket(name)
    other.s3().put_object(Bucket=name, Key="x.json", Body=b"1")
    objects = ExchangedObjects(work.s3(), work.number)
    with pytest.raises(OutputError, match=f"AccessDenied.*must belong to account {work.number}"):
        objects.output(f"s3://{name}/x.json")
    with pytest.raises(EcsTaskFailedError, match=f"AccessDenied.*must belong to account {work.number}"):
        objects.put_inputs(f"s3://{name}/y.json", b"{}")


@pytest.mark.emulator
def test_the_largest_object_is_an_output(work: EcsAccount, bucket: str) -> None:
    work.s3().put_object(Bucket=bucket, Key="x.json", Body=json.dumps("x" * (LARGEST_OBJECT - 2)))
    assert len(ExchangedObjects(work.s3(), work.number).output(f"s3://{bucket}/x.json")) == LARGEST_OBJECT - 2


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (refusal("AccessDenied", 403), r"can't be written to s3.*account 123456789012.*s3:PutObject.*grant_run"),
        (Answer(None), "clear the task to retry"),
    ],
)
def test_inputs_that_can_not_be_written(account: EcsAccount, answer: Answer, words: str) -> None:
    objects, wire = answered(account, answer)
    with pytest.raises(EcsTaskFailedError, match=words):
        objects.put_inputs(f"{EXCHANGE}/reports/x.json", b"{}")
    assert wire.owners == ["123456789012"]


@pytest.mark.emulator
def test_an_address_of_another_dag_is_a_text(work: EcsAccount, bucket: str) -> None:
    """A container can't make Airflow read what is not its DAG's, with rights that the container may not have."""
    work.s3().put_object(Bucket=bucket, Key="airflow-exchange/other/x.json", Body=b'"send"')
    access = ExchangeAccess(exchange_in(bucket), work.number, region_name=None, aws_conn_id=None)
    foreign = f"{exchange_in(bucket)}/other/x.json"
    assert access.value(foreign, task_run(operator(ARN))) == foreign


@pytest.mark.emulator
def test_without_inputs_and_readers_airflow_asks_s3_nothing(
    work: EcsAccount, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ExchangedObjects, "connected", None)
    definition = work.register("reports", logConfiguration=LOGS, environment=role_of(work))
    address = run_task(operator(definition, "store", '{"rows": 3}', exchange=exchange_in(bucket)))
    assert address == addresses().output.replace(EXCHANGE, exchange_in(bucket))
    body = work.s3().get_object(Bucket=bucket, Key=address.removeprefix(f"s3://{bucket}/"))["Body"].read()
    assert json.loads(body) == {"rows": 3}


@pytest.mark.emulator
def test_inputs_are_larger_than_runtask_takes(work: EcsAccount, bucket: str) -> None:
    definition = work.register("reports", logConfiguration=LOGS, environment=role_of(work))
    inputs = {"text": "é" * 20_000, "day": "{{ ds }}"}
    task = operator(definition, "load", exchange=exchange_in(bucket), inputs=inputs)
    run_task(task)
    (line,) = [line for line in task.said if line.startswith("read ")]
    assert json.loads(line.removeprefix("read ")) == {"text": "é" * 20_000, "day": "2019-12-04"}


@pytest.mark.emulator
def test_inputs_for_a_bucket_that_is_not_there_start_nothing(work: EcsAccount) -> None:
    definition = work.register("reports", logConfiguration=LOGS, environment=role_of(work))
    with pytest.raises(EcsTaskFailedError, match=r"the inputs can't be written to s3://sales/.*NoSuchBucket"):
        run_task(operator(definition, "load", exchange=EXCHANGE, inputs={"a": "b"}))
    assert ecs_tasks(work) == []


SPEC = DagSpec(
    dag_id="exchange",
    ecs=EcsSettings(cluster="work"),
    exchange=EXCHANGE,
    tasks=(
        EcsTaskSpec(task_id="extract", command=("store",), args=('{"rows": 3, "next": "full"}',)),
        ShortCircuitSpec(task_id="any", output=OutputRef(task_id="extract", key="rows"), upstream=("extract",)),
        BranchSpec(task_id="which", output=OutputRef(task_id="extract", key="next"), upstream=("any",)),
        EcsTaskSpec(
            task_id="full", command=("load", OutputRef(task_id="extract").template), upstream=("extract", "which")
        ),
        EcsTaskSpec(task_id="delta", upstream=("which",)),
        EcsTaskSpec(task_id="tables", command=("store",), args=('[{"table": "a"}, {"table": "b"}]',)),
        EcsTaskSpec(
            task_id="each",
            command=("load",),
            inputs={"table": "{{ item['table'] }}", "item": "{{ item }}"},
            expand=ExpandOutput(task_id="tables"),
            upstream=("tables",),
        ),
    ),
)


@pytest.mark.emulator
@pytest.mark.parametrize("deferrable", ["True", "False"])
def test_from_labels_to_the_end_of_a_run(
    work: EcsAccount, bucket: str, monkeypatch: pytest.MonkeyPatch, deferrable: str
) -> None:
    monkeypatch.setenv("AIRFLOW__AIRFLOW_ECS_DAG__DEFERRABLE", deferrable)
    labels = encode(SPEC) | {"airflow.dag.exchange": exchange_in(bucket)}
    own = work.register("exchange", labels, logConfiguration=LOGS, environment=role_of(work))
    definition = scan(work.ecs(), known={}).definitions[own]
    assert definition is not None
    spec = decode(definition.labels)
    assert (spec.exchange, spec.tasks) == (exchange_in(bucket), SPEC.tasks)

    run = run_dag(build_dag(spec, DagSource.of(definition, spec, SOURCE)))

    assert run.errors == []
    assert any("DEFERRED" in line for line in run.lines) == (deferrable == "True")
    assert {task for task, state in run.states.items() if state == "skipped"} == {"delta"}
    assert run.state == "success"
    assert run.outputs["extract"].startswith(f"{exchange_in(bucket)}/exchange/")
    assert run.outputs["tables"] == [{"table": "a"}, {"table": "b"}]
    read = sorted(line.removeprefix("read ") for line in run.lines if line.startswith("read "))
    assert [json.loads(line) for line in read] == [
        {"item": '{"table":"a"}', "table": "a"},
        {"item": '{"table":"b"}', "table": "b"},
        {"rows": 3, "next": "full"},
    ]


@pytest.mark.emulator
def test_a_branch_whose_object_is_gone(work: EcsAccount, bucket: str) -> None:
    access = ExchangeAccess(exchange_in(bucket), work.number, region_name=None, aws_conn_id=None)
    with DAG("reports", schedule=None):
        task = OutputBranch(task_id="which", output_task_id="build", exchange=access)
    context = task_run(task)
    gone = ExchangeAddresses.of(exchange_in(bucket), context).output
    with pytest.raises(OutputError, match="there is no such object"):
        access.value(gone, context)
