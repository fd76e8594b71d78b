"""What every call to one of Meta's graphs has in common: where the token is, where parameters are, which versions
there are, and ids as Meta makes them."""

import base64
import json
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response

from amp.sandbox.social._meta_errors import failure, gone, invalid, unknown_path
from amp.sandbox.vendor import Call, Operation, Page, Refused, Sandbox
from amp.sandbox.wire import BadForm, media_type, parse_form

GRAPH_VERSIONS = frozenset(f"v{number}.0" for number in range(21, 27))
"""A version lives for about two years; the newest in November 2026 is v26.0."""

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class _Version(Convertor[str]):
    regex = r"v[0-9]+\.[0-9]+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


class _Slash(_Version):
    regex = "/?"


register_url_convertor("graph_version", _Version())
register_url_convertor("graph_slash", _Slash())


@dataclass(frozen=True)
class Parameters:
    """Of one request, however they came: query, form or JSON. Nested values are JSON texts, as in a query."""

    fields: Mapping[str, str]
    files: Mapping[str, bytes]

    def text(self, name: str, default: str = "") -> str:
        return self.fields.get(name, default)

    def required(self, name: str) -> str:
        if not self.fields.get(name):
            raise invalid(f"The parameter {name} is required")
        return self.fields[name]

    def flag(self, name: str, *, default: bool = False) -> bool:
        given = self.fields.get(name, "").lower()
        if given not in ("", "true", "false", "1", "0"):
            raise invalid(f"Param {name} must be a boolean")
        return given in ("true", "1") if given else default

    def number(self, name: str) -> int | None:
        given = self.fields.get(name)
        if given is None:
            return None
        if not given.isdecimal():
            raise invalid(f"Param {name} must be an integer")
        return int(given)

    def choice(self, name: str, known: Iterable[str], default: str) -> str:
        """One of a set of names, in any case."""
        given, known = self.fields.get(name, default).upper(), list(known)
        if given not in known:
            raise invalid(f"Param {name} must be one of {{{', '.join(known)}}}")
        return given

    def members(self, name: str) -> dict[str, Any]:
        """A JSON object; nothing is an empty one."""
        found = _decoded(name, self.fields.get(name) or "{}")
        if not isinstance(found, dict):
            raise invalid(f"Param {name} must be a JSON object")
        return cast(dict[str, Any], found)

    def listed(self, name: str) -> list[Any]:
        """A JSON array, the same spelled `name[0]=..&name[1]=..`, or plain ids with commas between."""
        indexed = [value for key, value in self.fields.items() if key.startswith(f"{name}[") and key.endswith("]")]
        given = self.fields.get(name, "")
        if not given.startswith("["):
            return [_decoded(name, entry) for entry in indexed or filter(None, given.split(","))]
        found = _decoded(name, given)
        return cast(list[Any], found)


def _decoded(name: str, text: str) -> Any:
    if not text.startswith(("[", "{", '"')):
        return text.strip()
    try:
        return json.loads(text)
    except ValueError as error:
        raise invalid(f"Param {name} must be valid JSON") from error


async def parameters_of(request: Request, body: bytes) -> Parameters:
    """Read once per request."""
    known: Parameters | None = getattr(request.state, "parameters", None)
    if known is None:
        known = request.state.parameters = await _parameters(request, body)
    return known


async def _parameters(request: Request, body: bytes) -> Parameters:
    fields, files = dict(request.query_params), dict[str, bytes]()
    try:
        if body and media_type(request) in _FORMS:
            form = await parse_form(request, body)
            fields, files = fields | dict(form.fields), dict(form.files)
        elif body and media_type(request) == "application/json":
            fields |= _flattened(json.loads(body))
    except (BadForm, ValueError):
        pass  # what cannot be read says nothing: the parameters are missed where they are required
    return Parameters(fields, files)


def _flattened(body: Any) -> dict[str, str]:
    if not isinstance(body, dict):
        return {}
    members = cast(dict[str, Any], body)
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in members.items()}


def parameters(call: Call) -> Parameters:
    """Of a call whose token has been looked for, which is where they are read first."""
    return call.request.state.parameters


def parameters_read(request: Request) -> Parameters:
    """The same where only the request is at hand: while it is asked which step it is."""
    return request.state.parameters


async def token_of(request: Request, body: bytes) -> str | None:
    """In the query, the form, or the header, as `Bearer` or `OAuth`. Uploads of bytes take it as `OAuth` only."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    given = (await parameters_of(request, body)).fields.get("access_token")
    if "-upload/" in request.url.path or "/upload:" in request.url.path:
        return token.strip() or None if scheme == "OAuth" else None
    if given:
        return given
    return token.strip() or None if scheme.lower() in ("bearer", "oauth") else None


def versioned(known: frozenset[str], entries: Iterable[Operation | Page]) -> tuple[Operation | Page, ...]:
    """Every path with a version before it, and without one; with a slash behind it (as Meta's own client writes it),
    and without."""
    entries = tuple(replace(entry, path=f"{entry.path}{{slash:graph_slash}}") for entry in entries)
    return (*(_with_version(known, entry) for entry in entries), *entries)


def _with_version(known: frozenset[str], entry: Operation | Page) -> Operation | Page:
    path = f"/{{version:graph_version}}{entry.path}"
    if isinstance(entry, Page):
        return replace(entry, path=path, answer=_checked_page(known, entry.answer))
    return replace(entry, path=path, perform=_checked(known, entry.perform))


def _checked(known: frozenset[str], perform: Callable[[Call], Awaitable[Response]]) -> Any:
    async def checked(call: Call) -> Response:
        _check_version(known, call.request)
        return await perform(call)

    return checked


def _checked_page(known: frozenset[str], answer: Callable[[Sandbox, Request], Awaitable[Response]]) -> Any:
    async def checked(sandbox: Sandbox, request: Request) -> Response:
        try:
            _check_version(known, request)
        except Refused as refused:
            return refused.response
        return await answer(sandbox, request)

    return checked


def _check_version(known: frozenset[str], request: Request) -> None:
    if request.path_params["version"] not in known:
        raise unknown_path(f"/{request.path_params['version']}")


def check_is_caller(call: Call, *more: str) -> None:
    """One acts for oneself: by one's id, or as `me`."""
    given = call.request.path_params.get("id", "me")
    if given not in ("me", call.account.remote_id, *more):
        raise gone(given, call.request.method.lower())


def random_id(prefix: str, digits: int) -> str:
    return prefix + str(secrets.randbelow(10 ** (digits - len(prefix)))).zfill(digits - len(prefix))


def shortcode(remote_id: str) -> str:
    """An id as it stands in an address."""
    number = int(remote_id) if remote_id.isdecimal() else 0
    raw = number.to_bytes(9).lstrip(b"\0")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def moment(call: Call, name: str) -> datetime | None:
    """Seconds since 1970, or a time as people write it."""
    given = parameters(call).fields.get(name)
    if not given:
        return None
    try:
        if given.isdecimal():
            return datetime.fromtimestamp(int(given), UTC)
        found = datetime.fromisoformat(given)
    except (ValueError, OverflowError) as error:
        raise invalid(f"Param {name} must be a unix timestamp or a date") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def as_number(remote_id: str) -> int | str:
    """Ids of users are numbers in some answers, larger than a double holds exactly."""
    return int(remote_id) if remote_id.isdecimal() else remote_id


def broken_app(message: str) -> Refused:
    """An app that cannot prove itself."""
    return failure(101, message)
