"""Running the app of `cdk.json` and reading what it wrote. Tests that import aws-cdk are in `tests/emulator`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from airflow_ecs_dag_cli.cdk_app import synthesize
from airflow_ecs_dag_cli.cloud_assembly import (
    CloudAssembly,
    FileAsset,
    ImageAsset,
    SynthesisError,
    read_assembly,
)
from airflow_ecs_dag_cli.local_aws import isolated_environment

ACCOUNT = "123456789012"
REGION = "eu-west-1"
Manifest = dict[str, Any]


def write(folder: Path, name: str, content: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def stack(name: str, *, after: tuple[str, ...] = (), environment: str = "", **properties: object) -> Manifest:
    return {
        "type": "aws:cloudformation:stack",
        "environment": environment or "aws://unknown-account/unknown-region",
        "properties": {"templateFile": f"{name}.template.json", **properties},
        "dependencies": list(after),
        "displayName": f"App/{name}",
    }


def write_assembly(folder: Path, artifacts: dict[str, Manifest], **more: object) -> Path:
    for name in artifacts:
        write(folder, f"{name}.template.json", {"Resources": {}})
    write(folder, "manifest.json", {"version": "55.0.0", "artifacts": artifacts, **more})
    return folder


def read(folder: Path) -> CloudAssembly:
    return read_assembly(folder, account=ACCOUNT, region=REGION)


def run_app(project: Path, *, output: Path | None = None, **environment: str) -> CloudAssembly:
    return synthesize(
        project,
        environment=isolated_environment(os.environ) | environment,
        output=output or project / "cdk.out",
        account=ACCOUNT,
        region=REGION,
    )


def write_app(project: Path, code: str, **settings: object) -> Path:
    """A CDK app reduced to what the command sees of it: a program that writes a cloud assembly."""
    write(project, "app.py", code)
    write(project, "cdk.json", {"app": "python3 app.py", **settings})
    return project


WRITES_ITS_ENVIRONMENT = """
import json, os, sys
out = os.environ["CDK_OUTDIR"]
context = json.loads(os.environ["CDK_CONTEXT_JSON"])
if "CONTEXT_OVERFLOW_LOCATION_ENV" in os.environ:
    context |= json.load(open(os.environ["CONTEXT_OVERFLOW_LOCATION_ENV"]))
