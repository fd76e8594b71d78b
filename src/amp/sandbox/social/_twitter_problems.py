"""How X says no, and what is on every answer. The shapes are those of X's own local emulator and of the contract;
clients compare the last segment of a problem's type, because its host has changed before.

    401, 403, 429, 5xx   {"title", "type": "about:blank", "status", "detail"}
    400                  {"errors": [{"parameters", "message"}], "title", "detail", "type": ".../invalid-request"}
    404, or beside data  {"errors": [{"value", "parameter", "resource_id", "resource_type", ...}]}
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from starlette.responses import JSONResponse, Response

from amp.kit.ids import request_id
from amp.sandbox.vendor import Refusal, Refused, Window

PROBLEMS = "https://api.x.com/2/problems"
NOT_PERMITTED = "You are not permitted to perform this action."
CREDITS_DEPLETED = "Your enrolled account does not have any credits to fulfill this request."
TOO_LONG_A_FILM = "This user is not allowed to post a video longer than 20 minutes."
DUPLICATE = "You are not allowed to create a Tweet with duplicate content."

_REFUSALS: dict[Refusal, tuple[int, str, str]] = {
    Refusal.NO_TOKEN: (401, "Unauthorized", "Unauthorized"),
    Refusal.UNKNOWN_TOKEN: (401, "Unauthorized", "Unauthorized"),
    Refusal.EXPIRED_TOKEN: (401, "Unauthorized", "Unauthorized"),
    Refusal.REVOKED_TOKEN: (401, "Unauthorized", "Unauthorized"),
    Refusal.MISSING_SCOPE: (403, "Forbidden", NOT_PERMITTED),
    Refusal.RATE_LIMITED: (429, "Too Many Requests", "Too Many Requests"),
    Refusal.OVER_QUOTA: (429, "Too Many Requests", "Too Many Requests"),
    Refusal.TOO_LARGE: (413, "Payload Too Large", "The request entity is too large."),
    Refusal.NO_SUCH_PATH: (404, "Not Found", "Not Found"),
    Refusal.BROKEN: (500, "Internal Server Error", "Internal Server Error"),
}


def refuse(refusal: Refusal) -> Response:
    """Two look different from the rest: an app's token on a member's endpoint, and the older words for too many
    requests."""
    if refusal is Refusal.APP_TOKEN:
        return _unsupported_authentication()
    if refusal is Refusal.RATE_LIMITED_BARE:
        return JSONResponse({"errors": [{"code": 88, "message": "Rate limit exceeded"}]}, 429)
    status, title, detail = _REFUSALS[refusal]
    return problem(status, title, detail)


def problem(status: int, title: str, detail: str) -> JSONResponse:
    body = {"title": title, "type": "about:blank", "status": status, "detail": detail}
    return JSONResponse(body, status, media_type="application/problem+json")


def forbidden(detail: str) -> Refused:
    """A 403: somebody else's, said twice, or against the rules."""
    return Refused(problem(403, "Forbidden", detail))


def invalid(*errors: dict[str, Any]) -> Refused:
    """A 400; each error comes from `at`."""
    body = {
        "errors": list(errors),
        "title": "Invalid Request",
        "detail": "One or more parameters to your request was invalid.",
        "type": f"{PROBLEMS}/invalid-request",
    }
    return Refused(JSONResponse(body, 400, media_type="application/problem+json"))


def usage_capped() -> Refused:
    """The app's cap for a longer while, as the guide "Response codes" shows it."""
    body = {
        "title": "UsageCapExceeded",
        "detail": "Usage cap exceeded: Daily product cap",
        "type": f"{PROBLEMS}/usage-capped",
        "period": "Daily",
        "scope": "Product",
        "status": 429,
    }
    return Refused(JSONResponse(body, 429, media_type="application/problem+json"))


def at(parameter: str, values: Sequence[str], message: str) -> dict[str, Any]:
    return {"parameters": {parameter: list(values)}, "message": message}


def not_found(parameter: str, value: str, kind: str = "tweet") -> dict[str, Any]:
    """One missing thing; comes with a 404 or, beside data, with a 200."""
    return {
        "value": value,
        "detail": f"Could not find {kind} with {parameter}: [{value}].",
        "title": "Not Found Error",
        "resource_type": kind,
        "parameter": parameter,
        "resource_id": value,
        "type": f"{PROBLEMS}/resource-not-found",
    }


def dress(response: Response, window: Window | None) -> Response:
    """The headers on every answer; `x-rate-limit-reset` is in seconds of the clock everybody sees."""
    response.headers["x-request-id"] = response.headers["x-transaction-id"] = request_id()
    response.headers["x-access-level"] = "read-write"
    if window:
        response.headers["x-rate-limit-limit"] = str(window.limit)
        response.headers["x-rate-limit-remaining"] = str(window.remaining)
        response.headers["x-rate-limit-reset"] = str(int(window.resets_at.timestamp()))
    return response


def dress_quota(response: Response, quota: Window | None) -> Response:
    """What the app's accounts have left together: of a day in headers of its own; a shorter window takes the place of
    the account's once it is used up."""
    if quota and quota.used > quota.limit:
        dress(response, quota)
    if quota and quota.lasts >= timedelta(days=1):
        response.headers["x-app-limit-24hour-limit"] = str(quota.limit)
        response.headers["x-app-limit-24hour-remaining"] = str(quota.remaining)
        response.headers["x-app-limit-24hour-reset"] = str(int(quota.resets_at.timestamp()))
    return response


def _unsupported_authentication() -> JSONResponse:
    error = {
        "title": "Unsupported Authentication",
        "detail": "Authenticating with OAuth 2.0 Application-Only is forbidden for this endpoint.",
        "type": f"{PROBLEMS}/unsupported-authentication",
        "status": 403,
    }
    return JSONResponse({"errors": [error]}, 403, media_type="application/problem+json")
