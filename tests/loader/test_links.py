"""Links from a task instance to the AWS console: where they lead, and that Airflow's own API has them."""

from __future__ import annotations

import threading
import time
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from airflow.api_fastapi.app import create_app
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.models.xcom import XComModel
from airflow.providers_manager import ProvidersManager
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization
from airflow.utils.session import create_session
from fastapi.testclient import TestClient

from airflow_ecs_dag_loader.console_links import ecs_task_url, log_stream_url, stack_url, task_definition_url
from airflow_ecs_dag_loader.dag_builder import DagSource, build_dag
from airflow_ecs_dag_loader.provider_info import get_provider_info
from airflow_ecs_dag_loader.registry import scan
from airflow_ecs_dag_loader.runner import ecs_task_operator
from airflow_ecs_dag_loader.runner.ecs_task_links import LINKS, console_urls
from airflow_ecs_dag_loader.runner.ecs_task_operator import EcsTaskOperator
from airflow_ecs_dag_loader.runner.ecs_task_run import EcsTaskRun
from airflow_ecs_dag_schema import DagSpec, EcsSettings, EcsTaskSpec, encode
from airflow_ecs_dag_schema.tasks import ExpandItems
from loader.dag_runs import database, run_dag
from loader.ecs_operators import LOGS, arguments_for, ecs_tasks
from loader.sources import SOURCE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loader.ecs_account import EcsAccount

TASK = "0123456789abcdef0123456789abcdef"
HOSTS = {
    "aws": ("eu-west-1", "console.aws.amazon.com"),
    "aws-cn": ("cn-north-1", "console.amazonaws.cn"),
    "aws-us-gov": ("us-gov-west-1", "console.amazonaws-us-gov.com"),
}


def run_of(**given: Any) -> EcsTaskRun:
    return EcsTaskRun(
        **{
            "arn": f"arn:aws:ecs:eu-west-1:123456789012:task/work/{TASK}",
            "cluster": "work",
            "task_definition": "arn:aws:ecs:eu-west-1:123456789012:task-definition/reports:7",
            "container_name": "main",
            "log_group": "/ecs/work",
            "log_stream": f"airflow/main/{TASK}",
            **given,
        }
    )


@pytest.mark.parametrize("partition", HOSTS)
def test_where_the_links_lead_in_each_partition(partition: str) -> None:
    region, host = HOSTS[partition]
    place = f"arn:{partition}:ecs:{region}:123456789012"
    run = run_of(arn=f"{place}:task/work/{TASK}", task_definition=f"{place}:task-definition/reports:7")
    stack = stack_url("reports-stack", partition=partition, region=region)
    assert console_urls(run, stack_url=stack) == {
        "ECS task": f"https://{region}.{host}/ecs/v2/clusters/work/tasks/{TASK}/configuration?region={region}",
        "Task definition": f"https://{region}.{host}/ecs/v2/task-definitions/reports/7/containers?region={region}",
        "CloudWatch log": (
            f"https://{region}.{host}/cloudwatch/home?region={region}#logsV2:log-groups/log-group/$252Fecs$252Fwork"
            f"/log-events/airflow$252Fmain$252F{TASK}"
        ),
        "CloudFormation stack": stack,
    }


def test_a_partition_without_a_public_console_has_no_links() -> None:
    place = "arn:aws-iso:ecs:us-iso-east-1:123456789012"
    run = run_of(arn=f"{place}:task/work/{TASK}", task_definition=f"{place}:task-definition/reports:7")
    assert console_urls(run, stack_url=None) == {}


def test_the_arn_of_an_old_account_has_its_cluster_from_elsewhere() -> None:
    old = f"arn:aws:ecs:eu-west-1:123456789012:task/{TASK}"
    for cluster in ("work", "arn:aws:ecs:eu-west-1:123456789012:cluster/work"):
        url = ecs_task_url(old, cluster=cluster)
        assert url is not None
        assert f"/clusters/work/tasks/{TASK}/" in url


