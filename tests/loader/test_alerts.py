"""An alert is a message that arrives: at a mail server, in SES, on an SNS topic, in Slack. Its text is no template."""

from __future__ import annotations

import html
import json
from contextlib import contextmanager
from email import message_from_string
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from urllib.request import urlopen

import boto3
import pytest

from airflow_ecs_dag_loader.alert_notifiers import notifier
from airflow_ecs_dag_loader.alert_text import alert_text
from airflow_ecs_dag_loader.dag_builder import DagSource, build_dag
from airflow_ecs_dag_loader.registry import scan
from airflow_ecs_dag_schema import DagSpec, EcsSettings, EcsTaskSpec, EmailAlert, LabelError, encode
from airflow_ecs_dag_schema.alerts import ProfileAlert
from airflow_ecs_dag_schema.platform_parts import EmailProfile, SesProfile, SlackProfile, SnsProfile
from loader.dag_runs import run_dag
from loader.ecs_account import REGION
from loader.ecs_operators import LOGS
from loader.mail_server import mail_server
from loader.sources import SOURCE, found
from loader.task_runs import task_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import Context

    from airflow_ecs_dag_schema.alerts import AlertEvent
    from loader.ecs_account import EcsAccount

needs_slack = pytest.mark.skipif(
    find_spec("airflow.providers.slack") is None, reason="apache-airflow-providers-slack is not installed"
)
HOSTILE = "{{ 6 * 7 }} {% raw %} <script>x</script> <!channel> &\nBcc: all@example.com"


def failed(**more: Any) -> Context:
    """Return the context that Airflow gives to the callback of a task that failed."""
    spec = DagSpec(dag_id="reports", tasks=[EcsTaskSpec(task_id="convert")])
    task: Any = build_dag(spec, DagSource.of(found(), spec, SOURCE)).get_task("convert")
    context: Any = task_run(task, try_number=2, **more)
    context["exception"] = RuntimeError(f"container main exited with code 7 {HOSTILE}")
    return context  # type: ignore[no-any-return] # a dict, to which a key was added


