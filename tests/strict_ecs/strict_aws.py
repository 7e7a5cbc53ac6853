"""ECS, CloudWatch Logs and STS in memory, as strict as AWS is: accounts, regions, limits, order, rates, seeded faults.

It holds no sockets and makes no threads: the doors are ``botocore_door`` (this process) and ``http_door`` (others).
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from strict_ecs.faults import Fault, FaultPlan, Place
from strict_ecs.log_streams import LogStreams
from strict_ecs.roles import Roles, expired
from strict_ecs.task_definitions import TaskDefinitions
from strict_ecs.tasks import Tasks
from strict_ecs.token_buckets import RATES, Rate, TokenBuckets, buckets_of
from strict_ecs.wire import Answer, AwsError, Call, error_answer, json_answer, xml_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NO_ANSWER = frozenset({Fault.RESET, Fault.TIMEOUT, Fault.ACCOUNT_DOWN})
_HTML = b"<html><body><h1>It works!</h1></body></html>"


class NoAnswerError(Exception):
    """The network gives no answer; ``fault`` says in which way."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True)
class Answered:
    """A call that was made, for a test to count.

    Attributes:
        place: Where it went; for AssumeRole the account of the role.
        at: When, by the caller's clock.
        code: AWS's error code, or empty.
        fault: What was planned for it.
        parameters: Of the call.
    """

    place: Place
    at: float
    code: str
    fault: Fault | None
    parameters: Mapping[str, Any]


@dataclass
class Region:
    """What one account has in one region."""

    definitions: TaskDefinitions
    tasks: Tasks
    logs: LogStreams
    buckets: TokenBuckets


@dataclass
class StrictAws:
    """The whole of it.

    Attributes:
        clock: By which buckets fill; that of the caller's thread.
        rates: Of the buckets; one that is absent takes all calls.
        faults: What goes wrong.
        roles: Who may call.
        calls: All that were made, in order.
    """

    clock: Callable[[], float] = time.monotonic
    rates: Mapping[str, Rate] = field(default_factory=lambda: RATES)
    faults: FaultPlan = field(default_factory=FaultPlan)
    roles: Roles = field(default_factory=Roles)
    calls: list[Answered] = field(default_factory=list)
    _regions: dict[tuple[str, str], Region] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def region(self, account: str, name: str) -> Region:
        """Return what an account has in a region; either may be new."""
        with self._lock:
            self.roles.add_account(account)
            if (account, name) not in self._regions:
                definitions = TaskDefinitions(account, name, self.clock)
                tasks = Tasks(account, name, definitions, self.clock)
                self._regions[account, name] = Region(
                    definitions, tasks, LogStreams(self.clock), TokenBuckets(self.rates)
                )
            return self._regions[account, name]

    def made(self, operation: str | None = None, **place: str) -> list[Answered]:
        """Return the calls of an operation, or all, to an ``account`` and ``region`` or to all."""
        wanted = place | ({"operation": operation} if operation else {})
        return [each for each in self.calls if all(getattr(each.place, name) == wanted[name] for name in wanted)]

    def codes(self) -> Counter[str]:
        """Count the calls by AWS's error code; those without by an empty one."""
        return Counter(each.code for each in self.calls)

    def answer(self, call: Call) -> Answer:
        """Answer a call.

        Raises:
            NoAnswerError: By plan, the network doesn't.
        """
        try:
            account = self.roles.account_of(call.access_key, call.session_token)
        except AwsError as error:
            self._note(Place("", call.region, call.operation), error.code, None, call)
            return error_answer(call.service, error)
        place = Place(self.roles.target(call.parameters) or account, call.region, call.operation)
        fault = self.faults.of(place)
        if fault is Fault.ACCOUNT_DOWN:
            self._note(place, "", fault, call)
            raise NoAnswerError(fault)
        try:
            answer = self._carry_out(call, account, fault)
        except AwsError as error:
            self._note(place, error.code, fault, call)
            answer = error_answer(call.service, error)
        else:
            self._note(place, "", fault, call)
        if fault in _NO_ANSWER:
            raise NoAnswerError(fault)
        return _spoilt(answer, fault)

    def _carry_out(self, call: Call, account: str, fault: Fault | None) -> Answer:
        if fault in _REFUSALS:
            raise _REFUSALS[fault](call.service)
        with self._lock:
            region = self.region(account, call.region)
            fargate = call.parameters.get("launchType") == "FARGATE"
            if not region.buckets.take(buckets_of(call.operation, fargate=fargate), self.clock()):
                raise _throttled(call.service)
            if call.service == "sts":
                return self._sts(call, account)
            content = _operation(region, call, stale=fault is Fault.STALE_LIST)
        if fault is Fault.LOST_PAGE_TOKEN:
            content.pop("nextToken", None)
        return json_answer(content)

    def _sts(self, call: Call, account: str) -> Answer:
        if call.operation == "AssumeRole":
            return xml_answer(call.operation, self.roles.assume_role(call.parameters))
        if call.operation == "GetCallerIdentity":
            who = f"<Arn>arn:aws:iam::{account}:root</Arn><UserId>{account}</UserId><Account>{account}</Account>"
            return xml_answer(call.operation, who)
        raise AwsError("InvalidAction", f"no operation of STS here: {call.operation}")

    def _note(self, place: Place, code: str, fault: Fault | None, call: Call) -> None:
        with self._lock:
            self.calls.append(Answered(place, self.clock(), code, fault, call.parameters))


