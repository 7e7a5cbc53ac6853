"""The process engine as its clients see it: the Docker SDK, and an AWS emulator that runs ECS tasks on it."""

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import docker
import pytest
from docker.errors import APIError, ImageNotFound, NotFound
from docker.models.containers import Container
from mypy_boto3_ecs.type_defs import TaskTypeDef

from airflow_ecs_dag_cli.local_aws import LocalAws
from airflow_ecs_dag_cli.process_engine.dockerfile import DockerfileError, read_image_config
from airflow_ecs_dag_cli.process_engine.images import ImageSource, write_images

IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/assets:0123abcd"
PATIENCE = 30.0

T = TypeVar("T")

PROGRAM = """
import json, os, pathlib, signal, subprocess, sys, time

def hold(note=""):
    print(f"pid {os.getpid()}", note)
    time.sleep(600)

what, *rest = sys.argv[1:]
if what == "say":
    print(*rest)
elif what == "exit":
    print("about to exit", file=sys.stderr)
    sys.exit(int(rest[0]))
elif what == "count":
    for number in range(int(rest[0])):
        print(f"line {number}", file=sys.stderr if number % 2 else sys.stdout)
elif what == "describe":
    seen = {"env": dict(os.environ), "cwd": os.getcwd(), "argv": sys.argv, "python": sys.executable}
    print(json.dumps(seen))
elif what == "hold":
    hold()
elif what == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    hold()
elif what == "polite":
    signal.signal(signal.SIGTERM, lambda *_: (print("going"), sys.exit(5)))
    hold()
elif what == "family":
    for apart, environment in ((False, {}), (True, None)):  # one the group finds, one the environment
        child = subprocess.Popen([sys.executable, __file__, "stubborn"], start_new_session=apart, env=environment)
        print("child", child.pid)
    if rest:
        time.sleep(1)
    else:
        hold()
elif what == "unfinished":
    sys.stdout.write("no line feed")
elif what == "wait-for":
    print("waiting")
    while not pathlib.Path(rest[0]).exists():
        time.sleep(0.01)
    print("seen")
"""

DOCKERFILE = """
# syntax=docker/dockerfile:1
FROM python:3.12-slim
WORKDIR /app
ENV GREETING="hello world" \\
    PYTHONPATH=/app/lib:/usr/share/nowhere
RUN pip install something
COPY . .
ENTRYPOINT ["python", "/app/run.py"]
CMD ["say", "nothing to do"]
"""


