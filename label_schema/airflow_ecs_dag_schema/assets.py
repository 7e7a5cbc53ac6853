"""Data that one DAG makes and another one waits for: Airflow's assets, by their URI."""

from __future__ import annotations

import re
from typing import Annotated, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from pydantic import AfterValidator, Field, model_validator

from airflow_ecs_dag_schema.values import TOKEN_START, AuthorValue, Line, Word, pattern

_REDSHIFT_PARTS = 3
_SCHEMES = re.compile(r"[a-z][a-z0-9+.-]{0,30}\Z", re.ASCII)


def _is_sorted(query: str) -> bool:
    """Tell whether Airflow keeps a query as it is: it sorts the names."""
    return query == urlencode(sorted(parse_qsl(query, keep_blank_values=True))) if query else True


def _check_uri(value: str) -> str:
    if TOKEN_START in value:
        return value
    try:
        parts = urlsplit(value)
    except ValueError as error:
        raise ValueError(f"not a URI: {error}; allowed: one such as s3://bucket/key") from None
    if not _SCHEMES.match(parts.scheme) or not parts.netloc or parts.scheme == "airflow":
        raise ValueError("expected a URI with a scheme and a place, such as s3://bucket/key; airflow: is Airflow's own")
    path = parts.path.strip("/")
    if parts.scheme == "file" and not path:
        raise ValueError("a file: URI has a path for Airflow, such as file://host/sales.csv: give it")
    if parts.scheme == "redshift" and len(path.split("/")) != _REDSHIFT_PARTS:
        raise ValueError("a redshift: URI is redshift://host/database/schema/table for Airflow: give all three parts")
    if (
        not value.startswith(f"{parts.scheme}:")
        or value.endswith("?")
        or "#" in value
        or parts.path.endswith("/")
        or not _is_sorted(parts.query)
    ):
        raise ValueError(
            "Airflow would keep this URI otherwise, so that it names other data: write it without # or a slash at "
            "its end, and with the names of a query in order"
        )
    if "@" in parts.netloc:
        raise ValueError("a URI is for everyone to read: leave user and password out")
    return value


AssetUri = Annotated[
    Word,
    Field(min_length=1, max_length=1_500),
    pattern(r"[\x21-\x7e]+", "printable ASCII without spaces"),
    AfterValidator(_check_uri),
]
AssetName = Annotated[
    Line,
    pattern(
        r"(?!(?:self|context)$)[A-Za-z0-9_./:@=-][A-Za-z0-9_./:@= -]*",
        "A-Z a-z 0-9 _ . / : @ = - and spaces, and neither self nor context, which Airflow keeps",
    ),
]


class Asset(AuthorValue):
    """Data that a task makes (``outlets``) or that starts a DAG (``Schedule.assets``).

    Airflow knows it by name and URI; two DAGs that give both alike mean the same data.

    Attributes:
        uri: Where the data is, such as ``s3://bucket/key``; it may hold a CDK token.
        name: Without it, the URI.
        group: What Airflow's page lists it under.
    """

    uri: AssetUri
    name: AssetName | None = None
    group: AssetName | None = None

    @model_validator(mode="after")
    def _check_name(self) -> Self:
        if self.name is not None and "://" in self.name and self.name != self.uri:
            raise ValueError("the name is another URI, and data has one: leave the name out, or give one without ://")
        return self
