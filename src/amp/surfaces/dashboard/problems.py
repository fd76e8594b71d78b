"""Errors on a page, for whoever navigates with a browser; programs get what they got before."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from amp.surfaces.browser import wants_page
from amp.surfaces.dashboard.showing import show
from amp.surfaces.edge import answer_headers

_TITLES = {
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    413: "Too large",
    429: "Too many requests",
    503: "Away for a moment",
}
_KEPT = ("retry-after", "allow")

Render = Callable[[Request, Any], Awaitable[Response]]


def render_problems(app: Starlette) -> None:
    """Put a page over each error that `app` knows to render, with the same status and the same words."""
    for kind, render in list(app.exception_handlers.items()):
        app.add_exception_handler(kind, _on_a_page(render))  # pyright: ignore[reportArgumentType]


def _on_a_page(render: Any) -> Render:
    async def shown(request: Request, error: Any) -> Response:
        answer: Response = await render(request, error)
        if not wants_page(request) or not answer.body:
            return answer
        problem = json.loads(bytes(answer.body))["error"]
        lost = isinstance(error, HTTPException) and error.status_code == 404
        said = {
            "title": _TITLES.get(answer.status_code, "That did not work"),
            "sentence": f"There is no page at {request.url.path}" if lost else problem["message"].rstrip("."),
            "request_id": answer_headers(request.scope).get("X-Request-ID") if answer.status_code >= 500 else None,
            "sign_in": problem["code"] == "live_disabled",  # a session from before the clock ran fast
        }
        page = show("problem.html", said, status=answer.status_code)
        page.headers.update({name: answer.headers[name] for name in _KEPT if name in answer.headers})
        return page

    return shown