def eventually(condition: Callable[[], T], what: str) -> T:
    """The first true value of a condition; the test fails if there is none for long."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.02)
    pytest.fail(f"never came true: {what}")


def alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{process_id}/stat")
    with contextlib.suppress(OSError):  # an orphan whose new parent never waits stays as a zombie
        return ") Z " not in state.read_text()
    return not Path("/proc/self").exists()


class Engine:
    """An engine that runs as a process of its own, as it does for a user."""

    def __init__(self, folder: Path, temporary: Path) -> None:
        self.folder = folder
        self.socket = folder / "engine.sock"
        self.images = folder / "images.json"
        self.temporary = temporary
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "airflow_ecs_dag_cli.process_engine"),
                *("--socket", self.socket, "--images", self.images),
            ],
            stdout=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "TMPDIR": str(temporary),
                "AWS_SECRET_ACCESS_KEY": "the developer's own",
                "DEVELOPER_SECRET": "the developer's own",
            },
        )
        assert self.process.stdout
        self.greeting = [self.process.stdout.readline(), self.process.stdout.readline()]

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        assert self.process.stdout
        self.process.stdout.close()
        return code


def asset(folder: Path, dockerfile: str = DOCKERFILE) -> Path:
    (folder / "lib").mkdir(parents=True)
    (folder / "run.py").write_text(PROGRAM)
    (folder / "Dockerfile").write_text(dockerfile)
    return folder


def new_engine() -> Iterator[Engine]:
    # pytest's own folders may make the socket's path too long
    with tempfile.TemporaryDirectory(prefix="engine-") as short:
        folder = Path(short)
        (folder / "tmp").mkdir()
        engine = Engine(folder, folder / "tmp")
        write_images(
            engine.images,
            [ImageSource(name=IMAGE, directory=asset(folder / "asset"), dockerfile="Dockerfile")],
        )
        try:
            yield engine
        finally:
            if engine.process.poll() is None:
                engine.stop()


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    yield from new_engine()


@pytest.fixture
def own_engine() -> Iterator[Engine]:
    """For tests that end it."""
    yield from new_engine()


@pytest.fixture
def client(engine: Engine) -> Iterator[docker.DockerClient]:
    with contextlib.closing(docker.DockerClient(base_url=engine.url, timeout=30)) as client:
        yield client
        for container in client.containers.list(all=True):
            container.remove(force=True)


def run(client: docker.DockerClient, *command: str, **options: Any) -> Container:
    started = client.containers.run(IMAGE, list(command) or None, detach=True, **options)
    assert isinstance(started, Container)
    return started


def output_until(container: Container, text: str) -> str:
    def output() -> str:
        logs: bytes = container.logs()
        return logs.decode() if text in logs.decode() else ""

    return eventually(output, f"{text!r} in the log")


def description(client: docker.DockerClient, **options: Any) -> dict[str, Any]:
    container = run(client, "describe", **options)
    assert container.wait()["StatusCode"] == 0
    described: dict[str, Any] = json.loads(container.logs())
    return described


# --- a container's life ---------------------------------------------------------------------


def test_it_says_at_its_start_that_there_is_no_isolation_and_where_it_listens(engine: Engine) -> None:
    assert "without any isolation" in engine.greeting[0]
    assert engine.greeting[1] == f"process engine ready: unix://{engine.socket}\n"
    assert stat.S_IMODE(engine.socket.stat().st_mode) == 0o600


def test_the_docker_sdk_meets_an_engine_that_owns_up_to_having_no_isolation(
    client: docker.DockerClient,
) -> None:
    assert client.ping() is True
    assert "without any isolation" in client.version()["Platform"]["Name"]
    assert "without any isolation" in client.info()["Warnings"][0]


def test_entrypoint_and_command_run_in_the_folder_of_the_image(engine: Engine, client: docker.DockerClient) -> None:
    assert client.containers.run(IMAGE, ["say", "converted", "2019-12-04"], remove=True) == b"converted 2019-12-04\n"
    described = description(client)
    assert Path(described["cwd"]) == (engine.folder / "asset").resolve()
    assert Path(described["argv"][0]) == (engine.folder / "asset").resolve() / "run.py"


def test_the_command_of_the_dockerfile_is_the_default(client: docker.DockerClient) -> None:
    assert client.containers.run(IMAGE, remove=True) == b"nothing to do\n"


@pytest.mark.parametrize("code", [0, 3, 255])
def test_the_exit_code_is_the_process_exit_code(client: docker.DockerClient, code: int) -> None:
    container = run(client, "exit", str(code))
    assert container.wait()["StatusCode"] == code
    container.reload()
    assert container.status == "exited"
    assert container.attrs["State"]["ExitCode"] == code
    assert container.attrs["State"]["FinishedAt"] > container.attrs["State"]["StartedAt"]


def test_stop_asks_first(client: docker.DockerClient) -> None:
    container = run(client, "polite")
    output_until(container, "pid")
    container.stop(timeout=20)
    assert container.wait()["StatusCode"] == 5
    assert container.logs().endswith(b"going\n")
    container.stop()  # a second time is no error


def test_stop_kills_what_does_not_go_in_time(client: docker.DockerClient) -> None:
    container = run(client, "stubborn")
    process_id = int(output_until(container, "pid").split()[1])
    container.stop(timeout=0)
    assert container.wait()["StatusCode"] == 128 + signal.SIGKILL
    assert not alive(process_id)


def test_kill_sends_the_signal_asked_for(client: docker.DockerClient) -> None:
    container = run(client, "hold")
    output_until(container, "pid")
    container.kill("SIGUSR1")
    assert container.wait()["StatusCode"] == 128 + signal.SIGUSR1
    with pytest.raises(APIError, match="is not running"):
        container.kill()


@pytest.mark.parametrize("end", ["by itself", "stopped"])
def test_forked_children_end_with_the_container(client: docker.DockerClient, end: str) -> None:
    container = run(client, "family", *(["leave"] if end == "by itself" else []))
    children = [int(line.split()[1]) for line in eventually(lambda: _lines(container, "child", 2), "two children")]
    if end == "stopped":
        container.stop(timeout=1)
    container.wait()
    # one that left the process group is found by its environment, which only Linux shows
    in_group = children[:1] if sys.platform == "darwin" else children
    eventually(lambda: not any(map(alive, in_group)), "no child is left")


def _lines(container: Container, beginning: str, count: int) -> list[str]:
    found = [line for line in container.logs().decode().splitlines() if line.startswith(beginning)]
    return found if len(found) >= count else []


# --- what the process sees ------------------------------------------------------------------


def test_the_developers_environment_stays_outside(engine: Engine, client: docker.DockerClient) -> None:
    described = description(client, environment={"GREETING": "from the task", "EXTRA": "1=2"})
    environment = described["env"]
    assert "DEVELOPER_SECRET" not in environment
    assert "AWS_SECRET_ACCESS_KEY" not in environment
    assert environment["GREETING"] == "from the task"
    assert environment["EXTRA"] == "1=2"
    assert environment["PYTHONUNBUFFERED"] == "1"
    home = Path(environment["HOME"])
    assert home.is_relative_to(engine.temporary.resolve())
    assert list(home.iterdir()) == []


def test_the_dockerfiles_environment_is_set_and_its_paths_are_those_of_the_folder(
    engine: Engine, client: docker.DockerClient
) -> None:
    environment = description(client)["env"]
    assert environment["GREETING"] == "hello world"
    assert environment["PYTHONPATH"] == f"{(engine.folder / 'asset').resolve()}/lib:/usr/share/nowhere"


def test_a_name_for_the_docker_host_means_this_machine(client: docker.DockerClient) -> None:
    environment = description(
        client,
        environment={"AWS_ENDPOINT_URL": "http://host.docker.internal:4566", "OTHER": "http://elsewhere:1"},
        extra_hosts={"host.docker.internal": "host-gateway"},
    )["env"]
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert environment["OTHER"] == "http://elsewhere:1"


def test_an_environment_in_the_folder_has_the_python_that_runs(
    engine: Engine, client: docker.DockerClient, tmp_path: Path
) -> None:
    folder = asset(tmp_path / "with-venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / ".venv"], check=True)
    with image(engine, folder) as name:
        container = client.containers.run(name, ["describe"], detach=True)
        assert container.wait()["StatusCode"] == 0
        assert f'"python": "{folder}/.venv/bin/python' in container.logs().decode()


@contextlib.contextmanager
def image(engine: Engine, folder: Path) -> Iterator[str]:
    """Add an image while the engine runs."""
    known = ImageSource(name=IMAGE, directory=engine.folder / "asset")
    added = ImageSource(name="added:1", directory=folder)
    write_images(engine.images, [known, added])
    yield added.name
    write_images(engine.images, [known])


def test_images_can_be_added_while_it_runs(engine: Engine, client: docker.DockerClient, tmp_path: Path) -> None:
    folder = asset(tmp_path / "asset", 'FROM scratch\nWORKDIR /srv\nENV WORD=shell\nCMD echo "$WORD of $0"')
    with pytest.raises(ImageNotFound):
        client.images.get("added:1")
    with image(engine, folder) as name:
        assert client.images.get(name).tags == [name]
        assert client.images.pull(name).tags == [name]
        assert client.containers.run(name, remove=True) == b"shell of /bin/sh\n"
    with pytest.raises(ImageNotFound):
        client.images.get("added:1")


# --- what cannot be run ---------------------------------------------------------------------


def test_an_unknown_image_is_dockers_error_with_advice(client: docker.DockerClient) -> None:
    with pytest.raises(ImageNotFound, match=r"No such image: postgres:16.*builds from a folder.*from_asset"):
        client.containers.run("postgres:16", detach=True)


def test_a_program_that_is_not_there_is_an_error_at_start_and_leaves_the_name_free(
    client: docker.DockerClient,
) -> None:
    for _ in range(2):
        with pytest.raises(APIError, match=r"'no-such-program'.*not found.*install it there"):
            client.containers.run(IMAGE, [], entrypoint=["no-such-program"], name="mine", detach=True)
    assert run(client, "say", "now", name="mine").wait()["StatusCode"] == 0
    with pytest.raises(APIError, match="already in use"):
        run(client, "say", "again", name="mine")


def test_a_program_that_cannot_be_executed_is_an_error_at_start(
    engine: Engine, client: docker.DockerClient, tmp_path: Path
) -> None:
    folder = asset(tmp_path / "asset", 'FROM scratch\nENTRYPOINT ["./broken"]')
    (folder / "broken").write_bytes(b"\x00\x01 no program")
    (folder / "broken").chmod(0o755)
    with image(engine, folder) as name, pytest.raises(APIError, match=r"'./broken'.*Exec format error"):
        client.containers.run(name, detach=True)


def test_a_relative_program_is_one_of_the_folder(engine: Engine, client: docker.DockerClient, tmp_path: Path) -> None:
    folder = asset(tmp_path / "asset", 'FROM scratch\nENTRYPOINT ["./hello.sh"]')
    (folder / "hello.sh").write_text("#!/bin/sh\necho hello $1\n")
    (folder / "hello.sh").chmod(0o755)
    with image(engine, folder) as name:
        assert client.containers.run(name, ["you"], remove=True) == b"hello you\n"


@pytest.mark.parametrize(
    ("dockerfile", "message"),
    [
        ("FROM scratch\n", "no command specified.*write one of them"),
        ("RUN true\n", "line 1: RUN stands before the first FROM"),
        (None, "cannot read .*Dockerfile of image added:1"),
    ],
)
def test_a_dockerfile_that_cannot_be_run_is_an_error_at_creation(
    engine: Engine, client: docker.DockerClient, tmp_path: Path, dockerfile: str | None, message: str
) -> None:
    if dockerfile:
        (tmp_path / "Dockerfile").write_text(dockerfile)
    with image(engine, tmp_path) as name, pytest.raises(APIError, match=message):
        client.containers.run(name, detach=True)


def test_volumes_are_refused(client: docker.DockerClient) -> None:
    with pytest.raises(APIError, match="cannot mount volumes"):
        run(client, "say", "x", volumes=["/tmp:/data:ro"])  # noqa: S108 -- is refused


def test_what_it_does_not_have_is_said(client: docker.DockerClient) -> None:
    with pytest.raises(APIError, match="does not have POST /volumes/create"):
        client.volumes.create("x")
    container = run(client, "say", "x")
    with pytest.raises(APIError, match="since"):
        container.logs(since=1)
    with pytest.raises(APIError, match="invalid filter"):
        client.containers.list(filters={"volume": "x"})


# --- logs -----------------------------------------------------------------------------------


def test_lines_of_both_streams_keep_their_order(client: docker.DockerClient) -> None:
    container = run(client, "count", "1000")
    container.wait()
    assert container.logs().decode().splitlines() == [f"line {number}" for number in range(1000)]
    assert container.logs(tail=3) == b"line 997\nline 998\nline 999\n"
    assert container.logs(tail=0) == b""
    assert len(container.logs(tail=5000).splitlines()) == 1000


def test_a_follower_gets_whole_lines_while_the_process_runs(client: docker.DockerClient, tmp_path: Path) -> None:
    container = run(client, "wait-for", str(tmp_path / "go"))
    follower = container.logs(stream=True, follow=True)
    assert next(follower) == b"waiting\n"
    (tmp_path / "go").touch()
    assert list(follower) == [b"seen\n"]


def test_a_last_line_without_line_feed_is_not_lost(client: docker.DockerClient) -> None:
    assert list(run(client, "unfinished").logs(stream=True, follow=True)) == [b"no line feed"]


def test_a_follower_gets_everything_though_the_container_is_deleted_meanwhile(
    client: docker.DockerClient,
) -> None:
    container = run(client, "count", "20000")
    follower = container.logs(stream=True, follow=True)
    first = next(follower)
    container.wait()
    container.remove()
    with pytest.raises(NotFound, match="No such container"):
        client.containers.get(container.name or "")
    assert [first, *follower] == [f"line {number}\n".encode() for number in range(20000)]


def test_a_log_can_be_asked_for_right_after_the_container_was_deleted(client: docker.DockerClient) -> None:
    container = run(client, "say", "last words")
    container.wait()
    container.remove()
    assert list(container.logs(stream=True, follow=True)) == [b"last words\n"]


def test_followers_of_a_container_that_never_ran_end_with_it(client: docker.DockerClient) -> None:
    container = client.containers.create(IMAGE, ["say", "never"])
    follower = container.logs(stream=True, follow=True)
    container.remove()
    assert list(follower) == []


# --- lists and deletion ---------------------------------------------------------------------


def test_lists_are_filtered_as_the_emulators_clean_up_asks(client: docker.DockerClient) -> None:
    holding = run(client, "hold", labels={"owner": "a", "kind": "ecs"})
    ended = run(client, "exit", "1", labels={"owner": "b", "kind": "ecs"})
    ended.wait()

    def listed(**options: Any) -> set[str]:
        return {container.id or "" for container in client.containers.list(**options)}

    both = {holding.id or "", ended.id or ""}
    assert listed() == {holding.id}
    assert listed(all=True) == both
    assert listed(all=True, sparse=True, filters={"label": ["owner=b", "kind=ecs"]}) == {ended.id}
    assert listed(all=True, filters={"label": ["owner=b", "kind=other"]}) == set()
    assert listed(all=True, filters={"label": "kind"}) == both
    assert listed(filters={"status": "exited"}) == {ended.id}
    assert listed(all=True, filters={"name": holding.name}) == {holding.id}


def test_a_running_container_is_deleted_only_by_force(client: docker.DockerClient) -> None:
    container = run(client, "stubborn")
    process_id = int(output_until(container, "pid").split()[1])
    with pytest.raises(APIError, match="is running"):
        container.remove()
    container.remove(force=True)
    assert not alive(process_id)
    with pytest.raises(NotFound):
        client.containers.get(str(container.name))


# --- the engine's own end -------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_when_it_ends(own_engine: Engine, number: int) -> None:
    with contextlib.closing(docker.DockerClient(base_url=own_engine.url, timeout=30)) as client:
        processes = _family(client)
        following = client.containers.list()[0].logs(stream=True, follow=True)
        next(following)
        assert own_engine.stop(number) == 0
        list(following)  # ends, because its container has
    assert not any(map(alive, processes))
    assert not own_engine.socket.exists()
    assert list(own_engine.temporary.iterdir()) == []


def test_nothing_is_left_when_it_is_killed_but_its_socket_which_the_next_one_takes(
    own_engine: Engine,
) -> None:
    with contextlib.closing(docker.DockerClient(base_url=own_engine.url, timeout=30)) as client:
        processes = _family(client)
    assert own_engine.stop(signal.SIGKILL) == -signal.SIGKILL
    eventually(lambda: not any(map(alive, processes)), "its containers are killed")
    eventually(lambda: not list(own_engine.temporary.iterdir()), "its folders are deleted")
    successor = Engine(own_engine.folder, own_engine.temporary)
    try:
        with contextlib.closing(docker.DockerClient(base_url=successor.url, timeout=30)) as client:
            assert client.containers.list(all=True) == []
    finally:
        assert successor.stop() == 0


def _family(client: docker.DockerClient) -> list[int]:
    """The processes of a container that has forked: itself, a child, and on Linux one that left its group."""
    container = run(client, "family")
    children = eventually(lambda: _lines(container, "child", 2), "two children")
    process_ids = [int(line.split()[1]) for line in children]
    container.reload()
    return [container.attrs["State"]["Pid"], *(process_ids[:1] if sys.platform == "darwin" else process_ids)]


@pytest.mark.skipif(sys.platform != "linux", reason="counts the engine's files in /proc")
def test_no_file_stays_open_for_a_container_that_has_ended(engine: Engine, client: docker.DockerClient) -> None:
    def open_files() -> int:
        return len(list(Path(f"/proc/{engine.process.pid}/fd").iterdir()))

    for number in range(2):  # the first round opens what the client and the engine keep
        containers = [run(client, "count", "10") for _ in range(10)]
        for container in containers:
            container.wait()
            assert len(list(container.logs(stream=True, follow=True))) == 10
        if number == 0:
            before = open_files()
    eventually(lambda: open_files() <= before, f"no more than {before} open files")


def test_it_does_not_take_a_socket_that_another_one_serves(engine: Engine) -> None:
    result = _start(engine.socket, engine.images)
    assert result.returncode == 2
    assert "another server listens on" in result.stderr


def test_a_socket_path_that_is_too_long_is_an_error_that_says_so(tmp_path: Path) -> None:
    result = _start(tmp_path / ("s" * 104), tmp_path / "images.json")
    assert result.returncode == 2
    assert "at most 103 are allowed, choose a shorter one" in result.stderr


def _start(socket: Path, images: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "airflow_ecs_dag_cli.process_engine",
        "--socket",
        str(socket),
        "--images",
        str(images),
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)


# --- Dockerfiles ----------------------------------------------------------------------------


def test_the_last_stage_counts_with_what_it_takes_from_the_stage_it_starts_from() -> None:
    config = read_image_config(
        """
        ARG BASE=python:3.12
        ARG VERSION=1
        from ${BASE} as Base
        env LEVEL=base PATH="/opt/bin:$PATH"
        workdir /srv
        cmd ["from base"]

        FROM golang AS builder
        ENV LEVEL=builder
        ENTRYPOINT ["builder"]

        FROM base
        ARG VERSION
        ARG SUFFIX=-dev
        # a comment between
        ENV TAG=v${VERSION}$SUFFIX \\
            # a comment inside
            NOTE='single $VERSION' \\

            EMPTY=${NOTHING:-default}
        WORKDIR app
        ENTRYPOINT ["python", "-m", "thing"]
        """,
        base_environment={"PATH": "/bin"},
        build_args={"SUFFIX": "-rc"},
    )
    assert config.entrypoint == ("python", "-m", "thing")
    assert config.command == ()  # ENTRYPOINT drops the CMD of the stage before
    assert config.working_directory == "/srv/app"
    assert dict(config.environment) == {
        "PATH": "/opt/bin:/bin",
        "LEVEL": "base",
        "TAG": "v1-rc",
        "NOTE": "single $VERSION",
        "EMPTY": "default",
    }


@pytest.mark.parametrize(
    ("lines", "entrypoint", "command"),
    [
        ('CMD ["a", "b c"]', (), ("a", "b c")),
        ("CMD a 'b c' $HOME", (), ("/bin/sh", "-c", "a 'b c' $HOME")),
        ('ENTRYPOINT ["a"]\nCMD ["b"]', ("a",), ("b",)),
        ('CMD ["b"]\nENTRYPOINT ["a"]', ("a",), ("b",)),
        ('ENTRYPOINT ["a"]\nENTRYPOINT []', (), ()),
        ('SHELL ["/bin/bash", "-ec"]\nENTRYPOINT a \\\n  b', ("/bin/bash", "-ec", "a   b"), ()),
        ("RUN <<END\nCMD no\nEND\nCMD yes", (), ("/bin/sh", "-c", "yes")),
        ("CMD ['not', 'json']", (), ("/bin/sh", "-c", "['not', 'json']")),
    ],
)
def test_exec_form_shell_form_and_their_order(
    lines: str, entrypoint: tuple[str, ...], command: tuple[str, ...]
) -> None:
    config = read_image_config(f"FROM scratch\n{lines}\n")
    assert (config.entrypoint, config.command) == (entrypoint, command)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("ENV V=plain", "plain"),
        ('ENV V="two words"', "two words"),
        (r"ENV V=two\ words", "two words"),
        ("ENV V two words", "two words"),
        (r"ENV V=\$A", "$A"),
        ("ENV V=$A$A", "xx"),
        ('ENV V="${A}y"', "xy"),
        ("ENV V=${A:+set}${B:+set}", "set"),
        ("ENV V=${B-unset}", "unset"),
        ("ENV V=", ""),
        ("ENV A=new V=$A", "x"),  # a line sees the values from before it
    ],
)
def test_env_values(line: str, value: str) -> None:
    config = read_image_config(f"FROM scratch\nENV A=x\n{line}\n")
    assert dict(config.environment)["V"] == value


def test_a_target_is_a_stage_by_name_or_number() -> None:
    text = 'FROM a AS one\nCMD ["1"]\nFROM b AS two\nCMD ["2"]\n'
    assert read_image_config(text, target="ONE").command == ("1",)
    assert read_image_config(text, target="1").command == ("2",)
    with pytest.raises(DockerfileError, match=r"no stage 'three'; the stages are \['one', 'two'\]"):
        read_image_config(text, target="three")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no FROM line"),
        ("ENV A=1\nFROM x", "line 1: ENV stands before the first FROM"),
        ("FROM x\n\nENV A=1 B", "line 3: ENV takes NAME=value pairs, got 'B'"),
        ("FROM x\nENV =1", "line 2: ENV names no variable"),
        ("FROM x\nSHELL bash", "line 2: SHELL takes a JSON list, got 'bash'"),
    ],
)
def test_a_dockerfile_that_cannot_be_read_says_where_and_why(text: str, message: str) -> None:
    with pytest.raises(DockerfileError, match=message):
        read_image_config(text)


# --- as the AWS emulator uses it ------------------------------------------------------------


@pytest.fixture(scope="module")
def engine_for_aws() -> Iterator[Engine]:
    """One of its own, because the emulator keeps its containers for a while."""
    yield from new_engine()


@pytest.fixture(scope="module")
def aws(engine_for_aws: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with LocalAws(tmp_path_factory.mktemp("aws"), docker_host=engine_for_aws.url) as aws:
        aws.client("ecs").create_cluster(clusterName="c")
        aws.client("logs").create_log_group(logGroupName="/tasks")
        yield aws


def run_task(aws: LocalAws, *command: str, image: str = IMAGE) -> str:
    """Register a task definition and run it with a command override; the task's ARN."""
    ecs = aws.client("ecs")
    revision = ecs.register_task_definition(
        family="engine-test",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        runtimePlatform={"cpuArchitecture": "X86_64"},
        containerDefinitions=[
            {
                "name": "main",
                "image": image,
                "command": ["say", "not overridden"],
                "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": {
                        "awslogs-group": "/tasks",
                        "awslogs-stream-prefix": "t",
                        "awslogs-region": aws.region,
                    },
                },
            }
        ],
    )["taskDefinition"]["taskDefinitionArn"]
    task = ecs.run_task(
        cluster="c",
        taskDefinition=revision,
        launchType="FARGATE",
        overrides={"containerOverrides": [{"name": "main", "command": list(command)}]},
    )["tasks"][0]
    return task["taskArn"]


