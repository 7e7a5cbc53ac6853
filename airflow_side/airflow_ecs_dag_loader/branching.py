"""Tasks that decide what of a DAG goes on, and over what it is mapped. They run within Airflow; no container starts.

Which tasks are skipped, and how Airflow remembers it when a task is cleared, is Airflow's own ``SkipMixin``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseBranchOperator, BaseOperator, SkipMixin
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowException

from airflow_ecs_dag_loader.runner.task_output import NoOutputError, check_items, output_of, said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import Context
    from airflow.sdk.types import Operator

    from airflow_ecs_dag_loader.runner.exchange_access import ExchangeAccess


class BranchError(AirflowException):
    """The output that decides is not there, or says nothing that could be done; the message says what it may say."""


class OutputShortCircuit(BaseOperator, SkipMixin):
    """Skip the tasks after this one unless an output is true: not ``false``, ``0``, empty or ``null``.

    Args:
        output_task_id: The task whose output decides.
        output_key: The entry of it that decides; without it, the whole output.
        exchange: Where the output may be instead, with which rights it is read, and whose it must be.
        ignore_downstream_trigger_rules: Whether all tasks after this one are skipped, or only those right after it.
        kwargs: Those of every operator.
    """

    ui_color = "#e8f7e4"
    custom_operator_name = "ShortCircuit"
    inherits_from_skipmixin = True

    def __init__(
        self,
        *,
        output_task_id: str,
        output_key: str | None = None,
        exchange: ExchangeAccess | None = None,
        ignore_downstream_trigger_rules: bool = True,
        **kwargs: Any,  # noqa: ANN401 - BaseOperator's own
    ) -> None:
        super().__init__(**kwargs)
        self.output_task_id = output_task_id
        self.output_key = output_key
        self.exchange = exchange
        self.ignore_downstream_trigger_rules = ignore_downstream_trigger_rules

    def execute(self, context: Context) -> None:
        """Go on, or skip.

        Raises:
            BranchError: There is no such output.
            DownstreamTasksSkipped: How Airflow is told which tasks are skipped.
        """
        value = _deciding(context, self.output_task_id, self.output_key, self.exchange)
        name = _name(self.output_task_id, self.output_key)
        if value:
            self.log.info("%s is %s: the tasks after this one run", name, said(value))
            return
        skipped = list(self._after(context))
        self.log.info(
            "%s is %s: skipped are %s",
            name,
            said(value),
            ", ".join(sorted(each.task_id for each in skipped)) or "no tasks",
        )
        self.skip(context["ti"], skipped)

    def _after(self, context: Context) -> Iterator[Operator]:
        task = context["task"]
        all_after = task.get_flat_relatives(upstream=False)
        found = all_after if self.ignore_downstream_trigger_rules else task.get_direct_relatives(upstream=False)
        return (each for each in found if not each.is_teardown)


class OutputBranch(BaseBranchOperator):
    """Go on with the tasks right after this one that an output names, one id or a list of ids; skip the others.

    Args:
        output_task_id: The task whose output decides.
        output_key: The entry of it that decides; without it, the whole output.
        exchange: Where the output may be instead, with which rights it is read, and whose it must be.
        kwargs: Those of every operator.
    """

    ui_color = "#e8f7e4"
    custom_operator_name = "Branch"

    def __init__(
        self,
        *,
        output_task_id: str,
        output_key: str | None = None,
        exchange: ExchangeAccess | None = None,
        **kwargs: Any,  # noqa: ANN401 - BaseOperator's own
    ) -> None:
        super().__init__(**kwargs)
        self.output_task_id = output_task_id
        self.output_key = output_key
        self.exchange = exchange

    def choose_branch(self, context: Context) -> list[str]:
        """Return the ids of the tasks to go on with.

        Raises:
            BranchError: There is no such output, or it is no id of a task right after this one, nor a list of them.
        """
        value = _deciding(context, self.output_task_id, self.output_key, self.exchange)
        chosen = [value] if isinstance(value, str) else value
        name = _name(self.output_task_id, self.output_key)
        allowed = sorted(context["task"].downstream_task_ids)
        if not isinstance(chosen, list) or not all(isinstance(each, str) and each in allowed for each in chosen):
            raise BranchError(
                f"{name} chooses the branch, so it must be the id of a task right after {self.task_id}, or a list of "
                f"them; got {said(value)}, allowed are {', '.join(allowed)}: put out one of these"
            )
        self.log.info("%s goes on with %s", name, ", ".join(chosen) or "no task")
        return chosen


class ParamItems(BaseOperator):
    """Put out the texts of a param, for a task that is mapped over them.

    Args:
        param: A param of the DAG that holds a list of texts.
        kwargs: Those of every operator.
    """

    ui_color = "#e8f7e4"
    custom_operator_name = "ParamItems"

    def __init__(self, *, param: str, **kwargs: Any) -> None:  # noqa: ANN401 - BaseOperator's own
        super().__init__(**kwargs)
        self.param = param

    def execute(self, context: Context) -> list[str]:
        """Return the texts; a param that was left empty has none.

        Raises:
            OutputError: The param is no list, or one longer than Airflow maps a task over.
        """
        given = context["params"].get(self.param)
        items = [] if given is None else given
        check_items(items, most=most_items(), what=f"the param {self.param}")
        self.log.info("The param %s has %d items", self.param, len(items))
        return [str(each) for each in items]


def most_items() -> int:
    """Return how many instances of a task Airflow makes at most."""
    return int(conf.getint("core", "max_map_length", fallback=1_024))


def _deciding(context: Context, task_id: str, key: str | None, exchange: ExchangeAccess | None) -> Any:  # noqa: ANN401 - any JSON value
    def resolve(output: object) -> object:
        return output if exchange is None else exchange.value(output, context, task_id=task_id)

    try:
        return output_of(context, task_id, key, resolve=resolve)
    except NoOutputError as error:
        raise BranchError(str(error)) from None


def _name(task_id: str, key: str | None) -> str:
    return f"the output of task {task_id}" if key is None else f"the entry {key} of the output of task {task_id}"