def smtp(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    options = "disable_ssl=true&disable_tls=true&from_email=airflow%40example.com"
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", f"smtp://127.0.0.1:{port}/?{options}")


def test_a_failure_is_mailed_to_all_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = ["frank@rfh.example.com", "science@rfh.example.com"]
    spec = DagSpec(dag_id="reports", alerts=[EmailAlert(to=addresses)], tasks=[EcsTaskSpec(task_id="convert")])
    dag = build_dag(spec, DagSource.of(found(), spec, SOURCE))
    task: Any = dag.get_task("convert")
    (notify,) = task.on_failure_callback
    with mail_server() as server:
        smtp(monkeypatch, server.port)
        notify(failed())
    ((recipients, text),) = server.mails
    assert recipients == addresses
    assert "From: airflow@example.com" in text
    assert "Subject: Airflow: task convert of DAG reports failed" in text
    assert "\nBcc:" not in text


def test_what_a_failure_says() -> None:
    text = alert_text("failure", failed())
    assert text.plain.splitlines()[:4] == ["DAG: reports", "Run: manual__2026-02-28", "Task: convert", "Try: 2"]
    reason, log = text.plain.splitlines()[4:]
    assert reason == f"Reason: container main exited with code 7 {HOSTILE.replace(chr(10), ' ')}"
    assert log.endswith("/dags/reports/runs/manual__2026-02-28/tasks/convert?try_number=2")
    assert "&lt;script&gt;" in text.html
    assert "<script>" not in text.html
    assert f'<a href="{log.removeprefix("Log: ")}">' in text.html


@pytest.mark.parametrize(
    ("event", "context", "subject", "facts"),
    [
        ("retry", failed(), "Airflow: task convert of DAG reports failed and will be tried again", {"Try": "2"}),
        (
            "success",
            {"dag": failed()["dag"], "run_id": "manual__2026-02-28T00:00:00+00:00", "reason": "success"},
            "Airflow: a run of DAG reports succeeded",
            {"Run": "manual__2026-02-28T00:00:00+00:00"},
        ),
        (
            "missed_deadline",
            {"dag_run": {"dag_id": "d", "dag_run_id": "r 1"}, "deadline": {"deadline_time": "2026-01-31 03:00"}},
            "Airflow: a run of DAG d missed its deadline",
            {"Deadline": "2026-01-31 03:00"},
        ),
    ],
    ids=["retry", "success", "missed_deadline"],
)
def test_what_the_others_say(event: AlertEvent, context: Any, subject: str, facts: dict[str, str]) -> None:
    text = alert_text(event, context)
    assert text.subject == subject
    assert facts.items() <= dict(text.facts).items()
    assert "/runs/" in text.plain.splitlines()[-1]
    assert " " not in text.plain.splitlines()[-1].split(": ", 1)[1]


@pytest.mark.emulator
def test_amazon_ses_sends_it(account: EcsAccount) -> None:
    boto3.Session().client("ses").verify_email_identity(EmailAddress="airflow@example.com")
    profile = SesProfile(mail_from="airflow@example.com", to=["team@example.com"], region_name=REGION)
    notifier(profile, "failure")(failed())
    with urlopen(f"{account.endpoint_url}/_ministack/ses/messages?account={account.number}") as answer:  # noqa: S310 - the emulator
        whole = answer.read().decode()
    assert "Airflow: task convert of DAG reports failed" in whole
    assert "team@example.com" in whole
    assert "{{ 6 * 7 }}" in whole


@pytest.mark.emulator
def test_an_sns_topic_gets_it_in_its_own_region(account: EcsAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    region = "eu-central-1"
    topic = boto3.Session().client("sns", region_name=region).create_topic(Name="night")["TopicArn"]
    sqs = boto3.Session().client("sqs", region_name=region)
    queue = sqs.create_queue(QueueName=f"night-{account.number}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    boto3.Session().client("sns", region_name=region).subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    notifier(SnsProfile(target_arn=topic), "failure")(failed())
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    told = json.loads(message["Body"])
    assert told["Subject"] == "Airflow: task convert of DAG reports failed"
    assert "Reason: container main exited with code 7 {{ 6 * 7 }}" in told["Message"]


@pytest.mark.skipif(find_spec("airflow.providers.slack") is not None, reason="apache-airflow-providers-slack is there")
def test_without_the_slack_provider_its_profiles_are_refused() -> None:
    with pytest.raises(LabelError, match=r"apache-airflow-providers-slack is not installed.*airflow-ecs-dag\[slack\]"):
        notifier(SlackProfile(channel="#night"), "failure")


@needs_slack
def test_slack_gets_it_without_mark_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with slack() as (url, posted):
        connection = {"conn_type": "slack", "password": "xoxb-1", "extra": {"base_url": f"{url}/"}}
        monkeypatch.setenv("AIRFLOW_CONN_SLACK_API_DEFAULT", json.dumps(connection))
        notifier(SlackProfile(channel="#night"), "failure")(failed())
    (message,) = posted
    assert message["channel"] == "#night"
    assert message["text"].startswith("Airflow: task convert of DAG reports failed\nDAG: reports\n")
    assert "&lt;!channel&gt; &amp;" in message["text"]


@contextmanager
def slack() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Run a server on a loopback port that takes Slack's ``chat.postMessage``; yield its URL and what was posted."""
    posted: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            is_json = "json" in (self.headers["Content-Type"] or "")
            posted.append(json.loads(body) if is_json else {name: each[0] for name, each in parse_qs(body).items()})
            answer = b'{"ok": true}'
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", posted
        server.shutdown()
        thread.join()


def test_a_profile_that_the_platform_does_not_have() -> None:
    spec = DagSpec(dag_id="reports", alerts=[ProfileAlert(profile="night")], tasks=[EcsTaskSpec(task_id="convert")])
    with pytest.raises(LabelError, match=r"airflow.dag.alerts.0.profile: this Airflow has no alert profile .* none"):
        build_dag(spec, DagSource.of(found(), spec, SOURCE))


@pytest.mark.parametrize(
    "profile",
    [
        EmailProfile(to=["a@example.com"]),
        SesProfile(mail_from="a@example.com", to=["a@example.com"]),
        SnsProfile(target_arn="arn:aws:sns:eu-west-1:123456789012:night"),
        pytest.param(SlackProfile(channel="#night"), marks=needs_slack),
    ],
)
def test_nothing_of_a_notifier_is_a_template(profile: Any) -> None:
    assert list(notifier(profile, "failure").template_fields) == []


@pytest.mark.emulator
def test_the_sentence_with_what_to_do_is_in_the_mail(work: EcsAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = DagSpec(
        dag_id="alarmed",
        owner="tests",
        alerts=[EmailAlert(to=["frank@rfh.example.com"])],
        ecs=EcsSettings(cluster="work"),
        tasks=[EcsTaskSpec(task_id="convert", command=("exit", "127"))],
    )
    own = work.register("alarmed", encode(spec), logConfiguration=LOGS)
    definition = scan(work.ecs(), known={}).definitions[own]
    assert definition is not None
    with mail_server() as server:
        smtp(monkeypatch, server.port)
        run = run_dag(build_dag(spec, DagSource.of(definition, spec, SOURCE)))
    ((_, text),) = server.mails
    sentence = run.errors[0].partition(": ")[2]
    assert sentence.startswith("container main exited with code 127, by which a shell says that a command can't be run")
    parts = [part.get_payload(decode=True) for part in message_from_string(text).walk()]
    said = "".join(part.decode() for part in parts if isinstance(part, bytes))
    assert sentence in html.unescape(said)
