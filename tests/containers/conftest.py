"""Fixtures of the container tests: a real engine, an image built there, a local AWS in front of it."""

import os
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import docker
import pytest
from docker.errors import DockerException, NotFound

from airflow_ecs_dag_cli.local_aws import LocalAws
from required import missing

IMAGE_FOLDER = Path(__file__).parent / "image"
ENGINE_SECONDS = 60


@pytest.fixture(scope="session")
def docker_host() -> str:
    """The address of the engine to use: ``DOCKER_HOST``, or where Docker listens by default."""
    return os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")


@pytest.fixture(scope="session")
def engine(docker_host: str) -> Iterator[docker.DockerClient]:
    """A client of the engine at ``docker_host``, which answers."""
    try:
        client = docker.DockerClient(base_url=docker_host, timeout=ENGINE_SECONDS)
        client.ping()
    except DockerException as error:
        missing(
            "container",
            f"no container engine answers on {docker_host} ({error}): "
            "set DOCKER_HOST to the socket of one, see docs/container-tests.md",
        )
    yield client
    client.close()


@pytest.fixture(scope="session")
def verb_image(engine: docker.DockerClient) -> Iterator[str]:
    """The name of an image, built by ``engine`` like the sample's own, whose container does what it is told."""
    name = f"airflow-ecs-dag-test:{uuid.uuid4().hex[:12]}"
    engine.images.build(path=str(IMAGE_FOLDER), tag=name, rm=True, forcerm=True)
    yield name
    # The emulator keeps the containers of tasks that ended by themselves until it ends itself.
    for container in engine.containers.list(all=True, filters={"ancestor": name}):
        with suppress(NotFound):
            container.remove(v=True, force=True)
    engine.images.remove(name, force=True)


@pytest.fixture(scope="module")
def local_aws(
    engine: docker.DockerClient, docker_host: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalAws]:
    """A local AWS whose ECS tasks are containers of ``engine``."""
    engine.ping()
    with LocalAws(tmp_path_factory.mktemp("emulator"), docker_host=docker_host) as running:
        yield running
