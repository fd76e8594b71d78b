"""Around every contract, below any framework: the request's id, the headers that guards add to an answer, the
limit of a body, and the time it all took."""

import asyncio
import re
import time
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from amp.kit.errors import TooLarge
from amp.kit.ids import request_id
from amp.kit.telemetry import REQUESTS
from amp.surfaces.contract import Contract

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_ANSWER_HEADERS = "amp.answer_headers"
_BODY_ALLOWANCE = "amp.body_allowance"


def answer_headers(scope: MutableMapping[str, Any]) -> dict[str, str]:
    """Headers that the answer to this request will carry, whatever becomes of it."""
    return scope.setdefault(_ANSWER_HEADERS, {})


class RequestIds:
    """Every answer carries `X-Request-ID`: the caller's if it is a valid one, else ours. It is bound to every
    log line, and the jobs that a request causes inherit it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = answer_headers(scope)
        given = Headers(scope=scope).get("x-request-id", "")
        headers["X-Request-ID"] = given if _REQUEST_ID.fullmatch(given) else request_id()

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                ours = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
                message["headers"] = [*message.get("headers", ()), *ours]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=headers["X-Request-ID"]):
            await self._app(scope, receive, send_with_headers)


class Mounts:
    """Sends a request to the first application below whose prefix it lies, and all others to `rest`. As Starlette's
    `Mount`, for applications that look after their own errors: a request need not pass through another one before."""

    def __init__(self, mounts: Mapping[str, ASGIApp], rest: ASGIApp) -> None:
        self._mounts = [(prefix, f"{prefix}/", app) for prefix, app in mounts.items()]
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            root = scope.get("root_path", "")
            for prefix, start, app in self._mounts:
                if scope["path"].startswith(start, len(root)):
                    scope["root_path"] = root + prefix
                    return await app(scope, receive, send)
        return await self._rest(scope, receive, send)


class Timed:
    """Observes how long the answers of one surface take."""

    def __init__(self, app: ASGIApp, surface: str) -> None:
        self._app = app
        self._surface = surface

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), "500"

        async def send_noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, send_noting_status)
        finally:
            elapsed = time.perf_counter() - started
            REQUESTS.labels(self._surface, _method(scope["method"]), status).observe(elapsed)


def _method(method: str) -> str:
    """Metrics keep a line for every label: strangers must not invent them."""
    known = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    return method if method in known else "OTHER"


def allow_body(scope: MutableMapping[str, Any], limit: int) -> None:
    """Let the body of this request be larger than others: for a route that never holds it."""
    scope[_BODY_ALLOWANCE].append(limit)


class BodyLimit:
    """Refuses a body larger than `limit` bytes, by its declared length or, if that lies or is missing, as soon
    as too much has come. A form is judged when it is read: by then its route may have allowed more. Who stays silent
    for `patience` seconds in the middle of a body has gone."""

    def __init__(self, app: ASGIApp, contract: Contract, limit: int, patience: float) -> None:
        self._app = app
        self._contract = contract
        self._limit = limit
        self._patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        length = headers.get("content-length", "")
        declared = int(length) if length.isdecimal() else 0
        if declared > self._limit and not headers.get("content-type", "").startswith("multipart/form-data"):
            await self._contract.answer(self._error(self._limit))(scope, receive, send)
            return
        allowances = scope[_BODY_ALLOWANCE] = [self._limit]
        received, complete = 0, False

        async def receive_counting() -> Message:
            nonlocal received, complete
            if declared > allowances[-1]:
                raise self._error(allowances[-1])
            message = await (receive() if complete else self._soon(receive))
            complete = not message.get("more_body", False)
            received += len(message.get("body", b""))
            if received > allowances[-1]:
                raise self._error(allowances[-1])
            return message

        await self._app(scope, receive_counting, send)

    async def _soon(self, receive: Receive) -> Message:
        try:
            async with asyncio.timeout(self._patience):
                return await receive()
        except TimeoutError:
            return {"type": "http.disconnect"}

    def _error(self, limit: int) -> TooLarge:
        return TooLarge(f"A request body has at most {limit} bytes")
