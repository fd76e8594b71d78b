"""The sandbox's own interface, for people and tests: the ledger, fault orders, and accounts for other programs.

Every call speaks for the owner of its key; nobody sees or disturbs another's world.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from amp.kit.errors import Invalid
from amp.kit.secrets import random_token
from amp.kit.sentences import sentence
from amp.sandbox.accounts import sandbox_client, sandbox_token
from amp.sandbox.faults import Fault, Order, cancel_orders, list_orders, place_order
from amp.sandbox.ledger import Post, list_public
from amp.sandbox.oauth import make_account
from amp.sandbox.tokens import Grant, forget_orders, issue
from amp.sandbox.vendor import Sandbox, SocialVendor
from amp.sandbox.wire import KILOBYTE, BodyTooLarge, read_body

_MOST_ROWS = 10_000

Model = TypeVar("Model", bound=BaseModel)
Handler = Callable[[Request, str], Awaitable[Response]]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FaultOrder(_Closed):
    """Exactly one fault, or a script of faults and `ok`s; how often: `rate`, `count`, or always."""

    vendor: str
    fault: Fault | None = None
    connection: Annotated[str, StringConstraints(max_length=200)] | None = None
    rate: Annotated[float, Field(ge=0, le=1)] | None = None
    count: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    script: Annotated[list[Fault | Literal["ok"]], Field(min_length=1, max_length=1000)] | None = None
    seconds: Annotated[float, Field(ge=0, le=86_400)] | None = None

    @model_validator(mode="after")
    def _says_what_and_how_often(self) -> "FaultOrder":
        if self.fault is None and self.script is None:
            raise ValueError("give a fault or a script")
        if sum(given is not None for given in (self.rate, self.count, self.script)) > 1:
            raise ValueError("give one of rate, count and script")
        return self


class NewAccount(_Closed):
    vendor: str
    handle: Annotated[str, StringConstraints(pattern=r"^[\w.-]{1,50}$")] | None = None
    scopes: Annotated[list[str], Field(max_length=50)] | None = None


def control_routes(sandbox: Sandbox, vendors: Mapping[str, SocialVendor], writers: frozenset[str]) -> list[Route]:
    """`writers` are the vendors that have keys and no accounts."""
    known = frozenset(vendors) | writers

    def owned(handle: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            return await handle(request, await sandbox.authorize(request))

        return endpoint

    async def ledger(request: Request, owner: str) -> Response:
        return await _ledger(sandbox, request, owner)

    async def order(request: Request, owner: str) -> Response:
        return await _order(sandbox, known, request, owner)

    async def orders(request: Request, owner: str) -> Response:
        async with sandbox.database.connected() as connection:
            found = await list_orders(connection, owner)
        return JSONResponse({"data": [_shown_order(one) for one in found]})

    async def cancel(request: Request, owner: str) -> Response:
        return await _cancel(sandbox, known, request, owner)

    async def account(request: Request, owner: str) -> Response:
        return await _account(sandbox, vendors, writers, request, owner)

    return [
        Route("/_ledger", owned(ledger), methods=["GET"]),
        Route("/_faults", owned(order), methods=["POST"]),
        Route("/_faults", owned(orders), methods=["GET"]),
        Route("/_faults", owned(cancel), methods=["DELETE"]),
        Route("/_accounts", owned(account), methods=["POST"]),
    ]


async def _ledger(sandbox: Sandbox, request: Request, owner: str) -> Response:
    query = _query(request, {"vendor", "account", "since"})
    since = _moment(query.get("since"))
    async with sandbox.database.connected() as connection:
        found = await list_public(
            connection,
            owner,
            vendor=query.get("vendor"),
            account=query.get("account"),
            since=since,
            limit=_MOST_ROWS + 1,
        )
    listed = [shown_post(post) for post in found[:_MOST_ROWS]]
    return JSONResponse({"data": listed, "has_more": len(found) > _MOST_ROWS})


async def _order(sandbox: Sandbox, known: frozenset[str], request: Request, owner: str) -> Response:
    wanted = await _parse(request, FaultOrder)
    _check_vendor(wanted.vendor, known)
    order = Order(
        vendor=wanted.vendor,
        fault=wanted.fault,
        connection=wanted.connection,
        rate=wanted.rate,
        count=wanted.count,
        script=tuple(str(step) for step in wanted.script) if wanted.script else None,
        seconds=wanted.seconds,
    )
    async with sandbox.database.connected() as connection:
        placed = await place_order(connection, owner, order, sandbox.clock.now())
    return JSONResponse(_shown_order(placed), 201)


async def _cancel(sandbox: Sandbox, known: frozenset[str], request: Request, owner: str) -> Response:
    """Orders end, and tokens that only an order had ended count again."""
    vendor = _query(request, {"vendor"}).get("vendor")
    if vendor is not None:
        _check_vendor(vendor, known)
    async with sandbox.database.connected() as connection:
        cancelled = await cancel_orders(connection, owner, vendor)
        await forget_orders(connection, owner, vendor)
    return JSONResponse({"cancelled": cancelled})


async def _account(
    sandbox: Sandbox, vendors: Mapping[str, SocialVendor], writers: frozenset[str], request: Request, owner: str
) -> Response:
    wanted = await _parse(request, NewAccount)
    _check_vendor(wanted.vendor, frozenset(vendors) | writers)
    if wanted.vendor in writers:
        return JSONResponse(_writer_key(sandbox, wanted.vendor, owner), 201)
    vendor = vendors[wanted.vendor]
    handle = wanted.handle or f"demo_{random_token(6).lower()}".replace("-", "_")
    scopes = frozenset(wanted.scopes) if wanted.scopes is not None else vendor.scopes
    async with sandbox.database.connected() as connection:
        made = await make_account(connection, owner, vendor.name, handle, vendor.account_id, sandbox.clock.now())
        client = sandbox_client(sandbox.signing_key, vendor=vendor.name, owner=owner, account=made.remote_id)
        grant = Grant(owner, vendor.name, made.remote_id, client.client_id, scopes, random_token(12))
        body = {
            "vendor": vendor.name,
            "account": made.remote_id,
            "handle": made.handle,
            "access_token": await issue(connection, sandbox.signing_key, grant, "access", vendor.access_lifetime),
            "client_id": client.client_id,
            "client_secret": client.secret,
        }
        if vendor.gives_refresh_tokens:
            body["refresh_token"] = await issue(connection, sandbox.signing_key, grant, "refresh", None)
    return JSONResponse(body, 201)


def _writer_key(sandbox: Sandbox, vendor: str, owner: str) -> dict[str, str]:
    """A vendor of text has no accounts: the key alone says whose orders apply."""
    key = sandbox_token(sandbox.signing_key, vendor=vendor, account="", handle="", name="", owner=owner, scopes=())
    return {"vendor": vendor, "account": "", "handle": "", "access_token": key}


def shown_post(post: Post) -> dict[str, Any]:
    return {
        "vendor": post.vendor,
        "account": post.account,
        "remote_id": post.remote_id,
        "kind": post.kind,
        "text": post.text,
        "media": list(post.media),
        "request_id": post.request_id,
        "created_at": _written(post.created_at),
        "deleted_at": _written(post.deleted_at) if post.deleted_at else None,
    }


def _shown_order(order: Order) -> dict[str, Any]:
    return {name: value for name, value in asdict(order).items() if value is not None}


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _query(request: Request, allowed: set[str]) -> dict[str, str]:
    unknown = sorted(set(request.query_params) - allowed)
    if unknown:
        raise Invalid(f"Unknown parameter: {unknown[0]}", param=unknown[0])
    return dict(request.query_params)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid("since must be an ISO 8601 time", param="since") from error
    if moment.tzinfo is None:
        raise Invalid("since must carry a zone, such as Z", param="since")
    return moment


async def _parse(request: Request, model: type[Model]) -> Model:
    try:
        return model.model_validate_json(await read_body(request, 64 * KILOBYTE))
    except BodyTooLarge as error:
        raise Invalid("The body is too large") from error
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(step) for step in first["loc"])
        raise Invalid(_complaint(path, {**first}), param=path or None) from error


def _complaint(path: str, wrong: Mapping[str, Any]) -> str:
    if wrong["type"] == "json_invalid":
        return "The body is not valid JSON"
    return sentence(f"'{path}'" if path else "The body", wrong)


def _check_vendor(name: str, known: frozenset[str]) -> None:
    if name not in known:
        raise Invalid(f"Unknown vendor; known are {', '.join(sorted(known))}", param="vendor")
