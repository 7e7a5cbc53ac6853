"""The construct on real CDK stacks: labels, places, and what it refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from aws_cdk import App, Environment, SecretValue, Stack, Stage, assertions
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_s3 as s3

from airflow_ecs_dag import (
    CapacityProvider,
    EcsTask,
    EmailAlert,
    Flow,
    LatestOnly,
    Schedule,
    TaskDefaults,
)
from airflow_ecs_dag_schema import decode
from construct.cdk_stacks import containers, dag, deployed, fargate, labels, problems, template


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(outdir=str(tmp_path / "cdk.out"), analytics_reporting=False)


@pytest.fixture
def stack(app: App) -> Stack:
    return Stack(app, "Main")


def test_labels_decode_back_to_the_authors_dag(stack: Stack) -> None:
    made = dag(
        stack,
        dag_id="whole",
        owner="Team",
        description='Caf\u00e9 "au lait"\nand more',
        tags=["b", "a"],
        schedule=Schedule.cron("5 4 * * 1", timezone="Europe/Amsterdam", data_interval=True),
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        end_date=datetime(2027, 1, 1, tzinfo=UTC),
        catchup=True,
        max_active_runs=2,
        max_active_tasks=3,
        dagrun_timeout=timedelta(hours=5),
        defaults=TaskDefaults(retries=1, retry_delay=timedelta(minutes=1)),
        alerts=[EmailAlert(to=["team@example.com"], on=["failure", "retry"])],
        cluster="shared",
        capacity_provider_strategies=[CapacityProvider(name="FARGATE_SPOT", weight=2)],
        security_groups=["sg-1"],
        assign_public_ip=False,
        tasks=LatestOnly("latest")
        >> [EcsTask("b", args=["{{ ds }}"]), EcsTask("c", command=[], retries=0)]
        >> EcsTask("d", trigger_rule="all_done"),
    )
    written = labels(stack)
    assert json.dumps(written).isascii()
    filled = deployed(written)
    spec = decode(filled)
    assert spec == made.spec.model_copy(update={"stack": filled["airflow.dag.stack"]})
    assert {**made.labels, "airflow.dag.stack": {"Ref": "AWS::StackId"}} == written
    assert {task.task_id: task.upstream for task in spec.tasks} == {
        "latest": (),
        "b": ("latest",),
        "c": ("latest",),
        "d": ("b", "c"),
    }
    assert spec.ecs.launch_type is None


def test_tokens_stay_whole_in_labels_of_their_own(stack: Stack) -> None:
    bucket = s3.Bucket(stack, "Bucket")
    cluster = ecs.Cluster(stack, "Cluster", vpc=ec2.Vpc(stack, "Vpc", max_azs=2))
    dag(
        stack,
        cluster=cluster,
        vpc_subnets=...,
        tasks=EcsTask("t", args=[bucket.bucket_name, f"s3://{bucket.bucket_name}"]),
    )
    written = labels(stack)
    name = {"Ref": stack.get_logical_id(bucket.node.default_child)}  # type: ignore[arg-type]
    assert written["airflow.tasks.t.args.0"] == name
    assert written["airflow.tasks.t.args.1"] == {"Fn::Join": ["", ["s3://", name]]}
    assert written["airflow.ecs.cluster"] == {"Ref": stack.get_logical_id(cluster.node.default_child)}  # type: ignore[arg-type]
    filled = deployed(written)
    assert decode(filled).ecs.cluster == filled["airflow.ecs.cluster"]


def test_tokens_of_another_stack_become_exports(app: App, stack: Stack) -> None:
    cluster = ecs.Cluster(stack, "Cluster", vpc=ec2.Vpc(stack, "Vpc", max_azs=2))
    other = Stack(app, "Other")
    dag(other, cluster=cluster, vpc_subnets=...)
    written = labels(other)
    assert written["airflow.ecs.cluster"]["Fn::ImportValue"].startswith("Main:ExportsOutputRef")
    assert len(template(stack)["Outputs"]) == 3


@pytest.mark.parametrize("first", [{}, {"team": "data"}])
def test_what_others_give_the_container_before_and_after_stays(stack: Stack, first: dict[str, str]) -> None:
    task_definition = fargate(stack, docker_labels=first)
    dag(stack, task_definition=task_definition)
    main = task_definition.default_container
    assert main is not None
    main.add_docker_label("added", "later")
    main.add_environment("ADDED", "later")
    task_definition.add_container("later", image=ecs.ContainerImage.from_registry("x"))
    rendered, later = containers(stack)
    assert first.items() <= rendered["DockerLabels"].items()
    assert {"added", "airflow.dag.dag_id"} <= rendered["DockerLabels"].keys()
    assert rendered["Environment"] == [{"Name": "ADDED", "Value": "later"}]
    assert later["Name"] == "later"
    assert "DockerLabels" not in later


def test_the_default_container_is_the_first_essential_one(stack: Stack) -> None:
    task_definition = ecs.FargateTaskDefinition(stack, "Task")
    image = ecs.ContainerImage.from_registry("x")
    task_definition.add_container("sidecar", image=image, essential=False)
    main = task_definition.add_container("main", image=image)
    made = dag(stack, task_definition=task_definition)
    assert made.container_name == main.container_name == "main"
    assert [("airflow.dag.dag_id" in c.get("DockerLabels", {})) for c in containers(stack)] == [False, True]


@pytest.mark.parametrize("as_name", [True, False])
def test_a_named_container(stack: Stack, *, as_name: bool) -> None:
    task_definition = fargate(stack)
    second = task_definition.add_container("second", image=ecs.ContainerImage.from_registry("x"))
    dag(stack, task_definition=task_definition, container="second" if as_name else second)
    assert [("DockerLabels" in container) for container in containers(stack)] == [False, True]


def test_an_unknown_container(stack: Stack) -> None:
    assert problems(stack, container="nope") == {
        "container": "the task definition has no such container; its containers are main"
    }
    empty = ecs.FargateTaskDefinition(stack, "Empty")
    assert problems(stack, task_definition=empty)["container"].endswith("it has none: call add_container(...) first")


class TestPlace:
    def test_private_subnets_of_the_clusters_vpc(self, stack: Stack) -> None:
        vpc = ec2.Vpc(stack, "Vpc", max_azs=2)
        dag(stack, cluster=ecs.Cluster(stack, "Cluster", vpc=vpc), vpc_subnets=...)
        written = labels(stack)
        assert stack.resolve(vpc.private_subnets[1].subnet_id) == written["airflow.ecs.subnets.1"]
        assert written["airflow.ecs.launch_type"] == "FARGATE"
        assert "airflow.ecs.assign_public_ip" not in written

    def test_a_vpc_with_public_subnets_only(self, stack: Stack) -> None:
        public = ec2.SubnetConfiguration(name="Public", subnet_type=ec2.SubnetType.PUBLIC)
        vpc = ec2.Vpc(stack, "Vpc", max_azs=2, nat_gateways=0, subnet_configuration=[public])
        dag(stack, cluster=ecs.Cluster(stack, "Cluster", vpc=vpc), vpc_subnets=...)
        written = labels(stack)
        assert stack.resolve(vpc.public_subnets[0].subnet_id) == written["airflow.ecs.subnets.0"]
        assert written["airflow.ecs.assign_public_ip"] == "true"

    def test_a_choice_of_subnets_and_groups(self, stack: Stack) -> None:
        vpc = ec2.Vpc(stack, "Vpc", max_azs=2)
        group = ec2.SecurityGroup(stack, "Group", vpc=vpc)
        chosen = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC, one_per_az=True)
        cluster = ecs.Cluster(stack, "Cluster", vpc=vpc)
        dag(stack, cluster=cluster, vpc_subnets=chosen, security_groups=[group], assign_public_ip=False)
        written = labels(stack)
        assert stack.resolve(vpc.public_subnets[0].subnet_id) == written["airflow.ecs.subnets.0"]
        assert written["airflow.ecs.security_groups.0"] == stack.resolve(group.security_group_id)
        assert written["airflow.ecs.assign_public_ip"] == "false"

    def test_a_choice_that_the_vpc_has_not(self, stack: Stack) -> None:
        cluster = ecs.Cluster(stack, "Cluster", vpc=ec2.Vpc(stack, "Vpc", max_azs=2))
        isolated = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
        assert (
            "There are no 'Isolated' subnet groups"
            in problems(stack, cluster=cluster, vpc_subnets=isolated)["vpc_subnets"]
        )

    def test_a_cluster_that_does_not_tell_its_vpc(self, stack: Stack) -> None:
        arn = "arn:aws:ecs:eu-west-1:123456789012:cluster/shared"
        imported = ecs.Cluster.from_cluster_arn(stack, "Shared", arn)
        task_definition = fargate(stack)
        for cluster in (imported, arn, "shared", None):
            message = problems(stack, cluster=cluster, vpc_subnets=..., task_definition=task_definition)
            assert "doesn't tell its VPC: name the subnets" in message["vpc_subnets"]
        dag(stack, cluster=imported, task_definition=task_definition)
        assert labels(stack)["airflow.ecs.cluster"] == "shared"

    def test_a_vpc_that_the_cdk_has_not_looked_up_yet(self, app: App) -> None:
        place = Environment(account="123456789012", region="eu-west-1")
        stack = Stack(app, "Looking", env=place)
        vpc = ec2.Vpc.from_lookup(stack, "Vpc", is_default=True)
        dag(stack, cluster=ecs.Cluster(stack, "Cluster", vpc=vpc), vpc_subnets=...)
        assert labels(stack)["airflow.ecs.subnets.0"].startswith(("p-", "s-"))
        manifest = json.loads((Path(app.outdir) / "manifest.json").read_text())
        assert [missing["provider"] for missing in manifest["missing"]] == ["vpc-provider"]

    def test_ec2_leaves_the_launch_type_to_the_cluster(self, stack: Stack) -> None:
        task_definition = ecs.Ec2TaskDefinition(stack, "Task")
        task_definition.add_container("main", image=ecs.ContainerImage.from_registry("x"), memory_limit_mib=64)
        dag(stack, task_definition=task_definition, cluster="shared", vpc_subnets=...)
        assert {key for key in labels(stack) if key.startswith("airflow.ecs.")} == {"airflow.ecs.cluster"}

    def test_external(self, stack: Stack) -> None:
        task_definition = ecs.ExternalTaskDefinition(stack, "Task")
        task_definition.add_container("main", image=ecs.ContainerImage.from_registry("x"), memory_limit_mib=64)
        dag(stack, task_definition=task_definition, vpc_subnets=...)
        assert labels(stack)["airflow.ecs.launch_type"] == "EXTERNAL"

    def test_network_settings_need_awsvpc(self, stack: Stack) -> None:
        task_definition = ecs.Ec2TaskDefinition(stack, "Task")
        task_definition.add_container("main", image=ecs.ContainerImage.from_registry("x"), memory_limit_mib=64)
        found = problems(stack, task_definition=task_definition, security_groups=["sg-1"], assign_public_ip=False)
        assert found.keys() == {"vpc_subnets", "security_groups", "assign_public_ip"}
        assert "network mode is bridge" in found["vpc_subnets"]


class TestRefused:
    def test_everything_at_once_under_the_authors_names(self, stack: Stack) -> None:
        convert = EcsTask("convert", retries="3", args=["{{ ti.task }}"])  # type: ignore[arg-type]
        found = problems(
            stack,
            dag_id="a b",
            tasks=[convert >> EcsTask("no way")],
            schedule="@daily",
            start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - what is refused
            tags="one",
            defaults={"retries": 1},
            alerts=EmailAlert(to=["a@example.com"]),
            cluster=7,
            security_groups="sg-1",
            container="nope",
        )
        assert found.keys() == {
            "alerts",
            "cluster",
            "container",
            "dag_id",
            "defaults",
            "schedule",
            "security_groups",
            "start_date",
            "tags",
            "tasks.convert.args.0",
            "tasks.convert.retries",
            "tasks.no way.task_id",
        }

    def test_places_under_the_authors_names(self, stack: Stack) -> None:
        found = problems(
            stack, cluster="a b", vpc_subnets=["nope"], security_groups=["sg-1", "sg 2"], launch_type="LAMBDA"
        )
        assert found.keys() == {"cluster", "vpc_subnets.0", "security_groups.1", "launch_type"}
        assert problems(
            stack,
            task_definition=fargate(stack, "Second"),
            launch_type="FARGATE",
            capacity_provider_strategies=[CapacityProvider(name="FARGATE")],
            vpc_subnets=[],
        ).keys() == {"launch_type", "vpc_subnets"}

    @pytest.mark.parametrize("wrong", [None, "family", 3])
    def test_a_task_definition_of_another_kind(self, stack: Stack, wrong: object) -> None:
        assert problems(stack, task_definition=wrong, dag_id="?").keys() == {"task_definition", "dag_id"}

    def test_an_imported_task_definition(self, stack: Stack) -> None:
        arn = "arn:aws:ecs:eu-west-1:123456789012:task-definition/a:1"
        imported = ecs.FargateTaskDefinition.from_fargate_task_definition_arn(stack, "Task", arn)
        assert "can't be added to an imported one" in problems(stack, task_definition=imported)["task_definition"]

    def test_a_circle_names_its_tasks(self, stack: Stack) -> None:
        a, b = EcsTask("a"), EcsTask("b")
        assert problems(stack, tasks=EcsTask("first") >> a >> b >> a) == {
            "tasks": "the tasks run in a circle, a >> b >> a: remove one of these arrows"
        }
        assert "a >> a" in problems(stack, task_definition=fargate(stack, "Second"), tasks=a >> a)["tasks"]

    def test_namesakes_are_named_with_their_places(self, stack: Stack) -> None:
        found = problems(stack, tasks=[EcsTask("a") >> EcsTask("b"), EcsTask("a", retries=1)])
        assert found.keys() == {"tasks.a"}
        assert found["tasks.a"].count("test_dag_construct.py:") == 2

    def test_labels_that_are_there_already(self, stack: Stack) -> None:
        found = problems(stack, task_definition=fargate(stack, docker_labels={"airflow.dag.dag_id": "x"}))
        assert found.keys() == {"container.main.airflow.dag.dag_id"}

    def test_two_dags_on_one_task_definition(self, stack: Stack) -> None:
        task_definition = fargate(stack)
        dag(stack, "First", task_definition=task_definition, dag_id="first")
        found = problems(stack, task_definition=task_definition, dag_id="second")
        assert "it carries the DAG 'first' of Main/First already" in found["task_definition"]

    def test_labels_too_large_in_both_forms(self, stack: Stack) -> None:
        noise = Random(7)  # noqa: S311 - texts that can't be packed, the same each time
        many = [EcsTask(f"t{number}", args=[noise.randbytes(1_500).hex()]) for number in range(60)]
        assert "at most 60000 fit; the largest labels: airflow.tasks.t" in problems(stack, tasks=many)["airflow"]

    def test_a_failed_construct_leaves_nothing_behind(self, stack: Stack) -> None:
        task_definition = fargate(stack)
        problems(stack, task_definition=task_definition, dag_id="?")
        dag(stack, task_definition=task_definition, dag_id="good")
        assert labels(stack)["airflow.dag.dag_id"] == "good"


class TestAtSynth:
    """What raises in the kernel reaches Python as a RuntimeError; a whole app ends with exit code 1."""

    def test_labels_added_later(self, stack: Stack) -> None:
        task_definition = fargate(stack)
        dag(stack, task_definition=task_definition)
        task_definition.default_container.add_docker_label("airflow.dag.owner", "me")  # type: ignore[union-attr]
        with pytest.raises(
            RuntimeError, match=r"\[Main/Dag\] container.main.airflow.dag.owner: this label is there already"
        ):
            template(stack)

    def test_a_task_definition_that_grew_too_large(self, stack: Stack) -> None:
        task_definition = fargate(stack)
        dag(stack, task_definition=task_definition)
        for number in range(60):
            task_definition.default_container.add_environment(f"NAME{number}", "x" * 1_000)  # type: ignore[union-attr]
        with pytest.raises(
            RuntimeError, match=r"\[Main/Dag\] airflow: the task definition is 6\d{4} bytes, at most 60000 fit"
        ):
            template(stack)

    def test_a_token_that_is_a_secret(self, stack: Stack) -> None:
        secret = SecretValue.secrets_manager("name").unsafe_unwrap()
        dag(stack, tasks=EcsTask("t", args=[secret]))
        with pytest.raises(
            RuntimeError, match=r"airflow.tasks.t.args.0: .*for everyone to read: give it.* with ecs.Secret"
        ):
            template(stack)

    def test_one_dag_id_twice(self, app: App, stack: Stack) -> None:
        dag(stack, "First")
        dag(Stack(app, "Other"), "Second")
        with pytest.raises(
            RuntimeError, match=r"2 DAGs .* the dag_id 'a', .*: Main/First, Other/Second; give each its own"
        ):
            template(stack)

    def test_one_family_twice(self, stack: Stack) -> None:
        for name in ("First", "Second"):
            task_definition = ecs.FargateTaskDefinition(stack, f"{name}Task", family="same")
            task_definition.add_container("main", image=ecs.ContainerImage.from_registry("x"))
            dag(stack, name, dag_id=name, task_definition=task_definition)
        with pytest.raises(
            RuntimeError, match="family 'same', and each deployment would replace the other: Main/First"
        ):
            template(stack)

    def test_one_dag_id_in_two_places_is_well(self, app: App) -> None:
        for name, region in (("West", "eu-west-1"), ("Central", "eu-central-1")):
            dag(Stack(app, name, env=Environment(account="123456789012", region=region)), name)
        for name in ("Dev", "Prod"):
            dag(Stack(Stage(app, name), "Main"))
        app.synth()

    def test_lines_that_airflow_will_not_show(self, stack: Stack) -> None:
        quiet = ecs.FargateTaskDefinition(stack, "Task")
        quiet.add_container("main", image=ecs.ContainerImage.from_registry("x"))
        dag(stack, task_definition=quiet)
        warnings = assertions.Annotations.from_stack(stack)
        warnings.has_warning("/Main/Dag", assertions.Match.string_like_regexp("log driver none"))

    def test_an_output_that_airflow_could_not_read(self, stack: Stack) -> None:
        quiet = ecs.FargateTaskDefinition(stack, "Task")
        quiet.add_container("main", image=ecs.ContainerImage.from_registry("x"))
        quiet.add_container(
            "loud", image=ecs.ContainerImage.from_registry("x"), logging=ecs.LogDriver.aws_logs(stream_prefix="x")
        )

        def using(container: str | None) -> Flow:
            count = EcsTask("count", container=container)
            return count >> EcsTask("load", args=[count.output])

        for container in (None, "main"):
            found = problems(stack, task_definition=quiet, tasks=using(container))
            assert list(found) == ["tasks.count"]
            assert "main, whose lines don't go to CloudWatch Logs: give the container logging=" in found["tasks.count"]
        dag(stack, task_definition=quiet, tasks=using("loud"))

    def test_awslogs_gives_no_warning(self, stack: Stack) -> None:
        dag(stack)
        assert assertions.Annotations.from_stack(stack).find_warning("*", assertions.Match.any_value()) == []
