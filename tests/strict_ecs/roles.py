"""Who calls: the accounts' own keys, and the sessions of roles that STS hands out."""

from __future__ import annotations

import re
import secrets
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from strict_ecs.wire import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping

_ROLE_ARN = re.compile(r"arn:aws:iam::(?P<account>\d{12}):role/(?P<name>[\w+=,.@/-]{1,64})\Z")
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}\Z", re.ASCII)
_SHORTEST, _LONGEST = 900, 43_200


@dataclass(frozen=True)
class _Session:
    account: str
    token: str
    generation: int


@dataclass
class Roles:
    """The keys that are good, and the roles that may be assumed. An account's own key is its number."""

    _accounts: set[str] = field(default_factory=set)
    _external_ids: dict[str, str | None] = field(default_factory=dict)
    _sessions: dict[str, _Session] = field(default_factory=dict)
    _generation: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add_account(self, number: str) -> None:
        """Let an account's own key be good."""
        self._accounts.add(number)

    def add_role(self, arn: str, *, external_id: str | None = None) -> None:
        """Let anybody with the external id assume a role."""
        if not _ROLE_ARN.match(arn):
            raise ValueError(f"no role's ARN: {arn!r}")
        self._external_ids[arn] = external_id

    def expire_sessions(self) -> None:
        """Let no session that was handed out be good any more."""
        with self._lock:
            self._generation += 1

    def account_of(self, access_key: str, session_token: str) -> str:
        """Return the account whose key, or whose role's session, it is.

        Raises:
            AwsError: It is nobody's, or no longer good.
        """
        if access_key in self._accounts:
            return access_key
        session = self._sessions.get(access_key)
        if session is None or not secrets.compare_digest(session.token, session_token):
            raise AwsError("UnrecognizedClientException", "The security token included in the request is invalid.")
        if session.generation != self._generation:
            raise expired("ecs")
        return session.account

    @staticmethod
    def target(parameters: Mapping[str, str]) -> str | None:
        """Return the account whose role a call asks for, if it asks for one."""
        role = _ROLE_ARN.match(str(parameters.get("RoleArn", "")))
        return role and role["account"]

    def assume_role(self, parameters: Mapping[str, str]) -> str:
        """Return the credentials of a new session, as XML.

        Raises:
            AwsError: STS would not give any.
        """
        arn, name = parameters.get("RoleArn", ""), parameters.get("RoleSessionName", "")
        seconds = parameters.get("DurationSeconds", "3600")
        if not _SESSION_NAME.match(name) or not seconds.isdecimal() or not _SHORTEST <= int(seconds) <= _LONGEST:
            raise AwsError("ValidationError", "RoleSessionName or DurationSeconds is none")
        role = _ROLE_ARN.match(arn)
        if role is None or arn not in self._external_ids or self._external_ids[arn] != parameters.get("ExternalId"):
            raise AwsError("AccessDenied", f"not authorized to perform: sts:AssumeRole on resource: {arn}", 403)
        with self._lock:
            key = f"session{len(self._sessions):09}"
            self._sessions[key] = session = _Session(role["account"], secrets.token_urlsafe(24), self._generation)
        until = datetime.now(UTC) + timedelta(seconds=int(seconds))  # botocore compares it with the real time
        return (
            f"<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>not-aws</SecretAccessKey>"
            f"<SessionToken>{session.token}</SessionToken><Expiration>{until:%Y-%m-%dT%H:%M:%SZ}</Expiration>"
            f"</Credentials><AssumedRoleUser><AssumedRoleId>AROA:{name}</AssumedRoleId>"
            f"<Arn>arn:aws:sts::{role['account']}:assumed-role/{role['name']}/{name}</Arn></AssumedRoleUser>"
        )


def expired(service: str) -> AwsError:
    """Return what a service says to a session that is over."""
    message = "The security token included in the request is expired"
    return AwsError("ExpiredToken", message, 403) if service == "sts" else AwsError("ExpiredTokenException", message)