template = {"context": context, "environment": dict(os.environ), "python": sys.executable, "folder": os.getcwd()}
json.dump(template, open(os.path.join(out, "S.template.json"), "w"))
artifact = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "S.template.json"}}
json.dump({"version": "55.0.0", "artifacts": {"S": artifact}}, open(os.path.join(out, "manifest.json"), "w"))
print("it ran")
"""


def test_stacks_come_after_those_they_depend_on(tmp_path: Path) -> None:
    artifacts = {"C": stack("C", after=("B", "A")), "B": stack("B", after=("A",)), "A": stack("A")}
    assert [found.id for found in read(write_assembly(tmp_path, artifacts)).stacks] == ["A", "B", "C"]


def test_stacks_in_a_circle_are_an_error(tmp_path: Path) -> None:
    folder = write_assembly(tmp_path, {"A": stack("A", after=("B",)), "B": stack("B", after=("A",))})
    with pytest.raises(SynthesisError, match=r"depend on each other in a circle: (A -> B -> A|B -> A -> B)"):
        read(folder)


def test_stacks_of_a_stage_are_found(tmp_path: Path) -> None:
    write_assembly(tmp_path / "assembly-Stage", {"StageS": stack("StageS", stackName="Stage-S")})
    nested = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-Stage"}}
    (found,) = read(write_assembly(tmp_path, {"assembly-Stage": nested})).stacks
    assert (found.id, found.name, found.path) == ("StageS", "Stage-S", "App/StageS")


def test_parameters_tags_and_environment_of_a_stack(tmp_path: Path) -> None:
    artifact = stack("S", environment="aws://111122223333/us-east-1", parameters={"P": "1"}, tags={"T": "2"})
    (found,) = read(write_assembly(tmp_path, {"S": artifact})).stacks
    assert (found.parameters, found.tags) == ({"P": "1"}, {"T": "2"})
    assert (found.account, found.region) == ("111122223333", "us-east-1")


def with_assets(tmp_path: Path, assets: Manifest, environment: str = "") -> CloudAssembly:
    manifest = {"type": "cdk:asset-manifest", "properties": {"file": "S.assets.json"}}
    write(tmp_path, "S.assets.json", assets)
    artifacts = {"S.assets": manifest, "S": stack("S", after=("S.assets",), environment=environment)}
    return read(write_assembly(tmp_path, artifacts))


IMAGE = {
    "source": {
        "directory": "asset.1",
        "dockerFile": "docker/Dockerfile",
        "dockerBuildTarget": "runner",
        "dockerBuildArgs": {"A": "1"},
        "platform": "linux/arm64",
    },
    "destinations": {
        "here": {"repositoryName": "images-${AWS::AccountId}-${AWS::Region}", "imageTag": "abc"},
    },
}


def test_an_image_is_named_as_the_deployed_template_names_it(tmp_path: Path) -> None:
    assembly = with_assets(tmp_path, {"dockerImages": {"abc": IMAGE}})
    assert assembly.images == (
        ImageAsset(
            uri=f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/images-{ACCOUNT}-{REGION}:abc",
            folder=tmp_path / "asset.1",
            dockerfile="docker/Dockerfile",
            target="runner",
            build_args={"A": "1"},
            platform="linux/arm64",
        ),
    )


def test_an_image_of_a_stack_with_a_fixed_environment(tmp_path: Path) -> None:
    assembly = with_assets(tmp_path, {"dockerImages": {"abc": IMAGE}}, "aws://111122223333/us-east-1")
    (image,) = assembly.images
    assert image.uri == "111122223333.dkr.ecr.us-east-1.amazonaws.com/images-111122223333-us-east-1:abc"


def test_an_image_made_by_a_command_is_an_error_that_names_it(tmp_path: Path) -> None:
    image = {"displayName": "Task/Image", "source": {"executable": ["bazel", "run"]}, "destinations": {}}
    with pytest.raises(SynthesisError, match=r"the image 'Task/Image' is built by the command \['bazel', 'run'\]"):
        with_assets(tmp_path, {"dockerImages": {"abc": image}})


def test_file_assets(tmp_path: Path) -> None:
    there = {"there": {"bucketName": "files-${AWS::AccountId}-${AWS::Region}", "objectKey": "k.zip"}}
    files = {"k": {"source": {"path": "asset.k", "packaging": "zip"}, "destinations": there}}
    (found,) = with_assets(tmp_path, {"files": files}).stacks
    bucket = f"files-{ACCOUNT}-{REGION}"
    assert found.files == (FileAsset(path=tmp_path / "asset.k", bucket=bucket, key="k.zip", zipped=True),)


def test_missing_look_ups_are_an_error_that_names_them(tmp_path: Path) -> None:
    missing = [{"key": "vpc-provider:account=1:region=2", "provider": "vpc-provider", "props": {}}]
    with pytest.raises(SynthesisError, match=r"in real AWS, .* vpc-provider:account=1:region=2; run `cdk synth`"):
        read(write_assembly(tmp_path, {"S": stack("S")}, missing=missing))


@pytest.mark.parametrize("apart", [True, False], ids=["in a file of its own", "in the manifest"])
def test_annotations(tmp_path: Path, apart: bool) -> None:  # noqa: FBT001 - pytest passes it by name
    errors = {"/App/S/Task": [{"type": "aws:cdk:error", "data": "too wide"}]}
    warnings = {"/App/S/Task": [{"type": "aws:cdk:warning", "data": "rather wide"}]}

    def assembly(metadata: Manifest) -> Path:
        write(tmp_path, "S.metadata.json", metadata)
        where = {"additionalMetadataFile": "S.metadata.json"} if apart else {"metadata": metadata}
        return write_assembly(tmp_path, {"S": stack("S") | where})

    assert read(assembly(warnings)).warnings == ("rather wide @ App/S/Task",)
    with pytest.raises(SynthesisError, match="report errors:\ntoo wide @ App/S/Task"):
        read(assembly(errors))


def test_no_assembly_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SynthesisError, match=r"manifest\.json cannot be read: No such file"):
        read(tmp_path)


def test_the_app_gets_its_context_folder_interpreter_and_place(tmp_path: Path) -> None:
    project = write_app(tmp_path, WRITES_ITS_ENVIRONMENT, context={"a": "cdk.json", "b": "cdk.json"})
    write(project, "cdk.context.json", {"b": "remembered", "c": "remembered"})
    assembly = synthesize(
        project,
        environment=isolated_environment(os.environ),
        output=tmp_path / "out",
        account=ACCOUNT,
        region=REGION,
        context={"a": "given"},
    )
    seen = assembly.stacks[0].template
    assert {name: seen["context"][name] for name in "abc"} == {"a": "given", "b": "cdk.json", "c": "remembered"}
    assert seen["context"]["aws:cdk:enable-path-metadata"] is True
    assert seen["folder"] == str(project)
    assert Path(seen["python"]).parent == Path(sys.executable).parent
    assert (seen["environment"]["CDK_DEFAULT_ACCOUNT"], seen["environment"]["CDK_DEFAULT_REGION"]) == (
        ACCOUNT,
        REGION,
    )
    assert assembly.printed == "it ran\n"


def test_a_context_too_large_for_the_environment_arrives(tmp_path: Path) -> None:
    project = write_app(tmp_path, WRITES_ITS_ENVIRONMENT, context={"large": "x" * 200_000})
    assert len(run_app(project).stacks[0].template["context"]["large"]) == 200_000


def test_the_node_of_the_package_is_used_unless_another_is_named(tmp_path: Path) -> None:
    project = write_app(tmp_path, WRITES_ITS_ENVIRONMENT)
    assert Path(run_app(project).stacks[0].template["environment"]["JSII_NODE"]).name == "node"
    named = run_app(project, JSII_NODE="/opt/node").stacks[0].template["environment"]["JSII_NODE"]
    assert named == "/opt/node"


def test_credentials_of_the_developer_do_not_reach_the_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_PROFILE": "production",
        "AWS_ACCESS_KEY_ID": "AKIAREALREALREALREAL",
        "AWS_SESSION_TOKEN": "a-real-token",
        "CDK_DEFAULT_ACCOUNT": "999999999999",
    }.items():
        monkeypatch.setenv(name, value)
    seen = json.dumps(run_app(write_app(tmp_path, WRITES_ITS_ENVIRONMENT)).stacks[0].template["environment"])
    for secret in ("production", "AKIAREALREALREALREAL", "a-real-token", "999999999999"):
        assert secret not in seen


def test_a_build_command_runs_first(tmp_path: Path) -> None:
    write_app(tmp_path, "", build="echo built > built.txt")
    write(tmp_path, "app.py", f"assert open('built.txt').read() == 'built\\n'\n{WRITES_ITS_ENVIRONMENT}")
    assert run_app(tmp_path).printed == "it ran\n"


def test_an_app_may_be_a_folder_synthesized_before(tmp_path: Path) -> None:
    write_assembly(tmp_path / "made", {"S": stack("S")})
    write(tmp_path, "cdk.json", {"app": "made"})
    assert [found.id for found in run_app(tmp_path).stacks] == ["S"]


def test_the_words_of_an_app_that_fails_are_shown(tmp_path: Path) -> None:
    with pytest.raises(SynthesisError, match=r"`python3 app.py` ended with 1; it printed:\n(.|\n)*cluster is missing"):
        run_app(write_app(tmp_path, "raise ValueError('cluster is missing')"))


def test_an_older_assembly_does_not_pass_for_the_app_s(tmp_path: Path) -> None:
    project = write_app(tmp_path, WRITES_ITS_ENVIRONMENT)
    run_app(project)
    write_app(project, "print('no synth')")
    with pytest.raises(SynthesisError, match=r"wrote no manifest\.json .*call app\.synth\(\)(.|\n)*no synth"):
        run_app(project)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is no valid JSON"),
        ("[]", "holds list, not a JSON object"),
        ("{}", r"names no app \(got None\); add the command"),
        ('{"app": ["python3"]}', r"names no app \(got \['python3'\]\)"),
        ('{"app": "true"}', r"wrote no manifest\.json"),
        ('{"app": "true", "context": ["a"]}', "has a context that is no JSON object"),
    ],
)
def test_a_cdk_json_that_is_wrong(tmp_path: Path, content: str, message: str) -> None:
    write(tmp_path, "cdk.json", content)
    with pytest.raises(SynthesisError, match=message):
        run_app(tmp_path)


def test_no_cdk_json(tmp_path: Path) -> None:
    with pytest.raises(SynthesisError, match=r"cdk\.json cannot be read: No such file"):
        run_app(tmp_path)
