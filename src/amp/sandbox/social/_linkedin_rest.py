"""LinkedIn: what every call to `/rest` must carry, and how LinkedIn says no ("API Versioning", "Error Handling")."""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.responses import JSONResponse, Response

from amp.kit.ids import request_id
from amp.sandbox.faults import Fault
from amp.sandbox.vendor import Call, Refusal, Refused, Window

_MONTHS_ALIVE = 18
_VERSION = re.compile(r"(\d{4})(0[1-9]|1[0-2])")

_REFUSALS: dict[Refusal, tuple[int, str, int | None, str]] = {
    Refusal.NO_TOKEN: (401, "EMPTY_ACCESS_TOKEN", 65604, "Empty oauth2 access token"),
    Refusal.UNKNOWN_TOKEN: (401, "INVALID_ACCESS_TOKEN", 65600, "Invalid access token"),
    Refusal.EXPIRED_TOKEN: (401, "EXPIRED_ACCESS_TOKEN", 65602, "The token used in the request has expired"),
    Refusal.REVOKED_TOKEN: (
        401,
        "REVOKED_ACCESS_TOKEN",
        65601,
        "The token used in the request has been revoked by the user",
    ),
    Refusal.APP_TOKEN: (403, "ACCESS_DENIED", 100, "Not enough permissions to access this resource"),
    Refusal.MISSING_SCOPE: (403, "ACCESS_DENIED", 100, "Not enough permissions to access this resource"),
    Refusal.RATE_LIMITED: (429, "TOO_MANY_REQUESTS", 101, "Resource level throttle limit reached"),
    Refusal.RATE_LIMITED_BARE: (429, "TOO_MANY_REQUESTS", 101, "Resource level throttle limit reached"),
    Refusal.TOO_LARGE: (413, "REQUEST_TOO_LARGE", None, "Request entity too large"),
    Refusal.NO_SUCH_PATH: (404, "RESOURCE_NOT_FOUND", 0, "No virtual resource found"),
    Refusal.BROKEN: (500, "INTERNAL_SERVER_ERROR", None, "Internal Server Error"),
}

Model = TypeVar("Model", bound="Closed")


class Closed(BaseModel):
    """A record: unknown fields are refused, types are not coerced."""

    model_config = ConfigDict(extra="forbid", strict=True)


def refuse(refusal: Refusal) -> Response:
    status, code, number, message = _REFUSALS[refusal]
    return error(status, code, message, number).response


def error(status: int, code: str, message: str, number: int | None = None) -> Refused:
    body: dict[str, Any] = {"status": status, "code": code, "message": message}
    if number is not None:
        body["serviceErrorCode"] = number
    return Refused(JSONResponse(body, status))


def denied(message: str = "Not enough permissions to access this resource") -> Refused:
    return error(403, "ACCESS_DENIED", message, 100)


def invalid(field: str, message: str, code: str = "INVALID_VALUE_FOR_FIELD") -> Refused:
    return error(400, code, f"{field} :: {message}")


def dress(response: Response, window: Window | None) -> Response:
    """No header says when a limit ends."""
    response.headers["x-li-uuid"] = request_id().removeprefix("req_").upper()
    response.headers["x-li-fabric"] = "prod-lva1"
    response.headers["x-restli-protocol-version"] = "2.0.0"
    return response


def rest(perform: Callable[[Call], Awaitable[Response]]) -> Callable[[Call], Awaitable[Response]]:
    """The checks of every `/rest` call, then the call itself."""

    async def checked(call: Call) -> Response:
        _check_version(call)
        _check_encoding(call)
        return await perform(call)

    return checked


def version_of(call: Call) -> int:
    return int(call.request.headers["linkedin-version"])


def parse(call: Call, model: type[Model]) -> Model:
    if not call.request.headers.get("content-type", "").lower().startswith("application/json"):
        raise error(415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type must be application/json")
    try:
        return model.model_validate_json(call.body)
    except ValidationError as problem:
        first = problem.errors()[0]
        field = "/" + "/".join(str(step) for step in first["loc"])
        if first["type"] == "extra_forbidden":
            raise invalid(field, "unrecognized field found but not allowed") from problem
        if first["type"] == "missing":
            raise invalid(field, "field is required but not found and has no default value") from problem
        is_long = first["type"] in ("string_too_long", "too_long")
        code = "FIELD_LENGTH_TOO_LONG" if is_long else "INVALID_VALUE_FOR_FIELD"
        raise invalid(field, first["msg"], code) from problem


def person(call: Call) -> str:
    """The URN of the member whose token this is."""
    return f"urn:li:person:{call.account.remote_id}"


def check_standing(call: Call) -> None:
    """The day's limits end at midnight UTC, which no header says."""
    match call.misfortune.fault if call.misfortune else None:
        case Fault.QUOTA_EXHAUSTED:
            raise Refused(refuse(Refusal.RATE_LIMITED))
        case Fault.ACCOUNT_ACTION:
            raise denied("Member is restricted")
        case _:
            return


def check_is_caller(call: Call, urn: str, field: str) -> None:
    """One acts for oneself; organisations need a permission that members do not have."""
    if urn != person(call):
        raise denied(f"Member is not allowed to act as {json.dumps(urn)} in {field}")


def _check_version(call: Call) -> None:
    """A month's version lives for at least a year; the sandbox gives it a year and a half."""
    version = call.request.headers.get("linkedin-version")
    if version is None:
        raise error(400, "VERSION_MISSING", "A version must be present: add the LinkedIn-Version header.")
    match = _VERSION.fullmatch(version)
    age = None if match is None else (call.now.year - int(match[1])) * 12 + call.now.month - int(match[2])
    if age is None or not 0 <= age <= _MONTHS_ALIVE:
        raise error(426, "NONEXISTENT_VERSION", f"Requested version {version[:20]} is not active")
    if call.request.headers.get("x-restli-protocol-version") != "2.0.0":
        raise error(400, "ILLEGAL_ARGUMENT", "X-Restli-Protocol-Version must be 2.0.0")


def _check_encoding(call: Call) -> None:
    """URNs in a path or a query key are percent-encoded (Rest.li protocol 2.0)."""
    raw: bytes = call.request.scope.get("raw_path", b"")
    if b"urn:li:" in raw + b"?" + call.request.scope["query_string"]:
        raise error(400, "ILLEGAL_ARGUMENT", "URNs in paths and query parameters must be URL encoded")
