"""Airflow's own hash over each DAG of a bundle's folder: a process of the machine whose files they are."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from airflow.dag_processing.dagbag import BundleDagBag
from airflow.models.serialized_dag import SerializedDagModel
from airflow.serialization.serialized_objects import DagSerialization


def main() -> None:
    """Write the hashes of a folder, the second argument, to a file, the first one."""
    target, folder, bundle = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    bag = BundleDagBag(dag_folder=folder, bundle_path=folder, bundle_name=bundle)
    hashes = {
        dag_id: SerializedDagModel.hash(DagSerialization.to_dict(dag))  # type: ignore[no-untyped-call] # Airflow's
        for dag_id, dag in bag.dags.items()
    }
    target.write_text(json.dumps(hashes))


if __name__ == "__main__":
    main()
