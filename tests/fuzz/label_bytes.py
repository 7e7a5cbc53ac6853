"""Label sets as the bytes that a fuzzer keeps: a JSON object in ASCII, in the order of its labels."""

from __future__ import annotations

import json


def to_bytes(labels: dict[str, str]) -> bytes:
    """Return ``labels`` as bytes; lone surrogates and control characters are kept as escapes."""
    return json.dumps(labels, separators=(",", ":")).encode("ascii")


def from_bytes(data: bytes) -> dict[str, str]:
    """Return the labels that ``data`` holds; bytes that are no JSON object of texts hold none."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {key: text for key, text in content.items() if isinstance(text, str)}
