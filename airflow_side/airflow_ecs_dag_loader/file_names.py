"""Names of files for what AWS and platforms call things: a file's name has at most 255 bytes, and no path in it."""

from __future__ import annotations

import hashlib
import re
import zlib
from pathlib import Path

_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,200}\Z", re.ASCII)
_FILE = re.compile(r"(\d{12}/[a-z0-9-]+/)(?:\d+\.zip/ecs-)?([A-Za-z0-9_-]+)\.py\Z", re.ASCII)
_OWN_FILE = re.compile(r"\d{12}/[a-z0-9-]+/[A-Za-z0-9_~-]+\.py\Z", re.ASCII)
_OTHER = re.compile(r"[^A-Za-z0-9_-]", re.ASCII)
_LONGEST_NAME = 200
PARSED, UNPACKED = "dags", "families"
"""The folder that the DAG processor parses, and the one for workers where DAGs are packed."""
ARCHIVE = ".zip"
_DAG = "ecs-"
MOST_ARCHIVES = 256


def file_name(name: str) -> str:
    """Return ``name``, or what stands for it alone where it is too long or has other characters; never with a dot."""
    if _PLAIN.match(name):
        return name
    return f"{_OTHER.sub('_', name)[:_LONGEST_NAME]}~{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def dag_path(family_key: str, archives: int = 0) -> Path:
    """Return the path of the file of a family's DAG.

    A family's archive never changes, whatever else comes and goes: Airflow's database, DAG processors and workers with
    disks of their own all know a DAG by this path. The file's name in there is that of no module.

    Args:
        family_key: The family.
        archives: How many archives the DAGs of an account's region are packed into; 0 for none.
    """
    if not archives:
        return refusal_path(family_key)
    account, region, family = family_key.split("/")
    archive = f"{zlib.crc32(family.encode()) % archives}{ARCHIVE}"
    return Path(account, region, archive, f"{_DAG}{file_name(family)}.py")


def refusal_path(family_key: str) -> Path:
    """Return the path of the file of a family's error."""
    account, region, family = family_key.split("/")
    return Path(account, region, refusal_file(family))


def refusal_file(family: str) -> str:
    """Return the name of the file of a family's error."""
    return f"{file_name(family)}.py"


def family_of_file(path: str) -> str | None:
    """Return the key of the family that a file of the bundle is named after; ``None`` for a very long name's."""
    found = _FILE.match(path)
    return f"{found[1]}{found[2]}" if found else None


def is_own_file(path: str) -> bool:
    """Tell whether a file that Airflow parses is that of one family: no archive, and no file with other DAGs."""
    return _OWN_FILE.match(path) is not None


def family_name_of(path: Path) -> str:
    """Return the key of a file's family, with what stands for the name of the family where that is very long."""
    account, region, *_, name = path.parts
    is_dag = len(path.parts) > len((account, region, name))
    return f"{account}/{region}/{name.removesuffix('.py').removeprefix(_DAG if is_dag else '')}"
