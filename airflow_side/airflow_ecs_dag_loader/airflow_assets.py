"""From the assets of the contract to Airflow's, and from a condition on them to Airflow's own operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAll, AssetAny

from airflow_ecs_dag_schema.problems import LabelError, Problem

if TYPE_CHECKING:
    from airflow.sdk.definitions.asset import BaseAsset

    from airflow_ecs_dag_schema import assets
    from airflow_ecs_dag_schema.asset_condition import Condition
    from airflow_ecs_dag_schema.schedule import OnAssets, OnAssetsOrTime


def airflow_asset(asset: assets.Asset, *, label: str) -> Asset:
    """Return Airflow's asset of this name, URI and group.

    Args:
        asset: As the contract has it.
        label: Where it stands, for an error.

    Raises:
        LabelError: Airflow has rules of its own for names, and for URIs of some schemes, and this one breaks them.
    """
    named: dict[str, Any] = {"uri": asset.uri, "name": asset.name, "group": asset.group}
    try:
        made: Asset = Asset(**{name: text for name, text in named.items() if text is not None})
    except ValueError as error:
        raise LabelError(
            [Problem(label, f"Airflow can't have this asset ({error}): change its uri or its name", asset.uri)]
        ) from None
    return made


def asset_condition(schedule: OnAssets | OnAssetsOrTime) -> BaseAsset:
    """Return what must have new data before the DAG runs.

    Raises:
        LabelError: Airflow can't have one of the assets.
    """
    known = [
        airflow_asset(asset, label=f"airflow.dag.schedule.assets.{number}")
        for number, asset in enumerate(schedule.assets)
    ]

    def of(condition: Condition) -> BaseAsset:
        if isinstance(condition, int):
            return known[condition]
        parts = [of(part) for part in condition.of]
        return AssetAll(*parts) if condition.operator == "&" else AssetAny(*parts)

    return of(schedule.tree)
