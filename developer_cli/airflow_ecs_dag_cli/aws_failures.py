"""Why AWS gave no answer, in one sentence with what to do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's own
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

from airflow_ecs_dag_loader.aws_answers import THROTTLED

_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
_UNKNOWN_KEYS = frozenset(
    {
        "AuthFailure",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_ACTION = re.compile(r"not authorized to perform: (?P<action>[A-Za-z0-9-]+:[A-Za-z0-9]+)")


@dataclass(frozen=True)
class AwsFailure:
    """Why AWS gave no answer.

    Attributes:
        what: What is wrong; lower case, no full stop.
        remedy: What to change.
        is_denied: Whether a right is missing, so that nothing is known of what was asked.
        code: AWS's own code; empty where AWS did not answer.
    """

    what: str
    remedy: str
    is_denied: bool = False
    code: str = ""

    def __str__(self) -> str:
        """Return both as one sentence."""
        return f"{self.what}: {self.remedy}"

    @classmethod
    def of(cls, error: BaseException) -> AwsFailure:
        """Return why a call failed; ``error`` may be what the loader made of botocore's own."""
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, BotoCoreError | ClientError):
            cause = cause.__cause__
        if isinstance(cause, ClientError):
            return _refused_call(cause)
        if isinstance(cause, BotoCoreError):
            return _local(cause)
        return cls(_one_line(error), "try again; if it stays so, something between here and AWS changes its answers")


def _refused_call(error: ClientError) -> AwsFailure:
    answer = error.response.get("Error", {})
    code, message = answer.get("Code", ""), answer.get("Message", "")
    if code in _EXPIRED:
        return AwsFailure("the AWS credentials have expired", "sign in again, such as by aws sso login", code=code)
    if code in _UNKNOWN_KEYS:
        return AwsFailure(
            f"AWS does not take these credentials ({code})",
            "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or name another --profile; a region "
            "that the account has not enabled answers so too",
            code=code,
        )
    if code in _DENIED:
        named = _ACTION.search(message)
        action = named["action"] if named else error.operation_name
        return AwsFailure(
            f"access denied: these credentials may not {action}",
            f"have {action} allowed to them, or name another --profile",
            is_denied=True,
            code=code,
        )
    if code in THROTTLED:
        return AwsFailure(
            f"AWS throttles {error.operation_name}", "others use up this account's rate now: try again later", code=code
        )
    return AwsFailure(
        f"{error.operation_name} failed with {code or 'an answer without a code'}"
        + (f" ({' '.join(message.split())})" if message else ""),
        "try again; AWS's message says more",
        code=code,
    )


def _local(error: BotoCoreError) -> AwsFailure:
    if isinstance(error, NoRegionError):
        return AwsFailure("no AWS region is set", "give --region, or set AWS_REGION")
    if isinstance(error, ProfileNotFound):
        return AwsFailure(_one_line(error), "choose a profile of `aws configure list-profiles`")
    if isinstance(error, NoCredentialsError):
        return AwsFailure(
            "no AWS credentials were found", "give --profile, set AWS_PROFILE, or sign in, such as by aws sso login"
        )
    if isinstance(error, PartialCredentialsError | CredentialRetrievalError | SSOError | TokenRetrievalError):
        return AwsFailure(
            f"the AWS credentials can't be had ({_one_line(error)})", "sign in again, such as by aws sso login"
        )
    if isinstance(error, ConnectionError | HTTPClientError):
        return AwsFailure(
            f"AWS can't be reached ({_one_line(error)})", "check the region's name, the network and its proxy"
        )
    return AwsFailure(_one_line(error), "check the AWS configuration")


def _one_line(error: BaseException) -> str:
    return " ".join((str(error) or repr(error)).split()).rstrip(".")
