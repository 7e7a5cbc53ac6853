"""What label sets cost, measured alone: CPU time as the least of several runs, memory as Python's own peak.

``python -m fuzz.label_costs FILE``: the file holds a JSON list of label sets; the answer is a JSON list of costs.
A process of its own, without the fuzzer's instruments, so that neither they nor another process's work counts.
"""

from __future__ import annotations

import gc
import json
import sys
import traceback
import tracemalloc
from dataclasses import asdict, dataclass
from pathlib import Path

from fuzz.label_verdicts import judge, policy_for

MOST_SECONDS = 0.050
"""CPU time that one label set may take, from its labels to the policy's verdict."""
MOST_BYTES = 50 * 1024 * 1024
"""Memory that one label set may take at once."""
_RUNS = 5


@dataclass(frozen=True)
class Cost:
    """What one label set costs.

    Attributes:
        seconds: The least CPU time of several runs.
        memory: The peak in bytes.
        failure: The traceback, where something else than a refusal came out: how deep a text may nest depends on how
            deep the caller is, so it can be this process in which it does.
    """

    seconds: float
    memory: int
    failure: str = ""

    @property
    def too_much(self) -> bool:
        """Whether it is over a limit."""
        return self.seconds > MOST_SECONDS or self.memory > MOST_BYTES


def cost(labels: dict[str, str]) -> Cost:
    """Return what ``labels`` cost."""
    try:
        return _cost(labels)
    except Exception:  # noqa: BLE001 - whatever comes out is a finding
        return Cost(0.0, 0, traceback.format_exc())


def _cost(labels: dict[str, str]) -> Cost:
    policy = policy_for(labels)
    seconds = min(_timed(labels) for _ in range(_RUNS))
    forget()
    gc.collect()
    tracemalloc.start()
    try:
        judge(labels, policy)
        memory = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return Cost(seconds, memory)


def _timed(labels: dict[str, str]) -> float:
    forget()
    return judge(labels, policy_for(labels)).cpu


def forget() -> None:
    """Empty the caches of the contract's functions: the next label set is then the first one of its kind."""
    for name, module in list(sys.modules.items()):
        if name.startswith("airflow_ecs_dag_schema"):
            for value in vars(module).values():
                if callable(empty := getattr(value, "cache_clear", None)):
                    empty()


def main() -> None:
    sets = json.loads(Path(sys.argv[1]).read_text(encoding="ascii"))
    cost(sets[0])  # what is made once, at a first call, is no label set's cost
    json.dump([asdict(cost(labels)) for labels in sets], sys.stdout)


if __name__ == "__main__":
    main()
