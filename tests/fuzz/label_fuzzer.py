"""One fuzzing process: ``python -m fuzz.label_fuzzer FOLDER``, as ``FOLDER/plan.json`` says.

atheris (libFuzzer) keeps each label set that reaches a new place in the contract's code, in croniter's or in Jinja's
parser, and changes those further. What comes out is in ``FOLDER/result.json``; the set under way is in libFuzzer's
own file if the process is killed by it.
"""

from __future__ import annotations

import heapq
import json
import os
import resource
import sys
import traceback
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import atheris  # type: ignore[import-untyped] # it has no types of its own
from atheris.import_hook import instrument_imports  # type: ignore[import-untyped] # the same

with instrument_imports(include=["airflow_ecs_dag_schema", "croniter", "jinja2"]):
    from fuzz import label_verdicts

from fuzz.label_bytes import from_bytes, to_bytes
from fuzz.label_grammar import seeds
from fuzz.label_mutator import cross_bytes, mutate_bytes

_KEPT = 15
"""Label sets kept as the dearest, in CPU time and in memory each."""
_MOST_FAILURES = 20
_PAGE = 1024
_WORTH_A_LOOK = 256 * 1024
"""Bytes by which one label set made the process's peak grow."""
_LONGEST_INPUT = 250_000
_HANG_SECONDS = 30
_MEMORY_MEGABYTES = 3_000


@dataclass
class Result:
    """What a process found.

    Attributes:
        runs: Label sets tried.
        admitted: Of those, the ones that are a DAG.
        broken: Of the DAGs, those that break a rule of their policy.
        built: Of the DAGs, those that Airflow was given.
        slow: The dearest in CPU time: seconds (with the fuzzer's instruments) and labels.
        large: The dearest in memory: bytes by which the peak grew and labels.
        failures: Where something else than a refusal came out: the place, the traceback, the labels.
    """

    runs: int = 0
    admitted: int = 0
    broken: int = 0
    built: int = 0
    slow: list[tuple[float, int, dict[str, str]]] = field(default_factory=list)
    large: list[tuple[float, int, dict[str, str]]] = field(default_factory=list)
    failures: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)


class Fuzzer:
    """Judges one label set after the other, until the plan is done."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._plan: dict[str, Any] = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
        self._result = Result()
        self._build = _builder() if self._plan["build_each"] else None
        for labels in seeds():  # what is made once, at a first call, is no label set's cost
            with suppress(Exception):  # libFuzzer begins with these sets too, and there it counts
                self._judge(labels)
        self._result = Result()
        self._peak = _peak_memory()

    def run(self) -> None:
        """Fuzz; the process ends here."""
        corpus = self._folder / "corpus"
        corpus.mkdir()
        for number, labels in enumerate(seeds()):
            (corpus / f"{number:04}").write_bytes(to_bytes(labels))
        atheris.Setup(
            [
                "label_fuzzer", f"-seed={self._plan['seed']}", f"-max_len={_LONGEST_INPUT}", "-len_control=0",
                "-reload=0",
                "-mutate_depth=3",
                f"-timeout={_HANG_SECONDS}", f"-rss_limit_mb={_MEMORY_MEGABYTES}", "-print_final_stats=0",
                f"-artifact_prefix={self._folder}/", "-verbosity=1", str(corpus),
            ],
            self._one,
            custom_mutator=mutate_bytes,
            custom_crossover=cross_bytes,
        )  # fmt: skip
        atheris.Fuzz()

    def _one(self, data: bytes) -> None:
        labels = from_bytes(data)
        try:
            self._judge(labels)
        except Exception as error:  # noqa: BLE001 - whatever comes out is a finding
            self._keep_failure(error, labels)
        self._result.runs += 1
        self._watch_memory(labels)
        if self._result.runs >= self._plan["runs"]:
            (self._folder / "result.json").write_text(json.dumps(asdict(self._result)), encoding="ascii")
            sys.stderr.flush()
            os._exit(0)  # libFuzzer has no way to end a run from within that is not a crash

    def _judge(self, labels: dict[str, str]) -> None:
        policy = label_verdicts.policy_for(labels)
        verdict = label_verdicts.judge(labels, policy)
        _keep(self._result.slow, verdict.cpu, self._result.runs, labels)
        label_verdicts.check_further(labels, verdict, policy)
        if verdict.spec is not None:
            self._result.admitted += 1
            self._result.broken += verdict.broken > 0
            if self._build and self._result.admitted % self._plan["build_each"] == 0:
                self._result.built += 1
                self._build(verdict.spec)

    def _keep_failure(self, error: Exception, labels: dict[str, str]) -> None:
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
        if len(self._result.failures) < _MOST_FAILURES:
            self._result.failures.setdefault(place, ("".join(traceback.format_exception(error)), labels))

    def _watch_memory(self, labels: dict[str, str]) -> None:
        """A set that needs more than any before it makes the process's peak grow, and no other one does."""
        peak = _peak_memory()
        if peak - self._peak >= _WORTH_A_LOOK:
            _keep(self._result.large, peak - self._peak, self._result.runs, labels)
        self._peak = peak


def _keep(kept: list[tuple[float, int, dict[str, str]]], figure: float, number: int, labels: dict[str, str]) -> None:
    if len(kept) < _KEPT:
        heapq.heappush(kept, (figure, number, labels))
    elif figure > kept[0][0]:
        heapq.heapreplace(kept, (figure, number, labels))


def _peak_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _PAGE


def _builder() -> Any:
    from fuzz.built_dags import build  # noqa: PLC0415 - Airflow takes seconds to import, and not each run builds

    return build


if __name__ == "__main__":
    Fuzzer(Path(sys.argv[1])).run()
