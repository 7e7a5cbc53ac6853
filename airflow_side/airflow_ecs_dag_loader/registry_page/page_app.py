"""The web application below ``/ecs-registry/`` of Airflow's API server: the page, and the same as JSON.

It reads Airflow's database alone. Airflow's own dependencies say who asks and what she may see.
"""

from __future__ import annotations

import time
import unicodedata
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import AccessView
from airflow.api_fastapi.common.db.common import SessionDep  # noqa: TC002 - FastAPI reads it
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag, requires_access_view
from fastapi import Depends, FastAPI, HTTPException, Query, Request, status
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from airflow_ecs_dag_loader.registry_page.listing import (
    ALL,
    CHOICES,
    LONGEST_TEXT,
    WITH_LABELS,
    Listing,
)
from airflow_ecs_dag_loader.registry_page.listing import Query as ListQuery
from airflow_ecs_dag_loader.registry_page.report import State
from airflow_ecs_dag_loader.registry_page.shown_json import registry_json
from airflow_ecs_dag_loader.registry_page.shown_links import ShownLinks
from airflow_ecs_dag_loader.registry_page.shown_registry import ShownRegistry, words_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_HERE = Path(__file__).parent
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "form-action 'self'; frame-ancestors 'self'; base-uri 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode's categories of what can't be seen, and may turn around what can."""
_ACCESS = [Depends(requires_access_view(AccessView.WEBSITE)), Depends(requires_access_dag("GET"))]


def _query(
    q: Annotated[str, Query(max_length=LONGEST_TEXT)] = "",
    state: str = WITH_LABELS,
    source: Annotated[str, Query(max_length=2_200)] = "",
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> ListQuery:
    if state not in CHOICES:
        raise HTTPException(
            status.HTTP_400_BAD_REQUEST,
            f"state is {state!a:.100}, which is none: give one of {', '.join(CHOICES)}, or leave it out",
        )
    return ListQuery(" ".join(q.split()), state, source, page)


_Asked = Annotated[ListQuery, Depends(_query)]


def _show_page(asked: _Asked, user: GetUserDep, session: SessionDep) -> HTMLResponse:
    registry = ShownRegistry.of(user, auth_manager=get_auth_manager(), session=session, now=time.time())
    return HTMLResponse(page_text(registry, Listing.of(registry, asked)))


def _show_json(asked: _Asked, user: GetUserDep, session: SessionDep) -> JSONResponse:
    registry = ShownRegistry.of(user, auth_manager=get_auth_manager(), session=session, now=time.time())
    return JSONResponse(registry_json(registry, Listing.of(registry, asked)))


def page_text(registry: ShownRegistry, listing: Listing) -> str:
    """Return the page as HTML."""
    return (
        _environment()
        .get_template("registry.html")
        .render(
            registry=registry,
            listing=listing,
            query=listing.query,
            states=list(State),
            with_labels=WITH_LABELS,
            everything=ALL,
        )
    )


def plain(text: object) -> str:
    """Return a text with what can't be seen in it written out, by its number in Unicode."""
    return "".join(ascii(each)[1:-1] if unicodedata.category(each) in _HIDDEN else each for each in str(text))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalized,
    )
    environment.globals |= {"links_of": ShownLinks.of, "words_of": words_of}
    environment.filters |= {"moment": _moment}
    return environment


def _finalized(value: Any) -> Any:  # noqa: ANN401 - Jinja's
    return value if hasattr(value, "__html__") else plain(value)


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


async def _add_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    response.headers.update(_HEADERS)
    if "/static/" not in request.url.path:
        response.headers["Cache-Control"] = "no-store"
    return response


def _refuse(request: Request, error: Exception) -> Response:
    """Answer a request that may not be, or can't be: for the page, by Airflow's login page or in words."""
    found = error if isinstance(error, HTTPException) else _bad_request(error)
    if not request.url.path.endswith("/"):
        return JSONResponse({"detail": found.detail}, status_code=found.status_code)
    if found.status_code == status.HTTP_401_UNAUTHORIZED:
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"../api/v2/auth/login?next={quote(here, safe='')}", status_code=status.HTTP_302_FOUND)
    text = _environment().get_template("refused.html").render(detail=found.detail, code=found.status_code)
    return HTMLResponse(text, status_code=found.status_code)


def _bad_request(error: Exception) -> HTTPException:
    first = error.errors()[0] if isinstance(error, RequestValidationError) else {}
    name = str(first.get("loc", ("", "a part"))[-1])
    detail = f"{name} is {first.get('input')!a:.100}: {first.get('msg', 'it can not be read')}; leave it out"
    return HTTPException(status.HTTP_400_BAD_REQUEST, detail)


def make_app() -> FastAPI:
    """Return the application that Airflow's API server mounts."""
    app = FastAPI(title="ECS registry", openapi_url=None, docs_url=None, redoc_url=None)
    app.middleware("http")(_add_headers)
    app.add_exception_handler(HTTPException, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse)
    app.get("/", response_class=HTMLResponse, dependencies=_ACCESS)(_show_page)
    app.get("/definitions.json", dependencies=_ACCESS)(_show_json)
    app.mount("/static", StaticFiles(directory=_HERE / "static"), name="static")
    return app
