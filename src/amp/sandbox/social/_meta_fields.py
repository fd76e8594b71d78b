"""`?fields=id,picture{url},comments.summary(true).limit(0)` and lists with cursors, as all of Meta's graphs do them."""

import base64
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast
from urllib.parse import urlencode

from starlette.responses import JSONResponse, Response

from amp.sandbox.social._meta_errors import failure, invalid
from amp.sandbox.social._meta_graph import parameters
from amp.sandbox.vendor import Call

_TOKEN = re.compile(r"\s*(?:(?P<name>[a-z_0-9]+)|\.(?P<modifier>[a-z_]+)\((?P<argument>[^()]*)\)|(?P<mark>[{},]))")
_MOST = 100

Item = TypeVar("Item")


@dataclass(frozen=True)
class Field:
    name: str
    modifiers: Mapping[str, str] = field(default_factory=dict[str, str])
    inner: Sequence["Field"] = ()


@dataclass(frozen=True)
class Edge:
    """A list that hangs on a node, asked for among its fields."""

    items: Sequence[Mapping[str, Any]]
    total: int


def asked(call: Call, default: str = "id") -> list[Field]:
    return parse(parameters(call).text("fields") or default)


def parse(text: str) -> list[Field]:
    tokens: list[re.Match[str]] = []
    position = 0
    while position < len(text.rstrip()):
        token = _TOKEN.match(text, position)
        if token is None:
            raise failure(2500, f"Syntax error at character {position}: {text[position : position + 10]}")
        tokens.append(token)
        position = token.end()
    fields, rest = _fields(tokens)
    if rest:
        raise failure(2500, "Syntax error: unbalanced braces in fields")
    return fields


def _fields(tokens: Sequence[re.Match[str]]) -> tuple[list[Field], Sequence[re.Match[str]]]:
    found: list[Field] = []
    while tokens and tokens[0]["mark"] != "}":
        token, tokens = tokens[0], tokens[1:]
        if token["name"]:
            found.append(Field(token["name"]))
        elif not found and token["mark"] != ",":
            raise failure(2500, "Syntax error: a field name was expected")
        elif token["modifier"]:
            modifiers = {**found[-1].modifiers, token["modifier"]: token["argument"]}
            found[-1] = Field(found[-1].name, modifiers, found[-1].inner)
        elif token["mark"] == "{":
            inner, tokens = _fields(tokens)
            if not tokens:
                raise failure(2500, "Syntax error: unbalanced braces in fields")
            found[-1] = Field(found[-1].name, found[-1].modifiers, inner)
            tokens = tokens[1:]
    return found, tokens


def select(fields: Sequence[Field], values: Mapping[str, Any], node: str) -> dict[str, Any]:
    """The fields that were asked for, and the id; what is not there is left out. Errors: 100 for a name that this
    kind of node does not know."""
    shown: dict[str, Any] = {}
    for wanted in (*fields, Field("id")):
        if wanted.name not in values:
            raise invalid(f"Tried accessing nonexisting field ({wanted.name}) on node type ({node})")
        value = _shown(wanted, values[wanted.name])
        if value is not None:
            shown[wanted.name] = value
    return shown


def _shown(wanted: Field, value: Any) -> Any:
    if isinstance(value, Edge):
        limit = wanted.modifiers.get("limit", "25")
        body: dict[str, Any] = {"data": [dict(item) for item in value.items[: int(limit) if limit.isdecimal() else 25]]}
        if wanted.modifiers.get("summary") in ("true", "1", "total_count"):
            body["summary"] = {"total_count": value.total}
        return body
    if wanted.inner and isinstance(value, dict):
        members = cast(dict[str, Any], value)
        names = {inner.name for inner in wanted.inner}
        if "data" in members:
            return {**members, "data": _narrowed(members["data"], names)}
        return _narrowed(members, names)
    return value


def _narrowed(value: Any, names: set[str]) -> Any:
    if isinstance(value, list):
        return [_narrowed(entry, names) for entry in cast(list[Any], value)]
    return {name: inner for name, inner in cast(dict[str, Any], value).items() if name in names}


async def listed(
    call: Call,
    items: Sequence[Item],
    id_of: Callable[[Item], str],
    show: Callable[[Item], Awaitable[dict[str, Any]]],
) -> Response:
    """One page of a list, with cursors and the address of the next."""
    given = parameters(call)
    limit = min(given.number("limit") or 25, _MOST)
    ids = [id_of(item) for item in items]
    start, stop = 0, len(items)
    if given.text("after"):
        start = _position(ids, given.text("after")) + 1
    elif given.text("before"):
        stop = _position(ids, given.text("before"))
        start = max(0, stop - limit)
    page = items[start : min(stop, start + limit)]
    body: dict[str, Any] = {"data": [await show(item) for item in page]}
    if page:
        cursors = {"before": _cursor(id_of(page[0])), "after": _cursor(id_of(page[-1]))}
        body["paging"] = {"cursors": cursors, **_neighbours(call, cursors, start > 0, start + len(page) < len(items))}
    return JSONResponse(body)


def _position(ids: Sequence[str], cursor: str) -> int:
    known = [_cursor(remote_id) for remote_id in ids]
    if cursor not in known:
        raise invalid("Invalid cursors values")
    return known.index(cursor)


def _cursor(remote_id: str) -> str:
    return base64.urlsafe_b64encode(f"QVFI{remote_id}".encode()).decode().rstrip("=")


def _neighbours(call: Call, cursors: Mapping[str, str], has_previous: bool, has_next: bool) -> dict[str, str]:
    """The addresses of the pages beside this one, as far as there are any."""
    path = f"{call.own_url}{call.request.url.path.removeprefix(call.request.scope['root_path'])}"
    query = {name: value for name, value in call.request.query_params.items() if name not in ("before", "after")}
    found: dict[str, str] = {}
    if has_previous:
        found["previous"] = f"{path}?{urlencode(query | {'before': cursors['before']})}"
    if has_next:
        found["next"] = f"{path}?{urlencode(query | {'after': cursors['after']})}"
    return found
