"""YouTube: what every call must carry: one of the scopes that suffice, known parameters, parts that exist."""

import hashlib
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from starlette.responses import JSONResponse, Response

from amp.sandbox.faults import Fault
from amp.sandbox.social._google_errors import error, invalid, refuse
from amp.sandbox.social._google_oauth import PREFIX
from amp.sandbox.vendor import Call, Refusal, Refused
from amp.sandbox.words import words

_STANDARD = words(
    "$.xgafv access_token alt callback fields key oauth_token prettyPrint quotaUser uploadType upload_protocol"
)

Model = TypeVar("Model", bound="Closed")
Perform = Callable[[Call], Awaitable[Response]]


class Closed(BaseModel):
    """A resource, camelCase on the wire: unknown names are refused, types are not coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel)


def youtube(perform: Perform, scopes: str, parameters: str = "") -> Perform:
    """`scopes`: any one of these suffices. `parameters`: those it knows besides Google's standard ones."""
    sufficient = {PREFIX + scope for scope in scopes.split()}
    known = words(parameters) | _STANDARD

    async def checked(call: Call) -> Response:
        if not sufficient & call.scopes:
            raise Refused(refuse(Refusal.MISSING_SCOPE))
        unknown = sorted(set(call.request.query_params) - known)
        if unknown:
            message = f'Invalid JSON payload received. Unknown name "{unknown[0]}": Cannot bind query parameter.'
            raise invalid("badRequest", message, "global")
        _check_standing(call)
        return await perform(call)

    return checked


def parts(call: Call, known: Collection[str]) -> list[str]:
    """What the caller wants to see of a resource."""
    given = [part.strip() for value in call.request.query_params.getlist("part") for part in value.split(",")]
    given = [part for part in given if part]
    if not given:
        raise error(400, "youtube.parameter", "missingRequiredParameter", "No part was selected.")
    unknown = [part for part in given if part not in known]
    if unknown:
        raise error(400, "youtube.part", "unknownPart", f"'{unknown[0]}'")
    return given


def parse(content: bytes, model: type[Model]) -> Model:
    try:
        return model.model_validate_json(content)
    except ValidationError as problem:
        first = problem.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        if first["type"] == "extra_forbidden":
            name = first["loc"][-1]
            message = f"Invalid JSON payload received. Unknown name \"{name}\" at '{place}': Cannot find field."
        else:
            message = f"Invalid value at '{place}': {first['msg']}"
        raise invalid("badRequest", message, "global") from problem


def listed(kind: str, items: list[dict[str, Any]], total: int | None = None, **more: Any) -> JSONResponse:
    count = len(items) if total is None else total
    info = {"totalResults": count, "resultsPerPage": len(items)}
    return JSONResponse({"kind": f"youtube#{kind}", "etag": etag(kind), **more, "items": items, "pageInfo": info})


def etag(seed: str) -> str:
    return hashlib.sha256(seed.encode()).hexdigest()[:27]


def moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def number(call: Call, name: str, low: int, high: int, default: int) -> int:
    given = call.request.query_params.get(name, str(default))
    if not given.isdecimal() or not low <= int(given) <= high:
        message = f"Invalid value '{given}'. Values must be within the range: [{low}, {high}]"
        raise invalid("invalidParameter", message, "youtube.parameter")
    return int(given)


def not_found(what: str, reason: str = "videoNotFound") -> Refused:
    return error(404, "youtube.video", reason, f"The {what} that you are trying to use cannot be found.")


def _check_standing(call: Call) -> None:
    match call.misfortune.fault if call.misfortune else None:
        case Fault.QUOTA_EXHAUSTED:
            raise Refused(refuse(Refusal.OVER_QUOTA))
        case Fault.ACCOUNT_ACTION:
            raise Refused(refuse(Refusal.APP_TOKEN))
        case _:
            return
