"""Serving the vendors of text: whose key it is, what has been ordered to go wrong, then the answer.

Keys of the sandbox's signed form name their owner, whose fault orders apply; any other key is taken and has
no owner. There is no account behind a key, so orders for one connection never match here.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from amp.sandbox.accounts import read_token
from amp.sandbox.faults import Fault, Misfortune, Step, befall
from amp.sandbox.serving import deliver
from amp.sandbox.vendor import Refusal, Refused, Sandbox
from amp.sandbox.wire import MEGABYTE, BodyTooLarge, Cut, read_body

_SIGNED = "sbx."

Model = TypeVar("Model", bound="Body")


@dataclass(frozen=True)
class Writer:
    """A vendor of text: where its key travels and how it says no."""

    name: str
    key: Callable[[Request], str | None]
    refuse: Callable[[Refusal], Response]
    check: Callable[[Request], None]
    """Raises Refused when a header of this vendor is missing."""


@dataclass(frozen=True)
class Ticket:
    """A request that may be answered."""

    body: bytes
    owner: str | None
    key: str


class Body(BaseModel):
    """A request body: known members only, and what is inside them as the vendor's clients send it."""

    model_config = ConfigDict(extra="forbid")


async def serve_writer(
    sandbox: Sandbox, writer: Writer, request: Request, write: Callable[[Ticket], Awaitable[Response]]
) -> Response:
    try:
        body = await read_body(request, MEGABYTE)
        ticket = _ticket(sandbox, writer, request, body)
        misfortune = await _misfortune(sandbox, writer, ticket)
        refusal = _objection(misfortune)
        if refusal is not None:
            return await deliver(writer.refuse(refusal), misfortune, writer.refuse)
        if misfortune and misfortune.fault is Fault.RESET_BEFORE:
            return Cut()
        writer.check(request)
        return await deliver(await write(ticket), misfortune, writer.refuse)
    except BodyTooLarge:
        return writer.refuse(Refusal.TOO_LARGE)
    except Refused as refused:
        return refused.response


def parse(ticket: Ticket, model: type[Model], complain: Callable[[str, str], Refused]) -> Model:
    """The body as `model`; `complain` turns a member's path and what is wrong with it into the vendor's error."""
    try:
        return model.model_validate_json(ticket.body)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(step) for step in first["loc"] if not str(step).startswith(("function-", "str", "list[")))
        raise complain(path, first["msg"]) from error


def texts_of(content: Any) -> str:
    """All text in a message's content, whether it is a string or a list of blocks."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    blocks = [cast(dict[str, Any], block) for block in cast(list[Any], content) if isinstance(block, dict)]
    return "\n".join(str(block["text"]) for block in blocks if isinstance(block.get("text"), str))


def json_error(body: dict[str, Any], status: int, **headers: str) -> Response:
    return JSONResponse(body, status, headers={name.replace("_", "-"): value for name, value in headers.items()})


def _ticket(sandbox: Sandbox, writer: Writer, request: Request, body: bytes) -> Ticket:
    key = writer.key(request)
    if not key:
        raise Refused(writer.refuse(Refusal.NO_TOKEN))
    if not key.startswith(_SIGNED):
        return Ticket(body, None, key)
    claims = read_token(sandbox.signing_key, key)
    if claims is None or claims.vendor != writer.name:
        raise Refused(writer.refuse(Refusal.UNKNOWN_TOKEN))
    return Ticket(body, claims.owner, key)


async def _misfortune(sandbox: Sandbox, writer: Writer, ticket: Ticket) -> Misfortune | None:
    if ticket.owner is None:
        return None
    async with sandbox.database.connected() as connection:
        return await befall(connection, ticket.owner, writer.name, None, Step.COMMIT)


def _objection(misfortune: Misfortune | None) -> Refusal | None:
    match misfortune.fault if misfortune else None:
        case Fault.RATE_LIMIT:
            return Refusal.RATE_LIMITED
        case Fault.RATE_LIMIT_NO_HEADERS:
            return Refusal.RATE_LIMITED_BARE
        case Fault.EXPIRED_TOKEN | Fault.REVOKED_TOKEN:
            return Refusal.UNKNOWN_TOKEN
        case _:
            return None
