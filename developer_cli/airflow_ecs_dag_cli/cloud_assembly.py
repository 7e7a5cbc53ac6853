"""What a CDK app wants deployed: its stacks in order, their container images and files.

Read from a cloud assembly, the folder (``cdk.out``) that ``app.synth()`` writes; its format is aws-cdk's
cloud-assembly-schema.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow_ecs_dag_cli.processes import LocalRunError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Json: TypeAlias = "dict[str, Any]"  # an object of a JSON file whose schema is not ours

MANIFEST = "manifest.json"
_STACK = "aws:cloudformation:stack"
_ASSETS = "cdk:asset-manifest"
_NESTED = "cdk:cloud-assembly"
_ENVIRONMENT = re.compile(r"aws://(?P<account>[^/]+)/(?P<region>[^/]+)\Z")
_URL_SUFFIX = "amazonaws.com"


class SynthesisError(LocalRunError):
    """The CDK app could not be run, or what it wrote cannot be deployed locally."""


@dataclass(frozen=True, kw_only=True)
class ImageAsset:
    """A container image that the app builds from a folder.

    Attributes:
        uri: The image as the deployed task definition names it, account and region filled in.
        folder: The build context.
        dockerfile: Path of the Dockerfile in `folder`.
        target: The stage to build; None for the last.
        build_args: Values for the Dockerfile's ``ARG``.
        platform: Such as ``linux/arm64``; None for the engine's own.
    """

    uri: str
    folder: Path
    dockerfile: str = "Dockerfile"
    target: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    platform: str | None = None


@dataclass(frozen=True, kw_only=True)
class FileAsset:
    """A file or folder that the templates expect in S3.

    Attributes:
        path: The file or folder.
        bucket: Where it goes, account and region filled in.
        key: Its object key.
        zipped: Whether a zip archive of the folder `path` goes there instead of `path` itself.
    """

    path: Path
    bucket: str
    key: str
    zipped: bool = False


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A CloudFormation stack of the app.

    Attributes:
        id: Its artifact id, unique in the app.
        name: Its CloudFormation name.
        path: Its construct path, as `cdk list` shows it.
        template: The template.
        dependencies: Artifact ids of the stacks to deploy before it.
        parameters: Values for the template's parameters.
        tags: Tags of the stack.
        account: The account that the app fixed; None when it left that open.
        region: The region that the app fixed; None when it left that open.
        images: The images its task definitions run.
        files: What its template expects in S3.
    """

    id: str
    name: str
    path: str
    template: Json
    dependencies: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    account: str | None = None
    region: str | None = None
    images: tuple[ImageAsset, ...] = ()
    files: tuple[FileAsset, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CloudAssembly:
    """What a CDK app wrote.

    Attributes:
        folder: Where it was written.
        stacks: All stacks, stages included, each after those it depends on.
        warnings: What the app's constructs warn about, as ``message @ construct path``.
        printed: What the app printed while it ran.
    """

    folder: Path
    stacks: tuple[Stack, ...]
    warnings: tuple[str, ...] = ()
    printed: str = ""

    @property
    def images(self) -> tuple[ImageAsset, ...]:
        """The images of all stacks, each URI once."""
        return tuple({image.uri: image for stack in self.stacks for image in stack.images}.values())


@dataclass(frozen=True)
class _Artifact:
    """An entry of a manifest, with what is needed to read the files it names."""

    id: str
    folder: Path
    data: Json

    @property
    def kind(self) -> str:
        return str(self.data.get("type", ""))

    @property
    def properties(self) -> Json:
        found: Json = self.data.get("properties") or {}
        return found

    @property
    def dependencies(self) -> tuple[str, ...]:
        return tuple(self.data.get("dependencies") or ())


def read_assembly(folder: Path, *, account: str, region: str, printed: str = "") -> CloudAssembly:
    """Read the cloud assembly in `folder`.

    Args:
        folder: The folder with ``manifest.json``, such as ``cdk.out``.
        account: What the account is where the app left it open.
        region: What the region is where the app left it open.
        printed: What the app printed, to keep with it.

    Raises:
        SynthesisError: it cannot be read, needs look-ups in real AWS, or a construct has an error annotation.
    """
    artifacts, missing = _read_manifest(folder)
    if missing:
        raise SynthesisError(
            "the app looks values up in real AWS, which a local run does not have: "
            + "; ".join(sorted(missing))
            + "; run `cdk synth` once with credentials, which keeps them in cdk.context.json, or give the"
            " values in the app (such as Vpc.from_vpc_attributes instead of Vpc.from_lookup)"
        )
    errors = tuple(_annotations(artifacts, "aws:cdk:error"))
    if errors:
        raise SynthesisError("constructs of the app report errors:\n" + "\n".join(errors))
    asset_manifests = {artifact.id: artifact for artifact in artifacts if artifact.kind == _ASSETS}
    stacks = [
        _stack(artifact, asset_manifests, account=account, region=region)
        for artifact in artifacts
        if artifact.kind == _STACK
    ]
    return CloudAssembly(
        folder=folder,
        stacks=_in_deployment_order(stacks),
        warnings=tuple(_annotations(artifacts, "aws:cdk:warning")),
        printed=printed,
    )


def _read_manifest(folder: Path) -> tuple[list[_Artifact], set[str]]:
    """Return the artifacts of the assembly and of those nested in it, and the look-ups that are missing."""
    manifest = read_object(folder / MANIFEST)
    missing = {str(entry.get("key")) for entry in manifest.get("missing") or ()}
    artifacts = []
    for name, data in (manifest.get("artifacts") or {}).items():
        artifact = _Artifact(name, folder, data)
        artifacts.append(artifact)
        if artifact.kind == _NESTED:
            nested, missing_there = _read_manifest(folder / artifact.properties["directoryName"])
            artifacts += nested
            missing |= missing_there
    return artifacts, missing


def _stack(artifact: _Artifact, manifests: Mapping[str, _Artifact], *, account: str, region: str) -> Stack:
    properties = artifact.properties
    fixed_account, fixed_region = _fixed_environment(artifact)
    places = _Places(fixed_account or account, fixed_region or region)
    images: list[ImageAsset] = []
    files: list[FileAsset] = []
    for name in artifact.dependencies:
        if name in manifests:
            manifest = manifests[name]
            assets = read_object(manifest.folder / manifest.properties["file"])
            images += _images(assets, manifest.folder, places)
            files += _files(assets, manifest.folder, places)
    return Stack(
        id=artifact.id,
        name=str(properties.get("stackName") or artifact.id),
        path=str(artifact.data.get("displayName") or artifact.id),
        template=read_object(artifact.folder / properties["templateFile"]),
        dependencies=artifact.dependencies,
        parameters=dict(properties.get("parameters") or {}),
        tags=dict(properties.get("tags") or {}),
        account=fixed_account,
        region=fixed_region,
        images=tuple(images),
        files=tuple(files),
    )


@dataclass(frozen=True)
class _Places:
    """Where a stack goes, to fill in the placeholders of its asset destinations."""

    account: str
    region: str

    def fill(self, text: str) -> str:
        known = {"AWS::Partition": "aws", "AWS::AccountId": self.account, "AWS::Region": self.region}
        for name, value in known.items():
            text = text.replace(f"${{{name}}}", value)
        return text


def _images(assets: Json, folder: Path, places: _Places) -> Iterator[ImageAsset]:
    for name, asset in (assets.get("dockerImages") or {}).items():
        source = asset["source"]
        if "directory" not in source:
            raise SynthesisError(
                f"the image {asset.get('displayName', name)!r} is built by the command"
                f" {source.get('executable')!r}; a local run builds images from a folder with a Dockerfile"
                " only (ContainerImage.from_asset)"
            )
        for destination in asset["destinations"].values():
            region = places.fill(destination.get("region") or places.region)
            repository = places.fill(destination["repositoryName"])
            yield ImageAsset(
                uri=f"{places.account}.dkr.ecr.{region}.{_URL_SUFFIX}/{repository}:{destination['imageTag']}",
                folder=(folder / source["directory"]).resolve(),
                dockerfile=source.get("dockerFile") or "Dockerfile",
                target=source.get("dockerBuildTarget"),
                build_args=dict(source.get("dockerBuildArgs") or {}),
                platform=source.get("platform"),
            )


def _files(assets: Json, folder: Path, places: _Places) -> Iterator[FileAsset]:
    for name, asset in (assets.get("files") or {}).items():
        source = asset["source"]
        if "path" not in source:
            raise SynthesisError(
                f"the file asset {asset.get('displayName', name)!r} is made by the command"
                f" {source.get('executable')!r}; a local run takes files and folders only"
            )
        for destination in asset["destinations"].values():
            yield FileAsset(
                path=(folder / source["path"]).resolve(),
                bucket=places.fill(destination["bucketName"]),
                key=places.fill(destination["objectKey"]),
                zipped=source.get("packaging") == "zip",
            )


def _fixed_environment(artifact: _Artifact) -> tuple[str | None, str | None]:
    found = _ENVIRONMENT.match(str(artifact.data.get("environment")))
    if found is None:
        return None, None
    account, region = found["account"], found["region"]
    return (
        None if account == "unknown-account" else account,
        None if region == "unknown-region" else region,
    )


def _in_deployment_order(stacks: list[Stack]) -> tuple[Stack, ...]:
    by_id = {stack.id: stack for stack in stacks}
    sorter = TopologicalSorter({stack.id: [name for name in stack.dependencies if name in by_id] for stack in stacks})
    try:
        return tuple(by_id[name] for name in sorter.static_order())
    except CycleError as error:
        raise SynthesisError(f"the stacks depend on each other in a circle: {' -> '.join(error.args[1])}") from error


def _annotations(artifacts: list[_Artifact], kind: str) -> Iterator[str]:
    for artifact in artifacts:
        entries: dict[str, list[Json]] = {}
        apart = artifact.data.get("additionalMetadataFile")
        for metadata in (
            read_object(artifact.folder / apart) if apart else {},
            artifact.data.get("metadata"),
        ):
            for path, found in (metadata or {}).items():
                entries.setdefault(path, []).extend(found)
        for path, found in entries.items():
            for entry in found:
                if entry.get("type") == kind:
                    yield f"{entry.get('data')} @ {path.lstrip('/')}"


def read_object(path: Path) -> Json:
    """Read a JSON object.

    Raises:
        SynthesisError: the file is absent, no JSON, or holds something else than an object.
    """
    try:
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise SynthesisError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SynthesisError(f"{path} is no valid JSON: {error}") from error
    if not isinstance(found, dict):
        raise SynthesisError(f"{path} holds {type(found).__name__}, not a JSON object")
    return found
