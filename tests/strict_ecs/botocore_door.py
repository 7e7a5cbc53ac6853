"""The door for this process: botocore's own clients, with their retries and parsers, and nothing on the network."""

from __future__ import annotations

import inspect
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import botocore.endpoint
import botocore.retries.bucket
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError
from botocore.session import Session

from strict_ecs.faults import Fault
from strict_ecs.strict_aws import NoAnswerError
from strict_ecs.wire import AwsError, Call, error_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FunctionType, ModuleType

    from botocore.awsrequest import AWSPreparedRequest

    from strict_ecs.strict_aws import StrictAws
    from strict_ecs.virtual_clock import VirtualClock
    from strict_ecs.wire import Answer

_SERVICES = frozenset({"ecs", "logs", "sts"})


@contextmanager
def in_this_process(aws: StrictAws, clock: VirtualClock, *, latency: float = 0.0) -> Iterator[None]:
    """Let ``aws`` answer all clients for ECS, CloudWatch Logs and STS that this process makes meanwhile.

    Botocore's waits between retries, and all waits and deadlines of the loader's modules that are imported by now, are
    by ``clock``. What is submitted to a thread pool begins when it is submitted, as if there were threads enough.
    Clients of other services are left alone.

    Args:
        aws: What answers.
        clock: Its clock too.
        latency: Seconds that each call takes.
    """
    make = Session.create_client

    def make_answered(session: Session, *args: Any, **kwargs: Any) -> Any:
        client = make(session, *args, **kwargs)
        if client.meta.service_model.service_name in _SERVICES:
            # The last one of all: adaptive retries wait in a handler of the same event.
            door: Callable[..., Any] = _Door(aws, clock, latency, client)
            client.meta.events.register_last("before-send", door)
        return client

    submit = ThreadPoolExecutor.submit

    def submit_now(pool: ThreadPoolExecutor, work: Any, /, *args: Any, **kwargs: Any) -> Any:
        return submit(pool, clock.carrying(work), *args, **kwargs)

    with ExitStack() as stack:
        stack.enter_context(patch.object(Session, "create_client", make_answered))
        stack.enter_context(patch.object(ThreadPoolExecutor, "submit", submit_now))
        stack.enter_context(_by(clock))
        yield


class _Door:
    """The handler of one client."""

    def __init__(self, aws: StrictAws, clock: VirtualClock, latency: float, client: Any) -> None:
        self._aws, self._clock, self._latency = aws, clock, latency
        self._config = client.meta.config

    def __call__(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        self._clock.sleep(self._latency)
        body = request.body or b""
        assert isinstance(body, (bytes, str))
        headers = dict(request.headers.items())
        try:
            call = Call.read(headers, body.encode() if isinstance(body, str) else body)
        except AwsError as error:
            return _response(request, error_answer("ecs", error))
        try:
            return _response(request, self._aws.answer(call))
        except NoAnswerError as none:
            if none.fault is Fault.TIMEOUT:
                self._clock.sleep(self._config.read_timeout)
                raise ReadTimeoutError(endpoint_url=request.url) from none
            if none.fault is Fault.ACCOUNT_DOWN:
                self._clock.sleep(self._config.connect_timeout)
                raise ConnectTimeoutError(endpoint_url=request.url) from none
            raise ConnectionClosedError(endpoint_url=request.url) from none


class _Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self._content


def _response(request: AWSPreparedRequest, answer: Answer) -> AWSResponse:
    headers = HTTPHeaders()
    headers["Content-Type"] = answer.content_type
    return AWSResponse(request.url, answer.status, headers, _Body(answer.body))


class _VirtualTime:
    """Stands in for the module ``time``."""

    def __init__(self, clock: VirtualClock) -> None:
        self.sleep, self.time, self.monotonic = clock.sleep, clock.now, clock.now

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


class _VirtualThreading:
    """Stands in for the module ``threading`` where adaptive retries wait for their rate."""

    Lock = staticmethod(threading.Lock)

    def __init__(self, clock: VirtualClock) -> None:
        class Condition(threading.Condition):
            def wait(self, timeout: float | None = None) -> bool:
                assert timeout is not None
                clock.sleep(timeout)
                return False

        self.Condition = Condition


@contextmanager
def _by(clock: VirtualClock) -> Iterator[None]:
    """Let botocore's retries and the loader's modules read and wait by ``clock``: where they say ``time.sleep`` and
    where it is the default of a keyword."""
    functions = {time.sleep: clock.sleep, time.time: clock.now, time.monotonic: clock.now}
    loader = [module for name, module in sys.modules.items() if name.startswith("airflow_ecs_dag_loader.")]
    with ExitStack() as stack:
        stack.enter_context(patch.object(botocore.retries.bucket, "threading", _VirtualThreading(clock)))
        for module in (botocore.endpoint, botocore.retries.bucket, *loader):
            if vars(module).get("time") is time:
                stack.enter_context(patch.object(module, "time", _VirtualTime(clock)))
        for function in (each for module in loader for each in _functions(module)):
            defaults = function.__kwdefaults__ or {}
            by_clock = {
                name: stand_in
                for name, value in defaults.items()
                for real, stand_in in functions.items()
                if value is real
            }
            stack.enter_context(patch.dict(defaults, by_clock))
        yield


def _functions(module: ModuleType) -> Iterator[FunctionType]:
    """Yield what a module defines: its functions and those of its classes."""
    for value in vars(module).values():
        if getattr(value, "__module__", None) != module.__name__:
            continue
        yield from filter(inspect.isfunction, vars(value).values() if inspect.isclass(value) else [value])
