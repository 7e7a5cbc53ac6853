"""Generated files as they are used: executed against the construct, and formatted and checked as files of a project."""

from __future__ import annotations

import json
import subprocess
import sys
from types import FunctionType
from typing import TYPE_CHECKING, Any

from aws_cdk import Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_s3 as s3

from airflow_ecs_dag_cli.python_dag import SourceDag, python_file
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec, decode
from airflow_ecs_dag_schema.undeployed import read_undeployed

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_ecs_dag import AirflowEcsDag
    from airflow_ecs_dag_schema.ecs_settings import EcsTag

CARRIER = "main"


def source_of(spec: DagSpec, width: int = 88, *, origin: str = "labels", **more: Any) -> str:
    """The Python file of one DAG."""
    return python_file([SourceDag(spec=spec, origin=origin, container=CARRIER, **more)], width=width)


def functions_of(source: str) -> dict[str, Any]:
    """The functions of a generated file."""
    values: dict[str, Any] = {}
    exec(compile(source, "generated.py", "exec", dont_inherit=True), values)  # noqa: S102 - what is tested
    found = {name: value for name, value in values.items() if isinstance(value, FunctionType)}
    return {name: value for name, value in found.items() if value.__code__.co_filename == "generated.py"}


def task_definition_for(spec: DagSpec, stack: Stack) -> ecs.TaskDefinition:
    """A task definition that a DAG fits on, with all containers that its tasks name."""
    mode = ecs.NetworkMode.AWS_VPC if spec.ecs.subnets else ecs.NetworkMode.BRIDGE
    both = ecs.Compatibility.EC2_AND_FARGATE if spec.ecs.subnets else ecs.Compatibility.EC2
    definition = ecs.TaskDefinition(
        stack, "Task", compatibility=both, network_mode=mode, cpu="256", memory_mib="512", family="family"
    )
    named = {task.container_name for task in spec.tasks if isinstance(task, EcsTaskSpec)}
    for name in sorted({each for each in (CARRIER, spec.ecs.container_name, *named) if each is not None}):
        definition.add_container(
            name,
            container_name=name,
            image=ecs.ContainerImage.from_registry("jobs"),
            memory_limit_mib=64,
            logging=ecs.LogDriver.aws_logs(stream_prefix="jobs"),
        )
    return definition


def synthesized(source: str, spec: DagSpec, **arguments: Any) -> AirflowEcsDag:
    """The construct that a generated file makes."""
    stack = Stack()
    (function,) = functions_of(source).values()
    if spec.exchange is not None:
        arguments["exchange"] = s3.Bucket(stack, "Bucket")
    made: AirflowEcsDag = function(stack, task_definition=task_definition_for(spec, stack), **arguments)
    return made


def read_back(made: AirflowEcsDag) -> DagSpec:
    """The DAG of the labels that a construct wrote, tokens aside."""
    labels = {key: text for key, text in made.labels.items() if key != "airflow.dag.stack"}
    reading = read_undeployed({key: text.replace("${Token[TOKEN", "${Token[Bucket") for key, text in labels.items()})
    assert not reading.problems
    assert reading.spec is not None
    if not reading.stand_ins and "${Token" not in json.dumps(labels):
        assert decode(labels) == reading.spec
    return reading.spec


def comparable(spec: DagSpec) -> dict[str, Any]:
    """What a DAG says, but for what is the construct's own: its stack, the bucket's name and the order of tags."""
    said = spec.model_dump()
    del said["stack"], said["ecs"]["container_name"]
    said["exchange"] = spec.exchange is not None
    said["groups"] = [group for group in said["groups"] if group["display_name"] or group["tooltip"]]
    said["ecs"]["tags"] = _sorted(spec.ecs.tags)
    for task, dumped in zip(spec.tasks, said["tasks"], strict=True):
        dumped["edge_labels"] = sorted(dumped["edge_labels"], key=lambda edge: str(edge["upstream"]))
        if isinstance(task, EcsTaskSpec):
            dumped["tags"] = _sorted(task.tags)
    return said


def _sorted(tags: list[EcsTag] | tuple[EcsTag, ...]) -> list[tuple[str, str]]:
    return sorted({tag.key: tag.value for tag in tags}.items())


def complaints(folder: Path, *sources: str, width: int = 88) -> str:
    """What ruff says of generated files, as formatter and as linter."""
    for number, source in enumerate(sources):
        (folder / f"generated_{number}.py").write_text(source, encoding="utf-8")
    ruff = [sys.executable, "-m", "ruff"]
    said = ""
    for options in (["format", "--diff"], ["check", "--select", "E4,E7,E9,F,I,UP,B,N,Q,C4,PIE,RET,SIM,TC"]):
        ran = subprocess.run(
            [
                *ruff,
                *options,
                "--isolated",
                "--no-cache",
                "--target-version=py311",
                f"--line-length={width}",
                str(folder),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        said += "" if ran.returncode == 0 else ran.stdout + ran.stderr
    return said
