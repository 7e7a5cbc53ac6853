"""Where a shared snapshot is kept: a folder, or a prefix of an S3 bucket."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from botocore.config import Config
from botocore.exceptions import ClientError

from airflow_ecs_dag_loader.aws_answers import NO_ANSWER, reason
from airflow_ecs_dag_loader.aws_hook import AwsHook
from airflow_ecs_dag_loader.private_files import (
    ABANDONED,
    TEMPORARY,
    make_private_folder,
    read_private_file,
    remove_left_over,
    replace_private_file,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mypy_boto3_s3 import S3Client

MOST_CALLS = 16
"""Objects that are read or written at once."""
INDEX, OBJECTS = "index.json", "dags"
PATIENCE = 10.0
"""Seconds to wait for an answer; each call is tried three times."""
_S3 = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>[^\x00-\x1f]*))?\Z")
_ACCOUNT = re.compile(r"[0-9]{12}\Z")
_ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})
_DENIED = frozenset({"403", "AccessDenied"})
_UNCHANGED = frozenset({"304", "NotModified"})
_REMOVED_AT_ONCE = 1000


class SnapshotError(RuntimeError):
    """A shared snapshot, or a part of it, can't be had; the message says why."""


class AbsentError(SnapshotError):
    """It is not there at all."""


@dataclass(frozen=True)
class Body:
    """What was read.

    Attributes:
        data: The bytes.
        tag: By which the store tells this content from another one; empty if it doesn't.
        stored_at: When it was written, by the store's own clock, in seconds since 1970; 0 if it doesn't tell.
    """

    data: bytes
    tag: str = ""
    stored_at: float = 0.0


class Store(Protocol):
    """A folder or a prefix; each name in it is ``index.json`` or below ``dags/``.

    Attributes:
        address: What a person calls it.
    """

    address: str

    def read(self, name: str, *, limit: int, known: str = "") -> Body | None:
        """Return what is under a name; ``None`` if it still has the tag ``known``.

        Raises:
            AbsentError: Nothing is there.
            SnapshotError: It can't be read, or has more than ``limit`` bytes.
        """

    def write(self, name: str, data: bytes) -> None:
        """Put something under a name, as a whole.

        Raises:
            SnapshotError: It can't be written.
        """

    def written(self) -> Mapping[str, float]:
        """Return the names below ``dags/``, each with when it was written, in seconds since 1970.

        Raises:
            SnapshotError: That can't be told.
        """

    def remove(self, names: Iterable[str]) -> None:
        """Remove what is under some names.

        Raises:
            SnapshotError: It can't be removed.
        """


def open_store(
    address: str,
    *,
    aws_conn_id: str | None = None,
    expected_bucket_owner: str | None = None,
    patience: float = PATIENCE,
) -> Store:
    """Return the store at an address; nothing is read yet.

    Args:
        address: ``s3://bucket/prefix``, or the absolute path of a folder.
        aws_conn_id: Airflow connection for S3; without it, the process's own credentials.
        expected_bucket_owner: The account whose the bucket is; S3 refuses each call if it is another one's.
        patience: Seconds to wait for an answer of S3; each call is tried three times.

    Raises:
        SnapshotError: It is no such address, or no such account.
    """
    if expected_bucket_owner is not None and not _ACCOUNT.match(expected_bucket_owner):
        raise SnapshotError(
            f"the expected bucket owner is {expected_bucket_owner!r}, which is no AWS account: give the 12 digits of "
            "the account that the bucket belongs to, such as 123456789012"
        )
    if match := _S3.match(address):
        prefix = (match["prefix"] or "").strip("/")
        return S3Store(
            match["bucket"], f"{prefix}/" if prefix else "", aws_conn_id, expected_bucket_owner, patience=patience
        )
    if expected_bucket_owner is not None:
        raise SnapshotError(
            f"{address!r} is no bucket, and the expected bucket owner is {expected_bucket_owner}: only "
            "s3://bucket/prefix has one, so leave it out"
        )
    if "://" in address or not Path(address).is_absolute():
        raise SnapshotError(
            f"{address!r} is not where a snapshot can be: give s3://bucket/prefix, or the absolute path of a folder"
        )
    return FolderStore(Path(address))


