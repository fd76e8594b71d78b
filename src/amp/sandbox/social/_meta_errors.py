"""How Meta's graphs say no: one envelope, where the code and the subcode decide and the HTTP status says little.

{"error": {"message", "type", "code", "error_subcode"?, "is_transient"?, "error_user_title"?, "error_user_msg"?,
           "fbtrace_id"}}
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from starlette.responses import JSONResponse, Response

from amp.kit.secrets import random_token
from amp.sandbox.vendor import Refusal, Refused, Window

_NO_SUCH_OBJECT = (
    "Object with ID '{id}' does not exist, cannot be loaded due to missing permissions, or does not support this "
    "operation"
)
_MINUTES_UNTIL_ACCESS = 10
_BUSINESS = "178414050800001"
_SESSION = "Error validating access token: "
_EXPIRED = _SESSION + "Session has expired on Friday, 20-Nov-26 01:00:00 PST."
_REMOVED = _SESSION + "The user has not authorized application."


def failure(
    code: int,
    message: str,
    subcode: int | None = None,
    *,
    status: int = 400,
    kind: str = "OAuthException",
    transient: bool | None = None,
    title: str | None = None,
    text: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> Refused:
    """`title` and `text` are for the person at the screen, `data` for the program."""
    error: dict[str, Any] = {
        "message": message,
        "type": kind,
        "code": code,
        "error_data": json.dumps(data) if data is not None else None,
        "error_subcode": subcode,
        "is_transient": transient if transient is not None else False if subcode else None,
        "error_user_title": title,
        "error_user_msg": text,
        "fbtrace_id": f"A{random_token(16)}",
    }
    return Refused(JSONResponse({"error": {name: value for name, value in error.items() if value is not None}}, status))


def invalid(message: str, subcode: int | None = None, *, text: str | None = None) -> Refused:
    """A wrong parameter."""
    return failure(100, f"(#100) {message}", subcode, title="Invalid parameter" if text else None, text=text)


def gone(remote_id: str, verb: str = "get") -> Refused:
    """No such thing, or none that this caller may see."""
    message = f"Unsupported {verb} request. {_NO_SUCH_OBJECT.format(id=remote_id)}"
    return failure(100, message, 33, kind="GraphMethodException")


def forbidden(message: str, code: int = 200) -> Refused:
    return failure(code, f"(#{code}) {message}")


def unknown_path(path: str) -> Refused:
    return failure(2500, f"Unknown path components: {path}")


def refuser(*, limit_code: int, bare_limit_code: int, permission_code: int) -> Callable[[Refusal], Response]:
    """A vendor's general refusals. The graphs differ in which limit they say was reached, and which code a missing
    permission has."""
    limited = "There have been too many calls to this account. Wait a bit and try again."
    missing = f"(#{permission_code}) Requires a permission that this token does not carry"
    bare = f"(#{bare_limit_code}) Application request limit reached"
    words: dict[Refusal, tuple[int, str, int | None]] = {
        Refusal.NO_TOKEN: (104, "An access token is required to request this resource.", None),
        Refusal.UNKNOWN_TOKEN: (190, "Invalid OAuth access token - Cannot parse access token", None),
        Refusal.EXPIRED_TOKEN: (190, _EXPIRED, 463),
        Refusal.REVOKED_TOKEN: (190, _REMOVED, 458),
        Refusal.APP_TOKEN: (190, "A user access token is required to request this resource.", 467),
        Refusal.MISSING_SCOPE: (permission_code, missing, None),
        Refusal.RATE_LIMITED: (limit_code, f"(#{limit_code}) {limited}", 2446079),
        Refusal.RATE_LIMITED_BARE: (bare_limit_code, bare, None),
        Refusal.TOO_LARGE: (1, "Request entity too large", None),
        Refusal.NO_SUCH_PATH: (2500, "Unknown path components", None),
        Refusal.BROKEN: (2, "An unexpected error has occurred. Please retry your request later.", None),
    }
    statuses = {Refusal.TOO_LARGE: 413, Refusal.BROKEN: 500}

    def refuse(refusal: Refusal) -> Response:
        code, message, subcode = words[refusal]
        broken = True if refusal is Refusal.BROKEN else None
        return failure(code, message, subcode, status=statuses.get(refusal, 400), transient=broken).response

    return refuse


def dresser(use_case: str) -> Callable[[Response, Window | None], Response]:
    """The headers on every answer; there is no Retry-After. `use_case` is what the graph calls its own limits."""

    def dress(response: Response, window: Window | None) -> Response:
        percent = min(100, window.used * 100 // window.limit) if window else 0
        usage = {"call_count": percent, "total_cputime": percent // 2, "total_time": percent // 2}
        waits = _MINUTES_UNTIL_ACCESS if percent == 100 else 0
        business = {_BUSINESS: [{"type": use_case, **usage, "estimated_time_to_regain_access": waits}]}
        response.headers["x-app-usage"] = json.dumps(usage)
        response.headers["x-business-use-case-usage"] = json.dumps(business)
        response.headers["x-fb-trace-id"] = f"A{random_token(12)}"
        return response

    return dress
