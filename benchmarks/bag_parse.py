"""Runs in a process of its own: one pass of Airflow's DagBag over a folder, and its CPU time.

``python bag_parse.py FOLDER MODULE...`` prints one JSON object. The modules are imported before, as the DAG processor
has them before it forks.
"""

from __future__ import annotations

import gc
import importlib
import json
import logging
import os
import sys
import time
from pathlib import Path

from airflow.dag_processing.dagbag import BundleDagBag


def main() -> None:
    folder, modules = Path(sys.argv[1]), sys.argv[2:]
    for name in modules:
        importlib.import_module(name)
    logging.disable(logging.CRITICAL)
    gc.collect()
    gc.freeze()  # as the DAG processor does before it forks
    began = time.process_time()
    bag = BundleDagBag(dag_folder=folder, bundle_path=folder, bundle_name="fleet")
    seconds = time.process_time() - began
    tasks = {len(dag.tasks) for dag in bag.dags.values()}
    arrows = {sum(len(task.downstream_task_ids) for task in dag.tasks) for dag in bag.dags.values()}
    found = {"dags": len(bag.dags), "tasks": sorted(tasks), "arrows": sorted(arrows), "seconds": seconds}
    print(json.dumps({**found, "errors": list(bag.import_errors.values())[:1]}))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
