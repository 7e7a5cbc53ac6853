"""What a DAG costs at synth: `AirflowEcsDag` against a bare task definition that is given the same labels as a dict.

    python benchmarks/synth_overhead.py [--rounds 5] [--seed 1]

Each measurement is a process of its own, both kinds by turns, on an app with one stack and the CDK's own template
validation off (it costs both the same seconds). `app` is the whole process, from start to exit; `declared` is the part
of it that the author's lines take, from the first construct to the end of `app.synth()`, so without imports.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from figure_table import versions

from airflow_ecs_dag_schema import DagSpec, EcsSettings, EcsTaskSpec, encode

SIZES = (10, 100, 1_000)
GOAL = 1.1
_APP = """
import json, sys, time
from pathlib import Path
import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
{imports}
kind, size, out = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
labels = json.loads((out.parent / f"labels-{{size}}.json").read_text())
began = time.perf_counter()
app = cdk.App(outdir=str(out))
stack = cdk.Stack(app, "Stack")
definition = ecs.FargateTaskDefinition(stack, "Task", family="bench")
container = definition.add_container(
    "main",
    image=ecs.ContainerImage.from_registry("worker"),
    logging=ecs.LogDriver.aws_logs(stream_prefix="bench"),
    docker_labels=labels if kind == "bare" else None,
)
if kind == "dag":
    tasks = [
        EcsTask(f"task_{{n:04}}", args=["{{{{ ds }}}}", f"--part={{n}}", f"s3://bucket/key-{{n}}"]) for n in range(size)
    ]
    AirflowEcsDag(
        stack, "Dag", dag_id="bench", task_definition=definition, cluster="work",
        vpc_subnets=["subnet-1"], schedule=Schedule.manual(), tasks=tasks,
    )
app.synth()
print(json.dumps({{"declared": time.perf_counter() - began}}))
"""
_IMPORTS = {"bare": "", "dag": "from airflow_ecs_dag import AirflowEcsDag, EcsTask, Schedule"}


def labels_of(size: int) -> dict[str, str]:
    """Return the labels that the construct writes for a DAG of `size` tasks."""
    tasks = tuple(
        EcsTaskSpec(task_id=f"task_{n:04}", args=("{{ ds }}", f"--part={n}", f"s3://bucket/key-{n}"))
        for n in range(size)
    )
    ecs = EcsSettings(cluster="work", launch_type="FARGATE", subnets=("subnet-1",))
    return encode(DagSpec(dag_id="bench", ecs=ecs, tasks=tasks))


def measure(kind: str, size: int, folder: Path) -> tuple[float, float]:
    """Return the seconds of one whole app, and of its author's lines."""
    script = folder / f"{kind}.py"
    script.write_text(_APP.format(imports=_IMPORTS[kind]))
    environment = os.environ | {"CDK_VALIDATION": "false", "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1"}
    timer = (
        "import subprocess,sys,time\nbegan=time.perf_counter()\n"
        "done=subprocess.run(sys.argv[1:],stdout=subprocess.PIPE,check=True)\n"
        "sys.stdout.buffer.write(done.stdout)\nprint(time.perf_counter()-began)"
    )
    done = subprocess.run(
        [sys.executable, "-c", timer, sys.executable, str(script), kind, str(size), str(folder / "out")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    declared, app = done.stdout.strip().splitlines()[-2:]
    return float(app), float(json.loads(declared)["declared"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    order = random.Random(options.seed)  # noqa: S311 - the order of measurements, no secret
    found: dict[tuple[str, int], list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size in SIZES:
            (folder / f"labels-{size}.json").write_text(json.dumps(labels_of(size)))
        for _ in range(options.rounds):
            for size in SIZES:
                for kind in order.sample(["bare", "dag"], 2):
                    found.setdefault((kind, size), []).append(measure(kind, size, folder))
    packages = versions("aws-cdk-lib", "jsii", "airflow-ecs-dag")
    print(f"{packages}; {options.rounds} rounds, seed {options.seed}, medians\n")
    print("| figure | AirflowEcsDag | bare, same labels | ratio | goal | met |\n|---|---|---|---|---|---|")
    for size in SIZES:
        for place, what in enumerate(("app", "declared")):
            ours, bare = (statistics.median(each[place] for each in found[kind, size]) for kind in ("dag", "bare"))
            ratio = ours / bare
            goal, met = (f"{GOAL}", "yes" if ratio <= GOAL else "no") if what == "app" else ("", "")
            print(f"| synth of {size:,} tasks, {what} | {ours:.2f} s | {bare:.2f} s | {ratio:.2f} | {goal} | {met} |")


if __name__ == "__main__":
    main()
