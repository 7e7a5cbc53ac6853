"""Files of connections, variables and secrets: three formats, all mistakes in words, and no value in any of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_ecs_dag_cli.connection_files import FIELDS, ConnectionFiles
from airflow_ecs_dag_cli.local_secrets import LocalSecrets
from airflow_ecs_dag_cli.named_values import NamedValuesError, read_named_values

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "tiger-in-the-tank"  # noqa: S105 - what no message may have in it


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", "one: first\ntwo: {user: me}\n"),
        ("a.yml", "one: 'first'\ntwo:\n  user: me\n"),
        ("a.json", '{"one": "first", "two": {"user": "me"}}'),
    ],
)
def test_yaml_and_json(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    assert read_named_values(tmp_path / name) == {"one": "first", "two": {"user": "me"}}


def test_lines(tmp_path: Path) -> None:
    for name in ("a.env", ".env"):
        (tmp_path / name).write_text("# a comment\n\none=first=1\n two = a b \n")
        assert read_named_values(tmp_path / name) == {"one": "first=1", "two": "a b"}


def test_an_empty_file_has_no_names(tmp_path: Path) -> None:
    for name in ("a.yaml", "a.env"):
        (tmp_path / name).write_text("")
        assert read_named_values(tmp_path / name) == {}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.txt", "one=first", "endings are .yaml, .yml, .json, .env"),
        ("a.yaml", f"one: [{SECRET}\ntwo: x", "line 2, is no valid YAML"),
        ("a.yaml", f"one: '{SECRET}", "is no valid YAML"),
        ("a.yaml", f"one: !{SECRET} x", "line 1, is no valid YAML"),
        ("a.yaml", f"one: *{SECRET}", "line 1, is no valid YAML"),
        ("a.yaml", f"one: {SECRET}\none: {SECRET}", "line 2, is no valid YAML: a name is there twice"),
        ("a.yaml", f"- {SECRET}", "holds a list; expected names"),
        ("a.yaml", SECRET, "holds a text; expected names"),
        ("a.yaml", f"1: {SECRET}", "a name that is a number"),
        ("a.yaml", f"{{{SECRET}: 1}}: 2", "is no valid YAML"),
        ("a.yaml", f"one: {SECRET}\x01", "is no valid YAML"),
        ("a.json", f'{{"one": "{SECRET}",}}', "line 1, is no valid JSON"),
        ("a.json", f'{{"one": "{SECRET}", "one": 2}}', "has the name one twice"),
        ("a.json", "[" * 100_000, "nested too deeply"),
        ("a.env", f"one=1\n{SECRET}", "line 2, is no name=value"),
        ("a.env", f"one={SECRET}\none=2", "has the name one twice"),
    ],
)
def test_a_mistake_is_said_without_the_value(name: str, text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(NamedValuesError) as raised:
        read_named_values(path)
    assert said in str(raised.value)
    assert SECRET not in str(raised.value)
    assert SECRET not in repr(raised.value.__cause__)


def test_no_file_no_text_and_too_much(tmp_path: Path) -> None:
    with pytest.raises(NamedValuesError, match="can't be read: No such file"):
        read_named_values(tmp_path / "none.yaml")
    (tmp_path / "a.yaml").write_bytes(b"one: \xff\xfe")
    with pytest.raises(NamedValuesError, match="no text in UTF-8"):
        read_named_values(tmp_path / "a.yaml")
    (tmp_path / "b.env").write_text("one=" + "x" * 5_000_000)
    with pytest.raises(NamedValuesError, match="at most"):
        read_named_values(tmp_path / "b.env")


def test_a_terminals_command_in_a_name_is_shown_as_text(tmp_path: Path) -> None:
    (tmp_path / "a.env").write_text("\x1b[31mred=1")
    with pytest.raises(NamedValuesError) as raised:
        LocalSecrets.read(tmp_path / "a.env")
    assert "\\x1b[31mred" in str(raised.value)
    assert "\x1b" not in str(raised.value)


def connections(folder: Path, text: str) -> ConnectionFiles:
    (folder / "airflow-connections.yaml").write_text(text)
    return ConnectionFiles.of(folder, connections=None, variables=None)


def test_the_projects_own_files_are_found(tmp_path: Path) -> None:
    assert ConnectionFiles.of(tmp_path, connections=None, variables=None).settings == {}
    found = connections(
        tmp_path, f"smtp_default: smtp://me:{SECRET}@localhost:25\ndb:\n  conn_type: postgres\n  port: 1\n"
    )
    assert found.connections == tmp_path / "airflow-connections.yaml"
    assert found.settings["SECRETS__BACKEND"].endswith("LocalFilesystemBackend")
    assert str(tmp_path) in found.settings["SECRETS__BACKEND_KWARGS"]
    assert "variables" not in found.settings["SECRETS__BACKEND_KWARGS"]


def test_a_named_file_goes_before_the_projects(tmp_path: Path) -> None:
    (tmp_path / "airflow-variables.yaml").write_text("- no mapping")
    other = tmp_path / "other.json"
    other.write_text('{"country": "nl"}')
    assert ConnectionFiles.of(tmp_path, connections=None, variables=other).variables == other


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"db: {SECRET}", "db in .* is no URI"),
        ("db: 5", "neither a URI nor a mapping"),
        (f"db: {{pasword: {SECRET}}}", "unknown fields pasword; allowed are conn_id"),
        ("db: {port: high}", "port that is no number from 0 to 65535"),
        ("db: {port: 70000}", "port that is no number"),
        ("db: {port: -1}", "port that is no number"),
        ("db: {login: 5}", "a login that is no text"),
        (f"db: {{extra: '{SECRET}', extra_dejson: {{}}}}", "extra and extra_dejson"),
    ],
)
def test_a_connection_that_is_none(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(NamedValuesError, match=said) as raised:
        connections(tmp_path, text)
    assert SECRET not in str(raised.value)


def test_what_is_allowed_is_what_airflow_takes() -> None:
    from airflow.secrets.local_filesystem import get_connection_parameter_names  # noqa: PLC0415 - takes its time

    assert FIELDS - {"extra_dejson"} <= get_connection_parameter_names()


def test_airflow_reads_the_same_file(tmp_path: Path) -> None:
    from airflow.secrets.local_filesystem import LocalFilesystemBackend  # noqa: PLC0415 - as above

    found = connections(tmp_path, "db:\n  conn_type: postgres\n  host: h\n  extra_dejson: {sslmode: require}\n")
    read: Any = LocalFilesystemBackend(connections_file_path=str(found.connections)).get_connection("db")
    assert (read.host, read.extra_dejson) == ("h", {"sslmode": "require"})


def test_secrets_keep_their_values_to_themselves(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(f"prod/db: {{password: {SECRET}}}\n/jobs/country: nl\nlimit: 5\n")
    secrets = LocalSecrets.read(tmp_path / "s.yaml")
    assert secrets.values == {"/jobs/country": "nl", "limit": "5", "prod/db": f'{{"password": "{SECRET}"}}'}
    assert SECRET not in repr(secrets)


@pytest.mark.parametrize("name", ["a b", "arn:aws:s3:::bucket", "a:b", "x" * 600])
def test_a_name_of_no_secret(name: str, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(f'"{name}": {SECRET}')
    with pytest.raises(NamedValuesError, match="names no secret and no parameter") as raised:
        LocalSecrets.read(tmp_path / "s.yaml")
    assert SECRET not in str(raised.value)
