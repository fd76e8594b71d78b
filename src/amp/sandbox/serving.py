"""From a request to a vendor's answer: who calls, may they, what has been ordered to go wrong, and the work.

One transaction per request, never open while a body is read or an answer held back.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import anyio
from sqlalchemy import case
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from amp.sandbox.accounts import Account
from amp.sandbox.faults import Fault, Misfortune, befall
from amp.sandbox.skimming import Skim, skim_body
from amp.sandbox.tables import windows
from amp.sandbox.tokens import Bearer, Grant, end_by_order, find_bearer
from amp.sandbox.vendor import Call, Limit, Operation, Page, Quota, Refusal, Refused, Sandbox, SocialVendor, Window
from amp.sandbox.wire import BodyTooLarge, Cut, Garbage, Held, read_body

_FRESH = insert(windows)
_COUNT = _FRESH.on_conflict_do_update(
    index_elements=["owner", "vendor", "account", "bucket"],
    set_={
        "opened_at": _FRESH.excluded.opened_at,
        "used": _FRESH.excluded.used
        + case((windows.c.opened_at == _FRESH.excluded.opened_at, windows.c.used), else_=0),
    },
).returning(windows.c.used)


def routes_of(sandbox: Sandbox, vendor: SocialVendor) -> list[Route]:
    return [_route(sandbox, vendor, entry) for entry in vendor.routes]


def _route(sandbox: Sandbox, vendor: SocialVendor, entry: Operation | Page) -> Route:
    async def endpoint(request: Request) -> Response:
        if isinstance(entry, Page):
            return await entry.answer(sandbox, request)
        return await serve(sandbox, vendor, entry, request)

    return Route(entry.path, endpoint, methods=[entry.method])


@dataclass(frozen=True)
class Outcome:
    """What came of a request, before an order takes its answer away."""

    response: Response
    misfortune: Misfortune | None = None
    window: Window | None = None


@dataclass(frozen=True)
class Brought:
    """What a request came with: its body, or what a skimmed one was, and what had to be got from elsewhere."""

    body: bytes = b""
    skim: Skim | None = None
    things: object = None


async def serve(sandbox: Sandbox, vendor: SocialVendor, operation: Operation, request: Request) -> Response:
    try:
        brought = await _read(operation, request)
    except BodyTooLarge:
        return vendor.dress(vendor.refuse(Refusal.TOO_LARGE), None)
    request.state.body = brought.body
    if operation.bring:
        things = await _bring(sandbox, vendor, operation, request, brought.body)
        brought = replace(brought, things=things)
    async with sandbox.database.connected() as connection:
        outcome = await _attend(sandbox, vendor, operation, request, brought, connection)

    def refuse(refusal: Refusal) -> Response:
        return vendor.dress(vendor.refuse(refusal), outcome.window)

    return await deliver(outcome.response, outcome.misfortune, refuse)


async def deliver(response: Response, misfortune: Misfortune | None, refuse: Callable[[Refusal], Response]) -> Response:
    """Hand over the answer, or what an order left of it. Only an accepted request can lose its answer."""
    if misfortune is None:
        return response
    accepted = response.status_code < 300
    match misfortune.fault:
        case Fault.SLOW:
            await anyio.sleep(misfortune.seconds)
            return response
        case Fault.RESET_BEFORE:
            return Cut()
        case Fault.MALFORMED:
            return Garbage(response.status_code)
        case Fault.ACCEPT_THEN_TIMEOUT if accepted:
            return Held(misfortune.seconds)
        case Fault.ACCEPT_THEN_500 if accepted:
            return refuse(Refusal.BROKEN)
        case Fault.ACCEPT_THEN_RESET if accepted:
            return Cut()
        case _:
            return response


async def _attend(
    sandbox: Sandbox,
    vendor: SocialVendor,
    operation: Operation,
    request: Request,
    brought: Brought,
    connection: AsyncConnection,
) -> Outcome:
    now = sandbox.clock.now()
    try:
        bearer = await _identify(sandbox, vendor, operation, request, brought.body, connection)
    except Refused as refused:
        return Outcome(vendor.dress(refused.response, None))
    if isinstance(bearer, Refusal):
        window = _untouched(operation.limit, now)
        return Outcome(vendor.dress(vendor.refuse(bearer), window))
    account = bearer.account
    misfortune = await befall(connection, account.owner, vendor.name, account, operation.step_of(request))
    window = await _count(connection, account, operation, now)
    quota = await _spend(connection, bearer.grant, operation.quota, now)
    refusal = await _objection(connection, bearer, operation, misfortune, window)
    if refusal is None and quota and quota.used > quota.limit:
        refusal = Refusal.OVER_QUOTA
    if refusal is Refusal.RATE_LIMITED_BARE:
        return Outcome(vendor.refuse(refusal), misfortune, window)
    if refusal is Refusal.RATE_LIMITED and window:
        window = replace(window, used=window.limit)
    if refusal is not None:
        response = vendor.dress(vendor.refuse(refusal), window)
        return Outcome(vendor.dress_quota(response, quota), misfortune, window)
    call = Call(
        sandbox=sandbox,
        request=request,
        body=brought.body,
        connection=connection,
        account=account,
        scopes=bearer.grant.scopes,
        now=now,
        misfortune=misfortune,
        brought=brought.things,
        skim=brought.skim,
    )
    response = vendor.dress(await _perform(operation, call), window)
    return Outcome(vendor.dress_quota(response, quota), misfortune, window)


async def _read(operation: Operation, request: Request) -> Brought:
    if operation.skims(request):
        return Brought(skim=await skim_body(request, operation.max_body))
    return Brought(await read_body(request, operation.max_body))


async def _bring(sandbox: Sandbox, vendor: SocialVendor, operation: Operation, request: Request, body: bytes) -> object:
    """Strangers cannot make the vendor run errands."""
    async with sandbox.database.connected() as connection:
        bearer = await _identify(sandbox, vendor, operation, request, body, connection)
    if isinstance(bearer, Refusal) or operation.bring is None:
        return None
    return await operation.bring(sandbox, request, body)


async def _identify(
    sandbox: Sandbox,
    vendor: SocialVendor,
    operation: Operation,
    request: Request,
    body: bytes,
    connection: AsyncConnection,
) -> Bearer | Refusal:
    """Whose token this is, if it still counts."""
    token = await vendor.token_of(request, body)
    if operation.identify is not None:
        bearer = await operation.identify(sandbox, request, connection)
    elif token is not None:
        bearer = await find_bearer(connection, sandbox.signing_key, vendor.name, token, sandbox.clock.now())
    else:
        return Refusal.NO_TOKEN
    if bearer is None:
        return Refusal.UNKNOWN_TOKEN
    if bearer.ended is not None:
        return Refusal.EXPIRED_TOKEN if bearer.ended == "expired" else Refusal.REVOKED_TOKEN
    return bearer


async def _perform(operation: Operation, call: Call) -> Response:
    """Nothing is done when the connection is to break before."""
    if call.misfortune and call.misfortune.fault is Fault.RESET_BEFORE:
        return Cut()
    try:
        return await operation.perform(call)
    except Refused as refused:
        return refused.response


async def _objection(
    connection: AsyncConnection,
    bearer: Bearer,
    operation: Operation,
    misfortune: Misfortune | None,
    window: Window | None,
) -> Refusal | None:
    """Why this caller is turned away before the operation is looked at."""
    fault = misfortune.fault if misfortune else None
    if fault is Fault.EXPIRED_TOKEN or fault is Fault.REVOKED_TOKEN:
        how = "expired" if fault is Fault.EXPIRED_TOKEN else "revoked"
        await end_by_order(connection, bearer, how)
        return Refusal.EXPIRED_TOKEN if how == "expired" else Refusal.REVOKED_TOKEN
    if not bearer.account.remote_id:
        return Refusal.APP_TOKEN
    if fault is Fault.RATE_LIMIT_NO_HEADERS:
        return Refusal.RATE_LIMITED_BARE
    if fault is Fault.RATE_LIMIT or (window and window.used > window.limit):
        return Refusal.RATE_LIMITED
    if not operation.scopes <= bearer.grant.scopes:
        return Refusal.MISSING_SCOPE
    return None


async def _count(connection: AsyncConnection, account: Account, operation: Operation, now: datetime) -> Window | None:
    """Count this call in its window. Calls of one account to one operation queue up here until they commit,
    which is also what makes two identical posts at one moment see each other."""
    if operation.limit is None:
        return None
    opened_at = _opening(operation.limit.window, now)
    row = {
        "owner": account.owner,
        "vendor": account.vendor,
        "account": account.remote_id,
        "bucket": f"{operation.method} {operation.path}",
        "opened_at": opened_at,
        "used": 1,
    }
    used = (await connection.execute(_COUNT, row)).scalar_one()
    return Window(operation.limit.calls, used, opened_at + operation.limit.window)


async def _spend(connection: AsyncConnection, grant: Grant, quota: Quota | None, now: datetime) -> Window | None:
    """Count this call against what its app has, whether or not it will be valid."""
    if quota is None:
        return None
    opened_at = _opening(quota.window, now, quota.zone)
    row = {
        "owner": grant.owner,
        "vendor": grant.vendor,
        "account": f"app {hashlib.sha256(grant.client.encode()).hexdigest()[:16]}",
        "bucket": quota.bucket,
        "opened_at": opened_at,
        "used": quota.cost,
    }
    used = (await connection.execute(_COUNT, row)).scalar_one()
    return Window(quota.units, used, opened_at + quota.window, quota.window)


def _untouched(limit: Limit | None, now: datetime) -> Window | None:
    return limit and Window(limit.calls, 0, _opening(limit.window, now) + limit.window)


def _opening(window: timedelta, now: datetime, zone: str = "UTC") -> datetime:
    """Windows start at multiples of their length since 1970, a day at midnight UTC; elsewhere at midnight there."""
    if zone != "UTC":
        return now.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    seconds = window.total_seconds()
    return datetime.fromtimestamp(now.timestamp() // seconds * seconds, UTC)
