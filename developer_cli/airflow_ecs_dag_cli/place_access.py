"""AWS as a bundle's place sees it: with its connection's credentials, or with the role that it assumes."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from airflow_ecs_dag_cli.aws_access import AwsAccess, AwsAccessError
from airflow_ecs_dag_loader.aws_clients import PlaceClient
from airflow_ecs_dag_loader.scan_error import ScanError

if TYPE_CHECKING:
    import boto3

    from airflow_ecs_dag_loader.places import Place


class PlaceAccess(AwsAccess):
    """AWS with the credentials that a place is scanned with.

    Args:
        place: The place.

    Raises:
        AwsAccessError: Its connection can't be used.
    """

    def __init__(self, place: Place) -> None:
        super().__init__(region=place.source.region_name)
        self.place = place
        try:
            self._client = PlaceClient(place)
        except Exception as error:
            raise AwsAccessError(error) from error

    @cached_property
    def _session(self) -> boto3.Session:
        try:
            return self._client.session()
        except ScanError as error:
            raise AwsAccessError(error) from error
