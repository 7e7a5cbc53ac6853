"""The attack corpus and the legitimate DAGs: reading the data files, whose format `README.md` says."""

from __future__ import annotations

import base64
import re
import zlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from airflow_ecs_dag_schema import Policy
from airflow_ecs_dag_schema.packed import packed
from airflow_ecs_dag_schema.problems import label_path

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE = Path(__file__).parent
ATTACKS, LEGITIMATE = HERE / "corpus", HERE / "legitimate"
CANARY_FILE = "@CANARY@"
"""In a text of the corpus: the file that an attack would make."""
ONLY_AIRFLOW_KNOWS = {"dag-id.source-prefix", "dag-id.taken", "source.too-many-dags"}
_NOWHERE = "/nonexistent/canary"
_PIECE = 3_900
"""Characters of a label of the packed form."""
_REPEATED = re.compile(r"<([^<>*]+)\*(\d+)>")
"""``<ab*3>`` in a key or a text stands for ``ababab``."""
_BASES: dict[str, dict[str, str]] = {
    "v1": {
        "airflow.schema_version": "1",
        "airflow.dag.dag_id": "<prefix><slug>",
        "airflow.ecs.cluster": "team-a-jobs",
        "airflow.ecs.launch_type": "FARGATE",
        "airflow.tasks.build.kind": "ecs",
    },
    "2019": {"airflow.dag.name": "<prefix><slug>", "airflow.dag.start_date": "2019-12-04T03:00:00"},
    "none": {},
}
"""What a case's labels are laid over. A slug is made of the case's name, the prefix is that of its bundle."""


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Bundle(_Data):
    """An account with a bundle of its own, and the platform's rules for it."""

    prefix: str | None = None
    policy: dict[str, Any] = {}

    @property
    def the_policy(self) -> Policy:
        return Policy.of(self.policy)


class Many(_Data):
    """Labels made ``count`` times: ``<n>`` counts from 0, ``<before>`` is one less; 0 has none of those with it."""

    count: int
    labels: dict[str, str]

    def all(self) -> dict[str, str]:
        return {
            _numbered(key, n): _numbered(text, n)
            for n in range(self.count)
            for key, text in self.labels.items()
            if n or "<before>" not in key + text
        }


class Case(_Data):
    """A task definition with Airflow labels."""

    name: str = Field(min_length=8, max_length=100)
    base: Literal["v1", "2019", "none"] = "v1"
    labels: dict[str, str | None] = {}
    each: list[Many] = []
    is_packed: bool = False
    """Whether the labels are in the packed form."""
    packs: str | None = None
    """The text that the packed form holds, as it is, beside the labels."""
    also_labelled: str | None = None
    """Another container, with the same labels."""
    family: str | None = None
    bundle: str = "open"
    not_at_synth: str = ""
    """Why no author can write this with the construct; empty if one can."""

    @property
    def slug(self) -> str:
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")

    @property
    def the_family(self) -> str:
        return self.slug if self.family is None else self.family

    @property
    def why_not_at_synth(self) -> str:
        return "an author never writes labels of 2019" if self.base == "2019" else self.not_at_synth

    def all_labels(self, canary: str | Path = _NOWHERE) -> dict[str, str]:
        """The labels; ``None`` takes one of the base's away."""
        labels: dict[str, str | None] = {**_BASES[self.base], **self.labels}
        for many in self.each:
            labels |= many.all()
        prefix = bundles()[self.bundle].prefix or "team-a."
        own = {"<prefix>": prefix, "<slug>": self.slug, CANARY_FILE: str(canary)}
        whole = {_whole(key, own): _whole(text, own) for key, text in labels.items() if text is not None}
        if self.packs is not None:
            whole |= _pieces(_whole(self.packs, own))
        return packed(whole) if self.is_packed else whole

    def containers(self, canary: str | Path = _NOWHERE) -> dict[str, dict[str, str]]:
        """The labels of each container, by name."""
        labelled = ["main"] if self.also_labelled is None else ["main", self.also_labelled]
        return {name: self.all_labels(canary) for name in labelled} | {"sidecar": {}}


class Attack(Case):
    """A DAG that must be refused."""

    wants: str = Field(min_length=10)
    rules: list[str] = ["labels.invalid"]
    at: str | None = None
    left_to_airflow: list[str] = []
    """Rules that need more than a template says: what account it will be deployed to, which DAGs there are."""
    says: str = ""
    as_argument: str | None = None
    """What the construct names in its refusal, where that is neither the label nor its last name."""
    hides: str = ""
    """What no error shows."""
    runs: Literal["", "touch", "leak", "attempt"] = ""
    category: str = ""

    @property
    def rules_at_synth(self) -> set[str]:
        return set(self.rules) - ONLY_AIRFLOW_KNOWS - set(self.left_to_airflow)

    @property
    def argument(self) -> str:
        """The last name in the label of the attack, as the construct's argument is called."""
        if self.as_argument is not None:
            return self.as_argument
        parts = _whole(next(iter(self.labels)) if self.at is None else self.at, {}).split(".")
        name = next(part for part in reversed(parts) if not part.isdecimal())
        return {"container_name": "container", "subnets": "vpc_subnets", "kind": "task_id"}.get(name, name)

    def is_named_by(self, path: str, canary: str | Path = _NOWHERE) -> bool:
        """Tell whether a refusal at ``path`` names the label of the attack (its only one, without ``at``), or its list
        or field.
        """
        place = _whole(next(iter(self.labels)) if self.at is None else self.at, {CANARY_FILE: str(canary)})
        return path in {place, label_path(place)} or (place.startswith(f"{path}.") and path.count(".") > 1)


class Legitimate(Case):
    """A DAG that must be accepted; ``warns`` is what the policy of its bundle only warns of."""

    warns: list[str] = []

    renders: dict[str, list[str]] = {}


def _whole(text: str, own: Mapping[str, str]) -> str:
    """Return a text of a file with what it stands for in the places of ``own``."""
    text = _REPEATED.sub(lambda match: match[1] * int(match[2]), text)
    for name, value in own.items():
        text = text.replace(name, value)
    return text


def _pieces(text: str) -> dict[str, str]:
    """Return labels of the packed form whose JSON is ``text``, well made or not."""
    written = base64.b64encode(zlib.compress(text.encode(), 9)).decode()
    pieces = [written[start : start + _PIECE] for start in range(0, len(written), _PIECE)]
    return {f"airflow.packed.{number}": piece for number, piece in enumerate(pieces)}


def _numbered(text: str, n: int) -> str:
    return text.replace("<n>", str(n)).replace("<before>", str(n - 1))


@cache
def bundles() -> dict[str, Bundle]:
    content = yaml.safe_load((HERE / "bundles.yaml").read_text())
    return TypeAdapter(dict[str, Bundle]).validate_python(content)


@cache
def attacks() -> tuple[Attack, ...]:
    reader = TypeAdapter(list[Attack])
    return tuple(
        case.model_copy(update={"category": file.stem})
        for file in sorted(ATTACKS.glob("*.yaml"))
        for case in reader.validate_python(yaml.safe_load(file.read_text()))
    )


@cache
def legitimate() -> tuple[Legitimate, ...]:
    reader = TypeAdapter(list[Legitimate])
    return tuple(
        case
        for file in sorted(LEGITIMATE.glob("*.yaml"))
        for case in reader.validate_python(yaml.safe_load(file.read_text()))
    )
