"""What an answer of RunTask says: started, no room or no credentials just now, no such revision, refused, nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError, NoCredentialsError, ParamValidationError

from airflow_ecs_dag_loader.aws_answers import EXPIRED, NO_ANSWER, THROTTLED, reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mypy_boto3_ecs import ECSClient

_SERVER_ERROR = 500
_NEVER_SENT = (ParamValidationError, NoCredentialsError)
_NO_ROOM_REASONS = ("RESOURCE:", "AGENT")
"""How the reason of a failure begins that other ECS tasks' ends, a new container instance, or its agent mend."""
_NO_ROOM = re.compile(
    r"capacity is unavailable"
    r"|reached the limit on the number of"
    r"|no container instances were found"
    r"|\bprovisioning state\b"
    r"|rate exceeded|request ?limit ?exceeded|throttling",
    re.IGNORECASE,
)
"""What AWS says, under several codes, of Fargate's capacity, of quotas for tasks and vCPUs, of a cluster whose
instances are still to come, and of the calls that ECS itself makes to EC2 and that EC2 throttles."""
_GONE = re.compile(r"task ?definition\b.*\b(inactive|not found|delete_in_progress)", re.IGNORECASE)


class Outcome(Enum):
    """What became of a call."""

    STARTED = "started"
    NO_ROOM = "no room"
    IN_DOUBT = "in doubt"
    EXPIRED = "expired"
    REVISION_GONE = "revision gone"
    REFUSED = "refused"


@dataclass(frozen=True)
class RunTaskAnswer:
    """One answer.

    Attributes:
        outcome: What became of the call.
        text: The ARN of the ECS task if there is one, else what AWS said.
        cause: The exception, if there was one.
    """

    outcome: Outcome
    text: str
    cause: Exception | None = None


def run_task(ecs: ECSClient, request: Mapping[str, Any]) -> RunTaskAnswer:
    """Call RunTask once, and say what its answer means."""
    try:
        answer = ecs.run_task(**request)
        failures, tasks = answer.get("failures"), answer.get("tasks")
        if tasks:
            return RunTaskAnswer(Outcome.STARTED, str(tasks[0]["taskArn"]))
        if failures:
            return _failed([(str(each.get("reason") or ""), str(each.get("detail") or "")) for each in failures])
    except ClientError as error:
        return _error(error)
    except _NEVER_SENT as error:
        return RunTaskAnswer(Outcome.REFUSED, reason(error), error)
    except NO_ANSWER as error:
        return RunTaskAnswer(Outcome.IN_DOUBT, reason(error), error)
    return RunTaskAnswer(Outcome.IN_DOUBT, "the answer has no task")


def _failed(failures: Iterable[tuple[str, str]]) -> RunTaskAnswer:
    """ECS may give a failure for each container instance, most of them alike; one that can have room is enough."""
    texts = list(dict.fromkeys(f"{why} {detail}".strip() for why, detail in failures))
    has_no_room = any(text.startswith(_NO_ROOM_REASONS) or _NO_ROOM.search(text) for text in texts)
    return RunTaskAnswer(Outcome.NO_ROOM if has_no_room else Outcome.REFUSED, "; ".join(texts))


def _error(error: ClientError) -> RunTaskAnswer:
    code = error.response.get("Error", {}).get("Code", "")
    text = reason(error)
    arns = cast("Sequence[str]", error.response.get("resourceIds") or ())
    if code == "ConflictException" and arns:
        # The token is that of an ECS task which was asked for in other words, such as with another revision.
        return RunTaskAnswer(Outcome.STARTED, arns[0])
    if code in THROTTLED or code == "LimitExceededException" or _NO_ROOM.search(text):
        return RunTaskAnswer(Outcome.NO_ROOM, text, error)
    if code in EXPIRED:
        return RunTaskAnswer(Outcome.EXPIRED, text, error)
    if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= _SERVER_ERROR:
        return RunTaskAnswer(Outcome.IN_DOUBT, text, error)
    return RunTaskAnswer(Outcome.REVISION_GONE if _GONE.search(text) else Outcome.REFUSED, text, error)