def _operation(region: Region, call: Call, *, stale: bool) -> dict[str, Any]:
    definitions, tasks = region.definitions, region.tasks
    if call.service == "logs":
        if call.operation != "GetLogEvents":
            raise AwsError("UnknownOperationException", f"no operation of CloudWatch Logs here: {call.operation}")
        return region.logs.get_log_events(call.parameters)
    if call.operation == "ListTaskDefinitions":
        return definitions.list_task_definitions(call.parameters, stale=stale)
    if call.operation == "ListTasks":
        return tasks.list_tasks(call.parameters, stale=stale)
    operations: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
        "RegisterTaskDefinition": definitions.register_task_definition,
        "DeregisterTaskDefinition": definitions.deregister_task_definition,
        "DescribeTaskDefinition": definitions.describe_task_definition,
        "ListTaskDefinitionFamilies": definitions.list_task_definition_families,
        "CreateCluster": tasks.create_cluster,
        "RunTask": tasks.run_task,
        "DescribeTasks": tasks.describe_tasks,
        "StopTask": tasks.stop_task,
    }
    if call.operation not in operations:
        raise AwsError("UnknownOperationException", f"no operation of ECS here: {call.operation}")
    return operations[call.operation](call.parameters)


def _throttled(service: str) -> AwsError:
    return AwsError("Throttling" if service == "sts" else "ThrottlingException", "Rate exceeded")


def _server_error(service: str) -> AwsError:
    code = {"sts": "InternalFailure", "logs": "ServiceUnavailableException"}.get(service, "ServerException")
    return AwsError(code, "Service Unavailable.", 500)


def _denied(service: str) -> AwsError:
    message = "User is not authorized to perform this action"
    return AwsError("AccessDenied", message, 403) if service == "sts" else AwsError("AccessDeniedException", message)


_REFUSALS: Mapping[Fault | None, Callable[[str], AwsError]] = {
    Fault.THROTTLED: _throttled,
    Fault.SERVER_ERROR: _server_error,
    Fault.EXPIRED_TOKEN: expired,
    Fault.ACCESS_DENIED: _denied,
}


def _spoilt(answer: Answer, fault: Fault | None) -> Answer:
    match fault:
        case Fault.TRUNCATED:
            return replace(answer, body=answer.body[: len(answer.body) // 2])
        case Fault.EMPTY:
            return replace(answer, status=200, body=b"")
        case Fault.HTML:
            return replace(answer, status=200, body=_HTML, content_type="text/html")
        case _:
            return answer
