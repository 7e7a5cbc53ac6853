"""Names of files for what AWS and platforms call things: a file's name has at most 255 bytes, and no path in it."""

from __future__ import annotations

import hashlib
import re

_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,200}\Z", re.ASCII)
_FILE = re.compile(r"(\d{12}/[a-z0-9-]+/[A-Za-z0-9_-]+)\.py\Z", re.ASCII)
_OTHER = re.compile(r"[^A-Za-z0-9_-]", re.ASCII)
_LONGEST_NAME = 200


def file_name(name: str) -> str:
    """Return ``name``, or what stands for it alone where it is too long or has other characters."""
    if _PLAIN.match(name):
        return name
    return f"{_OTHER.sub('_', name)[:_LONGEST_NAME]}.{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def family_of_file(path: str) -> str | None:
    """Return the key of the family that a file of the bundle is named after; ``None`` for a very long name's."""
    found = _FILE.match(path)
    return found[1] if found else None
