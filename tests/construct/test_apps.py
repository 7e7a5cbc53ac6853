"""Whole apps as their authors run them, `python app.py`: the exit code, and what stands at the end of the output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from airflow_ecs_dag_schema import decode

HERE = Path(__file__).parent
SAMPLE = HERE.parent.parent / "cdk" / "app.py"


def run(app: Path, *arguments: str, output: Path, validation: str = "false") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, app, *arguments],
        env=os.environ | {"CDK_OUTDIR": str(output), "CDK_VALIDATION": validation},
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def sample_labels(output: Path) -> dict[str, Any]:
    template = json.loads((output / "ConvertIt.template.json").read_text())
    (task_definition,) = [r for r in template["Resources"].values() if r["Type"] == "AWS::ECS::TaskDefinition"]
    (container,) = task_definition["Properties"]["ContainerDefinitions"]
    labels: dict[str, Any] = container["DockerLabels"]
    return labels


def test_the_sample_has_its_golden_labels(tmp_path: Path) -> None:
    """With the CDK's own check of the template on, as `cdk synth` runs it."""
    ran = run(SAMPLE, output=tmp_path, validation="true")
    assert (ran.returncode, ran.stdout) == (0, ""), ran.stderr
    labels = sample_labels(tmp_path)
    assert labels == json.loads((HERE / "golden" / "convert-it.json").read_text())


def test_the_golden_labels_are_the_dag_of_2019() -> None:
    golden = json.loads((HERE / "golden" / "convert-it.json").read_text())
    # What CloudFormation fills in: the cluster's name and the ids of two subnets.
    deployed = {key: text if isinstance(text, str) else f"subnet-{key[-1]}" for key, text in golden.items()}
    spec = decode(deployed)
    assert (spec.dag_id, spec.owner, spec.max_active_tasks, spec.defaults.retries) == ("convert-it", "Frank", 12, 1)
    assert {task.task_id: task.upstream for task in spec.tasks} == {"latest_only": (), "convert": ("latest_only",)}
    assert [getattr(task, "container_command", None) for task in spec.tasks] == [("convert", "{{ ds }}"), None]
    assert spec.ecs.assign_public_ip
    assert len(spec.ecs.subnets) == 2


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        ("circle", "- tasks: the tasks run in a circle, convert >> load >> convert: remove one of these arrows"),
        (
            "namesake",
            "- tasks.convert: 2 tasks have this id, made at apps/mistakes.py:21, made at apps/mistakes.py:27",
        ),
        ("forgotten", "[AirflowEcsDags] the task 'report', made at apps/mistakes.py:29, is in no flow"),
        ("labels", "- container.main.airflow.dag.owner: this label is there already"),
        (
            "large",
            "- airflow: the task definition is 118481 bytes, at most 60000 fit; the largest labels: airflow.tasks.t10",
        ),
        ("output", "- tasks.report.args.0: the task load does not run before this one, so its output is not there yet"),
        ("grown", "[Main/Dag] airflow: the task definition is 6"),
        (
            "container",
            "- container: the task definition has no such container; its containers are main (got 'other')",
        ),
        ("text", "- tasks.report.args: expected a list of texts, one for each word: write args=['--all']"),
    ],
)
def test_a_mistake_ends_the_app_with_1_and_its_words(tmp_path: Path, mistake: str, words: str) -> None:
    ran = run(HERE / "apps" / "mistakes.py", mistake, output=tmp_path)
    assert ran.returncode == 1, ran.stderr
    assert not (tmp_path / "manifest.json").exists()
    said = ran.stderr.rstrip().splitlines()
    is_from_the_construct = mistake not in {"forgotten", "grown"}  # which the CDK finds at the end, and says in its way
    if is_from_the_construct:
        assert said.pop().startswith("what it means, and what to do: docs/troubleshooting.md#")
    assert said[-1].strip().startswith(words), ran.stderr


def test_the_same_app_without_a_mistake(tmp_path: Path) -> None:
    ran = run(HERE / "apps" / "mistakes.py", "none", output=tmp_path)
    assert (ran.returncode, ran.stdout) == (0, ""), ran.stderr


def test_the_samples_container_does_what_the_article_shows() -> None:
    script = SAMPLE.parent / "container" / "run.py"

    def output(*arguments: str) -> tuple[int, str, str]:
        ran = subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True, check=False)
        return ran.returncode, ran.stdout, ran.stderr

    assert output("convert", "2019-12-04") == (0, "Converted data of date 2019-12-04 00:00:00\n", "")
    assert output("burn") == (1, "", "unknown command 'burn': the only one is convert\n")
    assert output("convert", "yesterday")[0] == 1
