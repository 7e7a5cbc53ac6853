"""Which templates a command may hold: everything named is allowed, everything else is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec, EmailAlert, LabelError, decode
from airflow_ecs_dag_schema.problems import DagDefinitionError
from airflow_ecs_dag_schema.templates import (
    DATE_FUNCTIONS,
    FILTERS,
    LONGEST_TEMPLATE,
    MOMENT_FIELDS,
    MOMENT_METHODS,
    MOMENT_VARIABLES,
    VARIABLES,
    check_template,
    is_template,
)

IN_PARTS = {"params", "ti"}
"""Variables that hold more than a template may see: only parts of them are allowed."""
ALLOWED = [
    "",
    "no template",
    "{ ds }",
    "{'a': {'b': 1}}",
    "100 %",
    "{{ ds }}",
    "{{ds}}",
    "{{- ds -}}",
    "a{{ ds }}b{{ ts }}\n",
    "{{ 'text' }}{{ 1 }}{{ 1.5 }}{{ true }}{{ none }}",
    "{{ ds | ds_nodash | upper | trim }}",
    "{{ map_index | default(-1) }}",
    "{{ run_id | default(ds, true) }}",
    "{{ run_id | tojson }}",
    "{{ logical_date.isoformat() }}",
    "{{ run_after.strftime('%Y/%m/%d %-H:%M %%') }}",
    "{{ macros.ds_add(ds, 7) }}",
    "{{ macros.ds_add(macros.ds_add(ds, -1), try_number) }}",
    "{{ macros.ds_format(macros.ds_add(ds, 1), '%Y-%m-%d', '%Y/%-j') }}",
    "{# a note #}",
    "{% raw %}{{ conn.x }}{% endraw %}",
    "{{ params.country }}-{{ params['country'] | upper }}",
    "{{ ti.xcom_pull(task_ids='load.copy') }}",
    "{{ ti.xcom_pull('extract')['rows'] }}",
    "{{ ti.xcom_pull(task_ids='extract')[0] | tojson }}",
    "{{ item['id'] }}{{ item[0] | default('none') }}",
    *(f"{{{{ {name} }}}}" for name in sorted(VARIABLES - IN_PARTS)),
    *(f"{{{{ ds | {name} }}}}" for name in sorted(FILTERS)),
    *(f"{{{{ {name}.{field} }}}}" for name in sorted(MOMENT_VARIABLES) for field in sorted(MOMENT_FIELDS)),
]
REFUSED = {
    # Airflow's own objects: connections, variables, the task, its hook, the run.
    "{{ 1 | tojson(9999999999) }}": "the filter tojson is given 1 arguments",
    "{{ ds | default('a', true, 1) }}": "the filter default is given 3 arguments",
    "{{ ds | trim('2') }}": "the filter trim is given 1 arguments",
    "{{ conn.db.password }}": "unknown variable 'conn'",
    "{{ var.value.secret }}": "unknown variable 'var'",
    "{{ var.json.secret.x }}": "unknown variable 'var'",
    "{{ conn }}": "unknown variable 'conn'",
    "{{ params }}": "params is not allowed by itself",
    "{{ params | tojson }}": "params is not allowed by itself",
    "{{ params[ds] }}": "getitem is not allowed",
    "{{ params.x.y }}": "getattr is not allowed",
    "{{ params.x['y'] }}": "getitem is not allowed",
    "{{ params.get('x') }}": "this call is not allowed",
    "{{ ti }}": "ti is not allowed by itself",
    "{{ ti.task }}": "getattr is not allowed",
    "{{ ti['task'] }}": "getitem is not allowed",
    "{{ ti.xcom_pull }}": "getattr is not allowed",
    "{{ ti.xcom_pull() }}": "this call is not allowed",
    "{{ ti.xcom_pull(task_ids=ds) }}": "call is not allowed",
    "{{ ti.xcom_pull(task_ids=['a']) }}": "call is not allowed",
    "{{ ti.xcom_pull('a', 'b') }}": "this call is not allowed",
    "{{ ti.xcom_pull('a', key='b') }}": "call is not allowed",
    "{{ ti.xcom_pull('a').b }}": "getattr is not allowed",
    "{{ ti.xcom_pull('a')['b']['c'] }}": "getitem is not allowed",
    "{{ ti.xcom_pull('a')[ds] }}": "getitem is not allowed",
    "{{ ti.xcom_push('a', 'b') }}": "this call is not allowed",
    "{{ macros.ds_add(ds, 1)['x'] }}": "entries are taken of an item or of an output only",
    "{{ item.b }}": "getattr is not allowed",
    "{{ item[ds] }}": "getitem is not allowed",
    "{{ item['a']['b'] }}": "getitem is not allowed",
    "{{ item() }}": "this call is not allowed",
    "{{ ti.task.hook.get_credentials() }}": "this call is not allowed",
    "{{ task.hook.get_credentials() }}": "this call is not allowed",
    "{{ task_instance.xcom_pull('other') }}": "this call is not allowed",
    "{{ ti.xcom_pull(task_ids='a', dag_id='other') }}": "call is not allowed",
    "{{ dag_run.conf }}": "unknown variable 'dag_run'",
    "{{ dag.user_defined_macros }}": "unknown variable 'dag'",
    "{{ macros }}": "unknown variable 'macros'",
    "{{ self }}": "unknown variable 'self'",
    "{{ request }}": "unknown variable 'request'",
    # Ways to the operating system and to Python's internals.
    "{{ macros.uuid.os.popen('id').read() }}": "this call is not allowed",
    "{{ macros.datetime.datetime.now() }}": "this call is not allowed",
    "{{ macros.random() }}": "this call is not allowed",
    "{{ macros.yaml.unsafe_load('x') }}": "this call is not allowed",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}": "this call is not allowed",
    "{{ ds.__class__ }}": "getattr is not allowed",
    "{{ ds['__class__'] }}": "getitem is not allowed",
    "{{ logical_date.__class__ }}": "logical_date.__class__ is not allowed",
    "{{ logical_date['year'] }}": "getitem is not allowed",
    "{{ logical_date.year.__class__ }}": "getattr is not allowed",
    "{{ logical_date.replace(year=1) }}": "call is not allowed",
    "{{ logical_date.strftime }}": "logical_date.strftime is not allowed",
    "{{ ds | attr('__class__') }}": "unknown filter 'attr'",
    "{{ ds | map('upper') }}": "unknown filter 'map'",
    "{{ ds | safe }}": "unknown filter 'safe'",
    "{{ cycler.__init__.__globals__ }}": "unknown variable 'cycler'",
    "{{ lipsum() }}": "this call is not allowed",
    "{{ range(999999999) }}": "this call is not allowed",
    "{{ namespace() }}": "this call is not allowed",
    "{{ joiner() }}": "this call is not allowed",
    "{{ dict(a=1) }}": "call is not allowed",
    # Allowed names with more to them than is allowed.
    "{{ ds | default(conn.x) }}": "unknown variable 'conn'",
    "{{ ds | default(value=1) }}": "filter is not allowed",
    "{{ ds | default(*[1]) }}": "filter is not allowed",
    "{{ macros.ds_add(*[ds, 1]) }}": "call is not allowed",
    "{{ macros.ds_add(ds, days=1) }}": "call is not allowed",
    "{{ macros.ds_add(ds) }}": "this call is not allowed",
    "{{ macros.ds_add(conn.x, 1) }}": "unknown variable 'conn'",
    "{{ macros.ds_add.__globals__ }}": "getattr is not allowed",
    "{{ macros.ds_format(ds, '%Y', run_id) }}": "two literal formats",
    "{{ macros.ds_format(ds, '%Y', '%999999999Y') }}": "two literal formats",
    "{{ macros.ds_format(ds, '%Y') }}": "two literal formats",
    "{{ macros.ds_format(conn.x, '%Y', '%Y') }}": "unknown variable 'conn'",
    "{{ logical_date.strftime('%999999999d') }}": "without widths",
    "{{ logical_date.strftime('%-9d') }}": "without widths",
    "{{ logical_date.strftime('%_9d') }}": "without widths",
    "{{ logical_date.strftime('%9' '9d') }}": "without widths",
    "{{ logical_date.strftime('%') }}": "without widths",
    "{{ logical_date.strftime(run_id) }}": "one literal format",
    "{{ logical_date.strftime('" + "x" * 101 + "') }}": "without widths",
    "{{ logical_date.isoformat(ds) }}": "this call is not allowed",
    "{{ ds.strftime('%Y') }}": "this call is not allowed",
    # Everything but names, filters, fields and those calls.
    "{% if ds %}x{% endif %}": "statements such as",
    "{% for x in ds %}x{% endfor %}": "statements such as",
    "{% set ds = 1 %}": "statements such as",
    "{% include '/etc/passwd' %}": "statements such as",
    "{% import 'x' as y %}": "statements such as",
    "{% from 'x' import y %}": "statements such as",
    "{% extends 'x' %}": "statements such as",
    "{% macro x() %}{% endmacro %}": "statements such as",
    "{% filter upper %}x{% endfilter %}": "statements such as",
    "{% autoescape true %}x{% endautoescape %}": "statements such as",
    "{% debug %}": "not a valid template",
    "{% do ds.x() %}": "not a valid template",
    "{{ 9 ** 9 ** 9 }}": "pow is not allowed",
    "{{ 'x' * 999999999 }}": "mul is not allowed",
    "{{ '%999999999d' % 1 }}": "mod is not allowed",
    "{{ ds ~ ds }}": "concat is not allowed",
    "{{ ds + ds }}": "add is not allowed",
    "{{ ds if ds else ts }}": "condexpr is not allowed",
    "{{ ds == ts }}": "compare is not allowed",
    "{{ ds is defined }}": "test is not allowed",
    "{{ not ds }}": "not is not allowed",
    "{{ -try_number }}": "neg is not allowed",
    "{{ [ds] }}": "list is not allowed",
    "{{ (ds, ts) }}": "tuple is not allowed",
    "{{ {'a': ds} }}": "dict is not allowed",
    "{{ ds[0:3] }}": "getitem is not allowed",
    # Look-alikes, and things that end badly.
    "{{ \uff44\uff53 }}": "unknown variable",
    "{{ logical_date.\uff59ear }}": "is not allowed",
    "{{ ds": "not a valid template",
    "{{ ds }": "not a valid template",
    "{{ }}": "not a valid template",
    "{{ '\n": "not a valid template",
    "{# open": "not a valid template",
    "{% raw %}{{ x }}": "not a valid template",
    "{{ ds" + ".a" * 1_900 + " }}": "more than 200 parts",
    "{{ ds" + "|lower" * 600 + " }}": "more than 200 parts",
    "{{ " + "1+" * 1_900 + "1 }}": "more than 200 parts",
    "{{ ds }}" * 51: "at most 50 templates",
    "{{ ds | lower | lower | lower }}" * 50: "more than 200 parts",
    "{{ " + "(" * 1_900 + "1 }}": "nested too deeply",
    "{{ ds }}" + "x" * LONGEST_TEMPLATE: f"at most {LONGEST_TEMPLATE} characters",
}


@pytest.mark.parametrize("text", ALLOWED)
def test_allowed(text: str) -> None:
    assert check_template(text) == text


@pytest.mark.parametrize(("text", "words"), REFUSED.items(), ids=[text[:40] for text in REFUSED])
def test_refused_with_the_reason(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        check_template(text)
    message = str(caught.value)
    assert words in message
    assert message.isprintable()
    assert message[0].islower()
    assert not message.endswith(".")


@pytest.mark.parametrize("text", REFUSED)
def test_refused_in_a_command_and_in_arguments(text: str) -> None:
    for field in ("command", "args"):
        with pytest.raises(ValidationError):
            EcsTaskSpec.model_validate({"task_id": "a", field: ("x", text)})


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_text_in_braces_is_allowed_or_refused(text: str) -> None:
    for template in (f"{{{{ {text} }}}}", f"{{% {text} %}}", f"{{{{ ds | {text} }}}}", f"{{{{ macros.{text}(ds) }}}}"):
        assert is_template(template)
        try:
            assert check_template(template) == template
        except ValueError as error:
            assert str(error)  # noqa: PT017 - either outcome is right; any other exception is not


def test_what_is_allowed_is_a_settled_list() -> None:
    assert {"ds_add", "ds_format"} == DATE_FUNCTIONS
    assert {"strftime", "isoformat"} == MOMENT_METHODS
    assert not FILTERS & {"attr", "map", "select", "reject", "groupby", "format", "join", "xmlattr", "safe", "sort"}
    assert {name for name in VARIABLES if f"{{{{ {name} }}}}" in REFUSED} == IN_PARTS
    assert not VARIABLES & {"task", "task_instance", "dag", "dag_run", "conn", "var", "macros"}


SECRETS = (
    "{{resolve:secretsmanager:db}}",
    "x{{ resolve:ssm:/a:1 }}y",
    "{{\tresolve : ssm-secure:a:1}}",
    "{{RESOLVE:ssm:a}}",
)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("field", ["owner", "description", "tags"])
def test_a_secret_reference_is_refused_in_any_text_of_a_dag(field: str, secret: str) -> None:
    value = [secret] if field == "tags" else secret
    with pytest.raises(ValidationError, match=r"ecs\.Secret"):
        DagSpec.model_validate({"dag_id": "a", "tasks": (EcsTaskSpec(task_id="t"),), field: value})


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "label",
    [
        "dag.owner",
        "dag.description",
        "dag.tags.0",
        "dag.alerts.0.to.0",
        "tasks.t.args.0",
        "tasks.t.command.0",
        "ecs.cluster",
        "ecs.subnets.0",
        "ecs.security_groups.0",
        "ecs.container_name",
    ],
)
def test_a_secret_reference_is_refused_in_any_label(label: str, secret: str) -> None:
    labels = {"airflow.schema_version": "1", "airflow.dag.dag_id": "a", "airflow.tasks.t.kind": "ecs"}
    if "alerts" in label:
        labels["airflow.dag.alerts.0.kind"] = "email"
    with pytest.raises(LabelError, match=r"ecs\.Secret|one line"):
        decode(labels | {f"airflow.{label}": secret})


def test_a_token_does_not_carry_a_secret_reference_past_the_check() -> None:
    text = "${Token[TOKEN.1]}{{resolve:ssm:a}}"
    with pytest.raises(DagDefinitionError, match=r"ecs\.Secret"):
        EmailAlert(to=[text])
    with pytest.raises(ValidationError, match=r"ecs\.Secret"):
        EcsTaskSpec(task_id="t", args=[text])
