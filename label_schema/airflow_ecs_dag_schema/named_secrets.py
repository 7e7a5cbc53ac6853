"""Texts that are a secret by the name or the place that they are given in, whatever they look like.

``password=...``, ``--api-key ...``, ``Authorization: Bearer ...``, ``https://user:password@host``. What stands for a
secret and is none passes: an ARN, a file, a variable of the environment, a template, a CDK token, a row of stars.

The time is linear in the text: every expression here reads a bounded number of characters from where it begins.
"""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# What a name ends in, in small letters. Any text that is given under one of these is a secret, but for a stand-in.
_OPEN = (
    r"password|passwd|passphrase|(?<![a-z])pwd|sshpass|rediscli_auth"
    r"|(?<![a-z])(?:db|user|admin|root|smtp|mail|ftp|pg|mysql|redis|mongo|ldap|proxy)[_-]?pass"
    r"|secret[_-]?(?:access[_-]?)?key|api[_-]?key|api[_-]?secret"
    r"|(?:client|app|consumer|webhook|signing|shared|oauth|jwt)[_-]?secret"
    r"|(?:auth|access|bearer|api|refresh|oauth|private|session|security|bot|deploy|vault)[_-]?token"
    r"|(?:github|gitlab|slack|npm|pypi|hf)[_-]?token"
)
# These name references, too, so the text must besides hold a long row of letters and digits mixed.
_VEILED = (
    r"(?<![a-z0-9])(?<![a-z0-9][_-])token|secret|(?:private|account|fernet|subscription|shared[_-]?access)[_-]?key"
)
_WORD = r"[^\s\"'&;,)}\]=:]{1,100}"
_VALUE = rf"\"[^\"\n]{{0,100}}|'[^'\n]{{0,100}}|:?{_WORD}(?::(?:{_WORD})?)?"
_ASSIGNED = re.compile(
    rf"(?:(?P<open>{_OPEN})|(?P<veiled>{_VEILED}))\\{{0,3}}[\"']?(?P<gap>[ \t]{{0,3}})(?:=>|:=|=(?!=)|:)"
    rf"(?P<space>[ \t]{{0,3}})\\{{0,3}}(?P<value>{_VALUE})"
)
_FLAG = re.compile(rf"(?:(?P<open>{_OPEN})|(?P<veiled>{_VEILED}))\Z")
_SWITCH = re.compile(
    r"(?:^|[^a-z])(?:no|use|with|without|skip|requires?|has|is|show|hide|rotate|generate|prompt|ask|allow|enable|disable"
    r"|check)[_-](?:[a-z0-9]{1,10}[_-])?\Z"
)
_ROW = re.compile(r"[a-z0-9]{16,}+")
_LONGEST_NAME = 40
_HINT = re.compile(r"pass|pwd|key|secret|token|auth|curl|wget|http")

_TEMPLATE = re.compile(r"\{\{[^{}]{0,500}\}\}")
_ARN = re.compile(r"\barn:[a-z-]{3,20}:[a-z0-9-]{2,40}:[a-z0-9-]{0,30}:[0-9]{0,12}:[\w/:.*+@-]{1,500}", re.ASCII)
_KNOWN_HARMLESS = "\x1a"
_STAND_IN = re.compile(
    # references: by name, by place
    r"arn:.*|[./~].*|[a-z][a-z0-9+.-]{0,20}://.*|(?:env|vault|ssm|secretsmanager|file|op|sm|gcpsm|keyring)[:.].*"
    r"|[\w./-]+\.(?:pem|key|p8|p12|json|ya?ml|txt|env|jks)"
    # variables of a shell, of formats, of templates
    r"|\$[a-z_]\w*|\$[0-9@*]|\$\{.*|\$\(.*|`.*|%[a-z_]\w*%|%\([a-z_]\w*\)s|%s|<.*|\{.*|\[.*|@.*|\x1a+"
    # masks and words
    r"|[*.x#_-]+|true|false|yes|no|on|off|none|null|nil|required|optional|prompt|stdin|env|file|str|string|bytes"
    r"|redacted|hidden",
    re.DOTALL,
)
_PROSE = {
    *("a", "an", "and", "as", "at", "be", "by", "can", "for", "from", "has", "if", "in", "is", "it", "must", "not"),
    *("of", "on", "or", "so", "that", "the", "this", "to", "was", "when", "which", "will", "with"),
}
"""What follows ``--password`` where a text speaks of it."""
_CLOSING = frozenset("\n\r,;}])\"'&|\\=:")

