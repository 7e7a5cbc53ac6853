"""The DAGs of a YAML file of dag-factory's, as far as the contract has words for them.

Nothing of the file is run: a class that it names is a name, and a field that nobody knows is listed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ecs_dag_cli.config_parts import merged, part_of
from airflow_ecs_dag_cli.dag_factory_dag import FactoryDag
from airflow_ecs_dag_cli.import_losses import Imported, Loss
from airflow_ecs_dag_cli.source_document import UnreadableFileError
from airflow_ecs_dag_schema.undeployed import without_tokens

if TYPE_CHECKING:
    from airflow_ecs_dag_cli.config_parts import Part
    from airflow_ecs_dag_cli.python_dag import SourceDag
    from airflow_ecs_dag_cli.source_document import SourceDocument

_DEFAULT = "default"
_DEFAULTS_FILE = "defaults.yml"
_OTHERS = frozenset({"Resources", "containerDefinitions", "taskDefinition"})
"""Keys of other files that labels are in."""
_MOST_DAGS = 1_000


def is_dag_factory(value: object) -> bool:
    """Tell whether a document is dag-factory's: DAGs by their ids, each with its tasks."""
    if not isinstance(value, dict) or any(str(key).startswith("airflow.") for key in value):
        return False
    if not _OTHERS.isdisjoint(value):
        return False
    default = value.get(_DEFAULT)
    has_tasks = isinstance(default, dict) and "tasks" in default
    dags = [each for key, each in value.items() if key != _DEFAULT and isinstance(each, dict)]
    return any("tasks" in each for each in dags) or (has_tasks and bool(dags))


def dag_factory_dags(source: SourceDocument, name: str) -> Imported:
    """Return the DAGs of a file.

    Args:
        source: What it holds.
        name: The file, as a person named it.

    Raises:
        UnreadableFileError: It has no DAGs.
    """
    if not is_dag_factory(source.value):
        raise UnreadableFileError(
            "no file of dag-factory's: it has no DAG with tasks (my_dag: {tasks: {...}}); give --from labels, or "
            "another file"
        )
    whole = part_of(source.value).fields
    default = whole.pop(_DEFAULT, None)
    if len(whole) > _MOST_DAGS:
        raise UnreadableFileError(f"it has {len(whole)} DAGs, at most {_MOST_DAGS} are read: divide the file")
    dags: list[SourceDag] = []
    losses: list[Loss] = []
    notes: list[str] = []

    def place(part: Part) -> str:
        position = source.position(part.path)
        return name if position is None else f"{name}:{position}"

    for dag_id, part in whole.items():
        if not isinstance(part.value, dict):
            reason = "it is no object with the fields of a DAG: remove it, or make it one"
            losses.append(Loss(dag_id=dag_id, part="DAG", reason=reason, where=place(part)))
            continue
        dag = FactoryDag(dag_id, merged(part, default), place)
        found = dag.read()
        losses.extend(dag.losses)
        notes.extend(f"{dag_id}: {without_tokens(each)}" for each in dag.notes)
        if found is not None:
            dags.append(found)
    if (Path(name).parent / _DEFAULTS_FILE).is_file():
        notes.append(f"{_DEFAULTS_FILE} beside it is not read: copy what holds for these DAGs into {_DEFAULT}")
    if "$" in source.text:
        notes.append(
            "dag-factory fills in environment variables, such as $HOME, where it reads the file; here they stay"
        )
    return Imported(kind="file of dag-factory's", dags=tuple(dags), losses=tuple(losses), notes=tuple(notes))
