"""What labels mean, kept while anybody has it: whoever has decoded them need not do it again.

The DAG processor decodes each definition at a refresh. The processes that it forks to parse files find what it decoded.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from airflow_ecs_dag_schema import DagSpec, decode

if TYPE_CHECKING:
    from collections.abc import Mapping

_SPECS: WeakValueDictionary[bytes, DagSpec] = WeakValueDictionary()


def decoded(labels: Mapping[str, str]) -> DagSpec:
    """Return the DAG that labels describe, as :func:`airflow_ecs_dag_schema.decode` does.

    Raises:
        LabelError: They describe none.
    """
    key = hashlib.sha256(ascii(sorted(labels.items())).encode("ascii")).digest()
    spec = _SPECS.get(key)
    if spec is None:
        spec = _SPECS[key] = decode(labels)
    return spec
