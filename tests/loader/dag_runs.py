"""A whole run of a DAG: Airflow's own scheduling, task runner and database, each task in this process."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

import structlog
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.collection import update_dag_parsing_results_in_db
from airflow.models.dagrun import get_or_create_dagrun
from airflow.models.xcom import XComModel
from airflow.sdk import BaseOperator, timezone
from airflow.sdk.bases.xcom import BaseXCom
from airflow.serialization.serialized_objects import DagSerialization, LazyDeserializedDAG
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from airflow.utils.types import DagRunTriggeredByType
from structlog.testing import capture_logs

if TYPE_CHECKING:
    from airflow.sdk import DAG, Context


@dataclass(frozen=True)
class DagRunResult:
    """What became of a run.

    Attributes:
        state: Of the run.
        states: Of each task instance; of a mapped one by ``task_id[index]``.
        names: Names that Airflow's page shows of mapped instances, likewise.
        outputs: What the tasks put out, likewise.
        tries: How often each was tried, likewise.
        errors: The messages of the exceptions with which tasks failed.
        lines: What the tasks logged.
        run_id: Of the run.
    """

    state: str
    states: dict[str, str]
    names: dict[str, str | None]
    outputs: dict[str, Any]
    tries: dict[str, int]
    errors: list[str]
    lines: list[str]
    run_id: str

    def assert_failed_with(self, pattern: str) -> None:
        """Check that one task failed, with words that match ``pattern``."""
        (error,) = self.errors
        assert re.search(pattern, error), error


class _Nothing(Enum):
    NOTHING = "nothing"


class Puts(BaseOperator):
    """Puts out ``value``, as an ECS task's container does; :data:`NOTHING` for nothing at all."""

    NOTHING: ClassVar = _Nothing.NOTHING

    def __init__(self, *, value: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.value = value

    def execute(self, context: Context) -> Any:
        if self.value is None:
            context["ti"].xcom_push(BaseXCom.XCOM_RETURN_KEY, None)
        return None if self.value is Puts.NOTHING else self.value


@cache
def database() -> None:
    """Make Airflow's database, once a session."""
    initdb()


def run_dag(dag: DAG, **conf: Any) -> DagRunResult:
    """Run ``dag`` once to its end; keywords are what a person fills in for its params."""
    _publish(dag)
    with capture_logs(processors=[structlog.processors.format_exc_info]) as logs:
        run = dag.test(run_conf=conf or None)
    with create_session() as session:
        instances = {_name(each): each for each in run.get_task_instances(session=session)}
        kept = session.query(XComModel).filter_by(dag_id=dag.dag_id, run_id=run.run_id, key="return_value").all()
        outputs = {_name(each): XComModel.deserialize_value(each) for each in kept}
        return DagRunResult(
            state=str(run.state),
            states={name: str(each.state) for name, each in instances.items()},
            names={name: each.rendered_map_index for name, each in instances.items()},
            outputs=outputs,
            tries={name: each.try_number for name, each in instances.items()},
            errors=[_error(line) for line in logs if line["event"] == "Task failed with exception"],
            lines=[_line(line) for line in logs],
            run_id=run.run_id,
        )


def queue_run(dag: DAG) -> str:
    """Make a run of ``dag`` that has begun, with task instances for workers; return its id."""
    _publish(dag)
    began = timezone.utcnow()
    with create_session() as session:
        run = get_or_create_dagrun(
            dag=DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag)),
            start_date=began,
            logical_date=None,
            data_interval=None,
            run_after=began,
            run_id=f"manual__{began.isoformat()}",
            conf=None,
            triggered_by=DagRunTriggeredByType.TEST,
            triggering_user_name="tests",
            session=session,
        )
        return str(run.run_id)


def _publish(dag: DAG) -> None:
    """Write ``dag`` to Airflow's database, as the DAG processor does."""
    database()
    with create_session() as session:
        DagBundlesManager().sync_bundles_to_db(session=session)  # type: ignore[no-untyped-call] # Airflow leaves it out
        session.flush()
        lazy = LazyDeserializedDAG.from_dag(dag)
        update_dag_parsing_results_in_db("dags-folder", None, [lazy], {}, None, set(), session=session)


def _name(each: Any) -> str:
    return str(each.task_id) if each.map_index < 0 else f"{each.task_id}[{each.map_index}]"


def _line(event: Any) -> str:
    text = str(event["event"])
    try:
        return text % event["positional_args"] if event.get("positional_args") else text
    except (TypeError, ValueError):
        return text


def _error(event: Any) -> str:
    return str(event["exception"]).splitlines()[-1]
