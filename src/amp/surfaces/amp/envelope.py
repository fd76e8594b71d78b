"""The dialect of the AMP contract: lists, errors and their statuses."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from amp.domain.tenants.plans import AMP_RATES, Rates
from amp.kit.errors import (
    AmpError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    OverBudget,
    OverLimit,
    ProviderFailed,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from amp.kit.ids import Kind, decode
from amp.kit.pagination import Cursor, Page

Item = TypeVar("Item")
Row = TypeVar("Row")

_STATUS: tuple[tuple[type[AmpError], int], ...] = (
    (Invalid, 400),
    (Unauthenticated, 401),
    (OverBudget, 402),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (TooLarge, 413),
    (OverLimit, 429),
    (ProviderFailed, 502),
    (Unavailable, 503),
)
_STATUS_OF_CODES = {"method_not_allowed": 405, "unsupported_media_type": 415, "idempotency_mismatch": 422}

CODES = {
    "invalid_request": (400, "The request is not as the contract says; param names the field."),
    "invalid_period": (400, "Periods are 7d, 30d, 90d, ytd, all, or YYYY-MM-DD/YYYY-MM-DD."),
    "invalid_cursor": (400, "starting_after or ending_before is not the id of a listed object."),
    "platform_not_connected": (400, "The platform set has no active account on a platform; connect one."),
    "writer_not_configured": (400, "Nobody is set up to write; set AMP_WRITER."),
    "unauthorized": (401, "No API key or access token, or one that is unknown, expired or revoked."),
    "budget_exhausted": (402, "The budget does not allow it; raise it and try again."),
    "forbidden": (403, "Known, but not allowed: ask somebody who has the permission."),
    "live_disabled": (403, "The server's clock runs fast, so live keys are off; use a test key."),
    "not_found": (404, "There is no such thing, or it belongs to somebody else."),
    "link_expired": (410, "The address of a medium is past its time; ask for the post again."),
    "method_not_allowed": (405, "This path has other methods; the Allow header names them."),
    "conflict": (409, "The object is in a state that does not allow this; look at it and decide."),
    "request_in_progress": (409, "The first request with this Idempotency-Key is still running; repeat it later."),
    "payload_too_large": (413, "The request body is too large."),
    "unsupported_media_type": (415, "Send JSON, with 'Content-Type: application/json'."),
    "idempotency_mismatch": (422, "This Idempotency-Key was used for another request; use a new one."),
    "rate_limited": (429, "Too many requests; wait as long as Retry-After says."),
    "internal_error": (500, "Something went wrong on our side; report it with the X-Request-ID."),
    "provider_failed": (502, "A service that we depend on failed or refused."),
    "unavailable": (503, "The server cannot answer now; wait as long as Retry-After says."),
}
"""What the page at /docs/errors explains."""


class ErrorDetail(BaseModel):
    code: str
    message: str
    param: str | None = None
    doc_url: str


class ErrorEnvelope(BaseModel):
    error: ErrorDetail


@dataclass(frozen=True)
class AmpContract:
    base_url: str
    name: str = "amp"
    keys_by_plan: bool = False
    error_model: type[BaseModel] = ErrorEnvelope

    def rates(self, operation: str) -> Rates:
        return AMP_RATES

    def field(self, path: str) -> str:
        return path

    def answer(self, error: AmpError, status: int | None = None) -> Response:
        detail = ErrorDetail(
            code=error.code,
            message=error.message,
            param=error.param,
            doc_url=f"{self.base_url}/docs/errors#{error.code}",
        )
        status = status or status_of(error)
        body = ErrorEnvelope(error=detail).model_dump(exclude_none=True)
        return JSONResponse(body, status, headers=_headers(error, status))


def status_of(error: AmpError) -> int:
    known = (status for kind, status in _STATUS if isinstance(error, kind))
    return _STATUS_OF_CODES.get(error.code) or next(known, 500)


def _headers(error: AmpError, status: int) -> dict[str, str]:
    if isinstance(error, OverLimit | Unavailable):
        return {"Retry-After": str(math.ceil(error.retry_after))}
    return {"WWW-Authenticate": "Bearer"} if status == 401 else {}


class Listing(BaseModel, Generic[Item]):
    """A page of a list, newest first."""

    data: list[Item]
    has_more: bool
    total: int


def listing(page: Page[Row], view: Callable[[Row], Item]) -> Listing[Item]:
    return Listing(data=[view(row) for row in page.items], has_more=page.has_more, total=page.total)


@dataclass(frozen=True)
class PageRequest:
    limit: int
    starting_after: str | None
    ending_before: str | None

    def cursor(self, kind: Kind) -> Cursor:
        """Errors: Invalid (`invalid_cursor`), for anything that is not an id of this kind."""
        return Cursor(
            limit=self.limit,
            starting_after=_cursor_id(kind, self.starting_after, "starting_after"),
            ending_before=_cursor_id(kind, self.ending_before, "ending_before"),
        )


def _cursor_id(kind: Kind, text: str | None, param: str) -> UUID | None:
    try:
        return text if text is None else decode(kind, text, what="Cursor")
    except NotFound as error:
        raise Invalid(f"'{param}' is not the id of a listed object", code="invalid_cursor", param=param) from error


async def _paging(
    limit: Annotated[int, Query(ge=1, le=100)] = 20, starting_after: str | None = None, ending_before: str | None = None
) -> PageRequest:
    return PageRequest(limit, starting_after, ending_before)


Paging = Annotated[PageRequest, Depends(_paging)]
"""`limit`, `starting_after` and `ending_before` of a list; `paging.cursor(Kind...)` checks them."""


class Deleted(BaseModel):
    id: str
    deleted: bool = True


def errors_page() -> str:
    """The page that `doc_url` leads to."""
    rows = "".join(
        f'<tr id="{code}"><td><code>{code}</code></td><td>{status}</td><td>{escape(text)}</td></tr>'
        for code, (status, text) in CODES.items()
    )
    style = "body{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}td{padding:.3rem .8rem}"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Errors</title><style>{style}:target'
        "{background:#ffc}</style><h1>Errors of the AMP API</h1><table>"
        f"<tr><th>Code</th><th>Status</th><th>What to do</th></tr>{rows}</table></html>"
    )
