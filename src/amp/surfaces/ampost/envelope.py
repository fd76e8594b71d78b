"""The dialect of the Ampost contract: errors with codes in capitals, their statuses, and the rates of its
operations."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from amp.domain.publishing.lifecycle import WrongStatus
from amp.domain.tenants.plans import AMPOST_RATES, Rates
from amp.kit.errors import (
    AmpError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    OverBudget,
    OverLimit,
    ProviderFailed,
    Reconnect,
    Rejected,
    TooLarge,
    Unauthenticated,
    Unavailable,
)

CODES: Mapping[str, tuple[int, str]] = {
    "VALIDATION_FAILED": (400, "Request failed validation"),
    "NO_PLATFORMS_SELECTED": (400, "No target platform selected"),
    "PLATFORM_NOT_CONNECTED": (400, "The platform set has no active account on a platform; connect one"),
    "CONTENT_TOO_LONG": (400, "Text exceeds platform limit"),
    "UNSUPPORTED_MEDIA_TYPE": (400, "Media type not supported"),
    "UNSUPPORTED_MEDIA_CONFIG": (400, "Media configuration not supported by platform"),
    "INVALID_PLACEMENT": (400, "Selected placement is invalid for the media configuration"),
    "MIXED_MEDIA_NOT_SUPPORTED": (400, "Platform does not support mixing image and video media"),
    "UNAUTHORIZED": (401, "No API key, or one that is unknown, expired or revoked"),
    "FORBIDDEN": (403, "Known, but not allowed: the plan, the role or the key's scopes do not include it"),
    "PLAN_WITHOUT_API_KEYS": (403, "The plan has no API keys; use the dashboard, or another plan"),
    "SESSION_REQUIRED": (403, "This belongs to the dashboard: it takes the session cookie, never an API key"),
    "CSRF_FAILED": (403, "A write with the session cookie needs the X-CSRF-Token that GET /api/session tells"),
    "PAGE_IDENTITY_CONFIRMATION_REQUIRED": (
        403,
        "Facebook requires the Page manager to complete identity confirmation in the Facebook mobile app before "
        "publishing",
    ),
    "LIVE_DISABLED": (403, "The server's clock runs fast, so live keys are off; use a test key"),
    "POST_NOT_FOUND": (404, "Post missing or not owned by user"),
    "NOT_FOUND": (404, "There is no such thing, or it belongs to somebody else"),
    "METHOD_NOT_ALLOWED": (405, "This path has other methods; the Allow header names them"),
    "INVALID_STATUS_TRANSITION": (409, "Operation is invalid for current post status"),
    "CONFLICT": (409, "The object is in a state that does not allow this; look at it and decide"),
    "REQUEST_IN_PROGRESS": (409, "The first request with this Idempotency-Key is still running; repeat it later"),
    "PAYLOAD_TOO_LARGE": (413, "The request body, or a file in it, is too large"),
    "UNSUPPORTED_CONTENT_TYPE": (415, "Send JSON (or a form with files, where the route takes one)"),
    "IDEMPOTENCY_MISMATCH": (422, "This Idempotency-Key was used for another request; use a new one"),
    "RATE_LIMITED": (429, "Rate limit exceeded; wait as long as Retry-After says"),
    "INTERNAL_ERROR": (500, "Something went wrong on our side; report it with the X-Request-ID"),
    "MEDIA_UPLOAD_FAILED": (502, "Platform media upload failed"),
    "BROKER_ERROR": (502, "Platform broker failure"),
    "INVALID_CONFIG": (502, "The operator of this server has not set up the platform"),
    "UNAVAILABLE": (503, "The server cannot answer now; wait as long as Retry-After says"),
}
"""The codes that errors of this contract have; what vendors refuse may bring more (`BROKER_CODES`)."""

BROKER_CODES: Mapping[str, str] = {
    "AUTH_EXPIRED": "The account's access has ended; connect it again, then retry",
    "AUTH_REVOKED": "The owner, or the platform, has withdrawn the access; connect the account again, then retry",
    "REFRESH_TOKEN_EXPIRED": "The access cannot be renewed any more; connect the account again, then retry",
    "CONNECTION_NOT_FOUND": "The account was disconnected; connect it again, then retry",
    "TOKEN_EXCHANGE_FAILED": "The platform gave no access when the account was connected; begin again",
    "PROFILE_FETCH_FAILED": "The platform did not tell whose account it is; begin again",
    "PUBLISH_FAILED": "The platform refused the post for a reason of its own, which the message tells; change it",
    "PLATFORM_ERROR": "The platform failed, or could not be reached, for an hour; retry",
    "INVALID_CONFIG": "The operator's app at the platform is not set up for this",
    "DUPLICATE": "The platform says that it has this very post already",
    "MISSED": "It could not go out until long after its time, and the message says why; retry if it still matters",
    "UNCONFIRMED": "Whether it is public is not known; look at the account, then `POST /posts/{post_id}/resolve`",
}
"""What a platform's part of a post, or its account, may fail with besides the codes above, and what to do."""

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
_INDEX = re.compile(r"\.([0-9]+)(?=\.|$)")
_OTHER_NAMES = {"INVALID_REQUEST": "VALIDATION_FAILED", "PROVIDER_FAILED": "BROKER_ERROR"}


class ErrorDetail(BaseModel):
    code: str
    message: str
    details: dict[str, Any] | None = None
    """`field` names the part of the request; `problems` lists all that is wrong with a post."""


class ErrorEnvelope(BaseModel):
    error: ErrorDetail


@dataclass(frozen=True)
class AmpostContract:
    name: str = "ampost"
    keys_by_plan: bool = True
    error_model: type[BaseModel] = ErrorEnvelope

    def rates(self, operation: str) -> Rates:
        return AMPOST_RATES["apiRead" if operation == "api" else operation]

    def field(self, path: str) -> str:
        """As `problems` write it, and in nested requests as in flat ones: `content.media.0.url` is `media[0].url`."""
        return _INDEX.sub(r"[\1]", path.removeprefix("content."))

    def answer(self, error: AmpError, status: int | None = None) -> Response:
        code = code_of(error)
        details = {**({"field": self.field(error.param)} if error.param else {}), **(error.details or {})}
        detail = ErrorDetail(code=code, message=error.message, details=details or None)
        body = ErrorEnvelope(error=detail).model_dump(mode="json", exclude_none=True)
        status = status or status_of(error, code)
        return JSONResponse(body, status, headers=_headers(error, status))


def code_of(error: AmpError) -> str:
    """The code of an error in this contract: the domain's own, in capitals, under the names of the contract."""
    if isinstance(error, WrongStatus):
        return "INVALID_STATUS_TRANSITION"
    if isinstance(error, ProviderFailed) and isinstance(error.remedy, Rejected):
        return error.remedy.code
    if isinstance(error, ProviderFailed) and isinstance(error.remedy, Reconnect):
        return error.remedy.code
    if error.code == "unsupported_media_type":  # of a request; in capitals it means media of a post
        return "UNSUPPORTED_CONTENT_TYPE"
    code = error.code.upper()
    return _OTHER_NAMES.get(code, code)


def status_of(error: AmpError, code: str) -> int:
    if code in CODES:
        return CODES[code][0]
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def _headers(error: AmpError, status: int) -> dict[str, str]:
    if isinstance(error, OverLimit | Unavailable):
        return {"Retry-After": str(math.ceil(error.retry_after))}
    return {"WWW-Authenticate": "Bearer"} if status == 401 else {}
