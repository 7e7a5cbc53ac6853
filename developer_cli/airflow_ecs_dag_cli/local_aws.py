"""A local AWS: ministack on a loopback port of its own, and the environment that keeps real AWS out of reach.

Everything it writes stays in one folder, everything it holds is gone when it stops, and it neither disturbs
nor is disturbed by another ministack on the same machine. Facts about ministack 1.5 this rests on: it listens
on all interfaces unless ``BIND_HOST`` says otherwise; an access key that is no 12-digit number belongs to
``MINISTACK_ACCOUNT_ID``; ``/_ministack/health`` reports ``MINISTACK_EDITION``; the MQTT and SFTP listeners
have fixed ports, and are off with ``IOT_MTLS_ENABLED=0`` and ``SFTP_ENABLED=0``; its pid file is in
``TMPDIR``.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import sys
from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self, overload

import boto3
import botocore.session
from botocore.config import Config

from airflow_ecs_dag_cli.processes import LOOPBACK, BackgroundProcess, ProcessError, free_port

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sts import STSClient

ACCOUNT = "000000000000"
REGION = "eu-west-1"
# Keys that no AWS account can have, so that a call that escapes the emulator is refused.
ACCESS_KEY = "LOCALEMULATORNOTAWS"
SECRET_KEY = "local-emulator-not-aws"  # noqa: S105 - the opposite of a secret

_START_SECONDS = 60.0
_START_ATTEMPTS = 3
_PORT_TAKEN = "already in use"  # in what ministack prints before it exits
# What of the caller's environment reaches the emulator: where programs and the engine are, nothing of AWS,
# nothing that one of the emulator's hundred settings would listen to.
_EMULATOR_INHERITS = (
    "HOME", "HOSTNAME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "TZ",
    "DOCKER_CERT_PATH", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY",
)  # fmt: skip
_STRIPPED_PREFIXES = ("AWS_", "BOTO_", "AIRFLOW_CONN_AWS", "CDK_DEFAULT_")


def isolated_environment(
    base: Mapping[str, str], *, endpoint_url: str | None = None, account: str = ACCOUNT, region: str = REGION
) -> dict[str, str]:
    """Return `base` with every way to real AWS credentials, profiles and endpoints taken out.

    Args:
        base: An environment, such as `os.environ`.
        endpoint_url: Where all AWS calls go; None leaves it out (they then fail on the keys).
        account: What ``CDK_DEFAULT_ACCOUNT`` says.
        region: What ``AWS_REGION``, ``AWS_DEFAULT_REGION`` and ``CDK_DEFAULT_REGION`` say.

    The AWS configuration files are named as empty ones, the instance metadata service is off, and loopback is
    exempt from any HTTP proxy. `base` itself stays as it is.
    """
    kept = {name: value for name, value in base.items() if not name.upper().startswith(_STRIPPED_PREFIXES)}
    exempt = ",".join(dict.fromkeys([*_proxy_exempt(base), LOOPBACK, "localhost"]))
    kept |= {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DEFAULT_ACCOUNT": account,
        "CDK_DEFAULT_REGION": region,
        "NO_PROXY": exempt,
        "no_proxy": exempt,
    }
    if endpoint_url is not None:
        kept["AWS_ENDPOINT_URL"] = endpoint_url
    return kept


class LocalAws:
    """A running AWS emulator; a context manager.

    Args:
        folder: Where it keeps its log, state, buckets and temporary files; made when absent.
        docker_host: URL of the Docker API that runs ECS tasks, such as ``unix:///var/run/docker.sock``; None
            gives it none, and ECS tasks then stay RUNNING for ever.
        account: The account id it answers with, 12 digits.
        region: Its default region; it answers in every region.
        host: The address it listens on. Loopback unless containers on a bridge have to reach it.
        base: The environment its children build on; None takes this process' own.
    """

    def __init__(
        self,
        folder: Path,
        *,
        docker_host: str | None = None,
        account: str = ACCOUNT,
        region: str = REGION,
        host: str = LOOPBACK,
        base: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder.resolve()
        self.docker_host = docker_host
        self.account = account
        self.region = region
        self.host = host
        self._base = dict(os.environ if base is None else base)
        self._token = f"airflow-ecs-dag-{secrets.token_hex(8)}"
        self._port: int | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Start the emulator and wait until it answers.

        Raises:
            ProcessError: when it ends or does not answer within a minute; with the end of its log.
            RuntimeError: when it runs already.
        """
        if self._port is not None:
            raise RuntimeError("the AWS emulator is running already; make another LocalAws for another one")
        for attempts_left in reversed(range(_START_ATTEMPTS)):
            try:
                self._start(free_port())
            except ProcessError as error:
                if attempts_left and _PORT_TAKEN in str(error):
                    continue  # somebody took the port between our look and the emulator's
                raise
            break
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it; on its way out it removes the containers of its ECS tasks."""
        self._stack.close()
        self._port = None

    @property
    def log(self) -> Path:
        """The emulator's log file."""
        return self.folder / "emulator.log"

    @property
    def endpoint_url(self) -> str:
        """Where every AWS service answers.

        Raises:
            RuntimeError: outside the ``with`` block.
        """
        if self._port is None:
            raise RuntimeError("the AWS emulator is not running; use LocalAws in a with block")
        return f"http://{self.host}:{self._port}"

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment for a child process that is to use this AWS and no other."""
        return isolated_environment(
            self._base, endpoint_url=self.endpoint_url, account=self.account, region=self.region
        )

    @overload
    def client(self, service: Literal["cloudformation"]) -> CloudFormationClient: ...
    @overload
    def client(self, service: Literal["ecr"]) -> ECRClient: ...
    @overload
    def client(self, service: Literal["ecs"]) -> ECSClient: ...
    @overload
    def client(self, service: Literal["logs"]) -> CloudWatchLogsClient: ...
    @overload
    def client(self, service: Literal["s3"]) -> S3Client: ...
    @overload
    def client(self, service: Literal["sts"]) -> STSClient: ...
    @overload
    def client(self, service: str, *, region: str | None = None) -> Any: ...  # noqa: ANN401 - services without stubs here
    def client(self, service: str, *, region: str | None = None) -> Any:
        """Return a boto3 client of the emulator, whatever profile or proxy the environment names.

        The services named in the overloads are typed. Without ``region`` it is for the emulator's own.
        """
        direct = Config(proxies={}, use_fips_endpoint=False, use_dualstack_endpoint=False)
        make: Any = self._session.client  # its overloads know services by literals; here it is a variable
        return make(service, endpoint_url=self.endpoint_url, region_name=region or self.region, config=direct)

    @cached_property
    def _session(self) -> boto3.session.Session:
        untouched = botocore.session.Session(
            session_vars={
                "profile": (None, None, None, None),
                "config_file": (None, None, os.devnull, None),
                "credentials_file": (None, None, os.devnull, None),
            }
        )
        return boto3.session.Session(
            botocore_session=untouched,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            region_name=self.region,
        )

    def _start(self, port: int) -> None:
        (self.folder / "tmp").mkdir(parents=True, exist_ok=True)
        process = BackgroundProcess(
            "the AWS emulator",
            (sys.executable, "-m", "ministack"),
            log=self.log,
            environment=self._emulator_environment(port),
            directory=self.folder,
        )
        with ExitStack() as stack:
            stack.enter_context(process)
            process.wait_until(lambda: self._answers(port), within=_START_SECONDS)
            self._stack = stack.pop_all()
        self._port = port

    def _emulator_environment(self, port: int) -> dict[str, str]:
        # Without an engine the emulator must not fall back to the Docker socket this machine may have.
        engine = self.docker_host or f"unix://{self.folder / 'no-engine.sock'}"
        inherited = {name: self._base[name] for name in _EMULATOR_INHERITS if name in self._base}
        return isolated_environment(
            inherited,
            endpoint_url=f"http://{self.host}:{port}",
            account=self.account,
            region=self.region,
        ) | {
            "BIND_HOST": self.host,
            "DOCKER_HOST": engine,
            "GATEWAY_PORT": str(port),
            "IOT_MTLS_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
            "MINISTACK_ACCOUNT_ID": self.account,
            "MINISTACK_EDITION": self._token,
            "MINISTACK_REGION": self.region,
            "PERSIST_STATE": "0",
            "PYTHONUNBUFFERED": "1",
            "S3_DATA_DIR": str(self.folder / "s3"),
            "S3_PERSIST": "0",
            "SFTP_ENABLED": "0",
            "STATE_DIR": str(self.folder / "state"),
            "TMPDIR": str(self.folder / "tmp"),
        }

    def _answers(self, port: int) -> bool:
        """Whether the emulator that answers on `port` is ready, and is the one started here."""
        connection = http.client.HTTPConnection(self.host, port, timeout=5)
        try:
            connection.request("GET", "/_ministack/health")
            health = json.loads(connection.getresponse().read())
            done = health["ready_scripts"]["status"] == "completed"
            return bool(done and health["edition"] == self._token)
        except (ValueError, KeyError, TypeError, http.client.HTTPException):
            return False  # something else answers there
        finally:
            connection.close()


def _proxy_exempt(base: Mapping[str, str]) -> list[str]:
    listed = base.get("no_proxy") or base.get("NO_PROXY") or ""
    return [host.strip() for host in listed.split(",") if host.strip()]