_URL = re.compile(r"://[^\s/?#@:\"'<>]{0,200}+:(?P<value>[^\s/?#@\"'<>]{1,500}+)@(?!sha(?:256|384|512):)")
_HEADER = re.compile(
    r"authorization[\"']?[ \t]{0,3}[:=][ \t]{0,3}[\"']?(?:basic|bearer|token|apikey|digest)[ \t]{1,3}"
    r"(?P<value>[^\s\"']{1,500})"
)
_BEARER = re.compile(r"bearer[ \t]{1,3}(?P<value>[a-z0-9._~+/=-]{20,500})")
_BASIC = re.compile(r"basic[ \t]{1,3}(?P<value>[a-z0-9+/]{8,500}={0,2})", re.IGNORECASE)
_USER = re.compile(r"[^\s:/{}$]{1,100}:(?P<value>[^\s/]{1,500})\Z")


@dataclass(frozen=True)
class NamedSecret:
    """A secret found by its name or its place.

    Attributes:
        place: The place or the name, in words of this module's own: nothing of the text.
        length: Its characters.
    """

    place: str
    length: int


def find_named(text: str) -> NamedSecret | None:
    """Return a secret in ``text`` that its name or its place gives away, if there is one."""
    flat = _flat(text)
    small = flat.lower()
    for found in _in_places(flat, small):
        return found
    if _HINT.search(small) is None:
        return None
    if "=" in small or ":" in small:
        for found in _assigned(small):
            return found
    return find_in_words(small.split()) if "-" in small else None


def find_in_words(words: Sequence[str]) -> NamedSecret | None:
    """Return a secret among the words of a command that the word before it gives away: ``--password``, ``hunter2``."""
    if not any(word.startswith("-") for word in words):
        return None
    small = [_flat(word).lower() for word in words]
    programs = {word.rpartition("/")[2] for word in small}
    for flag, value in pairwise(small):
        if not flag.startswith("-") or value.startswith("-"):
            continue
        text = _bare(value)
        end = flag[-_LONGEST_NAME:]
        match = _FLAG.search(end)
        if match is not None and text not in _PROSE and _is_secret(match, text, end[: match.start()]):
            return NamedSecret(f"given as {match[0]}", len(text))
        if flag in {"-u", "--user", "--proxy-user"} and programs & {"curl", "wget", "http"}:
            user = _USER.match(text)
            if user is not None and not _STAND_IN.fullmatch(user["value"]):
                return NamedSecret("a password after a user's name", len(user["value"]))
        if flag == "-p" and "sshpass" in programs and not _STAND_IN.fullmatch(text):
            return NamedSecret("given as sshpass -p", len(text))
    return None


def _flat(text: str) -> str:
    """Return ``text`` with one character in place of each template and each ARN, which have colons and blanks."""
    if "{{" in text:
        text = _TEMPLATE.sub(_KNOWN_HARMLESS, text)
    return _ARN.sub(_KNOWN_HARMLESS, text) if "arn:" in text else text


def _in_places(flat: str, small: str) -> Iterator[NamedSecret]:
    for match in _URL.finditer(small) if "://" in small else ():
        if not _STAND_IN.fullmatch(match["value"]):
            yield NamedSecret("a password in an address", len(match["value"]))
    for match in _HEADER.finditer(small) if "authorization" in small else ():
        if not _STAND_IN.fullmatch(match["value"]):
            yield NamedSecret("an Authorization header", len(match["value"]))
    for match in _BEARER.finditer(small) if "bearer" in small else ():
        if _has_key_row(match["value"]):
            yield NamedSecret("a bearer token", len(match["value"]))
    for match in _BASIC.finditer(flat) if "basic" in small else ():
        if _is_user_and_password(match["value"]):
            yield NamedSecret("a user and a password in base64", len(match["value"]))


def _assigned(small: str) -> Iterator[NamedSecret]:
    match = _ASSIGNED.search(small)
    while match is not None:
        raw = match["value"]
        text = _bare(raw)
        ends = small[match.end() :][:4].lstrip(" \t")[:1]
        is_prose = (match["gap"] or match["space"]) and raw[0] not in "\"'" and ends and ends not in _CLOSING
        before = small[max(0, match.start() - _LONGEST_NAME) : match.start()]
        if text and not is_prose and _is_secret(match, text, before):
            yield NamedSecret(f"given as {match['open'] or match['veiled']}", len(text))
        match = _ASSIGNED.search(small, match.start("value"))


def _is_secret(match: re.Match[str], text: str, before: str) -> bool:
    if match["open"] is None and not _has_key_row(text):
        return False
    return not _STAND_IN.fullmatch(text) and not _SWITCH.search(before)


def _has_key_row(text: str) -> bool:
    return any(not row[0].isdigit() and not row[0].isalpha() for row in _ROW.finditer(text))


def _bare(value: str) -> str:
    return value.strip("\"'\\")


def _is_user_and_password(text: str) -> bool:
    try:
        plain = b64decode(text, validate=True)
    except ValueError:
        return False
    return b":" in plain and all(32 <= byte < 127 for byte in plain)  # noqa: PLR2004 - what ASCII can print
