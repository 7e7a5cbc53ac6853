"""What the DAG processor tells the API server of a bundle: a report of what it found, and a pulse with its age.

Both are read as what anybody may have written: whoever may edit Airflow's variables can write them, too.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from enum import StrEnum
from typing import Annotated, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

FORMAT = 1
MOST_FAMILIES = 50_000
"""Families that a report holds; how many more there are is in ``left_out``."""
_LARGEST = 128 * 1024 * 1024
"""Bytes of a report that are unpacked at most."""
MOST_TEXTS = 10
LONGEST_TEXT = 1_000

_Any = TypeVar("_Any")
_Line = Annotated[str, Field(max_length=2_100)]
_Texts = Annotated[tuple[Annotated[str, Field(max_length=LONGEST_TEXT + 10)], ...], Field(max_length=MOST_TEXTS + 1)]
_Seconds = Annotated[float, Field(ge=0, le=1e11, allow_inf_nan=False)]


class ReportError(ValueError):
    """A report that can't be read; the message says what to do."""


class State(StrEnum):
    """What becomes of a family, in the order in which people look at them."""

    REFUSED = "refused"
    DUPLICATE = "duplicate"
    WAITING = "waiting"
    LIVE = "live"
    UNLABELLED = "without labels"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ReportedPlace(_Part):
    """An account and region of a source.

    Attributes:
        key: Its name among the places of its bundle.
        source: Name of the source.
        region: As AWS or the configuration calls it.
        account: 12 digits; empty while that is not known.
        is_complete: Whether a scan has ever gone through all that there is.
    """

    key: _Line
    source: _Line
    region: _Line
    account: _Line = ""
    is_complete: bool = False


class ReportedFamily(_Part):
    """A family of task definitions, in its newest ACTIVE revision.

    Attributes:
        arn: Of the revision.
        place: Number of its place in the report.
        state: What became of it.
        dag_id: Its DAG, or the one that its labels name; empty if they name none.
        owner: Of the DAG.
        repository: Where its code is.
        stack: Name or ARN of its CloudFormation stack.
        registered_at: When ECS registered the revision, in ISO 8601.
        reasons: Why it is refused, or not live yet.
        warnings: What the platform's policy only warns about.
    """

    arn: _Line
    place: Annotated[int, Field(ge=0)]
    state: State
    dag_id: _Line = ""
    owner: _Line = ""
    repository: _Line = ""
    stack: _Line = ""
    registered_at: _Line = ""
    reasons: _Texts = ()
    warnings: _Texts = ()


class Report(_Part):
    """What a bundle found and what became of it; the same findings make the same report.

    Attributes:
        bundle: Its name.
        places: In the bundle's order.
        families: Each once.
        left_out: How many families more there are.
    """

    bundle: _Line
    places: tuple[ReportedPlace, ...] = ()
    families: Annotated[tuple[ReportedFamily, ...], Field(max_length=MOST_FAMILIES)] = ()
    left_out: Annotated[int, Field(ge=0)] = 0

    def to_text(self) -> str:
        """Return it as text for a column of Airflow's database."""
        value = {"format": FORMAT, **self.model_dump(mode="json", exclude_defaults=True)}
        packed = zlib.compress(json.dumps(value, separators=(",", ":")).encode("ascii"), 6)
        return base64.b85encode(packed).decode("ascii")

    @classmethod
    def of_text(cls, text: str) -> Self:
        """Read what :meth:`to_text` wrote.

        Raises:
            ReportError: It is none, or that of another version.
        """
        try:
            unpacking = zlib.decompressobj()
            data = unpacking.decompress(base64.b85decode(text.encode("ascii")), _LARGEST)
        except (ValueError, zlib.error) as error:
            raise ReportError(f"this is no report of a bundle ({error}): {_REMEDY}") from error
        if not unpacking.eof:
            raise ReportError(f"the report has more than {_LARGEST} bytes, or is cut off: {_REMEDY}")
        report = _read(TypeAdapter(cls), data)
        if any(family.place >= len(report.places) for family in report.families):
            raise ReportError(f"the report names a place that it does not have: {_REMEDY}")
        return report


class PlaceHealth(_Part):
    """How a place is read.

    Attributes:
        key: As in :class:`ReportedPlace`.
        read_at: When it was read well last, in seconds since 1970; ``None`` if it never was.
        error: Why it can't be read now; empty if it can.
    """

    key: _Line
    read_at: _Seconds | None = None
    error: _Line = ""


class Pulse(_Part):
    """The small part of what the DAG processor tells, which it writes again and again.

    Attributes:
        bundle: The bundle's name.
        digest: That of the report that holds; empty while there is none.
        written_at: When, in seconds since 1970.
        next_within: Seconds within which the next one is due.
        processor: Name of the machine that wrote it.
        error: Why the last refresh changed nothing; empty if it went well, or only places failed.
        places: The health of each place.
    """

    bundle: _Line
    digest: _Line = ""
    written_at: _Seconds
    next_within: _Seconds
    processor: _Line = ""
    error: _Line = ""
    places: tuple[PlaceHealth, ...] = ()

    def to_text(self) -> str:
        """Return it as JSON."""
        return json.dumps({"format": FORMAT, **self.model_dump(mode="json", exclude_defaults=True)})

    @classmethod
    def of_text(cls, text: str) -> Self:
        """Read what :meth:`to_text` wrote.

        Raises:
            ReportError: As :meth:`Report.of_text`.
        """
        return _read(TypeAdapter(cls), text.encode("utf-8", errors="replace"))


def digest_of(text: str) -> str:
    """Return by what a pulse knows the text of a report."""
    return hashlib.sha256(text.encode("ascii", errors="replace")).hexdigest()


def cut(text: str, most: int = LONGEST_TEXT) -> str:
    """Return a text that a report may hold."""
    kept = text if len(text) <= most else f"{text[:most]}..."
    return kept if kept.isascii() else kept.encode("utf-8", errors="replace").decode("utf-8")  # halves of a character


_REMEDY = "the DAG processor's next refresh writes it anew"


def _read(adapter: TypeAdapter[_Any], data: bytes) -> _Any:
    try:
        return adapter.validate_python(_fields(data))
    except ReportError:
        raise
    except (ValueError, RecursionError) as error:  # no JSON, numbers of too many digits, another shape
        raise ReportError(f"the report can't be read ({str(error).splitlines()[0]:.200}): {_REMEDY}") from error


def _fields(data: bytes) -> dict[str, object]:
    value = json.loads(data)
    if not isinstance(value, dict):
        raise ReportError(f"the report is no JSON object but {type(value).__name__}: {_REMEDY}")
    if (found := value.pop("format", None)) != FORMAT:
        raise ReportError(
            f"the report has the format {found!r:.50}, this API server reads {FORMAT}: install the same version of "
            "airflow-ecs-dag in the API server and in the DAG processor"
        )
    return value