def task_in(aws: LocalAws, arn: str, status: str) -> TaskTypeDef:
    def task() -> TaskTypeDef | None:
        found = aws.client("ecs").describe_tasks(cluster="c", tasks=[arn])["tasks"][0]
        return found if found["lastStatus"] == status else None

    found = eventually(task, f"{arn} is {status}")
    assert found
    return found


def cloudwatch_lines(aws: LocalAws, arn: str) -> list[str]:
    stream = f"t/main/{arn.rsplit('/', 1)[1]}"
    logs = aws.client("logs")
    lines: list[str] = []
    with contextlib.suppress(logs.exceptions.ResourceNotFoundException):  # no line has come yet
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName="/tasks", logStreamNames=[stream]):
            lines += [event["message"] for event in page["events"]]
    return lines


@pytest.mark.emulator
@pytest.mark.parametrize("code", [0, 3])
def test_an_ecs_task_ends_with_the_exit_code_of_its_process(aws: LocalAws, code: int) -> None:
    arn = run_task(aws, "exit", str(code))
    task = task_in(aws, arn, "STOPPED")
    assert task["stopCode"] == "EssentialContainerExited"
    assert task["containers"][0]["exitCode"] == code
    eventually(lambda: cloudwatch_lines(aws, arn) == ["about to exit"], "the line is in CloudWatch Logs")


