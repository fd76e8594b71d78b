"""What OpenAI's endpoints share: error bodies, headers, and the rules of strict schemas."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from starlette.responses import JSONResponse, Response

from amp.kit.ids import request_id
from amp.sandbox.vendor import Refusal, Refused

_ERRORS: dict[Refusal, tuple[int, str, str, str | None]] = {
    Refusal.NO_TOKEN: (401, "invalid_request_error", "You didn't provide an API key.", None),
    Refusal.UNKNOWN_TOKEN: (401, "invalid_request_error", "Incorrect API key provided.", "invalid_api_key"),
    Refusal.RATE_LIMITED: (429, "requests", "Rate limit reached for requests.", "rate_limit_exceeded"),
    Refusal.RATE_LIMITED_BARE: (429, "requests", "Rate limit reached for requests.", "rate_limit_exceeded"),
    Refusal.TOO_LARGE: (413, "invalid_request_error", "The request is too large.", None),
    Refusal.NO_SUCH_PATH: (404, "invalid_request_error", "Invalid URL", None),
    Refusal.BROKEN: (500, "server_error", "The server had an error while processing your request.", None),
}


def refuse(refusal: Refusal) -> Response:
    status, kind, message, code = _ERRORS[refusal]
    response = _error(status, kind, message, code=code)
    if refusal is Refusal.RATE_LIMITED:
        response.headers["retry-after"] = "5"
        response.headers["x-ratelimit-remaining-requests"] = "0"
    return response


def complaint(path: str, message: str) -> Refused:
    """A 400 that names the member."""
    if message.startswith("Extra inputs"):
        return Refused(_error(400, "invalid_request_error", f"Unknown parameter: '{path}'.", path, "unknown_parameter"))
    if message == "Field required":
        text = f"Missing required parameter: '{path}'."
        return Refused(_error(400, "invalid_request_error", text, path, "missing_required_parameter"))
    return Refused(_error(400, "invalid_request_error", f"Invalid '{path}': {message}", path or None, "invalid_value"))


def headed(response: Response) -> Response:
    response.headers["x-request-id"] = request_id()
    response.headers["openai-version"] = "2020-10-01"
    response.headers["openai-processing-ms"] = "12"
    response.headers["x-ratelimit-limit-requests"] = "10000"
    response.headers["x-ratelimit-remaining-requests"] = "9999"
    response.headers["x-ratelimit-reset-requests"] = "6ms"
    return response


def check_strict(schema: Any, name: str, path: str) -> None:
    """A strict schema closes every object and requires every property of it."""
    for place, part in _objects(schema, ()):
        problem = _looseness(part)
        if problem:
            where = ", ".join(repr(step) for step in place)
            message = f"Invalid schema for response_format '{name}': In context=({where}), {problem}"
            raise Refused(_error(400, "invalid_request_error", message, path, "invalid_json_schema"))


def _looseness(schema: Mapping[str, Any]) -> str | None:
    if schema.get("additionalProperties") is not False:
        return "'additionalProperties' is required to be supplied and to be false."
    missing = sorted(set(schema.get("properties", {})) - set(schema.get("required", ())))
    if missing:
        return (
            "'required' is required to be supplied and to be an array including every key in properties. "
            f"Missing '{missing[0]}'."
        )
    return None


def _objects(schema: Any, path: tuple[str, ...]) -> Sequence[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Every object schema inside a schema, with the way to it."""
    if isinstance(schema, list):
        entries = enumerate(cast(list[Any], schema))
        return [found for place, entry in entries for found in _objects(entry, (*path, str(place)))]
    if not isinstance(schema, Mapping):
        return []
    members = cast(Mapping[str, Any], schema)
    own = [(path, members)] if members.get("type") == "object" else []
    inner = [found for name, value in members.items() for found in _objects(value, (*path, name))]
    return [*own, *inner]


def _error(status: int, kind: str, message: str, param: str | None = None, code: str | None = None) -> Response:
    body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    return headed(JSONResponse(body, status))
