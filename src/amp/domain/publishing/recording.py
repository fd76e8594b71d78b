"""Writing down what happens to deliveries: many in one round trip, each by the holder of its fence.

A process has one `Recorder`. What its deliveries write while a round trip is under way goes out together with the
next one, so a rush costs the database few transactions, and a single post does not wait.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import structlog
from pydantic_core import to_json
from sqlalchemy import text

from amp.domain.publishing.claiming import Claimed
from amp.domain.publishing.port import LeaseLost
from amp.engine.jobs import REGISTRY, Message, to_wire
from amp.engine.unit_of_work import UnitsOfWork
from amp.kit.clock import real_now
from amp.kit.errors import Unavailable
from amp.kit.ids import new_id

Answer = TypeVar("Answer")

WRITERS = 2
_AT_ONCE = 128
_ASK_AGAIN_SECONDS = 0.5
_RECORD = text("SELECT record_deliveries(CAST(:writes AS jsonb)) AS written")


@dataclass
class Recorder:
    units: UnitsOfWork
    _waiting: list[tuple[dict[str, Any], asyncio.Future[bool]]] = field(default_factory=list[Any])
    _writers: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    async def write(self, write: dict[str, Any]) -> bool:
        """False: another worker holds the delivery now, and nothing was written. Errors: Unavailable."""
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((write, written))
        if len(self._writers) < WRITERS:
            writer = asyncio.create_task(self._write_all())
            self._writers.add(writer)
            writer.add_done_callback(self._writers.discard)
        return await written

    async def _write_all(self) -> None:
        while self._waiting:
            some, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
            (answer,) = await asyncio.gather(self._send([write for write, _ in some]), return_exceptions=True)
            if isinstance(answer, BaseException) and len(some) > 1 and not isinstance(answer, Unavailable):
                for one in some:  # one of them is at fault: let it not take the others along
                    (alone,) = await asyncio.gather(self._send([one[0]]), return_exceptions=True)
                    _tell(one, alone)
            else:
                for one in some:
                    _tell(one, answer)

    async def _send(self, writes: list[dict[str, Any]]) -> frozenset[str]:
        """The ids of those that were written."""
        row = await self.units.database.system_statement(_RECORD, {"writes": to_json(writes).decode()})
        return frozenset(row.written if row else ())


def _tell(one: tuple[dict[str, Any], asyncio.Future[bool]], answer: frozenset[str] | BaseException) -> None:
    write, written = one
    if written.done():
        return
    if isinstance(answer, BaseException):
        written.set_exception(answer)
    else:
        written.set_result(str(write["id"]) in answer)


class Log:
    """The record of one claimed delivery: its timeline, and its row as far as we may write it."""

    def __init__(self, recorder: Recorder, claimed: Claimed) -> None:
        self._recorder = recorder
        self._claimed = claimed
        self._lease_until = claimed.lease_until
        self._events: list[dict[str, Any]] = []

    def note(self, kind: str, **detail: Any) -> None:
        """Add to the timeline with the next write. Never pass a token or a whole vendor answer."""
        self._events.append(
            {
                "id": new_id(),
                "at": self._recorder.units.clock.now(),
                "kind": kind,
                "detail": {name: _plain(value) for name, value in detail.items() if value is not None},
                "request_id": structlog.contextvars.get_contextvars().get("request_id"),
            }
        )

    async def write(self, *, until: datetime, **changes: Any) -> None:
        """Commit `changes` of the row and what was noted, and go on holding it until `until` (real time).

        Errors: LeaseLost; Unavailable when the database stays away for as long as the lease lasts."""
        await self._send({**changes, "lease_until": until})
        self._lease_until = until

    async def conclude(self, *, tell: Message | None = None, **changes: Any) -> None:
        """Commit `changes` and what was noted, and let go; the post's own status follows. `tell` is announced."""
        jobs = _jobs(tell) if tell else []
        await self._send({**changes, "lease_until": None}, settle=True, jobs=jobs)

    async def _send(self, changes: dict[str, Any], **more: Any) -> None:
        claimed, now = self._claimed, self._recorder.units.clock.now()
        write = {
            "workspace_id": claimed.workspace_id,
            "id": claimed.id,
            "post_id": claimed.post_id,
            "fence": claimed.fence,
            "at": now,
            "changes": {**{name: _plain(value) for name, value in changes.items()}, "updated_at": now},
            "events": self._events,
            **more,
        }
        if not await self.insist(lambda: self._recorder.write(write)):
            raise LeaseLost
        self._events = []

    async def insist(self, work: Callable[[], Awaitable[Answer]]) -> Answer:
        """`insist` for as long as the lease lasts."""
        return await insist(work, self._lease_until)


async def insist(work: Callable[[], Awaitable[Answer]], until: datetime) -> Answer:
    """What a vendor has answered is known here only: a database that is away is no reason to forget it before `until`
    (real time), when others may be at it. `work` is done again. Errors: Unavailable."""
    while True:
        try:
            return await work()
        except Unavailable:
            if real_now() >= until:
                raise
            await asyncio.sleep(_ASK_AGAIN_SECONDS)


def _plain(value: Any) -> Any:
    """PostgreSQL's text has no NUL, and a vendor's words might."""
    return value.replace("\0", "") if isinstance(value, str) else value


def _jobs(event: Message) -> list[dict[str, Any]]:
    args = {"message": to_wire(event), "request_id": structlog.contextvars.get_contextvars().get("request_id")}
    return [{"task_name": handler.name, "args": args} for handler in REGISTRY.of(type(event))]