@pytest.mark.parametrize(
    "given",
    [
        {"arn": "nothing"},
        {"arn": f"arn:aws:ecs:evil.example.com/x:123456789012:task/work/{TASK}"},
        {"arn": f"arn:aws:ecs:eu-west-1:123456789012:task/work/{TASK}\n"},
        {"arn": f"arn:aws:ecs:eu-west-1:123456789012:task/{TASK}", "cluster": "work?x=javascript:"},
    ],
)
def test_what_is_no_arn_makes_no_link(given: dict[str, str]) -> None:
    assert "ECS task" not in console_urls(run_of(**given), stack_url=None)


@pytest.mark.parametrize("name", ["reports:7", "reports", "arn:aws:ecs:eu-west-1:1:task-definition/a:1"])
def test_a_name_that_is_no_arn_of_a_revision_makes_no_link(name: str) -> None:
    assert "Task definition" not in console_urls(run_of(task_definition=name), stack_url=None)


@pytest.mark.parametrize("region", ["evil.example.com/", "eu-west-1.evil", "eu-west-1\n", "x"])
def test_a_log_region_that_is_none_makes_no_link(region: str) -> None:
    assert log_stream_url("g", "s", region=region, of=run_of().arn) is None


def test_whatever_a_log_group_holds_stays_within_the_link() -> None:
    url = log_stream_url("a/../b?c#d<e>", "s/%2F", region="eu-central-1", of=run_of().arn)
    assert url == (
        "https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1#logsV2:log-groups/log-group/"
        "a$252F..$252Fb$253Fc$2523d$253Ce$253E/log-events/s$252F$25252F"
    )


def test_lines_that_are_not_in_cloudwatch_have_no_link() -> None:
    assert "CloudWatch log" not in console_urls(run_of(log_group="", log_stream=""), stack_url=None)


def test_airflow_knows_the_links_and_the_options_from_the_installed_package() -> None:
    manager = ProvidersManager()  # type: ignore[no-untyped-call] # Airflow leaves it out
    paths = [f"{type(link).__module__}.{type(link).__qualname__}" for link in LINKS]
    assert set(paths) <= set(manager.extra_links_class_names)
    assert manager.providers["airflow-ecs-dag"].data["config"] == get_provider_info()["config"]


def test_the_options_that_airflow_shows_have_the_defaults_that_hold() -> None:
    options = get_provider_info()["config"]["airflow_ecs_dag"]["options"]
    assert float(options["start_timeout"]["default"]) == ecs_task_operator._START_TIMEOUT
    task = EcsTaskOperator(task_id="one", command=["x"], **arguments_for("reports:1") | {"deferrable": None})
    assert str(task._is_deferrable) == options["deferrable"]["default"]


def test_the_links_survive_airflows_serialization() -> None:
    with DAG("reports", schedule=None) as dag:
        EcsTaskOperator(task_id="one", command=["x"], **arguments_for("reports:1"))
        EcsTaskOperator.partial(task_id="each", command=["x"], **arguments_for("reports:1")).expand(item=[1, 2])
    again = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
    names = sorted(link.name for link in LINKS)
    assert [again.get_task(each).extra_links for each in ("one", "each")] == [names, names]


SPEC = DagSpec(
    dag_id="linked",
    owner="tests",
    stack="linked-stack",
    ecs=EcsSettings(cluster="work"),
    tasks=(
        EcsTaskSpec(task_id="build"),
        EcsTaskSpec(task_id="each", args=("{{ item }}",), expand=ExpandItems(items=("1", "2"))),
        EcsTaskSpec(task_id="train", task_definition="model"),
    ),
)


@cache
def api() -> TestClient:
    """Return Airflow's own API, asked by an admin."""
    app = create_app(apps="core")
    user = SimpleAuthManagerUser(username="tests", role="admin")
    token = app.state.auth_manager.generate_jwt(user)
    return TestClient(app, headers={"Authorization": f"Bearer {token}"})


