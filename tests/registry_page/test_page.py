"""The page in Airflow's own API server: who sees what, what it says, and what it makes of hostile text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.models.dagbundle import DagBundleModel
from airflow.models.team import Team
from airflow.models.variable import Variable
from airflow.utils.session import create_session
from fastapi.testclient import TestClient
from sqlalchemy import select

from airflow_ecs_dag_loader.registry_page.report import Pulse, Report, ReportedFamily, ReportedPlace, State, digest_of
from airflow_ecs_dag_loader.registry_page.report_store import pulse_key, report_key, write_texts
from sources.conftest import ORDERS, REGION, STOCK, sources
from strict_ecs.faults import Fault

if TYPE_CHECKING:
    from registry_page.conftest import Site

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u202e{{ 7 * 7 }}"


def tell(site: Site, *families: ReportedFamily, places: int = 1, **pulse: Any) -> None:
    """Write what a DAG processor might, or whoever may edit variables."""
    name = site.fleet.name
    parts = tuple(ReportedPlace(key=f"p{number}/r", source=f"s{number}", region="r") for number in range(places))
    text = Report(bundle=name, places=parts, families=families).to_text()
    beat = Pulse(**{"bundle": name, "digest": digest_of(text), "written_at": 0, "next_within": 1e11, **pulse})
    with create_session() as session:
        write_texts(name, pulse=beat.to_text(), report=text, session=session)


def family(name: str, state: State = State.REFUSED, **values: Any) -> ReportedFamily:
    arn = f"arn:aws:ecs:{REGION}:{ORDERS}:task-definition/{name}:1"
    return ReportedFamily(**{"arn": arn, "place": 0, "state": state, "dag_id": name, **values})


@pytest.fixture
def deployed(site: Site) -> Site:
    """A definition of each state: one DAG that Airflow has parsed, one that it has not, and so on."""
    fleet = site.fleet
    stack = f"arn:aws:cloudformation:{REGION}:{ORDERS}:stack/Orders/1a2b"
    fleet.deploy(
        ORDERS, "orders-live", dag__owner="Ann", dag__stack=stack, dag__repository="https://example.com/orders"
    )
    fleet.deploy(ORDERS, "orders-new")
    fleet.deploy(ORDERS, "orders-wrong", tasks__build__retries="many")
    fleet.deploy(STOCK, "stock-live")
    fleet.bundle().refresh()
    fleet.deploy(STOCK, "stock-thief", dag__dag_id="stock-live")
    fleet.account(STOCK).register("stock-other", {})
    fleet.bundle().refresh()
    site.parse("orders-live", "stock-live")
    return site


def test_each_definition_has_its_state(deployed: Site) -> None:
    assert deployed.states() == {
        "orders-live": "live",
        "orders-new": "waiting",
        "orders-wrong": "refused",
        "stock-live": "live",
        "stock-thief": "duplicate",
        "stock-other": "without labels",
    }


def test_what_needs_somebody_comes_first_and_what_is_no_dag_only_when_asked_for(deployed: Site) -> None:
    listed = [each["family"] for each in deployed.json()["definitions"]]
    assert listed == ["orders-wrong", "stock-thief", "orders-new", "orders-live", "stock-live"]
    assert list(deployed.states(state="without labels")) == ["stock-other"]


def test_the_page_says_why(deployed: Site) -> None:
    page = deployed.page()
    assert "airflow.tasks.build.retries" in page
    assert "&#39;many&#39;" in page
    assert f"belongs to the task definition {STOCK}/{REGION}/stock-live" in page
    assert "Airflow has not parsed it yet" in page


def test_the_links_of_a_dag(deployed: Site) -> None:
    (live,) = deployed.json(q="orders-live")["definitions"]
    links = live["links"]
    assert links["dag"] == "../dags/orders-live"
    assert links["repository"] == "https://example.com/orders"
    for name, part in {"task_definition": "task-definitions/orders-live/1", "stack": "stackinfo"}.items():
        assert urlsplit(links[name]).hostname == f"{REGION}.console.aws.amazon.com"
        assert part in links[name]
    page = deployed.page(q="orders-live")
    for url in links.values():
        assert f'href="{url.replace("&", "&amp;")}"' in page
    (refused,) = deployed.json(q="orders-wrong")["definitions"]
    assert refused["links"]["dag"] is None


def test_who_is_not_logged_in_comes_to_airflows_login_page_and_back(deployed: Site) -> None:
    answer = deployed.get(user=None, q="a b")
    assert answer.status_code == 302
    address = urlsplit(answer.headers["location"])
    assert address.path == "../api/v2/auth/login"
    assert parse_qs(address.query)["next"] == ["/ecs-registry/?q=a+b"]
    assert "orders" not in answer.text
    login = deployed.get(answer.headers["location"], user=None)
    assert login.status_code == 307
    assert urlsplit(login.headers["location"]).path.endswith("/auth/login")
    assert parse_qs(urlsplit(login.headers["location"]).query)["next"] == ["/ecs-registry/?q=a+b"]
    refused = deployed.get("definitions.json", user=None)
    assert (refused.status_code, refused.json()) == (401, {"detail": "Not authenticated"})


@pytest.mark.parametrize("path", ["", "definitions.json"])
def test_who_may_read_no_dag_is_refused(deployed: Site, path: str) -> None:
    answer = deployed.get(path, user="nobody")
    assert answer.status_code == 403
    assert "orders" not in answer.text
    assert ORDERS not in answer.text


def test_a_script_comes_with_airflows_own_token(deployed: Site) -> None:
    user = SimpleAuthManagerUser(username="reads-stock", role="VIEWER")
    headers = {"Authorization": f"Bearer {get_auth_manager().generate_jwt(user)}"}
    with TestClient(deployed.app) as client:
        answer = client.get("/ecs-registry/definitions.json", headers=headers)
    assert [each["family"] for each in answer.json()["definitions"]] == ["stock-live"]


def test_what_a_teams_bundle_found_is_the_teams(site: Site) -> None:
    with create_session() as session:
        bundle = session.query(DagBundleModel).filter(DagBundleModel.name == site.fleet.name).one()
        bundle.teams = [session.merge(Team(name="shop-team"))]
    try:
        site.fleet.deploy(ORDERS, "orders-new")
        site.fleet.deploy(ORDERS, "orders-wrong", tasks__build__retries="many")
        site.fleet.bundle().refresh()
        with create_session() as session:
            teams = session.scalars(select(Variable.team_name).where(Variable.key.like("airflow_ecs_dag.%"))).all()
        assert teams == ["shop-team", "shop-team"]
        assert site.states("reads-orders-and-errors") == {}
        assert set(site.states()) == {"orders-new", "orders-wrong"}
    finally:
        with create_session() as session:
            bundle = session.query(DagBundleModel).filter(DagBundleModel.name == site.fleet.name).one()
            bundle.teams = []
            session.query(Variable).filter(Variable.key.like("airflow_ecs_dag.%")).delete(synchronize_session=False)


def test_a_forged_session_is_none(deployed: Site) -> None:
    with TestClient(deployed.app, follow_redirects=False) as client:
        client.cookies.set("_token", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiIsInJvbGUiOiJBRE1JTiJ9.")
        answer = client.get("/ecs-registry/definitions.json")
    assert answer.status_code in {401, 403}
    assert "orders" not in answer.text


@pytest.mark.parametrize(
    ("user", "families"),
    [
        ("reads-orders", {"orders-live", "orders-new"}),
        ("reads-stock", {"stock-live"}),
        ("reads-orders-and-errors", {"orders-live", "orders-new", "orders-wrong", "stock-other"}),
        ("reads-stock-and-errors", {"stock-live", "stock-thief", "stock-other"}),
    ],
)
def test_a_user_sees_the_dags_that_she_may_read_and_errors_only_by_right(
    deployed: Site, user: str, families: set[str]
) -> None:
    assert set(deployed.states(user)) == families
    page = deployed.page(user, state="all")
    for name in ("orders-live", "orders-new", "orders-wrong", "stock-live", "stock-thief", "stock-other"):
        assert (f"{name}<wbr>" in page) is (name in families)


def test_a_source_shows_to_whom_something_of_it_does(deployed: Site) -> None:
    def accounts(user: str) -> set[str]:
        return {each["account"] for each in deployed.json(user)["sources"]}

    assert accounts("reads-orders") == {ORDERS}
    assert accounts("reads-orders-and-errors") == {ORDERS, STOCK}


def test_why_a_source_cant_be_read_is_for_those_who_may_read_errors(deployed: Site) -> None:
    deployed.fleet.aws.faults.add(Fault.ACCESS_DENIED, account=ORDERS, count=None)
    deployed.fleet.bundle().refresh()

    def told(user: str) -> str:
        (found,) = (each for each in deployed.json(user)["sources"] if each["account"] == ORDERS)
        assert found["error"] in deployed.page(user).replace("&#39;", "'")
        return str(found["error"])

    assert "AccessDenied" in told("admin")
    assert "AccessDenied" not in told("reads-orders")
    assert "can't be read now" in told("reads-orders")
    assert deployed.states()["orders-live"] == "live"


def test_a_dag_that_airflow_has_from_another_bundle_is_not_called_live(deployed: Site) -> None:
    with create_session() as session:
        session.merge(DagBundleModel(name="somebody-elses"))
    deployed.parse("orders-live", bundle_name="somebody-elses")
    try:
        (found,) = deployed.json(q="orders-live")["definitions"]
        assert found["state"] == "waiting"
        assert found["links"]["dag"] is None
        assert "from the bundle somebody-elses" in found["reasons"][0]
    finally:
        deployed.parse("orders-live")
        with create_session() as session:
            session.query(DagBundleModel).filter(DagBundleModel.name == "somebody-elses").delete()


def test_a_paused_dag_says_so(deployed: Site) -> None:
    deployed.parse("orders-live", is_paused=True)
    (found,) = deployed.json(q="orders-live")["definitions"]
    assert found["is_paused"] is True
    assert "paused" in deployed.page(q="orders-live")


@pytest.mark.parametrize(
    ("query", "families"),
    [
        ({"q": "ORDERS"}, ["orders-wrong", "orders-new", "orders-live"]),
        ({"q": STOCK, "state": "live"}, ["stock-live"]),
        ({"q": "retries"}, ["orders-wrong"]),
        ({"q": "ann"}, ["orders-live"]),
        ({"state": "refused"}, ["orders-wrong"]),
        ({"q": "no such"}, []),
    ],
    ids=str,
)
def test_filters(deployed: Site, query: dict[str, str], families: list[str]) -> None:
    assert [each["family"] for each in deployed.json(**query)["definitions"]] == families


def test_the_filter_of_a_source(deployed: Site) -> None:
    for source in deployed.json()["sources"]:
        found = deployed.json(source=source["key"], state="all")["definitions"]
        assert found
        assert {each["account"] for each in found} == {source["account"]}


@pytest.mark.parametrize("query", [{"state": "dead"}, {"page": "0"}, {"page": "x"}, {"q": "x" * 300}], ids=str)
def test_a_query_that_is_none_is_told_in_words(deployed: Site, query: dict[str, str]) -> None:
    answer = deployed.get(**query)
    assert answer.status_code == 400
    assert "leave it out" in answer.text
    assert "<h1>ECS registry</h1>" in answer.text
    assert deployed.get("definitions.json", **query).status_code == 400


def test_hostile_text_stays_text(site: Site) -> None:
    values: dict[str, Any] = {
        "dag_id": HOSTILE,
        "owner": HOSTILE,
        "stack": HOSTILE,
        "repository": "javascript:alert(1)",
        "registered_at": HOSTILE,
        "reasons": (HOSTILE,),
        "warnings": (HOSTILE,),
    }
    tell(site, family("f", **values), error=HOSTILE, processor=HOSTILE, next_within=1)
    page = site.page()
    assert page.count("&lt;script&gt;") >= 5
    assert "<script>" not in page
    assert "<img" not in page
    assert "javascript:" not in page
    assert "\u202e" not in page
    assert "\\u202e" in page
    assert "{{ 7 * 7 }}" in page
    assert not re.search(r"\son[a-z]+=", re.sub(r"&[a-z#0-9]+;", "", page).split("<body>")[0])
    (found,) = site.json()["definitions"]
    assert found["links"]["repository"] is None
    assert urlsplit(found["links"]["stack"]).hostname == f"{REGION}.console.aws.amazon.com"


def test_hostile_text_in_the_search_stays_in_its_field(deployed: Site) -> None:
    page = deployed.page(q=HOSTILE, source=HOSTILE)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize("path", ["", "definitions.json", "static/registry.js", "nothing"])
def test_every_answer_keeps_the_browser_to_this_server(deployed: Site, path: str) -> None:
    headers = deployed.get(path).headers
    rules = dict(rule.strip().split(" ", 1) for rule in headers["content-security-policy"].split(";"))
    assert rules["default-src"] == "'none'"
    assert {rules[name] for name in ("script-src", "style-src", "img-src", "form-action")} == {"'self'"}
    assert headers["x-content-type-options"] == "nosniff"


def test_the_page_asks_nothing_of_other_servers(deployed: Site) -> None:
    page = deployed.page()
    for tag, address in re.findall(r"<(script|link|img)[^>]*(?:src|href)=\"([^\"]+)\"", page):
        assert not urlsplit(address).netloc, tag
    assert "style=" not in page


@pytest.mark.parametrize("text", ["", "{}", "[]", "\x00", '{"format": 99}', "not json", "9" * 5000])
def test_a_pulse_that_is_none_is_told_and_hides_no_other_bundle(deployed: Site, text: str) -> None:
    with create_session() as session:
        session.add(Variable(key=pulse_key("broken"), val=text))  # type: ignore[no-untyped-call]
    found = deployed.json()
    assert any("report" in warning for warning in found["warnings"]) or not text
    assert found["total"] == 5


@pytest.mark.parametrize("text", ["", "c-c", "0" * 50, "~" * 50])
def test_a_report_that_is_none_is_told(deployed: Site, text: str) -> None:
    name = deployed.fleet.name
    pulse = Pulse(bundle=name, digest=digest_of(text), written_at=0, next_within=1e11)
    with create_session() as session:
        write_texts(name, pulse=pulse.to_text(), report=text, session=session)
    found = deployed.json()
    assert found["definitions"] == []
    assert found["warnings"][0].startswith(f"{name}: ")
    assert "refresh" in found["warnings"][0] or "load this page again" in found["warnings"][0]


def test_a_report_that_is_not_the_pulses_is_not_shown(deployed: Site) -> None:
    name = deployed.fleet.name
    with create_session() as session:
        row = session.query(Variable).filter(Variable.key == report_key(name)).one()
        row.set_val(Report(bundle=name).to_text())  # type: ignore[no-untyped-call] # Airflow's
    from airflow_ecs_dag_loader.registry_page import bundle_reports  # noqa: PLC0415

    bundle_reports._CACHE.__init__()  # type: ignore[misc] # another API server, which has read nothing
    assert "load this page again" in deployed.json()["warnings"][0]


def test_a_bundle_that_airflow_has_no_more_is_not_shown(deployed: Site) -> None:
    with create_session() as session:
        session.query(DagBundleModel).filter(DagBundleModel.name == deployed.fleet.name).update({"active": False})
    assert deployed.json()["sources"] == []
    assert "No DAG processor has reported" in deployed.page()


def test_a_processor_that_has_gone_silent_is_told(site: Site) -> None:
    tell(site, family("f"), written_at=0, next_within=60, processor="ip-10-0-0-1")
    (warning,) = site.json()["warnings"]
    assert "ip-10-0-0-1" in warning
    assert "has said nothing for" in warning


def test_ten_thousand_definitions_come_in_pages(site: Site) -> None:
    tell(site, *(family(f"dag-{number:05}") for number in range(10_000)))
    first, last = site.json(), site.json(page=1_000)
    assert (first["total"], first["pages"], len(first["definitions"])) == (10_000, 200, 50)
    assert (last["page"], last["definitions"][-1]["family"]) == (200, "dag-09999")
    assert len(site.page()) < 200_000
    assert [each["family"] for each in site.json(q="dag-05000")["definitions"]] == ["dag-05000"]


def test_the_bundles_own_arguments_choose_nothing_here(deployed: Site) -> None:
    """The API server may have no configuration of bundles at all."""
    deployed.fleet.bundle(sources=sources("orders")).refresh()
    assert {each["account"] for each in deployed.json()["sources"]} == {ORDERS}