@pytest.mark.emulator
def test_every_line_of_a_task_that_ends_at_once_reaches_cloudwatch_logs(aws: LocalAws) -> None:
    arn = run_task(aws, "count", "1000")
    task_in(aws, arn, "STOPPED")
    wanted = [f"line {number}" for number in range(1000)]
    eventually(lambda: len(cloudwatch_lines(aws, arn)) >= len(wanted), "1,000 lines are in CloudWatch Logs")
    assert cloudwatch_lines(aws, arn) == wanted


@pytest.mark.emulator
def test_stop_task_ends_the_process(aws: LocalAws) -> None:
    arn = run_task(aws, "polite")
    task_in(aws, arn, "RUNNING")
    lines = eventually(lambda: cloudwatch_lines(aws, arn), "its process id is in CloudWatch Logs")
    aws.client("ecs").stop_task(cluster="c", task=arn)
    task_in(aws, arn, "STOPPED")
    eventually(lambda: not alive(int(lines[0].split()[1])), "its process has ended")
    eventually(lambda: cloudwatch_lines(aws, arn)[-1] == "going", "its last line is in CloudWatch Logs")


@pytest.mark.emulator
def test_a_task_gets_the_emulators_address_and_credentials(aws: LocalAws) -> None:
    arn = run_task(aws, "describe")
    task_in(aws, arn, "STOPPED")
    line = eventually(lambda: cloudwatch_lines(aws, arn), "its environment is in CloudWatch Logs")[0]
    environment = json.loads(line)["env"]
    assert environment["AWS_ENDPOINT_URL"] == aws.endpoint_url
    assert environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"].startswith(aws.endpoint_url)


@pytest.mark.emulator
def test_a_task_of_an_image_from_a_registry_stops_and_says_what_to_do(aws: LocalAws) -> None:
    task = task_in(aws, run_task(aws, "x", image="public.ecr.aws/docker/library/busybox:1.36"), "STOPPED")
    assert task["stopCode"] == "TaskFailedToStart"
    assert "busybox:1.36" in task["stoppedReason"]
    assert "only runs images that the CDK app builds from a folder" in task["stoppedReason"]
