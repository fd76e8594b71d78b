"""Ordered misfortune: what goes wrong, for whom, how often.

An order belongs to an owner and a vendor. Each request that an order could hit *asks* it; the count of askings
is kept in PostgreSQL, so several server processes share one script. Orders are asked oldest first, and
the first that says yes decides.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, auto
from typing import Any

from sqlalchemy import Row, bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from amp.sandbox.accounts import Account
from amp.sandbox.tables import faults


class Step(StrEnum):
    """What a request does at the vendor, as far as faults care."""

    PLAIN = "plain"
    COMMIT = "commit"  # makes something public
    PROCESS = "process"  # hands over media that the vendor then works on
    RELEASE = "release"  # both at once: public as soon as the vendor has worked on it
    BEGIN = "begin"  # announces media for a post: the vendor says whether it takes any more today


class Fault(StrEnum):
    ACCEPT_THEN_TIMEOUT = auto()
    ACCEPT_THEN_500 = auto()
    ACCEPT_THEN_RESET = auto()
    RATE_LIMIT = auto()
    RATE_LIMIT_NO_HEADERS = auto()
    EXPIRED_TOKEN = auto()
    REVOKED_TOKEN = auto()
    RESET_BEFORE = auto()
    SLOW = auto()
    PROCESSING_FAILED = auto()
    PROCESSING_SLOW = auto()
    DUPLICATE = auto()
    MALFORMED = auto()
    QUOTA_EXHAUSTED = auto()  # no more posts today
    ACCOUNT_ACTION = auto()  # the account's owner must do something at the vendor first: confirm an identity, say
    UNREVIEWED_APP = auto()  # the app has not passed the vendor's review
    LISTING_LAG = auto()  # listings do not show the latest posts yet
    PARTIAL_CHUNK = auto()  # of a part that was sent, the vendor keeps the first half


_ORDERS = (
    select(faults)
    .where(faults.c.owner == bindparam("owner"), faults.c.vendor == bindparam("vendor"))
    .order_by(faults.c.id)
)
_COMMITS = frozenset({Step.COMMIT, Step.RELEASE})
_PROCESSES = frozenset({Step.PROCESS, Step.RELEASE})
_BEGINS = frozenset({Step.BEGIN}) | _COMMITS
_ONLY_AT = {
    Fault.ACCEPT_THEN_TIMEOUT: _COMMITS,
    Fault.ACCEPT_THEN_500: _COMMITS,
    Fault.ACCEPT_THEN_RESET: _COMMITS,
    Fault.DUPLICATE: _COMMITS,
    Fault.QUOTA_EXHAUSTED: _BEGINS,
    Fault.ACCOUNT_ACTION: _BEGINS,
    Fault.UNREVIEWED_APP: frozenset[Step](),  # how things stand (see `standing`), not what hits a request
    Fault.LISTING_LAG: frozenset[Step](),
    Fault.PARTIAL_CHUNK: frozenset[Step](),
    Fault.PROCESSING_FAILED: _PROCESSES,
    Fault.PROCESSING_SLOW: _PROCESSES,
}
_SECONDS = {Fault.ACCEPT_THEN_TIMEOUT: 40.0, Fault.SLOW: 5.0, Fault.PROCESSING_SLOW: 600.0, Fault.LISTING_LAG: 30.0}


@dataclass(frozen=True)
class Order:
    """`rate`, `count` and `script` say how often; with none of them it is always."""

    vendor: str
    fault: Fault | None
    connection: str | None = None
    rate: float | None = None
    count: int | None = None
    script: tuple[str, ...] | None = None
    seconds: float | None = None
    id: int = 0
    asked: int = 0

    def can_hit(self, step: Step) -> bool:
        """Scripts run over the requests that commit; other orders where their fault makes sense."""
        if self.script is not None:
            return step in _COMMITS
        return self.fault is not None and step in _ONLY_AT.get(self.fault, {step})

    def concerns(self, account: Account | None) -> bool:
        if self.connection is None:
            return True
        return account is not None and self.connection in (account.remote_id, account.handle)

    @property
    def is_spent(self) -> bool:
        return self.count is not None and self.script is None and self.asked >= self.count


@dataclass(frozen=True)
class Misfortune:
    """A fault that hits this request; `seconds` is how long it holds or delays: real time, but virtual time for
    processing."""

    fault: Fault
    seconds: float


def decide(order: Order, asked: int) -> Misfortune | None:
    """What the `asked`-th asking of an order gives, counted from 1; 0 means that it was cancelled a moment ago.
    Chance is drawn from the order itself, so that a run can be repeated."""
    fault = _scripted(order.script, asked) if order.script is not None else order.fault
    if fault is None or not _is_due(order, asked):
        return None
    return Misfortune(fault, order.seconds if order.seconds is not None else _SECONDS.get(fault, 0.0))


def _scripted(script: Sequence[str], asked: int) -> Fault | None:
    name = script[(asked - 1) % len(script)]
    return None if name == "ok" else Fault(name)


def _is_due(order: Order, asked: int) -> bool:
    if order.count is not None and asked > order.count:
        return False
    if order.rate is not None and _chance(order, asked) >= order.rate:
        return False
    return asked > 0


async def befall(
    connection: AsyncConnection, owner: str, vendor: str, account: Account | None, step: Step
) -> Misfortune | None:
    """Ask the orders that could hit this request."""
    for row in await connection.execute(_ORDERS, {"owner": owner, "vendor": vendor}):
        order = _order_of(row)
        if order.is_spent or not order.can_hit(step) or not order.concerns(account):
            continue
        misfortune = decide(order, await _ask(connection, order.id))
        if misfortune is not None:
            return misfortune
    return None


async def standing(connection: AsyncConnection, account: Account, fault: Fault) -> Misfortune | None:
    """How things stand by order, for operations that ask for it themselves. No other order is kept from its hit."""
    for row in await connection.execute(_ORDERS, {"owner": account.owner, "vendor": account.vendor}):
        order = _order_of(row)
        if order.fault is not fault or order.is_spent or not order.concerns(account):
            continue
        misfortune = decide(order, await _ask(connection, order.id))
        if misfortune is not None:
            return misfortune
    return None


async def place_order(connection: AsyncConnection, owner: str, order: Order, now: datetime) -> Order:
    row = {
        "owner": owner,
        "vendor": order.vendor,
        "fault": order.fault,
        "connection": order.connection,
        "rate": order.rate,
        "times": order.count,
        "script": list(order.script) if order.script else None,
        "seconds": order.seconds,
        "asked": 0,
        "created_at": now,
    }
    return _order_of((await connection.execute(insert(faults).values(row).returning(faults))).one())


async def list_orders(connection: AsyncConnection, owner: str) -> Sequence[Order]:
    query = select(faults).where(faults.c.owner == owner).order_by(faults.c.id)
    return [_order_of(row) for row in await connection.execute(query)]


async def cancel_orders(connection: AsyncConnection, owner: str, vendor: str | None) -> int:
    query = delete(faults).where(faults.c.owner == owner)
    if vendor is not None:
        query = query.where(faults.c.vendor == vendor)
    return (await connection.execute(query)).rowcount


async def _ask(connection: AsyncConnection, order_id: int) -> int:
    """Which asking this is. The row stays locked until the request's transaction ends, so scripts run in order."""
    query = update(faults).where(faults.c.id == order_id).values(asked=faults.c.asked + 1)
    return (await connection.execute(query.returning(faults.c.asked))).scalar_one_or_none() or 0


def _chance(order: Order, asked: int) -> float:
    seed = f"{order.id}/{order.vendor}/{order.fault}/{asked}".encode()
    return int.from_bytes(hashlib.sha256(seed).digest()[:8]) / 2**64


def _order_of(row: Row[Any]) -> Order:
    return Order(
        vendor=row.vendor,
        fault=Fault(row.fault) if row.fault else None,
        connection=row.connection,
        rate=row.rate,
        count=row.times,
        script=tuple(row.script) if row.script else None,
        seconds=row.seconds,
        id=row.id,
        asked=row.asked,
    )
