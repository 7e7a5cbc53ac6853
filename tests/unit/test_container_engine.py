"""Finding a container engine and making images available to it."""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import TYPE_CHECKING
from uuid import uuid4

import docker
import pytest

from airflow_ecs_dag_cli.cloud_assembly import ImageAsset
from airflow_ecs_dag_cli.container_engine import EngineError, build_images, find_engine, write_images
from airflow_ecs_dag_cli.processes import BackgroundProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_ecs_dag_cli.container_engine import ContainerEngine


@pytest.fixture
def engine() -> ContainerEngine:
    found = find_engine()
    if found.engine is None:
        pytest.skip("no container engine answers: " + "; ".join(found.tried))
    return found.engine


@pytest.fixture
def image(engine: ContainerEngine, tmp_path: Path) -> Iterator[ImageAsset]:
    """An image of one file, named as CDK names image assets; removed afterwards."""
    (tmp_path / "greeting.txt").write_text("hello")
    (tmp_path / "Dockerfile.plain").write_text(
        "FROM scratch AS wanted\nARG WORD\nLABEL word=$WORD\nCOPY greeting.txt /\nFROM scratch\nCOPY no-such-file /\n"
    )
    uri = f"000000000000.dkr.ecr.eu-west-1.amazonaws.com/cdk-test-assets:{uuid4().hex}"
    yield ImageAsset(
        uri=uri, folder=tmp_path, dockerfile="Dockerfile.plain", target="wanted", build_args={"WORD": "given"}
    )
    client = docker.DockerClient(base_url=engine.url)
    try:
        client.images.remove(uri, force=True)
    except docker.errors.NotFound:
        pass  # the test was one where the build fails
    finally:
        client.close()


def test_where_nothing_listens_every_place_is_named(tmp_path: Path) -> None:
    found = find_engine({"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path / "run")})
    if found.engine is not None:
        pytest.skip(f"{found.engine.url} answers on this machine")
    assert any(place.startswith("unix:///var/run/docker.sock: ") for place in found.tried)
    assert f"unix://{tmp_path}/run/podman/podman.sock: no such socket" in found.tried
    assert f"unix://{tmp_path}/.colima/default/docker.sock: no such socket" in found.tried


def test_docker_host_decides_alone(tmp_path: Path) -> None:
    url = f"unix://{tmp_path}/none.sock"
    found = find_engine({"DOCKER_HOST": url, "HOME": str(tmp_path)})
    assert (found.engine, found.tried) == (None, (f"{url}: no such socket",))


def test_a_socket_that_refuses_is_passed_over_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "deaf.sock"
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(path))  # bound, but nobody listens
        found = find_engine({"DOCKER_HOST": f"unix://{path}"})
    assert found.engine is None
    assert "Connection refused" in found.tried[0]


def test_images_for_the_process_engine_are_found_by_it(tmp_path: Path) -> None:
    path, listening = tmp_path / "engine" / "images.json", tmp_path / "engine.sock"
    (tmp_path / "Dockerfile").write_text('FROM python\nENTRYPOINT ["true"]\n')
    asset = ImageAsset(uri="registry/images:abc", folder=tmp_path, build_args={"A": "1"})
    write_images([asset], path)
    assert json.loads(path.read_text())["registry/images:abc"]["directory"] == str(tmp_path)
    command = (
        *(sys.executable, "-m", "airflow_ecs_dag_cli.process_engine"),
        *("--socket", str(listening), "--images", str(path)),
    )
    with BackgroundProcess("the process engine", command, log=tmp_path / "log") as process:
        process.wait_for_line("ready", within=60)
        client = docker.DockerClient(base_url=f"unix://{listening}", version="auto")
        try:
            assert client.images.get(asset.uri).id is not None
        finally:
            client.close()


@pytest.mark.container
def test_an_image_is_built_under_the_name_ecs_asks_for(engine: ContainerEngine, image: ImageAsset) -> None:
    lines: list[str] = []
    build_images(engine, [image], on_line=lines.append)
    assert any("greeting.txt" in line for line in lines)
    client = docker.DockerClient(base_url=engine.url)
    try:
        assert client.images.get(image.uri).labels["word"] == "given"
    finally:
        client.close()
    again: list[str] = []
    build_images(engine, [image], on_line=again.append)
    assert again == []


@pytest.mark.container
def test_a_build_that_fails_shows_its_words(engine: ContainerEngine, image: ImageAsset) -> None:
    unbuildable = ImageAsset(uri=image.uri, folder=image.folder, dockerfile=image.dockerfile)
    with pytest.raises(EngineError, match=r"Dockerfile\.plain could not be built: (.|\n)*no-such-file"):
        build_images(engine, [unbuildable])


@pytest.mark.container
def test_a_dockerfile_that_is_absent_is_an_error(engine: ContainerEngine, image: ImageAsset) -> None:
    absent = ImageAsset(uri=image.uri, folder=image.folder, dockerfile="Dockerfile.absent")
    with pytest.raises(EngineError, match=r"Dockerfile\.absent could not be built: "):
        build_images(engine, [absent])


def test_the_environment_is_read_when_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    assert find_engine() == find_engine({"DOCKER_HOST": os.environ["DOCKER_HOST"]})
