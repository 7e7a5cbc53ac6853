"""Where reports are kept: in variables of Airflow's database, which the DAG processor and the API server share.

::

    airflow_ecs_dag.registry.<hash over the bundle's name>                the pulse, as JSON
    airflow_ecs_dag.registry.<hash over the bundle's name>.definitions    the report, packed

A bundle's name may hold what Airflow takes for the mark of a secret, and hides; its hash holds nothing. Variables are
read and written as rows: nothing asks a secrets backend for them, nor the secrets masker to learn them.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from airflow.models.dagbundle import DagBundleModel
from airflow.models.variable import Variable
from airflow.utils.sqlalchemy import build_upsert_stmt, get_dialect_name
from sqlalchemy import select

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_PREFIX = "airflow_ecs_dag.registry."
_REPORT = ".definitions"


def pulse_key(bundle: str) -> str:
    """Return the name of the variable with a bundle's pulse."""
    return f"{_PREFIX}{hashlib.sha256(bundle.encode('utf-8', errors='replace')).hexdigest()[:32]}"


def report_key(bundle: str) -> str:
    """Return the name of the variable with a bundle's report."""
    return f"{pulse_key(bundle)}{_REPORT}"


def write_texts(bundle: str, *, pulse: str, report: str | None, session: Session) -> None:
    """Write a bundle's pulse, and its report if it is another one.

    Where Airflow has teams, the variables are those of the bundle's team.

    Args:
        bundle: Its name.
        pulse: The pulse.
        report: The report; ``None`` to leave the one that is there.
        session: With Airflow's database; the caller commits.
    """
    team = DagBundleModel.get_team_name(bundle, session=session)
    what = f"of the bundle {bundle:.100}, written by its DAG processor for the page ECS registry"
    texts = {
        report_key(bundle): (report, f"What was found {what}"),
        pulse_key(bundle): (pulse, f"How old that is {what}"),
    }
    for key, (text, description) in texts.items():
        if text is not None:
            _write(key, text, description, team, session)


def read_pulses(session: Session) -> dict[str, str]:
    """Return the text of each pulse there is, by the name of its variable."""
    found = _read(Variable.key.like(f"{_PREFIX}%"), Variable.key.not_like(f"%{_REPORT}"), session=session)
    return dict(sorted(found.items()))


def read_pulse(bundle: str, session: Session) -> str | None:
    """Return the text of a bundle's pulse; ``None`` if there is none."""
    return _read(Variable.key == pulse_key(bundle), session=session).get(pulse_key(bundle))


def read_report(bundle: str, session: Session) -> str | None:
    """Return the text of a bundle's report; ``None`` if there is none."""
    return _read(Variable.key == report_key(bundle), session=session).get(report_key(bundle))


def has_report(bundle: str, session: Session) -> bool:
    """Tell whether there is a report of a bundle."""
    return session.scalar(select(Variable.id).where(Variable.key == report_key(bundle))) is not None


def _read(*conditions: Any, session: Session) -> dict[str, str]:  # noqa: ANN401 - SQLAlchemy's
    columns = (Variable.key, Variable._val, Variable.is_encrypted)  # noqa: SLF001 - the column
    found: dict[str, str] = {}
    for key, stored, is_encrypted in session.execute(select(*columns).where(*conditions)):
        row = Variable(key=key)  # type: ignore[no-untyped-call] # Airflow's
        row._val, row.is_encrypted = stored, is_encrypted  # noqa: SLF001 - as above
        text = row.get_val()  # type: ignore[no-untyped-call] # Airflow's
        if isinstance(text, str):
            found[key] = text
    return found


def _write(key: str, text: str, description: str, team: str | None, session: Session) -> None:
    row = Variable(key=key, val=text)  # type: ignore[no-untyped-call] # Airflow's
    values = {"val": row._val, "is_encrypted": row.is_encrypted, "description": description, "team_name": team}  # noqa: SLF001 - as above
    statement = build_upsert_stmt(get_dialect_name(session), Variable, ["key"], {"key": key, **values}, values)
    session.execute(statement)
