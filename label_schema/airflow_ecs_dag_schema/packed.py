"""The packed form of the labels, for a DAG that outgrows flat ones: most of them as one compressed text, in pieces.

``airflow.packed.0``, ``.1``, ... put together are base64 of a zlib stream of a JSON object of labels. The version, the
dag id, and each label with a CDK token in it stay labels of their own.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_schema.label_text import PREFIX
from airflow_ecs_dag_schema.labels_v1 import VERSION_LABEL
from airflow_ecs_dag_schema.limits import LABEL_BYTES, label_key_problem
from airflow_ecs_dag_schema.problems import LabelError, Problem, label_path
from airflow_ecs_dag_schema.values import TOKEN_START

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOM = "airflow.packed"
ALWAYS_FLAT = (VERSION_LABEL, "airflow.dag.dag_id")
"""Labels that are never packed: what they say is needed before the others can be read."""
LARGEST = 1_000_000
"""Bytes of the unpacked labels as JSON."""
MOST_LABELS = 20_000
LONGEST_TEXT = 45_000
"""Characters of one packed label: the longest that a DAG can have is a page of notes, written in escapes."""
_PIECE = LABEL_BYTES - len(f"{ROOM}.9999")
_KEY = re.compile(rf"{re.escape(ROOM)}\.(0|[1-9]\d{{0,3}})\Z", re.ASCII)
_REMEDY = "deploy the DAG again with airflow-ecs-dag, which writes these labels"


def packed(labels: Mapping[str, str]) -> dict[str, str]:
    """Return ``labels`` in the packed form; those of :data:`ALWAYS_FLAT`, and with a CDK token, stay as they are."""
    stay = {key: text for key, text in labels.items() if key in ALWAYS_FLAT or TOKEN_START in text}
    rest = {key: text for key, text in labels.items() if key not in stay}
    data = zlib.compress(json.dumps(rest, separators=(",", ":")).encode(), 9)
    text = base64.b64encode(data).decode()
    pieces = [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)]
    return stay | {f"{ROOM}.{number}": piece for number, piece in enumerate(pieces)}


def is_packed(labels: Mapping[str, str]) -> bool:
    """Tell whether some of ``labels`` are in the packed form."""
    return any(key == ROOM or key.startswith(f"{ROOM}.") for key in labels)


def unpacked(labels: Mapping[str, str]) -> dict[str, str]:
    """Return ``labels`` with the packed ones among them as labels of their own.

    Raises:
        LabelError: The packed ones are damaged, or larger than they may be.
    """
    if not is_packed(labels):
        return dict(labels)
    pieces = {key: text for key, text in labels.items() if key == ROOM or key.startswith(f"{ROOM}.")}
    flat = {key: text for key, text in labels.items() if key not in pieces}
    found = _object(_data(pieces))
    problems = [
        Problem(label_path(key), "this label is there twice, packed and by itself: keep one of the two")
        for key in sorted(found.keys() & flat.keys())
    ]
    problems.extend(
        Problem(key, f"with packed labels this one is needed by itself: {_REMEDY}")
        for key in ALWAYS_FLAT
        if key not in flat
    )
    for key, text in found.items():
        if not isinstance(text, str) or label_key_problem(key) or not key.startswith(PREFIX) or is_packed({key: text}):
            problems.append(Problem(ROOM, f"what is packed is no object of labels: {_REMEDY}", label_path(key)))
            break
        if len(text) > LONGEST_TEXT:
            problems.append(
                Problem(
                    label_path(key), f"a label has at most {LONGEST_TEXT} characters, this has {len(text)}: shorten it"
                )
            )
    if problems:
        raise LabelError(problems)
    return flat | found


def _data(pieces: Mapping[str, str]) -> bytes:
    if any(not _KEY.match(key) for key in pieces) or {f"{ROOM}.{number}" for number in range(len(pieces))} != set(
        pieces
    ):
        raise _damaged(f"the pieces are numbered 0, 1, 2, ... without a gap: {_REMEDY}")
    text = "".join(pieces[f"{ROOM}.{number}"] for number in range(len(pieces)))
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(base64.b64decode(text, validate=True), LARGEST + 1)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise _damaged(f"the pieces can't be put together ({error}): {_REMEDY}") from None
    if len(data) > LARGEST:
        raise _damaged(f"the labels are more than {LARGEST} bytes unpacked: divide the DAG over two task definitions")
    if not stream.eof or stream.unused_data:
        raise _damaged(f"the pieces end too early or too late: {_REMEDY}")
    return data


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data, object_pairs_hook=_no_key_twice)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or len(found) > MOST_LABELS:
        raise _damaged(f"what is packed is no object of at most {MOST_LABELS} labels: {_REMEDY}")
    return found


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there twice")
    return found


def _damaged(message: str) -> LabelError:
    return LabelError([Problem(ROOM, message)])
