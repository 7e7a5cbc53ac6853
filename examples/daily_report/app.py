"""A day's sales, by country: what the containers put out decides what runs, and on what."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from aws_cdk import App, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from constructs import Construct

from airflow_ecs_dag import (
    AirflowEcsDag,
    BooleanParam,
    Branch,
    EcsTask,
    Schedule,
    StringParam,
    TaskDefaults,
    TaskGroup,
    item,
    param,
)


class DailyReport(Stack):
    """One task definition; the container's first word says what it does."""

    def __init__(self, scope: Construct, stack_id: str) -> None:
        super().__init__(scope, stack_id)
        public = ec2.SubnetConfiguration(name="Public", subnet_type=ec2.SubnetType.PUBLIC)
        vpc = ec2.Vpc(self, "Vpc", max_azs=2, nat_gateways=0, subnet_configuration=[public])
        task_definition = ecs.FargateTaskDefinition(self, "TaskDefinition", family="airflow-daily-report")
        task_definition.add_container(
            "report",
            image=ecs.ContainerImage.from_asset(str(Path(__file__).parent / "container")),
            logging=ecs.LogDriver.aws_logs(
                stream_prefix="airflow",
                log_group=logs.LogGroup(self, "Logs", removal_policy=RemovalPolicy.DESTROY),
            ),
        )

        table = EcsTask("table", command=["make-table"], is_setup=True)
        drop = EcsTask("drop", command=["drop-table"], is_teardown=True)
        find = EcsTask("find", args=["{{ ds }}"])
        load = EcsTask(
            "load",
            args=[item, f"--rows={find.output['rows']}"],
            expand=["be", "nl"],
            map_index_template=item,
        )
        check = EcsTask("check", args=["{{ ds }}"], skip_on_exit_code=[99])
        which = Branch("which", choice=find.output["report"])
        full = EcsTask("full", command=["report", "full"], args=[param("title")])
        short = EcsTask("short", command=["report", "short"], args=[param("title"), f"--draft={param('draft')}"])

        AirflowEcsDag(
            self,
            "Dag",
            dag_id="daily-report",
            owner="Sales",
            doc_md="The **sales** of a day. A container says which report is due.",
            task_definition=task_definition,
            cluster=ecs.Cluster(self, "Cluster", vpc=vpc),
            schedule=Schedule.daily(at="06:00", timezone="Europe/Amsterdam"),
            start_date=datetime(2026, 1, 1, tzinfo=UTC),
            params={
                "title": StringParam(default="Sales", max_length=40, description="What stands above the report"),
                "draft": BooleanParam(default=False),
            },
            defaults=TaskDefaults(retries=1, retry_delay=timedelta(seconds=5)),
            tasks=[
                find >> table >> TaskGroup("load", [load, check]) >> drop,
                table >> drop,
                find >> which >> [full, short],
            ],
        )


app = App()
DailyReport(app, "DailyReport")
app.synth()
