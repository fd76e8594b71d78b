"""The application of one contract: its routes, all its errors in its own envelope, its own OpenAPI document."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route
from starlette.types import Scope

from amp.kit.errors import AmpError, Invalid, NotFound
from amp.kit.telemetry import log
from amp.surfaces.contract import Contract
from amp.surfaces.door import Door
from amp.surfaces.edge import BodyLimit
from amp.surfaces.refusals import refusal
from amp.surfaces.surface import Surface


@dataclass(frozen=True)
class About:
    title: str
    version: str
    openapi: bool = True
    """Whether to serve `/openapi.json`."""
    body_limit: int = 1_000_000
    """Bytes of a request's body."""
    body_patience: float = 60.0
    """Seconds of silence in the middle of a body after which its sender has gone."""


class ContractApp(Starlette):
    """FastAPI is in its routes and its document. What a FastAPI application puts around every request besides
    (telemetry, another limit of bodies, a stack of exits) is of no use here."""

    def __init__(self, door: Door, contract: Contract, about: About, surfaces: Iterable[Surface]) -> None:
        limit = Middleware(BodyLimit, contract=contract, limit=about.body_limit, patience=about.body_patience)
        super().__init__(middleware=[limit])
        self.router.redirect_slashes = False
        self.state.door = door
        self.openapi_url = "/openapi.json" if about.openapi else None
        self._about = about
        self._surface_routes = [route for surface in surfaces for route in surface.routes(contract)]
        self._document: dict[str, Any] | None = None
        self.routes.extend(self._surface_routes)
        self.routes.extend(route.head() for route in self._surface_routes if "GET" in (route.methods or ()))
        if self.openapi_url:
            self.add_route(self.openapi_url, self._answer_openapi)
        render_errors(self, contract)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, made at the first request for it."""
        if self._document is None:
            document = get_openapi(title=self._about.title, version=self._about.version, routes=self._surface_routes)
            components = document.setdefault("components", {})
            components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
            self._document = document
        return self._document

    async def _answer_openapi(self, request: Request) -> Response:
        return JSONResponse(self.openapi() | {"servers": [{"url": request.scope["root_path"]}]})


def render_errors(app: Any, contract: Contract) -> None:
    """Every error of a Starlette or FastAPI application in the contract's envelope."""

    async def ours(_request: Request, error: AmpError) -> Response:
        return contract.answer(error)

    async def refused(_request: Request, error: RequestValidationError) -> Response:
        return contract.answer(refusal(error.errors(), written=contract.field))

    async def routing(request: Request, error: HTTPException) -> Response:
        return _routing_error(request, error, contract)

    async def gone(_request: Request, _error: ClientDisconnect) -> Response:
        return Response(status_code=400)

    async def unexpected(request: Request, error: Exception) -> Response:
        log.error("request failed", path=request.url.path, exc_info=error)
        return contract.answer(AmpError("Something went wrong on our side", code="internal_error"))

    for kind, render in (
        (AmpError, ours),
        (RequestValidationError, refused),
        (HTTPException, routing),
        (ClientDisconnect, gone),
        (Exception, unexpected),
    ):
        app.add_exception_handler(kind, render)


def _routing_error(request: Request, error: HTTPException, contract: Contract) -> Response:
    place = f"{request.method} {request.url.path}"
    if error.status_code == 404:
        return contract.answer(NotFound(f"There is no {place}"))
    if error.status_code == 405:
        allowed = ", ".join(sorted(_allowed_methods(request.scope)))
        refused = Invalid(f"There is no {place}, only {allowed}", code="method_not_allowed")
        answer = contract.answer(refused, 405)
        answer.headers["Allow"] = allowed
        return answer
    return contract.answer(Invalid(str(error.detail)), error.status_code)


def _allowed_methods(scope: Scope) -> set[str]:
    """Of all routes at this path: the framework would name only the first."""
    found: set[str] = set()
    for route in scope["app"].routes:
        if isinstance(route, Route) and route.matches(scope)[0] is Match.PARTIAL:
            found |= route.methods or set()
    return found
