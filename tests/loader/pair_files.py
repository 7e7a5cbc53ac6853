"""The pairs, by the name of their file: each has ``SPEC``, ``by_hand()``, and ``SOURCE`` if it is not the usual one."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

_FOLDER = Path(__file__).parent / "pairs"
PAIRS = {
    path.stem: import_module(f"loader.pairs.{path.stem}")
    for path in sorted(_FOLDER.glob("*.py"))
    if path.stem != "hand"
}
