"""A DAG as the source of a Python function that declares it with the construct, in a file of such functions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_ecs_dag_cli.python_flows import FlowWriter, in_order
from airflow_ecs_dag_cli.python_names import Imports, Names, class_name
from airflow_ecs_dag_cli.python_tasks import TaskWriter
from airflow_ecs_dag_cli.python_text import (
    INDENT,
    Call,
    Entries,
    Items,
    Raw,
    Text,
    comment_lines,
    laid_out,
)
from airflow_ecs_dag_cli.python_values import TOKEN, ValueWriter
from airflow_ecs_dag_schema.undeployed import without_tokens
from airflow_ecs_dag_schema.values import TOKEN_START

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from airflow_ecs_dag_cli.python_names import Parameter
    from airflow_ecs_dag_cli.python_text import Expression
    from airflow_ecs_dag_schema import DagSpec

_RESERVED = frozenset(
    {"all_of", "annotations", "any_of", "construct_id", "datetime", "ec2", "ecs", "s3", "scope", "timedelta"}
)
"""Names of a file that are in lower case, as variables are."""
_SUBNETS = "ec2.SubnetSelection | list[str] | tuple[str, ...]"
_OWN = frozenset({"dag_id", "schedule", "tasks", "alerts", "ecs", "groups", "stack", "exchange", "params", "deadline"})


@dataclass(frozen=True, kw_only=True)
class SourceDag:
    """A DAG to be written.

    Attributes:
        spec: The DAG; a value that the deployment fills in is a text with a token in it.
        origin: Where it was read, for people.
        container: The container that carries its labels and runs its commands; empty for the first essential one.
        dag_id: What was written as its id, where that is known only after the deployment; otherwise empty.
        remarks: What is not carried over, or to be looked at: the id of the task or nothing, and what it is.
    """

    spec: DagSpec
    origin: str
    container: str = ""
    dag_id: str = ""
    remarks: Sequence[tuple[str, str]] = field(default=())

    @property
    def name(self) -> str:
        """Return what its function and its construct are called after."""
        return TOKEN.sub("", self.dag_id) or self.spec.dag_id


def python_file(dags: Sequence[SourceDag], *, width: int) -> str:
    """Return the Python file of some DAGs.

    Args:
        dags: At least one.
        width: Characters of a line, where that can be.
    """
    imports = Imports()
    taken: set[str] = set()
    functions = []
    for dag in dags:
        names = Names(Imports(), _RESERVED | taken)
        function = names.variable(dag.name, "dag")
        taken.add(function)
        functions.append(_Function(dag, imports, function, width).lines())
    header = ['"""DAGs on ECS task definitions, as airflow-ecs-dag import wrote them; yours to change."""', ""]
    header += ["from __future__ import annotations", ""]
    return "\n".join([*header, *_import_lines(imports, width), *(line for each in functions for line in each)]) + "\n"


def _import_lines(imports: Imports, width: int) -> Iterator[str]:
    def statement(module: str, names: Iterable[str], indent: int) -> list[str]:
        ordered = sorted(names, key=lambda name: (not name.isupper(), not name[0].isupper(), name.lower(), name))
        line = f"{' ' * indent}from {module} import {', '.join(ordered)}"
        if len(line) <= width:
            return [line]
        space = " " * indent
        inner = " " * (indent + INDENT)
        return [f"{space}from {module} import (", *(f"{inner}{name}," for name in ordered), f"{space})"]

    if "datetime" in imports.names:
        yield from statement("datetime", imports.names["datetime"], 0)
    yield "from typing import TYPE_CHECKING"
    yield ""
    for module in sorted(set(imports.names) - {"datetime"}):
        yield from statement(module, imports.names[module], 0)
    yield ""
    yield "if TYPE_CHECKING:"
    for module in sorted(imports.for_types):
        for name in sorted(imports.for_types[module]):
            yield from statement(module, [name], INDENT)


class _Function:
    """The function of one DAG."""

    def __init__(self, dag: SourceDag, imports: Imports, name: str, width: int) -> None:
        self._dag = dag
        self._spec = dag.spec
        self._name = name
        self._width = width
        self._names = Names(imports, _RESERVED | {name})
        self._values = ValueWriter(self._names)
        self._names.imported("AirflowEcsDag")
        self._names.type_imported("aws_ecs as ecs", "aws_cdk")
        self._names.type_imported("Construct", "constructs")

    def lines(self) -> list[str]:
        """Return the function, two empty lines before it."""
        place = tuple(self._place())
        order = in_order(self._spec)
        variables = {task_id: self._names.variable(task_id, "task") for task_id in order}
        by_id = {task.task_id: task for task in self._spec.tasks}
        tasks = TaskWriter(self._values, variables)
        body = []
        for task_id in order:
            body += self._remarks(task_id)
            body += self._statement(f"{variables[task_id]} = ", tasks.task(by_id[task_id]))
        flows = FlowWriter(self._spec, self._names, variables, self._width - 4 * INDENT)
        outermost = []
        for variable, call, is_inside in flows.groups():
            body += self._statement(f"{variable} = ", call)
            if not is_inside:
                outermost.append(variable)
        parts = flows.flows(outermost)
        fields = tuple(self._fields())
        given = (*fields, *place, ("tasks", parts[0] if len(parts) == 1 else Items(tuple(parts))))
        call = Call("AirflowEcsDag", (("", Raw("scope")), ("", Raw("construct_id")), *given))
        body += self._made(call)
        return ["", "", *self._signature(), *self._docstring(), *self._remarks(""), *body]

    def _made(self, call: Call) -> list[str]:
        """Return the construct, an argument a line."""
        space = " " * INDENT
        lines = [f"{space}return {call.name}("]
        for name, value in call.given:
            lines += laid_out(f"{name}=" if name else "", value, ",", indent=2 * INDENT, width=self._width)
        return [*lines, f"{space})"]

    def _statement(self, before: str, expression: Expression) -> list[str]:
        return laid_out(before, expression, "", indent=INDENT, width=self._width)

    def _remarks(self, task_id: str) -> list[str]:
        return [
            line
            for about, text in self._dag.remarks
            if about == task_id
            for line in comment_lines(f"NOT CARRIED OVER: {text}", indent=INDENT, width=self._width)
        ]

    def _docstring(self) -> list[str]:
        which = "a DAG" if self._dag.dag_id else f"the DAG {self._spec.dag_id}"
        return [f'{" " * INDENT}"""Declare {which} on a task definition."""']

    def _signature(self) -> list[str]:
        space = " " * INDENT
        lines = [
            f"def {self._name}(",
            f"{space}scope: Construct,",
            *laid_out("construct_id: str = ", Text(class_name(self._dag.name)), ",", indent=INDENT, width=self._width),
            f"{space}*,",
            *comment_lines(f"before: {self._dag.origin}", indent=INDENT, width=self._width),
            f"{space}task_definition: ecs.TaskDefinition,",
        ]
        for parameter in self._names.parameters:
            lines += self._parameter(parameter)
        return [*lines, ") -> AirflowEcsDag:"]

    def _parameter(self, parameter: Parameter) -> list[str]:
        lines = comment_lines(parameter.comment, indent=INDENT, width=self._width) if parameter.comment else []
        before = f"{parameter.name}: {parameter.annotation}"
        if parameter.default is None:
            return [*lines, f"{' ' * INDENT}{before},"]
        made = laid_out(f"{before} = ", parameter.default, ",", indent=INDENT, width=self._width)
        if len(made) == 1 and len(made[0]) > self._width:
            made = made[0].replace(" | ", f"\n{' ' * INDENT}| ", parameter.annotation.count(" | ")).split("\n")
        return [*lines, *made]

    def _fields(self) -> Iterator[tuple[str, Expression]]:
        spec = self._spec
        if self._dag.dag_id:
            comment = f"before: {without_tokens(self._dag.dag_id)}"
            yield "dag_id", Raw(self._names.add_parameter("dag_id", "str", comment=comment))
        else:
            yield "dag_id", Text(spec.dag_id)
        yield "schedule", self._values.schedule(spec.schedule)
        fields = dict(self._values.fields(spec, _OWN))
        if (deadline := spec.deadline) is not None:
            fields["deadline"] = self._values.model(deadline)
        yield from fields.items()
        if spec.params:
            yield "params", Entries(tuple((name, self._values.model(each)) for name, each in spec.params.items()))
        if spec.alerts:
            yield "alerts", Items(tuple(map(self._values.model, spec.alerts)))

    def _place(self) -> Iterator[tuple[str, Expression]]:
        """Yield where the tasks run; what is of an account is a parameter, with what was written as its default."""
        ecs = self._spec.ecs
        yield "task_definition", Raw("task_definition")
        if ecs.cluster is not None:
            yield "cluster", self._parameter_for("cluster", "ecs.ICluster | str", ecs.cluster)
        if ecs.subnets:
            self._names.type_imported("aws_ec2 as ec2", "aws_cdk")
            yield "vpc_subnets", self._parameter_for("vpc_subnets", _SUBNETS, ecs.subnets)
        if ecs.security_groups:
            annotation = "list[str] | tuple[str, ...]"
            yield "security_groups", self._parameter_for("security_groups", annotation, ecs.security_groups)
        for name in ("launch_type", "platform_version", "assign_public_ip"):
            if (value := getattr(ecs, name)) is not None:
                yield name, self._values.value(value)
        if ecs.capacity_provider_strategy:
            yield "capacity_provider_strategies", self._values.texts(ecs.capacity_provider_strategy)
        if ecs.tags:
            yield "ecs_tags", self._values.tags(ecs.tags)
        if container := ecs.container_name or self._dag.container:
            yield "container", self._values.text(container)
        if self._spec.exchange is not None:
            self._names.type_imported("aws_s3 as s3", "aws_cdk")
            comment = f"before: {without_tokens(self._spec.exchange)}"
            yield "exchange", Raw(self._names.add_parameter("exchange", "s3.IBucket", comment=comment))

    def _parameter_for(self, name: str, annotation: str, value: str | Sequence[str]) -> Raw:
        texts = [value] if isinstance(value, str) else list(value)
        if any(TOKEN_START in text for text in texts):
            comment = f"before: {', '.join(map(without_tokens, texts))}"
            return Raw(self._names.add_parameter(name, annotation, comment=comment))
        default = Text(value) if isinstance(value, str) else Items(tuple(map(Text, texts)), is_tuple=True)
        return Raw(self._names.add_parameter(name, annotation, default=default))