def links(dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> dict[str, str]:
    answer = api().get(
        f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/links", params={"map_index": map_index}
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, str] = answer.json()["extra_links"]
    return found


def task_url(task: Mapping[str, Any]) -> str:
    page = f"clusters/work/tasks/{task['taskArn'].rpartition('/')[2]}/configuration?region=eu-west-1"
    return f"https://eu-west-1.console.aws.amazon.com/ecs/v2/{page}"


@pytest.mark.emulator
def test_each_task_instance_has_the_links_of_what_it_ran(work: EcsAccount) -> None:
    work.register("model", {"airflow.run_by": "linked"}, logConfiguration=LOGS)
    model = work.register("model", {"airflow.run_by": "linked"}, logConfiguration=LOGS)
    own = work.register("linked", encode(SPEC), logConfiguration=LOGS)
    definition = scan(work.ecs(), known={}).definitions[own]
    assert definition is not None
    run = run_dag(build_dag(SPEC, DagSource.of(definition, SPEC, SOURCE)))
    assert run.errors == []

    ran = {tuple(each["overrides"]["containerOverrides"][0]["command"]): each for each in ecs_tasks(work)}
    stack = stack_url("linked-stack", partition="aws", region="eu-west-1")
    for task_id, map_index, command, revision in [
        ("build", -1, ("build",), own),
        ("each", 0, ("each", "1"), own),
        ("each", 1, ("each", "2"), own),
        ("train", -1, ("train",), model),
    ]:
        arn = ran[command]["taskArn"]
        stream = f"airflow/main/{arn.rpartition('/')[2]}"
        assert links("linked", run.run_id, task_id, map_index) == {
            "ECS task": task_url(ran[command]),
            "Task definition": task_definition_url(revision),
            "CloudWatch log": log_stream_url("/ecs/work", stream, region="eu-west-1", of=arn),
            "CloudFormation stack": stack,
        }


def holding(work: EcsAccount, **arguments: Any) -> DAG:
    with DAG("holding", schedule=None) as dag:
        EcsTaskOperator(task_id="build", **arguments_for(work.register("holding", logConfiguration=LOGS), **arguments))
    return dag


def shown_of(dag_id: str) -> list[str]:
    with create_session() as session:
        kept = session.query(XComModel).filter_by(dag_id=dag_id, key=LINKS[0].xcom_key).all()
        return [str(XComModel.deserialize_value(each)) for each in kept]


@pytest.mark.emulator
@pytest.mark.parametrize("deferrable", [True, False])
def test_the_links_are_there_while_the_container_runs(work: EcsAccount, *, deferrable: bool) -> None:
    database()
    before = len(shown_of("holding"))
    seen: list[tuple[list[str], list[Any]]] = []

    def look_then_stop() -> None:
        until = time.monotonic() + 60
        while len(shown_of("holding")) == before and time.monotonic() < until:
            time.sleep(0.05)
        running = ecs_tasks(work)
        seen.append((shown_of("holding"), running))
        for each in running:
            work.ecs().stop_task(cluster="work", task=each["taskArn"], reason="seen")

    looking = threading.Thread(target=look_then_stop)
    looking.start()
    run = run_dag(holding(work, command=["hold"], deferrable=deferrable))
    looking.join()
    run.assert_failed_with(r"EcsTaskStoppedError: somebody stopped the ECS task .*\(seen\)")
    ((shown, (task,)),) = seen
    assert task["lastStatus"] != "STOPPED"
    assert task_url(task) in shown


@pytest.mark.emulator
def test_a_retry_has_the_links_of_its_own_ecs_task(work: EcsAccount) -> None:
    run = run_dag(holding(work, command=["exit", "1"], retries=1, retry_delay=0))
    assert run.tries == {"build": 2}
    tasks = sorted(ecs_tasks(work), key=lambda each: each["createdAt"])
    assert len(tasks) == 2
    assert links("holding", run.run_id, "build")["ECS task"] == task_url(tasks[1])
    assert all("EcsExitCodeError" in error for error in run.errors)
