"""What a person sees of a DAG and its tasks."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_ecs_dag_loader import EcsTaskOperator
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec
from loader.pairs.hand import CONSOLE, DAG_ARGUMENTS, ECS, FOUND, TASK_DEFINITION_LINK

STACK = "arn:aws:cloudformation:eu-west-1:123456789012:stack/reports/0a1b"
SPEC = DagSpec(
    dag_id="reports",
    owner="Flowers",
    owner_link="https://teams.example.com/flowers",
    display_name="Reports of the week",
    description="Builds the reports",
    doc_md="# Reports\n\nRead on in README.md",
    tags=["reports", "daily"],
    repository="https://git.example.com/flowers/reports",
    stack=STACK,
    tasks=[EcsTaskSpec(task_id="build", task_display_name="Build all", doc_md="See BUILD.md")],
)


def by_hand() -> DAG:
    stack = "arn%3Aaws%3Acloudformation%3Aeu-west-1%3A123456789012%3Astack%2Freports%2F0a1b"
    stack_url = f"{CONSOLE}/cloudformation/home?region=eu-west-1#/stacks/stackinfo?stackId={stack}"
    links = (
        "[Repository](https://git.example.com/flowers/reports) | "
        f"[CloudFormation stack]({stack_url}) | "
        f"{TASK_DEFINITION_LINK}"
    )
    own = {
        "doc_md": f"{links}\n\n{FOUND}\n\n---\n\n# Reports\n\nRead on in README.md\n\n---\n",
        "default_args": {"owner": "Flowers", "retries": 0},
    }
    with DAG(
        "reports",
        schedule=None,
        dag_display_name="Reports of the week",
        description="Builds the reports",
        owner_links={"Flowers": "https://teams.example.com/flowers"},
        tags=["daily", "reports"],
        **DAG_ARGUMENTS | own,
    ) as dag:
        EcsTaskOperator(
            task_id="build",
            command=["build"],
            stack_url=stack_url,
            task_display_name="Build all",
            doc_md="See BUILD.md",
            **ECS,
        )
    return dag