class FolderStore:
    """A folder that is this user's alone.

    Args:
        folder: Its path.
    """

    def __init__(self, folder: Path) -> None:
        self.address = str(folder)
        self._folder = folder

    def read(self, name: str, *, limit: int, known: str = "") -> Body | None:  # noqa: ARG002 - files have no tag
        """See :class:`Store`."""
        path = self._folder / name
        try:
            _check_size(path.lstat().st_size, limit, path)
            return Body(read_private_file(path))
        except FileNotFoundError:
            raise AbsentError(f"there is no {path}") from None
        except OSError as error:
            raise SnapshotError(f"{path} can't be read: {error}") from error

    def write(self, name: str, data: bytes) -> None:
        """See :class:`Store`; a folder with other things in it is not taken."""
        path = self._folder / name
        try:
            self._check_own()
            make_private_folder(path.parent, within=self._folder)
            replace_private_file(path, data)
        except OSError as error:
            raise SnapshotError(f"{path} can't be written: {error}") from error

    def written(self) -> dict[str, float]:
        """See :class:`Store`; what killed writers left is removed."""
        try:
            for folder in (self._folder, self._folder / OBJECTS):
                remove_left_over(folder, older_than=ABANDONED)
            found = list((self._folder / OBJECTS).glob("*"))
            return {f"{OBJECTS}/{path.name}": path.lstat().st_mtime for path in found}
        except OSError as error:
            raise SnapshotError(f"{self._folder} can't be listed: {error}") from error

    def remove(self, names: Iterable[str]) -> None:
        """See :class:`Store`."""
        try:
            for name in names:
                (self._folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise SnapshotError(f"{self._folder} can't be cleaned: {error}") from error

    def _check_own(self) -> None:
        others = {path.name for path in self._folder.glob("*") if not path.match(TEMPORARY)} - {INDEX, OBJECTS}
        if others:
            raise SnapshotError(
                f"{self._folder} holds other things ({min(others)}), and a snapshot's folder is closed to all other "
                "users: give a new or an empty folder"
            )


class S3Store:
    """A prefix of an S3 bucket.

    Args:
        bucket: The bucket's name.
        prefix: Empty, or with a slash at its end.
        aws_conn_id: Airflow connection; without it, the process's own credentials.
        expected_bucket_owner: As in :func:`open_store`.
        patience: As in :func:`open_store`.
    """

    def __init__(
        self,
        bucket: str,
        prefix: str,
        aws_conn_id: str | None = None,
        expected_bucket_owner: str | None = None,
        *,
        patience: float = PATIENCE,
    ) -> None:
        self.address = f"s3://{bucket}/{prefix}"
        self._prefix = prefix
        self._aws_conn_id = aws_conn_id
        self._owner = expected_bucket_owner
        self._patience = patience
        self._bucket: dict[str, Any] = {"Bucket": bucket}
        if expected_bucket_owner is not None:
            self._bucket["ExpectedBucketOwner"] = expected_bucket_owner

    @cached_property
    def _s3(self) -> S3Client:
        access = Config(
            retries={"mode": "standard", "total_max_attempts": 3},
            connect_timeout=min(3.0, self._patience),
            read_timeout=self._patience,
            max_pool_connections=MOST_CALLS,
        )
        try:
            hook: AwsHook = AwsHook(aws_conn_id=self._aws_conn_id, client_type="s3", config=access)
            client: S3Client = hook.get_conn()
        except Exception as error:
            raise SnapshotError(f"there is no access to S3: {error}") from error
        return client

    def read(self, name: str, *, limit: int, known: str = "") -> Body | None:
        """See :class:`Store`."""
        condition: dict[str, Any] = {"IfNoneMatch": known} if known else {}
        try:
            answer = self._s3.get_object(Key=self._prefix + name, **self._bucket, **condition)
            _check_size(answer["ContentLength"], limit, self._at(name))
            return Body(answer["Body"].read(), answer["ETag"], answer["LastModified"].timestamp())
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code")
            if code in _UNCHANGED:
                return None
            if code in _ABSENT:
                raise AbsentError(f"there is no {self._at(name)}") from error
            raise self._failed(f"{self._at(name)} can't be read", error) from error
        except NO_ANSWER as error:
            raise self._failed(f"{self._at(name)} can't be read", error) from error

    def write(self, name: str, data: bytes) -> None:
        """See :class:`Store`."""
        try:
            answer = self._s3.put_object(
                Key=self._prefix + name,
                Body=data,
                ContentType="application/json",
                **self._bucket,
            )
            answer["ETag"]  # what answers 200 without it is not S3, and has stored nothing
        except NO_ANSWER as error:
            raise self._failed(f"{self._at(name)} can't be written", error) from error

    def written(self) -> dict[str, float]:
        """See :class:`Store`."""
        try:
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Prefix=f"{self._prefix}{OBJECTS}/", **self._bucket
            )
            return {
                each["Key"].removeprefix(self._prefix): each["LastModified"].timestamp()
                for page in pages
                for each in page.get("Contents", ())
            }
        except NO_ANSWER as error:
            raise self._failed(f"{self.address} can't be listed", error) from error

    def remove(self, names: Iterable[str]) -> None:
        """See :class:`Store`."""
        keys = sorted(names)
        try:
            for start in range(0, len(keys), _REMOVED_AT_ONCE):
                part = keys[start : start + _REMOVED_AT_ONCE]
                answer = self._s3.delete_objects(
                    Delete={"Objects": [{"Key": self._prefix + name} for name in part], "Quiet": True},
                    **self._bucket,
                )
                for failed in answer.get("Errors", ())[:1]:  # an answer of 200 may say that nothing was removed
                    raise SnapshotError(f"{self.address} can't be cleaned: {failed.get('Code')}: {failed.get('Key')}")
        except NO_ANSWER as error:
            raise self._failed(f"{self.address} can't be cleaned", error) from error

    def _at(self, name: str) -> str:
        return f"{self.address}{name}"

    def _failed(self, what: str, error: Exception) -> SnapshotError:
        why = reason(error).rstrip(".")
        if self._owner and isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") in _DENIED:
            why += (
                f". S3 says so also of a bucket that is not account {self._owner}'s: correct the rights, or the "
                "expected bucket owner"
            )
        return SnapshotError(f"{what}: {why}")


def _check_size(size: int, limit: int, where: object) -> None:
    if size > limit:
        raise SnapshotError(f"{where} has {size} bytes, {limit} at most are read: it is not what sync wrote")
