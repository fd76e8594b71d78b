"""The sandbox as one ASGI app: every vendor under its name, its own interface beside them, the feeds at the root.

A vendor is found, not registered: each module in `social/` whose name has no leading underscore holds a `VENDOR`.
"""

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from typing import cast

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import Receive, Scope, Send

from amp.kit.clock import Clock
from amp.kit.database import Database, out_of_reach
from amp.kit.errors import AmpError, Forbidden, NotFound, Unauthenticated, Unavailable
from amp.kit.fetching import Fetcher
from amp.kit.telemetry import warn_rarely
from amp.sandbox import social
from amp.sandbox.control import control_routes
from amp.sandbox.feeds import feed_routes
from amp.sandbox.serving import routes_of
from amp.sandbox.vendor import Refusal, Sandbox, SocialVendor
from amp.sandbox.writing import anthropic, openai, openai_shapes

_STATUSES: tuple[tuple[type[AmpError], int], ...] = (
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Unavailable, 503),
)


def create_sandbox(
    *,
    database: Database,
    clock: Clock,
    signing_key: bytes,
    authorize: Callable[[Request], Awaitable[str]],
    fetcher: Fetcher | None = None,
) -> Starlette:
    """The app to mount at `/sandbox`. `authorize` names the owner (a workspace id) for whom a request's
    admin-scoped test key speaks, or raises AmpError. `fetcher` is how vendors get media; the default one reaches
    public addresses only."""
    sandbox = Sandbox(database, clock, signing_key, authorize, fetcher or Fetcher())
    vendors = social_vendors()
    routes: list[BaseRoute] = [
        *feed_routes(sandbox, vendors),
        *control_routes(sandbox, vendors, frozenset({anthropic.NAME, openai.NAME})),
        *(_mount(sandbox, vendor) for vendor in vendors.values()),
        Mount(f"/{anthropic.NAME}", app=_router(anthropic.anthropic_routes(sandbox), anthropic.refuse)),
        Mount(f"/{openai.NAME}", app=_router(openai.openai_routes(sandbox), openai_shapes.refuse)),
    ]
    handlers = {AmpError: _expected, HTTPException: _http, DBAPIError: _away, PoolTimeout: _away}
    return Starlette(routes=routes, exception_handlers=cast(Mapping[object, Callable[..., Response]], handlers))


@cache
def social_vendors() -> Mapping[str, SocialVendor]:
    found: dict[str, SocialVendor] = {}
    for module in pkgutil.iter_modules(social.__path__):
        if not module.name.startswith("_"):
            vendor: SocialVendor = importlib.import_module(f"{social.__name__}.{module.name}").VENDOR
            found[vendor.name] = vendor
    return found


def _mount(sandbox: Sandbox, vendor: SocialVendor) -> Mount:
    def refuse(refusal: Refusal) -> Response:
        return vendor.dress(vendor.refuse(refusal), None)

    return Mount(f"/{vendor.name}", app=_router(routes_of(sandbox, vendor), refuse))


def _router(routes: Sequence[Route], refuse: Callable[[Refusal], Response]) -> Router:
    """Paths that do not exist are refused in the vendor's own words."""

    async def no_such_path(scope: Scope, receive: Receive, send: Send) -> None:
        await refuse(Refusal.NO_SUCH_PATH)(scope, receive, send)

    return Router(routes, redirect_slashes=False, default=no_such_path)


def _expected(_request: Request, error: Exception) -> Response:
    assert isinstance(error, AmpError)  # noqa: S101 (that is what it is registered for)
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 400)
    headers = {"Retry-After": f"{error.retry_after:.0f}"} if isinstance(error, Unavailable) else None
    return JSONResponse({"error": {"code": error.code, "message": error.message}}, status, headers)


def _away(request: Request, error: Exception) -> Response:
    """No vendor answers while the database is away. What else it says is a bug of ours."""
    passing = out_of_reach(error)
    if passing is None:
        raise error
    warn_rarely("the sandbox waits for the database", error=passing.message)
    return _expected(request, passing)


def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 (that is what it is registered for)
    return JSONResponse({"error": {"code": "http_error", "message": error.detail}}, error.status_code)
