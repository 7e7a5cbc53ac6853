"""The error of a scan, apart from the registry: who only reads what a scan left need not import boto3."""

from __future__ import annotations


class ScanError(RuntimeError):
    """The registry could not be read whole, so nothing may be concluded from it; the message says what AWS answered."""
