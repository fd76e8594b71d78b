"""TikTok: the envelope of every answer, and how TikTok says no. Callers decide by `error.code`, never by the status.

{"data": {...}, "error": {"code": "ok", "message": "", "log_id": "..."}}
"""

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.responses import JSONResponse, Response

from amp.kit.ids import request_id
from amp.sandbox.vendor import Call, Refusal, Refused
from amp.sandbox.wire import media_type

_REFUSALS: dict[Refusal, tuple[int, str, str]] = {
    Refusal.NO_TOKEN: (401, "access_token_invalid", "The access token is invalid or not found in the request."),
    Refusal.UNKNOWN_TOKEN: (401, "access_token_invalid", "The access token is invalid or not found in the request."),
    Refusal.EXPIRED_TOKEN: (401, "access_token_invalid", "The access token is invalid or not found in the request."),
    Refusal.REVOKED_TOKEN: (401, "access_token_invalid", "The access token is invalid or not found in the request."),
    Refusal.APP_TOKEN: (401, "access_token_invalid", "The access token is not one of a user."),
    Refusal.MISSING_SCOPE: (401, "scope_not_authorized", "The user did not authorize the scope required for this."),
    Refusal.RATE_LIMITED: (429, "rate_limit_exceeded", "The API rate limit was exceeded. Please try again later."),
    Refusal.RATE_LIMITED_BARE: (429, "rate_limit_exceeded", "The API rate limit was exceeded. Please try again later."),
    Refusal.TOO_LARGE: (413, "invalid_param", "The request is too large."),
    Refusal.NO_SUCH_PATH: (404, "unsupported_path", "Unsupported path(Janus)"),
    Refusal.BROKEN: (500, "internal_error", "Something is wrong. Please try again later."),
}

Model = TypeVar("Model", bound="Closed")


class Closed(BaseModel):
    """Members that the reference names and no others; types are not coerced."""

    model_config = ConfigDict(extra="forbid", strict=True)


def refuse(refusal: Refusal) -> Response:
    return failure(*_REFUSALS[refusal]).response


def answered(data: Mapping[str, Any]) -> JSONResponse:
    return JSONResponse({"data": data, "error": _error("ok", "")})


def failure(status: int, code: str, message: str) -> Refused:
    return Refused(JSONResponse({"data": {}, "error": _error(code, message)}, status))


def invalid(message: str, code: str = "invalid_param") -> Refused:
    """`invalid_param` where one posts; the reading API says `invalid_params`."""
    return failure(400, code, message)


def log_id() -> str:
    return request_id().removeprefix("req_").upper()


def parse(call: Call, model: type[Model], code: str = "invalid_param") -> Model:
    if media_type(call.request) != "application/json":
        raise invalid("The Content-Type must be application/json; charset=UTF-8.", code)
    try:
        return model.model_validate_json(call.body or b"{}")
    except ValidationError as problem:
        first = problem.errors()[0]
        path = ".".join(str(step) for step in first["loc"]) or "body"
        raise invalid(f"The request is invalid: {path}: {first['msg']}", code) from problem


def need(call: Call, scope: str) -> None:
    """Where it depends on the request what the user must have authorized."""
    if scope not in call.scopes:
        raise failure(401, "scope_not_authorized", f"The user did not authorize the scope required: {scope}")


def fields(call: Call, known: Collection[str]) -> list[str]:
    """What the reader asks for: a comma-separated list, required, every entry of it known."""
    given = [entry.strip() for entry in call.request.query_params.get("fields", "").split(",") if entry.strip()]
    if not given or set(given) - set(known):
        wrong = ", ".join(sorted(set(given) - set(known))) or "fields is required"
        raise invalid(f"Fields are invalid: {wrong}", "invalid_params")
    return given


def _error(code: str, message: str) -> dict[str, str]:
    return {"code": code, "message": message, "log_id": log_id()}
