"""The emulator and its accounts, as the loader's tests have them."""

from __future__ import annotations

from loader.conftest import account, local_aws

__all__ = ["account", "local_aws"]
